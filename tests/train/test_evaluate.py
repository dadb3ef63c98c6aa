"""Scores against mir_eval, scikit-learn and small cases."""

from pathlib import Path

import mir_eval
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from mtinst.export.picture import figure_to_png
from mtinst.grid import INSTRUMENT_INDEX, INSTRUMENT_NAMES, SPEC, BoolArray
from mtinst.hear.checkpoint import save_checkpoint
from mtinst.hear.unet import ModelConfig, UNet
from mtinst.records import Note, Rolls, Thresholds
from train.clips import Clip, ClipArrays, save_clips
from train.evaluation.calibrate import _equalised, calibrate
from train.evaluation.evaluate import (
    Heard,
    RollThresholds,
    _instruments_reported,
    _notes_by,
    _taken_for,
    choose_roll_thresholds,
    count_notes,
    evaluate,
    frame_scores,
    to_json,
    to_markdown,
)
from train.evaluation.figures import plot_confusion
from train.store import UNKNOWN

N_FRAMES = 40
HALF = RollThresholds(piano=(0.5,) * 11, instrument=(0.5,) * 11, pitch=0.5)


def random_truth(seed: int) -> BoolArray:
    return np.random.default_rng(seed).random((11, 88, N_FRAMES)) > 0.98


def rolls_of(truth: BoolArray, *, wrong: float = 0.0, seed: int = 0) -> Rolls:
    """Probabilities that say `truth`, with a share of cells flipped."""
    claims = truth ^ (np.random.default_rng(seed).random(truth.shape) < wrong)
    probs = np.where(claims, 0.8, 0.1).astype(np.float32)
    return Rolls(piano=probs, onset=probs, instrument=probs.max(axis=1), pitch=probs.max(axis=0))


def test_pitch_accuracy_is_mir_eval_s() -> None:
    truth = random_truth(0)
    rolls = rolls_of(truth, wrong=0.01)
    times = np.array([SPEC.frame_to_second(frame) for frame in range(N_FRAMES)])

    def hertz(roll: BoolArray) -> list[NDArray[np.float64]]:
        return [mir_eval.util.midi_to_hz(np.flatnonzero(roll[:, frame]) + 21.0) for frame in range(N_FRAMES)]

    expected = mir_eval.multipitch.evaluate(times, hertz(np.any(truth, axis=0)), times, hertz(rolls.pitch > 0.5))
    assert frame_scores(Heard([rolls], [truth]), HALF)["pitch_accuracy"] == pytest.approx(expected["Accuracy"])


def test_instrument_f1_is_scikit_learn_s() -> None:
    truth = random_truth(1)[:, :20]
    rolls = rolls_of(truth, wrong=0.01)
    expected = f1_score(truth.any(axis=1).T, (rolls.instrument > 0.5).T, average=None)
    scores = frame_scores(Heard([rolls], [truth]), HALF)
    assert list(scores["instrument_f1_by"].values()) == pytest.approx(expected.tolist())
    assert scores["instrument_f1"] == pytest.approx(expected.mean())


def test_perfect_rolls_score_one_at_chosen_thresholds() -> None:
    truths = [random_truth(seed) for seed in range(3)]
    rolls = [rolls_of(truth) for truth in truths]
    heard = Heard(rolls, truths)
    scores = frame_scores(heard, choose_roll_thresholds([heard]))
    assert scores["instrument_f1"] == scores["pitch_accuracy"] == scores["piano_roll_accuracy"] == 1.0


def clips_of(*notes: list[tuple[str, float, float, int]], seconds: float = 3.0) -> ClipArrays:
    """Silent clips in which these notes are said to sound."""
    rows = [
        [(INSTRUMENT_INDEX.get(name, -1), onset, offset, pitch) for name, onset, offset, pitch in of_clip]
        for of_clip in notes
    ]
    return ClipArrays(
        np.zeros(round(len(notes) * seconds * SPEC.sample_rate), np.int16),
        np.round(np.arange(1, len(notes) + 1) * seconds * SPEC.sample_rate).astype(np.int64),
        np.concatenate([np.insert(np.array(r, float).reshape(-1, 4), 0, i, axis=1) for i, r in enumerate(rows)]),
    )


def test_scores_of_an_empty_set_of_notes_are_zero_not_an_error() -> None:
    silence = np.zeros((11, 88, N_FRAMES), np.bool_)
    scores = frame_scores(Heard([rolls_of(silence)], [silence]), HALF)
    assert scores["piano_roll_accuracy"] == scores["instrument_f1"] == 0.0
    assert count_notes(clips_of([]), [[]]).f1 == 0.0


def test_each_set_counts_as_much_as_the_other_when_thresholds_are_chosen() -> None:
    truth = random_truth(0)
    sure, unsure = (
        Rolls(piano=p, onset=p, instrument=p.max(axis=1), pitch=p.max(axis=0))
        for p in (np.where(truth, high, low).astype(np.float32) for high, low in ((0.92, 0.58), (0.62, 0.12)))
    )
    many, few = Heard([sure] * 5, [truth] * 5), Heard([unsure], [truth])
    assert choose_roll_thresholds([many]).pitch == 0.6
    assert choose_roll_thresholds([few]).pitch == 0.15
    both = choose_roll_thresholds([many, few])
    assert 0.58 <= both.pitch <= 0.62, "where neither is lost"


def test_the_right_instrument_counts_only_where_it_should() -> None:
    clips = clips_of([("violin", 0.5, 1.0, 60), ("cello", 1.0, 2.0, 64)])
    found = [[Note(0.52, 1.0, pitch=60, instrument="violin"), Note(1.0, 1.2, pitch=64, instrument="flute")]]
    assert count_notes(clips, found).f1 == 1.0
    assert count_notes(clips, found, with_instrument=True).f1 == 0.5
    assert count_notes(clips, found, with_offset=True).f1 == 0.5


def test_what_is_found_where_nothing_is_known_counts_neither_way() -> None:
    clips = clips_of([("violin", 0.5, 1.0, 60), ("", 1.0, 2.0, UNKNOWN)])
    right = Note(0.5, 1.0, pitch=60, instrument="violin")
    assert count_notes(clips, [[right, Note(1.5, 1.8, pitch=70)]]).f1 == 1.0
    assert count_notes(clips, [[right, Note(2.5, 2.8, pitch=70)]]).f1 == pytest.approx(2 / 3)
    truth = clips.truth(0)
    heard = Heard.of(clips, [rolls_of(truth | (np.arange(truth.shape[2]) >= 32))])
    assert heard.truths[0].shape[2] == truth.shape[2] - 31
    assert not heard.truths[0][:, :, 32:].any()


def test_of_each_instrument_it_is_told_how_late_its_notes_are_and_to_whom_they_are_given() -> None:
    clips = clips_of([("violin", 0.5, 1.0, 60), ("violin", 1.0, 2.0, 64)], [("other", 1.0, 2.0, 62)], [])
    found = [
        [Note(0.53, 1.0, pitch=60, instrument="violin"), Note(1.09, 1.5, pitch=64, instrument="violin")],
        [Note(0.98, 2.0, pitch=62, instrument="flute")],
        [Note(0.5, 1.0, pitch=50)],
    ]
    by = _notes_by(clips, found)
    violin, other = by["violin"], by["other"]
    assert (violin["notes"], violin["found"], violin["right"], violin["nine"]) == (2, 0.5, 0.5, 0.5)
    assert violin["late_ms"] == pytest.approx(60)
    assert violin["alone_f1"] == 0.5
    assert (other["found"], other["right"], other["nine"]) == (1.0, 0.0, 1.0)
    assert other["late_ms"] == pytest.approx(-20)
    assert np.isnan(by["piano"]["late_ms"])
    assert np.isnan(by["piano"]["alone_f1"])


def test_instruments_reported_are_counted_against_those_there() -> None:
    truth = [[Note(0, 1, pitch=60, instrument="violin")], []]
    found = [[Note(0, 1, pitch=60, instrument="flute"), Note(0, 1, pitch=64, instrument="violin")], truth[0]]
    assert _instruments_reported(truth, found) == {
        "leakage": 3.0,
        "reported_right": pytest.approx(1 / 3),
        "there_reported": 1.0,
    }


def test_an_equalised_clip_is_as_loud_and_silent_where_it_was() -> None:
    rng = np.random.default_rng(0)
    features = np.maximum(0, rng.uniform(-0.5, 0.9, (SPEC.n_bins, N_FRAMES))).astype(np.float32)
    moved = _equalised(features, rng, SPEC)
    assert moved.dtype == np.float32
    assert moved.max() == pytest.approx(features.max())
    assert (moved[features == 0] == 0).all()
    change = np.where((features > 0.3) & (moved > 0) & (moved < 0.9), moved - features, np.nan)
    assert np.nanstd(change, axis=1).max() < 1e-6, "each bin is as much louder or softer in all frames"
    assert 3 < SPEC.dynamic_range_db * np.nanstd(np.nanmean(change, axis=1)) < 12


def test_equalising_silence_leaves_it() -> None:
    silence = np.zeros((SPEC.n_bins, N_FRAMES), np.float32)
    np.testing.assert_array_equal(_equalised(silence, np.random.default_rng(0), SPEC), silence)


def test_taken_for_tells_who_was_taken_for_whom() -> None:
    truth = np.zeros((11, 88, N_FRAMES), np.bool_)
    truth[6, 40, :20] = True
    heard = np.zeros_like(truth)
    heard[6, 40, :10] = True
    heard[8, 40, 10:15] = True
    shares = _taken_for(Heard([rolls_of(heard)], [truth]), HALF)
    assert (shares[6][6], shares[6][8], shares[6][0]) == (0.5, 0.25, 0.0)


def test_weights_are_calibrated_and_scored_from_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    time = np.arange(2 * SPEC.sample_rate) / SPEC.sample_rate
    sounds = [0.1 * np.sin(2 * np.pi * hertz * time).astype(np.float32) for hertz in rng.uniform(200, 800, 4)]
    set_of_clips = [Clip(sound, np.array([(index, 0.06, 1.0, 61.0)])) for index, sound in enumerate(sounds)]
    for name in ("valid", "unseen", "real_valid"):
        save_clips(tmp_path / f"{name}.npz", set_of_clips)
    weights = tmp_path / "weights.safetensors"
    network = UNet(ModelConfig(widths=(4, 8), has_onset_head=True, derivation="max")).eval()
    save_checkpoint(weights, network, thresholds=Thresholds.uniform(), training={})
    clips = ClipArrays.open(tmp_path / "unseen.npz")

    with pytest.raises(ValueError, match="has no thresholds yet"):
        evaluate(weights, clips)
    thresholds = calibrate(weights, tmp_path)
    for field in (thresholds.onset, thresholds.frame, thresholds.presence):
        assert field[4:] == (0.5,) * 7  # nothing can be learnt about instruments that no clip has
    scores = evaluate(weights, clips)
    assert scores.n_clips == 4
    assert set(scores.by) == set(INSTRUMENT_NAMES[:4])
    assert scores.n_notes == 4
    assert '"piano_roll_accuracy"' in to_json(scores)
    assert "| instrument F1 (frames) |" in to_markdown("unseen", scores)


def test_a_set_that_was_not_prepared_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"unseen\.npz is not there"):
        ClipArrays.open(tmp_path / "unseen.npz")


def test_reference_notes_and_truth_agree() -> None:
    clips = clips_of([("violin", 0.07, 0.32, 69)], [], seconds=1.0)
    assert clips.reference_notes(0) == [Note(0.07, 0.32, pitch=69, instrument="violin")]
    assert clips.truth(0)[6, 48].nonzero()[0].tolist() == list(range(2, 10))
    assert clips.first(1).reference_notes(0) == clips.reference_notes(0)
    assert len(clips.first(1).audio(0)) == SPEC.sample_rate
    assert clips.only("piano").reference_notes(0) == []


def test_a_picture_says_who_is_taken_for_whom() -> None:
    shares = np.eye(11) * 0.8
    shares[0, 1] = 0.2
    figure = plot_confusion(shares.tolist(), "unseen")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[:3] == ["0.80", "0.20", "0.00"]
    assert figure.axes[0].get_title() == "unseen"
    assert figure_to_png(figure).startswith(b"\x89PNG")
