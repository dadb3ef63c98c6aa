"""``python -m train calibrate``: thresholds, chosen on validation clips."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from mtinst.grid import INSTRUMENT_NAMES, N_INSTRUMENTS, FeatureSpec, FloatArray
from mtinst.hear.checkpoint import load_checkpoint, save_checkpoint
from mtinst.hear.notes import presence, rolls_to_notes
from mtinst.records import Rolls, Thresholds
from train.clips import ClipArrays
from train.config import EXPERIMENTS
from train.effects.spectrum import MEDIUM_DB, MEDIUM_KNOTS, equaliser
from train.evaluation.evaluate import Heard, choose_roll_thresholds, count_notes, transcribed_rolls

_EQUALISER_SEED = 5
_ONSETS = np.round(np.arange(0.1, 0.96, 0.1), 2)
_PRESENCES = np.round(np.arange(0.05, 0.96, 0.05), 2)
_UNISONS = (0.0, 0.5, 0.7, 0.8, 0.9, 1.0)
_PITCHES = (1.0, 0.8, 0.7, 0.6, 0.5, 0.4)


def calibrate(weights: Path, prepared_dir: Path, *, n_clips: int | None = None) -> Thresholds:
    """Choose thresholds on the validation clips and on the recordings beside them, and write them into `weights`.

    Networks are less sure of timbres that they do not know, and those of the validation clips they know: the clips go
    through equalisers, drawn as for the parts and the mixtures of training. Recordings (``real_valid.npz``), where
    there are any, stay as they are. Each of the two sets counts as much as the other, for the instruments that it has.

    Each threshold is the one of a grid that is best for its instrument: presence for telling whether it is in a clip,
    frame for the accuracy of its pianoroll, onset for the F1 of its notes' onsets. The share for unisons, and then the
    threshold of pitches that nobody claims, are those at which the F1 of onsets, by any and by the right instrument,
    have the largest sum. Instruments that no clip has keep the thresholds that `weights` came with.
    """
    model, info = load_checkpoint(weights)
    rng = np.random.default_rng(_EQUALISER_SEED)
    sets = [ClipArrays.open(prepared_dir / "valid.npz").first(n_clips)]
    rolls = [transcribed_rolls(model, sets[0], lambda features: _equalised(features, rng, model.spec))]
    if (prepared_dir / "real_valid.npz").is_file():
        sets.append(ClipArrays.open(prepared_dir / "real_valid.npz"))
        rolls.append(transcribed_rolls(model, sets[1]))
    heard = [Heard.of(clips, of_clips) for clips, of_clips in zip(sets, rolls, strict=True)]
    is_there = np.any([truth.any(axis=(1, 2)) for one in heard for truth in one.truths], axis=0)
    of_rolls = choose_roll_thresholds(heard)

    def chosen(best: Sequence[float], before: Sequence[float]) -> tuple[float, ...]:
        return tuple(np.where(is_there, best, before).tolist())

    thresholds = replace(
        Thresholds.uniform(),
        frame=chosen(of_rolls.piano, info.thresholds.frame),
        presence=chosen(_choose_presence(heard), info.thresholds.presence),
    )
    onset = _choose_onsets(sets, rolls, thresholds)
    thresholds = replace(thresholds, onset=chosen(onset, info.thresholds.onset))
    unisons = [replace(thresholds, unison=share) for share in _UNISONS]
    thresholds = max(unisons, key=lambda candidate: _both_f1(sets, rolls, candidate))
    pitches = [replace(thresholds, pitch=threshold) for threshold in _PITCHES]
    thresholds = max(pitches, key=lambda candidate: _both_f1(sets, rolls, candidate))
    seen = " and ".join(f"{len(clips)} clips" for clips in sets)
    training = {**info.training, "roll_thresholds": asdict(of_rolls), "calibrated_on": f"validation: {seen}"}
    save_checkpoint(weights, model, thresholds=thresholds, training=training, bits=info.bits)
    return thresholds


def _equalised(features: FloatArray, rng: np.random.Generator, spec: FeatureSpec) -> FloatArray:
    """A clip's features as another instrument and another room would have them."""
    mix = EXPERIMENTS["default"].mix
    gain = equaliser(rng, spec, spread_db=mix.timbre_db, n_knots=mix.timbre_knots)
    gain = gain * equaliser(rng, spec, spread_db=MEDIUM_DB, n_knots=MEDIUM_KNOTS)
    moved = np.where(features > 0, features + 20 * np.log10(gain)[:, None] / spec.dynamic_range_db, 0.0)
    moved += features.max(initial=0.0) - moved.max(initial=0.0)  # as loud as before
    result: FloatArray = np.where(features > 0, np.clip(moved, 0, 1), 0).astype(np.float32)
    return result


def _choose_presence(sets: Sequence[Heard]) -> list[float]:
    """The threshold at which each instrument is best told to be in a clip or not, by F1 over clips."""
    total = np.zeros((len(_PRESENCES), N_INSTRUMENTS))
    for heard in sets:
        sureness = np.stack([presence(roll.instrument) for roll in heard.rolls])  # (clip, instrument)
        is_there = np.stack([truth.any(axis=(1, 2)) for truth in heard.truths])
        for step, threshold in enumerate(_PRESENCES):
            claims = sureness >= threshold
            n_claimed_and_there = claims.sum(axis=0) + is_there.sum(axis=0)
            total[step] += 2 * (claims & is_there).sum(axis=0) / np.maximum(1, n_claimed_and_there)
    result: list[float] = _PRESENCES[total.argmax(axis=0)].tolist()
    return result


def _choose_onsets(sets: Sequence[ClipArrays], rolls: Sequence[Sequence[Rolls]], thresholds: Thresholds) -> list[float]:
    """The threshold of the grid at which each instrument's notes score best, by F1 of pooled onsets."""
    chosen = []
    for instrument in INSTRUMENT_NAMES:
        alone = [
            replace(thresholds, onset=(float(threshold),) * N_INSTRUMENTS, instruments=(instrument,))
            for threshold in _ONSETS
        ]
        best = max(alone, key=lambda candidate: _mean_f1(sets, rolls, candidate, of=instrument))
        chosen.append(best.onset[0])
    return chosen


def _mean_f1(
    sets: Sequence[ClipArrays],
    rolls: Sequence[Sequence[Rolls]],
    thresholds: Thresholds,
    *,
    of: str | None = None,
    with_instrument: bool = False,
) -> float:
    """F1 of onsets, mean over the sets, of all notes or those of one instrument."""
    scores = []
    for clips, of_clips in zip(sets, rolls, strict=True):
        there = clips if of is None else clips.only(of)
        found = [rolls_to_notes(roll, thresholds) for roll in of_clips]
        counts = count_notes(there, found, with_instrument=with_instrument)
        if counts.there:
            scores.append(counts.f1)
    return float(np.mean(scores)) if scores else 0.0


def _both_f1(sets: Sequence[ClipArrays], rolls: Sequence[Sequence[Rolls]], thresholds: Thresholds) -> float:
    return _mean_f1(sets, rolls, thresholds) + _mean_f1(sets, rolls, thresholds, with_instrument=True)
