"""Hear what a song is made of: its instruments, their notes, and each part again on its own.

>>> from mtinst import Transcriber
>>> transcription = Transcriber.load().transcribe("song.mp3")  # doctest: +SKIP
>>> transcription.instruments, transcription.to_midi().write("song.mid")  # doctest: +SKIP
"""

import atexit
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from mtinst.version import __version__

__all__ = ["Transcriber", "Transcription", "__version__"]


def __getattr__(name: str) -> object:
    """Import the pipeline, and with it PyTorch, only when it is asked for."""
    if name in ("Transcriber", "Transcription"):
        from mtinst import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _let_numba_cache() -> None:
    """See that numba, with which librosa compiles, has a folder to write to: without one librosa cannot be imported.

    By itself it tries beside librosa, then the user's cache folder. Where neither can be written, as in a locked-down
    container, it gets a temporary folder, which goes when the program ends.
    """
    librosa = find_spec("librosa")
    if "NUMBA_CACHE_DIR" in os.environ or librosa is None or librosa.origin is None:
        return
    # `os.path` because `pathlib` fails where there is no home, or one that may not be looked at.
    user_cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    for folder in filter(Path.is_absolute, (Path(librosa.origin).parent, Path(user_cache, "numba"))):
        existing = next(place for place in (folder, *folder.parents) if os.path.exists(place))  # noqa: PTH110
        if os.access(existing, os.W_OK):
            return
    own = os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="mtinst-numba-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)


_let_numba_cache()
