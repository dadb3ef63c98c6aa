"""Singing: the melody is sung, and the vowel stays where it is."""

from pathlib import Path

import numpy as np
import pytest
import pyworld
import soundfile
from numpy.typing import NDArray
from scipy.signal import lfilter

from mtinst.grid import FloatArray
from train.data.singing import RATE, Singer, melody, read_singers, stretched

FORMANT_HZ = 1200.0


def notes_of(*rows: tuple[float, float, float]) -> NDArray[np.float64]:
    return np.array([(*row, 100.0) for row in rows])


def syllable(hertz: float = 138.0) -> FloatArray:
    """A buzz through one resonance."""
    buzz = (np.arange(RATE) * hertz / RATE % 1 < hertz / RATE).astype(float)
    radius = 0.97
    vowel = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * FORMANT_HZ / RATE), radius**2], buzz)
    result: FloatArray = (vowel / np.abs(vowel).max()).astype(np.float32)
    return result


def singer() -> Singer:
    return Singer("she", [syllable()], lowest=49, highest=49)


def sung_pitches(sound: FloatArray) -> NDArray[np.float64]:
    """MIDI pitch every 5 ms, NaN where none is heard."""
    hertz, _ = pyworld.harvest(sound.astype(np.float64), RATE)
    return np.where(hertz > 0, 69 + 12 * np.log2(np.maximum(hertz, 1) / 440), np.nan)


@pytest.mark.parametrize("seed", range(4))
def test_a_melody_is_sung_at_its_pitches(seed: int) -> None:
    notes = notes_of((0.2, 1.2, 50), (1.2, 2.2, 55))
    sound = singer().sing(notes, 3 * RATE, np.random.default_rng(seed))
    assert sound.shape == (3 * RATE,)
    pitches = sung_pitches(sound)
    first, second = np.nanmedian(pitches[120:230]), np.nanmedian(pitches[320:430])
    assert second - first == pytest.approx(5, abs=0.4)
    assert first == pytest.approx(50, abs=0.5)
    assert np.abs(sound[: int(0.15 * RATE)]).max() < 1e-3
    assert np.abs(sound[int(2.4 * RATE) :]).max() < 1e-3


def test_the_vowel_does_not_move_with_the_pitch() -> None:
    def formant_hz(pitch: float) -> float:
        sound = singer().sing(notes_of((0.0, 2.0, pitch)), 2 * RATE, np.random.default_rng(1))
        power = np.abs(np.fft.rfft(sound[RATE // 2 : 3 * RATE // 2])) ** 2
        hertz = np.fft.rfftfreq(RATE, 1 / RATE)
        near = (hertz > 600) & (hertz < 2500)
        return float(np.sum(hertz[near] * power[near]) / np.sum(power[near]))

    assert formant_hz(57) == pytest.approx(formant_hz(45), rel=0.15)  # resampling would have doubled it


def test_a_melody_glides_and_trembles_only_where_a_note_is_held() -> None:
    notes = notes_of((0.0, 1.0, 60), (1.0, 2.0, 67))
    pitches = melody(notes, 400, glide_s=0.1, vibrato=0.5, vibrato_hz=5.0)
    assert pitches[:25] == pytest.approx([60.0] * 25)
    assert np.all(np.diff(pitches[200:225]) > 0)
    assert pitches[225] == pytest.approx(67, abs=0.3)
    held = pitches[320:400]
    assert held.max() - 67 == pytest.approx(0.5, abs=0.05)
    assert 67 - held.min() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("n_recorded", "n_frames"), [(100, 5), (100, 45), (100, 100), (100, 700), (3, 50), (1, 4)])
def test_a_stretched_syllable_runs_from_its_begin_to_its_end(n_recorded: int, n_frames: int) -> None:
    frames = stretched(n_recorded, n_frames)
    assert len(frames) == n_frames
    assert (frames[0], frames[-1]) == (0, n_recorded - 1)
    assert np.all(np.diff(frames) >= 0)


def test_no_notes_are_silence_and_short_ones_do_no_harm() -> None:
    she = singer()
    assert not she.sing(np.empty((0, 4)), 1000, np.random.default_rng(0)).any()
    short = she.sing(notes_of((0.0, 0.01, 60), (0.98, 1.5, 60)), RATE, np.random.default_rng(0))
    assert short.shape == (RATE,)
    assert np.isfinite(short).all()


def test_singing_is_drawn_from_its_generator_alone() -> None:
    notes = notes_of((0.0, 0.5, 60))
    once, again = (singer().sing(notes, RATE, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_a_singer_is_asked_for_what_is_near_to_what_it_recorded() -> None:
    assert singer().suits(notes_of((0.0, 1.0, 40), (1.0, 2.0, 59)))
    assert not singer().suits(notes_of((0.0, 1.0, 50), (1.0, 2.0, 60)))


def test_singers_are_on_one_side_of_the_split(tmp_path: Path) -> None:
    lines = ["file,corpus,singer,sex,midi,cents,seconds,split,licence"]
    for name, pitch, split in (("ann", 60, "train"), ("ann", 72, "train"), ("bob", 45, "valid"), ("eve", 60, "test")):
        soundfile.write(tmp_path / f"{name}{pitch}.wav", syllable(), RATE)
        lines.append(f"{name}{pitch}.wav,c,{name},,{pitch},0,1.0,{split},CC0")
    (tmp_path / "index.csv").write_text("\n".join(lines) + "\n")
    soundfile.write(tmp_path / "la.flac", syllable(), RATE)
    assert [one.name for one in read_singers(tmp_path, "train")] == ["ann", "syllables"]
    assert [one.name for one in read_singers(tmp_path, "unseen")] == ["bob", "eve"]
    soundfile.write(tmp_path / "la.flac", syllable(), 44100)
    with pytest.raises(ValueError, match="has a rate of 44100 Hz, 16000 Hz is wanted"):
        read_singers(tmp_path, "train")
