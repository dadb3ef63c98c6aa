"""A network keeps what it knows when it grows."""

from dataclasses import replace

import pytest
import torch

from mtinst.grid import FINE, SPEC
from mtinst.hear.unet import ModelConfig, UNet
from train.networks.grow import grow

SMALL = ModelConfig(
    widths=(3, 5, 6),
    harmonics=(-12, 0, 12),
    has_onset_head=True,
    has_ensemble_head=True,
    has_context=True,
    derivation="any",
)


def network(config: ModelConfig, seed: int) -> UNet:
    torch.manual_seed(seed)
    model = UNet(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2)
    return model


@pytest.mark.parametrize("widths", [(3, 5, 6), (4, 8, 9), (3, 9, 6)])
def test_a_wider_network_begins_by_saying_the_same(widths: tuple[int, ...]) -> None:
    small, large = network(SMALL, 0), network(replace(SMALL, widths=widths), 1)
    clip = torch.rand(2, SPEC.n_bins, 40)
    grow(small, large)
    for before, after in zip(small(clip), large(clip), strict=True):
        torch.testing.assert_close(before, after, atol=1e-4, rtol=1e-4)


def test_new_channels_learn() -> None:
    small, large = network(SMALL, 0), network(replace(SMALL, widths=(4, 8, 9)), 1)
    grow(small, large)
    large(torch.rand(1, SPEC.n_bins, 24)).piano.square().mean().backward()
    gradient = large.head.weight.grad
    assert gradient is not None
    assert gradient[:, 3].abs().max() > 0


def test_finer_bins_are_heard_by_their_middle() -> None:
    small, large = network(SMALL, 0), UNet(SMALL, FINE).eval()
    grow(small, large)
    coarse = torch.rand(1, SPEC.n_bins, 24)
    fine = torch.rand(1, FINE.n_bins, 24)
    fine[:, 1 : 3 * SPEC.n_bins : 3] = coarse
    fine[:, 3 * SPEC.n_bins :] = 0  # what the coarse features do not reach
    torch.testing.assert_close(small(coarse).piano, large(fine).piano, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "config",
    [
        replace(SMALL, widths=(2, 5, 6)),
        replace(SMALL, widths=(3, 5)),
        replace(SMALL, harmonics=(0,)),
        replace(SMALL, frames_at_once=2),
    ],
)
def test_what_cannot_hold_it_is_refused(config: ModelConfig) -> None:
    with pytest.raises(ValueError, match=r"fit|harmonics|frames_at_once|shorter|longer"):
        grow(network(SMALL, 0), UNet(config))
