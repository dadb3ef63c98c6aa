"""Several processes train one network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.train.data import write_prepared
from train.parallel import BatchShare, Processes

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("n_clips", "batch_size", "count"), [(10, 4, 2), (64, 16, 4), (7, 7, 1), (9, 3, 3)])
def test_every_clip_is_in_one_share_of_its_batch(n_clips: int, batch_size: int, count: int) -> None:
    shares = [list(BatchShare(n_clips=n_clips, batch_size=batch_size, rank=rank, count=count)) for rank in range(count)]
    for number, parts in enumerate(zip(*shares, strict=True)):
        wanted = range(number * batch_size, min(n_clips, (number + 1) * batch_size))
        assert sorted(clip for part in parts for clip in part) == list(wanted)
        assert all(parts), "no process goes without"


def test_a_batch_too_small_to_share_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 clips"):
        BatchShare(n_clips=9, batch_size=4, rank=0, count=4)


def test_alone_it_shares_with_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    processes = Processes.start("cpu")
    model = torch.nn.Linear(2, 2)
    assert processes.is_first
    assert processes.shared(model) is model


# `python -m train`, but for the statistics of a network's input, which of many clips are slow to make.
PROGRAM = """
import sys
from train.__main__ import main
from train.networks import fit
fit._STATISTICS_CLIPS = 4
sys.exit(main())
"""


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path: Path) -> None:
    data, program = write_prepared(tmp_path / "data"), tmp_path / "program.py"
    program.write_text(PROGRAM)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(program)]
    command = ["fit", "tiny", "--workers", "0", "--device", "cpu", "--set", "clips_per_epoch=8"]
    command += ["--prepared", str(data), "--out", str(tmp_path / "run")]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    run = subprocess.run([*launcher, *command], env=environment, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    lines = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "1", "2"], "one process writes"
    losses = [float(line.split(",")[lines[0].split(",").index("loss_piano")]) for line in lines[1:]]
    assert losses[1] < losses[0]
