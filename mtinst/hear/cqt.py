"""Audio to log-CQT, the network's only input.

The paper's features (section 4.1): a constant-Q transform of 88 bins, one a semitone from A0, at 16 kHz and hop 512,
on a decibel scale. :func:`cqt` is linear in the audio, so the CQT of a mixture is the sum of its parts' CQTs; training
mixes there. :func:`scale_to_unit` is the part that is not.
"""

import math

import librosa
import numpy as np
from numpy.typing import NDArray

from mtinst.grid import CONCERT_HZ, SPEC, FeatureSpec, FloatArray

ComplexArray = NDArray[np.complex64]

# The lowest octave is analysed at 1/128 of the rate, where this many samples fill one window.
_SHORTEST_SAMPLES = 32768
# Longer clips are analysed in parts, for the transform needs some ten times the memory of its result. Each part is
# heard with a margin on both sides, longer than the longest filter, so that it is what it would be in the whole.
PART_S, MARGIN_S = 1000.0, 10.0
_SCALED_AT_ONCE = 4096  # frames
_COARSEST = 512  # low octaves are analysed at a rate up to this much lower, and parts must start on one of its samples
_DEAFENING = 2.0**64


def log_cqt(samples: FloatArray, spec: FeatureSpec = SPEC, *, tuning_hz: float = CONCERT_HZ) -> FloatArray:
    """Log-magnitude CQT of a clip, relative to its loudest bin.

    Parameters
    ----------
    samples : ndarray of float32, shape (n_samples,)
        Mono audio at ``spec.sample_rate``.
    tuning_hz : float
        Frequency of the A above middle C, to which all bins keep their distance.

    Returns
    -------
    ndarray of float32, shape (n_bins, n_frames)
        In [0, 1]: 1 is the loudest bin of the clip, 0 is ``spec.dynamic_range_db`` below it or less. All zeros for
        digital silence. Frame ``k`` is centred on ``k * hop_length`` samples.

    Examples
    --------
    >>> seconds = np.arange(16000) / 16000
    >>> features = log_cqt(np.sin(2 * np.pi * 440 * seconds).astype(np.float32))
    >>> features.shape, int(features[:, 16].argmax()) + SPEC.lowest_pitch
    ((88, 32), 69)
    """
    if max(samples.max(initial=0.0), -samples.min(initial=0.0)) > _DEAFENING:  # its magnitudes would overflow
        samples = samples * np.float32(1 / _DEAFENING)
    return scale_to_unit(_magnitude(samples, spec, tuning_hz), spec)


def cqt(samples: FloatArray, spec: FeatureSpec = SPEC, *, tuning_hz: float = CONCERT_HZ) -> ComplexArray:
    """Complex CQT, shape (n_bins, n_frames), linear in `samples`; clips under 2 s are padded with silence first.

    Bins that a high tuning moves beyond half the sample rate are zero.
    """
    if samples.ndim != 1:
        raise ValueError(f"samples must have one axis, not shape {samples.shape}")
    n_frames = spec.n_frames(len(samples))
    padded = np.pad(samples, (0, max(0, _SHORTEST_SAMPLES - len(samples))))
    lowest_hz = spec.lowest_hz * tuning_hz / CONCERT_HZ
    n_bins = min(spec.n_bins, _most_bins(lowest_hz, spec))
    transform = librosa.cqt(
        padded,
        sr=spec.sample_rate,
        hop_length=spec.hop_length,
        fmin=lowest_hz,
        n_bins=n_bins,
        bins_per_octave=12 * spec.bins_per_semitone,
        filter_scale=spec.filter_scale,
        dtype=np.complex64,
    )
    result: ComplexArray = transform[:, :n_frames]
    return result if n_bins == spec.n_bins else np.pad(result, ((0, spec.n_bins - n_bins), (0, 0)))


def _most_bins(lowest_hz: float, spec: FeatureSpec) -> int:
    """How many bins from that frequency there can be before the filter of one reaches half the sample rate."""
    bins_per_octave = 12 * spec.bins_per_semitone
    step = 2.0 ** (1 / bins_per_octave)
    width = (step**2 - 1) / (step**2 + 1) / spec.filter_scale * librosa.filters.window_bandwidth("hann") / 2
    return math.ceil(bins_per_octave * math.log2(spec.sample_rate / 2 / (1 + width) / lowest_hz))


def _magnitude(samples: FloatArray, spec: FeatureSpec, tuning_hz: float) -> FloatArray:
    """Absolute value of :func:`cqt`, to the sixth digit, and of short clips exactly."""
    n_frames = spec.n_frames(len(samples))
    part, margin = round(PART_S * spec.frame_rate), round(MARGIN_S * spec.frame_rate)
    if n_frames <= part or spec.hop_length % _COARSEST:
        return np.abs(cqt(samples, spec, tuning_hz=tuning_hz))
    magnitude = np.empty((spec.n_bins, n_frames), np.float32)
    for first in range(0, n_frames, part):
        end = min(first + part, n_frames)
        start, stop = max(0, first - margin), end + margin
        heard = cqt(samples[start * spec.hop_length : stop * spec.hop_length], spec, tuning_hz=tuning_hz)
        np.abs(heard[:, first - start : end - start], out=magnitude[:, first:end])
    return magnitude


def by_pitch(levels: FloatArray, spec: FeatureSpec = SPEC) -> FloatArray:
    """(n_bins, n_frames) to (n_pitches, n_frames): the strongest bin of each row."""
    of_rows = levels[: spec.n_pitches * spec.bins_per_semitone]
    result: FloatArray = of_rows.reshape(spec.n_pitches, spec.bins_per_semitone, -1).max(axis=1)
    return result


def scale_to_unit(magnitude: FloatArray, spec: FeatureSpec = SPEC, *, reference: float | None = None) -> FloatArray:
    """Decibels below `reference` (the largest magnitude when None), mapped from [-dynamic_range_db, 0] to [0, 1]."""
    if reference is None:
        reference = float(magnitude.max(initial=0.0))
    if reference <= 0.0:
        return np.zeros_like(magnitude)
    floor = np.float32(reference * 10.0 ** (-spec.dynamic_range_db / 20.0))
    scaled = np.empty_like(magnitude, dtype=np.float32)
    for first in range(0, magnitude.shape[-1], _SCALED_AT_ONCE):
        part = np.s_[..., first : first + _SCALED_AT_ONCE]
        decibels = np.float32(20.0) * np.log10(np.maximum(magnitude[part], floor) / np.float32(reference))
        scaled[part] = np.clip(1.0 + decibels / np.float32(spec.dynamic_range_db), 0.0, 1.0)
    return scaled


def warm_up() -> None:
    """Compute a small CQT, so that the first song need not wait for librosa to compile, up to 25 s the first time.

    Once in one process before several begin: numba's cache can come out mixed when two fill it at a time, and what is
    read from it then ends the process (numba's issue 4807).
    """
    log_cqt(np.random.default_rng(0).standard_normal(2**15, np.float32))
