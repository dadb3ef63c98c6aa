"""Plucked strings by a model instead of recordings: basses that nobody owns.

(Its guitars, acoustic and electric, were too alike: a network that was trained on them mixed up recorded ones too.)

A string is a delay line whose end loses a little of every period (Karplus & Strong, "Digital synthesis of
plucked-string and drum timbres", Computer Music Journal 7(2), 1983), with the extensions of Jaffe & Smith in the same
issue: a pluck somewhere along it, a loop tuned to a fraction of a sample, and a decay that may be chosen. Where it is
listened to, by a pickup or through a wooden body, is drawn for each part, so each part is another instrument.
"""

from dataclasses import dataclass

import librosa
import numba
import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from mtinst.spec import SPEC, FloatArray
from train.sources import OFFSET, ONSET, PITCH, VELOCITY

RATE = SPEC.sample_rate
_TAIL_S = 4.0  # no string sounds for longer after it is let go


@dataclass(frozen=True, kw_only=True)
class StringInstrument:
    """One electric or upright bass.

    Parameters
    ----------
    pluck, pickup : float
        Where the string is struck and listened to, as shares of its length from the bridge. No pickup: 0.
    ring_s : float
        How long a note at C4 takes to fall by 60 dB; lower ones take longer.
    damping : float
        In [0, 1]: how much of that is lost to what takes high harmonics first.
    hardness_hz : float
        What strikes it holds nothing above this: a thumb 800 Hz, a plectrum 7 kHz.
    body : tuple of (hertz, share)
        Resonances of the wood.
    release_s : float
        How long a string that is let go takes to fall by 60 dB.
    """

    pluck: float
    pickup: float
    ring_s: float
    damping: float
    hardness_hz: float
    body: tuple[tuple[float, float], ...]
    release_s: float


def draw_bass(rng: np.random.Generator) -> StringInstrument:
    """An instrument of its own each time, three in ten of them upright."""
    is_wooden = rng.random() < 0.3
    return StringInstrument(
        pluck=rng.uniform(0.06, 0.45),
        pickup=0.0 if is_wooden else rng.uniform(0.04, 0.28),
        ring_s=float(np.exp(rng.uniform(np.log(0.8), np.log(3.0 if is_wooden else 9.0)))),
        damping=float(np.exp(rng.uniform(np.log(0.02), np.log(0.8)))),
        hardness_hz=float(np.exp(rng.uniform(np.log(700), np.log(7000)))),
        body=tuple(
            (float(np.exp(rng.uniform(np.log(70), np.log(500)))), rng.uniform(0.2, 1.5))
            for _ in range(rng.integers(2, 5) if is_wooden else 0)
        ),
        release_s=rng.uniform(0.05, 0.4),
    )


def play_strings(
    notes: NDArray[np.float64], instrument: StringInstrument, n_samples: int, rng: np.random.Generator
) -> FloatArray:
    """One part, shape (n_samples,), in tune with itself and off concert pitch by up to 20 cents."""
    out = np.zeros(n_samples)
    tuning = rng.uniform(-0.2, 0.2)
    dynamics = rng.uniform(0.3, 1.5)  # exponent: how much velocity shows
    for note in notes:
        start, end = round(note[ONSET] * RATE), round(note[OFFSET] * RATE)
        length = min(n_samples - start, end - start + round(min(_TAIL_S, 2 * instrument.release_s) * RATE))
        if length <= 0:
            continue
        pitch = note[PITCH] + tuning + rng.normal(0, 0.03)
        sound = _string(instrument, float(librosa.midi_to_hz(pitch)), length, end - start, rng)
        out[start : start + length] += sound * (note[VELOCITY] / 100) ** dynamics
    for hertz, share in instrument.body:
        sos = butter(1, hertz * np.array([0.85, 1.18]), "bandpass", fs=RATE, output="sos")
        out += share * sosfilt(sos, out)
    result: FloatArray = out.astype(np.float32)
    return result


def _string(
    instrument: StringInstrument, hertz: float, length: int, held: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    period = RATE / hertz
    pluck = rng.uniform(-1, 1, int(np.ceil(period)))
    sos = butter(1, min(instrument.hardness_hz, 0.45 * RATE), fs=RATE, output="sos")
    pluck = sosfilt(sos, np.concatenate((pluck, pluck)))[-len(pluck) :]
    pluck -= pluck.mean()
    pluck -= np.roll(pluck, max(1, round(instrument.pluck * period)))  # no harmonic that has a node there
    if instrument.pickup > 0:
        pluck -= np.roll(pluck, max(1, round(instrument.pickup * period)))
    pluck /= max(1e-9, float(np.abs(pluck).max()))
    ring_s = instrument.ring_s * (261.6 / hertz) ** 0.5
    omega = 2 * np.pi * hertz / RATE
    decay = 3 * np.log(10) / (hertz * ring_s)  # of the fundamental in a period, in nepers
    average = min(0.25, instrument.damping * decay / omega**2)
    loss = 0.5 - np.sqrt(0.25 - average)
    lost = np.abs(1 - loss + loss * np.exp(-1j * omega))
    sound: NDArray[np.float64] = _vibrate(
        pluck,
        length,
        period - loss,
        loss,
        min(1.0, np.exp(-decay) / lost),
        held,
        np.exp(-3 * np.log(10) / (hertz * min(ring_s, instrument.release_s))),
    )
    return sound


@numba.njit
def _vibrate(pluck, length, delay, loss, keep, held, keep_after):  # type: ignore[no-untyped-def]
    """A loop of `delay` + `loss` samples: delay line, two-point average that loses, all-pass for the fraction."""
    whole = int(delay - 0.1)
    fraction = delay - whole
    coefficient = (1 - fraction) / (1 + fraction)
    out = np.zeros(length)
    before = passed = 0.0
    for n in range(length):
        back = 0.0
        if n >= whole:
            back = (1 - loss) * out[n - whole] + (loss * out[n - whole - 1] if n > whole else 0.0)
        passed = coefficient * (back - passed) + before
        before = back
        out[n] = (pluck[n] if n < len(pluck) else 0.0) + (keep if n < held else keep_after) * passed
    return out
