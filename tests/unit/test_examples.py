"""The shipped songs against their reference notes, and the program that made them against small cases of its own."""

from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import librosa
import numpy as np
import pretty_midi
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from examples.make import main, sources
from examples.notation import DYNAMICS, parse_voice
from examples.perform import MONOPHONIC, PlayedNote, perform, reference_midi
from examples.piece import DRUMS, Part, Piece, Timbre
from examples.render import SAMPLE_RATE, Sound, render, write_ogg
from examples.scores import PIECES
from mtinst.errors import SynthesisError
from mtinst.export.midi import read_midi
from mtinst.grid import INSTRUMENT_INDEX, INSTRUMENTS, NINE
from mtinst.page.examples import find_examples, heard_beside
from mtinst.pipeline import Transcriber, Transcription

EXAMPLES = Path(__file__).parents[2] / "examples"
LABELS = {instrument.label: instrument for instrument in INSTRUMENTS}
BY_SLUG = {piece.slug: piece for piece in PIECES}
each_song = pytest.mark.parametrize("slug", sorted(BY_SLUG))


@cache
def load_song(slug: str) -> tuple[Sound, int]:
    """One shipped song, (n_samples, n_channels), and its sample rate."""
    samples, sample_rate = sf.read(EXAMPLES / f"{slug}.ogg", always_2d=True)
    return np.asarray(samples), int(sample_rate)


@cache
def load_reference(slug: str) -> pretty_midi.PrettyMIDI:
    """Its reference notes."""
    return pretty_midi.PrettyMIDI(str(EXAMPLES / f"{slug}.mid"))


# What ships ----------------------------------------------------------------------------------------------------------


def test_every_song_has_its_notes_and_its_score() -> None:
    assert len(PIECES) >= 8
    assert {path.stem for path in EXAMPLES.glob("*.ogg")} == set(BY_SLUG)
    assert {path.stem for path in EXAMPLES.glob("*.mid")} == set(BY_SLUG)


def test_the_first_example_comes_with_what_the_shipped_weights_hear_of_it() -> None:
    transcriber, song = Transcriber.load(), find_examples(EXAMPLES)[0].path
    shipped = heard_beside(song, transcriber.digest)
    assert list(EXAMPLES.glob("*.npz")) == [shipped]  # else: python -m examples.heard
    read, heard = Transcription.load_npz(shipped, transcriber.spec), transcriber.transcribe(song)
    assert read.audio == heard.audio
    for roll, expected in zip(read.rolls, heard.rolls, strict=True):
        assert np.quantile(np.abs(roll - expected), 0.999) < 0.05  # other processors round otherwise


def test_all_songs_together_are_small() -> None:
    shipped = [path for path in EXAMPLES.iterdir() if path.suffix in {".ogg", ".mid", ".md", ".npz"}]
    assert sum(path.stat().st_size for path in shipped) < 6_000_000


def test_the_songs_cover_solo_duo_ensemble_and_the_nine_instruments() -> None:
    players = [len({part.instrument for part in piece.parts}) for piece in PIECES]
    assert 1 in players
    assert 2 in players
    assert max(players) == len(NINE)
    heard = [name for piece in PIECES for name in {part.instrument for part in piece.parts}]
    assert all(heard.count(name) >= 2 for name in NINE)


@each_song
def test_a_song_lasts_as_long_as_its_notes_and_an_echo(slug: str) -> None:
    samples, sample_rate = load_song(slug)
    duration_s = len(samples) / sample_rate
    assert 20 <= duration_s <= 60
    assert 0 < duration_s - load_reference(slug).get_end_time() < 2


@each_song
def test_a_song_is_loud_but_not_clipped(slug: str) -> None:
    samples, sample_rate = load_song(slug)
    assert sample_rate in {32000, 44100}
    assert 0.5 < np.abs(samples).max() < 1
    assert 20 * np.log10(np.sqrt(np.mean(samples**2))) > -30


@each_song
def test_tracks_carry_the_names_and_programs_of_the_instrument_table(slug: str) -> None:
    tracks = load_reference(slug).instruments
    pitched = [track for track in tracks if not track.is_drum]
    assert [LABELS[track.name].program for track in pitched] == [track.program for track in pitched]
    order = [INSTRUMENT_INDEX[LABELS[track.name].name] for track in pitched]
    assert order == sorted(set(order))
    assert [track.name for track in tracks if track.is_drum] in ([], ["Drums"])
    wanted = {part.instrument for part in BY_SLUG[slug].parts}
    assert {LABELS[track.name].name for track in pitched} == wanted - {DRUMS}


@each_song
def test_no_pedal_and_no_pitch_sounds_twice_in_a_track(slug: str) -> None:
    for track in load_reference(slug).instruments:
        assert not track.control_changes
        for pitch in {note.pitch for note in track.notes}:
            notes = sorted((note.start, note.end) for note in track.notes if note.pitch == pitch)
            assert all(end <= start for (_, end), (start, _) in pairwise(notes))


@each_song
def test_the_project_reads_the_reference_notes(slug: str) -> None:
    notes = read_midi(EXAMPLES / f"{slug}.mid")
    pitched = [track for track in load_reference(slug).instruments if not track.is_drum]
    assert len(notes) == sum(len(track.notes) for track in pitched)
    assert {note.instrument for note in notes} == {LABELS[track.name].name for track in pitched}


@each_song
def test_onsets_in_the_sound_are_onsets_in_the_notes(slug: str) -> None:
    samples, sample_rate = load_song(slug)
    strength = librosa.onset.onset_strength(y=samples.mean(axis=1), sr=sample_rate, hop_length=256)
    heard = librosa.onset.onset_detect(onset_envelope=strength, sr=sample_rate, hop_length=256, units="time")
    written = np.array([note.start for track in load_reference(slug).instruments for note in track.notes])
    errors = np.abs(heard[:, None] - written).min(axis=1)
    assert len(heard) > 40
    assert np.median(errors) < 0.04
    assert np.mean(errors < 0.06) > 0.9


@each_song
def test_written_pitches_sound(slug: str) -> None:
    samples, sample_rate = load_song(slug)
    audio = librosa.resample(samples.mean(axis=1), orig_sr=sample_rate, target_sr=16000, res_type="polyphase")
    cqt = np.abs(librosa.cqt(audio, sr=16000, hop_length=512, n_bins=88, fmin=librosa.midi_to_hz(21)))
    piano = np.zeros(cqt.shape, dtype=bool)
    for track in load_reference(slug).instruments:
        for note in track.notes if not track.is_drum else []:
            piano[note.pitch - 21, round(note.start * 31.25) + 1 : round(note.end * 31.25)] = True
    sounding = piano.any(axis=0)
    level_db = librosa.amplitude_to_db(cqt, ref=cqt.max())
    assert np.median(level_db[piano]) > np.median(level_db[:, sounding][~piano[:, sounding]]) + 15
    up, down = np.roll(piano, 1, axis=0), np.roll(piano, -1, axis=0)
    assert np.median(level_db[piano]) > np.median(level_db[(up | down) & ~piano]) + 3


@each_song
def test_the_shipped_notes_are_those_of_the_score(slug: str) -> None:
    # Rubato and errors are drawn by a seeded generator, whose stream another numpy may change: hence the tolerance.
    wanted = reference_midi(BY_SLUG[slug])
    shipped = load_reference(slug)
    assert [track.name for track in shipped.instruments] == [track.name for track in wanted.instruments]
    for here, there in zip(shipped.instruments, wanted.instruments, strict=True):
        assert sorted(note.pitch for note in here.notes) == sorted(note.pitch for note in there.notes)
        onsets, wanted_onsets = (np.sort([note.start for note in track.notes]) for track in (here, there))
        np.testing.assert_allclose(onsets, wanted_onsets, atol=0.05)


def test_sources_names_every_file_and_is_up_to_date() -> None:
    text = (EXAMPLES / "SOURCES.md").read_text(encoding="utf-8")
    assert all(f"`{slug}.ogg`, `{slug}.mid`" in text for slug in BY_SLUG)
    assert text == sources(PIECES)


# Scores as text ------------------------------------------------------------------------------------------------------


def test_octave_and_length_carry_over() -> None:
    notes = parse_voice("C#5:1/2 D Bb4:1 r C |")
    assert [(note.pitch, note.start, note.end) for note in notes] == [
        (73, 0, Fraction(1, 2)),
        (74, Fraction(1, 2), 1),
        (70, 1, 2),
        (60, 3, 4),
    ]


def test_chords_ties_marks_and_ringing_notes() -> None:
    tied, ringing, upper = parse_voice("C4:2~ C:1 {E:.5 G:.5} |")
    assert [tied.start, tied.end] == [0, 3]
    assert [ringing.end, upper.end] == [4, 4]
    assert ringing.is_ringing
    chord = parse_voice("A3+C4+E:4'> |")
    assert [note.pitch for note in chord] == [57, 60, 64]
    assert all(note.is_staccato and note.is_accented for note in chord)


def test_dynamics_hold_or_move_to_the_next_mark() -> None:
    levels = [note.level for note in parse_voice("!p C4:1 !p< C C !f C |")]
    assert levels == [DYNAMICS["p"], DYNAMICS["p"], (DYNAMICS["p"] + DYNAMICS["f"]) / 2, DYNAMICS["f"]]


def test_drums_read_letters() -> None:
    assert [note.pitch for note in parse_voice("K+H:4 |", drums=True)] == [36, 42]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("C4:3 |", "bar 1 ends at beat 3"),
        ("C4:1 ?", "cannot read"),
        ("C:1", "needs an octave"),
        ("Cx4:1", "not a pitch"),
        ("!loud C4:1", "not a dynamic"),
        ("C4:1~ D", "is not in it"),
        ("C4:1~", "tied to nothing"),
        ("{C4:1", "no closing one"),
        ("C4:1 }", "no opening one"),
    ],
)
def test_a_score_that_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_voice(text)


def test_an_unknown_drum_is_refused() -> None:
    with pytest.raises(ValueError, match="not a drum"):
        parse_voice("Q:1", drums=True)


@given(st.lists(st.tuples(st.integers(12, 119), st.integers(1, 32)), min_size=1, max_size=30))
def test_any_melody_reads_back(melody: list[tuple[int, int]]) -> None:
    names = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
    text = " ".join(f"{names[pitch % 12]}{pitch // 12 - 1}:{eighths}/8" for pitch, eighths in melody)
    read = [(note.pitch, (note.end - note.start) * 8) for note in parse_voice(text)]
    assert read == [(pitch, Fraction(eighths)) for pitch, eighths in melody]


# Performance and sound -----------------------------------------------------------------------------------------------


def small_piece(*parts: Part) -> Piece:
    """A piece of two bars."""
    return Piece(slug="small", title="Small", origin="Ours.", parts=parts, tempo=((0, 120), (8, 120)), rubato=0.0)


def test_a_performance_keeps_the_beat_and_repeats_itself() -> None:
    piece = small_piece(Part(instrument="violin", timbre=Timbre(program=40), voices=("C4:1 D E F | G A B C5 |",)))
    (notes,) = perform(piece)
    assert perform(piece) == [notes]
    np.testing.assert_allclose([note.onset for note in notes], 0.3 + 0.5 * np.arange(8), atol=0.02)
    assert all(note.offset < following.onset for note, following in pairwise(notes))


@each_song
def test_single_line_players_never_overlap_with_themselves(slug: str) -> None:
    piece = BY_SLUG[slug]
    for part, notes in zip(piece.parts, perform(piece), strict=True):
        assert all(note.offset > note.onset for note in notes)
        if part.instrument in MONOPHONIC:
            assert all(note.offset < following.onset for note, following in pairwise(notes))


def test_two_players_of_one_instrument_share_a_track() -> None:
    parts = [Part(instrument="violin", timbre=Timbre(program=40), voices=(voice,)) for voice in ("C4:2 D |", "C4:4 |")]
    (track,) = reference_midi(small_piece(*parts)).instruments
    assert [note.pitch for note in track.notes] == [60, 62]
    assert track.notes[0].end > 2  # the longer of the two


def make_bank(folder: Path, *, pitch: int) -> None:
    """A bank of one recording: a sine of `pitch`, a second long."""
    time = np.arange(16000) / 16000
    sf.write(folder / "note.wav", 0.3 * np.sin(2 * np.pi * librosa.midi_to_hz(pitch) * time), 16000)
    (folder / "index.csv").write_text(
        f"file,bank,instrument,midi,dynamic,articulation,cents,seconds\nnote.wav,sines,violin,{pitch},mf,,0,1\n"
    )


def test_rendering_plays_the_written_pitch_at_the_written_time(tmp_path: Path) -> None:
    make_bank(tmp_path, pitch=67)
    parts = (
        Part(instrument="violin", timbre=Timbre(bank="sines"), voices=("r:1 A4:3 |",)),
        Part(instrument="drums", timbre=Timbre(), voices=("K+C:.5 H S O T X R H |",), level_db=-20),
    )
    piece = small_piece(*parts)
    mix, (violin, drums) = render(piece, perform(piece), tmp_path / "none.sf2", tmp_path)
    assert mix.shape == (len(violin), 2)
    assert np.abs(mix).max() == pytest.approx(10 ** (-1 / 20))
    assert np.abs(drums).max() > 0
    audible = np.flatnonzero(np.abs(violin) > 0.1 * np.abs(violin).max())
    onset = perform(piece)[0][0].onset
    assert audible[0] / SAMPLE_RATE == pytest.approx(onset, abs=0.02)
    spectrum = np.abs(np.fft.rfft(violin))
    assert np.fft.rfftfreq(len(violin), 1 / SAMPLE_RATE)[spectrum.argmax()] == pytest.approx(440, abs=2)


def test_a_held_note_outlasts_its_recording(tmp_path: Path) -> None:
    make_bank(tmp_path, pitch=69)
    piece = small_piece(Part(instrument="violin", timbre=Timbre(bank="sines"), voices=("A4:8",)))
    _, (violin,) = render(piece, perform(piece), tmp_path / "none.sf2", tmp_path)
    assert np.abs(violin[3 * SAMPLE_RATE : 4 * SAMPLE_RATE]).max() > 0.3 * np.abs(violin).max()


def test_rendering_refuses_what_it_cannot_play(tmp_path: Path) -> None:
    make_bank(tmp_path, pitch=69)
    notes = [[PlayedNote(onset=0.3, offset=0.5, pitch=60, velocity=80)]]

    def refuse(part: Part, message: str, notes: list[list[PlayedNote]] = notes) -> None:
        with pytest.raises((ValueError, SynthesisError), match=message):
            render(small_piece(part), notes, tmp_path / "none.sf2", tmp_path)

    refuse(Part(instrument="violin", timbre=Timbre(bank="tubas"), voices=()), "no violin in a bank called tubas")
    refuse(Part(instrument="violin", timbre=Timbre(program=40), voices=()), "none.sf2 is missing")
    refuse(Part(instrument="drums", timbre=Timbre(), voices=()), "no drum on key 60")


def test_ogg_files_are_written_whole(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(5 * SAMPLE_RATE // 2) / SAMPLE_RATE)
    write_ogg(tmp_path / "tone.ogg", tone)
    samples, sample_rate = sf.read(tmp_path / "tone.ogg")
    assert sample_rate == SAMPLE_RATE
    np.testing.assert_allclose(samples, tone, atol=0.05)


def test_parts_and_timbres_are_checked() -> None:
    with pytest.raises(ValueError, match="not both"):
        Timbre(program=0, bank="splendid")
    with pytest.raises(ValueError, match="'viola' is neither"):
        Part(instrument="viola", timbre=Timbre(), voices=())
    with pytest.raises(ValueError, match="pan must be"):
        Part(instrument="violin", timbre=Timbre(), voices=(), pan=2)


def test_an_unknown_piece_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ["--soundfont", "none.sf2", "--samples", str(tmp_path), "--out", str(tmp_path)]
    with pytest.raises(SystemExit):
        main(["waltz", *folders])
    assert "no such piece: waltz" in capsys.readouterr().err
