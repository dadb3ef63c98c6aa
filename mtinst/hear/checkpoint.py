"""A trained network in one ``.safetensors`` file: weights, and as JSON in its metadata everything needed to use them.

Nothing is ever unpickled. The metadata's keys are ``format`` (`FORMAT`), ``version`` (of the mtinst that wrote the
file; not in those before 0.1.0), ``instruments``, ``features`` (:class:`~mtinst.grid.FeatureSpec`), ``model``
(:class:`~mtinst.hear.unet.ModelConfig`, or a list of them), ``thresholds`` (:class:`~mtinst.records.Thresholds`) and
``training`` (how the weights were made: configuration, seed, data, scores).

Weights are float16, or large ones 8-bit whole numbers: a tensor ``x`` is then ``x`` times ``x.step``, one number for
each slice of its first axis.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as safetensors_bytes

from mtinst.errors import CheckpointError
from mtinst.files import display_name, file_hash, open_regular, replace_file
from mtinst.grid import INSTRUMENT_NAMES, N_INSTRUMENTS, NINE, FeatureSpec
from mtinst.hear.header import FORMAT, features_of, metadata_of
from mtinst.hear.unet import Committee, ModelConfig, Network, UNet
from mtinst.records import Thresholds
from mtinst.version import __version__

# As in the header: without limits a few bytes of a description could ask for all the memory there is.
MOST_BLOCKS, MOST_HARMONICS, FARTHEST_HARMONIC, MOST_AT_ONCE = 10, 64, 96, 16
MOST_MEMBERS = 8

Bits = Literal[8, 16]
_STEP = ".step"
_LEAST_IN_8_BITS = 4096  # numbers; smaller tensors would save nothing


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """What a weights file says about itself.

    Parameters
    ----------
    thresholds : Thresholds
        Where probabilities become notes, chosen on validation data.
    training : dict
        Free-form record of how the weights were made.
    digest : str
        First 16 hexadecimal digits of the file's SHA-256: the name of these very weights in a cache.
    bits : 8 or 16
        In which most weights are kept.
    version : str, optional
        Of the mtinst that wrote the file; None when the file does not say.
    """

    thresholds: Thresholds
    training: dict[str, Any]
    digest: str
    bits: Bits = 16
    version: str | None = None


def save_checkpoint(
    path: str | Path, model: Network, *, thresholds: Thresholds, training: dict[str, Any], bits: Bits = 16
) -> None:
    """Write `model` to `path`, weights as float16 or most in 8 bits, whole or not at all; OSError when that fails."""
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in model.state_dict().items():
        if bits == 8 and tensor.dim() > 1 and tensor.numel() >= _LEAST_IN_8_BITS:
            tensors[name], tensors[name + _STEP] = _in_8_bits(tensor.float().cpu())
        else:
            tensors[name] = (tensor.half() if tensor.is_floating_point() else tensor).contiguous().cpu()
    described = asdict(model.config) if isinstance(model, UNet) else [asdict(one.config) for one in model.networks]
    metadata = {
        "format": FORMAT,
        "version": __version__,
        "instruments": json.dumps(INSTRUMENT_NAMES[: model.n_instruments]),
        "features": json.dumps(asdict(model.spec)),
        "model": json.dumps(described),
        "thresholds": json.dumps(thresholds.to_json()),
        "training": json.dumps(training),
    }
    replace_file(Path(path), safetensors_bytes(tensors, metadata))


def load_checkpoint(path: str | Path) -> tuple[Network, CheckpointInfo]:
    """Read a file that :func:`save_checkpoint` wrote.

    Returns
    -------
    UNet or Committee, CheckpointInfo
        The network or networks in evaluation mode, float32, on the CPU.

    Raises
    ------
    CheckpointError
        If there is no such file, or it is damaged, or of another format or for other instruments.
    """
    path = Path(path)
    name = display_name(path)
    try:
        open_regular(path, "a weights file", CheckpointError).close()
        digest = file_hash(path)
        with safe_open(path, framework="pt") as file:
            metadata = metadata_of(file, name)
            model, thresholds, training = _describe(metadata, name)
            # Nothing is read that does not fit the network.
            expected = model.state_dict()
            shapes = {key: list(tensor.shape) for key, tensor in expected.items()}
            found_shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118 - not a dict
            in_8_bits = {key for key in expected if key + _STEP in found_shapes and expected[key].dim() > 1}
            if found_shapes != shapes | {key + _STEP: shapes[key][:1] for key in in_8_bits}:
                raise CheckpointError(f"{name} holds other weights than those of the network that it describes.")
            tensors = {key: file.get_tensor(key) for key in expected}
            steps = {key: file.get_tensor(key + _STEP) for key in in_8_bits}
        if file_hash(path) != digest:
            raise CheckpointError(f"{name} changed while it was read; please try again.")
    except SafetensorError as error:
        raise CheckpointError(f"{name} is not a complete .safetensors file.") from error
    except OSError as error:
        raise CheckpointError(f"{name} cannot be read: {error.strerror or error}.") from error
    for key, step in steps.items():
        if tensors[key].dtype != torch.int8 or not step.is_floating_point():
            raise CheckpointError(f"{name} holds numbers of another kind than weights are.")
        tensors[key] = tensors[key].float() * step.float().view(-1, *[1] * (tensors[key].dim() - 1))
    for key, tensor in tensors.items():
        if tensor.is_floating_point() != expected[key].is_floating_point() or tensor.is_complex():
            raise CheckpointError(f"{name} holds numbers of another kind than weights are.")
    copies = {key: t.to(torch.float32 if t.is_floating_point() else t.dtype, copy=True) for key, t in tensors.items()}
    model.load_state_dict(copies, assign=True)
    if not all(np.isfinite(tensor.numpy()).all() for tensor in model.state_dict().values()):  # threads would spin
        raise CheckpointError(f"{name} holds numbers that are not finite.")
    return model.eval(), CheckpointInfo(
        thresholds=thresholds,
        training=training,
        digest=digest[:16],
        bits=8 if steps else 16,
        version=metadata.get("version"),
    )


def _in_8_bits(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Whole numbers from -127 to 127, and the step between them for each slice of the first axis."""
    slices = weights.flatten(1)
    step = slices.abs().amax(dim=1).clamp_min(1e-12) / 127
    return (slices / step[:, None]).round().to(torch.int8).view(weights.shape), step


def _describe(metadata: dict[str, str], name: str) -> tuple[Network, Thresholds, dict[str, Any]]:
    """The network that the metadata describe, still without memory for its weights, its thresholds and its history."""
    try:
        if "reader" in metadata:  # it judged the notes of the networks, and is gone
            raise ValueError("there are no readers any more")
        instruments = tuple(json.loads(metadata["instruments"]))
        if instruments not in (NINE, INSTRUMENT_NAMES):
            raise CheckpointError(f"{name} was trained for other instruments than {', '.join(INSTRUMENT_NAMES)}.")
        features = features_of(metadata)
        described = json.loads(metadata["model"])
        thresholds = Thresholds.from_json(json.loads(metadata["thresholds"]))
        training = json.loads(metadata["training"])
        if not isinstance(training, dict):
            raise ValueError("the record of the training is not an object")
        with torch.device("meta"):
            network = _network(described, features)
        if network.n_instruments != len(instruments):
            raise ValueError(f"there are {len(instruments)} instruments, not {network.n_instruments}")
        return network, thresholds, training
    except (AttributeError, KeyError, OverflowError, RecursionError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{name} does not describe a network that this version can build.") from error


def _network(described: Any, features: FeatureSpec) -> Network:
    """One network, or a committee where a list describes it."""
    if not isinstance(described, list):
        return UNet(_model_config(described), features)
    if len(described) > MOST_MEMBERS:
        raise ValueError(f"at most {MOST_MEMBERS} networks vote together, not {len(described)}")
    return Committee([UNet(_model_config(record), features) for record in described])


def _model_config(record: dict[str, Any]) -> ModelConfig:
    """The inverse of :func:`dataclasses.asdict` by way of JSON, which has no tuples."""
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}
    config = ModelConfig(**values)
    if config.n_instruments not in (len(NINE), N_INSTRUMENTS):
        raise ValueError(f"there are {N_INSTRUMENTS} instruments, not {config.n_instruments}")
    if len(config.widths) > MOST_BLOCKS or len(config.harmonics) > MOST_HARMONICS:
        raise ValueError("more blocks or harmonics than any network has")
    if any(type(value) is not int for value in (*config.widths, *config.harmonics, config.frames_at_once)):
        raise ValueError("widths, harmonics and frames_at_once must be whole numbers")
    if config.frames_at_once > MOST_AT_ONCE:
        raise ValueError("more frames at once than any network sees")
    if any(abs(harmonic) > FARTHEST_HARMONIC for harmonic in config.harmonics):
        raise ValueError(f"harmonics must be within {FARTHEST_HARMONIC} semitones")
    return config
