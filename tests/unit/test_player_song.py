"""What the player reads of a song: confidences, the comparison with a score, and the probabilities."""

import json
import os
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtinst.compare import compare_notes
from mtinst.edits import Edit
from mtinst.grid import INSTRUMENT_INDEX, N_INSTRUMENTS, SPEC
from mtinst.page.player import FOLDER
from mtinst.page.player.song import FAINTEST, STEP, song_record, write_probabilities
from mtinst.records import Note, Rolls, Timing
from mtinst.sound.synth import mix, synthesise, write_audio
from mtinst.transcription import Transcription
from tests.tiny import transcription_with


def transcription_of(notes: list[Note], n_frames: int = 64) -> Transcription:
    """One whose network gives each note's first half 0.6 and its second half 0.8, and all else 0.01."""
    rolls = Rolls.zeros(n_frames)
    rolls.piano[:] = 0.01
    for note in notes:
        first, end = SPEC.second_to_frame(note.onset), SPEC.second_to_frame(note.offset)
        row = rolls.piano[INSTRUMENT_INDEX[note.instrument], note.pitch - SPEC.lowest_pitch]
        row[first : (first + end) // 2] = 0.6
        row[(first + end) // 2 : end] = 0.8
    return transcription_with(sorted(notes), rolls, n_frames / SPEC.frame_rate)


NOTES = [
    Note(0.0, 0.32, pitch=60, instrument="cello"),
    Note(0.32, 0.64, pitch=62, instrument="cello"),
    Note(0.32, 0.64, pitch=67),
]


def test_a_note_is_as_sure_as_its_frames() -> None:
    by_name = {one["name"]: one for one in song_record(transcription_of(NOTES))["instruments"]}
    assert by_name["cello"]["confidences"] == [0.7, 0.7]
    assert by_name["piano"]["confidences"] == [0.7]
    assert by_name["flute"]["confidences"] == []


def test_a_comparison_says_what_is_hit_missed_and_too_much() -> None:
    score = [NOTES[0], Note(0.32, 0.64, pitch=62, instrument="violin"), NOTES[2], Note(1.0, 1.5, pitch=30)]
    transcription = transcription_of(NOTES)
    record = json.loads(json.dumps(song_record(transcription, compare_notes(transcription.notes, score))))
    by_name = {one["name"]: one for one in record["instruments"]}
    assert by_name["cello"]["extra"] == [1]
    assert by_name["piano"]["extra"] == by_name["violin"]["extra"] == []
    notes = record["reference"]["notes"]
    assert notes["cello"] == [[0.0, 0.32, 60, 1]]
    assert notes["violin"] == [[0.32, 0.64, 62, 0]]
    assert notes["piano"] == [[0.32, 0.64, 67, 1], [1.0, 1.5, 30, 0]]
    assert record["reference"]["scores"] == {
        "note_f1": round(6 / 7, 4),
        "note_instrument_f1": round(4 / 7, 4),
        "precision": round(2 / 3, 4),
        "recall": 0.5,
    }


def test_without_a_comparison_there_is_no_reference() -> None:
    record = song_record(transcription_of(NOTES))
    assert "reference" not in record
    assert all("extra" not in one for one in record["instruments"])


def test_the_edits_that_the_notes_have_are_told() -> None:
    edit = Edit(None, NOTES[2])
    song = replace(transcription_of(NOTES), edits=(edit,))
    assert song_record(song)["edits"] == [{"was": None, "now": [0.32, 0.64, 67, "piano"]}]


def test_the_beats_and_what_is_said_of_them_are_told() -> None:
    said = Timing(tempo=120.0, per_bar=3, bar_s=0.5)
    song = replace(transcription_of(NOTES), edits=(Edit(None, NOTES[2]),), timing=said)
    record = song_record(song)
    assert record["timing"] == {"tempo": 120.0, "per_bar": 3, "bar_s": 0.5}
    assert record["beats"]["tempo"] == 120.0
    assert record["beats"]["times"][record["beats"]["first_downbeat"]] % 1.5 == pytest.approx(0.5, abs=1e-3)
    assert song_record(replace(song, timing=Timing()))["beats"] is None


def test_a_comparison_of_other_notes_is_refused() -> None:
    with pytest.raises(ValueError, match="the comparison is of 2 notes, not of 3"):
        song_record(transcription_of(NOTES), compare_notes(NOTES[:2], NOTES))


def test_probabilities_are_written_as_bytes_without_the_faint_ones(tmp_path: Path) -> None:
    transcription = transcription_of(NOTES)
    write_probabilities(transcription, tmp_path / "probabilities.u8")
    bytes_ = zlib.decompress((tmp_path / "probabilities.u8").read_bytes())
    levels = np.frombuffer(bytes_, np.uint8).reshape(N_INSTRUMENTS, SPEC.n_pitches, 64)
    shown = levels / 255
    assert np.abs(shown - transcription.piano_roll)[levels > 0].max() <= STEP / 2 / 255 + 1e-6
    assert transcription.piano_roll[levels == 0].max() < FAINTEST
    assert (levels > 0).sum() == 3 * 10


def test_the_probabilities_of_five_minutes_are_at_most_three_megabytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    transcription = transcription_of([], n_frames=round(300 * SPEC.frame_rate))
    # Thrice as much goes on as in a song, and without any pattern: a tenth of all cells is uncertain.
    rolls = transcription.rolls
    rolls.piano[:] = rng.random(rolls.piano.shape, np.float32) ** 28
    write_probabilities(transcription, tmp_path / "probabilities.u8")
    assert (rolls.piano >= FAINTEST).mean() > 0.1
    assert (tmp_path / "probabilities.u8").stat().st_size < 3e6


EXAMPLE = FOLDER / "example"
EXAMPLE_RATE = 16_000


def canon() -> Transcription:
    """A round for two, a note about each half second."""
    tune = [60, 62, 64, 60, 60, 62, 64, 60, 64, 65, 67, None, 64, 65, 67, None]
    notes = [
        Note(0.512 * (k + delay), 0.512 * (k + delay) + 0.448, pitch=pitch + lift, instrument=name)
        for name, delay, lift in (("piano", 0, 0), ("violin", 8, 12))
        for k, pitch in enumerate(tune)
        if pitch is not None
    ]
    n_frames = round(12.5 * SPEC.frame_rate)
    rolls = Rolls.zeros(n_frames)
    for note in notes:
        index, first, end = INSTRUMENT_INDEX[note.instrument], *map(SPEC.second_to_frame, (note.onset, note.offset))
        sureness = np.linspace(1.0, 0.6, end - first)
        rolls.piano[index, note.pitch - SPEC.lowest_pitch, first:end] = sureness
        rolls.instrument[index, first:end] = sureness
        rolls.pitch[note.pitch - SPEC.lowest_pitch, first:end] = sureness
    return transcription_with(sorted(notes), rolls, n_frames / SPEC.frame_rate)


def test_the_golden_example_on_a_bare_page_is_a_song_as_the_server_describes_it() -> None:
    """``make golden`` rewrites it, with its sound."""
    song = canon()
    record = json.loads(json.dumps(song_record(song)))
    if os.environ.get("MTINST_REWRITE_GOLDEN"):
        (EXAMPLE / "song.json").write_text(json.dumps(record) + "\n")
        stems = synthesise(song.notes, duration_s=song.duration_s, sample_rate=EXAMPLE_RATE)
        for name, samples in (stems | {"song": mix(stems)}).items():
            write_audio(EXAMPLE / f"{name}.ogg", samples, EXAMPLE_RATE)
    assert json.loads((EXAMPLE / "song.json").read_text()) == record
