"""Weights between those before and those after."""

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from mtinst.hear.checkpoint import load_checkpoint, save_checkpoint
from mtinst.hear.unet import Committee, ModelConfig, UNet
from mtinst.records import Thresholds
from train.__main__ import main


def write(path: Path, seed: int, widths: tuple[int, ...] = (4, 8)) -> Path:
    torch.manual_seed(seed)
    networks = [UNet(ModelConfig(widths=widths)).eval() for _ in range(2)]
    thresholds = Thresholds.uniform(frame=seed / 10)
    save_checkpoint(path, Committee(networks), thresholds=thresholds, training={"clips": seed})
    return path


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_share_of_what_was_learnt_stays(tmp_path: Path, share: float) -> None:
    before, after = write(tmp_path / "before.safetensors", 1), write(tmp_path / "after.safetensors", 2)
    out = tmp_path / "out.safetensors"
    assert main(["blend", str(after), str(before), "--out", str(out), "--share", str(share)]) == 0
    (old, old_info), (new, _), (between, info) = map(load_checkpoint, (before, after, out))
    for name, tensor in between.state_dict().items():
        if tensor.is_floating_point():
            expected = (1 - share) * old.state_dict()[name] + share * new.state_dict()[name]
            assert_close(tensor, expected, atol=1e-3, rtol=1e-3)  # of float16 in the file
    assert info.thresholds == Thresholds.uniform(frame=0.2)
    assert info.training["clips"] == 2
    assert (info.training["blended"]["with"], info.training["blended"]["share"]) == (old_info.digest, share)


def test_what_cannot_be_blended_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = write(tmp_path / "before.safetensors", 1)
    other = write(tmp_path / "other.safetensors", 2, widths=(4, 6))
    out = ["--out", str(tmp_path / "out.safetensors")]
    assert main(["blend", str(other), str(before), *out]) == 2
    assert "not networks of one shape" in capsys.readouterr().err
    assert main(["blend", str(before), str(before), *out, "--share", "2"]) == 2
    assert "--share must be between 0 and 1" in capsys.readouterr().err
