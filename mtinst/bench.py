"""``python -m mtinst.bench``: how long a song takes, and how much memory, as a Markdown table.

The songs are made for the purpose: five instruments, played by the synthesiser, as FLAC files. *Warm* is the time of
each stage in a process that has transcribed before; *cold* is ``python -m mtinst song.flac`` as a person runs it, from
the start of the process to its end, with the files it writes and the most memory it held.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import torch

from mtinst.checkpoint import save_checkpoint
from mtinst.model import UNet
from mtinst.notes import Note, Thresholds
from mtinst.pipeline import DEFAULT_WEIGHTS, Progress, Stage, Transcriber, format_time, warm_up
from mtinst.synth import mix, synthesise, write_audio

DURATIONS_S = (30.0, 180.0, 600.0)
SAMPLE_RATE = 44100
STAGES: tuple[Stage, ...] = get_args(Stage)


class Cold(NamedTuple):
    """One run of the command line."""

    seconds: float
    peak_mb: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m mtinst.bench", description="Measure speed and memory.")
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS, help="default: the shipped ones")
    parser.add_argument("--seconds", type=float, nargs="+", default=DURATIONS_S, help="lengths of the songs")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        weights = options.weights
        if not weights.is_file():
            print(f"{weights} is not there: measuring an untrained network of the same size.\n")
            weights = Path(folder, "untrained.safetensors")
            save_checkpoint(weights, UNet(), thresholds=Thresholds.uniform(), training={})
        transcriber = Transcriber.load(weights)
        warm_up()
        print(f"{torch.get_num_threads()} threads, PyTorch {torch.__version__}, weights {transcriber.digest}\n")
        print("| song | load | CQT | network | notes | warm, s | of real time | cold, s | peak, MB |")
        print("|---|---|---|---|---|---|---|---|---|")
        for duration_s in options.seconds:
            song = make_song(Path(folder, f"{duration_s:.0f}.flac"), duration_s)
            stages = time_stages(transcriber, song)
            warm_s = sum(stages.values())
            cold = run_cold(song, weights, Path(folder, "out"))
            cells = [format_time(duration_s), *(f"{stages[stage]:.2f}" for stage in STAGES)]
            cells += [f"{warm_s:.2f}", f"{warm_s / duration_s:.4f}", f"{cold.seconds:.1f}", f"{cold.peak_mb:.0f}"]
            print(f"| {' | '.join(cells)} |", flush=True)


def make_song(path: Path, duration_s: float) -> Path:
    """Write five instruments playing at random in C major, a note each third of a second, to `path`."""
    stems = synthesise(list(_notes(duration_s)), duration_s=duration_s, sample_rate=SAMPLE_RATE)
    write_audio(path, mix(stems), SAMPLE_RATE)
    return path


def time_stages(transcriber: Transcriber, song: Path) -> dict[Stage, float]:
    """Seconds that each stage of one transcription takes."""
    seconds: dict[Stage, float] = dict.fromkeys(STAGES, 0.0)
    stage, since = STAGES[0], time.perf_counter()
    for step in transcriber.stream(song):
        now = time.perf_counter()
        seconds[stage] += now - since
        since = now
        if isinstance(step, Progress):
            stage = step.stage
    return seconds


def run_cold(song: Path, weights: Path, folder: Path) -> Cold:
    """Run the command line on `song` in a process of its own."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "mtinst", str(song), "--weights", str(weights.resolve()), "--out", str(folder)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    per_mb = 1e6 if sys.platform == "darwin" else 1e6 / 1024  # ru_maxrss is in bytes there and in KiB elsewhere
    return Cold(time.perf_counter() - start, usage.ru_maxrss / per_mb)


def _notes(duration_s: float) -> Iterator[Note]:
    rng = np.random.default_rng(0)
    lowest = {"piano": 60, "acoustic_guitar": 48, "bass": 36, "violin": 72, "flute": 84}
    for instrument, pitch in lowest.items():
        for onset in np.arange(0.0, duration_s - 1.0, 1 / 3):
            step = int(rng.choice((0, 2, 4, 5, 7, 9, 11)))
            length = float(rng.uniform(0.2, 0.9))
            yield Note(float(onset), float(onset) + length, pitch=pitch + step, instrument=instrument)


if __name__ == "__main__":
    main()
