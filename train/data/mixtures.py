"""Parts on disk to mixtures in batches, never the same twice, the same for any number of workers.

A part is stored as its complex CQT, so mixing is adding: levels, equalisation, transposition and noise are drawn for
each clip, and labels follow. Item ``i`` of epoch ``e`` draws from ``default_rng((seed, e, i))``.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from mtinst.grid import INSTRUMENT_INDEX, N_INSTRUMENTS, FeatureSpec, FloatArray
from mtinst.hear.cqt import ComplexArray, scale_to_unit
from train.config import MixConfig
from train.effects.spectrum import MEDIUM_DB, MEDIUM_KNOTS, band_limit, compressed, dynamics, equaliser, partials, room
from train.store import DRUMS, N_FRAMES, NOISE, RECORDING, UNKNOWN, PartStore
from train.data.labels import strength

# A note that far below the mixture's loudest bin is not heard, so has no label.
_INAUDIBLE_DB = 50.0
# The target of an onset falls to this at a distance of one frame, and as a Gaussian does beyond: the logarithms of
# three frames then lie on a parabola whose top is the onset (:func:`mtinst.hear.notes.rolls_to_notes`).
_ONSET_NEIGHBOUR = 0.4
_ONSET_REACH = 2  # frames
# Onsets are taught this many frames, 8 ms, before the label: without it, notes on the recordings of `real_valid` were
# late by as much (median over instruments), where labels say when a player begins, not when the tone has risen.
_ONSET_LEAD = 0.25
# Notes of a melody may overlap by so much, a tenth of a second.
_LEGATO_FRAMES = 3

Array = TypeVar("Array", FloatArray, NDArray[np.uint8])


class Batch(NamedTuple):
    """Inputs and targets; see :class:`mtinst.hear.unet.Logits` for the shapes."""

    log_cqt: Tensor  # (B, n_bins, T) float32
    piano: Tensor  # (B, instrument, pitch, T) float32, 0 or 1
    onset: Tensor  # (B, instrument, pitch, T) float32, in [0, 1]
    known: Tensor  # (B, instrument, T) float32, 1 where it is known what that instrument plays, else 0


class Item(NamedTuple):
    """One clip of a :class:`Batch`, without its first axis."""

    log_cqt: FloatArray
    piano: NDArray[np.uint8]
    onset: FloatArray
    known: FloatArray


@dataclass(frozen=True)
class Voice:
    """A part in a mixture: which, from which frame, how loud."""

    part: int
    start: int
    gain: float


class MixtureDataset(Dataset[Item]):
    """An epoch of mixtures."""

    def __init__(self, store: PartStore, config: MixConfig, *, seed: int, epoch: int, n_clips: int) -> None:
        self._store = store
        self._config = config
        self._seed = seed
        self._epoch = epoch
        self._n_clips = n_clips
        self._parts_of_class = [np.flatnonzero(store.classes == index) for index in range(RECORDING + 1)]
        self._played_of_class = [parts[store.is_played[parts]] for parts in self._parts_of_class]
        shares = np.ones(N_INSTRUMENTS)
        shares[INSTRUMENT_INDEX["voice"]], shares[INSTRUMENT_INDEX["other"]] = config.voice_share, config.other_share
        shares *= [len(parts) > 0 for parts in self._parts_of_class[:N_INSTRUMENTS]]
        self._shares = shares / max(1.0, shares.sum())
        self._members_of_group: dict[int, list[int]] = {}
        for part, group in enumerate(store.groups.tolist()):
            self._members_of_group.setdefault(group, []).append(part)

    def __len__(self) -> int:
        return self._n_clips

    def __getitem__(self, index: int) -> Item:
        rng = np.random.default_rng((self._seed, self._epoch, index))
        return self._mix(self._cast(rng), rng)

    def _cast(self, rng: np.random.Generator) -> list[Voice]:
        """Which parts sound: class-balanced, from one song or several, with what has no pitch to report."""
        config = self._config
        classes = self._store.classes
        recordings = self._parts_of_class[RECORDING]
        if len(recordings) and (len(recordings) == len(classes) or rng.random() < config.recording):
            return [Voice(self._draw_part(RECORDING, rng), self._draw_start(rng), 1.0)]
        n_wanted = 0
        if rng.random() >= config.empty:
            n_wanted = 1 + int(rng.choice(len(config.n_instruments), p=config.n_instruments))
        parts: dict[int, int] = {}  # class -> part
        starts: dict[int, int] = {}  # part -> first frame
        shared_start = self._draw_start(rng)
        if n_wanted and rng.random() < config.same_song:
            anchor = self._draw_part(self._draw_class(rng), rng)
            members = self._members_of_group[int(self._store.groups[anchor])]
            for part in (anchor, *(members[i] for i in rng.permutation(len(members)))):
                if classes[part] < N_INSTRUMENTS and len(parts) < n_wanted and classes[part] not in parts:
                    parts[int(classes[part])] = part
                    starts[part] = shared_start
        while len(parts) < n_wanted:
            wanted = self._draw_class(rng)
            if wanted not in parts:
                parts[wanted] = self._draw_part(wanted, rng)
        others = [self._draw_part(INSTRUMENT_INDEX["other"], rng)] if rng.random() < config.other else []
        drums = (
            [self._draw_part(DRUMS, rng)] if rng.random() < config.drums and len(self._parts_of_class[DRUMS]) else []
        )
        voices = [
            Voice(part, starts.get(part, self._draw_start(rng)), _gain(rng.uniform(config.quietest_db, 0)))
            for part in (*parts.values(), *others, *drums)
        ]
        if rng.random() < config.noise and len(self._parts_of_class[NOISE]):
            voices.append(Voice(self._draw_part(NOISE, rng), self._draw_start(rng), _gain(rng.uniform(-60, -25))))
        return voices

    def _mix(self, voices: list[Voice], rng: np.random.Generator) -> Item:
        n_frames = self._config.n_frames
        config, spec = self._config, self._store.spec
        mixture = np.zeros((spec.n_bins, n_frames), dtype=np.complex64)
        heard: list[tuple[Voice, ComplexArray]] = []
        for voice in voices:
            timbre = equaliser(rng, spec, spread_db=config.timbre_db, n_knots=config.timbre_knots)
            part = self._read(voice) * (np.float32(voice.gain) * timbre[:, None])
            melody = self._melody(voice) if config.partials_db else None
            if melody is not None:
                part *= partials(rng, spec, melody, spread_db=config.partials_db)
            if config.dynamics_db:
                part *= dynamics(rng, n_frames, spread_db=config.dynamics_db)
            mixture += part
            if self._store.is_labelled(voice.part):
                heard.append((voice, part))
        if rng.random() < config.room:
            mixture = room(mixture, rng)
        medium = equaliser(rng, spec, spread_db=MEDIUM_DB, n_knots=MEDIUM_KNOTS)[:, None]
        if rng.random() < config.band_limit:
            medium = medium * band_limit(rng, spec)[:, None]
        magnitude = np.abs(mixture) * medium
        loudest = float(magnitude.max())

        piano = np.zeros((N_INSTRUMENTS, spec.n_pitches, n_frames), dtype=np.uint8)
        onset = np.zeros((N_INSTRUMENTS, spec.n_pitches, n_frames), dtype=np.float32)
        known = np.ones((N_INSTRUMENTS, n_frames), dtype=np.float32)
        for voice, part in heard:
            level = strength(part * medium, spec)
            self._label(voice, level >= loudest * 10 ** (-_INAUDIBLE_DB / 20), piano, onset, known)

        shift = int(rng.integers(-self._config.most_shift, self._config.most_shift + 1))
        # A song's loudest moment is elsewhere as often as not: clips of a song are then quieter than 1 all along.
        headroom = 10 ** (rng.uniform(0, 15) / 20) if rng.random() < 0.5 else 1.0
        log_cqt = scale_to_unit(
            _shift_rows(magnitude, shift * spec.bins_per_semitone), spec, reference=loudest * headroom
        )
        if rng.random() < config.compression:
            log_cqt = compressed(log_cqt, rng)
        return Item(log_cqt, _shift_rows(piano, shift), _shift_rows(onset, shift), known)

    def _label(
        self,
        voice: Voice,
        is_heard: NDArray[np.bool_],
        piano: NDArray[np.uint8],
        onset: FloatArray,
        known: FloatArray,
    ) -> None:
        n_frames = piano.shape[-1]
        notes, players = self._store.notes_of(voice.part).tolist(), self._store.players_of(voice.part)
        for (begins, first, end, row), instrument in zip(notes, players, strict=True):
            begins, first, end = begins - voice.start - _ONSET_LEAD, first - voice.start, end - voice.start
            if end <= 0 or first >= n_frames:
                continue
            if row == UNKNOWN:
                known[instrument, max(0, first) : end] = 0
                continue
            frames = np.flatnonzero(is_heard[row, max(0, first) : end])
            if len(frames) == 0:
                continue
            end = max(0, first) + int(frames[-1]) + 1
            piano[instrument, row, max(0, first) : end] = 1
            near = np.arange(max(0, first - _ONSET_REACH), min(n_frames, first + _ONSET_REACH + 1))
            target = _ONSET_NEIGHBOUR ** (near - begins) ** 2
            onset[instrument, row, near] = np.maximum(onset[instrument, row, near], target)

    def _read(self, voice: Voice) -> ComplexArray:
        stored = self._store.cqts[voice.part, :, voice.start : voice.start + self._config.n_frames]
        result: ComplexArray = stored.astype(np.float32).view(np.complex64)[..., 0]
        return result

    def _melody(self, voice: Voice) -> NDArray[np.int64] | None:
        """(n_frames,) the row of the note that began last, for parts that play one at a time."""
        notes = self._store.notes_of(voice.part)
        notes = np.sort(notes[notes["pitch"] != UNKNOWN], order="first")
        if len(notes) == 0 or (notes["first"][1:] < notes["end"][:-1] - _LEGATO_FRAMES).any():
            return None
        frames = np.arange(voice.start, voice.start + self._config.n_frames)
        began_last = np.searchsorted(notes["first"], frames, side="right") - 1
        rows: NDArray[np.int64] = notes["pitch"][began_last.clip(min=0)].astype(np.int64)
        return rows

    def _draw_class(self, rng: np.random.Generator) -> int:
        return int(rng.choice(N_INSTRUMENTS, p=self._shares))

    def _draw_part(self, class_index: int, rng: np.random.Generator) -> int:
        parts, played = self._parts_of_class[class_index], self._played_of_class[class_index]
        if len(played) and rng.random() < self._config.played:
            parts = played
        return int(parts[rng.integers(len(parts))])

    def _draw_start(self, rng: np.random.Generator) -> int:
        return int(rng.integers(N_FRAMES - self._config.n_frames + 1))


def collate(items: list[Item]) -> Batch:
    """Stack items into a batch."""
    return Batch(*(torch.from_numpy(np.stack(arrays)).float() for arrays in zip(*items, strict=True)))


def _gain(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _shift_rows(rolls: Array, shift: int) -> Array:
    """Move the pitch axis (the last but one) up by `shift` rows, zeros coming in."""
    if shift == 0:
        return rolls
    shifted = np.zeros_like(rolls)
    if shift > 0:
        shifted[..., shift:, :] = rolls[..., :-shift, :]
    else:
        shifted[..., :shift, :] = rolls[..., -shift:, :]
    return shifted
