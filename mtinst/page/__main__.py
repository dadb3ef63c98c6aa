"""``mtinst-page``: serve the page, see :mod:`mtinst.page.app`."""

import argparse
import gc
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from mtinst.version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="mtinst-page",
        description="Serve the page on http://127.0.0.1:7860, or where HOST and PORT in the environment say.",
    )
    parser.add_argument("--version", action="version", version=f"mtinst {__version__}")
    parser.parse_args(arguments)
    if find_spec("gradio") is None:
        print("The page needs Gradio: install mtinst[page] or requirements.txt", file=sys.stderr)
        return 2
    gc.disable()  # Gradio is thousands of modules' worth of objects, none of them garbage: to look costs a tenth
    from mtinst.page import app

    gc.freeze()
    gc.enable()
    return app.main()


if __name__ == "__main__":
    sys.exit(main())
