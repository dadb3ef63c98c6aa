"""How high the A above middle C is in a song: by ear, within half a semitone, or as a person says.

Sounds that last lie near one of the semitones of their song. How far beside those of 440 Hz they are on the whole is
how the song is tuned; a song tuned a semitone lower cannot be told from one that is written a semitone lower.
"""

import math

import numpy as np

from mtinst.grid import CONCERT_HZ, SPEC, FloatArray

LOWEST_HZ, HIGHEST_HZ = 392.0, 493.0
"""What a person may say: two semitones up or down, as far as MIDI and the synthesiser can bend."""
UNHEARD_SEMITONES = 0.1
"""A song this near to 440 Hz is taken as tuned so: networks are trained on parts that are out of tune by more, and a
tuning is estimated within 0.03."""
WINDOW_S = 0.512
MOST_WINDOWS = 1024  # spread over long songs
LEAST_PEAKS = 100
LEAST_AGREEMENT = 0.15
"""From 0, sounds lie anywhere between the semitones, to 1. Drums and noise have less than 0.03, instruments 0.3 to 0.8.
"""
_LOWEST_PEAK_HZ, _HIGHEST_PEAK_HZ = 80.0, 2000.0
_LEVEL = 10 ** (-50 / 20)  # of a peak, compared with the loudest around
_AT_ONCE = 64  # windows


def estimate_tuning(samples: FloatArray, sample_rate: int = SPEC.sample_rate) -> float:
    """Frequency of the A nearest to 440 Hz, within half a semitone; 440 where the song does not tell.

    Parameters
    ----------
    samples : ndarray of float32, shape (n_samples,)
    sample_rate : int
        In Hz.

    Examples
    --------
    >>> seconds = np.arange(160000) / 16000
    >>> chord = sum(np.sin(2 * np.pi * 430 / 440 * hz * seconds) for hz in (220.0, 277.183, 329.628))
    >>> round(estimate_tuning(chord.astype(np.float32)))
    430
    """
    window = round(WINDOW_S * sample_rate)
    n_windows = (len(samples) - window) // (window // 2) + 1
    if n_windows < 1:
        return CONCERT_HZ
    chosen = np.unique(np.linspace(0, n_windows - 1, min(n_windows, MOST_WINDOWS)).round().astype(int))
    n_peaks, total, turned = 0, 0.0, 0j
    for first in range(0, len(chosen), _AT_ONCE):
        starts = chosen[first : first + _AT_ONCE] * (window // 2)
        bins, levels = _peaks(np.stack([samples[start : start + window] for start in starts]), sample_rate)
        if len(bins):
            semitones = 12 * np.log2(bins * (sample_rate / window / CONCERT_HZ))
            n_peaks += len(bins)
            total += float(levels.sum())
            turned += complex((levels * np.exp(2j * np.pi * semitones)).sum())  # distances, on a circle of one semitone
    if n_peaks < LEAST_PEAKS or abs(turned) < LEAST_AGREEMENT * total:
        return CONCERT_HZ
    return float(CONCERT_HZ * 2 ** (np.angle(turned) / (2 * np.pi) / 12))


def semitones_from_concert(tuning_hz: float) -> float:
    """How far an A is from 440 Hz.

    Examples
    --------
    >>> round(semitones_from_concert(415.0), 2)
    -1.01
    """
    return 12 * math.log2(tuning_hz / CONCERT_HZ)


def is_tuning(hz: float) -> bool:
    """Whether a person may say that a song is tuned so."""
    return LOWEST_HZ <= hz <= HIGHEST_HZ


def _peaks(windows: FloatArray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Where spectra have their peaks, in fractions of a bin, and how high those are."""
    windows = windows / max(float(np.abs(windows).max()), 1e-30)  # numbers near the largest would overflow
    spectra = np.abs(np.fft.rfft(windows * np.hanning(windows.shape[1]).astype(np.float32)))
    lowest, highest = (round(hz * windows.shape[1] / sample_rate) for hz in (_LOWEST_PEAK_HZ, _HIGHEST_PEAK_HZ))
    spectra = spectra[:, lowest - 1 : highest + 2]
    level = spectra[:, 1:-1]
    is_peak = (level > spectra[:, :-2]) & (level >= spectra[:, 2:]) & (level > _LEVEL * spectra.max(initial=0.0))
    row, place = is_peak.nonzero()
    before, at, after = (np.log(spectra[row, place + step] + 1e-12) for step in range(3))
    return lowest + place + (before - after) / (2 * (before - 2 * at + after)), level[row, place]
