"""Excerpts given to instruments that can play them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtinst.grid import INSTRUMENT_NAMES
from train.data.arrange import Note, _cluster, _grace, _repeated, _run, _trill, cast, excerpt, fit_to, ornamented
from train.data.sources import OFFSET, ONSET, PITCH, VELOCITY, Track
from train.data.timbres import RANGES


def chords(rng: np.random.Generator, n_notes: int = 40) -> Track:
    onset = np.sort(rng.uniform(0, 20, n_notes)).round(1)
    notes = np.stack(
        (onset, onset + rng.uniform(0.1, 2, n_notes), rng.integers(40, 90, n_notes), rng.integers(30, 120, n_notes)),
        axis=1,
    )
    return Track(0, False, notes.astype(np.float64))


@given(st.integers(0, 10_000), st.sampled_from(INSTRUMENT_NAMES))
def test_a_part_fits_the_instrument_that_it_is_given_to(seed: int, plays: str) -> None:
    rng = np.random.default_rng(seed)
    notes = fit_to(chords(rng).notes, plays, rng)
    limits = RANGES[plays]
    assert ((notes[:, PITCH] >= limits.lowest) & (notes[:, PITCH] <= limits.highest)).all()
    sounding = [((notes[:, ONSET] <= time) & (notes[:, OFFSET] > time)).sum() for time in np.arange(0, 22, 0.25)]
    assert max(sounding) <= limits.polyphony


def test_notes_that_no_octave_brings_into_range_are_refused() -> None:
    wide = np.array([[0.0, 1.0, pitch, 80] for pitch in (30, 50, 70, 90)])
    assert len(fit_to(wide, "trumpet", np.random.default_rng(0))) in (0, 1)


@pytest.mark.parametrize("seed", range(5))
def test_no_two_tracks_become_the_same_instrument(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = cast([chords(rng) for _ in range(5)], rng)
    names = [part.plays for part in parts if part.plays != "other"]
    assert len(parts) >= 4
    assert len(set(names)) == len(names)


@given(st.integers(0, 10_000), st.floats(-1, 15), st.floats(0.8, 1.2))
def test_an_excerpt_lies_in_its_window(seed: int, start: float, tempo: float) -> None:
    rng = np.random.default_rng(seed)
    notes = excerpt(chords(rng), start, 5.0, tempo, rng).notes
    assert (notes[:, ONSET] >= 0).all()
    assert (notes[:, OFFSET] > notes[:, ONSET]).all()
    assert (notes[:, OFFSET] <= 5.0).all()
    assert ((notes[:, VELOCITY] >= 1) & (notes[:, VELOCITY] <= 127)).all()


@given(st.integers(0, 10_000), st.sampled_from(INSTRUMENT_NAMES))
def test_ornaments_stay_within_what_an_instrument_can_play(seed: int, plays: str) -> None:
    rng = np.random.default_rng(seed)
    notes = ornamented(fit_to(chords(rng).notes, plays, rng), plays, rng)
    limits = RANGES[plays]
    assert ((notes[:, PITCH] >= limits.lowest) & (notes[:, PITCH] <= limits.highest)).all()
    assert (np.diff(notes[:, ONSET]) >= 0).all()
    assert (notes[:, OFFSET] > notes[:, ONSET]).all()
    for pitch in np.unique(notes[:, PITCH]):
        same = notes[notes[:, PITCH] == pitch]
        assert (same[:-1, OFFSET] <= same[1:, ONSET]).all()


@pytest.mark.parametrize(
    ("change", "pitches", "fewest_a_second", "most_a_second"),
    [(_trill, 2, 6, 14), (_repeated, 1, 5, 12), (_grace, 2, 0.9, 1.1), (_run, 13, 1.9, 16), (_cluster, 2, 0.9, 1.1)],
)
def test_a_long_note_becomes_a_fast_texture(
    change: Callable[[Note, np.random.Generator], list[Note]],
    pitches: int,
    fewest_a_second: float,
    most_a_second: float,
) -> None:
    note = np.array([1.0, 3.0, 60, 80])
    for seed in range(10):
        notes = np.array(change(note, np.random.default_rng(seed)))
        assert fewest_a_second <= len(notes) / 2 <= most_a_second
        assert 1 <= len(set(notes[:, PITCH])) <= pitches
        assert notes[0, ONSET] == 1.0
        assert notes[:, OFFSET].max() <= 3.0
        assert (notes[:, OFFSET] > notes[:, ONSET]).all()


def test_a_short_note_stays_as_it_is() -> None:
    note = np.array([1.0, 1.1, 60, 80])
    for change in (_trill, _repeated, _grace, _run):
        assert len(change(note, np.random.default_rng(0))) == 1
