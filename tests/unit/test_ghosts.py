"""Ghosts: which there are, in which order, and what is told of each."""

from dataclasses import replace

import numpy as np
import pytest

from mtinst.edits import Edit
from mtinst.grid import INSTRUMENT_INDEX, SPEC
from mtinst.page.player import ghosts
from mtinst.page.player.ghosts import ghost_records
from mtinst.records import Note, Rolls, Thresholds
from mtinst.transcription import Transcription

N_FRAMES = 200
FRAME_S = 1 / SPEC.frame_rate
SURE, FAINT, FAINTER, NOTHING = 0.9, 0.4, 0.3, 0.05  # of which 0.5, the threshold, becomes 0.12


def song(*played: tuple[str, int, int, float]) -> Transcription:
    """A song in which instruments play a pitch from a frame on, for ten frames, that likely."""
    rolls = Rolls.zeros(N_FRAMES)
    rolls.piano[:] = rolls.onset[:] = NOTHING
    for instrument, pitch, first, probability in played:
        row = INSTRUMENT_INDEX[instrument], pitch - SPEC.lowest_pitch
        rolls.piano[(*row, slice(first, first + 10))] = rolls.onset[(*row, first)] = probability
    return Transcription(
        rolls=rolls,
        levels=np.ones((SPEC.n_pitches, N_FRAMES), np.float32),
        thresholds=Thresholds.uniform(presence=0.0),
        duration_s=N_FRAMES * FRAME_S,
        spec=SPEC,
    )


def places(transcription: Transcription) -> list[tuple[str, int, int]]:
    """Instrument, pitch and first frame of each ghost."""
    return [(name, pitch, round(onset / FRAME_S)) for onset, _, pitch, name, _ in ghost_records(transcription)]


def test_ghosts_are_notes_too_faint_to_be_reported_the_likeliest_first() -> None:
    played = song(("violin", 60, 10, SURE), ("violin", 64, 10, FAINTER), ("violin", 67, 40, FAINT))
    assert [note.pitch for note in played.notes] == [60]
    assert places(played) == [("violin", 67, 40), ("violin", 64, 10)]


def test_a_ghost_says_who_it_could_be_and_how_likely() -> None:
    played = song(("flute", 60, 10, FAINT), ("cello", 60, 10, 0.1), ("bass", 60, 10, 0.08))
    ((onset, offset, pitch, name, candidates),) = ghost_records(played)
    assert (onset, offset) == pytest.approx((10 * FRAME_S, 20 * FRAME_S))
    assert (pitch, name) == (60, "flute")
    assert candidates == [["flute", 0.4], ["cello", 0.1], ["bass", 0.08]]


def test_one_ghost_is_shown_where_several_instruments_were_half_heard() -> None:
    played = song(("flute", 60, 10, FAINTER), ("violin", 60, 12, FAINT))
    assert places(played) == [("violin", 60, 12)]


def test_no_ghost_lies_over_a_note_but_one_may_follow_it() -> None:
    beside = [("cello", 60, 20, FAINT), ("cello", 61, 12, FAINT)]
    played = song(("violin", 60, 10, SURE), ("cello", 60, 14, FAINT))
    assert places(played) == []
    assert sorted(places(song(("violin", 60, 10, SURE), *beside))) == [(name, *place) for name, *place, _ in beside]


def test_ghosts_stay_whatever_is_edited() -> None:
    played = song(("violin", 60, 10, SURE), ("violin", 64, 10, FAINT))
    (note,) = played.notes
    removed, added = Edit(note, None), Edit(None, Note(10 * FRAME_S, 1.0, pitch=64))
    assert places(replace(played, edits=(removed, added))) == places(played) == [("violin", 64, 10)]


def test_ghosts_follow_the_thresholds() -> None:
    played = song(("violin", 64, 10, FAINT), ("violin", 64, 40, 0.1))
    assert places(played) == [("violin", 64, 10)]
    assert places(played.decode(Thresholds.uniform(frame=0.3, onset=0.3, presence=0.0))) == [("violin", 64, 40)]


def test_the_likeliest_of_many_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ghosts, "MOST", 2)
    played = song(*(("violin", 60 + step, 10, 0.2 + 0.05 * step) for step in range(5)))
    assert [pitch for _, pitch, _ in places(played)] == [64, 63]


def test_a_song_without_a_sound_has_no_ghosts() -> None:
    assert ghost_records(song()) == []
