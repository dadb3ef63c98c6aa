"""Teaching a reader: what is kept of what was heard, and that it learns from it."""

import re
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch.testing import assert_close

from mtinst.checkpoint import load_checkpoint, save_checkpoint
from mtinst.model import Committee, UNet
from mtinst.notes import Thresholds
from mtinst.reader import NotesHeard, find_notes
from tests.train_data import write_prepared
from train.__main__ import main
from train.config import EXPERIMENTS
from train.datasets import PartStore
from train.reading import _load, collect_notes, truth_of

NETWORK = EXPERIMENTS["tiny"].model


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks prepared."""
    return write_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def weights(prepared: Path) -> Path:
    """Two networks that hear a lot, none of it right."""
    torch.manual_seed(0)
    store = PartStore.open(prepared / "parts")
    members = [UNet(NETWORK, store.spec).eval() for _ in range(2)]
    for member in members:
        torch.nn.init.normal_(member.head.weight, std=1.0)
        torch.nn.init.constant_(member.head.bias, -2.0)  # type: ignore[arg-type]
    path = prepared / "two.safetensors"
    save_checkpoint(path, Committee(members), thresholds=Thresholds.uniform(frame=0.4), training={}, bits=8)
    return path


class Taught(NamedTuple):
    """A reader's file, what taught it, and what was printed meanwhile."""

    path: Path
    options: list[str]
    printed: str


@pytest.fixture(scope="module")
def taught(prepared: Path, weights: Path) -> Taught:
    """The networks with a reader of 20 epochs."""
    path = prepared / "read.safetensors"
    options = ["--prepared", str(prepared), "--notes", str(prepared / "notes"), "--clips", "32"]
    with redirect_stdout(StringIO()) as printed:
        assert main(["read", str(weights), "--out", str(path), *options, "--epochs", "20"]) == 0
    return Taught(path, options, printed.getvalue())


def told(printed: str, name: str) -> list[float]:
    """A figure of each epoch."""
    return [float(figure) for figure in re.findall(rf"{name} ([\d.]+)", printed)]


def test_what_is_true_of_a_note() -> None:
    pitch = torch.full((88, 20), -5.0)
    pitch[30, 4:14] = 3.0
    notes = find_notes(pitch, torch.full((11, 88, 20), -5.0))
    assert isinstance(notes, NotesHeard)
    piano, onset = torch.zeros(11, 88, 20), torch.zeros(11, 88, 20)
    piano[2, 30, 5:10] = 1  # half of its frames
    piano[6, 30, 8:18] = 1  # six of them, and beyond
    onset[2, 30, 5] = 1  # a frame late
    onset[6, 30, 8] = 1
    onset[7, 30, 4] = 0.4  # next to a beginning, not one
    truth = truth_of(notes, piano, onset)[0]
    expected = torch.zeros(23)
    expected[[2, 6, 11, 12 + 2]] = torch.tensor([0.5, 0.6, 0.9, 1.0])
    assert_close(truth, expected)


def test_a_collection_goes_on_where_it_was(
    prepared: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.reading._CLIPS_PER_FILE", 4)
    store, notes = PartStore.open(prepared / "parts"), tmp_path / "notes"
    collect_notes(weights, store, notes, n_clips=6, seed=1)
    files = sorted(notes.glob("notes-*.npz"))
    assert len(files) == 2
    before = [file.read_bytes() for file in files]
    files[1].unlink()
    collect_notes(weights, store, notes, n_clips=6, seed=1)
    assert [file.read_bytes() for file in files] == before
    example = _load(files[0])[0]
    assert len(example.truth) == len(example.tokens.place) > 0
    assert 0 <= float(example.truth.min()) <= float(example.truth.max()) <= 1


def test_half_of_the_clips_begin_in_the_middle_of_the_music(
    prepared: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.reading._CLIPS_PER_FILE", 4)
    collect_notes(weights, PartStore.open(prepared / "parts"), tmp_path, n_clips=16, seed=1)
    files = sorted(tmp_path.glob("notes-*.npz"))
    ends = [
        max(int(example.tokens.place[:, 2].max()) for example in _load(file) if len(example.truth)) for file in files
    ]
    assert [end <= 250 for end in ends] == [False, False, True, True]


def test_notes_that_other_networks_heard_are_left_alone(
    prepared: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes, other = tmp_path / "notes", tmp_path / "other.safetensors"
    collect_notes(weights, PartStore.open(prepared / "parts"), notes, n_clips=20, seed=1)
    network, _ = load_checkpoint(weights)
    assert isinstance(network, Committee)
    save_checkpoint(other, Committee(network.networks[::-1]), thresholds=Thresholds.uniform(), training={})
    options = ["--prepared", str(prepared), "--notes", str(notes), "--clips", "0", "--out", str(tmp_path / "read")]
    assert main(["read", str(other), *options]) == 2
    assert "holds 0 clips in which notes were heard" in capsys.readouterr().err


def test_a_reader_learns_who_plays(weights: Path, taught: Taught) -> None:
    losses, held_out = told(taught.printed, "loss"), told(taught.printed, "validation")
    assert len(losses) == len(held_out) == 20
    assert losses[-1] < 0.7 * losses[0]
    assert held_out[-1] < held_out[0]
    network, info = load_checkpoint(taught.path)
    assert isinstance(network, Committee)
    assert network.reader is not None
    assert info.training["reader"]["clips"] <= 32
    assert (info.bits, info.thresholds) == (8, Thresholds.uniform(frame=0.4))
    known, _ = load_checkpoint(weights)
    for name, tensor in known.state_dict().items():
        assert_close(network.state_dict()[name], tensor, atol=1e-6, rtol=1e-5)


def test_a_reader_goes_on(taught: Taught, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "second.safetensors"
    assert main(["read", str(taught.path), "--out", str(out), *taught.options, "--epochs", "1"]) == 0
    before = told(taught.printed, "loss")
    (loss,) = told(capsys.readouterr().out, "loss")
    assert loss < 0.5 * (before[0] + before[19])


def test_nothing_to_learn_from_is_said(
    prepared: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deaf = tmp_path / "deaf.safetensors"
    network = UNet(replace(NETWORK, has_ensemble_head=False), PartStore.open(prepared / "parts").spec)
    save_checkpoint(deaf, network, thresholds=Thresholds.uniform(), training={})
    options = ["--prepared", str(prepared), "--notes", str(tmp_path / "none"), "--clips", "0", "--out", str(tmp_path)]
    assert main(["read", str(weights), *options]) == 2
    assert "holds 0 clips in which notes were heard" in capsys.readouterr().err
    assert main(["read", str(deaf), *options]) == 2
    assert "needs networks with an onset head and an ensemble head" in capsys.readouterr().err
