"""Training of the methods of the comparison: the clips, the schedule and the averaging of :mod:`train.loop`.

Kept apart from it, since these runs are short: they are not resumed half-way, and nothing is scored on the way.
"""

import time
from pathlib import Path

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm import tqdm

from train.config import Experiment
from train.datasets import Batch, MixtureDataset, PartStore, collate
from train.loop import TrainingError, learning_rate_at, training_record
from train.methods.base import Method, save_method


def fit_method(
    kind: type[Method], experiment: Experiment, prepared_dir: Path, path: Path, *, n_workers: int = 1
) -> Method:
    """Train a method on the mixtures of `experiment`, whose network and losses do not matter; save and return it.

    With one seed, all methods hear the same mixtures in the same order.

    Parameters
    ----------
    kind : type of Method
    experiment : Experiment
        How many clips, how they are mixed, the learning rate and its course. The optimiser is AdamW.
    prepared_dir : Path
        What ``python -m train prepare`` wrote.
    path : Path
        Where the weights go, its folder is made when needed.
    n_workers : int
        Loader processes; they do not change the result.

    Raises
    ------
    TrainingError
        If the loss is not a finite number.
    """
    torch.manual_seed(experiment.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    store = PartStore.open(prepared_dir / "parts")
    method = kind(store.spec).to(device)
    forget = get_ema_multi_avg_fn(experiment.average_decay)  # type: ignore[no-untyped-call]
    average = AveragedModel(method, multi_avg_fn=forget, use_buffers=True)
    optimizer = torch.optim.AdamW(
        method.parameters(), lr=experiment.learning_rate, weight_decay=experiment.weight_decay, betas=(0.9, 0.98)
    )
    began, step = time.monotonic(), 0
    for epoch in range(experiment.epochs):
        clips = MixtureDataset(
            store, experiment.mix, seed=experiment.seed, epoch=epoch, n_clips=experiment.clips_per_epoch
        )
        batches: DataLoader[Batch] = DataLoader(
            clips,  # type: ignore[arg-type]
            batch_size=experiment.batch_size,
            num_workers=n_workers,
            collate_fn=collate,
        )
        method.train()
        for batch in tqdm(batches, desc=f"{kind.name}, epoch {epoch + 1}", mininterval=10, leave=False):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(step, experiment)
            loss = method.loss(Batch(*(tensor.to(device) for tensor in batch)))
            if not torch.isfinite(loss):
                raise TrainingError(f"the loss became {loss.item()} in epoch {epoch + 1}; {kind.name} stops here.")
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(method.parameters(), experiment.clip_norm)
            optimizer.step()
            average.update_parameters(method)
            step += 1
    trained = average.module
    assert isinstance(trained, Method)
    path.parent.mkdir(parents=True, exist_ok=True)
    n_clips = experiment.epochs * experiment.clips_per_epoch
    seconds = time.monotonic() - began
    record = training_record(experiment, experiment.epochs, seconds, clips=n_clips, data=store.digest)
    save_method(path, trained, record)
    return trained.cpu().eval()
