"""Decoding against rules, one test a rule, and against its own inverse."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtinst.export.midi import read_midi, write_midi
from mtinst.grid import INSTRUMENT_INDEX, INSTRUMENT_NAMES, N_INSTRUMENTS, NINE, SPEC
from mtinst.hear.notes import (
    ATTACK_S,
    LEAST_SHARE,
    MOST_OFF_CENTRE,
    ONSETLESS_SHORTEST_S,
    note_confidences,
    note_shares,
    notes_to_roll,
    presence,
    rolls_to_notes,
)
from mtinst.records import Note, Rolls, Thresholds
from tests.tiny import rolls_of

N_FRAMES = 100
PITCH = 60
FRAME_S = 1 / SPEC.frame_rate
LOW, HIGH = 0.05, 0.95
THRESHOLDS = Thresholds.uniform(shortest_s=2 * FRAME_S, gap_s=FRAME_S)
EXACT = Thresholds.uniform(shortest_s=FRAME_S, gap_s=0.0, presence=0.0)


def rolls_with(
    frames: dict[int, float] | range, onsets: dict[int, float] | None = None, instrument: str = "violin"
) -> Rolls:
    """Rolls in which `instrument` plays one pitch in `frames`, with onset probabilities `onsets`."""
    rolls = Rolls.zeros(N_FRAMES)
    cell = INSTRUMENT_INDEX[instrument], PITCH - SPEC.lowest_pitch
    rolls.piano[cell] = LOW
    for frame, probability in (frames if isinstance(frames, dict) else dict.fromkeys(frames, HIGH)).items():
        rolls.piano[cell][frame] = probability
    for frame, probability in (onsets or {}).items():
        rolls.onset[cell][frame] = probability
    rolls.instrument[INSTRUMENT_INDEX[instrument]] = 1.0
    return rolls


def decoded_frames(rolls: Rolls, thresholds: Thresholds = THRESHOLDS) -> list[tuple[int, int]]:
    """First frame and end of each decoded note."""
    notes = rolls_to_notes(rolls, thresholds)
    return [(SPEC.second_to_frame(note.onset), SPEC.second_to_frame(note.offset)) for note in notes]


@st.composite
def grid_notes(draw: st.DrawFn, shortest: int = 1) -> list[Note]:
    """Notes on the frame grid that do not overlap within an instrument and pitch, but may touch."""
    notes = []
    cells = st.tuples(st.sampled_from(INSTRUMENT_NAMES), st.integers(SPEC.lowest_pitch, SPEC.highest_pitch))
    for instrument, pitch in draw(st.sets(cells, max_size=6)):
        frame = 0
        for wait, length in draw(st.lists(st.tuples(st.integers(0, 10), st.integers(shortest, 10)), max_size=5)):
            onset, offset = SPEC.frame_to_second(frame + wait), SPEC.frame_to_second(frame + wait + length)
            notes.append(Note(onset, offset, pitch=pitch, instrument=instrument))
            frame += wait + length
    return sorted(notes)


@settings(max_examples=30)
@given(n_frames=st.integers(1, 40), density=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_notes_to_roll_inverts_rolls_to_notes(n_frames: int, density: float, seed: int) -> None:
    roll = np.random.default_rng(seed).random((N_INSTRUMENTS, SPEC.n_pitches, n_frames)) < density
    begins = np.diff(roll, axis=-1, prepend=False) & roll
    piano, onset = roll.astype(np.float32), begins.astype(np.float32)
    rolls = Rolls(piano, onset, piano.max(axis=1), piano.max(axis=0))
    again = notes_to_roll(rolls_to_notes(rolls, EXACT), n_frames)
    is_there = roll.sum(axis=(1, 2)) > LEAST_SHARE * roll.sum()
    np.testing.assert_array_equal(again[is_there], roll[is_there])


@settings(max_examples=25)
@given(grid_notes())
def test_notes_and_their_roll_survive_a_midi_file(notes: list[Note]) -> None:
    with TemporaryDirectory() as folder:
        write_midi(notes, Path(folder, "song.mid"))
        again = read_midi(Path(folder, "song.mid"))
    assert again == notes
    np.testing.assert_array_equal(notes_to_roll(again, N_FRAMES), notes_to_roll(notes, N_FRAMES))


def test_notes_that_touch_become_one_without_onsets() -> None:
    notes = [Note(0.0, 0.32, pitch=PITCH), Note(0.32, 0.64, pitch=PITCH)]
    rolls = rolls_of(notes, N_FRAMES)
    rolls.onset[:] = 0
    assert rolls_to_notes(rolls, EXACT) == [Note(0.0, 0.64, pitch=PITCH)]


def test_notes_to_roll_leaves_out_what_does_not_fit() -> None:
    notes = [
        Note(0.0, 1.0, pitch=12),
        Note(100.0, 101.0, pitch=PITCH),
        Note(SPEC.frame_to_second(98), 99.0, pitch=PITCH),
    ]
    roll = notes_to_roll(notes, N_FRAMES)
    assert roll.sum() == 2
    assert roll[0, PITCH - SPEC.lowest_pitch, 98:].all()


def test_notes_to_roll_gives_the_shortest_note_a_frame() -> None:
    assert notes_to_roll([Note(0.001, 0.002, pitch=PITCH)], N_FRAMES).sum() == 1


@settings(max_examples=25)
@given(grid_notes(shortest=2))
def test_clear_rolls_decode_to_the_notes_they_were_drawn_from(notes: list[Note]) -> None:
    lengths = {name: sum(n.duration for n in notes if n.instrument == name) for name in INSTRUMENT_NAMES}
    least = LEAST_SHARE * sum(lengths.values())
    assert rolls_to_notes(rolls_of(notes, N_FRAMES), replace(EXACT, shortest_s=2 * FRAME_S)) == [
        note for note in notes if lengths[note.instrument] > least - 1e-9
    ]


def unison_of(probabilities: dict[str, float]) -> Rolls:
    """Rolls in which each instrument claims the same note, with its probability."""
    rolls = Rolls.zeros(N_FRAMES)
    for instrument, probability in probabilities.items():
        alone = rolls_with(dict.fromkeys(range(10, 20), probability), {10: HIGH}, instrument)
        for roll, added in zip(rolls, alone, strict=True):
            np.maximum(roll, added, out=roll)
    return rolls


@pytest.mark.parametrize(
    ("unison", "players"),
    [(0.0, {"violin", "flute", "piano"}), (0.8, {"violin", "flute"}), (0.95, {"violin"}), (1.0, {"violin"})],
)
def test_of_several_claims_to_one_note_the_likely_stay(unison: float, players: set[str]) -> None:
    rolls = unison_of({"violin": 0.9, "flute": 0.8, "piano": 0.6})
    notes = rolls_to_notes(rolls, replace(THRESHOLDS, unison=unison))
    assert {note.instrument for note in notes} == players
    assert len(notes) == len(players)


def test_a_claim_to_another_time_or_pitch_is_no_rival() -> None:
    rolls = rolls_with(dict.fromkeys(range(10, 20), 0.6), {10: HIGH}, "piano")
    rolls.piano[INSTRUMENT_INDEX["violin"], PITCH - SPEC.lowest_pitch, 30:40] = 0.9
    rolls.piano[INSTRUMENT_INDEX["violin"], PITCH - SPEC.lowest_pitch + 1, 10:20] = 0.9
    rolls.instrument[INSTRUMENT_INDEX["violin"]] = 1.0
    notes = rolls_to_notes(rolls, replace(THRESHOLDS, unison=1.0))
    assert [note.instrument for note in notes].count("piano") == 1
    assert len(notes) == 3


def test_an_instrument_with_hardly_a_note_is_a_mistake() -> None:
    rolls = rolls_with(range(98), {0: HIGH})
    flute = INSTRUMENT_INDEX["flute"]
    rolls.instrument[flute] = 1.0
    rolls.piano[flute, 0, 10:12] = rolls.onset[flute, 0, 10] = HIGH
    assert {note.instrument for note in rolls_to_notes(rolls, THRESHOLDS)} == {"violin"}
    rolls.piano[flute, 0, 10:20] = HIGH
    assert {note.instrument for note in rolls_to_notes(rolls, THRESHOLDS)} == {"violin", "flute"}


def test_a_solo_in_a_long_song_stays_and_a_mistake_in_it_goes() -> None:
    rolls = Rolls.zeros(12 * 60 * 31)
    piano, flute, trumpet = (INSTRUMENT_INDEX[name] for name in ("piano", "flute", "trumpet"))
    for index, row, first, end in (
        *((piano, row, 0, 20_000) for row in (20, 24, 27)),
        (flute, 50, 9_000, 9_400),  # 13 s over the piano
        (trumpet, 40, 5_000, 5_050),  # hardly two seconds of it
        (trumpet, 40, 21_000, 21_050),  # where nobody else plays
    ):
        rolls.piano[index, row, first:end] = rolls.onset[index, row, first] = HIGH
        rolls.instrument[index, first:end] = HIGH
    notes = rolls_to_notes(rolls, replace(THRESHOLDS, presence=(0.1,) * N_INSTRUMENTS))
    assert {note.instrument for note in notes} == {"piano", "flute"}


def test_a_note_starts_at_its_onset_and_ends_with_its_frames() -> None:
    assert decoded_frames(rolls_with(range(10, 20), {10: HIGH})) == [(10, 20)]


@pytest.mark.parametrize("onset", [8, 9, 10, 11, 12])
def test_frames_may_lag_or_lead_their_onset(onset: int) -> None:
    assert round(ATTACK_S * SPEC.frame_rate) == 2
    assert decoded_frames(rolls_with(range(10, 20), {onset: HIGH})) == [(onset, 20)]


def test_an_onset_too_early_is_not_the_notes() -> None:
    assert decoded_frames(rolls_with(range(10, 20), {7: HIGH})) == [(10, 20)]


def test_an_onset_alone_is_no_note() -> None:
    assert decoded_frames(rolls_with({}, {10: HIGH})) == []


def test_an_onset_at_or_below_its_threshold_is_none() -> None:
    assert decoded_frames(rolls_with(range(10, 14), {10: 0.5})) == []
    assert decoded_frames(rolls_with(range(10, 14), {10: 0.51})) == [(10, 14)]


def test_a_frame_at_its_threshold_is_silent() -> None:
    assert decoded_frames(rolls_with({10: HIGH, 11: HIGH, 12: 0.5}, {10: HIGH})) == [(10, 12)]


def test_an_onset_within_a_note_strikes_it_again() -> None:
    assert decoded_frames(rolls_with(range(10, 30), {10: HIGH, 20: HIGH})) == [(10, 20), (20, 30)]


def test_only_the_highest_of_neighbouring_onsets_counts() -> None:
    onsets = {10: HIGH, 19: 0.6, 20: 0.9, 21: 0.7}
    assert decoded_frames(rolls_with(range(10, 30), onsets)) == [(10, 20), (20, 30)]


def test_an_onset_plateau_counts_once() -> None:
    assert decoded_frames(rolls_with(range(10, 30), {10: 1.0, 11: 1.0, 12: 1.0})) == [(10, 30)]


def test_onsets_nearer_than_the_shortest_note_count_once() -> None:
    thresholds = replace(THRESHOLDS, shortest_s=5 * FRAME_S)
    assert decoded_frames(rolls_with(range(10, 30), {10: 0.8, 14: 0.9}), thresholds) == [(14, 30)]
    assert decoded_frames(rolls_with(range(10, 30), {10: 0.8, 15: 0.9}), thresholds) == [(10, 15), (15, 30)]


def test_a_short_gap_is_bridged_and_a_long_one_is_not() -> None:
    def with_gap(length: int) -> Rolls:
        return rolls_with(dict.fromkeys([*range(10, 20), *range(20 + length, 40)], HIGH), {10: HIGH})

    assert decoded_frames(with_gap(1)) == [(10, 40)]
    assert decoded_frames(with_gap(2)) == [(10, 20), (22, 40)]


@pytest.mark.parametrize("onset", [20, 21, 22, 23])
def test_a_gap_with_a_new_onset_is_not_bridged(onset: int) -> None:
    rolls = rolls_with(dict.fromkeys([*range(10, 20), *range(21, 40)], HIGH), {10: HIGH, onset: HIGH})
    assert decoded_frames(rolls) == [(10, 20), (onset, 40)]


@st.composite
def onsets_between_frames(draw: st.DrawFn) -> list[float]:
    """Places between frames, far enough apart for each to be the only one near its frame."""
    places, place = [], 0.0
    for wait in draw(st.lists(st.floats(5, 15), min_size=1, max_size=6)):
        place += wait
        places.append(place)
    return places


@given(onsets_between_frames())
def test_an_onset_is_found_where_it_is_between_two_frames(places: list[float]) -> None:
    rolls = rolls_with(range(round(places[0]), N_FRAMES))
    distances = np.abs(np.subtract.outer(places, np.arange(N_FRAMES)))
    cell = INSTRUMENT_INDEX["violin"], PITCH - SPEC.lowest_pitch
    rolls.onset[cell] = 0.4 ** distances.min(axis=0) ** 2  # how training draws them
    notes = rolls_to_notes(rolls, THRESHOLDS)
    np.testing.assert_allclose([note.onset for note in notes], np.multiply(places, FRAME_S), atol=0.002)
    assert all(former.offset == latter.onset for former, latter in pairwise(notes))
    drawn = rolls_of(notes, N_FRAMES).onset[cell] > 0
    assert len(notes) == drawn.sum() == (rolls.onset[cell][drawn] > 0.7).sum()


@pytest.mark.parametrize(
    ("onsets", "frames_later"),
    [
        ({10: 0.9, 11: 0.6}, 0.42),
        ({9: 0.6, 10: 0.9}, -0.42),
        ({10: HIGH}, 0.0),
        ({9: 0.8, 10: 0.9, 11: 0.8}, 0.0),
        ({10: 0.9, 11: 0.9}, MOST_OFF_CENTRE),
        ({0: 0.9, 1: 0.6}, 0.0),
        ({98: 0.6, 99: 0.9}, 0.0),
    ],
)
def test_an_onset_leans_towards_its_likelier_neighbour(onsets: dict[int, float], frames_later: float) -> None:
    first = max(onsets, key=lambda frame: (onsets[frame], -frame))
    (note,) = rolls_to_notes(rolls_with(range(first, N_FRAMES), onsets), replace(THRESHOLDS, shortest_s=0.0))
    assert note.onset == pytest.approx((first + frames_later) * FRAME_S, abs=1e-3)
    assert SPEC.second_to_frame(note.onset) == SPEC.second_to_frame(round(note.onset, 3)) == first


def test_a_note_ends_on_the_frame_grid_or_where_the_next_begins() -> None:
    rolls = rolls_with(range(10, 30), {10: HIGH, 19: 0.5, 20: 0.9})
    first, second = rolls_to_notes(rolls, THRESHOLDS)
    assert first.offset == second.onset < 20 * FRAME_S
    assert second.offset == 30 * FRAME_S


def test_a_note_that_nobody_surely_plays_goes_to_the_likeliest() -> None:
    rolls = unison_of({"saxophone": 0.3, "other": 0.4})
    rolls.onset[:, PITCH - SPEC.lowest_pitch, 10] *= 0.45 / HIGH  # 0.7 that one of the two begins
    rolls.pitch[PITCH - SPEC.lowest_pitch, 10:20] = 0.9
    sure = replace(THRESHOLDS, pitch=0.6)
    assert rolls_to_notes(rolls, THRESHOLDS) == []
    (note,) = rolls_to_notes(rolls, sure)
    assert (note.instrument, note.onset, note.offset) == ("other", 10 * FRAME_S, 20 * FRAME_S)
    assert rolls_to_notes(rolls, replace(sure, pitch=0.9)) == []
    assert rolls_to_notes(rolls, replace(sure, instruments=("saxophone",))) == [], "it is not the saxophone's"
    rolls.instrument[INSTRUMENT_INDEX["other"]] = 0.0
    assert [note.instrument for note in rolls_to_notes(rolls, sure)] == ["saxophone"], "the other one is not there"
    rolls.instrument[:] = 0.0
    assert rolls_to_notes(rolls, sure) == []


def test_a_pitch_that_outlasts_the_claim_to_it_is_no_other_note() -> None:
    rolls = rolls_with(range(10, 20), {10: HIGH})
    rolls.pitch[PITCH - SPEC.lowest_pitch, 8:40] = HIGH
    assert decoded_frames(rolls, replace(THRESHOLDS, pitch=0.6)) == [(10, 20)]


def test_an_unclaimed_note_begins_between_frames_though_the_one_before_is_claimed() -> None:
    rolls = rolls_with(range(10, 20), {10: HIGH, 19: 0.3, 20: 0.7, 21: 0.3}, "violin")
    rolls.pitch[PITCH - SPEC.lowest_pitch, 10:30] = HIGH
    thresholds = replace(THRESHOLDS, pitch=0.6)
    assert rolls_to_notes(rolls, thresholds)[1].onset == pytest.approx(20 * FRAME_S)


def test_what_an_instrument_claims_is_not_given_to_another() -> None:
    rolls = unison_of({"violin": 0.9, "flute": 0.4})
    rolls.pitch[PITCH - SPEC.lowest_pitch, 10:20] = 0.95
    rolls.pitch[PITCH - SPEC.lowest_pitch, 40:50] = 0.95  # it sounds again, and this time the flute is the likelier
    rolls.piano[INSTRUMENT_INDEX["flute"], PITCH - SPEC.lowest_pitch, 40:50] = 0.4
    rolls.onset[INSTRUMENT_INDEX["trumpet"], PITCH - SPEC.lowest_pitch, 40] = HIGH
    notes = rolls_to_notes(rolls, replace(THRESHOLDS, pitch=0.6))
    assert [(note.instrument, SPEC.second_to_frame(note.onset)) for note in notes] == [("violin", 10), ("flute", 40)]


def test_notes_shorter_than_the_shortest_are_dropped() -> None:
    assert decoded_frames(rolls_with(range(10, 11), {10: HIGH})) == []
    assert decoded_frames(rolls_with(range(10, 12), {10: HIGH})) == [(10, 12)]


def test_without_an_onset_a_note_must_be_long_and_sure() -> None:
    long = round(ONSETLESS_SHORTEST_S * SPEC.frame_rate)
    assert decoded_frames(rolls_with(range(10, 10 + long))) == [(10, 10 + long)]
    assert decoded_frames(rolls_with(range(10, 9 + long))) == []
    assert decoded_frames(rolls_with(dict.fromkeys(range(10, 10 + long), 0.55))) == []
    assert decoded_frames(rolls_with(dict.fromkeys(range(10, 10 + long), 0.65))) == [(10, 10 + long)]


def test_notes_at_either_edge_of_the_roll_are_kept() -> None:
    assert decoded_frames(rolls_with(range(5), {0: HIGH})) == [(0, 5)]
    assert decoded_frames(rolls_with(range(95, 100), {95: HIGH})) == [(95, 100)]


def test_rows_do_not_run_into_each_other() -> None:
    rolls = Rolls.zeros(N_FRAMES)
    rolls.instrument[0] = 1.0
    rolls.piano[0, 10, 95:] = rolls.piano[0, 11, :5] = HIGH
    rolls.onset[0, 10, 95] = rolls.onset[0, 11, 0] = HIGH
    assert rolls_to_notes(rolls, THRESHOLDS) == [
        Note(0.0, 5 * FRAME_S, pitch=32),
        Note(95 * FRAME_S, 100 * FRAME_S, pitch=31),
    ]


def test_instruments_left_out_or_absent_are_not_reported() -> None:
    rolls = rolls_with(range(10, 20), {10: HIGH})
    assert len(rolls_to_notes(rolls, THRESHOLDS)) == 1
    assert rolls_to_notes(rolls, replace(THRESHOLDS, instruments=("piano", "flute"))) == []
    rolls.instrument[:] = 0.4
    assert rolls_to_notes(rolls, THRESHOLDS) == []


def test_presence_needs_a_tenth_of_the_song() -> None:
    roll = np.zeros((N_INSTRUMENTS, N_FRAMES), np.float32)
    roll[0, [3, *range(10, 19)]], roll[1, 10:12], roll[2] = 1.0, 1.0, 0.3
    np.testing.assert_allclose(presence(roll)[:4], [1.0, 0.2, 0.3, 0.0], rtol=1e-6)
    np.testing.assert_allclose(presence(roll[:, 10:13])[:3], [1.0, 2 / 3, 0.3], rtol=1e-6)
    assert not presence(roll[:, :0]).any()


def test_a_solo_of_ten_seconds_is_enough_in_any_song() -> None:
    roll = np.zeros((N_INSTRUMENTS, 20_000), np.float32)
    roll[3, 5_000:5_312] = 0.9
    np.testing.assert_allclose(presence(roll)[3], 0.9, rtol=1e-6)


def test_empty_rolls_have_no_notes() -> None:
    assert rolls_to_notes(Rolls.zeros(0), replace(THRESHOLDS, presence=(0.0,) * N_INSTRUMENTS)) == []


def test_louder_onsets_give_higher_velocities() -> None:
    rolls = rolls_with(range(10, 30), {10: HIGH, 20: HIGH})
    levels = np.full((SPEC.n_pitches, N_FRAMES), 0.6, np.float32)
    levels[PITCH - SPEC.lowest_pitch, 21] = 1.0
    soft, loud = (note.velocity for note in rolls_to_notes(rolls, THRESHOLDS, levels=levels))
    assert 30 <= soft < loud == 110


def test_note_confidences_are_mean_frame_probabilities() -> None:
    rolls = rolls_with({10: 0.6, 11: 0.8}, {10: HIGH})
    notes = rolls_to_notes(rolls, THRESHOLDS)
    np.testing.assert_allclose(note_confidences(notes, rolls), [0.7], rtol=1e-6)


def test_note_shares_say_how_likely_each_instrument_plays() -> None:
    rolls = rolls_with({10: 0.6, 11: 0.8, N_FRAMES - 1: 0.5})
    rolls.piano[INSTRUMENT_INDEX["cello"], PITCH - SPEC.lowest_pitch, 10] = 0.4
    note = Note(10 * FRAME_S, 12 * FRAME_S, pitch=PITCH)
    (shares,) = note_shares([note], rolls)
    expected = np.zeros(N_INSTRUMENTS)
    expected[[INSTRUMENT_INDEX["violin"], INSTRUMENT_INDEX["cello"]]] = 0.7, 0.2
    np.testing.assert_allclose(shares, expected, rtol=1e-6)
    at_the_end = Note(N_FRAMES * FRAME_S, N_FRAMES * FRAME_S + 1, pitch=PITCH, instrument="violin")
    np.testing.assert_allclose(note_confidences([at_the_end], rolls), [0.5])
    assert note_shares([], rolls).shape == (0, N_INSTRUMENTS)


def test_shapes_that_disagree_are_refused() -> None:
    rolls = Rolls.zeros(10)
    with pytest.raises(ValueError, match="onset roll has shape"):
        rolls_to_notes(rolls._replace(onset=rolls.onset[:, :80]), THRESHOLDS)
    with pytest.raises(ValueError, match="pitch roll has shape"):
        rolls_to_notes(rolls._replace(pitch=rolls.pitch[:80]), THRESHOLDS)
    with pytest.raises(ValueError, match="levels has shape"):
        rolls_to_notes(rolls, THRESHOLDS, levels=np.zeros((88, 9), np.float32))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"onset": -1.0}, "0 <= onset < offset"),
        ({"onset": 2.0}, "0 <= onset < offset"),
        ({"offset": float("nan")}, "0 <= onset < offset"),
        ({"pitch": 128}, "pitch must be"),
        ({"velocity": 0}, "velocity must be"),
        ({"instrument": "kazoo"}, "'kazoo' is not one of the instruments"),
    ],
)
def test_impossible_notes_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Note(**{"onset": 0.0, "offset": 1.0, "pitch": 60} | fields)  # type: ignore[arg-type]


def test_notes_sort_by_onset_pitch_and_table_order() -> None:
    notes = [
        Note(0.0, 2.0, pitch=60, instrument="bass"),
        Note(0.0, 1.0, pitch=60, instrument="violin"),
        Note(0.0, 0.5, pitch=61, instrument="acoustic_guitar"),
        Note(1.0, 1.5, pitch=21),
    ]
    assert sorted([notes[2], notes[3], notes[1], notes[0]]) == notes


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"onset": (0.5,) * 10}, "onset must be 11 probabilities"),
        ({"frame": (1.5,) * 11}, "frame must be 11 probabilities"),
        ({"presence": (float("nan"),) * 11}, "presence must be 11 probabilities"),
        ({"unison": 1.5}, "unison must be a share from 0 to 1"),
        ({"pitch": -0.1}, "pitch must be a probability"),
        ({"shortest_s": -0.1}, "shortest_s must be a time"),
        ({"gap_s": float("inf")}, "gap_s must be a time"),
        ({"instruments": ("kazoo",)}, "'kazoo' is not one of the instruments"),
        ({"instruments": ("flute", "flute")}, "named twice"),
    ],
)
def test_impossible_thresholds_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(THRESHOLDS, **fields)  # type: ignore[arg-type]


def test_thresholds_survive_json() -> None:
    onset = tuple(np.linspace(0.1, 0.9, N_INSTRUMENTS).tolist())
    for instruments in (("flute", "bass"), NINE):
        thresholds = replace(THRESHOLDS, onset=onset, pitch=0.6, instruments=instruments)
        assert Thresholds.from_json(json.loads(json.dumps(thresholds.to_json()))) == thresholds


def test_thresholds_of_nine_instruments_leave_the_others_silent_and_choose_none() -> None:
    def of_nine(instruments: tuple[str, ...]) -> Thresholds:
        record = replace(THRESHOLDS, instruments=instruments).to_json()
        del record["pitch"]
        for field in ("onset", "frame", "presence"):
            record[field] = {name: record[field][name] for name in NINE}
        return Thresholds.from_json(record)

    assert of_nine(NINE).instruments == INSTRUMENT_NAMES
    assert of_nine(("flute",)).instruments == ("flute",)
    assert of_nine(NINE).frame == (0.5,) * 9 + (1.0,) * 2
    assert of_nine(NINE).pitch == 1.0


def test_thresholds_refuse_other_json() -> None:
    record = THRESHOLDS.to_json()
    with pytest.raises(ValueError, match="lack the entry 'gap_s'"):
        Thresholds.from_json({key: value for key, value in record.items() if key != "gap_s"})
    with pytest.raises(ValueError, match="wrong type"):
        Thresholds.from_json(record | {"onset": [0.5] * 9})


@pytest.mark.parametrize("seconds", [1e-300, 1e3, 1e9, 3e16, 1e300])
def test_no_time_is_too_long_for_thresholds(seconds: float) -> None:
    piano = np.zeros((N_INSTRUMENTS, SPEC.n_pitches, 40), np.float32)
    piano[0, 20, 5:30] = 1
    rolls = Rolls(piano=piano, onset=np.zeros_like(piano), instrument=piano.max(axis=1), pitch=piano.max(axis=0))
    assert len(rolls_to_notes(rolls, replace(Thresholds.uniform(), gap_s=seconds))) == 1
    assert len(rolls_to_notes(rolls, replace(Thresholds.uniform(), shortest_s=seconds))) == (seconds < 1)


def test_a_number_beyond_all_numbers_is_no_threshold() -> None:
    with pytest.raises(ValueError, match="wrong type"):
        Thresholds.from_json(Thresholds.uniform().to_json() | {"gap_s": 10**400})
