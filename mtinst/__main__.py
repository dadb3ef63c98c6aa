"""The command: see :mod:`mtinst.cli`."""

import os
import sys

# NumPy multiplies no large matrices here, and the threads that it would have for that spin for a tenth of a second.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from mtinst.cli import main

if __name__ == "__main__":
    sys.exit(main())
