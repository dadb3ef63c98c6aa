"""Long songs through the command line: seconds and memory of the whole process, from its start to its end."""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile as sf

from mtinst.bench import make_song, run_process
from tests.hard_use import say

PROJECT = Path(__file__).parents[1]
STEEPEST = 1.5
"""A minute of the longest song may take this many times what a minute of the second takes."""


def measure(minutes: Sequence[float], most_mb: float, *options: str) -> int:
    """Print the table; 1 when a song takes too much memory, or a long one much more time a minute than a short one."""
    say("| minutes | wall, s | CPU, s | CPU, s a minute | peak, MB |\n|---|---|---|---|---|")
    a_minute: list[float] = []
    is_good = True
    with TemporaryDirectory(prefix="length-") as name:
        folder = Path(name)
        first = make_song(folder / "minute.flac", 60.0)
        for length in minutes:
            song = lengthen(first, folder / "song.flac", length)
            command = [sys.executable, "-m", "mtinst", str(song), "--out", str(folder / "out"), *options]
            used = run_process(command, PROJECT)
            a_minute.append(used.cpu_s / length)
            is_good &= used.peak_mb <= most_mb
            cells = (f"{used.wall_s:.1f}", f"{used.cpu_s:.1f}", f"{a_minute[-1]:.2f}", f"{used.peak_mb:.0f}")
            say(f"| {length:g} | {' | '.join(cells)} |")
    if len(a_minute) > 2:
        is_good &= a_minute[-1] <= STEEPEST * a_minute[1]
    return 0 if is_good else 1


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
