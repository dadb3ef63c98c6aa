"""Training of the methods of the comparison by the trainer of all, :mod:`train.trainer`, and their files."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as safetensors_bytes

from mtinst.errors import CheckpointError
from mtinst.files import replace_file
from mtinst.grid import INSTRUMENT_NAMES, FeatureSpec
from train.config import Experiment
from train.methods.base import Method
from train.methods.gururani import GururaniCrnn
from train.methods.hung import TimbreAndPitch
from train.methods.liu import WeaklySupervised
from train.parallel import Processes
from train.store import PartStore
from train.trainer import Trainer

METHODS: dict[str, type[Method]] = {method.name: method for method in (WeaklySupervised, GururaniCrnn, TimbreAndPitch)}
FORMAT = "mtinst-method/1"


def fit_method(
    kind: type[Method], experiment: Experiment, prepared_dir: Path, run_dir: Path, *, n_workers: int = 1
) -> Method:
    """Train a method on the mixtures of `experiment`, or go on with it; nothing is scored on the way.

    With one seed, all methods learn from the same mixtures in the same order.

    Parameters
    ----------
    kind : type of Method
    experiment : Experiment
        How many clips, how they are mixed, the learning rate and its course; its network, losses and optimiser do not
        matter. The optimiser is AdamW.
    prepared_dir : Path
        What ``python -m train prepare`` wrote.
    run_dir : Path
        See :mod:`train.trainer`.
    n_workers : int
        Loader processes; they do not change the result.

    Raises
    ------
    TrainingError
        If the loss is not a finite number, or `run_dir` holds a run that cannot go on.
    """
    processes = Processes.start("auto")
    store = PartStore.open(prepared_dir / "parts")
    torch.manual_seed(experiment.seed)
    method = kind(store.spec).to(processes.device)
    Trainer(
        experiment=replace(experiment, name=kind.name, optimizer="adamw"),
        store=store,
        run_dir=run_dir,
        model=method,
        losses_of=lambda batch: {"total": method.loss(batch)},
        write=save_method,
        processes=processes,
        n_workers=n_workers,
    ).run()
    return load_method(run_dir / "last.safetensors")


def save_method(path: Path, method: Method, training: dict[str, Any]) -> None:
    """Write a method's weights, and everything needed to use them, to one ``.safetensors`` file."""
    metadata = {
        "format": FORMAT,
        "method": method.name,
        "instruments": json.dumps(INSTRUMENT_NAMES),
        "features": json.dumps(asdict(method.spec)),
        "training": json.dumps(training),
    }
    tensors = {name: tensor.contiguous().cpu() for name, tensor in method.state_dict().items()}
    replace_file(path, safetensors_bytes(tensors, metadata))


def load_method(path: Path) -> Method:
    """Read what :func:`save_method` wrote, in evaluation mode; CheckpointError when it is something else."""
    if not path.is_file():
        raise CheckpointError(f"{path.name} is not there: no weights file at that path.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path.name} is not a complete .safetensors file.") from error
    if metadata.get("format") != FORMAT or metadata.get("method") not in METHODS:
        raise CheckpointError(f"{path.name} does not hold one of the methods {', '.join(METHODS)}.")
    try:
        method = METHODS[metadata["method"]](FeatureSpec(**json.loads(metadata["features"])))
        method.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path.name} does not describe a network that this version can build.") from error
    return method.eval()
