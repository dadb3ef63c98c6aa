"""Shapes and properties of the network."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from mtinst.grid import FINE, N_INSTRUMENTS, FeatureSpec
from mtinst.hear.unet import DEFAULT, PAPER, Committee, Logits, ModelConfig, UNet, n_weights

SMALL = ModelConfig(
    widths=(4, 8),
    harmonics=(-12, 0, 12),
    has_onset_head=True,
    has_ensemble_head=True,
    has_context=True,
    derivation="max",
)


def small_network(config: ModelConfig = SMALL, spec: FeatureSpec | None = None) -> UNet:
    torch.manual_seed(0)
    return UNet(config, spec or FeatureSpec()).eval()


@pytest.mark.parametrize("n_frames", [1, 3, 4, 31, 32, 50])
@pytest.mark.parametrize(
    "config",
    [SMALL, PAPER, DEFAULT, replace(DEFAULT, widths=(4, 8), frames_at_once=3)],
    ids=["small", "paper", "default", "three at once"],
)
def test_any_number_of_frames_comes_out_as_it_went_in(config: ModelConfig, n_frames: int) -> None:
    with torch.inference_mode():
        logits = small_network(config)(torch.rand(2, 88, n_frames))
    assert logits.piano.shape == (2, N_INSTRUMENTS, 88, n_frames)
    assert logits.instrument.shape == (2, N_INSTRUMENTS, n_frames)
    assert logits.pitch.shape == (2, 88, n_frames)
    assert (logits.onset is None) == (not config.has_onset_head)
    if logits.onset is not None:
        assert logits.onset.shape == (2, N_INSTRUMENTS, 88, n_frames)


def test_the_paper_s_network_has_four_encoders_and_four_decoders_of_its_size() -> None:
    network = UNet(PAPER)
    assert (len(network.encoders), len(network.decoders)) == (4, 4)
    assert 4e6 < n_weights(network) < 7e6


def test_instrument_and_pitch_rolls_are_derived_from_the_pianoroll() -> None:
    clip = torch.rand(1, 88, 20)
    with torch.inference_mode():
        maximum = small_network()(clip)
        mean = small_network(ModelConfig(widths=(4, 8), derivation="mean"))(clip)
    assert_close(maximum.instrument, maximum.piano.amax(dim=2))
    assert_close(maximum.pitch, maximum.piano.amax(dim=1))
    assert_close(mean.instrument, mean.piano.mean(dim=2))
    assert_close(mean.pitch, mean.piano.mean(dim=1))


def test_a_partial_comes_to_lie_in_the_row_of_its_note() -> None:
    clip = torch.zeros(1, 88, 3)
    clip[0, 40] = 1.0
    stacked = small_network().partials(clip)
    assert stacked.shape == (1, 3, 88, 3)
    loudest = [stacked[0, channel, :, 0].nonzero().flatten().tolist() for channel in range(3)]
    assert loudest == [[52], [40], [28]]


def test_bins_within_a_semitone_become_channels() -> None:
    spec = FeatureSpec(bins_per_semitone=3)
    network = small_network(ModelConfig(widths=(4, 8)), spec)
    clip = torch.zeros(1, 264, 2)
    clip[0, 3 * 10 + 2] = 1.0
    stacked = network.partials(clip)
    assert stacked.shape == (1, 3, 88, 2)
    assert stacked[0, :, 10, 0].tolist() == [0, 0, 1]
    assert network(clip).piano.shape == (1, N_INSTRUMENTS, 88, 2)


def test_frames_at_once_come_apart_in_their_order() -> None:
    network = small_network(ModelConfig(widths=(4, 8), has_onset_head=True, frames_at_once=2))
    row, rolls = torch.arange(88.0), 2 * N_INSTRUMENTS
    with torch.no_grad():
        network.head.weight.zero_()
        assert network.head.bias is not None
        network.head.bias.copy_(torch.arange(2.0 * rolls))
        logits = network(torch.rand(1, 88, 5))
    assert logits.onset is not None
    for frame in range(5):
        first = rolls * (frame % 2)
        expected = (first + torch.arange(N_INSTRUMENTS))[None, :, None] + 0 * row
        assert_close(logits.piano[..., frame], expected)
        assert_close(logits.onset[..., frame], expected + N_INSTRUMENTS)


def test_all_frames_at_once_are_seen() -> None:
    network = small_network(ModelConfig(widths=(4, 8), frames_at_once=2))
    clip = torch.rand(1, 88, 16)
    with torch.inference_mode():
        for frame in (6, 7):
            louder = clip.clone()
            louder[..., frame] += 1
            change = (network(louder).piano - network(clip).piano).abs().amax(dim=(0, 1, 2))
            assert change[6:8].min() > 0, "both of its cell"


def test_clips_of_a_batch_do_not_touch_each_other() -> None:
    clips = torch.rand(3, 88, 16)
    network = small_network()
    with torch.inference_mode():
        assert_close(network(clips).piano[1], network(clips[1:2]).piano[0])


def test_a_new_ensemble_head_and_context_change_nothing_yet() -> None:
    clip = torch.rand(1, 88, 16)
    without = small_network(ModelConfig(widths=(4, 8)))
    with_both = small_network(ModelConfig(widths=(4, 8), has_ensemble_head=True, has_context=True))
    with_both.load_state_dict({**with_both.state_dict(), **without.state_dict()})
    with torch.inference_mode():
        assert_close(with_both(clip).piano, without(clip).piano)
        assert without(clip).presence is None


def test_it_overfits_one_batch() -> None:
    torch.manual_seed(0)
    network = UNet(SMALL).train()
    clips = torch.rand(2, 88, 16)
    targets = (torch.rand(2, N_INSTRUMENTS, 88, 16) > 0.95).float()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)

    def step() -> float:
        loss = functional.binary_cross_entropy_with_logits(network(clips).piano, targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss.item()

    first = step()
    for _ in range(150):
        last = step()
    assert last < 0.75 * first


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": (4,)}, "widths"),
        ({"widths": (4, 0)}, "widths"),
        ({"harmonics": (12,)}, "harmonics must include 0"),
        ({"derivation": "median"}, "derivation"),
        ({"frames_at_once": 0}, "frames_at_once"),
    ],
)
def test_a_config_that_makes_no_network_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelConfig(**settings)


def test_the_ensemble_and_the_context_begin_without_an_opinion() -> None:
    network = small_network()
    assert network.ensemble_head is not None
    clip = torch.rand(1, 88, 40)
    with torch.inference_mode():
        before = network(clip)
        assert before.presence is not None
        assert_close(before.presence, torch.zeros(1, N_INSTRUMENTS))
        network.ensemble_head.out.bias[3] = 2.0
        after = network(clip)
    assert before.onset is not None
    assert after.onset is not None
    for one, other in ((before.piano, after.piano), (before.onset, after.onset)):
        assert_close(other[:, 3], one[:, 3] + 2)
        assert_close(other[:, [0, 8]], one[:, [0, 8]])


def test_the_ensemble_depends_on_the_whole_clip() -> None:
    network = small_network()
    assert network.ensemble_head is not None
    torch.nn.init.normal_(network.ensemble_head.out.weight)
    clip = torch.rand(1, 88, 80)
    other = clip.clone()
    other[..., 40:] = 0
    with torch.inference_mode():
        assert not torch.allclose(network(clip).presence, network(other).presence)


def test_a_committee_averages_log_odds() -> None:
    members = [small_network(replace(SMALL, widths=widths)) for widths in ((4, 8), (6, 8, 12))]
    clip = torch.rand(2, 88, 40)
    with torch.inference_mode():
        one, other = (member(clip) for member in members)
        both = Committee(members)(clip)
    for name in Logits._fields:
        assert_close(getattr(both, name), (getattr(one, name) + getattr(other, name)) / 2)


def test_presence_is_judged_by_all_members_or_not_at_all() -> None:
    with_head, without = (UNet(ModelConfig(widths=(4, 8), has_ensemble_head=has)).eval() for has in (True, False))
    assert Committee([with_head, without])(torch.rand(1, 88, 40)).presence is None


def test_networks_that_cannot_vote_together_are_refused() -> None:
    plain, onsets = UNet(ModelConfig(widths=(4, 8))), UNet(ModelConfig(widths=(4, 8), has_onset_head=True))
    fine = UNet(ModelConfig(widths=(4, 8)), FINE)
    refused: dict[str, list[UNet]] = {
        "needs members": [],
        "onset head": [plain, onsets],
        "same features": [plain, fine],
    }
    for message, members in refused.items():
        with pytest.raises(ValueError, match=message):
            Committee(members)


def test_the_end_of_a_clip_is_heard_like_the_rest() -> None:
    model = UNet(ModelConfig(widths=(4, 8), has_onset_head=True)).eval()
    clip = torch.rand(1, model.spec.n_bins, 18)
    reflected = torch.cat((clip, clip[..., [16, 15]]), dim=-1)  # to a whole number of the bottleneck's frames
    torch.testing.assert_close(model(clip).piano, model(reflected).piano[..., :18])
    assert model(clip[..., :1]).piano.shape[-1] == 1
