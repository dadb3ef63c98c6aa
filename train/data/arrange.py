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

from mtinst.grid import INSTRUMENT_NAMES
from train.data.sources import (
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
from train.data.timbres import CLASS_OF_PROGRAM, RANGES

Notes = NDArray[np.float64]
Note = NDArray[np.float64]  # one row of them
_FEWEST_NOTES = 3
_MOST_PARTS = 5
_ORNAMENTED = 0.2  # share of the parts


@dataclass(frozen=True)
class Part:
    """What one instrument plays: a class or ``drums``, and its notes in seconds."""

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
                parts.append(Part(plays, ornamented(notes, plays, rng) if rng.random() < _ORNAMENTED else notes))
                break
    return parts


def _preferences(track: Track, rng: np.random.Generator) -> list[str]:
    """Classes in the order to try: as written at times (rarely for the piano, which most tracks are), else any."""
    shuffled = [str(name) for name in rng.permutation(INSTRUMENT_NAMES)]
    if rng.random() < 0.12:  # there are more of them than of any one instrument
        shuffled.insert(0, "other")
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


def ornamented(notes: Notes, plays: str, rng: np.random.Generator) -> Notes:
    """Fast textures in a share of a part's notes, one kind: what scores write out rarely and players do all the time.

    Trills (6 to 14 notes a second), repeated notes (5 to 12), grace notes, runs through all semitones up or down to a
    note (8 to 16 a second), and, where more than one note can sound, clusters.
    """
    kinds = [_trill, _repeated, _grace, _run, *([_cluster] if RANGES[plays].polyphony > 1 else [])]
    change = kinds[rng.integers(len(kinds))]
    share = rng.uniform(0.2, 1.0)
    rows = [row for note in notes for row in (change(note, rng) if rng.random() < share else [note])]
    changed = np.array(rows).reshape(-1, notes.shape[1])
    limits = RANGES[plays]
    changed = changed[(changed[:, PITCH] >= limits.lowest) & (changed[:, PITCH] <= limits.highest)]
    return end_before_restrike(changed[np.lexsort((changed[:, PITCH], changed[:, ONSET]))])


def _split(note: Note, n_pieces: int, rng: np.random.Generator, *, legato: float = 1.0) -> list[Note]:
    """Equal pieces, a little uneven in time and strength."""
    edges = np.linspace(note[ONSET], note[OFFSET], n_pieces + 1)
    step = edges[1] - edges[0]
    edges[1:-1] += rng.normal(0, 0.06 * step, n_pieces - 1).clip(-0.2 * step, 0.2 * step)
    pieces = np.tile(note, (n_pieces, 1))
    pieces[:, ONSET] = edges[:-1]
    pieces[:, OFFSET] = edges[:-1] + legato * np.diff(edges)
    pieces[:, VELOCITY] = np.clip(note[VELOCITY] + rng.normal(0, 6, n_pieces), 10, 127)
    return list(pieces)


def _trill(note: Note, rng: np.random.Generator) -> list[Note]:
    n_pieces = int((note[OFFSET] - note[ONSET]) * rng.uniform(6, 14))
    if n_pieces < 3:
        return [note]
    pieces = _split(note, n_pieces, rng)
    interval = rng.choice((1, 2, 2, 3, 4, 12), p=(0.3, 0.2, 0.2, 0.1, 0.1, 0.1))
    for piece in pieces[1::2]:
        piece[PITCH] += interval
    return pieces


def _repeated(note: Note, rng: np.random.Generator) -> list[Note]:
    n_pieces = int((note[OFFSET] - note[ONSET]) * rng.uniform(5, 12))
    return _split(note, n_pieces, rng, legato=rng.uniform(0.5, 1.0)) if n_pieces >= 2 else [note]


def _grace(note: Note, rng: np.random.Generator) -> list[Note]:
    length = rng.uniform(0.05, 0.11)
    if note[OFFSET] - note[ONSET] < 2 * length:
        return [note]
    grace, main = note.copy(), note.copy()
    grace[OFFSET] = main[ONSET] = note[ONSET] + length
    grace[PITCH] += rng.choice((-2, -1, 1, 2, 3))
    return [grace, main]


def _run(note: Note, rng: np.random.Generator) -> list[Note]:
    n_before = int(rng.integers(3, 13))
    length = rng.uniform(1 / 16, 1 / 8)
    if note[OFFSET] - note[ONSET] < (n_before + 2) * length:
        return [note]
    scale, main = note.copy(), note.copy()
    scale[OFFSET] = main[ONSET] = note[ONSET] + n_before * length
    pieces = _split(scale, n_before, rng)
    direction = rng.choice((-1, 1))
    for index, piece in enumerate(pieces):
        piece[PITCH] += direction * (n_before - index)
    return [*pieces, main]


def _cluster(note: Note, rng: np.random.Generator) -> list[Note]:
    second = note.copy()
    second[PITCH] += rng.choice((-2, -1, 1, 2))
    second[ONSET] = min(note[ONSET] + abs(rng.normal(0, 0.008)), note[OFFSET] - 0.02)
    return [note, second]


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
