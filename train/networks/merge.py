"""Trained networks become one: ``python -m train committee`` lets several vote, ``blend`` takes their mean.

A committee averages the log-odds of networks that were trained apart and err apart. A blend is for weights that were
trained on: what a network learns of new material it pays for with some of what it knew, and halfway between what it
was and what it became it mostly has both (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mtinst.hear.checkpoint import MOST_MEMBERS, Bits, load_checkpoint, save_checkpoint
from mtinst.hear.unet import Committee, UNet


def join(weights: Sequence[Path], out: Path, *, bits: Bits = 16) -> Committee:
    """Write the networks of `weights` to `out`, committees among them by their members.

    Thresholds are those of the first until the result is calibrated.

    Raises
    ------
    ValueError
        If they are more than a checkpoint may hold, or not for the same features.
    """
    members: list[UNet] = []
    histories = []
    for path in weights:
        network, info = load_checkpoint(path)
        members += [network] if isinstance(network, UNet) else network.networks
        histories.append({"digest": info.digest, **info.training})
        if path == weights[0]:
            thresholds = info.thresholds
    if len(members) > MOST_MEMBERS:
        raise ValueError(f"at most {MOST_MEMBERS} networks vote together, not {len(members)}")
    training: dict[str, Any] = {"members": histories}
    committee = Committee(members)
    save_checkpoint(out, committee, thresholds=thresholds, training=training, bits=bits)
    return committee


def blend(after: Path, before: Path, out: Path, *, share: float = 0.5) -> None:
    """Write the network of `after`, moved back until only `share` of what was changed since `before` is left.

    Thresholds are those of `after` until the result is calibrated.

    Raises
    ------
    ValueError
        If the two are not of one shape, or `share` is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"--share must be between 0 and 1, not {share}.")
    network, info = load_checkpoint(after)
    began, before_info = load_checkpoint(before)
    new, old = network.state_dict(), began.state_dict()
    if {name: tensor.shape for name, tensor in new.items()} != {name: tensor.shape for name, tensor in old.items()}:
        raise ValueError(f"{after} and {before} are not networks of one shape")
    network.load_state_dict(
        {
            name: torch.lerp(old[name], tensor, share) if tensor.is_floating_point() else tensor
            for name, tensor in new.items()
        }
    )
    record = {"with": before_info.digest, "share": share, "of": info.digest}
    save_checkpoint(
        out, network, thresholds=info.thresholds, training={**info.training, "blended": record}, bits=info.bits
    )
