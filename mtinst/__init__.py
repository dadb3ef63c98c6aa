"""Hear what a song is made of: its instruments, their notes, and each part again on its own.

>>> from mtinst import Transcriber
>>> transcription = Transcriber.load().transcribe("song.mp3")  # doctest: +SKIP
>>> transcription.instruments, transcription.to_midi().write("song.mid")  # doctest: +SKIP
"""

from mtinst.version import __version__

__all__ = ["Transcriber", "Transcription", "__version__"]


def __getattr__(name: str) -> object:
    """Import the pipeline, and with it PyTorch, only when it is asked for."""
    if name in ("Transcriber", "Transcription"):
        from mtinst import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
