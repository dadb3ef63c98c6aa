"""Audio to log-CQT, the network's only input.

The paper's features (section 4.1): a constant-Q transform of 88 bins, one a semitone from A0, at 16 kHz and hop 512,
on a decibel scale. :func:`cqt` is linear in the audio, so the CQT of a mixture is the sum of its parts' CQTs; training
mixes there. :func:`scale_to_unit` is the part that is not.
"""

import math
from functools import lru_cache

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mtinst.grid import CONCERT_HZ, SPEC, FeatureSpec, FloatArray

ComplexArray = NDArray[np.complex64]

HANN_BANDWIDTH = 1.50018310546875
"""Of the window, in bins, as librosa measures it."""
FAINTEST_SHARE = 0.01
AT_ONCE = 256  # samples that are halved together
LOW_PASS_REACH = 192  # samples; what soxr has beyond is below 1e-7
# Longer clips are analysed in parts, for the transform needs some ten times the memory of its result. Each part is
# taken with a margin on both sides, longer than the longest filter, so that it is what it would be in the whole.
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
    """Complex CQT, shape (n_bins, n_frames), linear in `samples`.

    Bins that a high tuning moves beyond half the sample rate are zero.
    """
    if samples.ndim != 1:
        raise ValueError(f"samples must have one axis, not shape {samples.shape}")
    heard = np.ascontiguousarray(samples) if len(samples) else np.zeros(1, np.float32)
    with torch.inference_mode():
        result: ComplexArray = _transform(spec, tuning_hz)(torch.from_numpy(heard)).numpy()
    return result


class ConstantQ(nn.Module):
    """The constant-Q transform of librosa 0.11 (Schörkhuber and Klapuri, 2010) as convolutions.

    The highest octave is filtered at the sample rate, each one below at half the rate of the one before. Filters and
    the low-pass before halving are librosa's, so that the result is, too, within 1e-3 of the range of a log-CQT.

    Parameters
    ----------
    spec : FeatureSpec
    tuning_hz : float
        Frequency of the A above middle C, to which all bins keep their distance.
    """

    def __init__(self, spec: FeatureSpec, tuning_hz: float = CONCERT_HZ) -> None:
        super().__init__()
        per_octave = 12 * spec.bins_per_semitone
        hertz = spec.lowest_hz * tuning_hz / CONCERT_HZ * 2.0 ** (np.arange(spec.n_bins) / per_octave)
        step = 2.0 ** (1 / per_octave)
        bandwidth = (step**2 - 1) / (step**2 + 1) / spec.filter_scale  # of a filter, in its frequency
        hertz = hertz[hertz * (1 + HANN_BANDWIDTH / 2 * bandwidth) < spec.sample_rate / 2]
        self.n_silent = spec.n_bins - len(hertz)
        self.hops: list[int] = []  # of each octave, from the highest down
        rate, hop = float(spec.sample_rate), spec.hop_length
        octaves = [hertz[max(0, end - per_octave) : end] for end in range(len(hertz), 0, -per_octave)]
        for index, octave in enumerate(octaves):
            filters = _filters(octave, rate, bandwidth) * (spec.sample_rate / rate) ** 0.5
            filters /= np.sqrt(spec.sample_rate / octave / bandwidth)[:, None]
            self.register_buffer(
                f"octave{index}", torch.from_numpy(np.concatenate((filters.real, filters.imag))).float()
            )
            self.hops.append(hop)
            if hop % 2 == 0:
                rate, hop = rate / 2, hop // 2
        taps = torch.from_numpy(_low_pass()).float()
        shifted = [functional.pad(taps, (2 * k, 2 * (AT_ONCE - 1 - k))) for k in range(AT_ONCE)]
        self.register_buffer("low_pass", torch.stack(shifted)[:, None])

    def forward(self, samples: Tensor) -> Tensor:
        """(n_samples,) at ``spec.sample_rate`` to (n_bins, n_frames), complex; frame ``k`` is centred as everywhere."""
        return torch.complex(*self.parts(samples))

    def parts(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Real and imaginary part of :meth:`forward`, for where there are no complex numbers."""
        last_hop = self.hops[0]
        n_frames = 1 + samples.shape[-1] // last_hop
        signal, low_pass = samples[None, None], self.get_buffer("low_pass")
        octaves = []
        for index, hop in enumerate(self.hops):
            if hop < last_hop:
                signal, last_hop = _halved(signal, low_pass), hop
            filters = self.get_buffer(f"octave{index}")[:, None]
            half = filters.shape[-1] // 2
            response = functional.conv1d(functional.pad(signal, (half, half)), filters, stride=hop)[0, :, :n_frames]
            octaves.append(torch.stack(response.chunk(2)))
        real, imaginary = functional.pad(torch.cat(octaves[::-1], dim=1), (0, 0, 0, self.n_silent))
        return real, imaginary


def _halved(signal: Tensor, low_pass: Tensor) -> Tensor:
    """(1, 1, n_samples) at half the rate; `AT_ONCE` samples at a time, as one product of matrices."""
    n_samples = (signal.shape[-1] + 1) // 2
    to_block = -n_samples % AT_ONCE
    left = functional.pad(signal, (LOW_PASS_REACH, LOW_PASS_REACH + 2 * to_block + signal.shape[-1] % 2))
    blocks = functional.conv1d(left, low_pass, stride=2 * AT_ONCE)
    return blocks.transpose(1, 2).reshape(1, 1, -1)[..., :n_samples]


@lru_cache(maxsize=8)
def _transform(spec: FeatureSpec, tuning_hz: float) -> ConstantQ:
    return ConstantQ(spec, tuning_hz)


def _filters(hertz: NDArray[np.float64], rate: float, bandwidth: float) -> NDArray[np.complex128]:
    """Windowed waves of these frequencies, shape (n_filters, a power of two), as :func:`librosa.filters.wavelet` does.

    Of each spectrum the negative half is left out, and of the rest what makes up the faintest hundredth.
    """
    lengths = rate / hertz / bandwidth
    width = 2 ** math.ceil(math.log2(lengths.max()))
    waves = np.zeros((len(hertz), width), np.complex128)
    for wave, length, frequency in zip(waves, lengths, hertz, strict=True):
        times = np.arange(-length // 2, length // 2)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(len(times)) / len(times))
        first = (width - len(times)) // 2
        wave[first : first + len(times)] = window / window.sum() * np.exp(2j * np.pi * frequency / rate * times)
    spectra = np.fft.fft(waves * lengths[:, None] / width)
    spectra[:, width // 2 + 1 :] = 0
    strengths = np.abs(spectra)
    ranked = np.sort(strengths)
    share = np.cumsum(ranked, axis=1) / ranked.sum(axis=1, keepdims=True)
    faintest = np.take_along_axis(ranked, (share < FAINTEST_SHARE).sum(axis=1, keepdims=True), axis=1)
    return np.fft.fft(np.where(strengths < faintest, 0, spectra))


def _low_pass() -> NDArray[np.float64]:
    """What soxr's "HQ" convolves with before it takes every other sample, so scaled that the power stays."""
    middle, taps = 1024, np.zeros(2 * LOW_PASS_REACH + 1)
    for odd in (0, 1):
        impulse = np.zeros(2 * middle)
        impulse[middle + odd] = math.sqrt(2)
        offsets = 2 * np.arange(middle) - middle - odd
        is_near = np.abs(offsets) <= LOW_PASS_REACH
        taps[offsets[is_near] + LOW_PASS_REACH] = soxr.resample(impulse, 2, 1, quality="HQ")[is_near]
    return taps


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
