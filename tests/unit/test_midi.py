"""MIDI files: what is written comes back, to the frame."""

import os
from collections import defaultdict
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtinst.compare import compare_notes
from mtinst.errors import MidiError
from mtinst.export.midi import (
    CLASS_OF_PROGRAM,
    LARGEST_BYTES,
    SIGNATURE,
    is_signed,
    notes_to_midi,
    read_midi,
    separate_strikes,
    sign,
    write_midi,
)
from mtinst.grid import INSTRUMENT_NAMES, INSTRUMENTS, SPEC
from mtinst.hear.notes import MOST_OFF_CENTRE, notes_to_roll
from mtinst.records import Note

N_FRAMES = 400


@st.composite
def notes_on_grid(draw: st.DrawFn) -> list[Note]:
    """Notes on the frame grid, in any order, which may touch but not overlap on one key."""
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from(INSTRUMENT_NAMES), st.integers(SPEC.lowest_pitch, SPEC.highest_pitch)),
            max_size=12,
            unique=True,
        )
    )
    notes = []
    for instrument, pitch in keys:
        frame = draw(st.integers(0, 200))
        for _ in range(draw(st.integers(1, 4))):
            onset, frame = frame, frame + draw(st.integers(1, 40))
            velocity = draw(st.integers(1, 127))
            notes.append(
                Note(
                    SPEC.frame_to_second(onset),
                    SPEC.frame_to_second(frame),
                    pitch=pitch,
                    instrument=instrument,
                    velocity=velocity,
                )
            )
            frame += draw(st.sampled_from([0, 0, 1, 9]))
    return draw(st.permutations(notes))


@st.composite
def any_notes(draw: st.DrawFn) -> list[Note]:
    """Notes that need not fit any grid, and crowd on few keys."""
    times = st.floats(0, 20)
    return [
        Note(onset, onset + length, pitch=pitch, instrument=instrument)
        for onset, length, pitch, instrument in draw(
            st.lists(
                st.tuples(times, st.floats(1e-5, 5), st.integers(60, 61), st.sampled_from(["piano", "flute"])),
                max_size=20,
            )
        )
    ]


@given(notes=notes_on_grid())
def test_read_midi_inverts_write_midi(tmp_path_factory: pytest.TempPathFactory, notes: list[Note]) -> None:
    path = tmp_path_factory.mktemp("midi") / "notes.mid"
    write_midi(notes, path)
    read = read_midi(path)
    assert read == sorted(notes)
    np.testing.assert_array_equal(notes_to_roll(read, N_FRAMES), notes_to_roll(notes, N_FRAMES))


@given(notes=any_notes())
def test_any_notes_survive_as_their_separate_strikes(
    tmp_path_factory: pytest.TempPathFactory, notes: list[Note]
) -> None:
    path = tmp_path_factory.mktemp("midi") / "notes.mid"
    write_midi(notes, path)
    assert read_midi(path) == separate_strikes(notes)


@given(notes=any_notes())
def test_separate_strikes_never_overlap_and_change_no_onset(notes: list[Note]) -> None:
    separated = separate_strikes(notes)
    assert separate_strikes(separated) == separated
    by_key = defaultdict(list)
    for note in separated:
        by_key[note.instrument, note.pitch].append(note)
    for strikes in by_key.values():
        assert all(former.offset <= latter.onset for former, latter in pairwise(strikes))
    assert {round(note.onset * 1000) for note in separated} == {round(note.onset * 1000) for note in notes}


def test_separate_strikes_keeps_the_longer_of_two_that_start_together() -> None:
    long, short = Note(1.0, 3.0, pitch=60), Note(1.0002, 2.0, pitch=60)
    assert separate_strikes([long, short]) == separate_strikes([short, long]) == [long]


def test_a_file_holds_named_tracks_with_programs_that_count_from_zero(tmp_path: Path) -> None:
    notes = [Note(0.32, 0.64, pitch=60, instrument=name) for name in reversed(INSTRUMENT_NAMES)]
    write_midi(notes, tmp_path / "notes.mid")
    tracks = mido.MidiFile(tmp_path / "notes.mid").tracks[1:]
    found = [
        (track.name, next(message for message in track if message.type == "program_change").program) for track in tracks
    ]
    assert found == [(instrument.label, instrument.program) for instrument in INSTRUMENTS]
    channels = {message.channel for track in tracks for message in track if message.type == "note_on"}
    assert len(channels) == len(INSTRUMENTS)
    assert 9 not in channels  # which is for drums


def test_a_file_lasts_as_long_as_its_notes(tmp_path: Path) -> None:
    write_midi([Note(0.0, 83.2, pitch=60)], tmp_path / "notes.mid")
    assert mido.MidiFile(tmp_path / "notes.mid").length == pytest.approx(83.2, abs=0.002)


def test_no_notes_make_a_file_without_tracks(tmp_path: Path) -> None:
    write_midi([], tmp_path / "empty.mid")
    assert read_midi(tmp_path / "empty.mid") == []
    assert notes_to_midi([]).instruments == []


def test_a_signature_is_known_whichever_version_it_names(tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    midi = notes_to_midi([Note(0.32, 0.64, pitch=60)])
    midi.write(str(path))
    assert not is_signed(path)
    sign(midi).write(str(path))
    assert is_signed(path)
    midi.text_events = [pretty_midi.Text(SIGNATURE, 0.0)]  # before there were versions
    midi.write(str(path))
    assert is_signed(path)


def test_read_midi_sorts_programs_into_instruments_and_drops_what_has_no_pitch(tmp_path: Path) -> None:
    midi = pretty_midi.PrettyMIDI()
    for program in range(128):
        midi.instruments.append(pretty_midi.Instrument(program))
        midi.instruments[-1].notes.append(pretty_midi.Note(90, 60, 0.5, 1.0))
    midi.instruments.append(pretty_midi.Instrument(0, is_drum=True))
    midi.instruments[-1].notes.append(pretty_midi.Note(90, 38, 0.5, 1.0))
    midi.write(str(tmp_path / "all.mid"))
    notes = read_midi(tmp_path / "all.mid")
    assert len(notes) == len(CLASS_OF_PROGRAM)
    assert {note.pitch for note in notes} == {60}
    assert {note.instrument for note in notes} == set(INSTRUMENT_NAMES)


@pytest.mark.parametrize(
    ("program", "instrument"),
    [(1, "piano"), (4, "other"), (41, "other"), (43, "other"), (53, "voice"), (71, "other"), (72, "flute")],
)
def test_a_relative_of_an_instrument_counts_as_it_where_it_sounds_like_it(program: int, instrument: str) -> None:
    assert CLASS_OF_PROGRAM[program] == instrument


def test_a_clarinet_in_the_right_notes_is_found_as_other(tmp_path: Path) -> None:
    midi = pretty_midi.PrettyMIDI()
    midi.instruments = [pretty_midi.Instrument(pretty_midi.instrument_name_to_program("Clarinet"))]
    midi.instruments[0].notes = [pretty_midi.Note(80, pitch, 0.5, 1.0) for pitch in (60, 64)]
    midi.write(str(tmp_path / "trio.mid"))
    found = [Note(0.51, 0.9, pitch=60, instrument="other"), Note(0.51, 0.9, pitch=64, instrument="saxophone")]
    assert compare_notes(found, read_midi(tmp_path / "trio.mid")).hit == (True, False)


@given(frame=st.integers(1, 3_000_000), off_centre=st.floats(-MOST_OFF_CENTRE, MOST_OFF_CENTRE))
def test_an_onset_between_two_frames_stays_in_its_frame(frame: int, off_centre: float) -> None:
    onset = SPEC.frame_to_second(frame + off_centre)
    (note,) = separate_strikes([Note(onset, onset + 1, pitch=60)])
    assert SPEC.second_to_frame(note.onset) == SPEC.second_to_frame(onset) == frame
    assert note.onset == pytest.approx(onset, abs=0.00051)


def test_every_instrument_is_read_as_itself() -> None:
    assert [CLASS_OF_PROGRAM[instrument.program] for instrument in INSTRUMENTS] == list(INSTRUMENT_NAMES)


def test_read_midi_follows_tempo_changes(tmp_path: Path) -> None:
    track = mido.MidiTrack(
        [
            mido.MetaMessage("set_tempo", tempo=1_000_000, time=0),
            mido.Message("note_on", note=60, velocity=70, time=480),
            mido.MetaMessage("set_tempo", tempo=250_000, time=480),
            mido.Message("note_off", note=60, time=480),
        ]
    )
    mido.MidiFile(type=0, ticks_per_beat=480, tracks=[track]).save(tmp_path / "tempo.mid")
    assert read_midi(tmp_path / "tempo.mid") == [Note(1.0, 2.25, pitch=60, velocity=70)]


def test_read_midi_takes_tempo_changes_outside_the_first_track(tmp_path: Path) -> None:
    notes = mido.MidiTrack(
        [
            mido.MetaMessage("set_tempo", tempo=500_000, time=0),
            mido.Message("note_on", note=60, velocity=70, time=480),
            mido.Message("note_off", note=60, time=480),
        ]
    )
    mido.MidiFile(ticks_per_beat=480, tracks=[mido.MidiTrack(), notes]).save(tmp_path / "odd.mid")
    assert read_midi(tmp_path / "odd.mid") == [Note(0.5, 1.0, pitch=60, velocity=70)]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.mid", b"", "empty.mid is an empty file"),
        ("song.mid", b"RIFF....WAVEfmt ", "song.mid cannot be read as MIDI"),
        (
            "cut.mid",
            b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk\x00\x00\x00\x20",
            "cut.mid cannot be read as MIDI",
        ),
        ("two\nlines.mid", b"MThd", "two�lines.mid cannot be read as MIDI"),
    ],
)
def test_read_midi_says_in_one_line_what_is_wrong(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MidiError) as raised:
        read_midi(tmp_path / name)
    assert str(raised.value) == sentence


def test_read_midi_names_a_file_that_it_cannot_open(tmp_path: Path) -> None:
    with pytest.raises(MidiError, match=r"^none\.mid does not exist$"):
        read_midi(tmp_path / "none.mid")
    with pytest.raises(MidiError, match=r"^\S+ is a folder, not a MIDI file$"):
        read_midi(tmp_path)
    os.mkfifo(tmp_path / "pipe.mid")
    with pytest.raises(MidiError, match=r"^pipe\.mid is a device, not a MIDI file$"):
        read_midi(tmp_path / "pipe.mid")


def test_read_midi_refuses_a_file_that_would_fill_the_memory(tmp_path: Path) -> None:
    header = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0MTrk\x00\x1e\x84\x80"
    (tmp_path / "large.mid").write_bytes(header + b"\x00\x90\x3c\x40" * (LARGEST_BYTES // 4))
    with pytest.raises(MidiError, match=r"^large\.mid is larger than 2 MB, the largest MIDI file that is taken$"):
        read_midi(tmp_path / "large.mid")


def test_read_midi_refuses_a_clock_that_runs_backwards(tmp_path: Path) -> None:
    """Divisions over 32767 mean film frames, which the parser takes for a negative number of ticks."""
    write_midi([Note(1.0, 2.0, pitch=60)], tmp_path / "film.mid")
    content = bytearray((tmp_path / "film.mid").read_bytes())
    content[12:14] = b"\xe7\x28"
    (tmp_path / "film.mid").write_bytes(content)
    with pytest.raises(MidiError, match=r"^film\.mid cannot be read as MIDI$"):
        read_midi(tmp_path / "film.mid")


def test_write_midi_names_a_file_that_it_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(MidiError, match=r"^notes\.mid cannot be written: No such file or directory$"):
        write_midi([], tmp_path / "nowhere" / "notes.mid")


@given(data=st.data())
def test_damage_gives_notes_or_a_midi_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("midi") / "damaged.mid"
    write_midi([Note(0.32, 0.64, pitch=60), Note(0.64, 0.96, pitch=60, instrument="violin")], path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with suppress(MidiError):
        read_midi(path)
