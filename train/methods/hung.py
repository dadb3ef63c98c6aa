"""[3] Hung & Yang, "Frame-level instrument recognition by timbre and pitch", ISMIR 2018.

Beside the CQT, the network is given where the partials of the sounding pitches lie: the harmonic series feature (HSF),
a roll of the estimated pitches to which their first harmonics are added. Both go, with frequency as channels, through
residual blocks of convolutions over time that pool nine frames into one answer.

As published: 88 rows, batch norm before each convolution, blocks of 176, 264 and 264 channels, dropout of 0.2, max
pooling of 3 after the first two blocks, labels pooled in the same way. Departures: the pitches came from a network of
Thickstun et al. trained on MusicNet, here from a small network of our own that learns beside it and gets no gradient
from the instruments; where the paper weighs rare instruments up, the mixtures here have all nine equally often. Its
figures are for training on the MuseScore set.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtinst.grid import N_INSTRUMENTS, SPEC, FeatureSpec
from train.data.mixtures import Batch
from train.methods.base import Method, activity, hold

_HARMONICS = (0, 12, 19, 24, 28, 31)  # semitones above a note of its first six partials
_STRIDE = 9


class TimbreAndPitch(Method):
    """Two channels, what sounds and where its partials are."""

    name: ClassVar[str] = "hung"

    def __init__(self, spec: FeatureSpec = SPEC) -> None:
        super().__init__(spec)
        rows = spec.n_pitches
        self.pitch = PitchEstimator()
        self.head = nn.Sequential(nn.BatchNorm1d(2 * rows), nn.Conv1d(2 * rows, rows, 3, padding=1))
        self.blocks = nn.Sequential(
            TimeBlock(rows, 2 * rows),
            nn.Dropout(0.2),
            nn.MaxPool1d(3, ceil_mode=True),
            TimeBlock(2 * rows, 3 * rows),
            nn.Dropout(0.2),
            nn.MaxPool1d(3, ceil_mode=True),
            TimeBlock(3 * rows, 3 * rows),
            nn.BatchNorm1d(3 * rows),
            nn.ReLU(),
            nn.Conv1d(3 * rows, N_INSTRUMENTS, 3, padding=1),
        )

    def forward(self, log_cqt: Tensor) -> Tensor:
        """Answers for nine frames at a time, held for them."""
        x = self._by_pitch(log_cqt)
        return hold(self._steps(x, self.pitch(x)), _STRIDE, log_cqt.shape[-1])

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of who plays, and of which pitches sound."""
        x = self._by_pitch(batch.log_cqt)
        pitch = self.pitch(x)
        there = functional.max_pool1d(activity(batch), _STRIDE, ceil_mode=True)
        return functional.binary_cross_entropy_with_logits(
            self._steps(x, pitch), there
        ) + functional.binary_cross_entropy_with_logits(pitch, batch.piano.amax(dim=1))

    def _steps(self, x: Tensor, pitch: Tensor) -> Tensor:
        series = harmonic_series(torch.sigmoid(pitch.detach()))
        result: Tensor = self.blocks(self.head(torch.cat((x, series), dim=1)))
        return result

    def _by_pitch(self, log_cqt: Tensor) -> Tensor:
        """(B, n_bins, T) -> (B, pitch, T): the strongest bin of each semitone."""
        per_semitone = self.spec.bins_per_semitone
        rows = log_cqt[:, : self.spec.n_pitches * per_semitone]
        return rows.reshape(len(rows), self.spec.n_pitches, per_semitone, -1).amax(dim=2)


def harmonic_series(pitch: Tensor) -> Tensor:
    """A pitch roll (B, pitch, T) with each note's first six partials added to it, in [0, 1].

    Examples
    --------
    >>> roll = torch.zeros(1, 88, 1)
    >>> roll[0, 10] = 1
    >>> harmonic_series(roll)[0, :, 0].nonzero().flatten().tolist()
    [10, 22, 29, 34, 38, 41]
    """
    n_rows = pitch.shape[1]
    shifted = [functional.pad(pitch, (0, 0, shift, 0))[:, :n_rows] for shift in _HARMONICS]
    return torch.stack(shifted).sum(dim=0).clamp_max(1)


class TimeBlock(nn.Module):
    """Two convolutions over three frames, batch norm before each and after both, around a 1 x 1 shortcut."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.BatchNorm1d(n_in),
            nn.Conv1d(n_in, n_out, 3, padding=1),
            nn.BatchNorm1d(n_out),
            nn.ReLU(),
            nn.Conv1d(n_out, n_out, 3, padding=1),
            nn.BatchNorm1d(n_out),
        )
        self.shortcut = nn.Conv1d(n_in, n_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, n_in, T) -> (B, n_out, T)."""
        result: Tensor = self.path(x) + self.shortcut(x)
        return result


class PitchEstimator(nn.Module):
    """Which pitches sound: a few convolutions over the CQT and its shifts by the first partials."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(len(_HARMONICS)),
            nn.Conv2d(len(_HARMONICS), width, 5, padding=2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, (5, 3), padding=(2, 1), bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 1, (25, 1), padding=(12, 0)),  # an octave to either side: who is whose partial
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, pitch, T) -> logits of the same shape."""
        n_rows = x.shape[1]
        padded = functional.pad(x, (0, 0, 0, max(_HARMONICS)))
        stacked = torch.stack([padded[:, shift : shift + n_rows] for shift in _HARMONICS], dim=1)
        result: Tensor = self.layers(stacked)[:, 0]
        return result
