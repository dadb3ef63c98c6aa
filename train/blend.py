"""``python -m train blend``: the mean of weights before and after they were trained on.

What a network learns of new material it pays for with some of what it knew. Halfway between the weights that it began
with and those that it ended with, it mostly has both: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR
2022.
"""

from pathlib import Path

import torch

from mtinst.hear.checkpoint import load_checkpoint, save_checkpoint
from mtinst.hear.unet import Network


def blend(after: Path, before: Path, out: Path, *, share: float = 0.5) -> Network:
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
    return network
