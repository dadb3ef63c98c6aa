"""Long songs through the command line and the page: seconds and memory of a process, from its start to its end.

The page's process is all that the page does with a song, parts played and written, without its server. That is also
what ``python -m tests.abuse.hard_use_length SONG CACHE`` does.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile as sf

from mtinst.bench import make_song, run_process
from mtinst.page.results import Result
from mtinst.page.settings import PageSettings
from mtinst.page.studio import Studio
from tests.abuse.hard_use import say

PROJECT = Path(__file__).parents[2]
STEEPEST = 1.5
"""A minute of the longest song may take this many times what a minute of the second takes."""


def measure(minutes: Sequence[float], most_mb: float, *options: str) -> int:
    """Print the table; 1 when a song takes too much memory, or a long one much more time a minute than a short one."""
    say("| minutes | by | wall, s | CPU, s | CPU, s a minute | peak, MB |\n|---|---|---|---|---|---|")
    a_minute: dict[str, list[float]] = {"command line": [], "page": []}
    is_good = True
    with TemporaryDirectory(prefix="length-") as name:
        folder = Path(name)
        first = make_song(folder / "minute.flac", 60.0)
        for length in minutes:
            song = lengthen(first, folder / "song.flac", length)
            arguments = {
                "command line": ["-m", "mtinst", str(song), "--out", str(folder / "out"), *options],
                "page": ["-m", "tests.abuse.hard_use_length", str(song), str(folder / "cache")],
            }
            for way, times in a_minute.items():
                used = run_process([sys.executable, *arguments[way]], PROJECT)
                times.append(used.cpu_s / length)
                is_good &= used.peak_mb <= most_mb
                cells = (f"{used.wall_s:.1f}", f"{used.cpu_s:.1f}", f"{times[-1]:.2f}", f"{used.peak_mb:.0f}")
                say(f"| {length:g} | {way} | {' | '.join(cells)} |")
    for times in a_minute.values():
        if len(times) > 2:
            is_good &= times[-1] <= STEEPEST * times[1]
    return 0 if is_good else 1


def transcribe_for_the_page(song: Path, cache: Path) -> None:
    """All that the page does with a song."""
    for step in Studio(PageSettings(cache=cache, max_minutes=121, max_mb=1000)).transcribe(song, song.stem):
        last = step
    assert isinstance(last, Result)
    assert last.files_folder is not None


def lengthen(minute: Path, path: Path, minutes: float) -> Path:
    """Write a minute of music again and again, each time at another level, so that no two are the same."""
    samples, rate = sf.read(minute, dtype="float32")
    left = round(minutes * 60 * rate)
    with sf.SoundFile(path, "w", rate, 1) as file:
        turn = 0
        while left > 0:
            part = samples[:left] * np.float32(0.6 + 0.4 * np.cos(turn))
            file.write(part)
            left -= len(part)
            turn += 1
    return path


if __name__ == "__main__":
    transcribe_for_the_page(*map(Path, sys.argv[1:]))
