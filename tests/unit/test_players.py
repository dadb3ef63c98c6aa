"""A note is one instrument's, whatever single frames look like, and nothing else changes."""

import numpy as np
import pytest

from mtinst.grid import INSTRUMENT_INDEX, N_INSTRUMENTS, SPEC
from mtinst.hear.players import assign_players
from mtinst.records import Rolls

FLUTE, VIOLIN = INSTRUMENT_INDEX["flute"], INSTRUMENT_INDEX["violin"]
ROW = 50


def heard(flute: list[float], violin: list[float], *, onsets: tuple[int, ...] = ()) -> Rolls:
    """One pitch, claimed by two instruments with these probabilities from frame 5 on."""
    rolls = Rolls.zeros(len(flute) + 10)
    note = slice(5, 5 + len(flute))
    rolls.piano[FLUTE, ROW, note], rolls.piano[VIOLIN, ROW, note] = flute, violin
    rolls.pitch[ROW, note] = 0.9
    for onset in onsets:
        rolls.onset[FLUTE, ROW, 5 + onset] = 0.8
    rolls.instrument[:] = rolls.piano.max(axis=1)
    return rolls


def test_a_frame_that_errs_follows_its_note() -> None:
    rolls = heard([0.8] * 4 + [0.4] + [0.8] * 5, [0.2] * 4 + [0.6] + [0.2] * 5)
    assign_players(rolls)
    assert (rolls.piano[FLUTE, ROW, 5:15] > 0.5).all()
    assert (rolls.piano[VIOLIN, ROW, 5:15] < 0.5).all()


def test_a_note_struck_again_is_another_note() -> None:
    first, second = [0.8] * 6, [0.2] * 6
    apart, one = heard(first + second, second + first, onsets=(0, 6)), heard(first + second, second + first)
    for rolls in (apart, one):
        assign_players(rolls)
    assert (apart.piano[FLUTE, ROW, 5:11] > 0.7).all()
    assert (apart.piano[FLUTE, ROW, 11:17] < 0.2).all()
    assert one.piano[FLUTE, ROW, 5] < apart.piano[FLUTE, ROW, 5]


def test_rivals_weaken_each_other_and_one_alone_stays() -> None:
    rolls = heard([0.7] * 10, [0.6] * 10)
    assign_players(rolls)
    flute, violin = rolls.piano[(FLUTE, VIOLIN), ROW, 8]
    assert flute < 0.7
    assert violin < 0.5 < flute
    alone = heard([0.7] * 10, [0.0] * 10)
    assign_players(alone)
    np.testing.assert_allclose(alone.piano[FLUTE, ROW, 5:15], 0.7, atol=1e-5)


def test_the_instrument_roll_moves_with_its_most_certain_pitch() -> None:
    rolls = heard([0.8] * 4 + [0.2] + [0.8] * 5, [0.1] * 10)
    assign_players(rolls)
    np.testing.assert_allclose(rolls.instrument[:, 5:15], rolls.piano[:, ROW, 5:15], atol=1e-3)


@pytest.mark.parametrize("n_frames", [0, 1, 40])
def test_any_length_stays_a_probability_and_keeps_onsets_and_pitches(n_frames: int) -> None:
    rng = np.random.default_rng(n_frames)
    rolls = Rolls(*(rng.random(roll.shape, np.float32) for roll in Rolls.zeros(n_frames)))
    rolls.piano[0, :5] = 0.0
    rolls.piano[1, :5] = 1.0
    onset, pitch = rolls.onset.copy(), rolls.pitch.copy()
    assign_players(rolls)
    np.testing.assert_array_equal(rolls.onset, onset)
    np.testing.assert_array_equal(rolls.pitch, pitch)
    for roll in rolls:
        assert roll.dtype == np.float32
        assert ((roll >= 0) & (roll <= 1)).all()


def test_silence_stays_silence() -> None:
    rolls = Rolls.zeros(30)
    assign_players(rolls)
    assert rolls.piano.shape == (N_INSTRUMENTS, SPEC.n_pitches, 30)
    assert max(float(roll.max()) for roll in rolls) < 1e-3
