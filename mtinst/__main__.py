"""``python -m mtinst``: see :mod:`mtinst.cli`."""

import sys

from mtinst.cli import main

if __name__ == "__main__":
    sys.exit(main())
