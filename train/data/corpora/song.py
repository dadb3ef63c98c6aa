"""What every dataset is read as: songs with their audio, and notes or at least who plays when."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtinst.errors import MtinstError
from mtinst.grid import INSTRUMENT_INDEX, N_INSTRUMENTS, SPEC, BoolArray, FloatArray
from mtinst.hear.audio import load_audio
from train.data.sources import OFFSET, ONSET, Track
from train.data.timbres import CLASS_OF_PROGRAM

OTHER = "other"

Parts = dict[str, NDArray[np.float64]]
"""Notes by instrument, one of the nine or ``other``: rows as in :class:`train.data.sources.Track`, sorted by onset."""

Spans = dict[str, NDArray[np.float64]]
"""From when to when each of the nine plays, in seconds, (n_spans, 2); they may overlap."""


class CorpusError(MtinstError):
    """A folder that does not hold the dataset that was asked for, or not all of it."""


@dataclass(frozen=True, kw_only=True)
class Song:
    """One piece of a dataset.

    Parameters
    ----------
    name : str
        As the dataset calls it.
    corpus : str
        A key of :data:`train.data.corpora.CORPORA`.
    audio : tuple of Path
        Files whose sum is the song, mostly one.
    read_parts : callable, optional
        Gives its notes, where they are labelled.
    read_spans : callable, optional
        Gives who plays when, where that is labelled without notes.
    """

    name: str
    corpus: str
    audio: tuple[Path, ...]
    read_parts: Callable[[], Parts] | None = None
    read_spans: Callable[[], Spans] | None = None

    @property
    def has_notes(self) -> bool:
        """Whether notes are labelled, not only who plays when."""
        return self.read_parts is not None

    def samples(self) -> FloatArray:
        """The audio, mono at the rate of the features."""
        tracks = [load_audio(path) for path in self.audio]
        total = np.zeros(max(map(len, tracks)), np.float32)
        for track in tracks:
            total[: len(track)] += track
        return total

    def parts(self) -> Parts:
        """Its notes; ValueError when they are not labelled."""
        if self.read_parts is None:
            raise ValueError(f"the notes of {self.name} are not labelled")
        return self.read_parts()

    def spans(self) -> Spans:
        """Who plays when, from the notes where there are some."""
        if self.read_parts is not None:
            return {name: notes[:, [ONSET, OFFSET]] for name, notes in self.parts().items() if name != OTHER}
        assert self.read_spans is not None
        return self.read_spans()

    def activity(self, n_frames: int) -> BoolArray:
        """Who plays in each frame, (n_instruments, n_frames)."""
        result = np.zeros((N_INSTRUMENTS, n_frames), np.bool_)
        for name, spans in self.spans().items():
            for start, end in spans.tolist():
                result[INSTRUMENT_INDEX[name], SPEC.second_to_frame(start) : SPEC.second_to_frame(end)] = True
        return result


def parts_of_tracks(tracks: list[Track]) -> Parts:
    """Tracks of a MIDI file by instrument, without the drums; what has no name here is ``other``."""
    by_name: dict[str, list[NDArray[np.float64]]] = {}
    for track in tracks:
        if not track.is_drum:
            by_name.setdefault(CLASS_OF_PROGRAM.get(track.program, OTHER), []).append(track.notes)
    return {name: sorted_notes(np.concatenate(notes)) for name, notes in by_name.items()}


def sorted_notes(notes: NDArray[np.float64]) -> NDArray[np.float64]:
    """By onset, without notes that end before they begin."""
    notes = notes[notes[:, OFFSET] > notes[:, ONSET]]
    return notes[np.argsort(notes[:, ONSET], kind="stable")]


def require(corpus: str, folder: Path, missing: list[Path]) -> None:
    """CorpusError that names what of `missing` is missing, if anything is."""
    if not missing:
        return
    first = missing[0]
    name = first.relative_to(folder) if first.is_relative_to(folder) else first
    rest = f"and {len(missing) - 1} more are" if len(missing) > 1 else "is"
    raise CorpusError(f"{corpus} in {folder} is not complete: {name} {rest} missing.")
