"""The page as `mtinst-page` serves it, with a network that stands still for as long as a test wants.

``python -m tests.e2e.serve FILE``: while FILE exists, each song stays at the window that it has come to, and says so
again and again as a very slow network would. So a test can look at, stop or replace work that is certainly going on,
on any machine. While FILE with ``.write`` after it exists, what is being written to the cache stays half written.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mtinst.hear import windows
from mtinst.page import app, entries
from mtinst.pipeline import Audio, Progress, Transcriber
from mtinst.transcription import Transcription


def hold_streams(hold: Path) -> None:
    """Have :meth:`Transcriber.stream` yield its latest window again and again while the file exists."""
    stream = Transcriber.stream

    def held_stream(
        self: Transcriber, audio: Audio, sample_rate: float | None = None, **options: Any
    ) -> Iterator[Progress | Transcription]:
        for step in stream(self, audio, sample_rate, **options):
            yield step
            while isinstance(step, Progress) and step.partial is not None and hold.exists():
                time.sleep(0.05)
                yield step

    Transcriber.stream = held_stream  # type: ignore[method-assign]


def hold_writes(hold: Path) -> None:
    """Have the cache's entries of songs stand still, half written, while the file exists."""
    write_source = entries.write_source

    def held_write(folder: Path, transcription: Transcription, audio: Path, *, longest_s: float) -> None:
        if hold.exists():
            (folder / entries.ORIGINAL).write_bytes(b"fLaC")
        while hold.exists():
            time.sleep(0.05)
        write_source(folder, transcription, audio, longest_s=longest_s)

    entries.write_source = held_write


if __name__ == "__main__":
    windows.has_bfloat16 = lambda: False  # type: ignore[assignment]  # all processors find the same
    hold_streams(Path(sys.argv[1]))
    hold_writes(Path(f"{sys.argv[1]}.write"))
    sys.exit(app.main())
