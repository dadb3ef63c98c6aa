"""``python -m train committee``: several trained networks as one checkpoint, whose log-odds are averaged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtinst.checkpoint import MOST_MEMBERS, Bits, load_checkpoint, save_checkpoint
from mtinst.model import Committee, UNet


def join(weights: Sequence[Path], out: Path, *, bits: Bits = 16, reader_of: Path | None = None) -> Committee:
    """Write the networks of `weights` to `out`, committees among them by their members.

    Thresholds are those of the first until the result is calibrated. Their readers are left out, being for other
    networks; the one of `reader_of`, whose networks these once were, may go on learning.

    Raises
    ------
    ValueError
        If they are more than a checkpoint may hold, or not for the same features, or there is no reader for them.
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
    reader = None
    if reader_of is not None:
        network, info = load_checkpoint(reader_of)
        reader = network.reader if isinstance(network, Committee) else None
        if reader is None:
            raise ValueError(f"{reader_of} has no reader")
        training["reader_of"] = info.digest
    committee = Committee(members, reader)
    save_checkpoint(out, committee, thresholds=thresholds, training=training, bits=bits)
    return committee
