"""What a collected song sounds like: its own audio, or its notes played anew, with singing mixed in when wanted.

These are the extensions that the paper plans for its set: velocities drawn at random, other soundfonts, singing.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mtinst.grid import SPEC, FloatArray
from mtinst.hear.audio import load_audio
from train.data.corpora import CorpusError
from train.data.corpora.paired import AUDIO_SUFFIXES
from train.data.render import SoundfontPlayer
from train.data.sources import OFFSET, VELOCITY, Track
from train.store import N_SAMPLES

_SOFTEST, _LOUDEST = 30, 115
_RELEASE_S = 1.0
_SINGING_SHARE = 0.5
_SINGING_DB = (-12.0, 0.0)
_PEAK = 0.9


class Voices:
    """Everything that songs are made to sound with; each song draws from its own random numbers.

    Parameters
    ----------
    soundfonts : sequence of Path
        None: songs keep their audio.
    singing_dir : Path, optional
        With audio files of singing.
    has_random_velocity : bool
        Draw the velocity of each note.
    """

    def __init__(self, soundfonts: Sequence[Path], singing_dir: Path | None, *, has_random_velocity: bool) -> None:
        for path in soundfonts:
            if not path.is_file():
                raise CorpusError(f"{path} is not there: no soundfont at that path.")
        self._soundfonts = [SoundfontPlayer(path) for path in soundfonts]
        self._singing: list[FloatArray] = []
        if singing_dir is not None:
            files = sorted(path for path in singing_dir.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
            if not files:
                raise CorpusError(f"{singing_dir} holds no audio of singing.")
            self._singing = [load_audio(path) for path in files]
        self._has_random_velocity = has_random_velocity

    def revoiced(self, tracks: Sequence[Track], rng: np.random.Generator) -> list[Track]:
        """The same tracks, their velocities drawn where that is wanted."""
        if not self._has_random_velocity:
            return list(tracks)
        result = []
        for track in tracks:
            notes = track.notes.copy()
            notes[:, VELOCITY] = rng.integers(_SOFTEST, _LOUDEST + 1, len(notes))
            result.append(replace(track, notes=notes))
        return result

    def sound(self, tracks: Sequence[Track], audio: Path | None, rng: np.random.Generator) -> FloatArray:
        """The song as mono audio: played by a drawn soundfont, or from its file."""
        if not self._soundfonts:
            assert audio is not None
            return load_audio(audio)
        player = self._soundfonts[rng.integers(len(self._soundfonts))]
        end = max((float(track.notes[:, OFFSET].max()) for track in tracks), default=0.0)
        n_samples = round((end + _RELEASE_S) * SPEC.sample_rate)
        total = np.zeros(n_samples, np.float32)
        for track in tracks:
            program = 0 if track.is_drum else track.program
            total += player.play(track.notes, program, n_samples, is_drum=track.is_drum, detune=0.0)
        return _levelled(total)

    def with_singing(self, samples: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Somebody sings in half of all tens of seconds, of which nothing is to be reported."""
        if not self._singing:
            return samples
        mixed = samples.copy()
        power = float(np.sqrt(np.mean(samples**2)))
        for start in range(0, len(mixed), N_SAMPLES):
            if rng.random() >= _SINGING_SHARE:
                continue
            voice = self._singing[rng.integers(len(self._singing))]
            here = mixed[start : start + N_SAMPLES]
            first = int(rng.integers(max(1, len(voice) - len(here) + 1)))
            sung = voice[first : first + len(here)]
            gain = power / max(1e-6, float(np.sqrt(np.mean(sung**2)))) * 10 ** (rng.uniform(*_SINGING_DB) / 20)
            here[: len(sung)] += np.float32(gain) * sung
        return _levelled(mixed)


def _levelled(samples: FloatArray) -> FloatArray:
    return samples * np.float32(_PEAK / max(1e-6, float(np.abs(samples).max(initial=0.0))))
