"""[2] Gururani, Summers & Lerch, "Instrument activity detection in polyphonic music using deep neural networks".

ISMIR 2018. A mel spectrogram goes through convolutional blocks (3 x 3, batch norm, ELU, max pooling, dropout) and a
recurrent layer to one answer per instrument for each second; the protocol that came with it, the area under the ROC
curve of those answers over all seconds of all songs, is the one of table 3
(:func:`train.evaluation.evaluate.auc_per_second`).

The paper compares a fully connected, a convolutional and a convolutional recurrent network, and the table does not say
which of them it quotes: here it is the last. Details of which we are not certain, chosen here: 96 mel bands, four
blocks of 32, 64, 128 and 128 channels, dropout of 0.1, one GRU with 128 units in either direction. Pooling over time
multiplies to 32 frames, 1.024 s, which is as near to a second as whole frames come. It was trained on MedleyDB and
Mixing Secrets with 18 instruments; here on the mixtures and the nine instruments of all others.
"""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from mtinst.grid import N_INSTRUMENTS, SPEC, FeatureSpec
from train.data.mixtures import Batch
from train.methods.base import MelBands, Method, activity, hold

_N_BANDS = 96
_WIDTHS = (32, 64, 128, 128)
_POOLS = ((2, 2), (2, 2), (3, 2), (4, 4))  # bands, frames
_STRIDE = 32
_N_UNITS = 128


class GururaniCrnn(Method):
    """One answer for each second."""

    name: ClassVar[str] = "gururani"

    def __init__(self, spec: FeatureSpec = SPEC) -> None:
        super().__init__(spec)
        self.bands = MelBands(_N_BANDS, spec)
        self.norm = nn.BatchNorm1d(_N_BANDS)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(n_in, n_out, 3, padding=1, bias=False),
                    nn.BatchNorm2d(n_out),
                    nn.ELU(),
                    nn.MaxPool2d(pool),
                    nn.Dropout(0.1),
                )
                for n_in, n_out, pool in zip((1, *_WIDTHS), _WIDTHS, _POOLS, strict=False)
            )
        )
        self.recurrent = nn.GRU(_WIDTHS[-1] * 2, _N_UNITS, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * _N_UNITS, N_INSTRUMENTS)

    def forward(self, log_cqt: Tensor) -> Tensor:
        """Each second's answer, held for its frames."""
        return hold(self._seconds(log_cqt), _STRIDE, log_cqt.shape[-1])

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of who plays in each second."""
        there = functional.max_pool1d(activity(batch), _STRIDE, ceil_mode=True)
        return functional.binary_cross_entropy_with_logits(self._seconds(batch.log_cqt), there)

    def _seconds(self, log_cqt: Tensor) -> Tensor:
        """Logits (B, instrument, seconds), the last one of what is left."""
        x = self.norm(self.bands(log_cqt))
        x = functional.pad(x, (0, -x.shape[-1] % _STRIDE))
        x = self.blocks(x[:, None])  # (B, width, 2, seconds)
        x, _ = self.recurrent(x.flatten(1, 2).transpose(1, 2))  # (B, seconds, units)
        result: Tensor = self.out(x).transpose(1, 2)
        return result
