"""Beats and bars: found in music of known tempo, written into MIDI, tables and scores."""

from pathlib import Path
from typing import Any

import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtinst.export.midi import song_to_midi
from mtinst.export.tables import beats_to_csv
from mtinst.grid import SPEC
from mtinst.hear.beats import ESTIMATED, find_beats, grid_of, quantised
from mtinst.records import FASTEST, MOST_PER_BAR, SLOWEST, Beats, Note, Rolls, Thresholds, Timing
from mtinst.transcription import Transcription


def waltz(tempo: float, n_bars: int = 16, *, start: float = 0.3, late_s: float = 0.0) -> list[Note]:
    """A bass note on one, chords on two and three, a tune above, played by a hand that is never exact."""
    rng = np.random.default_rng(3)
    beat = 60 / tempo
    notes = []
    for index in range(3 * n_bars):
        at = start + index * beat
        low = [36 + 5 * (index // 3 % 2)] if index % 3 == 0 else [55, 59]
        notes += [(at, 0.9 * beat, pitch) for pitch in low]
        halves = (0, 1) if index % 6 == 5 else (0,)
        notes += [(at + half * beat / 2, 0.9 * beat / len(halves), 72 + (2 * index + half) % 7) for half in halves]
    shift = rng.normal(0, late_s, len(notes)) if late_s else np.zeros(len(notes))
    return sorted(
        Note(max(0.0, at + late), at + late + length, pitch=pitch)
        for (at, length, pitch), late in zip(notes, shift, strict=True)
    )


def song_of(notes: list[Note], timing: Timing = ESTIMATED) -> Transcription:
    """A transcription with these notes, which are not decoded from its rolls."""
    song = Transcription(
        rolls=Rolls.zeros(1),
        levels=np.zeros((SPEC.n_pitches, 1), np.float32),
        thresholds=Thresholds.uniform(),
        duration_s=60.0,
        spec=SPEC,
        timing=timing,
    )
    song.__dict__["notes"] = notes
    return song


@pytest.mark.parametrize("tempo", [72, 96, 130])
@pytest.mark.parametrize("late_s", [0.0, 0.015])
def test_a_waltz_has_its_tempo_and_three_beats_a_bar(tempo: float, late_s: float) -> None:
    beats = find_beats(waltz(tempo, late_s=late_s))
    assert beats is not None
    assert beats.tempo == pytest.approx(tempo, rel=0.02)
    assert beats.per_bar == 3
    assert beats.downbeats[2] == pytest.approx(0.3 + 6 * 60 / tempo, abs=0.04)


@pytest.mark.parametrize("tempo", [40, 53, 80, 120, 160, 320])
def test_a_tempo_that_is_given_is_taken(tempo: float) -> None:
    beats = find_beats(waltz(80), Timing(tempo=tempo))
    assert beats is not None
    assert beats.tempo == pytest.approx(tempo, rel=0.1)


def test_half_the_tempo_is_every_other_beat_and_double_twice_as_many() -> None:
    notes = waltz(80, late_s=0.01)
    found = find_beats(notes)
    half, double = (find_beats(notes, Timing(tempo=tempo)) for tempo in (40, 160))
    assert found is not None
    assert half is not None
    assert double is not None
    assert set(half.times) < set(found.times)
    assert set(found.times) <= set(np.round(double.times, 4))
    assert half.downbeats[0] == double.downbeats[0] == found.downbeats[0]


def test_a_bar_begins_where_it_is_said_to_even_between_beats() -> None:
    notes = waltz(80)
    found = find_beats(notes)
    assert found is not None
    for position in (1, 2, 7.5):
        wanted = float(found.second(position))
        beats = find_beats(notes, Timing(bar_s=wanted + 0.05, per_bar=4))
        assert beats is not None
        assert beats.per_bar == 4
        assert np.abs(np.array(beats.downbeats) - wanted).min() < 1e-3
        assert beats.tempo == pytest.approx(found.tempo, rel=0.01)


def test_a_song_may_be_shorter_than_its_bar() -> None:
    eighths = [Note(0.15 * k, 0.15 * k + 0.1, pitch=40 + 20 * (k % 2)) for k in range(14)]
    beats = find_beats(eighths, Timing(per_bar=12))
    assert beats is not None
    assert len(beats.times) < beats.per_bar == 12


def test_few_notes_have_the_beat_that_is_said() -> None:
    beats = find_beats(waltz(100, 2)[:5], Timing(tempo=90, per_bar=3, bar_s=20.0))
    assert beats is not None
    assert beats.tempo == pytest.approx(90, abs=0.02)
    assert beats.times[0] <= 0.3
    assert float(beats.position(20.0) - beats.first_downbeat) % 3 == pytest.approx(0, abs=1e-3)
    assert find_beats([], Timing(tempo=90)) is None


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 60_000), max_size=60),
    st.floats(SLOWEST, FASTEST),
    st.none() | st.integers(1, MOST_PER_BAR),
    st.none() | st.floats(0, 100),
)
def test_whatever_is_said_is_so(onsets: list[int], tempo: float, per_bar: int | None, bar_s: float | None) -> None:
    notes = sorted(Note(onset / 1000, onset / 1000 + 0.2, pitch=60) for onset in onsets)
    beats = find_beats(notes, Timing(tempo=tempo, per_bar=per_bar, bar_s=bar_s))
    if not notes:
        assert beats is None
        return
    assert beats is not None
    assert abs(np.log(beats.tempo / tempo)) < 0.11
    assert per_bar in (None, beats.per_bar)


def test_few_notes_have_no_beat() -> None:
    assert find_beats([]) is None
    assert find_beats(waltz(100, 2)[:11]) is None
    assert find_beats([Note(1.0, 2.0, pitch=40 + k) for k in range(40)]) is None


@given(
    st.lists(st.floats(0.05, 2.0), min_size=1, max_size=40),
    st.sampled_from((0.25, 0.5, 1.0, 2.0, 4.0)),
    st.integers(1, MOST_PER_BAR),
    st.data(),
)
def test_other_paces_keep_a_first_beat_of_the_bar(
    steps: list[float], pace: float, per_bar: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, per_bar - 1))
    beats = Beats(times=tuple(np.cumsum([0.0, *steps]).tolist()), per_bar=per_bar, first_downbeat=first)
    paced = beats.at_pace(pace)
    downbeat = float(paced.position(beats.second(first)))
    assert (downbeat - paced.first_downbeat) % per_bar == pytest.approx(0, abs=1e-6) or downbeat > len(paced.times) - 1
    assert len(paced.times) >= 2


@pytest.mark.parametrize(
    "record",
    [
        None,
        {},
        {"tempo": 19, "per_bar": None, "bar_s": None},
        {"tempo": float("nan"), "per_bar": None, "bar_s": None},
        {"tempo": None, "per_bar": 0, "bar_s": None},
        {"tempo": None, "per_bar": None, "bar_s": -1},
        {"tempo": None, "per_bar": None, "bar_s": [3]},
        {"tempo": None, "per_bar": float("inf"), "bar_s": 1},
    ],
)
def test_what_is_no_timing_is_refused(record: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Timing.from_json(record)


@pytest.mark.parametrize(
    ("times", "per_bar", "first"), [((1.0,), 4, 0), ((1.0, 1.0), 4, 0), ((0.0, 1.0), 0, 0), ((0.0, 1.0), 4, 4)]
)
def test_beats_that_cannot_be_are_refused(times: tuple[float, ...], per_bar: int, first: int) -> None:
    with pytest.raises(ValueError, match="beat"):
        Beats(times=times, per_bar=per_bar, first_downbeat=first)


@pytest.mark.parametrize("start", [0.0, 0.05, 0.7])
def test_bars_of_the_midi_file_fall_on_those_of_the_music(start: float, tmp_path: Path) -> None:
    song = song_of(waltz(90, start=start))
    song_to_midi(song).write(str(tmp_path / "song.mid"))
    midi = pretty_midi.PrettyMIDI(str(tmp_path / "song.mid"))
    assert song.beats is not None
    wanted = np.array([second for second in song.beats.downbeats if second > 1.0])
    found = midi.get_downbeats()
    assert max(np.abs(found - second).min() for second in wanted[:-1]) < 0.003
    notes = sorted((note.start, note.pitch) for track in midi.instruments for note in track.notes)
    assert [pitch for _, pitch in notes] == [note.pitch for note in song.notes]
    assert max(abs(at - note.onset) for (at, _), note in zip(notes, song.notes, strict=True)) < 0.0015


def test_quantised_notes_are_on_the_grid_and_none_is_lost() -> None:
    notes = waltz(90, late_s=0.02)
    beats = find_beats(notes)
    assert beats is not None
    assert grid_of(notes, beats) == 4
    moved = quantised(notes, beats)
    assert len(moved) == len(notes)
    place = 4 * beats.position([note.onset for note in moved])
    np.testing.assert_allclose(place, np.rint(place), atol=1e-6)
    assert min(note.onset for note in moved) >= 0


def test_triplets_have_their_grid() -> None:
    beats = Beats(times=tuple(np.arange(20) / 2))
    assert grid_of([Note(k / 6, k / 6 + 0.1, pitch=60) for k in range(50)], beats) == 3


def test_a_song_without_beats_has_plain_midi() -> None:
    song = song_of([Note(0.0, 1.0, pitch=60)])
    assert beats_to_csv(song) == "time_s,beat\n"
    assert song_to_midi(song).time_signature_changes == []


def test_six_beats_a_bar_are_eighths(tmp_path: Path) -> None:
    song = song_of(waltz(180), Timing(tempo=180, per_bar=6))
    song_to_midi(song).write(str(tmp_path / "song.mid"))
    midi = pretty_midi.PrettyMIDI(str(tmp_path / "song.mid"))
    last = midi.time_signature_changes[-1]
    assert (last.numerator, last.denominator) == (6, 8)
    assert song.beats is not None
    found = midi.get_downbeats()
    assert max(np.abs(found - second).min() for second in song.beats.downbeats[1:-1]) < 0.003
    assert grid_of(song.notes, song.beats) == 2


def test_the_table_counts_beats_within_bars() -> None:
    lines = beats_to_csv(song_of(waltz(90))).splitlines()
    assert [line.partition(",")[2] for line in lines[1:8]] == list("1231231")
