"""Windows against the network itself, on a network small enough to run over a whole clip at once."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mtinst.grid import N_INSTRUMENTS, SPEC, FeatureSpec, FloatArray
from mtinst.hear import windows
from mtinst.hear.unet import Logits, ModelConfig, UNet
from mtinst.hear.windows import iter_windows, predict_rolls, window_frames
from mtinst.records import Rolls

WIDTH, OVERLAP = window_frames(SPEC)
HOP = WIDTH - OVERLAP


class Framewise(nn.Module):
    """A network that looks at one frame at a time, so that windows and batches cannot matter."""

    def __init__(self, *, has_onset_head: bool = True) -> None:
        super().__init__()
        self.has_onset_head = has_onset_head
        self.widths: list[tuple[int, ...]] = []

    def forward(self, log_cqt: Tensor) -> Logits:  # noqa: D102
        self.widths.append(tuple(log_cqt.shape))
        shifts = torch.arange(N_INSTRUMENTS)[:, None, None] - 4.0
        piano = 3 * log_cqt[:, None] + shifts  # (B, 9, 88, T)
        return Logits(piano, piano - 1 if self.has_onset_head else None, piano.amax(dim=2), piano.amax(dim=1))


def random_cqt(n_frames: int, spec: FeatureSpec = SPEC) -> FloatArray:
    return np.random.default_rng(n_frames).random((spec.n_bins, n_frames), np.float32)


def tiny_unet(**settings: object) -> UNet:
    torch.manual_seed(0)
    return UNet(ModelConfig(widths=(4, 8), **settings)).eval()  # type: ignore[arg-type]


def assert_close(rolls: Rolls, expected: Sequence[FloatArray], atol: float = 1e-6) -> None:
    for roll, other in zip(rolls, expected, strict=True):
        np.testing.assert_allclose(roll, other, atol=atol)


def expected_rolls(model: nn.Module, log_cqt: FloatArray) -> list[FloatArray]:
    """What the network says about the clip as one window."""
    with torch.inference_mode():
        logits = model(torch.from_numpy(log_cqt)[None])
    return [roll.sigmoid().numpy()[0] for roll in (logits.piano, logits.onset, logits.instrument, logits.pitch)]


@pytest.mark.parametrize("n_frames", [1, 2, WIDTH - 1, WIDTH, WIDTH + 1, WIDTH + HOP, WIDTH + HOP + 1, 3 * WIDTH + 17])
def test_every_frame_of_any_length_is_predicted(n_frames: int) -> None:
    log_cqt = random_cqt(n_frames)
    rolls = predict_rolls(Framewise(), log_cqt)
    assert rolls.n_frames == n_frames
    assert_close(rolls, expected_rolls(Framewise(), log_cqt))


@pytest.mark.parametrize("n_frames", [1, 4, 100, WIDTH])
def test_a_short_clip_is_one_window(n_frames: int) -> None:
    model, log_cqt = tiny_unet(has_onset_head=True), random_cqt(n_frames)
    assert_close(predict_rolls(model, log_cqt), expected_rolls(model, log_cqt))


def test_windows_agree_with_the_whole_clip_away_from_their_edges() -> None:
    model, log_cqt = tiny_unet(has_onset_head=True), random_cqt(WIDTH + HOP)
    windowed, whole = predict_rolls(model, log_cqt), expected_rolls(model, log_cqt)
    middle = slice(20, HOP - 20)  # one window alone, further from its edges than the network sees
    np.testing.assert_allclose(windowed.piano[..., middle], whole[0][..., middle], atol=1e-6)


@pytest.mark.parametrize("n_frames", [WIDTH + 1, WIDTH + HOP, WIDTH + HOP + 1, 2000])
def test_windows_are_equally_wide_and_no_more_than_are_needed(n_frames: int) -> None:
    model = Framewise()
    predict_rolls(model, random_cqt(n_frames))
    ((_, n_bins, width),) = set(model.widths)
    assert n_bins == SPEC.n_bins
    assert width <= WIDTH
    twice = (len(model.widths) - 1) * OVERLAP  # frames that two windows see
    assert n_frames + twice <= len(model.widths) * width < n_frames + twice + len(model.widths)
    assert (len(model.widths) - 1) * WIDTH < n_frames + (len(model.widths) - 2) * OVERLAP


def test_without_an_onset_head_onsets_are_rises() -> None:
    model, log_cqt = Framewise(has_onset_head=False), random_cqt(50)
    rolls = predict_rolls(model, log_cqt)
    rises = np.maximum(0, np.diff(rolls.piano, axis=-1, prepend=0))
    np.testing.assert_allclose(rolls.onset, rises, atol=1e-6)


def test_probabilities_stay_in_range_where_windows_overlap() -> None:
    rolls = predict_rolls(Framewise(), 100 * random_cqt(1000))
    for roll in rolls:
        assert roll.dtype == np.float32
        assert roll.min() >= 0
        assert roll.max() <= 1


def test_windows_come_one_at_a_time_and_stay_as_they_were() -> None:
    model, log_cqt = tiny_unet(has_onset_head=True), random_cqt(1500)
    whole = predict_rolls(model, log_cqt)
    fractions, n_frames = [], []
    for done in iter_windows(model, log_cqt):
        assert_close(done.rolls, whole.between(0, done.rolls.n_frames), atol=0)
        fractions.append(done.fraction)
        n_frames.append(done.rolls.n_frames)
    assert fractions == sorted(set(fractions))
    assert fractions[-1] == 1.0
    assert len(fractions) == 1 + -(-(1500 - WIDTH) // HOP)
    assert n_frames == sorted(set(n_frames))
    assert n_frames[-1] == 1500


def test_iterating_leaves_the_callers_gradients_on() -> None:
    next(iter(iter_windows(Framewise(), random_cqt(1500))))
    assert not torch.is_inference_mode_enabled()


def test_finer_bins_are_taken() -> None:
    spec = FeatureSpec(bins_per_semitone=3)
    rolls = predict_rolls(UNet(ModelConfig(widths=(4, 8)), spec).eval(), random_cqt(40, spec), spec)
    assert rolls.piano.shape == (N_INSTRUMENTS, SPEC.n_pitches, 40)


def test_wrong_arguments_are_refused() -> None:
    for shape in ((SPEC.n_bins, 0), (SPEC.n_bins - 1, 10), (SPEC.n_bins,)):
        with pytest.raises(ValueError, match="log_cqt must have the shape"):
            predict_rolls(Framewise(), np.zeros(shape, np.float32))


def test_bfloat16_says_nearly_the_same_and_all_of_it_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    model, log_cqt = tiny_unet(has_onset_head=True), random_cqt(WIDTH)
    exact = predict_rolls(model, log_cqt)
    monkeypatch.setattr(windows, "has_bfloat16", lambda: True)  # PyTorch has it on any processor, if slowly
    rounded = predict_rolls(model, log_cqt)
    assert_close(rounded, exact, atol=0.02)
    assert not np.array_equal(rounded.piano, exact.piano)
    assert {roll.dtype for roll in rounded} == {np.dtype(np.float32)}
