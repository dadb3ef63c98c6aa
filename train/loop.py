"""``python -m train fit``: train a network, so that it can be left alone and stopped at any time.

A run's folder holds ``last.pt`` (everything needed to go on exactly: weights, average, optimiser, epoch), the averaged
weights as ``last.safetensors``, those that scored best on validation as ``best.safetensors``, ``log.csv`` with a line
an epoch, and ``log.png``.
"""

import csv
import json
import logging
import math
import os
import subprocess
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm import tqdm

from mtinst.errors import MtinstError
from mtinst.hear.checkpoint import load_checkpoint, save_checkpoint
from mtinst.hear.unet import Committee, UNet, n_weights
from mtinst.records import Thresholds
from train.clips import ClipArrays
from train.config import Experiment, as_json
from train.datasets import Batch, MixtureDataset, PartStore, collate
from train.evaluate import quick_scores
from train.figures import plot_log, write_png
from train.grow import grow
from train.losses import Losses, multitask_loss
from train.optimizer import make_optimizers
from train.parallel import BatchShare, Processes

logger = logging.getLogger(__name__)

_STATISTICS_CLIPS = 256
_STATISTICS_EPOCH = 2**31  # an epoch that no run reaches: per-bin statistics come from its clips


class TrainingError(MtinstError):
    """Training cannot start or go on."""


@dataclass
class _Run:
    """Everything that a run carries from step to step."""

    model: UNet
    average: AveragedModel  # of the above
    losses_of: Callable[[Batch], Losses]
    optimizers: tuple[torch.optim.Optimizer, ...]
    thresholds: Thresholds  # that its checkpoints come with
    began_with: str = ""  # digest of the weights that it began with
    epoch: int = 0
    clips: int = 0
    best: float = -1.0
    seconds: float = 0.0

    @property
    def averaged(self) -> UNet:
        """The weights that are scored and shipped."""
        module = self.average.module
        assert isinstance(module, UNet)
        return module

    def save(self, path: Path, experiment: Experiment) -> None:
        """Write ``last.pt`` by way of a partial file."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "epoch": self.epoch,
            "clips": self.clips,
            "best": self.best,
            "seconds": self.seconds,
            "thresholds": json.dumps(self.thresholds.to_json()),
            "began_with": self.began_with,
            "experiment": json.dumps(asdict(experiment)),
            "features": json.dumps(asdict(self.model.spec)),
        }
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave the new name with nothing in it
        partial.replace(path)

    def load(self, path: Path, experiment: Experiment) -> None:
        """Go on from ``last.pt``; TrainingError when it is damaged or of another network."""
        damage = f"{path} is damaged; remove it to train from the start"
        if not zipfile.is_zipfile(path):  # as which PyTorch writes it; what else is there it would try to unpickle
            raise TrainingError(damage)
        try:
            state = torch.load(path, weights_only=True, map_location="cpu")
        except (RuntimeError, EOFError, OSError, ValueError, LookupError, UnpicklingError) as error:
            raise TrainingError(damage) from error
        if not {"features", "thresholds", "began_with", "clips"} <= state.keys():
            raise TrainingError(f"{path} is an earlier version's: name another --out, or remove it")
        before, now = json.loads(state["experiment"]), as_json(experiment)
        for name in ("model", "optimizer"):  # whatever else is changed, the run can go on
            if before[name] != now[name]:
                raise TrainingError(f"{path.parent} holds a run with another {name}: name another --out, or remove it")
        if json.loads(state["features"]) != asdict(self.model.spec):
            raise TrainingError(f"{path.parent} holds a run on other features: name another --out, or remove it")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            decays = [group["weight_decay"] for group in optimizer.param_groups]
            optimizer.load_state_dict(kept)
            for group, decay in zip(optimizer.param_groups, decays, strict=True):
                group["weight_decay"] = decay  # the rate is set at each step
        self.thresholds = Thresholds.from_json(json.loads(state["thresholds"]))
        self.began_with = state["began_with"]
        self.epoch, self.clips = state["epoch"], state["clips"]
        self.best, self.seconds = state["best"], state["seconds"]


def fit(
    experiment: Experiment,
    prepared_dir: Path,
    run_dir: Path,
    *,
    n_workers: int = 1,
    device: str = "auto",
    n_validation_clips: int = 60,
    initial_weights: Path | None = None,
    is_compiled: bool = False,
) -> None:
    """Train from the start, or from ``run_dir/last.pt`` when it is there; under ``torchrun``, with all its processes.

    The learning rate depends on the step alone, so a run that is resumed with more epochs goes on as if it had been
    meant to from the start, as long as it had not begun to cool down.

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
        A checkpoint to start from instead of random weights, of this network or a narrower one (:mod:`train.grow`);
        of a committee its first network. What the run writes has its thresholds until ``calibrate`` chooses others.
    is_compiled : bool
        Have :func:`torch.compile` fuse the step: a minute to begin with, then nearly twice the clips a second on a CPU.

    Raises
    ------
    TrainingError
        If the loss is not a finite number.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    processes = Processes.start(device)
    store = PartStore.open(prepared_dir / "parts")
    real = prepared_dir / "real_valid.npz"
    validation = ClipArrays.open(real if real.is_file() else prepared_dir / "valid.npz").first(n_validation_clips)
    run = _begin(experiment, store, run_dir, processes, initial_weights=initial_weights, is_compiled=is_compiled)

    while run.epoch < experiment.epochs:
        began = time.monotonic()
        dataset = MixtureDataset(
            store, experiment.mix, seed=experiment.seed, epoch=run.epoch, n_clips=experiment.clips_per_epoch
        )
        batches = BatchShare(
            n_clips=experiment.clips_per_epoch,
            batch_size=experiment.batch_size,
            rank=processes.rank,
            count=processes.count,
        )
        loader = DataLoader(dataset, batch_sampler=batches, num_workers=n_workers, collate_fn=collate)
        losses = _train_epoch(run, loader, experiment, processes)
        run.epoch += 1
        run.clips += experiment.clips_per_epoch
        run.seconds += time.monotonic() - began
        if processes.is_first:
            scores = quick_scores(run.averaged, validation)
            _keep(run, losses, scores, experiment, run_dir, data=store.digest)
        processes.wait()
    processes.leave()


def _begin(
    experiment: Experiment,
    store: PartStore,
    run_dir: Path,
    processes: Processes,
    *,
    initial_weights: Path | None,
    is_compiled: bool,
) -> _Run:
    """The run as its folder has it, or a new one."""
    torch.manual_seed(experiment.seed)
    model = UNet(experiment.model, store.spec)
    thresholds, began_with = Thresholds.uniform(), ""
    last = run_dir / "last.pt"
    if not last.is_file():
        initial: UNet | None = None
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
            _set_statistics(model, unheard)
        if initial is not None:
            grow(initial, model)
    model.to(processes.device)
    shared = processes.shared(model)

    def losses_of(batch: Batch) -> Losses:
        with torch.autocast(processes.device.type, torch.bfloat16, enabled=experiment.is_mixed_precision):
            logits = shared(batch.log_cqt)
        return multitask_loss(logits, batch, experiment.loss)

    run = _Run(
        model,
        _moving_average(model, experiment.average_decay),
        torch.compile(losses_of) if is_compiled else losses_of,
        make_optimizers(model, experiment.optimizer, lr=experiment.learning_rate, weight_decay=experiment.weight_decay),
        thresholds,
        began_with,
    )
    if last.is_file():
        run.load(last, experiment)
    logger.info(
        "%s: %s weights on %d x %s, from epoch %d",
        experiment.name,
        f"{n_weights(model):,}",
        processes.count,
        processes.device,
        run.epoch,
    )
    return run


def _keep(
    run: _Run,
    losses: dict[str, float],
    scores: dict[str, float],
    experiment: Experiment,
    run_dir: Path,
    *,
    data: str,
) -> None:
    """Write everything that a run's folder holds, after an epoch."""
    record = training_record(experiment, run.epoch, run.seconds, clips=run.clips, data=data)
    record |= {"scores": scores, "began_with": run.began_with}
    names = ["last.safetensors"]
    score = sum(scores.values())
    if score > run.best:
        run.best = score
        names.append("best.safetensors")
    for name in names:
        save_checkpoint(run_dir / name, run.averaged, thresholds=run.thresholds, training=record)
    _log(run_dir / "log.csv", {"epoch": run.epoch, "minutes": round(run.seconds / 60, 1), **losses, **scores})
    # Last of what matters: whoever stops before this repeats the epoch and writes the same again.
    run.save(run_dir / "last.pt", experiment)
    write_png(plot_log(run_dir / "log.csv"), run_dir / "log.png")


def learning_rate_at(step: int, experiment: Experiment) -> float:
    """Up in a line over the warm-up, flat, and down in a line to a hundredth over the cool-down."""
    steps_per_epoch = math.ceil(experiment.clips_per_epoch / experiment.batch_size)
    n_steps = experiment.epochs * steps_per_epoch
    n_cooldown = min(experiment.cooldown_epochs, experiment.epochs) * steps_per_epoch
    warm = min(1.0, (step + 1) / max(1, experiment.warmup_steps))
    left = min(1.0, (n_steps - step) / max(1, n_cooldown))
    return experiment.learning_rate * warm * max(0.01, left)


def training_record(experiment: Experiment, epoch: int, seconds: float, *, clips: int, data: str) -> dict[str, Any]:
    """What a checkpoint says about how it was made; `data` is the digest of the parts."""
    try:
        git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        commit = git.stdout.strip()
    except OSError:  # no git here
        commit = ""
    return {
        "experiment": asdict(experiment),
        "epoch": epoch,
        "clips": clips,
        "data": data,
        "hours": round(seconds / 3600, 2),
        "commit": commit,
    }


def _train_epoch(
    run: _Run, loader: "DataLoader[Any]", experiment: Experiment, processes: Processes
) -> dict[str, float]:
    """One pass over the loader; mean losses and the clips a second."""
    run.model.train()
    sums = torch.zeros(len(Losses._fields))
    began, n_clips = time.monotonic(), 0
    first_step = run.epoch * len(loader)
    bar = tqdm(loader, desc=f"epoch {run.epoch + 1}", mininterval=10, leave=False, disable=not processes.is_first)
    for index, batch in enumerate(bar):
        for optimizer in run.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(first_step + index, experiment)
        losses = _step(run, Batch(*(tensor.to(processes.device) for tensor in batch)), experiment)
        sums += torch.stack(losses).detach().cpu()
        n_clips += processes.count * len(batch.log_cqt)
    means = (sums / len(loader)).tolist()
    speed = n_clips / (time.monotonic() - began)
    return {
        **{f"loss_{name}": round(mean, 5) for name, mean in zip(Losses._fields, means, strict=True)},
        "clips_per_s": round(speed, 2),
    }


def _step(run: _Run, batch: Batch, experiment: Experiment) -> Losses:
    losses = run.losses_of(batch)
    if not torch.isfinite(losses.total):
        raise TrainingError(
            f"the loss became {losses.total.item()} in epoch {run.epoch + 1}; {experiment.name} stops here."
        )
    run.model.zero_grad()
    losses.total.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), experiment.clip_norm)
    for optimizer in run.optimizers:
        optimizer.step()
    run.average.update_parameters(run.model)
    return losses


def _moving_average(model: UNet, decay: float) -> AveragedModel:
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)  # type: ignore[no-untyped-call]


def _set_statistics(model: UNet, dataset: MixtureDataset) -> None:
    """Mean and standard deviation of each bin, over clips that are never trained on."""
    features = torch.stack([torch.from_numpy(dataset[index][0]) for index in range(len(dataset))])  # (clip, bin, T)
    model.feature_mean.copy_(features.mean(dim=(0, 2)))
    model.feature_std.copy_(features.std(dim=(0, 2)).clamp_min(1e-2))


def _log(path: Path, row: dict[str, float]) -> None:
    """Add an epoch's line to the log, in place of what an interrupted run may have written of it."""
    rows: list[dict[str, Any]] = []
    if path.is_file():
        with path.open(newline="") as file:
            rows = [line for line in csv.DictReader(file) if _is_before(line, row["epoch"])]
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="") as file:
        names = list(dict.fromkeys([*(rows[0] if rows else {}), *row]))
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows([*rows, row])
    partial.replace(path)
    print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)


def _is_before(line: dict[str, Any], epoch: float) -> bool:
    """Whether a line of the log is whole and of an earlier epoch."""
    try:
        return None not in (*line, *line.values()) and int(line["epoch"]) < epoch
    except (KeyError, TypeError, ValueError):
        return False
