"""What happens to a part between the player and the listener's loudspeaker, as far as it is not linear.

Loaders mix CQTs, which takes care of everything linear (:mod:`train.effects`); what is here must be done to the sound,
so it is done when parts are rendered. All take and give mono float32 at 16 kHz, of one length, and keep the time of
everything.
"""

import io
from collections.abc import Callable

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from mtinst.grid import SPEC, FloatArray
from train.sources import OFFSET, ONSET, PITCH

RATE = SPEC.sample_rate
MOST_VARISPEED = 4  # semitones
# Constant quality from about 17 to 40 kbit/s for a mono part at 16 kHz.
_CODECS = (("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"))


def varispeed(
    play: Callable[[NDArray[np.float64], int], FloatArray],
    notes: NDArray[np.float64],
    semitones: int,
    n_samples: int,
) -> FloatArray:
    """Notes played `semitones` lower and slower, and brought up again by a faster tape.

    Pitches and times come out as written, while bodies, formants and attacks are those of an instrument that is smaller
    (or for a negative number larger).

    Parameters
    ----------
    play : callable
        Notes and a number of samples to a sound.
    notes : ndarray of float64, shape (n_notes, 4)
        See :mod:`train.sources`.
    semitones : int
    n_samples : int
    """
    ratio = 2 ** (semitones / 12)
    moved = notes.copy()
    moved[:, PITCH] -= semitones
    moved[:, (ONSET, OFFSET)] *= ratio
    sound = soxr.resample(play(moved, round(n_samples * ratio)), RATE * ratio, RATE)[:n_samples]
    result: FloatArray = np.pad(sound, (0, n_samples - len(sound))).astype(np.float32)
    return result


def compress(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Gain reduction by 2:1 to 8:1 above a threshold 6 to 26 dB below the loudest, following the level over 30 ms."""
    smooth = np.exp(-1 / (0.03 * RATE))
    power = lfilter([1 - smooth], [1, -smooth], sound.astype(np.float64) ** 2)
    loudest = float(power.max(initial=0.0))
    if loudest == 0.0:
        return sound
    over_db = 10 * np.log10(np.maximum(power / loudest, 1e-10)) + rng.uniform(6, 26)
    gain_db = -np.maximum(0, over_db) * (1 - 1 / rng.uniform(2, 8))
    result: FloatArray = (sound * 10 ** (gain_db / 20)).astype(np.float32)
    return result


def amplify(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """An electric guitar's amplifier: some bass cut off, up to 36 dB of drive, a loudspeaker, now and then a pedal.

    The loudspeaker has a resonance and ends between 2.5 and 6 kHz; the pedal is a chorus or a tremolo.
    """
    level = float(np.abs(sound).max(initial=0.0))
    if level == 0.0:
        return sound
    wet = sosfilt(butter(1, rng.uniform(60, 350), "highpass", fs=RATE, output="sos"), sound / level)
    drive = 10 ** (rng.uniform(-6, 36) / 20)
    bias = rng.uniform(0, 0.3)  # valves bend one half of the wave more than the other
    wet = np.tanh(drive * wet + bias) - np.tanh(bias)
    resonance = sosfilt(
        butter(1, rng.uniform(90, 2000) * np.array([0.8, 1.25]), "bandpass", fs=RATE, output="sos"), wet
    )
    wet = wet + rng.uniform(0, 1.5) * resonance
    wet = sosfilt(butter(int(rng.integers(1, 4)), rng.uniform(2500, 6000), "lowpass", fs=RATE, output="sos"), wet)
    seconds = np.arange(len(wet)) / RATE
    pedal = rng.random()
    if pedal < 0.2:
        delay_s = 0.012 + rng.uniform(0.001, 0.006) * (1 + np.sin(2 * np.pi * rng.uniform(0.2, 2.5) * seconds)) / 2
        wet = wet + rng.uniform(0.3, 0.9) * np.interp(seconds - delay_s, seconds, wet, left=0.0)
    elif pedal < 0.3:
        wet = wet * (1 - rng.uniform(0.2, 0.8) * (1 + np.sin(2 * np.pi * rng.uniform(3, 8) * seconds)) / 2)
    result: FloatArray = (wet * level / max(1e-6, float(np.abs(wet).max()))).astype(np.float32)
    return result


def encode(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Through a lossy codec at a low rate and back; the codecs used here delay nothing."""
    level = float(np.abs(sound).max(initial=0.0))
    if level == 0.0:
        return sound
    name, subtype = _CODECS[rng.integers(len(_CODECS))]
    stream = io.BytesIO()
    soundfile.write(
        stream, sound / level * 0.9, RATE, format=name, subtype=subtype, compression_level=rng.uniform(0.5, 0.99)
    )
    stream.seek(0)
    decoded, _ = soundfile.read(stream, dtype="float32")
    result: FloatArray = (np.resize(decoded, len(sound)) * np.float32(level / 0.9)).astype(np.float32)
    return result


def strum(notes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Chords one string after the other, 8 to 40 ms apart, upwards or downwards; sorted by onset.

    Notes within 30 ms of each other count as a chord; the others stay.
    """
    strummed = notes[np.argsort(notes[:, ONSET], kind="stable")].copy()
    step, is_upwards = rng.uniform(0.008, 0.04), rng.random() < 0.7
    begins = np.flatnonzero(np.diff(strummed[:, ONSET], prepend=-np.inf) > 0.03)
    for begin, end in zip(begins, np.append(begins[1:], len(strummed)), strict=True):
        chord = slice(begin, end)
        order = np.argsort(strummed[chord, PITCH] * (1 if is_upwards else -1), kind="stable")
        delays = np.empty(end - begin)
        delays[order] = step * np.arange(end - begin)
        shortest = strummed[chord, OFFSET] - 0.04
        strummed[chord, ONSET] = np.maximum(
            strummed[chord, ONSET], np.minimum(strummed[chord, ONSET] + delays, shortest)
        )
    return strummed[np.argsort(strummed[:, ONSET], kind="stable")]
