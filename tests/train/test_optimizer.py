"""Muon orthogonalises, steps like AdamW in size, and learns."""

from typing import Literal

import pytest
import torch
from torch import nn

from mtinst.hear.unet import ModelConfig, UNet
from train.optimizer import Muon, make_optimizers, orthogonalised


def test_all_directions_come_out_about_as_long() -> None:
    torch.manual_seed(0)
    for shape in ((8, 72), (72, 8), (16, 16)):
        matrix = torch.randn(*shape) * torch.logspace(0, -1, shape[1])
        values = torch.linalg.svdvals(orthogonalised(matrix))
        assert values.min() > 0.3
        assert values.max() < 1.3


def test_a_step_is_as_large_as_adamw_would_take() -> None:
    torch.manual_seed(0)
    kernel = nn.Parameter(torch.randn(16, 8, 3, 3))
    before = kernel.detach().clone()
    kernel.grad = torch.randn_like(kernel)
    Muon([kernel], lr=1e-2).step()
    rms = (kernel.detach() - before).square().mean().sqrt()
    assert 0.1 * 1e-2 < rms < 0.4 * 1e-2


@pytest.mark.parametrize(("kind", "count"), [("adamw", 1), ("muon", 2)])
def test_every_parameter_is_trained_by_one_optimizer(kind: Literal["adamw", "muon"], count: int) -> None:
    network = UNet(ModelConfig(widths=(4, 8), has_onset_head=True, has_ensemble_head=True))
    optimizers = make_optimizers(network, kind, lr=1e-3, weight_decay=0.0)
    trained = [id(p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
    assert len(optimizers) == count
    assert sorted(trained) == sorted(id(p) for p in network.parameters())


def test_it_fits_a_linear_map() -> None:
    torch.manual_seed(0)
    wanted = torch.randn(6, 12)
    weight = nn.Parameter(torch.zeros(6, 12))
    optimizer = Muon([weight], lr=0.1)
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        loss = (weight - wanted).square().mean()
        weight.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert loss.item() < 1e-3
