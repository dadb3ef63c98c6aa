"""Strings that are a model: in tune, dying away, no two instruments alike."""

import numpy as np
import pytest

from mtinst.features import cqt
from mtinst.spec import SPEC, FloatArray
from train.strings import RATE, StringInstrument, draw_bass, play_strings

GUITAR = StringInstrument(pluck=0.13, pickup=0.09, ring_s=3.0, damping=0.1, hardness_hz=4000.0, body=(), release_s=0.1)


def heard(pitch: int, *, instrument: StringInstrument = GUITAR, seconds: float = 1.5) -> FloatArray:
    note = np.array([[0.2, 0.2 + seconds, pitch, 100]])
    return play_strings(note, instrument, round((seconds + 1.5) * RATE), np.random.default_rng(pitch))


def level_db(sound: FloatArray, second: float, hertz: float | None = None) -> float:
    """Of the loudest sample from there on, or of a sine of that frequency."""
    first = round(second * RATE)
    if hertz is None:
        return float(20 * np.log10(np.abs(sound[first : first + RATE // 10]).max() + 1e-12))
    stretch = sound[first : first + RATE // 4] * np.hanning(RATE // 4)
    return float(20 * np.log10(np.abs(stretch @ np.exp(-2j * np.pi * hertz / RATE * np.arange(len(stretch))))))


@pytest.mark.parametrize("pitch", [28, 40, 55, 67, 79, 86])
def test_a_string_is_in_tune(pitch: int) -> None:
    spectrum = np.abs(np.fft.rfft(heard(pitch)[RATE // 4 : RATE], 2**19))
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    around = (hertz * np.array([0.94, 1.06]) / RATE * 2**19).astype(int)
    loudest = (around[0] + int(spectrum[around[0] : around[1]].argmax())) * RATE / 2**19
    assert abs(12 * np.log2(loudest / hertz)) < 0.35  # the part's tuning and the note's own


@pytest.mark.parametrize("pitch", [40, 60, 80])
def test_it_rings_for_as_long_as_it_should_and_stops_when_it_is_let_go(pitch: int) -> None:
    sound = heard(pitch)
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    falls_by = 60 / (GUITAR.ring_s * (261.6 / hertz) ** 0.5)  # dB a second, of its lowest partial
    assert level_db(sound, 0.3, hertz) - level_db(sound, 1.3, hertz) == pytest.approx(falls_by, rel=0.1)
    assert level_db(sound, 2.2) < level_db(sound, 1.6) - 40
    assert np.abs(sound[: round(0.19 * RATE)]).max() == 0.0


def test_a_string_strikes_where_its_note_begins() -> None:
    magnitude = np.abs(cqt(heard(60)))
    row = magnitude[60 - SPEC.lowest_pitch]
    assert abs(int(np.flatnonzero(row > 0.5 * row.max())[0]) - SPEC.frame_rate * 0.2) <= 1.5


def test_drawn_basses_differ_and_none_runs_away() -> None:
    rng = np.random.default_rng(0)
    instruments = [draw_bass(rng) for _ in range(20)]
    assert len({instrument.pluck for instrument in instruments}) == 20
    chord = np.array([[0.1, 4.0, pitch, 127] for pitch in (40, 47, 52, 86)])
    for instrument in instruments:
        sound = play_strings(chord, instrument, 5 * RATE, rng)
        assert sound.dtype == np.float32
        assert 0.1 < np.abs(sound).max() < 100
        assert level_db(sound, 3.5) < level_db(sound, 0.1)


def test_the_same_draw_is_the_same_sound() -> None:
    assert np.array_equal(heard(52), heard(52))
