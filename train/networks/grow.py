"""A trained network as the beginning of a wider one, of one with finer features or with more instruments.

After Chen, Goodfellow & Shlens, "Net2Net: accelerating learning via knowledge transfer", ICLR 2016, but simpler: old
channels keep their weights and see nothing of the new ones, so that what the network says does not change; new channels
start at random and see everything. They earn their place as soon as training moves the zeros between them.
"""

import torch
from torch import Tensor

from mtinst.hear.unet import UNet


def grow(small: UNet, large: UNet) -> None:
    """Put the weights of `small` into `large`, which must not be narrower anywhere nor have fewer blocks.

    What only `large` has (a head, finer bins) begins as it is there; the statistics of the features too, unless both
    networks look at the same ones.

    Raises
    ------
    ValueError
        If `large` cannot hold `small`.

    Examples
    --------
    >>> from mtinst.hear.unet import ModelConfig
    >>> small, large = UNet(ModelConfig(widths=(2, 3))).eval(), UNet(ModelConfig(widths=(4, 8))).eval()
    >>> grow(small, large)
    >>> clip = torch.rand(1, 88, 16)
    >>> torch.allclose(small(clip).piano, large(clip).piano, atol=1e-5)
    True
    """
    known, wanted = small.state_dict(), large.state_dict()
    inputs, outputs = _inputs(small, large), _outputs(small, large)
    for name, tensor in wanted.items():
        old = known.get(name)
        if old is None or (name.startswith("feature_") and small.spec != large.spec):
            continue
        if old.shape == tensor.shape:
            wanted[name] = old
        else:
            wanted[name] = _grown(name, old, tensor, inputs.get(name), outputs.get(name))
    large.load_state_dict(wanted)


def _grown(name: str, old: Tensor, new: Tensor, columns: Tensor | None, rows: Tensor | None) -> Tensor:
    """`old` in a copy of `new`, whose rows are outputs and whose columns, if it has any, are inputs."""
    if old.ndim != new.ndim or any(n < o for o, n in zip(old.shape, new.shape, strict=True)):
        raise ValueError(f"{name} of shape {tuple(old.shape)} does not fit into {tuple(new.shape)}")
    result = new.clone()
    is_transposed = name.startswith("ups.") and old.ndim == 4  # these have their inputs first
    if is_transposed:
        old, result = old.transpose(0, 1), result.transpose(0, 1)
    if rows is None:
        rows = torch.arange(old.shape[0])
    if old.ndim == 1:
        result[rows] = old
        return result
    if columns is None:
        columns = torch.arange(old.shape[1])
    result[rows] = 0
    result[rows[:, None], columns] = old
    return (result.transpose(0, 1) if is_transposed else result).contiguous()


def _inputs(small: UNet, large: UNet) -> dict[str, Tensor]:
    """Where the inputs of `small` are among those of `large`, for each weight whose first ones they are not."""
    for seen in ("harmonics", "frames_at_once"):
        if getattr(small.config, seen) != getattr(large.config, seen):
            raise ValueError(f"networks that differ in their {seen} have nothing in common")
    inputs: dict[str, Tensor] = {}
    fine, coarse = large.spec.bins_per_semitone, small.spec.bins_per_semitone
    if fine != coarse:
        if coarse != 1:
            raise ValueError(f"{coarse} bins a semitone cannot become {fine}")
        middle = torch.arange(len(small.config.harmonics)) * fine + fine // 2
        inputs |= {"encoders.0.conv1.weight": middle, "encoders.0.shortcut.weight": middle}
    for level, (old, new) in enumerate(zip(small.config.widths, large.config.widths, strict=True)):
        beside = torch.cat((torch.arange(old), new + torch.arange(old)))  # from below, and by the skip connection
        inputs |= {f"decoders.{level}.conv1.weight": beside, f"decoders.{level}.shortcut.weight": beside}
    old, new = small.config.widths[0], large.config.widths[0]
    few, many = small.n_instruments, large.n_instruments
    shares = torch.cat((torch.arange(few), many + torch.arange(few)))
    heard = torch.arange(few)[:, None] * new + torch.arange(old)
    inputs["ensemble_head.hidden.weight"] = torch.cat((shares, 2 * many + heard.flatten()))
    return inputs


def _outputs(small: UNet, large: UNet) -> dict[str, Tensor]:
    """The same for outputs: the head has those of each roll for all instruments."""
    rolls = torch.arange(small.head.out_channels // small.n_instruments)
    rows = (rolls[:, None] * large.n_instruments + torch.arange(small.n_instruments)).flatten()
    return {"head.weight": rows, "head.bias": rows}
