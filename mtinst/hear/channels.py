"""Several channels to one, so that nothing cancels.

The mean of the channels is what they sound like together, but for what is in them with opposite signs: a channel that
was inverted by a wrong cable, or one instrument that was widened by an effect. So the mean is compared with the
channels, frequency by frequency; where it is much quieter than unlike sounds would be together, one of the louder
channels takes its place. Everything else is the mean, sample for sample.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mtinst.grid import FloatArray

WINDOW_S = 0.128  # tells apart frequencies some 16 Hz apart
CANCELLED = 0.1
"""Part of the power that sounds without a common origin would have together."""
# Unlike sounds cancel now and then by chance; over so many windows and neighbouring frequencies they do not. In the
# fewer windows of a short clip they have to cancel better to count.
_WINDOWS, _FREQUENCIES = 8, 3
_AT_ONCE = 1 << 18  # samples of all channels


def mix(blocks: Iterable[FloatArray], sample_rate: int) -> Iterator[FloatArray]:
    """Mix blocks of shape (n_samples, n_channels), the same number in each, to blocks of shape (n_samples,).

    Examples
    --------
    >>> seconds = np.arange(16000, dtype=np.float32) / 16000
    >>> left = np.sin(2 * np.pi * 440 * seconds)
    >>> (mixed,) = mix([np.stack([left, -left], axis=1)], 16000)
    >>> np.allclose(mixed, left, atol=1e-3)
    True
    """
    window = 2 ** round(np.log2(WINDOW_S * sample_rate))
    group = _WINDOWS * window // 2  # samples; those further away do not matter to one
    waiting: list[FloatArray] = []
    n_waiting = n_before = 0
    for block in blocks:
        if block.shape[1] == 1:
            yield block[:, 0]
            continue
        waiting.append(block)
        n_waiting += len(block)
        # A whole number of groups, so that they fall on the same samples whatever the blocks are.
        n_ready = (n_waiting - n_before - group) // group * group
        if n_ready > 0 and n_ready * block.shape[1] >= _AT_ONCE:
            samples = np.concatenate(waiting)
            yield _mixed(samples, window)[n_before : n_before + n_ready]
            waiting = [samples[n_before + n_ready - group :]]
            n_waiting, n_before = len(waiting[0]), group
    if n_waiting > n_before:
        yield _mixed(np.concatenate(waiting), window)[n_before:]


def _mixed(samples: FloatArray, window: int) -> FloatArray:
    """The mean over (n_samples, n_channels), and what would be cancelled in it."""
    from scipy.fft import irfft, rfft  # in single precision twice as fast as NumPy's

    n_samples, n_channels = samples.shape
    mean: FloatArray = samples @ np.full(n_channels, 1 / n_channels, np.float32)
    if (samples == samples[:, :1]).all():
        return mean
    hop = window // 2
    n_windows = -(-(n_samples + hop) // (hop * _WINDOWS)) * _WINDOWS
    padded = np.zeros((n_channels, (n_windows + 1) * hop), np.float32)
    padded[:, hop : hop + n_samples] = samples.T
    shape = np.sin(np.pi * (np.arange(window, dtype=np.float32) + 0.5) / window)  # squared and shifted, adds up to one
    spectra = rfft(np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)[:, ::hop] * shape)
    n_filled = np.clip(n_samples // hop + 1 - np.arange(0, n_windows, _WINDOWS), 1, _WINDOWS)  # in each group
    share = np.float32(CANCELLED) ** (_WINDOWS / n_filled[:, np.newaxis].astype(np.float32))
    with np.errstate(over="ignore", invalid="ignore"):  # what is too loud to be squared is left as it is
        together = spectra.sum(axis=0)
        is_cancelled = _power(together[np.newaxis]) < share * _power(spectra)  # (n_groups, n_frequencies)
    if not is_cancelled.any():
        return mean
    is_cancelled = is_cancelled.repeat(_WINDOWS, axis=0)
    # One channel for each frequency, the first of those that are about the loudest: where two are each other's
    # opposite, to go from one to the other would be a break.
    power = (np.abs(spectra) ** 2 * is_cancelled).sum(axis=1)
    loudest = (power >= power.max(axis=0) / 2).argmax(axis=0)
    missing = spectra[loudest, :, np.arange(spectra.shape[2])].T - together / np.float32(n_channels)
    parts = irfft(np.where(is_cancelled, missing, 0), window) * shape
    heard = np.zeros(padded.shape[1], np.float32)
    heard[:-hop] += parts[:, :hop].ravel()
    heard[hop:] += parts[:, hop:].ravel()
    return mean + heard[hop : hop + n_samples]


def _power(spectra: NDArray[np.complex64]) -> FloatArray:
    """Of (n_channels, n_windows, n_frequencies) together, by groups of windows and summed over near frequencies."""
    values = spectra.view(np.float32).reshape(len(spectra), -1, _WINDOWS, 2 * spectra.shape[2])
    power = np.einsum("cgwf,cgwf->gf", values, values)
    power = np.pad(power[:, ::2] + power[:, 1::2], [(0, 0), (_FREQUENCIES // 2, _FREQUENCIES // 2)])
    around: FloatArray = np.lib.stride_tricks.sliding_window_view(power, _FREQUENCIES, axis=1).sum(axis=-1)
    return around
