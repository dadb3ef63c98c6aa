"""One of each kind of odd file by the command line, from Python and by the page: length and notes.

The length is told beside FFmpeg's own where there is an ``ffmpeg``; the notes are compared with the clean file's.
"""

import json
import subprocess
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

import numpy as np
import soundfile as sf

from mtinst import Transcriber
from mtinst.cli import main as run
from mtinst.compare import compare_notes
from mtinst.page.results import Result
from mtinst.page.settings import PageSettings
from mtinst.page.studio import Studio
from mtinst.records import Note
from mtinst.sound.synth import mix, synthesise
from tests.abuse.hard_use import say
from tests.abuse.odd_files import RATE, OddFile, odd_files

SONG_S = 9.0
MOST_OFF_S = 0.15
LEAST_F1, LEAST_F1_JOINED = 0.9, 0.7
"""Where a joined file goes on is known within what encoders leave at its ends, about as much as an onset may be off."""


def measure(weights: Path | None = None) -> int:
    """Print the table; 1 when a file is not heard whole, or its notes are not those of the clean one."""
    transcriber = Transcriber.load(weights)
    music = mix(synthesise(our_notes(), duration_s=SONG_S, sample_rate=RATE))[:, np.newaxis].repeat(2, axis=1)
    is_good = True
    say("| kind | right, s | ffmpeg, s | command line, s | Python, s | page, s | notes, F1 against the clean | said |")
    say("|---|---|---|---|---|---|---|---|")
    with TemporaryDirectory(prefix="kinds-") as name:
        folder = Path(name)
        sf.write(folder / "clean.wav", music, RATE)
        clean = transcriber.transcribe(folder / "clean.wav").notes
        studio = Studio(PageSettings(cache=folder / "cache", weights=weights, prepare=False))
        for kind in odd_files():
            path = folder / kind.name
            path.write_bytes(kind.make(music))
            heard = transcriber.transcribe(path)
            record, said = by_command_line(path, folder / "out", weights)
            *_, last = studio.transcribe(path, path.stem)
            assert isinstance(last, Result)
            wanted_s = SONG_S * kind.repeats + kind.pause_s
            lengths = [record["duration_s"], heard.duration_s, last.duration_s]
            f1 = compare_notes(heard.notes, moved(clean, kind, heard.duration_s)).note_f1
            is_same = record["n_notes"] == len(heard.notes) == sum(part.n_notes for part in last.parts)
            is_good &= is_same and max(abs(length - wanted_s) for length in lengths) < MOST_OFF_S * kind.repeats
            is_good &= f1 >= (LEAST_F1 if kind.repeats == 1 else LEAST_F1_JOINED) - kind.missing_share
            cells = [f"{wanted_s:g}", by_ffmpeg(path), *(f"{length:.2f}" for length in lengths)]
            say(f"| {kind.name} | {' | '.join(cells)} | {len(heard.notes)}, {f1:.2f} | {said or heard.damage or ''} |")
    return 0 if is_good else 1


def our_notes() -> list[Note]:
    """16 notes of a piano and eight of a violin."""
    piano = [Note(0.5 * k + 0.25, 0.5 * k + 0.65, pitch=48 + (7 * k) % 24) for k in range(16)]
    violin = [Note(k + 0.5, k + 1.4, pitch=72 + (5 * k) % 12, instrument="violin") for k in range(8)]
    return sorted([*piano, *violin])


def moved(notes: Sequence[Note], kind: OddFile, duration_s: float) -> list[Note]:
    """The notes where they are in a file of that kind, in which an encoder may have left some silence at each join."""
    once_s = (duration_s - kind.pause_s) / kind.repeats
    return [
        replace(note, onset=note.onset + later, offset=note.offset + later)
        for number in range(kind.repeats)
        for note in notes
        for later in [number * once_s + kind.pause_s * (note.onset >= kind.pause_at * SONG_S)]
    ]


def by_command_line(path: Path, out: Path, weights: Path | None) -> tuple[dict[str, float], str]:
    """What ``--json`` prints, and what is said besides."""
    printed, said = StringIO(), StringIO()
    options = [] if weights is None else ["--weights", str(weights)]
    with redirect_stdout(printed), redirect_stderr(said):
        assert run([str(path), "--json", "--midi-only", "--out", str(out), *options]) == 0
    record: dict[str, float] = json.loads(printed.getvalue())
    return record, said.getvalue().strip().rpartition(": ")[2]


def by_ffmpeg(path: Path) -> str:
    """How long FFmpeg's own program finds it, pauses filled."""
    if which("ffmpeg") is None:
        return "–"
    command = ["ffmpeg", "-v", "quiet", "-i", str(path), "-af", "aresample=async=1:first_pts=0"]
    samples = subprocess.run([*command, "-ac", "1", "-ar", "16000", "-f", "s16le", "-"], capture_output=True).stdout
    return f"{len(samples) / 32000:.2f}"
