"""``python -m train committee``: several trained networks as one checkpoint, whose log-odds are averaged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
