"""The instrument table and the time grid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtinst.grid import INSTRUMENT_INDEX, INSTRUMENT_NAMES, INSTRUMENTS, NINE, SPEC, FeatureSpec, instrument_named


def test_the_instruments_stand_in_their_agreed_order() -> None:
    assert INSTRUMENT_NAMES == (
        "piano",
        "acoustic_guitar",
        "electric_guitar",
        "trumpet",
        "saxophone",
        "bass",
        "violin",
        "cello",
        "flute",
        "voice",
        "other",
    )
    assert INSTRUMENT_NAMES[:9] == NINE


def test_each_instrument_has_its_own_program_and_colour() -> None:
    assert len({instrument.program for instrument in INSTRUMENTS}) == len(INSTRUMENTS)
    assert len({instrument.colour for instrument in INSTRUMENTS}) == len(INSTRUMENTS)


def test_instrument_named_finds_each_and_refuses_others() -> None:
    for name, index in INSTRUMENT_INDEX.items():
        assert instrument_named(name) is INSTRUMENTS[index]
    with pytest.raises(ValueError, match="'viola' is not one of the instruments piano, "):
        instrument_named("viola")


@given(st.integers(0, 10_000_000))
def test_a_frame_survives_the_way_to_seconds_and_back(frame: int) -> None:
    assert SPEC.second_to_frame(SPEC.frame_to_second(frame)) == frame


def test_the_paper_s_grid_is_exact() -> None:
    assert SPEC.frame_rate == 31.25
    assert (SPEC.n_bins, SPEC.lowest_pitch, SPEC.highest_pitch) == (88, 21, 108)
    assert SPEC.n_frames(10 * SPEC.sample_rate) == 313


@pytest.mark.parametrize("field", ["sample_rate", "hop_length", "n_pitches", "bins_per_semitone", "dynamic_range_db"])
def test_a_spec_refuses_what_is_not_positive(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be positive"):
        FeatureSpec(**{field: 0})
