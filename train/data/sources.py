"""MIDI corpora to pieces: what was played, before any sound.

A piece is a list of tracks with notes in seconds, sustain pedal folded into the note ends. Pieces are split into
``train``, ``valid`` and ``test`` by composition: files that may hold the same work (movements,
neighbouring songs of a collection, versions) share a key, and stay on one side.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import symusic
from numpy.typing import NDArray

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")

# How often a clip is drawn from each corpus. Quartets, bands and songs carry real counterpoint; the rest adds variety.
CORPUS_WEIGHTS = {
    "lied": 0.20,
    "sq": 0.14,
    "pop909": 0.14,
    "nottingham": 0.10,
    "mma": 0.18,
    "giant": 0.08,
    "freedoom": 0.09,
    "openmsx": 0.03,
    "mutopia": 0.04,
}

# Consecutive files of these corpora are movements or songs of one work; this many share a key.
_FILES_PER_WORK = {"sq": 8, "lied": 4}

ONSET, OFFSET, PITCH, VELOCITY = range(4)


@dataclass(frozen=True)
class Track:
    """One track of a piece.

    Parameters
    ----------
    program : int
        0-based General MIDI program.
    is_drum : bool
        Whether pitches are drums.
    notes : ndarray of float64, shape (n_notes, 4)
        Onset and offset in seconds, MIDI pitch, velocity; sorted by onset.
    """

    program: int
    is_drum: bool
    notes: NDArray[np.float64]


@dataclass(frozen=True)
class PieceFile:
    """A MIDI file, where it belongs and on which side of the split it is."""

    path: Path
    corpus: str
    split: Split


def find_pieces(midi_dir: Path) -> list[PieceFile]:
    """Every MIDI file under ``midi_dir/<corpus>/``, sorted by path within its corpus, with its side of the split."""
    files = []
    for corpus in CORPUS_WEIGHTS:
        paths = [path for path in sorted((midi_dir / corpus).rglob("*.mid*")) if _is_wanted(corpus, path)]
        keys = {path: f"{corpus}/{_work_key(corpus, path.stem)}" for path in paths}
        splits = split_works(set(keys.values()))
        files += [PieceFile(path, corpus, splits[keys[path]]) for path in paths]
    return files


def split_works(keys: set[str]) -> dict[str, Split]:
    """Put 4 per cent of the works of a corpus on the validation side and 6 on the test side, at least one on each."""
    shuffled = sorted(keys, key=lambda key: hashlib.sha256(key.encode()).hexdigest())
    n_valid, n_test = max(1, round(0.04 * len(keys))), max(1, round(0.06 * len(keys)))
    sides: dict[Split, list[str]] = {
        "valid": shuffled[:n_valid],
        "test": shuffled[n_valid : n_valid + n_test],
        "train": shuffled[n_valid + n_test :],
    }
    return {key: split for split, works in sides.items() for key in works}


def read_piece(path: Path) -> list[Track]:
    """The tracks of a MIDI file that have notes; sustain pedal lengthens notes to its release."""
    return list(_tracks(path))


def _tracks(path: Path) -> Iterator[Track]:
    score: Any = symusic.Score(path, ttype="second")
    for track in score.tracks:
        columns = track.notes.numpy()
        if len(columns["time"]) == 0:
            continue
        onset = columns["time"].astype(np.float64)
        offset = onset + columns["duration"].astype(np.float64)
        if not track.is_drum:
            for pedal in track.pedals:
                is_held = (offset >= pedal.time) & (offset < pedal.time + pedal.duration)
                offset[is_held] = pedal.time + pedal.duration
        pitch, velocity = columns["pitch"].astype(np.float64), columns["velocity"].astype(np.float64)
        notes = np.stack((onset, offset, pitch, velocity), axis=1)
        notes = notes[np.lexsort((notes[:, PITCH], notes[:, ONSET]))]
        yield Track(track.program, track.is_drum, end_before_restrike(notes))


def end_before_restrike(notes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut each note where its own pitch is struck again."""
    notes = notes.copy()
    for pitch in np.unique(notes[:, PITCH]):
        rows = np.flatnonzero(notes[:, PITCH] == pitch)
        notes[rows[:-1], OFFSET] = np.minimum(notes[rows[:-1], OFFSET], notes[rows[1:], ONSET])
    return notes[notes[:, OFFSET] > notes[:, ONSET]]


def _is_wanted(corpus: str, path: Path) -> bool:
    """GiantMIDI's folder also holds other transcribers' versions of the same performances: one of them is enough."""
    return corpus != "giant" or "giantmidi-piano" in path.parts


def _work_key(corpus: str, stem: str) -> str:
    if corpus in _FILES_PER_WORK and stem.isdigit():
        return str(int(stem) // _FILES_PER_WORK[corpus])
    if corpus == "freedoom":
        return stem.split("-")[0]
    if corpus == "nottingham":
        return stem
    return re.sub(r"[_-]\d+$", "", stem)
