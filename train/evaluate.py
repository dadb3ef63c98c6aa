"""``python -m train calibrate`` and ``evaluate``: thresholds from validation clips, scores on clips never trained on.

Conventions. Frame scores pool the cells of all clips: accuracy is TP / (TP + FP + FN) (:mod:`mir_eval.multipitch`'s
definition, the paper's), instrument F1 is computed for each instrument over frames and then averaged over the nine.
Note scores are :mod:`mir_eval.transcription`'s, a mean over clips: an onset within 50 ms and the same semitone; with
offsets, also within 50 ms or a fifth of the length. "Right instrument" matches notes only within their instrument.
Leakage is the number of instruments reported over the number there, summed over clips. All scores are of rolls
as songs are transcribed, read (:mod:`mtinst.reader`) or settled (:mod:`mtinst.settle`); what `fit` prints, and the
paper's tables, are of rolls as they are.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from mtinst.checkpoint import load_checkpoint, save_checkpoint
from mtinst.compare import matching_notes
from mtinst.features import log_cqt
from mtinst.model import Network, has_reader
from mtinst.notes import Note, Thresholds, presence, rolls_to_notes
from mtinst.rolls import Rolls, predict_rolls
from mtinst.settle import settle
from mtinst.spec import (
    INSTRUMENT_INDEX,
    INSTRUMENT_NAMES,
    INSTRUMENTS,
    N_INSTRUMENTS,
    SPEC,
    BoolArray,
    FeatureSpec,
    FloatArray,
)
from train.config import EXPERIMENTS
from train.datasets import MEDIUM_DB, MEDIUM_KNOTS
from train.effects import equaliser

logger = logging.getLogger(__name__)

_EQUALISER_SEED = 5
_GRID = np.round(np.arange(0.05, 0.96, 0.05), 2)
# A mean over 88 pitches, from which the paper's network has its instruments, stays far below one half for long.
_WIDE_GRID = np.concatenate(([0.0005, 0.001, 0.002, 0.004, 0.007, 0.012, 0.02, 0.035], _GRID))
# Instruments of the paper's table of recordings; the two guitars count as one.
RECOGNITION = {
    "piano": ("piano",),
    "guitar": ("acoustic_guitar", "electric_guitar"),
    "violin": ("violin",),
    "cello": ("cello",),
    "flute": ("flute",),
}


@dataclass(frozen=True)
class ClipArrays:
    """A fixed set of clips, as ``python -m train prepare`` wrote it."""

    samples: NDArray[np.int16]  # (n_clips, n_samples)
    notes: NDArray[np.int32]  # (n_notes, 5): clip, instrument index, first frame, end frame, row

    @classmethod
    def open(cls, path: Path) -> "ClipArrays":
        """Raises FileNotFoundError when the set was not prepared."""
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there: run `python -m train prepare` first.")
        with np.load(path) as arrays:
            return cls(arrays["samples"], arrays["notes"])

    def __len__(self) -> int:
        return len(self.samples)

    def first(self, n_clips: int | None) -> "ClipArrays":
        """The first `n_clips` of them; all for None."""
        if n_clips is None:
            return self
        return ClipArrays(self.samples[:n_clips], self.notes[self.notes[:, 0] < n_clips])

    def audio(self, clip: int) -> FloatArray:
        """Mono float32 in [-1, 1]."""
        result: FloatArray = self.samples[clip].astype(np.float32) / np.float32(32767)
        return result

    def features(self, spec: FeatureSpec) -> list[FloatArray]:
        """The log-CQT of each clip, from its audio; kept once it was asked for."""
        if spec not in self._features:
            self._features[spec] = [log_cqt(self.audio(clip), spec) for clip in range(len(self))]
        return self._features[spec]

    @cached_property
    def _features(self) -> dict[FeatureSpec, list[FloatArray]]:
        return {}

    def truth(self, clip: int) -> BoolArray:
        """Which note of which instrument sounds when, (instrument, pitch, frame)."""
        roll = np.zeros((N_INSTRUMENTS, SPEC.n_pitches, SPEC.n_frames(self.samples.shape[1])), dtype=np.bool_)
        for _, instrument, first, end, row in self.notes[self.notes[:, 0] == clip].tolist():
            roll[instrument, row, first:end] = True
        return roll

    def reference_notes(self, clip: int) -> list[Note]:
        """The same as notes, sorted."""
        return sorted(
            Note(
                SPEC.frame_to_second(first),
                SPEC.frame_to_second(end),
                pitch=row + SPEC.lowest_pitch,
                instrument=INSTRUMENT_NAMES[instrument],
            )
            for _, instrument, first, end, row in self.notes[self.notes[:, 0] == clip].tolist()
        )


@dataclass(frozen=True, kw_only=True)
class RollThresholds:
    """Where the probabilities of each roll become claims, for the paper's frame scores; chosen on validation clips."""

    piano: tuple[float, ...]
    instrument: tuple[float, ...]
    pitch: float


class FrameScores(NamedTuple):
    """The paper's three figures."""

    instrument_f1: float
    pitch_accuracy: float
    piano_roll_accuracy: float


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Everything measured on one set; those by instrument are keyed by its name."""

    n_clips: int
    instrument_f1: float
    pitch_accuracy: float
    piano_roll_accuracy: float
    instrument_f1_by: dict[str, float]
    piano_roll_accuracy_by: dict[str, float]
    auc_by: dict[str, float]
    note_onset_f1: float
    note_onset_offset_f1: float
    note_onset_instrument_f1: float
    note_onset_offset_instrument_f1: float
    leakage: float
    reported_right: float  # of the instruments that notes of a clip are given to, those that play in it
    there_reported: float  # of the instruments that play in a clip, those that notes are given to
    taken_for: list[list[float]]  # [there][reported]: share of cells, see _taken_for


def quick_scores(model: Network, clips: ClipArrays) -> dict[str, float]:
    """The paper's three figures at the thresholds that suit these very clips best: to watch a run by, not to print."""
    was_training = model.training
    model.eval()
    rolls = [predict_rolls(model, features, model.spec) for features in clips.features(model.spec)]
    model.train(was_training)
    truths = [clips.truth(clip) for clip in range(len(clips))]
    thresholds = choose_roll_thresholds(rolls, truths)
    scores = _frame_scores(rolls, truths, thresholds)
    return {
        "instrument": round(float(np.mean(list(scores["instrument_f1_by"].values()))), 4),
        "pitch": round(scores["pitch_accuracy"], 4),
        "piano_roll": round(scores["piano_roll_accuracy"], 4),
        "onset": round(_onset_cells(rolls, clips), 4),
    }


def score_frames(model: Network, chosen_on: ClipArrays, scored_on: ClipArrays) -> FrameScores:
    """The paper's three figures on `scored_on`, at the thresholds that are best on `chosen_on`."""
    thresholds = choose_roll_thresholds(*_rolls_and_truths(model, chosen_on), grid=_WIDE_GRID)
    scores = _frame_scores(*_rolls_and_truths(model, scored_on), thresholds)
    return FrameScores(*(scores[name] for name in FrameScores._fields))


def calibrate(weights: Path, prepared_dir: Path, *, n_clips: int | None = None) -> Thresholds:
    """Choose thresholds on the validation clips and write them into `weights`.

    Networks are less sure of timbres that they do not know, and those of the validation clips they know: the clips are
    heard through equalisers, drawn as for the parts and the mixtures of training.

    Each is the one of a grid that is best for its instrument: presence for telling whether it is in a clip, frame for
    the accuracy of its pianoroll, onset for the F1 of its notes' onsets. The share for unisons is the one at which the
    F1 of onsets, by any and by the right instrument, have the largest sum. Instruments that no validation clip has keep
    the thresholds that `weights` came with.
    """
    model, info = load_checkpoint(weights)
    clips = ClipArrays.open(prepared_dir / "valid.npz").first(n_clips)
    rng = np.random.default_rng(_EQUALISER_SEED)
    rolls, truths = _settled_and_truths(model, clips, lambda features: _equalised(features, rng, model.spec))
    of_rolls = choose_roll_thresholds(rolls, truths)
    is_there = np.any([_any(truth, axes=(1, 2)) for truth in truths], axis=0)

    def chosen(best: tuple[float, ...], before: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(np.where(is_there, best, before).tolist())

    thresholds = replace(
        Thresholds.uniform(),
        frame=chosen(of_rolls.piano, info.thresholds.frame),
        presence=chosen(_choose_presence(rolls, truths), info.thresholds.presence),
    )
    references = [clips.reference_notes(clip) for clip in range(len(clips))]
    onset = _choose_onsets(rolls, references, thresholds)
    thresholds = replace(thresholds, onset=chosen(onset, info.thresholds.onset))
    thresholds = replace(thresholds, unison=_choose_unison(rolls, references, thresholds))
    training = {**info.training, "roll_thresholds": asdict(of_rolls), "calibrated_on": f"{len(clips)} validation clips"}
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


def evaluate(weights: Path, clips: ClipArrays) -> Scores:
    """Score calibrated weights on a set."""
    model, info = load_checkpoint(weights)
    if "roll_thresholds" not in info.training:
        raise ValueError(f"{weights} has no thresholds yet: run `python -m train calibrate {weights}` first.")
    record = info.training["roll_thresholds"]
    of_rolls = RollThresholds(
        piano=tuple(record["piano"]), instrument=tuple(record["instrument"]), pitch=float(record["pitch"])
    )
    rolls, truths = _settled_and_truths(model, clips)
    decoded = [rolls_to_notes(roll, info.thresholds) for roll in rolls]
    references = [clips.reference_notes(clip) for clip in range(len(clips))]
    return Scores(
        n_clips=len(clips),
        **_frame_scores(rolls, truths, of_rolls),
        auc_by=auc_per_second([roll.instrument for roll in rolls], [_any(truth, axes=(1,)) for truth in truths]),
        note_onset_f1=_note_f1(references, decoded, with_offset=False, with_instrument=False),
        note_onset_offset_f1=_note_f1(references, decoded, with_offset=True, with_instrument=False),
        note_onset_instrument_f1=_note_f1(references, decoded, with_offset=False, with_instrument=True),
        note_onset_offset_instrument_f1=_note_f1(references, decoded, with_offset=True, with_instrument=True),
        **_instruments_reported(references, decoded),
        taken_for=_taken_for(truths, rolls, of_rolls),
    )


def _as_they_are(features: FloatArray) -> FloatArray:
    return features


def predict_all(
    model: Network, clips: ClipArrays, change: Callable[[FloatArray], FloatArray] = _as_they_are
) -> list[Rolls]:
    """Rolls of every clip, from its audio; its features may be changed before the network hears them."""
    features = tqdm(clips.features(model.spec), mininterval=5)
    return [predict_rolls(model, change(one), model.spec) for one in features]


def _rolls_and_truths(
    model: Network, clips: ClipArrays, change: Callable[[FloatArray], FloatArray] = _as_they_are
) -> tuple[list[Rolls], list[BoolArray]]:
    return predict_all(model, clips, change), [clips.truth(clip) for clip in range(len(clips))]


def _settled_and_truths(
    model: Network, clips: ClipArrays, change: Callable[[FloatArray], FloatArray] = _as_they_are
) -> tuple[list[Rolls], list[BoolArray]]:
    """As songs are transcribed."""
    rolls, truths = _rolls_and_truths(model, clips, change)
    if not has_reader(model):
        for roll in rolls:
            settle(roll)
    return rolls, truths


def to_markdown(name: str, scores: Scores) -> str:
    """One set's scores as two tables."""
    lines = [
        f"| {name}, {scores.n_clips} clips of 10 s | |",
        "|---|---|",
        f"| instrument F1 (frames) | {scores.instrument_f1:.3f} |",
        f"| pitch accuracy (frames) | {scores.pitch_accuracy:.3f} |",
        f"| pianoroll accuracy (frames) | {scores.piano_roll_accuracy:.3f} |",
        f"| note F1, onset, any instrument | {scores.note_onset_f1:.3f} |",
        f"| note F1, onset and offset, any instrument | {scores.note_onset_offset_f1:.3f} |",
        f"| note F1, onset, right instrument | {scores.note_onset_instrument_f1:.3f} |",
        f"| note F1, onset and offset, right instrument | {scores.note_onset_offset_instrument_f1:.3f} |",
        f"| instruments reported / there | {scores.leakage:.2f} |",
        f"| instruments reported that are there | {scores.reported_right:.2f} |",
        f"| instruments there that are reported | {scores.there_reported:.2f} |",
        "",
        "| instrument | F1 (frames) | pianoroll accuracy |",
        "|---|---|---|",
    ]
    lines += [
        f"| {i.label} | {scores.instrument_f1_by[i.name]:.3f} | {scores.piano_roll_accuracy_by[i.name]:.3f} |"
        for i in INSTRUMENTS
    ]
    lines += [
        "",
        "| AUC per second | " + " | ".join(scores.auc_by) + " | mean |",
        "|---" * (len(scores.auc_by) + 2) + "|",
    ]
    values = list(scores.auc_by.values())
    cells = ["–" if np.isnan(value) else f"{value:.3f}" for value in (*values, float(np.mean(values)))]
    lines.append("| | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def to_json(scores: Scores) -> str:
    """The same, for programs."""
    return json.dumps(asdict(scores), indent=1)


def choose_roll_thresholds(
    rolls: Sequence[Rolls], truths: Sequence[BoolArray], *, grid: NDArray[np.float64] = _GRID
) -> RollThresholds:
    """The best of the grid: by accuracy for pianoroll (each instrument) and pitch, by F1 for instruments."""
    piano = np.zeros((len(grid), N_INSTRUMENTS, 3))
    instrument = np.zeros((len(grid), N_INSTRUMENTS, 3))
    pitch = np.zeros((len(grid), 3))
    for roll, truth in zip(rolls, truths, strict=True):
        for step, threshold in enumerate(grid):
            piano[step] += _counts(roll.piano > threshold, truth, axes=(1, 2))
            instrument[step] += _counts(roll.instrument > threshold, _any(truth, axes=(1,)), axes=(1,))
            pitch[step] += _counts(roll.pitch > threshold, _any(truth, axes=(0,)), axes=(0, 1))
    return RollThresholds(
        piano=tuple(grid[_accuracy(piano).argmax(axis=0)].tolist()),
        instrument=tuple(grid[_f1(instrument).argmax(axis=0)].tolist()),
        pitch=float(grid[_accuracy(pitch).argmax()]),
    )


def _frame_scores(rolls: Sequence[Rolls], truths: Sequence[BoolArray], thresholds: RollThresholds) -> dict[str, Any]:
    piano = np.zeros((N_INSTRUMENTS, 3))
    instrument = np.zeros((N_INSTRUMENTS, 3))
    pitch = np.zeros(3)
    per_piano = np.array(thresholds.piano)[:, None, None]
    per_instrument = np.array(thresholds.instrument)[:, None]
    for roll, truth in zip(rolls, truths, strict=True):
        piano += _counts(roll.piano > per_piano, truth, axes=(1, 2))
        instrument += _counts(roll.instrument > per_instrument, _any(truth, axes=(1,)), axes=(1,))
        pitch += _counts(roll.pitch > thresholds.pitch, _any(truth, axes=(0,)), axes=(0, 1))
    f1 = _f1(instrument)
    return {
        "instrument_f1": float(f1.mean()),
        "pitch_accuracy": float(_accuracy(pitch)),
        "piano_roll_accuracy": float(_accuracy(piano.sum(axis=0))),
        "instrument_f1_by": dict(zip(INSTRUMENT_NAMES, f1.tolist(), strict=True)),
        "piano_roll_accuracy_by": dict(zip(INSTRUMENT_NAMES, _accuracy(piano).tolist(), strict=True)),
    }


def _counts(claims: BoolArray, truth: BoolArray, *, axes: tuple[int, ...]) -> NDArray[np.float64]:
    """True positives, false positives and false negatives over `axes`, on a new last axis."""
    return np.stack(
        ((claims & truth).sum(axis=axes), (claims & ~truth).sum(axis=axes), (~claims & truth).sum(axis=axes)), axis=-1
    ).astype(np.float64)


def _any(truth: BoolArray, *, axes: tuple[int, ...]) -> BoolArray:
    result: BoolArray = np.any(truth, axis=axes)
    return result


def _accuracy(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = counts[..., 0] / np.maximum(1, counts.sum(axis=-1))
    return result


def _f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = 2 * counts[..., 0] / np.maximum(1, counts[..., 0] + counts.sum(axis=-1))
    return result


def _onset_cells(rolls: Sequence[Rolls], clips: ClipArrays) -> float:
    """F1 of onsets over (pitch, frame), within a frame, at the best threshold: a fast stand-in for the notes' F1."""
    best = 0.0
    for threshold in (0.15, 0.3, 0.45, 0.6):
        counts = np.zeros(3)
        for clip, roll in enumerate(rolls):
            probs = roll.onset.max(axis=0)
            peak = (probs >= np.pad(probs, ((0, 0), (1, 0)))[:, :-1]) & (probs > np.pad(probs, ((0, 0), (0, 1)))[:, 1:])
            claims = peak & (probs > threshold)
            notes = clips.notes[clips.notes[:, 0] == clip]
            truth = np.zeros_like(claims)
            truth[notes[:, 4], notes[:, 2]] = True
            near_truth = _widened(truth)
            counts += (
                (claims & near_truth).sum(),
                (claims & ~near_truth).sum(),
                (truth & ~_widened(claims)).sum(),
            )
        best = max(best, float(_f1(counts)))
    return best


def _widened(cells: BoolArray) -> BoolArray:
    result = cells.copy()
    result[:, 1:] |= cells[:, :-1]
    result[:, :-1] |= cells[:, 1:]
    return result


def _choose_presence(rolls: Sequence[Rolls], truths: Sequence[BoolArray]) -> tuple[float, ...]:
    """The threshold at which each instrument is best told to be in a clip or not, by F1 over clips."""
    sureness = np.stack([presence(roll.instrument) for roll in rolls])  # (clip, instrument)
    is_there = np.stack([_any(truth, axes=(1, 2)) for truth in truths])
    scores = np.stack([_f1(_counts(sureness >= threshold, is_there, axes=(0,))) for threshold in _GRID])
    return tuple(_GRID[scores.argmax(axis=0)].tolist())


def _choose_onsets(
    rolls: Sequence[Rolls], references: Sequence[list[Note]], thresholds: Thresholds
) -> tuple[float, ...]:
    """The threshold of the grid at which each instrument's notes score best, by F1 of pooled onsets."""
    chosen = []
    for instrument in tqdm(INSTRUMENT_NAMES, desc="onset thresholds", mininterval=5):
        scores = []
        for threshold in _GRID[1::2]:
            alone = replace(thresholds, onset=(float(threshold),) * N_INSTRUMENTS, instruments=(instrument,))
            matched = n_reference = n_decoded = 0
            for roll, reference in zip(rolls, references, strict=True):
                wanted = [note for note in reference if note.instrument == instrument]
                found = rolls_to_notes(roll, alone)
                n_reference += len(wanted)
                n_decoded += len(found)
                matched += len(matching_notes(found, wanted, with_instrument=False))
            scores.append(2 * matched / max(1, n_reference + n_decoded))
        chosen.append(float(_GRID[1::2][int(np.argmax(scores))]))
    return tuple(chosen)


def _choose_unison(rolls: Sequence[Rolls], references: Sequence[list[Note]], thresholds: Thresholds) -> float:
    """The share of the grid at which notes score best, with and without their instrument."""
    grid = (0.0, 0.5, 0.7, 0.8, 0.9, 1.0)
    scores = []
    for share in grid:
        decoded = [rolls_to_notes(roll, replace(thresholds, unison=share)) for roll in rolls]
        scores.append(
            _note_f1(references, decoded, with_offset=False, with_instrument=False)
            + _note_f1(references, decoded, with_offset=False, with_instrument=True)
        )
    return grid[int(np.argmax(scores))]


def _note_f1(
    references: Sequence[list[Note]], decoded: Sequence[list[Note]], *, with_offset: bool, with_instrument: bool
) -> float:
    scores = []
    for reference, found in zip(references, decoded, strict=True):
        if not reference and not found:
            continue
        matched = len(matching_notes(found, reference, with_instrument=with_instrument, with_offset=with_offset))
        scores.append(2 * matched / (len(reference) + len(found)))
    return float(np.mean(scores)) if scores else 0.0


def _instruments_reported(references: Sequence[list[Note]], decoded: Sequence[list[Note]]) -> dict[str, Any]:
    """How many instruments are reported for each that is there, and how many of each are right."""
    there, reported = ([{note.instrument for note in notes} for notes in clips] for clips in (references, decoded))
    n_there, n_reported = (sum(map(len, clips)) for clips in (there, reported))
    n_right = sum(len(one & other) for one, other in zip(there, reported, strict=True))
    return {
        "leakage": n_reported / max(1, n_there),
        "reported_right": n_right / max(1, n_reported),
        "there_reported": n_right / max(1, n_there),
    }


def auc_per_second(probabilities: Sequence[FloatArray], activities: Sequence[BoolArray]) -> dict[str, float]:
    """Area under the ROC curve for "does it play in this second", for each instrument of `RECOGNITION`.

    The protocol of Gururani, Summers & Lerch, ISMIR 2018: the whole seconds of all songs are pooled. A second is
    claimed with the mean probability of its frames, and an instrument is there when it plays in any of them.

    Parameters
    ----------
    probabilities : sequence of ndarray of float32, shape (n_instruments, n_frames)
        One for each song.
    activities : sequence of ndarray of bool, shape (n_instruments, n_frames)

    Returns
    -------
    dict of float
        NaN for an instrument that plays in every second or in none.
    """
    result = {}
    for name, members in RECOGNITION.items():
        rows = [INSTRUMENT_INDEX[member] for member in members]
        claims, there = [], []
        for probs, is_active in zip(probabilities, activities, strict=True):
            claim, plays = probs[rows].max(axis=0), _any(is_active[rows], axes=(0,))
            for second in range(int(len(claim) / SPEC.frame_rate)):
                frames = slice(SPEC.second_to_frame(second), SPEC.second_to_frame(second + 1))
                claims.append(float(claim[frames].mean()))
                there.append(bool(plays[frames].any()))
        result[name] = float(roc_auc_score(there, claims)) if len(set(there)) == 2 else float("nan")
    return result


def _taken_for(truths: Sequence[BoolArray], rolls: Sequence[Rolls], thresholds: RollThresholds) -> list[list[float]]:
    """Of the cells where only one instrument sounds, the share given to each instrument."""
    per_piano = np.array(thresholds.piano)[:, None, None]
    shares = np.zeros((N_INSTRUMENTS, N_INSTRUMENTS))
    totals = np.zeros(N_INSTRUMENTS)
    for roll, truth in zip(rolls, truths, strict=True):
        is_alone = truth.sum(axis=0) == 1
        claims = roll.piano > per_piano
        for instrument in range(N_INSTRUMENTS):
            cells = truth[instrument] & is_alone
            totals[instrument] += cells.sum()
            shares[instrument] += claims[:, cells].sum(axis=1)
    result: list[list[float]] = np.round(shares / np.maximum(1, totals)[:, None], 3).tolist()
    return result
