"""Effects on CQTs do to a sound what they say."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mtinst.grid import FINE, SPEC, FeatureSpec
from mtinst.hear.cqt import cqt
from train.effects.spectrum import N_PARTIALS, band_limit, compressed, dynamics, equaliser, partials, room

SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_gains_are_positive_numbers_of_the_right_shape(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for gain, length in (
        (equaliser(rng, SPEC, spread_db=6, n_knots=9), SPEC.n_bins),
        (dynamics(rng, 128, spread_db=3), 128),
        (dynamics(rng, 1, spread_db=3), 1),
        (band_limit(rng, SPEC), SPEC.n_bins),
    ):
        assert gain.shape == (length,)
        assert gain.dtype == np.float32
        assert np.isfinite(gain).all()
        assert gain.min() > 0


@pytest.mark.parametrize("spec", [SPEC, FINE])
def test_gains_of_partials_go_where_the_melody_goes(spec: FeatureSpec) -> None:
    rows = np.repeat([20, 27, 3], 10)
    gain = partials(np.random.default_rng(1), spec, rows, spread_db=6)
    assert gain.shape == (spec.n_bins, 30)
    assert gain.dtype == np.float32
    by_partial = []
    for frame in (0, 10, 20):
        at = [
            (rows[frame] + semitones) * spec.bins_per_semitone + spec.bins_per_semitone // 2
            for semitones in (0, 12, 24)
        ]
        by_partial.append(gain[at, frame])
    assert_allclose(by_partial, [by_partial[0]] * 3)
    drawn = 20 * np.log10(by_partial[0])
    assert_allclose(drawn, np.random.default_rng(1).normal(0, 6, N_PARTIALS)[[0, 1, 3]], atol=1e-4)


def test_a_narrow_band_loses_its_ends_and_keeps_its_middle() -> None:
    gains = np.stack([band_limit(np.random.default_rng(seed), SPEC) for seed in range(200)])
    assert_allclose(gains[:, 30:50], 1, atol=1e-6)
    assert gains.max() == 1
    assert (gains[:, -1] < 0.5).any()
    assert (gains[:, 0] < 0.5).any()


def test_a_room_rings_after_the_sound_and_not_before() -> None:
    time = np.arange(SPEC.sample_rate) / SPEC.sample_rate
    tone = np.concatenate((np.sin(2 * np.pi * 440 * time), np.zeros(2 * SPEC.sample_rate))).astype(np.float32)
    dry = cqt(tone)
    row = int(np.abs(dry).max(axis=1).argmax())
    after = int(1.2 * SPEC.frame_rate)
    for seed in SEEDS:
        wet = room(dry, np.random.default_rng(seed))
        assert wet.dtype == dry.dtype
        assert_allclose(wet[:, 0], dry[:, 0])
        tail = np.abs(wet[row, after:])
        assert tail[:5].mean() > 3 * np.abs(dry[row, after : after + 5]).mean()
        assert tail[-5:].mean() < tail[:5].mean()


def test_compression_keeps_the_loudest_and_the_order() -> None:
    levels = np.linspace(0, 1, 50, dtype=np.float32)[None]
    for seed in SEEDS:
        changed = compressed(levels, np.random.default_rng(seed))
        assert changed[0, -1] == 1
        assert (np.diff(changed[0]) >= 0).all()
        assert changed.min() >= 0
        assert np.abs(changed - levels).max() <= 0.2 + 1e-6
