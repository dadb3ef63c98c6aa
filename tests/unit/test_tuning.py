"""How a song is tuned is heard, or said, and everything follows it."""

from pathlib import Path

import numpy as np
import pytest

from mtinst.export.midi import read_midi
from mtinst.grid import CONCERT_HZ, SPEC, FloatArray
from mtinst.hear.audio import load_audio
from mtinst.hear.tuning import estimate_tuning
from mtinst.pipeline import Transcriber
from mtinst.records import Note, Rolls, Thresholds
from mtinst.sound.synth import mix, synthesise
from mtinst.transcription import Transcription
from tests.abuse.hard_use_tuning import EXAMPLES, detuned, moved_notes

CHORDS = [
    Note(0.5 * k, 0.5 * k + 0.45, pitch=pitch, instrument=instrument)
    for k in range(16)
    for pitch, instrument in ((48 + 5 * k % 17, "piano"), (64 + 7 * k % 13, "violin"))
]


def music(tuning_hz: float = CONCERT_HZ) -> FloatArray:
    """A piano and a violin, tuned so."""
    return mix(synthesise(CHORDS, duration_s=8.0, sample_rate=SPEC.sample_rate, tuning_hz=tuning_hz))


@pytest.mark.parametrize("tuning_hz", [428.0, 432.0, 440.0, 442.0, 446.0, 452.0])
def test_parts_sound_in_the_tuning_that_is_heard_in_them(tuning_hz: float) -> None:
    as_played = estimate_tuning(music())  # the soundfont's own samples are a little out of tune
    assert as_played == pytest.approx(440.0, abs=1.5)
    assert estimate_tuning(music(tuning_hz)) == pytest.approx(as_played * tuning_hz / 440.0, abs=0.5)


@pytest.mark.parametrize("cents", [-45, -20, 20, 45])
def test_a_detuned_example_is_heard_to_be_so(cents: int) -> None:
    song = load_audio(EXAMPLES / "lagrima.ogg")[: 20 * SPEC.sample_rate]
    expected = estimate_tuning(song) * 2 ** (cents / 1200)
    assert estimate_tuning(detuned(song, cents / 100)) == pytest.approx(expected, abs=0.3)


def test_a_tuning_a_semitone_away_cannot_be_told_from_440() -> None:
    assert estimate_tuning(music(415.305)) == pytest.approx(estimate_tuning(music()), abs=0.5)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros(SPEC.sample_rate * 10, np.float32),
        np.random.default_rng(0).standard_normal(SPEC.sample_rate * 20).astype(np.float32),
        np.exp(-np.arange(SPEC.sample_rate * 20) % 8000 / 1500)
        * np.random.default_rng(1).standard_normal(SPEC.sample_rate * 20).astype(np.float32),
        music(430.0)[: SPEC.sample_rate // 4],
    ],
    ids=["nothing", "silence", "noise", "drums", "a moment"],
)
def test_what_has_no_tuning_is_at_440(samples: FloatArray) -> None:
    assert estimate_tuning(samples.astype(np.float32)) == CONCERT_HZ


def test_how_loud_a_song_is_does_not_matter() -> None:
    for factor in (1e-6, 1e37):
        assert estimate_tuning(music(430.0) * np.float32(factor)) == pytest.approx(
            estimate_tuning(music(430.0)), abs=0.1
        )


def test_a_long_song_is_heard_here_and_there() -> None:
    song = np.tile(music(430.0), 60)
    assert estimate_tuning(song) == pytest.approx(estimate_tuning(music(430.0)), abs=0.5)


@pytest.fixture(scope="module")
def transcriber() -> Transcriber:
    """The shipped weights."""
    return Transcriber.load()


@pytest.mark.slow
def test_a_song_at_415_is_written_as_it_sounds_or_as_it_is_said_to_be_tuned(transcriber: Transcriber) -> None:
    song = music(415.0)
    sounding = transcriber.transcribe(song, SPEC.sample_rate)
    meant = transcriber.transcribe(song, SPEC.sample_rate, tuning_hz=415.0)
    assert sounding.tuning_hz == pytest.approx(440.0, abs=2)
    assert meant.tuning_hz == 415.0
    pitches = {note.pitch for note in moved_notes(CHORDS, 0)}
    for heard, moved in ((sounding, -1), (meant, 0)):
        found = [note.pitch for note in heard.notes]
        assert sum(pitch - moved in pitches for pitch in found) > 0.9 * len(found) > 20


@pytest.mark.slow
def test_a_song_near_440_is_heard_as_if_it_were(transcriber: Transcriber) -> None:
    song = music(441.0)
    heard = transcriber.transcribe(song, SPEC.sample_rate)
    at_440 = transcriber.transcribe(song, SPEC.sample_rate, tuning_hz=440.0)
    assert heard.tuning_hz != at_440.tuning_hz
    assert heard.notes == at_440.notes
    between = transcriber.transcribe(music(450.0), SPEC.sample_rate)
    assert between.tuning_hz == pytest.approx(450.0, abs=2)
    assert len(between.notes) > 20


def test_nothing_is_tuned_to_300(transcriber: Transcriber) -> None:
    for hz in (300.0, float("nan")):
        with pytest.raises(ValueError, match="tuning_hz must be from 392 to 493, not"):
            transcriber.transcribe(music(), SPEC.sample_rate, tuning_hz=hz)


def test_midi_says_the_tuning_only_when_it_is_asked_to(tmp_path: Path) -> None:
    heard = Transcription(
        rolls=Rolls.zeros(10),
        levels=np.zeros((88, 10), np.float32),
        thresholds=Thresholds.uniform(),
        duration_s=0.3,
        spec=SPEC,
        tuning_hz=415.0,
    )
    heard.__dict__["notes"] = CHORDS[:4]
    for is_tuned, bends in ((False, []), (True, [round(8192 * -1.0127 / 2)])):
        midi = heard.to_midi(is_tuned=is_tuned)
        for track in midi.instruments:
            assert [bend.pitch for bend in track.pitch_bends] == pytest.approx(bends, abs=2)
    (path,) = heard.save(tmp_path, "song", ("mid",), tuned_midi=True)
    assert read_midi(path) == sorted(CHORDS[:4])
