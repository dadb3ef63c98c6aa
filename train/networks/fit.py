"""``python -m train fit``: train a network; see :mod:`train.trainer` for how, and for what a run's folder holds."""

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mtinst.hear.checkpoint import load_checkpoint, save_checkpoint
from mtinst.hear.unet import Committee, Network, UNet, n_weights
from mtinst.records import Thresholds
from train.clips import ClipArrays
from train.config import Experiment
from train.data.mixtures import Batch, MixtureDataset
from train.evaluation.evaluate import quick_scores
from train.networks.grow import grow
from train.networks.losses import Losses, multitask_loss, taught
from train.parallel import Processes
from train.store import PartStore
from train.trainer import Trainer, TrainingError

logger = logging.getLogger(__name__)

_STATISTICS_CLIPS = 256
_STATISTICS_EPOCH = 2**31  # an epoch that no run reaches: per-bin statistics come from its clips


def fit(
    experiment: Experiment,
    prepared_dir: Path,
    run_dir: Path,
    *,
    n_workers: int = 1,
    device: str = "auto",
    n_validation_clips: int = 60,
    initial_weights: Path | None = None,
    teacher_weights: Path | None = None,
    is_compiled: bool = False,
) -> None:
    """Train from the start, or from ``run_dir/last.pt`` when it is there; under ``torchrun``, with all its processes.

    Parameters
    ----------
    experiment : Experiment
    prepared_dir : Path
        What ``python -m train prepare`` wrote.
    run_dir : Path
        Made when needed.
    n_workers : int
        Loader processes; they do not change the result.
    device : str
        ``cpu``, ``cuda`` or ``auto``.
    n_validation_clips : int
        Scored after each epoch: recordings where there are any.
    initial_weights : Path, optional
        A checkpoint to start from instead of random weights, of this network or a narrower one
        (:mod:`train.networks.grow`); of a committee its first network. What the run writes has its thresholds until
        ``calibrate`` chooses others.
    teacher_weights : Path, optional
        A checkpoint for the same features and instruments, whose probabilities are `experiment.taught` of each target
        (:func:`train.networks.losses.taught`).
    is_compiled : bool
        Have :func:`torch.compile` fuse the step: a minute to begin with, then nearly twice the clips a second on a CPU.

    Raises
    ------
    TrainingError
        If the loss is not a finite number, or `run_dir` holds a run that cannot go on.
    """
    processes = Processes.start(device)
    store = PartStore.open(prepared_dir / "parts")
    real = prepared_dir / "real_valid.npz"
    validation = ClipArrays.open(real if real.is_file() else prepared_dir / "valid.npz").first(n_validation_clips)
    torch.manual_seed(experiment.seed)
    model = UNet(experiment.model, store.spec)
    thresholds, began_with = Thresholds.uniform(), ""
    if not (run_dir / "last.pt").is_file():
        thresholds, began_with = _begin(model, experiment, store, initial_weights)
    model.to(processes.device)
    shared = processes.shared(model)
    carried = {"thresholds": json.dumps(thresholds.to_json()), "began_with": began_with}

    precision = partial(torch.autocast, processes.device.type, torch.bfloat16, enabled=experiment.is_mixed_precision)

    def losses_of(batch: Batch) -> Losses:
        with precision():
            logits = shared(batch.log_cqt)
        return multitask_loss(logits, batch, experiment.loss)

    step = torch.compile(losses_of) if is_compiled else losses_of
    teacher = None if teacher_weights is None else _teacher(teacher_weights, model).to(processes.device)

    def named_losses(batch: Batch) -> dict[str, Tensor]:
        if teacher is not None:
            with torch.no_grad(), precision():
                batch = taught(batch, teacher(batch.log_cqt), experiment.taught)
        return step(batch)._asdict()

    def write(path: Path, averaged: UNet, record: dict[str, Any]) -> None:
        thresholds = Thresholds.from_json(json.loads(carried["thresholds"]))
        save_checkpoint(path, averaged, thresholds=thresholds, training=record)

    trainer = Trainer(
        experiment=experiment,
        store=store,
        run_dir=run_dir,
        model=model,
        losses_of=named_losses,
        write=write,
        scores_of=lambda averaged: quick_scores(averaged, validation),
        carried=carried,
        processes=processes,
        n_workers=n_workers,
    )
    where = f"{processes.count} x {processes.device}, from epoch {trainer.progress.epoch}"
    logger.info("%s: %s weights on %s", experiment.name, f"{n_weights(model):,}", where)
    trainer.run()


def _teacher(path: Path, student: UNet) -> Network:
    teacher = load_checkpoint(path)[0]
    if (teacher.spec, teacher.n_instruments) != (student.spec, student.n_instruments):
        raise TrainingError(f"{path} cannot teach this network: it is for other features or instruments")
    return teacher


def _begin(
    model: UNet, experiment: Experiment, store: PartStore, initial_weights: Path | None
) -> tuple[Thresholds, str]:
    """Give a new run's network its first weights; the thresholds and the digest of those that it begins with."""
    initial: UNet | None = None
    thresholds, began_with = Thresholds.uniform(), ""
    if initial_weights is not None:
        network, info = load_checkpoint(initial_weights)
        if isinstance(network, Committee):
            logger.info("%s: the first of %d networks is begun with", initial_weights, len(network.networks))
            network = network.networks[0]
        initial, thresholds, began_with = network, info.thresholds, info.digest
    if initial is None or initial.spec != model.spec:  # else the statistics are taken over too
        unheard = MixtureDataset(
            store, experiment.mix, seed=experiment.seed, epoch=_STATISTICS_EPOCH, n_clips=_STATISTICS_CLIPS
        )
        # Mean and standard deviation of each bin, over clips that are never trained on.
        features = torch.stack([torch.from_numpy(unheard[index].log_cqt) for index in range(len(unheard))])
        model.feature_mean.copy_(features.mean(dim=(0, 2)))  # of (clip, bin, T)
        model.feature_std.copy_(features.std(dim=(0, 2)).clamp_min(1e-2))
    if initial is not None:
        grow(initial, model)
    return thresholds, began_with
