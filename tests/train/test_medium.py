"""What happens to a part's sound keeps its pitches, its times and its length."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from mtinst.grid import FloatArray
from train.data.render import strum, varispeed
from train.data.sources import OFFSET, ONSET, PITCH
from train.effects.sound import RATE, amplify, compress, encode

N_SAMPLES = 2 * RATE


def note(onset: float, offset: float, pitch: int) -> tuple[float, float, float, float]:
    values = [0.0] * 4
    values[ONSET], values[OFFSET], values[PITCH] = onset, offset, pitch
    return values[0], values[1], values[2], values[3]


def play(notes: NDArray[np.float64], n_samples: int) -> FloatArray:
    """Sines with a formant: a quiet tone of 1 kHz goes along with each."""
    seconds = np.arange(n_samples) / RATE
    sound = np.zeros(n_samples)
    for one in notes:
        hertz = 440 * 2 ** ((one[PITCH] - 69) / 12)
        is_on = (seconds >= one[ONSET]) & (seconds < one[OFFSET])
        sound += is_on * (np.sin(2 * np.pi * hertz * seconds) + 0.3 * np.sin(2 * np.pi * 1000 * seconds))
    return sound.astype(np.float32)


def peaks(sound: FloatArray) -> list[float]:
    """The two strongest frequencies of the middle second."""
    spectrum = np.abs(np.fft.rfft(sound[RATE // 2 : 3 * RATE // 2] * np.hanning(RATE)))
    first = int(spectrum.argmax())
    spectrum[first - 20 : first + 20] = 0
    return [float(first), float(spectrum.argmax())]


@pytest.mark.parametrize("semitones", [-4, -1, 0, 3])
def test_another_size_keeps_pitch_and_time_and_moves_the_formants(semitones: int) -> None:
    notes = np.array([note(0.4, 1.6, 69)])
    sound = varispeed(play, notes, semitones, N_SAMPLES)
    assert sound.shape == (N_SAMPLES,)
    assert_allclose(peaks(sound), [440, 1000 * 2 ** (semitones / 12)], atol=1.5)
    loud = np.flatnonzero(np.abs(sound) > 0.2)
    assert_allclose([loud[0] / RATE, loud[-1] / RATE], [0.4, 1.6], atol=0.005)


@pytest.mark.parametrize("seed", range(6))
def test_a_codec_delays_nothing_and_keeps_the_level(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sound = 0.2 * play(np.array([note(0.5, 1.0, 60), note(1.2, 1.7, 67)]), N_SAMPLES)
    coded = encode(sound, rng)
    assert coded.shape == sound.shape
    assert coded.dtype == np.float32
    lags = np.fft.irfft(np.fft.rfft(coded, 2 * N_SAMPLES) * np.conj(np.fft.rfft(sound, 2 * N_SAMPLES)))
    assert int(lags.argmax()) == 0
    assert 1e-4 < np.sqrt(np.mean((coded - sound) ** 2)) / np.sqrt(np.mean(sound**2)) < 0.2


@pytest.mark.parametrize("seed", range(6))
def test_compression_brings_loud_and_quiet_together(seed: int) -> None:
    loud, quiet = play(np.array([note(0.0, 1.0, 60)]), RATE), 0.1 * play(np.array([note(0.0, 1.0, 60)]), RATE)
    both = compress(np.concatenate((loud, quiet)).astype(np.float32), np.random.default_rng(seed))
    ratio = np.abs(both[RATE // 2 : RATE]).max() / np.abs(both[3 * RATE // 2 :]).max()
    assert 1 < ratio < 9.5


@pytest.mark.parametrize("seed", range(8))
def test_an_amplifier_keeps_pitch_time_and_level(seed: int) -> None:
    seconds = np.arange(N_SAMPLES) / RATE
    string = np.where(seconds < 0.5, 0, 0.3 * np.exp(-2 * (seconds - 0.5)) * np.sin(2 * np.pi * 220 * seconds))
    amplified = amplify(string.astype(np.float32), np.random.default_rng(seed))
    assert amplified.shape == string.shape
    assert np.abs(amplified).max() == pytest.approx(np.abs(string).max(), rel=1e-3)
    assert np.abs(amplified[: int(0.49 * RATE)]).max() < 1e-3
    loud = np.flatnonzero(np.abs(amplified) > 0.1 * np.abs(amplified).max())
    assert loud[0] / RATE == pytest.approx(0.5, abs=0.01)
    spectrum = np.abs(np.fft.rfft(amplified[RATE // 2 : 3 * RATE // 2] * np.hanning(RATE)))
    loudest = float(spectrum.argmax())
    assert loudest / 220 == pytest.approx(round(loudest / 220), abs=0.06)  # the string or one of its partials


def test_silence_stays_silence() -> None:
    silence = np.zeros(N_SAMPLES, np.float32)
    for effect in (amplify, compress, encode):
        assert_allclose(effect(silence, np.random.default_rng(0)), 0)


def test_a_chord_is_strummed_string_by_string_and_a_melody_is_not() -> None:
    chord = [note(1.0, 2.0, pitch) for pitch in (52, 59, 64, 40)]
    melody = [note(3.0 + k, 3.9 + k, 60 + k) for k in range(3)]
    for seed in range(20):
        strummed = strum(np.array(chord + melody), np.random.default_rng(seed))
        assert_allclose(strummed[4:, ONSET], [3, 4, 5])
        onsets, pitches = strummed[:4, ONSET], strummed[:4, PITCH].tolist()
        assert pitches in ([40, 52, 59, 64], [64, 59, 52, 40])
        gaps = np.diff(onsets)
        assert_allclose(gaps, gaps[0])
        assert 0.008 <= gaps[0] <= 0.04
        assert (strummed[:, OFFSET] > strummed[:, ONSET]).all()
