"""``python -m train score``: multi-pitch streaming, who plays which note, on a dataset of real or synthesised music.

Conventions. What is scored are the notes that the page would show, at the thresholds of the weights. Frame accuracy is
TP / (TP + FP + FN) over the cells (pitch, frame) of a song, and over (instrument, pitch, frame) with the instrument.
Note F1 asks for the pitch and for an onset within 50 ms. Instruments that have no name here are ``other``. Figures of a
dataset are means over its songs.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from tqdm import tqdm

from mtinst.compare import compare_notes
from mtinst.export.midi import notes_to_midi
from mtinst.export.picture import figure_to_png
from mtinst.grid import SPEC, BoolArray
from mtinst.hear.notes import notes_to_roll
from mtinst.pipeline import Transcriber
from mtinst.records import Note
from train.data.corpora import CorpusError, Parts, Song
from train.data.sources import OFFSET, ONSET, PITCH, VELOCITY
from train.evaluation.figures import plot_beside

logger = logging.getLogger(__name__)

COLUMNS = {
    "pitch_accuracy": "frame accuracy, pitch",
    "piano_roll_accuracy": "frame accuracy, right instrument",
    "note_f1": "note F1",
    "note_instrument_f1": "note F1, right instrument",
}


@dataclass(frozen=True, kw_only=True)
class SongScore:
    """One song's figures."""

    name: str
    duration_s: float
    pitch_accuracy: float
    piano_roll_accuracy: float
    note_f1: float
    note_instrument_f1: float


def run_score(songs: Sequence[Song], weights: Path, out_dir: Path) -> str:
    """Transcribe and score each song, and write what was found beside what was played.

    Under `out_dir`: ``<song>.png``, ``<song>.mid``, ``<song>.truth.mid``, and all figures in ``scores.json`` and
    ``scores.md``.

    Parameters
    ----------
    songs : sequence of Song
        Those without notes are left out.
    weights : Path
        A calibrated checkpoint.
    out_dir : Path
        Made when needed.

    Returns
    -------
    str
        The table as Markdown.

    Raises
    ------
    CorpusError
        If no song has notes.
    """
    songs = [song for song in songs if song.has_notes]
    if not songs:
        raise CorpusError("None of the songs has notes to score against.")
    transcriber = Transcriber.load(weights)
    scores = []
    for song in tqdm(songs, desc="songs", mininterval=5):
        parts = song.parts()
        found = transcriber.transcribe(song.samples(), SPEC.sample_rate)
        scores.append(score_notes(song.name, found.notes, parts, found.duration_s))
        path = out_dir / song.name
        path.parent.mkdir(parents=True, exist_ok=True)
        notes = notes_of(parts)
        _with(path, ".png").write_bytes(figure_to_png(plot_beside(found.notes, notes, found.duration_s, song.name)))
        notes_to_midi(found.notes).write(str(_with(path, ".mid")))
        notes_to_midi(notes).write(str(_with(path, ".truth.mid")))
        (out_dir / "scores.json").write_text(json.dumps([asdict(score) for score in scores], indent=1) + "\n")
    table = score_table(scores, weights.name)
    (out_dir / "scores.md").write_text(table + "\n")
    return table


def score_notes(name: str, found: Sequence[Note], parts: Parts, duration_s: float) -> SongScore:
    """Compare notes with those of a dataset.

    Examples
    --------
    >>> played = {"violin": np.array([[0.0, 1.0, 69, 80]]), "other": np.array([[1.0, 2.0, 60, 80]])}
    >>> found = [Note(0.0, 1.0, pitch=69, instrument="violin"), Note(1.0, 2.0, pitch=60, instrument="cello")]
    >>> score = score_notes("duet", found, played, 2.0)
    >>> score.note_f1, score.pitch_accuracy
    (1.0, 1.0)
    >>> score.note_instrument_f1, round(score.piano_roll_accuracy, 2)
    (0.5, 0.33)
    """
    notes = notes_of(parts)
    n_frames = SPEC.n_frames(round(duration_s * SPEC.sample_rate))
    claims, truth = notes_to_roll(found, n_frames), notes_to_roll(notes, n_frames)
    comparison = compare_notes(found, notes)
    return SongScore(
        name=name,
        duration_s=round(duration_s, 2),
        pitch_accuracy=_accuracy(np.any(claims, axis=0), np.any(truth, axis=0)),
        piano_roll_accuracy=_accuracy(claims, truth),
        note_f1=comparison.note_f1,
        note_instrument_f1=comparison.note_instrument_f1,
    )


def score_table(scores: Sequence[SongScore], weights: str) -> str:
    """A line a song, and the mean of each column."""
    lines = [
        "| song | " + " | ".join(COLUMNS.values()) + " |",
        "|---" * (1 + len(COLUMNS)) + "|",
    ]
    for score in scores:
        values = [getattr(score, column) for column in COLUMNS]
        lines.append(f"| {score.name} | {' | '.join(f'{value:.3f}' for value in values)} |")
    means = [mean(getattr(score, column) for score in scores) for column in COLUMNS]
    songs = f"{len(scores)} songs" if len(scores) > 1 else "1 song"
    lines.append(f"| **{songs}, {weights}** | {' | '.join(f'{value:.3f}' for value in means)} |")
    return "\n".join(lines)


def notes_of(parts: Parts) -> list[Note]:
    """The notes, sorted."""
    return sorted(
        Note(
            max(0.0, row[ONSET]),
            row[OFFSET],
            pitch=int(row[PITCH]),
            instrument=name,
            velocity=int(np.clip(row[VELOCITY], 1, 127)),
        )
        for name, rows in parts.items()
        for row in rows.tolist()
    )


def _accuracy(claims: BoolArray, truth: BoolArray) -> float:
    return float((claims & truth).sum() / max(1, (claims | truth).sum()))


def _with(path: Path, suffix: str) -> Path:
    """A suffix more; a song's name may have dots."""
    return path.with_name(path.name + suffix)
