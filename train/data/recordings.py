"""Recordings of people playing, each of one instrument, with the notes that they play.

``index.csv`` names them with ``instruments``, ``performer``, ``labels`` and ``split``; beside each file a ``.csv`` has
a line a note: ``onset_s``, ``offset_s``, ``midi_pitch``, ``instrument``. A pitch of -1 marks seconds of which nothing
is known.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from mtinst.grid import SPEC, FloatArray
from train.data.sources import OFFSET, ONSET, PITCH, Split
from train.data.timbres import class_of
from train.store import UNKNOWN

_UNLABELLED = "none"
_PAUSE_S = 0.1  # between short recordings that are strung together


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One instrument, recorded.

    Parameters
    ----------
    name : str
        Of its file.
    performer : str
        What is by one of them belongs together.
    plays : str
        A class or ``drums``.
    samples : ndarray of float32
        At 16 kHz.
    notes : ndarray of float64, shape (n_notes, 3)
        Onset and offset in seconds, and MIDI pitch or ``UNKNOWN``; sorted.
    """

    name: str
    performer: str
    plays: str
    samples: FloatArray
    notes: NDArray[np.float64]

    @property
    def duration_s(self) -> float:
        """In seconds."""
        return len(self.samples) / SPEC.sample_rate


def read_recordings(folder: Path, split: Split) -> list[Recording]:
    """The recordings of one side of the split whose notes are known: drums, and single instruments with labels."""
    recordings = []
    with (folder / "index.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            plays = class_of(row["instruments"])
            is_known = plays == "drums" or (row["labels"] != _UNLABELLED and "+" not in row["instruments"])
            if row["split"] != split or not is_known:
                continue
            path = folder / row["file"]
            samples = read_sound(path)
            performer = f"{row['corpus']}/{row['performer']}/{row['instruments']}"
            notes = np.empty((0, 3)) if plays == "drums" else _read_notes(path.with_suffix(".csv"))
            recordings.append(
                Recording(name=row["file"], performer=performer, plays=plays, samples=samples, notes=notes)
            )
    return recordings


def read_sound(path: Path) -> FloatArray:
    """A recording at the rate of the features; ValueError when it has another."""
    samples: FloatArray
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != SPEC.sample_rate:
        raise ValueError(f"{path} has a rate of {rate} Hz, {SPEC.sample_rate} Hz is wanted.")
    return samples


def levelled(sound: FloatArray) -> FloatArray:
    """At a peak of 1."""
    result: FloatArray = sound / max(1e-6, float(np.abs(sound).max(initial=0.0)))
    return result


def _read_notes(path: Path) -> NDArray[np.float64]:
    with path.open(newline="") as file:
        rows = [(row["onset_s"], row["offset_s"], row["midi_pitch"]) for row in csv.DictReader(file)]
    notes = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return notes[np.argsort(notes[:, ONSET], kind="stable")]


def pieces_of(recordings: Sequence[Recording], *, n_samples: int) -> list[Recording]:
    """Pieces of up to `n_samples` each, short recordings of one performer strung together, long ones cut.

    A note that is cut begins anew in the next piece, where it is `UNKNOWN` until its end.
    """
    by_performer: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        by_performer[recording.performer].append(recording)
    pieces: list[Recording] = []
    for belonging in by_performer.values():
        strung: list[Recording] = []
        for recording in belonging:
            if strung and len(strung[-1].samples) + len(recording.samples) <= n_samples:
                strung[-1] = _joined(strung[-1], recording)
            else:
                strung.append(recording)
        for recording in strung:
            n_pieces = -(-len(recording.samples) // n_samples)
            length = -(-len(recording.samples) // n_pieces)
            pieces += [_cut(recording, index * length, length) for index in range(n_pieces)]
    return pieces


def moved(recording: Recording, semitones: int, *, detune: float, n_samples: int) -> Recording:
    """Played by a faster tape, so that many semitones higher (or lower) and `detune` more; then padded or cut."""
    ratio = 2 ** ((semitones + detune) / 12)
    samples = soxr.resample(recording.samples, SPEC.sample_rate * ratio, SPEC.sample_rate)
    notes = recording.notes.copy()
    notes[:, [ONSET, OFFSET]] /= ratio
    notes[notes[:, PITCH] != UNKNOWN, PITCH] += semitones
    longer = np.pad(samples, (0, max(0, n_samples - len(samples)))).astype(np.float32)
    return _cut(replace(recording, samples=longer, notes=notes), 0, n_samples)


def _joined(first: Recording, second: Recording) -> Recording:
    pause = np.zeros(round(_PAUSE_S * SPEC.sample_rate), np.float32)
    notes = second.notes.copy()
    notes[:, [ONSET, OFFSET]] += first.duration_s + _PAUSE_S
    return replace(
        first,
        samples=np.concatenate((first.samples, pause, second.samples)),
        notes=np.concatenate((first.notes, notes)),
    )


def _cut(recording: Recording, start: int, n_samples: int) -> Recording:
    """A stretch of a recording, with a name of its own."""
    start_s, duration_s = start / SPEC.sample_rate, n_samples / SPEC.sample_rate
    notes = recording.notes.copy()
    notes[:, [ONSET, OFFSET]] -= start_s
    notes = notes[(notes[:, OFFSET] > 0) & (notes[:, ONSET] < duration_s)]
    notes[notes[:, ONSET] < 0, PITCH] = UNKNOWN
    notes[:, [ONSET, OFFSET]] = notes[:, [ONSET, OFFSET]].clip(0, duration_s)
    return replace(
        recording,
        name=f"{recording.name}@{start}" if start else recording.name,
        samples=recording.samples[start : start + n_samples],
        notes=notes,
    )
