"""Training: exact resume, one batch overfitted, NaN caught."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from mtinst.grid import FINE, SPEC
from mtinst.hear.checkpoint import load_checkpoint, save_checkpoint
from mtinst.hear.unet import Committee, Logits, UNet
from mtinst.records import Thresholds
from tests.train.data import tone_store, write_prepared
from train.__main__ import main
from train.config import EXPERIMENTS, Experiment, LossWeights
from train.data.mixtures import Batch, MixtureDataset, collate
from train.log import add_row, plot_log
from train.networks.fit import fit
from train.networks.losses import multitask_loss, taught
from train.store import PartStore
from train.trainer import Progress, TrainingError, learning_rate_at, training_record

STORE = tone_store()
TINY = replace(EXPERIMENTS["tiny"], optimizer="muon", clips_per_epoch=8, epochs=3, average_decay=0.5)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A folder that looks prepared: the tones as parts, two clips to validate on."""
    return write_prepared(tmp_path)


def state(run_dir: Path) -> dict[str, Any]:
    result: dict[str, Any] = torch.load(run_dir / "last.pt", weights_only=True)
    return result


def test_a_run_that_was_stopped_goes_on_exactly(prepared: Path, tmp_path: Path) -> None:
    fit(TINY, prepared, tmp_path / "whole", n_workers=0, device="cpu")
    # Stopped during the plateau: with more epochs to come, the cool-down begins later.
    fit(replace(TINY, epochs=2, cooldown_epochs=0), prepared, tmp_path / "halves", n_workers=0, device="cpu")
    fit(TINY, prepared, tmp_path / "halves", n_workers=0, device="cpu")
    whole, halves = state(tmp_path / "whole"), state(tmp_path / "halves")
    assert whole["epoch"] == halves["epoch"] == 3
    for part in ("model", "average"):
        for name, tensor in whole[part].items():
            assert torch.equal(tensor, halves[part][name]), name
    # As it was from the first version on, so that runs of any age go on.
    progress = {"epoch", "clips", "best", "seconds"}
    assert set(whole) - progress == {
        "model",
        "average",
        "optimizers",
        "thresholds",
        "began_with",
        "experiment",
        "features",
    }


def test_a_damaged_state_is_refused_by_name(prepared: Path, tmp_path: Path) -> None:
    short = replace(TINY, epochs=1)
    fit(short, prepared, tmp_path / "run", n_workers=0, device="cpu")
    last = tmp_path / "run" / "last.pt"
    whole = last.read_bytes()
    for damage in (whole[: len(whole) // 2], b"", b"something else"):
        last.write_bytes(damage)
        with pytest.raises(TrainingError, match=r"last\.pt is damaged"):
            fit(short, prepared, tmp_path / "run", n_workers=0, device="cpu")


def test_an_epoch_is_in_the_log_once(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    for epoch in (1, 2, 3):
        add_row(log, {"epoch": epoch, "loss": epoch / 2})
    add_row(log, {"epoch": 2, "loss": 0.25})  # gone on from the end of the first
    assert log.read_text().split() == ["epoch,loss", "1,0.5", "2,0.25"]
    log.write_text(log.read_text() + "3")  # stopped in the middle of a line
    add_row(log, {"epoch": 3, "loss": 0.125, "speed": 7})
    assert log.read_text().split() == ["epoch,loss,speed", "1,0.5,", "2,0.25,", "3,0.125,7"]


def test_a_run_leaves_weights_that_load_and_a_log(prepared: Path, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    fit(replace(TINY, epochs=1), prepared, run_dir, n_workers=0, device="cpu")
    network, info = load_checkpoint(run_dir / "best.safetensors")
    assert isinstance(network, UNet)
    assert network.config == TINY.model
    assert info.training["experiment"]["name"] == "tiny"
    assert (info.training["clips"], info.training["data"]) == (8, PartStore.open(prepared / "parts").digest)
    assert set(info.training["scores"]) == {"instrument", "pitch", "piano_roll", "onset"}
    assert network.feature_std.min() >= 1e-2
    assert network.feature_mean.abs().max() > 0
    header, row = (run_dir / "log.csv").read_text().splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["epoch"] == "1"
    assert (run_dir / "log.png").read_bytes().startswith(b"\x89PNG")
    panels = plot_log(run_dir / "log.csv").axes
    assert [panel.get_title() for panel in panels] == ["Training losses", "Validation scores", "Clips a second"]
    assert all(np.size(line.get_xdata()) == 1 for panel in panels for line in panel.lines), "a point an epoch"


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_mixed_precision_learns_as_full_precision_does(
    prepared: Path, tmp_path: Path, optimizer: Literal["adamw", "muon"]
) -> None:
    losses = {}
    for is_mixed in (False, True):
        run_dir = tmp_path / f"mixed-{is_mixed}"
        experiment = replace(TINY, epochs=2, optimizer=optimizer, is_mixed_precision=is_mixed)
        fit(experiment, prepared, run_dir, n_workers=0, device="cpu")
        header, *rows = (run_dir / "log.csv").read_text().splitlines()
        losses[is_mixed] = [float(row.split(",")[header.split(",").index("loss_piano")]) for row in rows]
    assert losses[True] == pytest.approx(losses[False], rel=0.03)
    assert losses[True] != losses[False], "it makes some difference"


def test_a_run_can_start_from_other_weights(prepared: Path, tmp_path: Path) -> None:
    short = replace(TINY, epochs=1)
    fit(short, prepared, tmp_path / "first", n_workers=0, device="cpu")
    first = tmp_path / "first" / "best.safetensors"
    chosen = Thresholds.uniform(onset=0.3, presence=0.2)
    save_checkpoint(first, load_checkpoint(first)[0], thresholds=chosen, training={})
    fit(
        replace(short, learning_rate=0.0, model=replace(TINY.model, has_ensemble_head=False)),
        prepared,
        tmp_path / "second",
        n_workers=0,
        device="cpu",
        initial_weights=first,
    )
    known = load_checkpoint(first)[0].state_dict()
    taken = state(tmp_path / "second")["model"]
    assert torch.equal(known["head.weight"], taken["head.weight"])
    assert torch.equal(known["feature_mean"], taken["feature_mean"])
    assert "ensemble_head.out.weight" not in taken
    assert load_checkpoint(tmp_path / "second" / "best.safetensors")[1].thresholds == chosen


def test_runs_make_a_committee_and_one_begins_from_its_first(
    prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in (1, 2):
        fit(replace(TINY, epochs=1, seed=seed), prepared, tmp_path / str(seed), n_workers=0, device="cpu")
    both, runs = tmp_path / "both.safetensors", [str(tmp_path / str(seed) / "best.safetensors") for seed in (1, 2)]
    assert main(["committee", *runs, "--out", str(both)]) == 0
    assert "holds 2 networks" in capsys.readouterr().out
    assert [history["experiment"]["seed"] for history in load_checkpoint(both)[1].training["members"]] == [1, 2]

    thrice = tmp_path / "thrice.safetensors"
    assert main(["committee", str(both), runs[0], "--out", str(thrice)]) == 0
    network, _ = load_checkpoint(thrice)
    assert isinstance(network, Committee)
    assert [one.config for one in network.networks] == [TINY.model] * 3

    silent = replace(TINY, epochs=1, learning_rate=0.0)
    fit(silent, prepared, tmp_path / "new", n_workers=0, device="cpu", initial_weights=both)
    first = load_checkpoint(runs[0])[0].state_dict()
    assert torch.equal(state(tmp_path / "new")["model"]["head.weight"], first["head.weight"])


def test_a_student_learns_what_its_teacher_says(prepared: Path, tmp_path: Path) -> None:
    teacher = tmp_path / "teacher.safetensors"
    network = UNet(replace(TINY.model, widths=(2, 2)), PartStore.open(prepared / "parts").spec)
    assert network.head.bias is not None
    torch.nn.init.constant_(network.head.bias, 3.0)  # everything sounds, always
    save_checkpoint(teacher, network, thresholds=Thresholds.uniform(), training={})
    heard = {}
    for share in (0.0, 1.0):
        run_dir = tmp_path / f"taught-{share}"
        learning = replace(TINY, epochs=2, learning_rate=0.02, taught=share)
        fit(learning, prepared, run_dir, n_workers=0, device="cpu", teacher_weights=teacher)
        heard[share] = state(run_dir)["model"]["head.bias"].mean().item()
    assert heard[1.0] > heard[0.0] + 0.1


def test_a_teacher_for_other_features_is_refused(prepared: Path, tmp_path: Path) -> None:
    other = replace(PartStore.open(prepared / "parts").spec, bins_per_semitone=5)
    teacher = tmp_path / "teacher.safetensors"
    save_checkpoint(teacher, UNet(TINY.model, other), thresholds=Thresholds.uniform(), training={})
    with pytest.raises(TrainingError, match=r"teacher\.safetensors cannot teach"):
        fit(TINY, prepared, tmp_path / "run", n_workers=0, device="cpu", teacher_weights=teacher)


def test_where_the_truth_is_not_known_the_teacher_is_believed() -> None:
    piano = torch.rand(1, 11, 88, 4).round()
    known = torch.ones(1, 11, 4)
    known[:, 2, 3] = 0
    says = Logits(*(torch.full(shape, 9.0) for shape in ((1, 11, 88, 4), (1, 11, 88, 4), (1, 11, 4), (1, 88, 4))))
    batch = taught(Batch(torch.rand(1, 88, 4), piano, piano, known), says, 0.25)
    sure = torch.sigmoid(torch.tensor(9.0))
    torch.testing.assert_close(batch.piano[:, 1], 0.75 * piano[:, 1] + 0.25 * sure)
    torch.testing.assert_close(batch.onset[:, 2, :, 3], sure.expand(1, 88))
    assert batch.known.all()


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (replace(TINY, model=replace(TINY.model, widths=(4, 6))), "model"),
        (replace(TINY, optimizer="adamw"), "optimizer"),
    ],
)
def test_a_folder_that_holds_another_network_is_refused(
    prepared: Path, tmp_path: Path, changed: Experiment, what: str
) -> None:
    fit(replace(TINY, epochs=1), prepared, tmp_path, n_workers=0, device="cpu")
    with pytest.raises(TrainingError, match=f"holds a run with another {what}: name another --out"):
        fit(changed, prepared, tmp_path, n_workers=0, device="cpu")


def test_a_record_is_kept_where_there_is_no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert training_record(TINY, Progress(epoch=1, clips=8, seconds=3600.0), data="")["commit"] == ""


def test_training_stops_when_the_loss_is_not_a_number(prepared: Path, tmp_path: Path) -> None:
    broken = replace(TINY, loss=LossWeights(piano=float("nan")))
    with pytest.raises(TrainingError, match="the loss became nan in epoch 1"):
        fit(broken, prepared, tmp_path / "run", n_workers=0, device="cpu")


def test_it_overfits_one_batch_of_mixtures() -> None:
    torch.manual_seed(0)
    clips = MixtureDataset(STORE, replace(TINY.mix, n_frames=64), seed=0, epoch=0, n_clips=4)
    batch = collate([clips[index] for index in range(4)])
    network = UNet(TINY.model)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(40):
        loss = torch.stack(multitask_loss(network(batch.log_cqt), batch, LossWeights())).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_a_loss_of_weight_zero_teaches_nothing() -> None:
    silence = torch.zeros(1, 11, 88, 16)
    batch = Batch(torch.rand(1, 88, 16), silence, silence, torch.ones(1, 11, 16))
    logits = UNet(TINY.model)(batch.log_cqt)
    losses = multitask_loss(logits, batch, LossWeights(pitch=0.0, instrument=0.0, presence=0.0))
    assert losses.pitch.item() == losses.instrument.item() == losses.presence.item() == 0
    assert min(losses.piano, losses.onset) > 0


def test_the_learning_rate_warms_up_holds_and_cools_down() -> None:
    experiment = Experiment(
        name="x", epochs=10, cooldown_epochs=2, clips_per_epoch=160, batch_size=16, warmup_steps=10, learning_rate=1.0
    )
    rates = [learning_rate_at(step, experiment) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:80] == pytest.approx([1.0] * 71)
    assert rates[80:] == sorted(rates[80:], reverse=True)
    assert rates[-1] == pytest.approx(0.05)


def test_a_cool_down_longer_than_the_run_still_reaches_the_learning_rate() -> None:
    short = Experiment(
        name="x", epochs=10, cooldown_epochs=80, clips_per_epoch=800, batch_size=8, warmup_steps=20, learning_rate=1.0
    )
    rates = [learning_rate_at(step, short) for step in range(1000)]
    assert max(rates) > 0.95
    assert rates[-1] == pytest.approx(0.01)


def test_a_run_goes_on_with_its_own_thresholds_and_on_its_own_features(prepared: Path, tmp_path: Path) -> None:
    weights, run_dir = tmp_path / "begin.safetensors", tmp_path / "run"
    chosen = Thresholds.uniform(onset=0.3, presence=0.2)
    save_checkpoint(weights, UNet(TINY.model, SPEC), thresholds=chosen, training={})
    fit(replace(TINY, epochs=1), prepared, run_dir, n_workers=0, device="cpu", initial_weights=weights)
    fit(replace(TINY, epochs=2), prepared, run_dir, n_workers=0, device="cpu")
    info = load_checkpoint(run_dir / "last.safetensors")[1]
    assert info.thresholds == chosen
    assert info.training["began_with"] == load_checkpoint(weights)[1].digest
    assert info.training["clips"] == 16

    kept = torch.load(run_dir / "last.pt", weights_only=True)
    kept["features"] = json.dumps(asdict(FINE))
    torch.save(kept, run_dir / "last.pt")
    with pytest.raises(TrainingError, match="holds a run on other features: name another --out"):
        fit(TINY, prepared, run_dir, n_workers=0, device="cpu")
    del kept["clips"]
    torch.save(kept, run_dir / "last.pt")
    with pytest.raises(TrainingError, match=r"last\.pt is an earlier version's: name another --out"):
        fit(TINY, prepared, run_dir, n_workers=0, device="cpu")
