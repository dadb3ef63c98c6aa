"""What all methods of the comparison have in common: an interface, and mel bands out of a CQT."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mtinst.grid import INSTRUMENT_NAMES, SPEC, FeatureSpec, FloatArray
from train.data.mixtures import Batch

_WINDOW = 288  # frames, about nine seconds: a multiple of what each of the methods pools


class Method(nn.Module, ABC):
    """A network that says from a log-CQT who plays in each frame.

    Shape
    -----
    Input ``(B, n_bins, T)`` in [0, 1], any T of at least 1. Output logits ``(B, instrument, T)``.
    """

    name: ClassVar[str]

    def __init__(self, spec: FeatureSpec = SPEC) -> None:
        super().__init__()
        self.spec = spec

    @abstractmethod
    def forward(self, log_cqt: Tensor) -> Tensor:
        """Logits for a batch of clips."""

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """What training minimises, a scalar; only the labels that the method is meant to have are looked at."""

    @torch.inference_mode()
    def recognise(self, log_cqt: FloatArray) -> FloatArray:
        """Probabilities (instrument, frame) of a clip of any length, nine seconds at a time."""
        n_frames = log_cqt.shape[1]
        width = min(n_frames, _WINDOW)
        result = np.empty((len(INSTRUMENT_NAMES), n_frames), np.float32)
        for start in (*range(0, n_frames - width, width), n_frames - width):
            window = torch.from_numpy(log_cqt[None, :, start : start + width])
            result[:, start : start + width] = torch.sigmoid(self(window))[0].numpy()
        return result


class MelBands(nn.Module):
    """Mel bands of a log-CQT, so that methods which were designed for them can learn from the same mixtures.

    Mixtures are made in the CQT, and there is no audio to take a spectrogram of. Each band is the mean power of the
    CQT's bins under a triangle on the mel scale, or of its two nearest bins where none is under it.

    Shape
    -----
    ``(B, n_bins, T)`` to ``(B, n_bands, T)``, both logarithmic in [0, 1].
    """

    weights: Tensor

    def __init__(self, n_bands: int, spec: FeatureSpec) -> None:
        super().__init__()
        self._dynamic_range_db = spec.dynamic_range_db
        self.register_buffer("weights", torch.from_numpy(_mel_weights(n_bands, spec)), persistent=False)

    def forward(self, log_cqt: Tensor) -> Tensor:
        """Average as powers, not as decibels."""
        floor = 10 ** (-self._dynamic_range_db / 10)
        power = 10 ** ((log_cqt - 1) * (self._dynamic_range_db / 10))
        decibels = 10 * torch.log10((self.weights @ power).clamp_min(floor))
        return 1 + decibels / self._dynamic_range_db


def _mel_weights(n_bands: int, spec: FeatureSpec) -> FloatArray:
    """Rows of weights over CQT bins, each with the sum 1, (n_bands, n_bins)."""
    hertz = spec.lowest_hz * 2 ** (np.arange(spec.n_bins) / (12 * spec.bins_per_semitone))
    mel = 2595 * np.log10(1 + hertz / 700)
    edges = np.linspace(mel[0], mel[-1], n_bands + 2)
    centres, width = edges[1:-1], edges[1] - edges[0]
    triangles = np.maximum(0, 1 - np.abs(mel - centres[:, None]) / width)
    # Bins are closer together at low pitches; each stands for the width that it covers.
    triangles *= np.gradient(mel)
    for band in np.flatnonzero(triangles.sum(axis=1) <= 0):
        above = int(np.searchsorted(mel, centres[band]))
        share = (centres[band] - mel[above - 1]) / (mel[above] - mel[above - 1])
        triangles[band, above - 1 : above + 1] = 1 - share, share
    result: FloatArray = (triangles / triangles.sum(axis=1, keepdims=True)).astype(np.float32)
    return result


def activity(batch: Batch) -> Tensor:
    """Who plays in each frame, (B, instrument, T), 0 or 1."""
    return batch.piano.amax(dim=2)


def hold(steps: Tensor, stride: int, n_frames: int) -> Tensor:
    """(B, instrument, steps) -> (B, instrument, n_frames): each step for `stride` frames."""
    return steps.repeat_interleave(stride, dim=2)[..., :n_frames]
