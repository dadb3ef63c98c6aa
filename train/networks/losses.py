"""The paper's three losses, one for onsets, and one for which instruments are in a clip at all.

All are binary cross-entropies averaged over cells (section 3.2); instrument and pitch targets come out of the pianoroll
as the predictions do, by asking whether any note sounds.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from mtinst.hear.unet import Logits
from train.config import LossWeights
from train.data.mixtures import Batch

# Rolls are mostly silence, so a mean over cells is tiny; this brings the pianoroll's loss to the scale of the others.
_ROLL_SCALE = 20.0


class Losses(NamedTuple):
    """Weighted terms, each a scalar tensor; their sum is what training minimises."""

    piano: Tensor
    instrument: Tensor
    pitch: Tensor
    onset: Tensor
    presence: Tensor


def multitask_loss(logits: Logits, batch: Batch, weights: LossWeights) -> Losses:
    """Each term times its weight, over what is known; zero for a head that the network does not have."""
    known = batch.known  # (B, instrument, T)
    instrument = batch.piano.amax(dim=2)
    pitch = batch.piano.amax(dim=1)
    onset = presence = logits.piano.new_zeros(())
    if logits.onset is not None:
        onset = _cross_entropy(logits.onset, batch.onset, known[:, :, None], weights.onset_positive)
    if logits.presence is not None:
        is_there = instrument.amax(dim=2)
        is_known = torch.maximum(known.amin(dim=2), is_there)
        presence = _cross_entropy(logits.presence, is_there, is_known, 1.0)
    return Losses(
        piano=weights.piano
        * _ROLL_SCALE
        * _cross_entropy(logits.piano, batch.piano, known[:, :, None], weights.positive),
        instrument=weights.instrument * _cross_entropy(logits.instrument, instrument, known, 1.0),
        pitch=weights.pitch * _cross_entropy(logits.pitch, pitch, known.amin(dim=1, keepdim=True), 1.0),
        onset=weights.onset * _ROLL_SCALE * onset,
        presence=weights.presence * presence,
    )


def taught(batch: Batch, teacher: Logits, share: float) -> Batch:
    """`batch` with targets that are `share` the probabilities of `teacher`; all they where the truth is not known.

    Learning from what another network says of the same clips is distillation: Hinton, Vinyals & Dean, "Distilling the
    knowledge in a neural network", NIPS workshop 2014. Its doubts tell more than a label does, and are less noisy.
    """
    shares = torch.where(batch.known > 0, share, 1.0)[:, :, None]
    piano = torch.lerp(batch.piano, torch.sigmoid(teacher.piano), shares)
    onset = batch.onset if teacher.onset is None else torch.lerp(batch.onset, torch.sigmoid(teacher.onset), shares)
    return batch._replace(piano=piano, onset=onset, known=torch.ones_like(batch.known))


def _cross_entropy(logits: Tensor, targets: Tensor, known: Tensor, positive: float) -> Tensor:
    """Mean binary cross-entropy in which active cells count `positive` times, and unknown ones not at all."""
    return functional.binary_cross_entropy_with_logits(
        logits.float(), targets, known.expand_as(targets), pos_weight=torch.tensor(positive, device=logits.device)
    )
