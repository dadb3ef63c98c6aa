"""Singing on a melody: recorded notes and syllables, taken apart by the vocoder WORLD and sung anew.

Pitch, spectral envelope and breath are apart from each other there, so that a syllable keeps its vowel at any pitch, is
sung by a smaller or larger singer, and glides from note to note.

WORLD: Morise, Yokomori & Ozawa, IEICE Transactions on Information and Systems E99-D, 2016.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import librosa
import numpy as np
import pyworld
from numpy.typing import NDArray
from scipy.signal import lfilter

from mtinst.grid import SPEC, FloatArray
from train.data.recordings import levelled, read_sound
from train.data.sources import OFFSET, ONSET, PITCH, VELOCITY
from train.data.timbres import TimbreSplit

RATE = SPEC.sample_rate
# The syllables that have no index: one man's, all near C#3, on the side of the training.
_SYLLABLES, _SYLLABLES_AT = "syllables", 49
_REACH = 10  # semitones from what a singer recorded to what it is made to sing
_FRAME_S = 0.005
_SILENCE = 1e-12  # power
_ATTACK, _RELEASE = 0.3, 0.15  # shares of a recorded syllable that no long note stretches
_FADE_FRAMES = 4

_Frames = NDArray[np.float64]


@dataclass(frozen=True)
class Syllable:
    """What WORLD makes of a recorded one: power spectra without the pitch, and how much of them is breath."""

    envelope: _Frames  # (n_frames, n_bins)
    aperiodicity: _Frames  # the same, in [0, 1]


class Singer:
    """A voice that can sing any melody with the syllables that it recorded.

    Parameters
    ----------
    name : str
    recordings : sequence of ndarray of float32
        One syllable or note each, at 16 kHz. They are taken apart when they are first sung.
    lowest, highest : int
        Of them, as MIDI pitches.
    """

    def __init__(self, name: str, recordings: Sequence[FloatArray], *, lowest: int, highest: int) -> None:
        self.name = name
        self._recordings = recordings
        self._lowest, self._highest = lowest, highest
        self._syllables: dict[int, Syllable] = {}

    def suits(self, notes: NDArray[np.float64]) -> bool:
        """Whether a melody lies near enough to what was recorded."""
        pitches = notes[:, PITCH]
        return bool(pitches.min() >= self._lowest - _REACH and pitches.max() <= self._highest + _REACH)

    def sing(self, notes: NDArray[np.float64], n_samples: int, rng: np.random.Generator) -> FloatArray:
        """One voice, mono (n_samples,).

        Drawn for the whole part: the singer's size, tuning, vibrato and how long a glide takes; for each note: its
        syllable.

        Parameters
        ----------
        notes : ndarray of float64, shape (n_notes, 4)
            One at a time; see :mod:`train.data.sources`.
        n_samples : int
        rng : Generator
        """
        if len(notes) == 0:
            return np.zeros(n_samples, np.float32)
        size = float(np.exp(rng.uniform(np.log(0.87), np.log(1.2))))  # of a larger throat to that of a smaller one
        pitches = melody(
            notes,
            1 + round(n_samples / RATE / _FRAME_S),
            glide_s=rng.uniform(0.02, 0.2),
            vibrato=rng.uniform(0.0, 0.6),
            vibrato_hz=rng.uniform(4.8, 6.8),
        )
        pitches += rng.uniform(-0.25, 0.25)
        unsteadiness = lfilter([0.02], [1, -0.98], rng.standard_normal(len(pitches)))
        hertz = librosa.midi_to_hz(pitches + unsteadiness)

        n_bins = self._syllable(0).envelope.shape[1]
        envelope = np.full((len(pitches), n_bins), _SILENCE)
        aperiodicity = np.ones((len(pitches), n_bins))
        is_sung = np.zeros(len(pitches), dtype=bool)
        for note in notes:
            begin, end = round(note[ONSET] / _FRAME_S), min(len(pitches), round(note[OFFSET] / _FRAME_S))
            if end - begin < 2 * _FADE_FRAMES:
                continue
            syllable = self._syllable(int(rng.integers(len(self._recordings))))
            at = stretched(len(syllable.envelope), end - begin)
            level = (note[VELOCITY] / 100) ** 2 * _fades(end - begin)
            envelope[begin:end] = _resized(syllable.envelope[at], size) * level[:, None] + _SILENCE
            aperiodicity[begin:end] = _resized(syllable.aperiodicity[at], size)
            is_sung[begin:end] = True
        hertz[~is_sung] = 0.0  # nothing periodic
        sound = pyworld.synthesize(hertz, envelope, aperiodicity, RATE, frame_period=1000 * _FRAME_S)[:n_samples]
        return np.pad(sound, (0, n_samples - len(sound))).astype(np.float32)

    def _syllable(self, index: int) -> Syllable:
        if index not in self._syllables:
            sound = self._recordings[index].astype(np.float64)
            hertz, times = pyworld.dio(sound, RATE, frame_period=1000 * _FRAME_S)
            hertz = pyworld.stonemask(sound, hertz, times, RATE)
            self._syllables[index] = Syllable(
                pyworld.cheaptrick(sound, hertz, times, RATE), pyworld.d4c(sound, hertz, times, RATE)
            )
        return self._syllables[index]


def read_singers(folder: Path, split: TimbreSplit) -> list[Singer]:
    """The singers of ``index.csv`` on one side of the split, and for training the syllables beside it."""
    recordings: dict[str, list[tuple[int, FloatArray]]] = defaultdict(list)
    with (folder / "index.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if (row["split"] == "train") == (split == "train"):
                recordings[row["singer"]].append((int(row["midi"]), levelled(read_sound(folder / row["file"]))))
    if split == "train":
        recordings[_SYLLABLES] = [(_SYLLABLES_AT, levelled(read_sound(path))) for path in sorted(folder.glob("*.flac"))]
    return [
        Singer(name, [sound for _, sound in takes], lowest=takes[0][0], highest=takes[-1][0])
        for name, takes in ((name, sorted(takes, key=lambda take: take[0])) for name, takes in recordings.items())
    ]


def melody(
    notes: NDArray[np.float64], n_frames: int, *, glide_s: float, vibrato: float, vibrato_hz: float
) -> NDArray[np.float64]:
    """The MIDI pitch of each frame of 5 ms: from note to note within about `glide_s`, with vibrato on what is held.

    Vibrato, in semitones to either side, begins to grow 0.15 s into a note and is full after 0.5 s.
    """
    seconds = np.arange(n_frames) * _FRAME_S
    playing = np.maximum(0, np.searchsorted(notes[:, ONSET], seconds, side="right") - 1)
    target = notes[playing, PITCH]
    keep = np.exp(-3 * _FRAME_S / glide_s)
    smooth, _ = lfilter([1 - keep], [1, -keep], target, zi=[keep * target[0]])
    grown = np.clip((seconds - notes[playing, ONSET] - 0.15) / 0.35, 0, 1)
    result: NDArray[np.float64] = smooth + vibrato * grown * np.sin(2 * np.pi * vibrato_hz * seconds)
    return result


def stretched(n_recorded: int, n_frames: int) -> NDArray[np.intp]:
    """Which recorded frame is sung in each of `n_frames`: begin and end keep their pace, what is between is stretched.

    A note too short for begin and end has all of the syllable, faster.

    Examples
    --------
    >>> stretched(10, 14).tolist()
    [0, 1, 2, 3, 4, 4, 4, 5, 6, 6, 6, 7, 8, 9]
    >>> stretched(10, 4).tolist()
    [0, 3, 6, 9]
    """
    attack, release = round(_ATTACK * n_recorded), round(_RELEASE * n_recorded)
    if n_frames <= attack + release:
        return np.linspace(0, n_recorded - 1, n_frames).round().astype(np.intp)
    middle = np.linspace(attack, n_recorded - 1 - release, n_frames - attack - release)
    return (
        np.concatenate([np.arange(attack), middle, np.arange(n_recorded - release, n_recorded)]).round().astype(np.intp)
    )


def _resized(frames: _Frames, size: float) -> _Frames:
    """Spectra whose formants lie `size` times as high."""
    bins = np.minimum(np.arange(frames.shape[1]) / size, frames.shape[1] - 1)
    below = bins.astype(np.intp)
    above = np.minimum(below + 1, frames.shape[1] - 1)
    share = bins - below
    return cast(_Frames, frames[:, below] * (1 - share) + frames[:, above] * share)


def _fades(n_frames: int) -> NDArray[np.float64]:
    ramp = np.minimum(1.0, (np.arange(n_frames) + 1) / _FADE_FRAMES)
    return ramp * ramp[::-1]
