"""Hear what a song is made of: nine instruments, their notes, and each part again on its own.

>>> from mtinst import Transcriber
>>> transcription = Transcriber.load().transcribe("song.mp3")  # doctest: +SKIP
>>> transcription.instruments, transcription.to_midi().write("song.mid")  # doctest: +SKIP
"""

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtinst.pipeline import Transcriber, Transcription

__all__ = ["Transcriber", "Transcription"]


def __getattr__(name: str) -> object:
    """Import the pipeline, and with it PyTorch, only when it is asked for."""
    if name in __all__:
        from mtinst import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _let_numba_cache() -> None:
    """See that numba, with which librosa compiles, has a folder to write to: without one librosa cannot be imported.

    By itself it tries beside librosa, then the user's cache folder. Where neither can be written, as in a locked-down
    container, it gets a temporary folder.
    """
    librosa = find_spec("librosa")
    if "NUMBA_CACHE_DIR" in os.environ or librosa is None or librosa.origin is None:
        return
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser(), "numba")
    for folder in (Path(librosa.origin).parent, user_cache):
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if os.access(existing, os.W_OK):
            return
    os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="mtinst-numba-")


_let_numba_cache()
