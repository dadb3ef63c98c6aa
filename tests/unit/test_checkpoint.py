"""Weights files: the round trip, and what is refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from mtinst import __version__
from mtinst.errors import CheckpointError
from mtinst.grid import FeatureSpec
from mtinst.hear import header
from mtinst.hear.checkpoint import load_checkpoint, save_checkpoint
from mtinst.hear.header import FORMAT, read_header
from mtinst.hear.unet import Committee, ModelConfig, UNet
from mtinst.records import Thresholds

CONFIG = ModelConfig(widths=(4, 8), harmonics=(0, 12), has_onset_head=True, derivation="max")


@pytest.fixture
def network() -> UNet:
    torch.manual_seed(0)
    return UNet(CONFIG).eval()


@pytest.fixture
def saved(network: UNet, tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, network, thresholds=Thresholds.uniform(frame=0.3), training={"epoch": 3})
    return path


def rewritten(path: Path, **changes: str | None) -> Path:
    """The same tensors with other metadata; None takes an entry out."""
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata())
    metadata.update({key: value for key, value in changes.items() if value is not None})
    for key, value in changes.items():
        if value is None:
            del metadata[key]
    save_file(load_file(path), path, metadata)
    return path


def test_a_network_survives_the_file(network: UNet, saved: Path) -> None:
    loaded, info = load_checkpoint(saved)
    assert isinstance(loaded, UNet)
    clip = torch.rand(1, 88, 32)
    with torch.inference_mode():
        assert_close(loaded(clip).piano, network(clip).piano, atol=2e-2, rtol=1e-2)
    assert (loaded.config, loaded.spec) == (CONFIG, FeatureSpec())
    assert not loaded.training
    assert info.thresholds == Thresholds.uniform(frame=0.3)
    assert info.training == {"epoch": 3}
    assert len(info.digest) == 16


def test_a_file_names_the_version_that_wrote_it_unless_it_is_older(saved: Path) -> None:
    assert load_checkpoint(saved)[1].version == __version__
    assert load_checkpoint(rewritten(saved, version=None))[1].version is None


def test_a_committee_survives_the_file(network: UNet, tmp_path: Path) -> None:
    wider = UNet(ModelConfig(widths=(6, 8, 12), has_onset_head=True, has_context=True)).eval()
    path = tmp_path / "both.safetensors"
    save_checkpoint(path, Committee([network, wider]), thresholds=Thresholds.uniform(), training={})
    loaded, _ = load_checkpoint(path)
    assert isinstance(loaded, Committee)
    assert [one.config for one in loaded.networks] == [CONFIG, wider.config]
    clip = torch.rand(1, 88, 32)
    with torch.inference_mode():
        expected = (network(clip).pitch + wider(clip).pitch) / 2
        assert_close(loaded(clip).pitch, expected, atol=2e-2, rtol=1e-2)


def test_a_committee_of_nobody_or_of_too_many_is_refused(saved: Path) -> None:
    with safe_open(saved, framework="pt") as file:
        config = json.loads(file.metadata()["model"])
    for described in ([], [config] * 9, [[config]], [config, 3]):
        with pytest.raises(CheckpointError, match="does not describe a network"):
            load_checkpoint(rewritten(saved, model=json.dumps(described)))
    with pytest.raises(CheckpointError, match="holds other weights"):
        load_checkpoint(rewritten(saved, model=json.dumps([config, config])))


def test_eight_bits_say_nearly_the_same_in_less_and_stay_the_same(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = UNet(ModelConfig(widths=(16, 32), has_onset_head=True)).eval()
    halves, bytes_ = tmp_path / "16.safetensors", tmp_path / "8.safetensors"
    save_checkpoint(halves, network, thresholds=Thresholds.uniform(), training={})
    save_checkpoint(bytes_, network, thresholds=Thresholds.uniform(), training={}, bits=8)
    assert bytes_.stat().st_size < 0.65 * halves.stat().st_size
    loaded, info = load_checkpoint(bytes_)
    assert (info.bits, load_checkpoint(halves)[1].bits) == (8, 16)
    clip = torch.rand(1, 88, 64)
    with torch.inference_mode():
        assert_close(loaded(clip).piano, network(clip).piano, atol=0.05, rtol=0.01)
    save_checkpoint(tmp_path / "again.safetensors", loaded, thresholds=Thresholds.uniform(), training={}, bits=8)
    again, once = load_file(tmp_path / "again.safetensors"), load_file(bytes_)
    for name, tensor in once.items():
        assert_close(again[name], tensor, atol=0 if tensor.dtype == torch.int8 else 1e-6, rtol=1e-5)


def test_steps_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "8.safetensors"
    save_checkpoint(path, UNet(ModelConfig(widths=(16, 32))), thresholds=Thresholds.uniform(), training={}, bits=8)
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata())
    whole = load_file(path)
    name = next(key for key, tensor in whole.items() if tensor.dtype == torch.int8)
    for changed, message in (
        ({name: whole[name].float()}, "of another kind"),
        ({f"{name}.step": whole[f"{name}.step"].to(torch.int32)}, "of another kind"),
        ({f"{name}.step": whole[f"{name}.step"][:-1]}, "holds other weights"),
        ({f"{name}.step": whole[f"{name}.step"] * float("inf")}, "not finite"),
        ({"head.bias.step": torch.ones(9)}, "holds other weights"),
    ):
        save_file(whole | changed, path, metadata)
        with pytest.raises(CheckpointError, match=message):
            load_checkpoint(path)


def test_weights_of_the_time_when_a_second_network_judged_the_notes_are_refused(saved: Path) -> None:
    with pytest.raises(CheckpointError, match="does not describe a network"):
        load_checkpoint(rewritten(saved, reader="{}"))


def test_no_partial_file_is_left(saved: Path) -> None:
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_other_weights_have_another_digest(saved: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_checkpoint(other, UNet(CONFIG), thresholds=Thresholds.uniform(), training={})
    assert load_checkpoint(other)[1].digest != load_checkpoint(saved)[1].digest


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"^gone\.safetensors does not exist"):
        load_checkpoint(tmp_path / "gone.safetensors")


@pytest.mark.parametrize("n_bytes", [1, 7, 100, -50])
def test_a_damaged_file_is_refused(saved: Path, n_bytes: int) -> None:
    saved.write_bytes(saved.read_bytes()[:n_bytes])
    with pytest.raises(CheckpointError, match="not a complete"):
        load_checkpoint(saved)


def test_a_pickle_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="not a complete"):
        load_checkpoint(path)


def test_a_foreign_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match=f"has the format 'none', '{FORMAT}' is wanted"):
        load_checkpoint(path)


def test_weights_for_other_instruments_are_refused(saved: Path) -> None:
    with pytest.raises(CheckpointError, match="other instruments"):
        load_checkpoint(rewritten(saved, instruments=json.dumps(["kazoo"])))


@pytest.mark.parametrize(
    "changes",
    [
        {"model": None},
        {"model": '{"depth": 3}'},
        {"model": "[]"},
        {"model": '{"widths": [4, 8], "n_instruments": 10}'},
        {"model": '{"widths": [4.0, 8]}'},
        {"model": '{"widths": [4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4]}'},
        {"model": '{"widths": [4, 8], "harmonics": [0, 1000000000]}'},
        {"model": "[" * 100_000},
        {"features": '{"sample_rate": 0}'},
        {"features": '{"sample_rate": 1000000000}'},
        {"features": '{"sample_rate": 16000.5}'},
        {"features": '{"lowest_pitch": -1}'},
        {"features": '{"lowest_pitch": 100}'},
        {"features": '{"filter_scale": NaN}'},
        {"thresholds": "[]"},
        {"thresholds": '{"onset": []}'},
        {"training": "not JSON"},
        {"training": "[]"},
    ],
)
def test_a_description_that_builds_nothing_is_refused(saved: Path, changes: dict[str, str | None]) -> None:
    with pytest.raises(CheckpointError, match="does not describe a network"):
        load_checkpoint(rewritten(saved, **changes))


@pytest.mark.parametrize("model", ["{}", '{"widths": [100000, 100000]}'])
def test_weights_of_another_network_than_the_described_are_refused_before_any_memory_is_taken(
    saved: Path, model: str
) -> None:
    with pytest.raises(CheckpointError, match=r"^weights\.safetensors holds other weights than"):
        load_checkpoint(rewritten(saved, model=model))


def test_weights_that_are_not_real_numbers_are_refused(saved: Path) -> None:
    tensors = load_file(saved)
    with safe_open(saved, framework="pt") as file:
        metadata = file.metadata()
    save_file(tensors | {"head.bias": tensors["head.bias"].to(torch.int32)}, saved, metadata)
    with pytest.raises(CheckpointError, match="another kind"):
        load_checkpoint(saved)


def test_numbers_that_are_not_finite_are_refused(network: UNet, tmp_path: Path) -> None:
    network.head.weight.data[0, 0] = float("nan")
    path = tmp_path / "broken.safetensors"
    save_checkpoint(path, network, thresholds=Thresholds.uniform(), training={})
    with pytest.raises(CheckpointError, match="not finite"):
        load_checkpoint(path)


def test_a_file_that_is_replaced_meanwhile_is_not_taken_for_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, UNet(ModelConfig(widths=(4, 8))), thresholds=Thresholds.uniform(), training={})
    digests = iter(("of this file", "of another file"))
    monkeypatch.setattr("mtinst.hear.checkpoint.file_hash", lambda _: next(digests))
    with pytest.raises(CheckpointError, match="changed while it was read"):
        load_checkpoint(path)


def test_the_header_is_read_without_the_weights(saved: Path) -> None:
    network, info = load_checkpoint(saved)
    read = read_header(saved)
    assert read.thresholds == info.thresholds == Thresholds.uniform(frame=0.3)
    assert (read.digest, read.spec) == (info.digest, network.spec)


def test_a_header_that_cannot_be_read_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointError, match="has the format 'other'"):
        read_header(rewritten(saved, format="other"))
    for nonsense in (None, "[", "{}"):
        with pytest.raises(CheckpointError, match="does not describe a network that this version can build"):
            read_header(rewritten(saved, format=FORMAT, thresholds=nonsense))
    monkeypatch.setattr(header, "safe_open", lambda *_, **__: (_ for _ in ()).throw(OSError("the disk is gone")))
    with pytest.raises(CheckpointError, match="cannot be read: the disk is gone"):
        read_header(saved)
    saved.unlink()
    with pytest.raises(CheckpointError, match=saved.name):
        read_header(saved)
