"""Sounds of parts, and labels that follow them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from mtinst.grid import FINE, SPEC, FloatArray
from mtinst.hear.cqt import cqt
from mtinst.sound.synth import DEFAULT_SOUNDFONT
from train.data.labels import audible_notes, sounding_notes
from train.data.render import (
    RATE,
    Manner,
    SampleBank,
    SoundfontPlayer,
    Take,
    Timbre,
    _read_samples,
    play_hits,
    play_samples,
    sustain,
)
from train.data.timbres import class_of, is_struck
from train.effects.sound import add_room, distort, noise


def recording(pitch: int, *, seconds: float = 1.0, decay: float = 0.0, attack_s: float = 0.0) -> FloatArray:
    time = np.arange(int(seconds * RATE)) / RATE
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    harmonics = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in (1, 2, 3))
    rise = np.minimum(1.0, time / attack_s) if attack_s else 1.0
    return (harmonics * rise * np.exp(-decay * time) / 2).astype(np.float32)


def bank_of(*pitches: int, attack_s: float = 0.0, **of_recording: float) -> SampleBank:
    return {
        pitch: [Take(recording(pitch, attack_s=attack_s, **of_recording), pitch, 0.25 * attack_s)] for pitch in pitches
    }


BANK = bank_of(55, 60, 65)


def onset_s(notes: NDArray[np.float64], sound: FloatArray, index: int = 0) -> float:
    return float(sounding_notes(notes, cqt(sound, FINE), FINE)["onset"][index]) / SPEC.frame_rate


@pytest.mark.parametrize("pitch", [53, 57, 60, 68])
def test_labels_and_sound_of_a_note_agree(pitch: int) -> None:
    notes = np.array([[1.0, 1.8, pitch, 100]])
    sound = play_samples(notes, BANK, 3 * RATE, np.random.default_rng(pitch), is_struck=False)
    magnitude = np.abs(cqt(sound))
    label = sounding_notes(notes, cqt(sound))[0]

    assert int(magnitude[:, 40:50].mean(axis=1).argmax()) == int(label["pitch"]) == pitch - SPEC.lowest_pitch
    energy = np.abs(sound).reshape(-1, 32).max(axis=1)
    onset = np.flatnonzero(energy > 0.05 * energy.max())[0] * 32 / RATE
    assert onset == pytest.approx(1.0, abs=0.005)
    assert label["onset"] / SPEC.frame_rate == pytest.approx(onset, abs=0.012)
    assert label["first"] == round(float(label["onset"]))


@pytest.mark.parametrize("attack_s", [0.05, 0.1, 0.2])
def test_the_label_of_a_slow_attack_begins_where_the_tone_is_heard(attack_s: float) -> None:
    notes = np.array([[1.0, 1.8, 60, 100]])
    bank = {60: [Take(recording(60, attack_s=attack_s), 60.0)]}
    sound = play_samples(notes, bank, 3 * RATE, np.random.default_rng(0), is_struck=False)
    assert onset_s(notes, sound) == pytest.approx(1.0 + attack_s * 10 ** (-8 / 20), abs=0.025)


def test_a_player_begins_so_that_the_sound_is_on_the_beat() -> None:
    notes = np.array([[1.0, 1.8, 60, 100]])
    late, on_time = (
        play_samples(notes, bank, 3 * RATE, np.random.default_rng(0), is_struck=False)
        for bank in ({60: [Take(recording(60, attack_s=0.2), 60.0)]}, bank_of(60, attack_s=0.2))
    )
    assert onset_s(notes, late) - onset_s(notes, on_time) == pytest.approx(0.05, abs=0.01)
    assert np.abs(on_time[: int(0.94 * RATE)]).max() == 0


def test_a_slurred_note_has_no_attack_and_takes_over_from_the_one_before() -> None:
    notes = np.array([[0.2, 1.0, 60, 100], [1.0, 2.0, 62, 100]])
    hiss = np.where(np.arange(RATE) < 0.1 * RATE, np.cos(np.pi * np.arange(RATE)), 0).astype(np.float32)
    bank = {60: [Take(recording(60), 60.0)], 62: [Take(recording(62) + hiss, 62.0, 0.1)]}

    def played(slurred: float) -> FloatArray:
        rng, manner = np.random.default_rng(5), Manner(slurred=slurred)
        return play_samples(notes, bank, 2 * RATE, rng, is_struck=False, manner=manner)

    def hissing(sound: FloatArray) -> float:
        return float(np.abs(np.diff(sound, 4)).max())

    assert hissing(played(0.0)) > 20 * hissing(played(1.0))
    slurred = played(1.0)
    level = np.sqrt(np.mean(slurred[int(0.9 * RATE) : int(1.1 * RATE)].reshape(-1, 160) ** 2, axis=1))
    assert level.min() > 0.3 * level.max()
    labels = sounding_notes(notes, cqt(slurred, FINE), FINE)
    assert labels["onset"][1] / SPEC.frame_rate == pytest.approx(1.0, abs=0.02)
    assert labels["end"][0] <= labels["first"][1] + 2


def test_each_note_of_a_trill_has_its_label() -> None:
    onsets = 0.2 + np.arange(20) / 12
    notes = np.array([[onset, onset + 1 / 12, 72 + 2 * (index % 2), 100] for index, onset in enumerate(onsets)])
    manner = Manner(slurred=1.0)
    sound = play_samples(notes, bank_of(72, 74), 3 * RATE, np.random.default_rng(1), is_struck=False, manner=manner)
    labels = sounding_notes(notes, cqt(sound, FINE), FINE)
    assert len(labels) == len(notes)
    assert labels["onset"] / SPEC.frame_rate == pytest.approx(onsets, abs=0.03)
    for pitch in (72, 74):
        here = labels[labels["pitch"] == pitch - SPEC.lowest_pitch]
        assert (here["end"][:-1] <= here["first"][1:]).all()


def test_the_label_of_a_struck_note_ends_when_it_has_died_away() -> None:
    bank = bank_of(60, seconds=4.0, decay=8.0)
    notes = np.array([[0.5, 4.0, 60, 100]])
    sound = play_samples(notes, bank, 5 * RATE, np.random.default_rng(0), is_struck=True)
    label = sounding_notes(notes, cqt(sound))[0]
    died_away = 0.5 + np.log(100) / 8.0  # 40 dB below its start
    assert SPEC.frame_to_second(int(label["end"])) == pytest.approx(died_away, abs=0.15)
    assert label["onset"] / SPEC.frame_rate == pytest.approx(0.5, abs=0.015)


def test_the_label_of_a_note_that_rings_goes_on_a_little_but_not_into_the_next_of_its_pitch() -> None:
    ringing = recording(60, seconds=4.0, decay=1.0)
    sound = np.zeros(4 * RATE, np.float32)
    sound[RATE // 2 :] = ringing[: len(sound) - RATE // 2]

    def ends(*offsets_s: float) -> int:
        notes = np.array([[0.5, offsets_s[0], 60, 100], *([[t, 3.0, 60, 100] for t in offsets_s[1:]])])
        return int(sounding_notes(notes, cqt(sound))["end"][0])

    assert ends(1.0) == SPEC.second_to_frame(1.0) + 4
    assert ends(1.0, 1.032) <= SPEC.second_to_frame(1.032)


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
        rng, manner = np.random.default_rng(3), Manner(glide_s=glide_s)
        magnitude = np.abs(cqt(play_samples(notes, BANK, 2 * RATE, rng, is_struck=False, manner=manner)))
        return [int(magnitude[:, frame].argmax()) + SPEC.lowest_pitch for frame in (16, 33, 50)]

    first, under_way, there = rows(joined, 0.4)
    assert (first, there) == (60, 64)
    assert first < under_way < there
    assert rows(apart, 0.4) == rows(joined, 0.0) == [60, 64, 64]


def test_a_note_that_swells_is_loudest_in_its_middle() -> None:
    notes = np.array([[0.0, 1.0, 60, 100]])
    sound = play_samples(notes, BANK, RATE, np.random.default_rng(0), is_struck=False, manner=Manner(swell_db=20.0))
    begin, middle = (float(np.abs(sound[int(at * RATE) :][:1600]).max()) for at in (0.0, 0.5))
    assert middle > 3 * begin


def test_a_take_is_played_at_the_pitch_that_it_has_not_at_the_one_it_should_have() -> None:
    notes = np.array([[0.0, 1.0, 60, 100]])
    in_tune, flat = (
        play_samples(notes, {60: [Take(recording(60), pitch)]}, RATE, np.random.default_rng(0), is_struck=False)
        for pitch in (60.0, 59.0)
    )
    rows = [int(np.abs(cqt(sound))[:, 16].argmax()) for sound in (in_tune, flat)]
    assert rows[1] == rows[0] + 1


def test_drums_hit_the_nearest_key_that_there_is() -> None:
    bank = {36: [Take(recording(40), 36.0)], 42: [Take(recording(80), 42.0)]}
    sound = play_hits(np.array([[0.1, 0.2, 44, 100]]), bank, 2 * RATE, np.random.default_rng(0))
    assert int(np.abs(cqt(sound))[:, 16].argmax()) == 80 - SPEC.lowest_pitch


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


def write_index(folder: Path, *, rate: int = RATE) -> Path:
    """Two banks of violin, bowed and plucked in one of them, and a clarinet that is held out."""
    lines = ["file,bank,instrument,midi,dynamic,articulation,cents,seconds,attack_ms,split"]
    rows = (
        ("one", "violin", 60, "arco-normal", "-20", "80", "train"),
        ("one", "violin", 62, "pizzicato-sulA", "", "0", "train"),
        ("two", "clarinet", 60, "normal", "", "", "unseen"),
    )
    for bank, instrument, pitch, articulation, cents, attack_ms, split in rows:
        name = f"{bank}-{articulation}.wav"
        soundfile.write(folder / name, 0.5 * recording(pitch), rate)
        lines.append(f"{name},{bank},{instrument},{pitch},,{articulation},{cents},1.0,{attack_ms},{split}")
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_the_index_says_what_there_is_and_on_which_side_of_the_split(tmp_path: Path) -> None:
    banks = _read_samples(write_index(tmp_path), "train")
    bowed, plucked = (
        Timbre(plays="violin", kind="samples", bank="one", recorded_as="violin", is_struck=struck)
        for struck in (False, True)
    )
    assert set(banks) == {bowed, plucked}
    take = banks[bowed][60][0]
    assert (take.pitch, take.attack_s) == (59.8, 0.08)
    assert np.abs(take.sound).max() == pytest.approx(1.0)
    (clarinet,) = _read_samples(tmp_path, "unseen")
    assert (clarinet.plays, clarinet.recorded_as) == ("other", "clarinet")


def test_a_sample_at_another_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has a rate of 44100 Hz, 16000 Hz is wanted"):
        _read_samples(write_index(tmp_path, rate=44100), "train")


def test_instruments_are_told_by_their_names() -> None:
    names = ("cello", "voice", "drums", "percussion", "clarinet", "violin+viola")
    assert [class_of(name) for name in names] == ["cello", "voice", "drums", "drums", "other", "other"]
    assert is_struck("harp", "pluck")
    assert is_struck("cello", "pizzicato-sulC")
    assert not is_struck("cello", "arco")


def test_a_part_does_not_depend_on_those_played_before() -> None:
    notes = np.array([[0.1, 0.5, 60, 100]])

    def played(after: int) -> FloatArray:
        player = SoundfontPlayer(DEFAULT_SOUNDFONT)
        player.play(notes, 0, after, is_drum=False, detune=0.0)
        return player.play(notes, 0, RATE, is_drum=False, detune=0.0)

    assert_allclose(played(RATE + 42), played(RATE), atol=1e-4)
