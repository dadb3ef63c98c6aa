"""A trained network in one ``.safetensors`` file: weights, and as JSON in its metadata everything needed to use them.

Nothing is ever unpickled. The metadata's keys are ``format`` (`FORMAT`), ``instruments``, ``features``
(:class:`~mtinst.spec.FeatureSpec`), ``model`` (:class:`~mtinst.model.ModelConfig`), ``thresholds``
(:class:`~mtinst.notes.Thresholds`) and ``training`` (how the weights were made: configuration, seed, data, scores).
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as safetensors_bytes

from mtinst.errors import CheckpointError
from mtinst.model import ModelConfig, UNet
from mtinst.notes import Thresholds
from mtinst.spec import INSTRUMENT_NAMES, FeatureSpec

FORMAT = "mtinst/1"


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
    """

    thresholds: Thresholds
    training: dict[str, Any]
    digest: str


def save_checkpoint(path: str | Path, model: UNet, *, thresholds: Thresholds, training: dict[str, Any]) -> None:
    """Write `model` to `path`, weights as float16, by way of ``<path>.partial``: no half-written file is left."""
    path = Path(path)
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous().cpu()
        for name, tensor in model.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "instruments": json.dumps(INSTRUMENT_NAMES),
        "features": json.dumps(asdict(model.spec)),
        "model": json.dumps(asdict(model.config)),
        "thresholds": json.dumps(thresholds.to_json()),
        "training": json.dumps(training),
    }
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(safetensors_bytes(tensors, metadata))
    partial.replace(path)


def load_checkpoint(path: str | Path) -> tuple[UNet, CheckpointInfo]:
    """Read a file that :func:`save_checkpoint` wrote.

    Returns
    -------
    UNet, CheckpointInfo
        The network in evaluation mode, float32, on the CPU.

    Raises
    ------
    CheckpointError
        If there is no such file, or it is damaged, or of another format or for other instruments.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path.name} is not there: no weights file at that path.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path.name} is not a complete .safetensors file.") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path.name} has the format {metadata.get('format', 'none')!r}, {FORMAT!r} is wanted.")
    try:
        if tuple(json.loads(metadata["instruments"])) != INSTRUMENT_NAMES:
            raise CheckpointError(f"{path.name} was trained for other instruments than {', '.join(INSTRUMENT_NAMES)}.")
        features = FeatureSpec(**json.loads(metadata["features"]))
        config = _model_config(json.loads(metadata["model"]))
        info = CheckpointInfo(
            thresholds=Thresholds.from_json(json.loads(metadata["thresholds"])),
            training=json.loads(metadata["training"]),
            digest=hashlib.sha256(path.read_bytes()).hexdigest()[:16],
        )
        model = UNet(config, features)
        model.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in tensors.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path.name} does not describe a network that this version can build.") from error
    if any(not torch.isfinite(tensor).all() for tensor in model.state_dict().values()):
        raise CheckpointError(f"{path.name} holds numbers that are not finite.")
    return model.eval(), info


def _model_config(record: dict[str, Any]) -> ModelConfig:
    """The inverse of :func:`dataclasses.asdict` by way of JSON, which has no tuples."""
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}
    return ModelConfig(**fields)
