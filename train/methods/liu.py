"""[1] Liu et al., "Weakly-supervised visual instrument-playing action detection in videos": its audio branch.

J.-Y. Liu, Y.-H. Yang & S.-K. Jeng, IEEE Transactions on Multimedia, with the network of J.-Y. Liu & Y.-H. Yang,
"Event localization in music auto-tagging", ACM Multimedia 2016: convolutions over time whose filters span all mel bands
at several resolutions of time, 1 x 1 convolutions, a Gaussian that smooths each class over time with a width that is
learned, and a mean over the clip. Only "this instrument is somewhere in the clip" is ever asked for; where it plays
falls out on the way.

As published: 128 mel bands, per resolution two layers of 32 filters of 8 frames each followed by max pooling of 4,
two layers of 512 with dropout of one half, Gaussian, mean. Departures: the paper's resolutions are spectrograms with
windows of several lengths, here there is one transform, averaged over 1, 4 and 16 frames; its Gaussian begins 16 steps
wide on clips of half a minute, here half a second wide, for clips are 4 s long; inputs are standardised by batch norm.
The training set of its figures is YouTube-8M, which has no notes: here it is the same mixtures as for all others.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtinst.grid import N_INSTRUMENTS, SPEC, FeatureSpec
from train.data.mixtures import Batch
from train.methods.base import MelBands, Method, activity, hold

_N_BANDS = 128
_RESOLUTIONS = (1, 4, 16)
_STRIDE = 16
_REACH = 8  # steps to either side that the Gaussian can see


class WeaklySupervised(Method):
    """Clip labels in, frames out."""

    name: ClassVar[str] = "liu"

    def __init__(self, spec: FeatureSpec = SPEC) -> None:
        super().__init__(spec)
        self.bands = MelBands(_N_BANDS, spec)
        self.norm = nn.BatchNorm1d(_N_BANDS)
        self.early = nn.ModuleList(
            nn.Sequential(
                nn.ConstantPad1d((3, 4), 0.0),
                nn.Conv1d(_N_BANDS, 32, 8),
                nn.ReLU(),
                nn.MaxPool1d(4, ceil_mode=True),
                nn.ConstantPad1d((3, 4), 0.0),
                nn.Conv1d(32, 32, 8),
                nn.ReLU(),
                nn.MaxPool1d(4, ceil_mode=True),
            )
            for _ in _RESOLUTIONS
        )
        self.late = nn.Sequential(
            nn.Dropout(0.5),
            nn.Conv1d(32 * len(_RESOLUTIONS), 512, 1),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Conv1d(512, 512, 1),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Conv1d(512, N_INSTRUMENTS, 1),
        )
        width = 0.5 * spec.frame_rate / _STRIDE  # half a second
        self.log_width = nn.Parameter(torch.full((N_INSTRUMENTS,), width).log())

    def forward(self, log_cqt: Tensor) -> Tensor:
        """Probabilities are smoothed, as in the paper, and then turned back into logits."""
        probs = hold(self._steps(log_cqt), _STRIDE, log_cqt.shape[-1])
        return torch.logit(probs, eps=1e-4)

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of who is in the clip at all."""
        clip = self._steps(batch.log_cqt).mean(dim=2)
        return functional.binary_cross_entropy(clip.clamp(1e-6, 1 - 1e-6), activity(batch).amax(dim=2))

    def _steps(self, log_cqt: Tensor) -> Tensor:
        """Probabilities about every half second, (B, instrument, T / 16)."""
        x = self.norm(self.bands(log_cqt))
        seen = [early(_smooth(x, width)) for early, width in zip(self.early, _RESOLUTIONS, strict=True)]
        probs = torch.sigmoid(self.late(torch.cat(seen, dim=1)))
        steps = torch.arange(-_REACH, _REACH + 1, device=probs.device)
        gaussian = torch.exp(-0.5 * (steps / self.log_width.exp()[:, None]) ** 2)
        filters = (gaussian / gaussian.sum(dim=1, keepdim=True))[:, None]
        # Beyond the ends is more of the same, not silence: a mean of what is there.
        weight = functional.conv1d(torch.ones_like(probs), filters, padding=_REACH, groups=N_INSTRUMENTS)
        return functional.conv1d(probs, filters, padding=_REACH, groups=N_INSTRUMENTS) / weight


def _smooth(x: Tensor, width: int) -> Tensor:
    """A moving mean over `width` frames, of the same length."""
    if width == 1:
        return x
    padded = functional.pad(x, (width // 2, width - 1 - width // 2), mode="replicate")
    return functional.avg_pool1d(padded, width, stride=1)
