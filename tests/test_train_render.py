"""Sounds of parts, and labels that follow them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from mtinst.features import cqt
from mtinst.spec import SPEC, FloatArray
from mtinst.synth import DEFAULT_SOUNDFONT
from train.labels import audible_notes, sounding_notes
from train.render import (
    RATE,
    SoundfontPlayer,
    _draw_alike,
    _more_timbres,
    add_room,
    distort,
    noise,
    play_samples,
    sustain,
)
from train.timbres import MISSING_PROGRAMS, MORE_SOUNDFONTS, source_of


def recording(pitch: int, *, seconds: float = 1.0, decay: float = 0.0) -> FloatArray:
    time = np.arange(int(seconds * RATE)) / RATE
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    harmonics = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in (1, 2, 3))
    return (harmonics * np.exp(-decay * time) / 2).astype(np.float32)


BANK = {pitch: [recording(pitch)] for pitch in (55, 60, 65)}


@pytest.mark.parametrize("pitch", [53, 57, 60, 68])
def test_labels_and_sound_of_a_note_agree_within_a_frame(pitch: int) -> None:
    notes = np.array([[1.0, 1.8, pitch, 100]])
    sound = play_samples(notes, BANK, 3 * RATE, np.random.default_rng(pitch), is_struck=False)
    magnitude = np.abs(cqt(sound))
    label = sounding_notes(notes, cqt(sound))[0]

    row = magnitude[pitch - SPEC.lowest_pitch]
    heard = np.flatnonzero(row > 0.5 * row.max())
    assert abs(int(label["first"]) - int(heard[0])) <= 1
    assert int(magnitude[:, 40:50].mean(axis=1).argmax()) == int(label["pitch"]) == pitch - SPEC.lowest_pitch
    energy = np.abs(sound).reshape(-1, 32).max(axis=1)
    onset = np.flatnonzero(energy > 0.05 * energy.max())[0] * 32 / RATE
    assert abs(onset - SPEC.frame_to_second(int(label["first"]))) < 1 / SPEC.frame_rate


def test_the_label_of_a_struck_note_ends_when_it_has_died_away() -> None:
    bank = {60: [recording(60, seconds=4.0, decay=8.0)]}
    notes = np.array([[0.5, 4.0, 60, 100]])
    sound = play_samples(notes, bank, 5 * RATE, np.random.default_rng(0), is_struck=True)
    end = SPEC.frame_to_second(int(sounding_notes(notes, cqt(sound))[0]["end"]))
    died_away = 0.5 + np.log(100) / 8.0  # 40 dB below its start
    assert end == pytest.approx(died_away, abs=0.15)


def test_a_note_without_sound_has_no_label() -> None:
    notes = np.array([[0.2, 0.8, 60, 100], [1.2, 1.8, 90, 100]])
    sound = play_samples(notes[:1], BANK, 2 * RATE, np.random.default_rng(0), is_struck=False)
    assert sounding_notes(notes, cqt(sound))["pitch"].tolist() == [60 - SPEC.lowest_pitch]
    assert len(sounding_notes(notes, np.zeros((88, 63), np.complex64))) == 0


def test_labels_of_what_is_drowned_out_are_dropped() -> None:
    notes = np.array([[0.2, 0.8, 60, 100]])
    part = cqt(play_samples(notes, BANK, 2 * RATE, np.random.default_rng(0), is_struck=False))
    labels = sounding_notes(notes, part)
    loudest = float(np.abs(part).max())
    assert len(audible_notes(labels, part, loudest)) == 1
    assert len(audible_notes(labels, part, 1000 * loudest)) == 0


def test_a_held_note_goes_on_beyond_its_recording() -> None:
    take = recording(60)
    held = sustain(take, 4 * RATE)
    assert len(held) >= 4 * RATE
    assert_allclose(held[: len(take) // 2], take[: len(take) // 2])
    levels = np.abs(held[: 4 * RATE]).reshape(-1, RATE // 4).max(axis=1)
    assert levels.min() > 0.5 * levels.max()


def test_a_note_may_glide_from_the_one_before() -> None:
    joined = np.array([[0.0, 1.0, 60, 100], [1.0, 2.0, 64, 100]])
    apart = np.array([[0.0, 0.8, 60, 100], [1.0, 2.0, 64, 100]])

    def rows(notes: NDArray[np.float64], glide_s: float) -> list[int]:
        sound = play_samples(notes, BANK, 2 * RATE, np.random.default_rng(3), is_struck=False, glide_s=glide_s)
        magnitude = np.abs(cqt(sound))
        return [int(magnitude[:, frame].argmax()) + SPEC.lowest_pitch for frame in (16, 33, 50)]

    first, under_way, there = rows(joined, 0.4)
    assert (first, there) == (60, 64)
    assert first < under_way < there
    assert rows(apart, 0.4) == rows(joined, 0.0) == [60, 64, 64]


def test_a_recording_that_is_long_enough_stays_as_it_is() -> None:
    take = recording(60)
    assert sustain(take, RATE // 2) is take


def test_effects_keep_length_and_are_finite() -> None:
    rng = np.random.default_rng(0)
    sound = recording(60)
    for changed in (distort(sound, rng), add_room(sound, rng), noise(len(sound), rng)):
        assert changed.shape == sound.shape
        assert changed.dtype == np.float32
        assert np.isfinite(changed).all()
        assert np.abs(changed).max() > 0
    assert not distort(np.zeros(10, np.float32), rng).any()


def test_more_timbres_are_drawn_source_by_source() -> None:
    saxophones = _more_timbres()["saxophone"]
    sources = [source_of(timbre.bank) for timbre in saxophones]
    assert set(sources) == {*MORE_SOUNDFONTS, "freepats"}
    rng = np.random.default_rng(0)
    drawn = [_draw_alike(saxophones, sources, rng) for _ in range(2000)]
    shares = [sum(source_of(timbre.bank) == source for timbre in drawn) / len(drawn) for source in set(sources)]
    assert_allclose(shares, 1 / len(shares), atol=0.04)


def test_a_part_does_not_depend_on_those_played_before() -> None:
    notes = np.array([[0.1, 0.5, 60, 100]])

    def played(after: int) -> FloatArray:
        player = SoundfontPlayer(DEFAULT_SOUNDFONT)
        player.play(notes, 0, after, is_drum=False, detune=0.0)
        return player.play(notes, 0, RATE, is_drum=False, detune=0.0)

    assert_allclose(played(RATE + 42), played(RATE), atol=1e-4)


def test_programs_that_are_left_out_are_never_drawn() -> None:
    for timbres in _more_timbres().values():
        assert not {(timbre.bank, timbre.program) for timbre in timbres} & MISSING_PROGRAMS
