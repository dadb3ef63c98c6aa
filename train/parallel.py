"""One process or several: ``torchrun --nproc-per-node N -m train fit ...`` shares each batch among N processes."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import Sampler


@dataclass(frozen=True, kw_only=True)
class Processes:
    """Which of how many processes this is, and the device it trains on."""

    rank: int
    count: int
    device: torch.device

    @classmethod
    def start(cls, device: str) -> "Processes":
        """Join those that ``torchrun`` started, or be the only one; `device` is ``cpu``, ``cuda`` or ``auto``."""
        kind = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1:
            return cls(rank=0, count=1, device=torch.device(kind))
        distributed.init_process_group("nccl" if kind.startswith("cuda") else "gloo")
        where = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if kind == "cuda" else torch.device(kind)
        return cls(rank=distributed.get_rank(), count=count, device=where)

    @property
    def is_first(self) -> bool:
        """Whether this one scores, saves and talks."""
        return self.rank == 0

    def shared(self, model: nn.Module) -> nn.Module:
        """The model to call in training: after the backward pass, all processes hold the mean of their gradients."""
        return model if self.count == 1 else DistributedDataParallel(model)

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            distributed.barrier()

    def leave(self) -> None:
        """Part from the others."""
        if self.count > 1:
            distributed.destroy_process_group()


class BatchShare(Sampler[list[int]]):
    """Of each batch of consecutive clips one process's share: every `count`-th of them, from its `rank` on.

    Examples
    --------
    >>> list(BatchShare(n_clips=10, batch_size=4, rank=1, count=2))
    [[1, 3], [5, 7], [9]]
    """

    def __init__(self, *, n_clips: int, batch_size: int, rank: int, count: int) -> None:
        if batch_size < count or 0 < n_clips % batch_size < count:
            raise ValueError(f"a batch must hold at least {count} clips, one a process")
        self._batches = [
            list(range(first + rank, min(first + batch_size, n_clips), count))
            for first in range(0, n_clips, batch_size)
        ]

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)
