"""Fixed sets of clips to choose thresholds on and to score: audio, and what sounds in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtinst.files import replacing
from mtinst.grid import INSTRUMENT_INDEX, INSTRUMENT_NAMES, SPEC, BoolArray, FeatureSpec, FloatArray
from mtinst.hear.cqt import log_cqt
from mtinst.hear.notes import notes_to_roll
from mtinst.records import Note
from train.store import UNKNOWN

_CLIP, _INSTRUMENT, _ONSET, _OFFSET, _PITCH = range(5)


@dataclass(frozen=True)
class Clip:
    """Audio in [-1, 1] and what sounds in it.

    Rows of `notes` are (instrument index, onset in s, offset in s, MIDI pitch). Where the pitch is `UNKNOWN`, it is not
    known what sounds.
    """

    samples: FloatArray
    notes: NDArray[np.float64]


def clip_rows(instrument: int, notes: NDArray[np.void]) -> list[tuple[float, ...]]:
    """Notes on the frame grid (:data:`train.store.FRAME_NOTE`) as :class:`Clip` has them."""
    rate, lowest = SPEC.frame_rate, SPEC.lowest_pitch
    return [(instrument, note["onset"] / rate, note["end"] / rate, note["pitch"] + lowest) for note in notes]


def save_clips(path: Path, clips: Sequence[Clip]) -> None:
    """Write what :class:`ClipArrays` reads."""
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(
            file,
            samples=np.concatenate([np.round(clip.samples * 32767).astype(np.int16) for clip in clips]),
            ends=np.cumsum([len(clip.samples) for clip in clips]),
            notes=np.concatenate([np.insert(clip.notes, 0, index, axis=1) for index, clip in enumerate(clips)]),
        )


@dataclass(frozen=True)
class ClipArrays:
    """A fixed set of clips of any length, as ``python -m train prepare`` wrote it."""

    samples: NDArray[np.int16]  # of all clips, one after the other
    ends: NDArray[np.int64]  # (n_clips,) where each ends
    notes: NDArray[np.float64]  # (n_notes, 5): clip, instrument index, onset and offset in s, MIDI pitch or UNKNOWN

    @classmethod
    def open(cls, path: Path) -> "ClipArrays":
        """Raises FileNotFoundError when the set was not prepared."""
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there: run `python -m train prepare` first.")
        with np.load(path) as arrays:
            return cls(arrays["samples"], arrays["ends"], arrays["notes"])

    def __len__(self) -> int:
        return len(self.ends)

    def first(self, n_clips: int | None) -> "ClipArrays":
        """The first `n_clips` of them; all for None."""
        if n_clips is None or n_clips >= len(self):
            return self
        is_first = self.notes[:, _CLIP] < n_clips
        return ClipArrays(self.samples[: self.ends[n_clips - 1]], self.ends[:n_clips], self.notes[is_first])

    def only(self, instrument: str) -> "ClipArrays":
        """The same clips with the notes of one instrument alone."""
        is_wanted = (self.notes[:, _INSTRUMENT] == INSTRUMENT_INDEX[instrument]) | (self.notes[:, _PITCH] == UNKNOWN)
        return replace(self, notes=self.notes[is_wanted])

    def audio(self, clip: int) -> FloatArray:
        """Mono float32 in [-1, 1]."""
        samples = self.samples[self.ends[clip - 1] if clip else 0 : self.ends[clip]]
        result: FloatArray = samples.astype(np.float32) / np.float32(32767)
        return result

    def features(self, spec: FeatureSpec) -> list[FloatArray]:
        """The log-CQT of each clip, from its audio; kept once it was asked for."""
        if spec not in self._features:
            self._features[spec] = [log_cqt(self.audio(clip), spec) for clip in range(len(self))]
        return self._features[spec]

    @cached_property
    def _features(self) -> dict[FeatureSpec, list[FloatArray]]:
        return {}

    def n_frames(self, clip: int) -> int:
        """Frames of a clip."""
        return SPEC.n_frames(int(self.ends[clip] - (self.ends[clip - 1] if clip else 0)))

    def truth(self, clip: int) -> BoolArray:
        """Which note of which instrument sounds when, (instrument, pitch, frame)."""
        return notes_to_roll(self.reference_notes(clip), self.n_frames(clip))

    def known(self, clip: int) -> BoolArray:
        """In which frames it is known what sounds, (frame,)."""
        known = np.ones(self.n_frames(clip), dtype=np.bool_)
        for first, end in np.round(self.unknown_spans(clip) * SPEC.frame_rate).astype(int).tolist():
            known[first : max(first + 1, end)] = False
        return known

    def unknown_spans(self, clip: int) -> NDArray[np.float64]:
        """The other seconds, (n_spans, 2)."""
        rows = self._rows(clip)
        spans: NDArray[np.float64] = rows[rows[:, _PITCH] == UNKNOWN][:, [_ONSET, _OFFSET]]
        return spans

    def reference_notes(self, clip: int) -> list[Note]:
        """What sounds as notes, sorted."""
        return sorted(
            Note(onset, offset, pitch=int(pitch), instrument=INSTRUMENT_NAMES[int(instrument)])
            for _, instrument, onset, offset, pitch in self._rows(clip).tolist()
            if pitch != UNKNOWN
        )

    def _rows(self, clip: int) -> NDArray[np.float64]:
        rows: NDArray[np.float64] = self.notes[self.notes[:, _CLIP] == clip]
        return rows
