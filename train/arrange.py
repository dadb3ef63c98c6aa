"""Pieces to parts: ten seconds of a song, each track given to an instrument that can play it.

Score MIDI is mechanical and mostly piano, so excerpts are humanised (tempo, timing, velocity, note lengths) and parts
move to other instruments, by octaves into range and thinned to the polyphony that the instrument has.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mtinst.spec import INSTRUMENT_NAMES
from train.sources import (
    CORPUS_WEIGHTS,
    OFFSET,
    ONSET,
    PITCH,
    VELOCITY,
    PieceFile,
    Split,
    Track,
    end_before_restrike,
    read_piece,
)
from train.timbres import CLASS_OF_PROGRAM, RANGES

Notes = NDArray[np.float64]
_FEWEST_NOTES = 3
_MOST_PARTS = 5


@dataclass(frozen=True)
class Part:
    """What one instrument plays: a class, ``other``, ``drums`` or ``singing``, and its notes in seconds."""

    plays: str
    notes: Notes


class Library:
    """Pieces of one side of the split, by corpus."""

    def __init__(self, files: Sequence[PieceFile], split: Split) -> None:
        self._by_corpus: dict[str, list[PieceFile]] = defaultdict(list)
        for file in files:
            if file.split == split:
                self._by_corpus[file.corpus].append(file)
        self._corpora = sorted(self._by_corpus)
        weights = np.array([CORPUS_WEIGHTS[corpus] for corpus in self._corpora])
        self._weights = weights / weights.sum()

    def draw_excerpt(self, rng: np.random.Generator, duration_s: float) -> list[Track]:
        """Tracks of a random excerpt that have enough notes in it, humanised; times from its start."""
        while True:
            corpus = self._corpora[rng.choice(len(self._corpora), p=self._weights)]
            files = self._by_corpus[corpus]
            tracks = _read_cached(files[rng.integers(len(files))])
            end = max((float(track.notes[-1, ONSET]) for track in tracks), default=0.0)
            tempo = rng.uniform(0.85, 1.2)
            start = rng.uniform(-0.5, max(0.0, end - 0.6 * duration_s * tempo))
            excerpts = [excerpt(track, start, duration_s, tempo, rng) for track in tracks]
            excerpts = [track for track in excerpts if len(track.notes) >= _FEWEST_NOTES]
            if any(not track.is_drum for track in excerpts):
                return excerpts

    def draw_parts(self, rng: np.random.Generator, duration_s: float) -> list[Part]:
        """An excerpt cast: up to five pitched parts of distinct classes, and the drums if there are any."""
        parts: list[Part] = []
        while not parts:
            tracks = self.draw_excerpt(rng, duration_s)
            pitched = [track for track in tracks if not track.is_drum]
            order = rng.permutation(len(pitched))[:_MOST_PARTS]
            parts = cast([pitched[index] for index in order], rng)
        drums = [track for track in tracks if track.is_drum]
        if drums:
            parts.append(Part("drums", drums[rng.integers(len(drums))].notes))
        return parts


@lru_cache(maxsize=4096)
def _read_cached(file: PieceFile) -> list[Track]:
    return read_piece(file.path)


def excerpt(track: Track, start: float, duration_s: float, tempo: float, rng: np.random.Generator) -> Track:
    """Notes that begin in the window, at another tempo, as a player would place them."""
    notes = track.notes.copy()
    notes[:, (ONSET, OFFSET)] = (notes[:, (ONSET, OFFSET)] - start) / tempo
    notes = notes[(notes[:, ONSET] >= 0) & (notes[:, ONSET] < duration_s - 0.1)]
    n_notes = len(notes)
    length = notes[:, OFFSET] - notes[:, ONSET]
    notes[:, ONSET] = np.maximum(0, notes[:, ONSET] + rng.normal(0, 0.010, n_notes))
    legato = rng.uniform(0.6, 1.05)
    length = np.clip(length * legato * rng.uniform(0.9, 1.1, n_notes), 0.05, None)
    notes[:, OFFSET] = np.minimum(notes[:, ONSET] + length, duration_s)
    level, spread = rng.uniform(55, 110), rng.uniform(3, 15)
    played = 0.5 * (notes[:, VELOCITY] - notes[:, VELOCITY].mean()) if n_notes else 0.0
    notes[:, VELOCITY] = np.clip(level + played + rng.normal(0, spread, n_notes), 10, 127)
    notes = notes[np.argsort(notes[:, ONSET], kind="stable")]
    return Track(track.program, track.is_drum, end_before_restrike(notes))


def cast(tracks: Sequence[Track], rng: np.random.Generator) -> list[Part]:
    """Give each track to a class that no other track has; tracks that fit none are left out."""
    parts: list[Part] = []
    for track in tracks:
        taken = {part.plays for part in parts}
        for plays in _preferences(track, rng):
            if plays in taken and plays != "other":
                continue
            notes = fit_to(track.notes, plays, rng)
            if len(notes) >= _FEWEST_NOTES:
                parts.append(Part(plays, notes))
                break
    return parts


def _preferences(track: Track, rng: np.random.Generator) -> list[str]:
    """Classes in the order to try: as written at times (rarely for the piano, which most tracks are), else any."""
    shuffled = [str(name) for name in rng.permutation(INSTRUMENT_NAMES)]
    if rng.random() < 0.12:
        shuffled.insert(0, "singing" if rng.random() < 0.35 else "other")
    written = CLASS_OF_PROGRAM.get(track.program)
    if written is not None and rng.random() < (0.2 if written == "piano" else 0.6):
        shuffled.insert(0, written)
    return shuffled


def fit_to(notes: Notes, plays: str, rng: np.random.Generator) -> Notes:
    """Move a part by octaves (at times by semitones too) into range and thin it; empty when it does not fit."""
    limits = RANGES[plays]
    if len(notes) == 0:
        return notes
    thinned = _thin(notes, limits.polyphony, from_top=plays not in ("bass", "cello"))
    shift = int(rng.integers(-3, 4)) if rng.random() < 0.5 else 0
    pitches = thinned[:, PITCH] + shift
    octaves = [
        octave
        for octave in range(-5, 6)
        if np.mean((pitches + 12 * octave >= limits.lowest) & (pitches + 12 * octave <= limits.highest)) > 0.9
    ]
    if not octaves:
        return notes[:0]
    shift += 12 * octaves[rng.integers(len(octaves))]
    moved = thinned.copy()
    moved[:, PITCH] += shift
    fits = (moved[:, PITCH] >= limits.lowest) & (moved[:, PITCH] <= limits.highest)
    return end_before_restrike(moved[fits])


def _thin(notes: Notes, polyphony: int, *, from_top: bool) -> Notes:
    """Keep at most `polyphony` notes at once, highest (or lowest) first; the next note ends the oldest."""
    by_onset: dict[int, list[int]] = defaultdict(list)
    for row, onset in enumerate(notes[:, ONSET]):
        by_onset[int(onset / 0.04)].append(row)
    keep: list[int] = []
    for rows in by_onset.values():
        rows.sort(key=lambda row: notes[row, PITCH], reverse=from_top)
        keep += rows[:polyphony]
    kept = notes[sorted(keep)].copy()
    for row in range(len(kept)):
        # The note that begins `polyphony` notes later takes this one's place.
        successor = row + polyphony
        if successor < len(kept):
            kept[row, OFFSET] = min(kept[row, OFFSET], kept[successor, ONSET])
    return kept[kept[:, OFFSET] - kept[:, ONSET] > 0.02]
