"""The methods of table 3: shapes, what each may see of the labels, one batch learned, files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mtinst.errors import CheckpointError
from mtinst.grid import FINE, N_INSTRUMENTS, SPEC, FeatureSpec
from mtinst.hear.checkpoint import save_checkpoint
from mtinst.hear.unet import ModelConfig, UNet, n_weights
from mtinst.records import Thresholds
from tests.train.data import tone_store, write_prepared
from train.config import EXPERIMENTS, MixConfig
from train.data.mixtures import Batch, MixtureDataset, collate
from train.methods.base import MelBands, Method
from train.methods.hung import TimbreAndPitch
from train.methods.training import METHODS, fit_method, load_method, save_method
from train.trainer import TrainingError

ALL = pytest.mark.parametrize("kind", METHODS.values(), ids=list(METHODS))


def tones(n_clips: int = 4) -> Batch:
    clips = MixtureDataset(tone_store(), MixConfig(n_frames=64), seed=0, epoch=0, n_clips=n_clips)
    return collate([clips[index] for index in range(n_clips)])


@ALL
@pytest.mark.parametrize("spec", [SPEC, FINE], ids=["paper", "fine"])
@pytest.mark.parametrize("n_frames", [1, 31, 128])
def test_every_frame_gets_an_answer_for_each_instrument(kind: type[Method], spec: FeatureSpec, n_frames: int) -> None:
    logits = kind(spec).eval()(torch.rand(2, spec.n_bins, n_frames))
    assert logits.shape == (2, N_INSTRUMENTS, n_frames)
    assert torch.isfinite(logits).all()


@ALL
def test_it_overfits_one_batch_of_mixtures(kind: type[Method]) -> None:
    torch.manual_seed(0)
    batch = tones()
    method = kind()
    optimizer = torch.optim.Adam(method.parameters(), lr=3e-3)
    first = method.loss(batch).item()
    for _ in range(40):
        loss = method.loss(batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert loss.item() < 0.35 * first


def test_only_the_clip_labels_reach_the_weakly_supervised_method() -> None:
    method = METHODS["liu"]().eval()
    batch = tones()
    moved = batch._replace(piano=batch.piano.roll(20, dims=3).roll(5, dims=2))
    assert method.loss(batch) == method.loss(moved), "where and what is played makes no difference"
    others = batch._replace(piano=batch.piano.roll(1, dims=1))
    assert method.loss(batch) != method.loss(others)


def test_instruments_teach_the_pitch_estimator_nothing() -> None:
    method = TimbreAndPitch()
    batch = tones(2)
    x = method._by_pitch(batch.log_cqt)
    method._steps(x, method.pitch(x)).sum().backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in method.pitch.parameters())
    assert method.pitch(x).shape == (2, 88, 64)


@pytest.mark.parametrize("spec", [SPEC, FINE], ids=["paper", "fine"])
def test_mel_bands_are_means_of_the_bins_under_them(spec: FeatureSpec) -> None:
    bands = MelBands(96, spec)
    assert bands.weights.sum(dim=1).tolist() == pytest.approx([1.0] * 96, rel=1e-5)
    assert (bands.weights >= 0).all()
    level = bands(torch.full((1, spec.n_bins, 3), 0.6))
    assert level.flatten().tolist() == pytest.approx([0.6] * 288, abs=1e-4)
    tone = torch.zeros(1, spec.n_bins, 1)
    tone[0, spec.n_bins // 2] = 1.0
    loudest = int(bands(tone)[0, :, 0].argmax())
    assert bands.weights[loudest, spec.n_bins // 2] == bands.weights[:, spec.n_bins // 2].max()


@ALL
def test_a_long_song_is_recognised_in_windows_that_say_what_the_network_says(kind: type[Method]) -> None:
    method = kind().eval()
    features = np.random.default_rng(0).random((88, 700), dtype=np.float32)
    probs = method.recognise(features)
    assert probs.shape == (N_INSTRUMENTS, 700)
    with torch.inference_mode():
        window = torch.sigmoid(method(torch.from_numpy(features[None, :, 288:576])))[0].numpy()
    last = 700 - 288
    np.testing.assert_allclose(probs[:, 288:last], window[:, : last - 288], atol=1e-6)


@ALL
def test_a_saved_method_says_the_same_when_it_is_loaded(kind: type[Method], tmp_path: Path) -> None:
    method = kind(FINE).eval()
    save_method(tmp_path / "weights.safetensors", method, {"clips": 4})
    loaded = load_method(tmp_path / "weights.safetensors")
    features = torch.rand(1, FINE.n_bins, 40)
    assert torch.equal(method(features), loaded(features))
    assert n_weights(loaded) == n_weights(method)


def test_training_stops_when_the_loss_is_not_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimbreAndPitch, "loss", lambda method, batch: torch.tensor(float("nan")))
    experiment = replace(EXPERIMENTS["tiny"], mix=MixConfig(n_frames=64), clips_per_epoch=2, batch_size=2)
    with pytest.raises(TrainingError, match="the loss became nan in epoch 1; hung stops here"):
        fit_method(TimbreAndPitch, experiment, write_prepared(tmp_path), tmp_path / "run", n_workers=0)


@pytest.mark.parametrize("kind", [TimbreAndPitch, METHODS["liu"]], ids=["hung", "liu"])
def test_a_run_that_was_stopped_goes_on_exactly(kind: type[Method], tmp_path: Path) -> None:
    data, mix = write_prepared(tmp_path), MixConfig(n_frames=64)
    whole = replace(EXPERIMENTS["tiny"], mix=mix, clips_per_epoch=2, batch_size=2, cooldown_epochs=0)
    once = fit_method(kind, whole, data, tmp_path / "whole", n_workers=0)
    fit_method(kind, replace(whole, epochs=1), data, tmp_path / "halves", n_workers=0)
    twice = fit_method(kind, whole, data, tmp_path / "halves", n_workers=0)
    for name, tensor in once.state_dict().items():
        assert torch.equal(tensor, twice.state_dict()[name]), name
    assert {path.name for path in (tmp_path / "whole").iterdir()} == {
        "last.pt",
        "last.safetensors",
        "log.csv",
        "log.png",
    }


def test_a_file_that_is_no_method_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"x\.safetensors is not there"):
        load_method(tmp_path / "x.safetensors")
    (tmp_path / "x.safetensors").write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match="is not a complete"):
        load_method(tmp_path / "x.safetensors")
    network = UNet(ModelConfig(widths=(2, 3)))
    save_checkpoint(tmp_path / "net.safetensors", network, thresholds=Thresholds.uniform(), training={})
    with pytest.raises(CheckpointError, match="does not hold one of the methods liu, gururani, hung"):
        load_method(tmp_path / "net.safetensors")
    method = TimbreAndPitch()
    del method.blocks[0]
    save_method(tmp_path / "short.safetensors", method, {})
    with pytest.raises(CheckpointError, match="does not describe a network"):
        load_method(tmp_path / "short.safetensors")
