"""One run of training, whatever it trains, so that it can be left alone and stopped at any time.

Networks (:mod:`train.networks.fit`) and the methods that they are compared with (:mod:`train.methods.training`) bring
a model and functions: what its losses are on a batch, how its weights are written and, if anything is, what it scores.
All else is here: the schedule, the moving average, several processes, resuming, the log.

A run's folder holds ``last.pt`` (everything needed to go on exactly: weights, average, optimisers, epoch), the averaged
weights as ``last.safetensors``, those that scored best on validation as ``best.safetensors``, ``log.csv`` with a line
an epoch, and ``log.png``.
"""

import json
import math
import os
import subprocess
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Generic, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm import tqdm

from mtinst.errors import MtinstError
from mtinst.export.picture import figure_to_png
from mtinst.files import replacing
from train.config import Experiment, as_json
from train.data.mixtures import Batch, MixtureDataset, collate
from train.log import add_row, plot_log
from train.optimizer import make_optimizers
from train.parallel import BatchShare, Processes
from train.store import PartStore

Model = TypeVar("Model", bound=nn.Module)


class TrainingError(MtinstError):
    """Training cannot start or go on."""


@dataclass
class Progress:
    """How far a run is."""

    epoch: int = 0
    clips: int = 0
    best: float = -1.0
    seconds: float = 0.0


@dataclass(kw_only=True)
class Trainer(Generic[Model]):
    """A run, gone on with from its folder's ``last.pt`` when that is there.

    Parameters
    ----------
    experiment : Experiment
        How long, on which mixtures, by which optimiser.
    store : PartStore
        What the mixtures are made of.
    run_dir : Path
        Made when needed.
    model : Module
        On the device of `processes`.
    losses_of : callable
        A batch to named losses, whose sum is minimised.
    write : callable
        Writes a model with a record of its training to a file.
    scores_of : callable, optional
        What the averaged model scores on validation, after each epoch; the best has the largest sum.
    carried : dict of str
        Kept in ``last.pt`` for whoever needs it later; replaced by what is there.
    processes : Processes
    n_workers : int
        Loader processes; they do not change the result.

    Raises
    ------
    TrainingError
        If ``last.pt`` is damaged, or of another network.
    """

    experiment: Experiment
    store: PartStore
    run_dir: Path
    model: Model
    losses_of: Callable[[Batch], Mapping[str, Tensor]]
    write: Callable[[Path, Model, dict[str, Any]], None]
    scores_of: Callable[[Model], dict[str, float]] | None = None
    carried: dict[str, str] = field(default_factory=dict)
    processes: Processes
    n_workers: int = 1
    progress: Progress = field(default_factory=Progress, init=False)

    def __post_init__(self) -> None:
        experiment = self.experiment
        forget = get_ema_multi_avg_fn(experiment.average_decay)  # type: ignore[no-untyped-call]
        self._average = AveragedModel(self.model, multi_avg_fn=forget, use_buffers=True)
        self._optimizers = make_optimizers(
            self.model, experiment.optimizer, lr=experiment.learning_rate, weight_decay=experiment.weight_decay
        )
        self.run_dir.mkdir(parents=True, exist_ok=True)
        if (self.run_dir / "last.pt").is_file():
            self._load(self.run_dir / "last.pt")

    def run(self) -> None:
        """Train until all epochs are over; TrainingError when the loss is not a finite number.

        The learning rate depends on the step alone, so a run that is resumed with more epochs goes on as if it had been
        meant to from the start, as long as it had not begun to cool down.
        """
        progress = self.progress
        while progress.epoch < self.experiment.epochs:
            began = time.monotonic()
            losses = self._train_epoch()
            progress.epoch += 1
            progress.clips += self.experiment.clips_per_epoch
            progress.seconds += time.monotonic() - began
            if self.processes.is_first:
                self._keep(losses)
            self.processes.wait()
        self.processes.leave()

    def _train_epoch(self) -> dict[str, float]:
        """An epoch's mean losses, and its clips a second."""
        experiment, epoch, processes = self.experiment, self.progress.epoch, self.processes
        n_clips, seed = experiment.clips_per_epoch, experiment.seed
        clips = MixtureDataset(self.store, experiment.mix, seed=seed, epoch=epoch, n_clips=n_clips)
        shares = BatchShare(
            n_clips=n_clips, batch_size=experiment.batch_size, rank=processes.rank, count=processes.count
        )
        loader: DataLoader[Any] = DataLoader(
            clips, batch_sampler=shares, num_workers=self.n_workers, collate_fn=collate
        )
        # What draws in training, such as dropout, draws the same in a run that is resumed.
        torch.manual_seed(int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0]))
        self.model.train()
        sums, names = torch.zeros(1), list[str]()
        began = time.monotonic()
        bar = tqdm(loader, desc=f"epoch {epoch + 1}", mininterval=10, leave=False, disable=not processes.is_first)
        for index, batch in enumerate(bar):
            rate = learning_rate_at(epoch * len(loader) + index, experiment)
            losses = self._step(Batch(*(tensor.to(processes.device) for tensor in batch)), rate)
            sums, names = sums + torch.stack(list(losses.values())).detach().cpu(), list(losses)
        speed = n_clips / (time.monotonic() - began)
        means = zip(names, (sums / len(loader)).tolist(), strict=True)
        return {**{f"loss_{name}": round(mean, 5) for name, mean in means}, "clips_per_s": round(speed, 2)}

    def _step(self, batch: Batch, learning_rate: float) -> Mapping[str, Tensor]:
        losses = self.losses_of(batch)
        total = cast(Tensor, sum(losses.values()))
        if not torch.isfinite(total):
            name, epoch = self.experiment.name, self.progress.epoch + 1
            raise TrainingError(f"the loss became {total.item()} in epoch {epoch}; {name} stops here.")
        self.model.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), self.experiment.clip_norm)
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            optimizer.step()
        self._average.update_parameters(self.model)
        return losses

    def _keep(self, losses: dict[str, float]) -> None:
        """Score, and write everything that a run's folder holds."""
        progress, averaged = self.progress, cast(Model, self._average.module)
        record = training_record(self.experiment, progress, data=self.store.digest)
        scores = {} if self.scores_of is None else self.scores_of(averaged)
        record |= {"scores": scores, "began_with": self.carried.get("began_with", "")}
        self.write(self.run_dir / "last.safetensors", averaged, record)
        if scores and sum(scores.values()) > progress.best:
            progress.best = sum(scores.values())
            self.write(self.run_dir / "best.safetensors", averaged, record)
        row = {"epoch": progress.epoch, "minutes": round(progress.seconds / 60, 1), **losses, **scores}
        log = self.run_dir / "log.csv"
        add_row(log, row)
        self._save()  # last of what matters: whoever stops before this repeats the epoch and writes the same again
        log.with_suffix(".png").write_bytes(figure_to_png(plot_log(log)))

    def _save(self) -> None:
        state = {
            **self.carried,
            **asdict(self.progress),
            "model": self.model.state_dict(),
            "average": self._average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
            "experiment": json.dumps(asdict(self.experiment)),
            "features": json.dumps(asdict(self.store.spec)),
        }
        with replacing(self.run_dir / "last.pt") as partial, partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave the new name with nothing in it

    def _load(self, path: Path) -> None:
        damage = f"{path} is damaged; remove it to train from the start"
        if not zipfile.is_zipfile(path):  # as which PyTorch writes it; what else is there it would try to unpickle
            raise TrainingError(damage)
        try:
            state = torch.load(path, weights_only=True, map_location="cpu")
        except (RuntimeError, EOFError, OSError, ValueError, LookupError, UnpicklingError) as error:
            raise TrainingError(damage) from error
        if not {"features", "clips", *self.carried} <= state.keys():
            raise TrainingError(f"{path} is an earlier version's: name another --out, or remove it")
        before, now = json.loads(state["experiment"]), as_json(self.experiment)
        before["features"], now["features"] = json.loads(state["features"]), asdict(self.store.spec)
        for name, which in (("model", "with another"), ("optimizer", "with another"), ("features", "on other")):
            if before[name] != now[name]:  # whatever else is changed, the run can go on
                raise TrainingError(f"{path.parent} holds a run {which} {name}: name another --out, or remove it")
        self.model.load_state_dict(state["model"])
        self._average.load_state_dict(state["average"])
        for optimizer, kept in zip(self._optimizers, state["optimizers"], strict=True):
            decays = [group["weight_decay"] for group in optimizer.param_groups]
            optimizer.load_state_dict(kept)
            for group, decay in zip(optimizer.param_groups, decays, strict=True):
                group["weight_decay"] = decay  # the rate is set at each step
        self.carried.update({name: state[name] for name in self.carried})
        self.progress = Progress(**{name: state[name] for name in asdict(self.progress)})


def learning_rate_at(step: int, experiment: Experiment) -> float:
    """Up in a line over the warm-up, flat, and down in a line to a hundredth over the cool-down."""
    steps_per_epoch = math.ceil(experiment.clips_per_epoch / experiment.batch_size)
    n_steps = experiment.epochs * steps_per_epoch
    n_cooldown = min(experiment.cooldown_epochs, experiment.epochs) * steps_per_epoch
    warm = min(1.0, (step + 1) / max(1, experiment.warmup_steps))
    left = min(1.0, (n_steps - step) / max(1, n_cooldown))
    return experiment.learning_rate * warm * max(0.01, left)


def training_record(experiment: Experiment, progress: Progress, *, data: str) -> dict[str, Any]:
    """What a checkpoint says about how it was made; `data` is the digest of the parts."""
    try:
        git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        commit = git.stdout.strip()
    except OSError:  # no git here
        commit = ""
    return {
        "experiment": asdict(experiment),
        "epoch": progress.epoch,
        "clips": progress.clips,
        "data": data,
        "hours": round(progress.seconds / 3600, 2),
        "commit": commit,
    }
