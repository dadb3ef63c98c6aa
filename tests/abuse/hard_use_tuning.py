"""The examples out of tune: copies of each, higher and lower, and how many of their notes are found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import soxr

from mtinst import Transcriber
from mtinst.compare import compare_notes
from mtinst.export.midi import read_midi
from mtinst.grid import SPEC, FloatArray
from mtinst.hear.audio import load_audio
from mtinst.hear.tuning import semitones_from_concert
from mtinst.records import Note
from tests.abuse.hard_use import say

EXAMPLES = Path(__file__).parents[2] / "examples"
CENTS = (0, -60, -40, -20, -10, 10, 20, 40, 60)
TUNINGS_HZ = (415.0, 430.0, 442.0, 466.0)
MOST_LOST = 0.02


def measure(weights: Path | None = None) -> int:
    """Print the table; 1 when copies lose more note F1 than `MOST_LOST` on the average of the examples."""
    transcriber = Transcriber.load(weights)
    say("| copy | A, estimated Hz | note F1 | lost | most lost by one | F1 with instrument |")
    say("|---|---|---|---|---|---|")
    songs = [(load_audio(path), read_midi(path.with_suffix(".mid"))) for path in sorted(EXAMPLES.glob("*.ogg"))]
    copies = {f"{cents:+d} cents": cents / 100 for cents in CENTS}
    copies |= {f"A = {hz:g} Hz": semitones_from_concert(hz) for hz in TUNINGS_HZ}
    whole: np.ndarray | None = None
    is_good = True
    for name, semitones in copies.items():
        found, estimated = [], []
        for samples, notes in songs:
            copy, moved = detuned(samples, semitones), moved_notes(notes, semitones)
            heard = transcriber.transcribe(copy, SPEC.sample_rate)
            scores = compare_notes(heard.notes, moved)
            found.append((scores.note_f1, scores.note_instrument_f1))
            estimated.append(heard.tuning_hz)
        table = np.array(found)
        whole = table if whole is None else whole
        lost = whole[:, 0] - table[:, 0]
        is_good &= bool(lost.mean() <= MOST_LOST)
        f1, with_instrument = table.mean(axis=0)
        hz = f"{min(estimated):.1f} to {max(estimated):.1f}"
        cells = (f"{f1:.3f}", f"{lost.mean():.3f}", f"{lost.max():.3f}", f"{with_instrument:.3f}")
        say(f"| {name} | {hz} | {' | '.join(cells)} |")
    return 0 if is_good else 1


def detuned(samples: FloatArray, semitones: float) -> FloatArray:
    """The song played as much faster as makes it so much higher."""
    result: FloatArray = soxr.resample(samples, 1e6, 1e6 * 2 ** (-semitones / 12)).astype(np.float32)
    return result


def moved_notes(notes: list[Note], semitones: float) -> list[Note]:
    """Its notes then, by the nearest semitones."""
    speed = 2 ** (semitones / 12)
    return [
        replace(note, onset=note.onset / speed, offset=note.offset / speed, pitch=note.pitch + round(semitones))
        for note in notes
    ]
