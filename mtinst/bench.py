"""``python -m mtinst.bench``: how long a song takes, and how much memory, as a Markdown table.

The songs are made for the purpose: five instruments, played by the synthesiser, as FLAC files. *Warm* is the time of
each stage in a process that has transcribed before; *cold* is ``python -m mtinst song.flac`` as a person runs it, from
the start of the process to its end, with the files it writes and the most memory it held.

``--against PYTHON`` names an interpreter that has Basic Pitch (``pip install --no-deps basic-pitch``, with its ONNX
runtime), which then does the same songs in the same run: its own command, in a process of its own, writing a MIDI file.
Without it this interpreter is tried.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import torch

from mtinst.grid import FINE, clock
from mtinst.hear.checkpoint import save_checkpoint
from mtinst.hear.unet import UNet
from mtinst.pipeline import DEFAULT_WEIGHTS, Progress, Stage, Transcriber
from mtinst.records import Note, Thresholds
from mtinst.sound.synth import mix, synthesise, write_audio

DURATIONS_S = (30.0, 180.0, 600.0)
SAMPLE_RATE = 44100
STAGES: tuple[Stage, ...] = get_args(Stage)
PROJECT = Path(__file__).parents[1]
HAS_BASIC_PITCH = """
import importlib.util, sys
sys.exit(not all(map(importlib.util.find_spec, ("basic_pitch", "onnxruntime"))))
"""
BASIC_PITCH = """
import logging, pathlib, sys
logging.disable(logging.WARNING)  # about the other runtimes, which it does not need
import basic_pitch
from basic_pitch.inference import predict_and_save
model = pathlib.Path(basic_pitch.__file__).parent / "saved_models" / "icassp_2022" / "nmp.onnx"
predict_and_save([sys.argv[1]], sys.argv[2], True, False, False, False, model)
"""
MEASURE = """
import json, os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
wall_s = time.perf_counter() - start
print(json.dumps([wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""


class Used(NamedTuple):
    """What one run of a program took, from its start to its end."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m mtinst.bench", description="Measure speed and memory.")
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS, help="default: the shipped ones")
    parser.add_argument("--seconds", type=float, nargs="+", default=DURATIONS_S, help="lengths of the songs")
    parser.add_argument("--against", metavar="PYTHON", default=sys.executable, help="interpreter that has Basic Pitch")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = options.weights
        if not weights.is_file():
            print(f"{weights} is not there: measuring an untrained network of the same size.\n")
            weights = folder / "untrained.safetensors"
            save_checkpoint(weights, UNet(spec=FINE), thresholds=Thresholds.uniform(), training={})
        songs = {duration_s: make_song(folder / f"{duration_s:.0f}.flac", duration_s) for duration_s in options.seconds}
        cold = measure_stages(songs, weights, folder)
        print()
        if subprocess.run([options.against, "-c", HAS_BASIC_PITCH], check=False).returncode:
            print("Basic Pitch is not installed here; --against PYTHON names an interpreter that has it.")
        else:
            compare(songs, cold, options.against, folder)


def measure_stages(songs: dict[float, Path], weights: Path, folder: Path) -> dict[float, Used]:
    """Print the time of each stage, and what the command line takes; returns the latter."""
    transcriber = Transcriber.load(weights)
    transcriber.transcribe(songs[min(songs)])  # what is made once, such as the filters of the CQT
    print(f"{torch.get_num_threads()} threads, PyTorch {torch.__version__}, weights {transcriber.digest}\n")
    print("| song | load | CQT | network | notes | warm, s | of real time | cold, s | peak, MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    cold = {}
    for duration_s, song in songs.items():
        stages = time_stages(transcriber, song)
        warm_s = sum(stages.values())
        command = [sys.executable, "-m", "mtinst", str(song), "--weights", str(weights.resolve())]
        used = cold[duration_s] = run_process([*command, "--out", str(folder / "out")], PROJECT)
        cells = [clock(duration_s), *(f"{stages[stage]:.2f}" for stage in STAGES)]
        cells += [f"{warm_s:.2f}", f"{warm_s / duration_s:.4f}", f"{used.wall_s:.1f}", f"{used.peak_mb:.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    return cold


def compare(songs: dict[float, Path], ours: dict[float, Used], python: str, folder: Path) -> None:
    """Print what Basic Pitch takes for the same songs, beside `ours`."""
    print("| song | mtinst: wall, s | CPU, s | peak, MB | Basic Pitch: wall, s | CPU, s | peak, MB | CPU, share |")
    print("|---|---|---|---|---|---|---|---|")
    cpu_s: dict[float, tuple[float, float]] = {}
    for duration_s, song in songs.items():
        out = folder / f"basic-pitch-{duration_s:.0f}"
        out.mkdir()
        theirs = run_process([python, "-c", BASIC_PITCH, str(song), str(out)], folder)
        cells = [clock(duration_s)]
        for used in (ours[duration_s], theirs):
            cells += [f"{used.wall_s:.1f}", f"{used.cpu_s:.1f}", f"{used.peak_mb:.0f}"]
        cpu_s[duration_s] = ours[duration_s].cpu_s, theirs.cpu_s
        cells.append(f"{ours[duration_s].cpu_s / theirs.cpu_s:.2f}")
        print(f"| {' | '.join(cells)} |", flush=True)
    if len(cpu_s) > 1:
        own, other = slopes(cpu_s)
        print(f"\nBeside the start, a second of song takes {own:.4f} CPU seconds, and Basic Pitch {other:.4f}.")


def slopes(cpu_s: Mapping[float, tuple[float, float]]) -> tuple[float, float]:
    """CPU seconds a second of song, from the shortest to the longest of songs of these lengths, of both programs.

    Examples
    --------
    >>> slopes({10.0: (5.0, 3.0), 110.0: (6.0, 8.0)})
    (0.01, 0.05)
    """
    first, last = min(cpu_s), max(cpu_s)
    own, other = (
        (longest - shortest) / (last - first) for shortest, longest in zip(cpu_s[first], cpu_s[last], strict=True)
    )
    return own, other


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


def run_process(command: Sequence[str], folder: Path) -> Used:
    """Run a program in `folder` and wait for its end; SystemExit when it fails."""
    # By way of a small process: what a process held before it became another counts for the other's peak.
    measuring = [sys.executable, "-S", "-c", MEASURE, *command]
    finished = subprocess.run(measuring, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    wall_s, cpu_s, peak, status = json.loads(finished.stdout)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    per_mb = 1e6 if sys.platform == "darwin" else 1e6 / 1024  # ru_maxrss is in bytes there and in KiB elsewhere
    return Used(wall_s, cpu_s, peak / per_mb)


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
