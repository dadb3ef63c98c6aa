"""The log-CQT against tones and librosa."""

import librosa
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from mtinst.grid import FINE, SPEC, FeatureSpec, FloatArray
from mtinst.hear import cqt as features
from mtinst.hear.cqt import ComplexArray, ConstantQ, cqt, log_cqt, scale_to_unit


def tone(pitch: int, seconds: float, level: float = 0.5) -> FloatArray:
    time = np.arange(int(seconds * SPEC.sample_rate)) / SPEC.sample_rate
    hertz = 440.0 * 2 ** ((pitch - 69) / 12)
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


@pytest.mark.parametrize("pitch", [30, 60, 69, 100])
def test_a_tone_is_loudest_in_the_row_of_its_pitch(pitch: int) -> None:
    features = log_cqt(tone(pitch, 2.0))
    assert int(features[:, 30].argmax()) == pitch - SPEC.lowest_pitch


def test_log_cqt_agrees_with_librosa_s_decibels() -> None:
    samples = tone(60, 3.0) + tone(67, 3.0, level=0.01)
    magnitude = np.abs(librosa.cqt(samples, sr=16000, hop_length=512, fmin=27.5, n_bins=88, bins_per_octave=12))
    decibels = librosa.amplitude_to_db(magnitude, ref=np.max, top_db=80.0)
    assert_allclose(log_cqt(samples), 1 + decibels[:, : SPEC.n_frames(len(samples))] / 80, atol=1e-3)


@pytest.mark.parametrize("spec", [SPEC, FINE], ids=["paper", "fine"])
@pytest.mark.parametrize("n_samples", [33_000, 40_001, 160_000])
@pytest.mark.parametrize("tuning_hz", [440.0, 415.0, 466.0])
def test_it_is_librosa_s_transform(spec: FeatureSpec, n_samples: int, tuning_hz: float) -> None:
    noise = np.random.default_rng(n_samples).standard_normal(n_samples, np.float32)
    samples = tone(60, 11.0)[:n_samples] + np.float32(0.01) * noise
    ours = cqt(samples, spec, tuning_hz=tuning_hz)
    n_bins = int(np.count_nonzero(ours.any(axis=1)))
    theirs = librosa.cqt(
        samples,
        sr=spec.sample_rate,
        hop_length=spec.hop_length,
        fmin=spec.lowest_hz * tuning_hz / 440,
        n_bins=n_bins,
        bins_per_octave=12 * spec.bins_per_semitone,
        filter_scale=spec.filter_scale,
    )[:, : spec.n_frames(n_samples)]
    assert_allclose(scale_to_unit(np.abs(ours[:n_bins]), spec), scale_to_unit(np.abs(theirs), spec), atol=1e-3)
    assert_allclose(ours[:n_bins], theirs, atol=1e-5 * np.abs(theirs).max())


def test_the_transform_has_a_gradient() -> None:
    samples = torch.zeros(5000, requires_grad=True)
    ConstantQ(FINE)(samples + 0.1).abs().sum().backward()
    assert samples.grad is not None
    assert samples.grad.abs().min() > 0


def test_cqt_of_a_mixture_is_the_sum_of_its_parts() -> None:
    one, other = tone(50, 1.0), tone(64, 1.0, level=0.2)
    assert_allclose(cqt(one + other), cqt(one) + cqt(other), atol=1e-5)


def test_features_do_not_depend_on_the_level() -> None:
    assert_allclose(log_cqt(tone(60, 1.0, level=0.001)), log_cqt(tone(60, 1.0, level=0.9)), atol=1e-3)


def test_silence_is_all_zeros() -> None:
    assert not log_cqt(np.zeros(16000, np.float32)).any()


@pytest.mark.parametrize("n_samples", [0, 1, 480, 511, 512, 5000, 16001])
def test_any_length_gives_the_frames_of_the_grid(n_samples: int) -> None:
    features = log_cqt(np.ones(n_samples, np.float32))
    assert features.shape == (SPEC.n_bins, SPEC.n_frames(n_samples))
    assert features.dtype == np.float32
    assert features.min() >= 0
    assert features.max() <= 1


def test_scale_to_unit_takes_a_reference() -> None:
    magnitude = np.array([[1.0, 0.1]], np.float32)
    assert_allclose(scale_to_unit(magnitude, reference=10.0), [[0.75, 0.5]], atol=1e-6)


def test_stereo_is_refused() -> None:
    with pytest.raises(ValueError, match="one axis"):
        cqt(np.zeros((2, 100), np.float32))


@pytest.mark.parametrize("spec", [SPEC, FINE], ids=["paper", "fine"])
@pytest.mark.parametrize("n_samples", [700_000, 512 * 1250, 512 * 625 + 1])
def test_a_long_clip_in_parts_is_what_it_is_as_a_whole(
    spec: FeatureSpec, n_samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(n_samples)
    samples = np.convolve(random.standard_normal(n_samples, np.float32), np.ones(8, np.float32), "same")
    samples += tone(33, n_samples / SPEC.sample_rate + 1)[:n_samples]
    samples[n_samples // 3 :] *= np.float32(0.01)
    whole = log_cqt(samples, spec)
    n_analysed: list[int] = []
    monkeypatch.setattr(features, "PART_S", 20.0)

    def counted(part: FloatArray, of: FeatureSpec, *, tuning_hz: float) -> ComplexArray:
        n_analysed.append(len(part))
        return cqt(part, of, tuning_hz=tuning_hz)

    monkeypatch.setattr(features, "cqt", counted)
    in_parts = log_cqt(samples, spec)
    assert len(n_analysed) == -(-spec.n_frames(n_samples) // 625)
    assert max(n_analysed) <= 1250 * 512  # 20 s and two margins, whatever the song
    assert_allclose(in_parts, whole, atol=1e-4)  # of 80 dB, so 0.01 dB near the floor


def test_samples_near_the_largest_number_do_not_overflow() -> None:
    loud = tone(60, 2.0, level=1.0) * np.float32(3e38)
    assert_allclose(log_cqt(loud), log_cqt(tone(60, 2.0)), atol=1e-3)


@pytest.mark.parametrize("spec", [SPEC, FINE], ids=["paper", "fine"])
@pytest.mark.parametrize("tuning_hz", [392.0, 415.0, 466.0, 493.0])
def test_a_tone_of_a_tuned_song_is_in_the_middle_of_its_row(spec: FeatureSpec, tuning_hz: float) -> None:
    turns = np.arange(3 * SPEC.sample_rate) / SPEC.sample_rate * 2 * np.pi
    heard = log_cqt(np.sin(tuning_hz * turns).astype(np.float32), spec, tuning_hz=tuning_hz)
    assert heard.shape == (spec.n_bins, spec.n_frames(3 * SPEC.sample_rate))
    middle = (69 - spec.lowest_pitch) * spec.bins_per_semitone + spec.bins_per_semitone // 2
    assert int(heard[:, 40].argmax()) == middle
    assert heard[middle, 40] > 0.99
