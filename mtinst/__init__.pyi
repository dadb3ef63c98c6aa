from mtinst.pipeline import Transcriber, Transcription
from mtinst.version import __version__

__all__ = ["Transcriber", "Transcription", "__version__"]
