"""Sound from notes: each note in its place, each part in its stem, nothing clipped."""

import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from mtinst.errors import AudioError, SynthesisError
from mtinst.grid import INSTRUMENT_NAMES, SPEC, FloatArray
from mtinst.hear.audio import load_audio
from mtinst.records import Note
from mtinst.sound import fluidsynth, synth
from mtinst.sound.fluidsynth import FluidSynth
from mtinst.sound.synth import (
    DEFAULT_SOUNDFONT,
    PLAYBACK_RATE,
    mix,
    synthesise,
    synthesiser_name,
    write_audio,
    write_stems,
)

RATE = 32000


@pytest.fixture
def no_fluidsynth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which the FluidSynth library cannot be found."""
    monkeypatch.setattr(fluidsynth, "find_library", lambda: None)
    monkeypatch.setattr(synth, "find_library", lambda: None)


@pytest.fixture
def fresh_search() -> Iterator[None]:
    """A search for the library that has not been made yet, and is forgotten afterwards."""
    fluidsynth.find_library.cache_clear()
    yield
    fluidsynth.find_library.cache_clear()


def energy(samples: FloatArray, start_s: float, end_s: float) -> float:
    """Mean square between two times."""
    return float(np.mean(np.square(samples[round(start_s * RATE) : round(end_s * RATE)], dtype=np.float64)))


def pitch_level(samples: FloatArray, pitch: int) -> float:
    """Amplitude at the fundamental of a MIDI pitch."""
    hz = 440 * 2 ** ((pitch - 69) / 12)
    return float(np.abs(np.mean(samples * np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE))))


@pytest.mark.parametrize("instrument", ["piano", "acoustic_guitar", "electric_guitar", "trumpet", "bass", "flute"])
@pytest.mark.parametrize("onset", [0.0, 0.32, 0.3337])
def test_energy_rises_within_10_ms_of_an_onset(instrument: str, onset: float) -> None:
    stem = synthesise([Note(onset, onset + 0.5, pitch=60, instrument=instrument)], duration_s=1.0)[instrument]
    assert np.abs(stem[: max(0, round((onset - 0.001) * RATE))]).max(initial=0) < 1e-4
    assert np.abs(stem[: round((onset + 0.010) * RATE)]).max() > 1e-3


def test_an_onset_on_the_frame_grid_is_at_its_very_sample() -> None:
    onset = SPEC.frame_to_second(10)
    on_time = synthesise([Note(onset, onset + 0.5, pitch=60)], duration_s=1.0)["piano"]
    at_once = synthesise([Note(0.0, 0.5, pitch=60)], duration_s=1.0 - onset)["piano"]
    shift = round(onset * RATE)
    assert np.abs(on_time[:shift]).max() < 1e-5
    # The chorus has swept on by then, so that the two agree only in the beginning.
    np.testing.assert_allclose(on_time[shift : shift + 2000], at_once[:2000], atol=0.01)


def test_a_key_struck_again_sounds_again() -> None:
    repeated = [Note(0.5 * k, 0.5 * (k + 1), pitch=60, instrument="piano") for k in range(4)]
    stem = synthesise(repeated, duration_s=2.0)["piano"]
    for note in repeated[1:]:
        assert energy(stem, note.onset + 0.01, note.onset + 0.06) > 1.5 * energy(stem, note.onset - 0.06, note.onset)


def test_a_note_within_a_longer_one_of_the_same_key_ends_both() -> None:
    stem = synthesise(
        [Note(0.0, 2.0, pitch=60, instrument="flute"), Note(0.5, 0.7, pitch=60, instrument="flute")], duration_s=2.0
    )["flute"]
    assert energy(stem, 1.4, 1.6) < 0.01 * energy(stem, 0.5, 0.7)


def test_a_note_shorter_than_a_block_still_ends() -> None:
    stem = synthesise(
        [Note(0.0, 0.0001, pitch=60, instrument="flute"), Note(0.0, 0.5, pitch=72, instrument="flute")], duration_s=2.0
    )["flute"]
    assert energy(stem, 1.4, 1.6) < 0.01 * energy(stem, 0.2, 0.4)


@pytest.mark.parametrize("instrument", INSTRUMENT_NAMES)
def test_every_instrument_plays_the_pitch_that_is_written(instrument: str) -> None:
    stem = synthesise([Note(0.0, 1.0, pitch=57, instrument=instrument)], duration_s=1.0)[instrument]
    written, neighbours = pitch_level(stem, 57), (pitch_level(stem, 56), pitch_level(stem, 58))
    assert written > 3 * max(neighbours)


def test_stems_come_in_table_order_and_only_for_instruments_with_notes() -> None:
    notes = [Note(0.0, 0.1, pitch=60, instrument=name) for name in ("flute", "piano", "bass")]
    assert list(synthesise(notes, duration_s=0.2)) == ["piano", "bass", "flute"]


def test_no_notes_give_no_stems_and_an_empty_mix() -> None:
    assert synthesise([], duration_s=3.0) == {}
    assert mix({}).shape == (0,)


def test_a_synthesis_is_the_same_each_time_whatever_else_plays() -> None:
    flute, piano = Note(0.0, 0.5, pitch=72, instrument="flute"), Note(0.1, 0.5, pitch=60, instrument="piano")
    together, again = synthesise([piano, flute], duration_s=0.5), synthesise([flute, piano], duration_s=0.5)
    for name in ("piano", "flute"):
        np.testing.assert_array_equal(together[name], again[name])
    alone = synthesise([flute], duration_s=0.5)["flute"]
    scaled = together["flute"] * (np.abs(alone).max() / np.abs(together["flute"]).max())
    np.testing.assert_allclose(scaled, alone, atol=1e-5)


MANY_AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from mtinst.sound.fluidsynth import FluidSynth
from mtinst.sound.synth import DEFAULT_SOUNDFONT

def play(pitch):
    with FluidSynth(DEFAULT_SOUNDFONT, sample_rate=32000) as synth:
        synth.select(program=40)
        synth.note_on(pitch, velocity=90)
        return synth.render(640).tobytes()

pitches = [60, 67, 74, 81]
alone = [play(pitch) for pitch in pitches]
with ThreadPoolExecutor(8) as pool:
    assert list(pool.map(play, pitches * 100)) == alone * 100
"""


def test_synthesisers_that_come_and_go_beside_each_other_play_the_same() -> None:
    # In a process of its own, for where they are in each other's way they crash it.
    subprocess.run([sys.executable, "-c", MANY_AT_ONCE], check=True, timeout=120)


@settings(max_examples=25)
@given(
    notes=st.lists(
        st.builds(
            Note,
            st.floats(0, 0.5),
            st.floats(0.51, 1.0),
            pitch=st.integers(21, 108),
            instrument=st.sampled_from(("piano", "violin")),
            velocity=st.integers(1, 127),
        ),
        min_size=1,
        max_size=8,
    ),
    duration_s=st.floats(0, 1.2),
    sample_rate=st.sampled_from([8000, 22050, 32000, 44100]),
)
def test_stems_have_the_exact_length_and_never_clip(notes: list[Note], duration_s: float, sample_rate: int) -> None:
    stems = synthesise(notes, duration_s=duration_s, sample_rate=sample_rate)
    assert set(stems) == {note.instrument for note in notes}
    for stem in (*stems.values(), mix(stems)):
        assert stem.dtype == np.float32
        assert stem.shape == (round(duration_s * sample_rate),)
        assert np.abs(stem).max(initial=0) <= 0.9 + 1e-6


def test_loud_chords_on_all_instruments_do_not_clip() -> None:
    notes = [
        Note(0.0, 0.5, pitch=pitch, instrument=name, velocity=127)
        for name in INSTRUMENT_NAMES
        for pitch in range(36, 84, 2)
    ]
    assert np.abs(mix(synthesise(notes, duration_s=0.5))).max() == pytest.approx(0.9, abs=1e-5)


def test_what_sounds_at_the_end_is_faded_out() -> None:
    stem = synthesise([Note(0.0, 5.0, pitch=60, instrument="flute")], duration_s=1.0)["flute"]
    assert energy(stem, 0.9, 0.99) > 1e-3
    assert stem[-1] == 0


@pytest.mark.parametrize("n_left", [0, 1, 60, 159, 160, 161, 900])
def test_the_fade_is_one_line_wherever_blocks_meet(n_left: int) -> None:
    whole = synth._faded(np.ones(1000, np.float32), 1000, 32_000)
    first, second = np.ones(1000 - n_left, np.float32), np.ones(n_left, np.float32)
    halves = np.concatenate((synth._faded(first, 1000, 32_000), synth._faded(second, n_left, 32_000)))
    np.testing.assert_array_equal(halves, whole)
    assert (whole[839], whole[-1]) == (1, 0)
    assert np.all(np.diff(whole) <= 0)


def test_mix_adds_stems_and_leaves_them_alone() -> None:
    stems = {"piano": np.array([1, 2], np.float32), "flute": np.array([10, 20], np.float32)}
    np.testing.assert_array_equal(mix(stems), [11, 22])
    np.testing.assert_array_equal(stems["piano"], [1, 2])


def test_fluidsynth_is_there_with_pip_alone() -> None:
    assert synthesiser_name() == "FluidSynth with TimGM6mb.sf2"


@pytest.mark.usefixtures("no_fluidsynth")
def test_sines_play_where_there_is_no_fluidsynth() -> None:
    assert synthesiser_name() == "sine tones, for want of FluidSynth"
    notes = [Note(0.25, 0.5, pitch=69), Note(0.6, 0.9, pitch=81, instrument="violin")]
    stems = synthesise(notes, duration_s=1.0)
    assert list(stems) == ["piano", "violin"]
    assert all(stem.shape == (RATE,) and stem.dtype == np.float32 for stem in stems.values())
    assert np.abs(mix(stems)).max() == pytest.approx(0.9, abs=1e-5)
    piano = stems["piano"]
    assert np.abs(piano[: round(0.249 * RATE)]).max() == 0
    assert np.abs(piano[: round(0.260 * RATE)]).max() > 1e-3
    assert pitch_level(piano, 69) > 10 * pitch_level(piano, 70)


@pytest.mark.usefixtures("no_fluidsynth")
def test_a_soundfont_asked_for_needs_fluidsynth() -> None:
    with pytest.raises(SynthesisError, match=r"^TimGM6mb\.sf2 cannot be played, for there is no FluidSynth library$"):
        synthesise([Note(0.0, 0.5, pitch=60)], duration_s=1.0, soundfont=DEFAULT_SOUNDFONT)


@pytest.mark.usefixtures("fresh_search")
def test_find_library_tries_the_next_when_one_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "libfluidsynth.so").write_bytes(b"not a library")
    bundled = list(fluidsynth._candidates())
    monkeypatch.setattr(fluidsynth, "_candidates", lambda: iter([str(tmp_path / "libfluidsynth.so"), *bundled]))
    assert fluidsynth.find_library() is not None


@pytest.mark.usefixtures("fresh_search")
def test_find_library_falls_back_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = next(fluidsynth._candidates())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: bundled if name == "fluidsynth" else None)
    assert list(fluidsynth._candidates()) == [bundled]
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    assert fluidsynth.find_library() is None


def test_a_missing_or_broken_soundfont_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.sf2").write_bytes(b"RIFF\x20\x00\x00\x00sfbk" + bytes(500))
    (tmp_path / "words.sf2").write_text("not a soundfont")
    for name, sentence in (
        ("none.sf2", "none.sf2 is missing: no soundfont at that path"),
        ("broken.sf2", "broken.sf2 cannot be read as a soundfont"),
        ("words.sf2", "words.sf2 cannot be read as a soundfont"),
    ):
        with pytest.raises(SynthesisError) as raised:
            synthesise([Note(0.0, 0.5, pitch=60)], duration_s=1.0, soundfont=tmp_path / name)
        assert str(raised.value) == sentence
    assert capfd.readouterr() == ("", "")  # the library keeps quiet


def test_a_program_that_the_soundfont_lacks_is_named() -> None:
    with (
        FluidSynth(DEFAULT_SOUNDFONT, sample_rate=RATE) as player,
        pytest.raises(SynthesisError, match=r"^TimGM6mb\.sf2 has no sound for program 3 in bank 77$"),
    ):
        player.select(program=3, bank=77)


def test_fluidsynth_bends_and_silences_a_channel() -> None:
    with FluidSynth(DEFAULT_SOUNDFONT, sample_rate=RATE, has_effects=False) as player:
        player.select(program=73)
        player.bend(1.0)
        player.note_on(60, velocity=100)
        bent = player.render(RATE)[:, 0]
        assert pitch_level(bent, 61) > 3 * pitch_level(bent, 60)
        player.all_sound_off()
        player.render(64)
        assert np.abs(player.render(RATE)).max() < 1e-4


def test_a_callers_mistake_is_a_value_error(tmp_path: Path) -> None:
    note = Note(0.0, 0.5, pitch=60)
    with pytest.raises(ValueError, match="duration_s must not be negative, and is -1"):
        synthesise([note], duration_s=-1)
    with pytest.raises(ValueError, match="sample_rate must be from 8000 to 96000 Hz, not 1000"):
        synthesise([note], duration_s=1, sample_rate=1000)
    with pytest.raises(ValueError, match=r"stem\.mp3 must end in \.wav, \.flac or \.ogg"):
        write_audio(tmp_path / "stem.mp3", np.zeros(8, np.float32), RATE)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "WAV"])
def test_write_audio_writes_what_load_audio_reads(tmp_path: Path, suffix: str) -> None:
    samples = (0.5 * np.sin(np.arange(3 * RATE + 5) / 20)).astype(np.float32)
    path = tmp_path / f"the «stem» 1.{suffix}"
    write_audio(path, samples, RATE)
    read = load_audio(path, RATE)
    assert len(read) == pytest.approx(len(samples), abs=128 if suffix == "ogg" else 0)
    assert np.abs(read - samples[: len(read)]).max() < (0.05 if suffix == "ogg" else 1e-4)


def test_write_audio_keeps_channels(tmp_path: Path) -> None:
    write_audio(tmp_path / "stereo.wav", np.zeros((RATE, 2), np.float32), RATE)
    assert sf.info(tmp_path / "stereo.wav").channels == 2


@pytest.mark.slow
def test_write_audio_survives_a_long_ogg_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 120 * RATE).astype(np.float32)
    write_audio(tmp_path / "long.ogg", noise, RATE)
    assert sf.info(tmp_path / "long.ogg").frames == len(noise)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
def test_write_audio_tells_when_the_end_has_no_room(tmp_path: Path, suffix: str) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    path = tmp_path / f"song{suffix}"
    write_audio(path, noise, RATE)
    whole = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in (len(whole) - 1, int(0.99 * len(whole)), len(whole) // 2):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        try:
            with pytest.raises(AudioError, match=f"song{suffix} cannot be written"):
                write_audio(path, noise, RATE)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.read_bytes() == whole
        assert list(tmp_path.iterdir()) == [path]


def test_write_audio_names_a_file_that_it_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"^stem\.wav cannot be written: No such file or directory$"):
        write_audio(tmp_path / "nowhere" / "stem.wav", np.zeros(8, np.float32), RATE)


def test_nothing_is_left_of_a_file_whose_blocks_fail(tmp_path: Path) -> None:
    def blocks() -> Iterator[FloatArray]:
        yield np.zeros(RATE, np.float32)
        raise AudioError("the song is damaged")

    with pytest.raises(AudioError, match="the song is damaged"):
        write_audio(tmp_path / "song.flac", blocks(), RATE)
    assert list(tmp_path.iterdir()) == []


def test_files_of_stems_hold_what_is_synthesised(tmp_path: Path) -> None:
    notes = [Note(0.2 * k, 0.2 * k + 3.0, pitch=60 + k, instrument=name) for k, name in enumerate(("flute", "cello"))]
    assert list(write_stems(tmp_path, notes, duration_s=2.5, mix="both.flac")) == ["cello", "flute"]
    assert {path.name for path in tmp_path.iterdir()} == {"cello.flac", "flute.flac", "both.flac"}
    stems = synthesise(notes, duration_s=2.5)
    for name, wanted in {**stems, "both": mix(stems)}.items():
        written, rate = sf.read(tmp_path / f"{name}.flac", dtype="float32")
        assert rate == PLAYBACK_RATE
        np.testing.assert_allclose(written, wanted, atol=1e-4)


def test_stems_come_one_by_one_and_the_rest_can_be_left(tmp_path: Path) -> None:
    notes = [Note(0.0, 0.5, pitch=60, instrument=name) for name in ("flute", "piano", "cello")]
    stems = write_stems(tmp_path, notes, duration_s=1.0, mix="all.flac")
    assert next(stems) == "piano"
    stems.close()
    assert not (tmp_path / "all.flac").exists()
    assert list(write_stems(tmp_path, [], duration_s=1.0, mix="none.flac")) == []
    assert not (tmp_path / "none.flac").exists()


def test_the_memory_for_files_of_stems_does_not_grow_with_the_song(tmp_path: Path) -> None:
    def peak_bytes(duration_s: float) -> int:
        notes = [Note(0.0, 0.5, pitch=60, instrument=name) for name in ("piano", "flute")]
        tracemalloc.start()
        for _ in write_stems(tmp_path, notes, duration_s=duration_s, mix="all.flac"):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(1.0)
    assert peak_bytes(60.0) < peak_bytes(15.0) + 1e6  # a minute of one stem is 7.7 MB
