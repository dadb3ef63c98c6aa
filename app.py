"""The page from a checkout: `python app.py` does what `mtinst-page` does where mtinst is installed."""

import sys

from mtinst.page.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
