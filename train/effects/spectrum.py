"""What instruments, rooms and recordings do to a sound, done to its CQT.

A CQT frame is some tens of milliseconds long, so a filter is a gain for each bin, and a room, whose echoes are spread
over many frames, is a short filter along time for each bin. All take and give arrays of shape (n_bins, n_frames).
"""

import numpy as np
from numpy.typing import NDArray

from mtinst.grid import SPEC, FeatureSpec, FloatArray
from mtinst.hear.cqt import ComplexArray

N_PARTIALS = 16
# What a room and a recording do to a whole mixture: a curve through so many points of that standard deviation.
MEDIUM_DB, MEDIUM_KNOTS = 4.0, 5
_FRAMES_PER_S = SPEC.frame_rate


def equaliser(rng: np.random.Generator, spec: FeatureSpec, *, spread_db: float, n_knots: int) -> FloatArray:
    """(n_bins,) a smooth gain, as bodies, microphones and tone controls make: a curve through drawn points."""
    knots = rng.normal(0, spread_db, n_knots)
    decibels = np.interp(np.arange(spec.n_bins), np.linspace(0, spec.n_bins - 1, n_knots), knots)
    return _from_decibels(decibels)


def partials(rng: np.random.Generator, spec: FeatureSpec, rows: NDArray[np.integer], *, spread_db: float) -> FloatArray:
    """(n_bins, n_frames) a gain for each partial that goes wherever the melody goes, as another source would have it.

    An equaliser is a body that stands still; this is the reed, the lip or the string that drives it. Gains of the first
    16 partials have that standard deviation; between them they are interpolated.

    Parameters
    ----------
    rng : Generator
    spec : FeatureSpec
    rows : array of int, shape (n_frames,)
        The note of each frame, in semitones above the lowest pitch.
    spread_db : float
    """
    per_semitone = spec.bins_per_semitone
    above = 12 * per_semitone * np.log2(np.arange(1, N_PARTIALS + 1))
    curve = np.interp(np.arange(-spec.n_bins, spec.n_bins + 1), above, rng.normal(0, spread_db, N_PARTIALS))
    fundamental = rows * per_semitone + per_semitone // 2
    result: FloatArray = _from_decibels(curve)[np.arange(spec.n_bins)[:, None] - fundamental[None] + spec.n_bins]
    return result


def dynamics(rng: np.random.Generator, n_frames: int, *, spread_db: float) -> FloatArray:
    """(n_frames,) a gain that swells and fades, with a drawn point a second."""
    n_knots = 2 + int(n_frames / _FRAMES_PER_S)
    decibels = np.interp(np.arange(n_frames), np.linspace(0, n_frames - 1, n_knots), rng.normal(0, spread_db, n_knots))
    return _from_decibels(decibels)


def band_limit(rng: np.random.Generator, spec: FeatureSpec) -> FloatArray:
    """(n_bins,) the gain of a small loudspeaker or a low-rate codec: a steep cut above, below, or both."""
    octaves = np.arange(spec.n_bins) / (12 * spec.bins_per_semitone)
    n_octaves = spec.n_pitches / 12
    decibels = np.zeros(spec.n_bins)
    side = rng.integers(3)
    if side != 1:
        decibels -= rng.uniform(12, 48) * np.maximum(0, octaves - rng.uniform(0.6, 1.0) * n_octaves)
    if side != 0:
        decibels -= rng.uniform(6, 24) * np.maximum(0, rng.uniform(0.0, 0.3) * n_octaves - octaves)
    return _from_decibels(decibels)


def room(sound: ComplexArray, rng: np.random.Generator) -> ComplexArray:
    """The sound and its diffuse echoes: each bin filtered along time by noise that dies away within 0.2 to 1.5 s.

    High bins die away faster, as air and walls have it; the echoes are 24 to 4 dB below the sound.
    """
    reverberation_s = rng.uniform(0.2, 1.5)
    n_taps = max(2, round(0.7 * reverberation_s * _FRAMES_PER_S))  # down to -42 dB
    height, taps = np.linspace(0, 1, len(sound))[:, None], np.arange(1, n_taps + 1)[None]
    faster = 1 + rng.uniform(0, 1) * height
    decay = 10 ** (-3 * faster * taps / (reverberation_s * _FRAMES_PER_S))  # -60 dB after `reverberation_s`
    filters = decay * (rng.standard_normal(decay.shape) + 1j * rng.standard_normal(decay.shape))
    filters *= 10 ** (rng.uniform(-24, -4) / 20) / np.sqrt((np.abs(filters) ** 2).sum(axis=1, keepdims=True))
    n_frames = sound.shape[1]
    n_fft = n_frames + n_taps
    echoes = np.fft.ifft(np.fft.fft(sound, n_fft) * np.fft.fft(filters, n_fft))[:, : n_frames - 1]
    result = sound.copy()
    result[:, 1:] += echoes
    return result


def compressed(log_cqt: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Levels in [0, 1] moved nearer to the loudest, or away from it, by up to a fifth of their distance."""
    result: FloatArray = np.clip(1 - (1 - log_cqt) * np.float32(rng.uniform(0.8, 1.2)), 0, 1)
    return result


def _from_decibels(decibels: np.ndarray) -> FloatArray:
    result: FloatArray = (10 ** (decibels / 20)).astype(np.float32)
    return result
