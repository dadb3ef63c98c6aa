"""Channels are mixed so that nothing cancels, and otherwise as their mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtinst.grid import FloatArray
from mtinst.hear.audio import to_mono
from mtinst.hear.channels import mix

RATE = 16_000


def tone(hz: float, duration_s: float = 4.0) -> FloatArray:
    """A tone that comes and goes twice a second."""
    seconds = np.arange(round(duration_s * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * hz * seconds) * (seconds % 0.5 < 0.4)).astype(np.float32)


def level(samples: FloatArray, hz: float) -> float:
    """How much of a tone of :func:`tone` is in samples, where 1 is all of it."""
    turn = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE)
    return float(abs(np.dot(samples, turn)) / abs(np.dot(tone(hz, len(samples) / RATE), turn)))


def mixed(*channels: FloatArray) -> FloatArray:
    """Channels as one."""
    return np.concatenate(list(mix([np.stack(channels, axis=1)], RATE)))


def test_an_inverted_channel_does_not_cancel_the_other() -> None:
    left = tone(440) + tone(660)
    for gain in (1.0, 0.8, 1.25):
        heard = mixed(left, np.float32(-gain) * left)
        assert min(level(heard, 440), level(heard, 660)) > 0.75


def test_an_instrument_out_of_phase_is_heard_beside_one_that_is_in_phase() -> None:
    near, wide = tone(440), tone(622)
    heard = mixed(near + wide, near - wide)
    assert level(heard, 440) == pytest.approx(1, abs=0.05)
    assert level(heard, 622) == pytest.approx(1, abs=0.05)
    quiet = mixed(near + np.float32(0.1) * wide, near - np.float32(0.1) * wide)
    assert level(quiet, 622) == pytest.approx(0.1, abs=0.02)


def test_instruments_of_different_channels_are_out_of_phase_with_nothing() -> None:
    channels = tone(440), tone(550), tone(660), -tone(660)
    heard = mixed(*channels)
    np.testing.assert_allclose([level(heard, 440), level(heard, 550)], 0.25, atol=0.02)
    assert level(heard, 660) > 0.5


@given(
    n_samples=st.integers(1, 3 * RATE), n_channels=st.integers(1, 4), seed=st.integers(0, 1000), of_noise=st.booleans()
)
def test_what_does_not_cancel_is_the_mean_to_the_sample(
    n_samples: int, n_channels: int, seed: int, of_noise: bool
) -> None:
    rng = np.random.default_rng(seed)
    samples = rng.uniform(-1, 1, (n_samples, n_channels if of_noise else 1)).astype(np.float32)
    if not of_noise:
        samples = samples * rng.uniform(0, 1, n_channels).astype(np.float32)
    heard = np.concatenate(list(mix([samples], RATE)))
    np.testing.assert_allclose(heard, samples.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("n_in_block", [100, 4096, 20_001])
def test_blocks_make_no_difference(n_in_block: int) -> None:
    samples = np.tile(np.stack([tone(440) + tone(622), tone(440) - tone(622)], axis=1), (12, 1))
    blocks = [samples[start : start + n_in_block] for start in range(0, len(samples), n_in_block)]
    np.testing.assert_array_equal(np.concatenate(list(mix(blocks, RATE))), np.concatenate(list(mix([samples], RATE))))


def test_arrays_are_mixed_alike() -> None:
    assert level(to_mono(np.stack([tone(440), -tone(440)]), RATE), 440) == pytest.approx(1, abs=0.05)


def test_samples_too_loud_to_be_compared_are_averaged() -> None:
    samples = np.full((RATE, 2), 3e37, np.float32) * np.random.default_rng(0).uniform(0.5, 1, (RATE, 2))
    heard = np.concatenate(list(mix([samples.astype(np.float32)], RATE)))
    assert np.isfinite(heard).all()
