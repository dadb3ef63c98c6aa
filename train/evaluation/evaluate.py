"""``python -m train evaluate``: scores on clips never trained on.

Conventions. Frame scores pool the cells of all clips in which it is known what sounds: accuracy is TP / (TP + FP + FN)
(:mod:`mir_eval.multipitch`'s definition, the paper's), instrument F1 is computed for each instrument over frames and
then averaged over those that the set has. Note scores match as :mod:`mir_eval.transcription` does and pool the notes
of all clips: an onset within 50 ms and the same semitone; with offsets, also within 50 ms or a fifth of the length.
What is found where it is not known what sounds counts neither way. "Right instrument" matches notes only within their
instrument. How late notes are is the median over those found within 150 ms. Leakage is the number of instruments
reported over the number there, summed over clips. All scores are of rolls as songs are transcribed, with players
assigned (:mod:`mtinst.hear.players`); what `fit` prints, and the paper's tables, are of rolls as they are.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from mtinst.compare import ONSET_TOLERANCE_S, matching_notes
from mtinst.grid import (
    INSTRUMENT_INDEX,
    INSTRUMENT_NAMES,
    INSTRUMENTS,
    N_INSTRUMENTS,
    NINE,
    SPEC,
    BoolArray,
    FloatArray,
)
from mtinst.hear.checkpoint import load_checkpoint
from mtinst.hear.notes import rolls_to_notes
from mtinst.hear.players import assign_players
from mtinst.hear.unet import Network
from mtinst.hear.windows import predict_rolls
from mtinst.records import Note, Rolls
from train.clips import ClipArrays

_GRID = np.round(np.arange(0.05, 0.96, 0.05), 2)
# A mean over 88 pitches, from which the paper's network has its instruments, stays far below one half for long.
_WIDE_GRID = np.concatenate(([0.0005, 0.001, 0.002, 0.004, 0.007, 0.012, 0.02, 0.035], _GRID))
_LATE_WITHIN_S = 0.15
# Instruments of the paper's table of recordings; the two guitars count as one.
RECOGNITION = {
    "piano": ("piano",),
    "guitar": ("acoustic_guitar", "electric_guitar"),
    "violin": ("violin",),
    "cello": ("cello",),
    "flute": ("flute",),
}


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


@dataclass(frozen=True)
class Heard:
    """What was found in the clips of a set and what sounds there, in the frames in which that is known."""

    rolls: list[Rolls]
    truths: list[BoolArray]

    @classmethod
    def of(cls, clips: ClipArrays, rolls: Sequence[Rolls]) -> "Heard":
        """Leave out the frames in which it is not known what sounds."""
        known = [clips.known(clip) for clip in range(len(clips))]
        return cls(
            [Rolls(*(array[..., here] for array in roll)) for roll, here in zip(rolls, known, strict=True)],
            [clips.truth(clip)[..., here] for clip, here in enumerate(known)],
        )


@dataclass(kw_only=True)
class NoteCounts:
    """Notes found, notes there and those of them that match, over clips."""

    found: int = 0
    there: int = 0
    matched: int = 0

    @property
    def f1(self) -> float:
        """0 where there is nothing to find or nothing found."""
        return 2 * self.matched / max(1, self.found + self.there)


@dataclass(frozen=True, kw_only=True)
class OfInstrument:
    """What is measured of one instrument.

    Parameters
    ----------
    f1, piano_roll_accuracy : float
        Over frames.
    notes : int
        That it plays in the set: what the figures below rest on.
    found, right, nine : float
        Shares of them that are found at all, as its own, and as one of the nine.
    alone_f1 : float
        Note F1, onset, any instrument, of the clips in which nothing else plays; NaN where there are none.
    late_ms : float
        How late its notes are, median; NaN where there are none.
    """

    f1: float
    piano_roll_accuracy: float
    notes: int
    found: float
    right: float
    nine: float
    alone_f1: float
    late_ms: float


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Everything measured on one set; those by instrument are keyed by the names of those that it has."""

    n_clips: int
    seconds: float
    n_notes: int
    instrument_f1: float
    pitch_accuracy: float
    piano_roll_accuracy: float
    note_onset_f1: float
    note_onset_offset_f1: float
    note_onset_instrument_f1: float
    note_onset_offset_instrument_f1: float
    alone_f1: float  # mean of those by instrument
    leakage: float
    reported_right: float  # of the instruments that notes of a clip are given to, those that play in it
    there_reported: float  # of the instruments that play in a clip, those that notes are given to
    by: dict[str, OfInstrument]
    auc_by: dict[str, float]
    taken_for: list[list[float]] = field(repr=False)  # [there][reported]: share of cells, see _taken_for


def quick_scores(model: Network, clips: ClipArrays) -> dict[str, float]:
    """The paper's three figures at the thresholds that suit these very clips best: to watch a run by, not to print."""
    was_training = model.training
    model.eval()
    rolls = [predict_rolls(model, features, model.spec) for features in clips.features(model.spec)]
    model.train(was_training)
    heard = Heard.of(clips, rolls)
    scores = frame_scores(heard, choose_roll_thresholds([heard]))
    return {
        "instrument": round(scores["instrument_f1"], 4),
        "pitch": round(scores["pitch_accuracy"], 4),
        "piano_roll": round(scores["piano_roll_accuracy"], 4),
        "onset": round(_onset_cells(rolls, clips), 4),
    }


def score_frames(model: Network, chosen_on: ClipArrays, scored_on: ClipArrays) -> FrameScores:
    """The paper's three figures on `scored_on`, at the thresholds that are best on `chosen_on`."""
    chosen, scored = (Heard.of(clips, predict_all(model, clips)) for clips in (chosen_on, scored_on))
    scores = frame_scores(scored, choose_roll_thresholds([chosen], grid=_WIDE_GRID))
    return FrameScores(*(scores[name] for name in FrameScores._fields))


def evaluate(weights: Path, clips: ClipArrays) -> Scores:
    """Score calibrated weights on a set."""
    model, info = load_checkpoint(weights)
    if "roll_thresholds" not in info.training:
        raise ValueError(f"{weights} has no thresholds yet: run `python -m train calibrate {weights}` first.")
    record = info.training["roll_thresholds"]
    n_more = N_INSTRUMENTS - len(record["piano"])  # weights of nine instruments
    of_rolls = RollThresholds(
        piano=(*record["piano"], *(1.0,) * n_more),
        instrument=(*record["instrument"], *(1.0,) * n_more),
        pitch=float(record["pitch"]),
    )
    rolls = transcribed_rolls(model, clips)
    heard = Heard.of(clips, rolls)
    found = [rolls_to_notes(roll, info.thresholds) for roll in rolls]
    of_frames = frame_scores(heard, of_rolls)
    f1_by, accuracy_by = of_frames.pop("instrument_f1_by"), of_frames.pop("piano_roll_accuracy_by")
    notes_by = _notes_by(clips, found)
    by = {name: OfInstrument(f1=f1_by[name], piano_roll_accuracy=accuracy_by[name], **notes_by[name]) for name in f1_by}
    there = [clips.reference_notes(clip) for clip in range(len(clips))]
    return Scores(
        n_clips=len(clips),
        seconds=float(clips.ends[-1] / SPEC.sample_rate),
        n_notes=sum(map(len, there)),
        **of_frames,
        note_onset_f1=count_notes(clips, found).f1,
        note_onset_offset_f1=count_notes(clips, found, with_offset=True).f1,
        note_onset_instrument_f1=count_notes(clips, found, with_instrument=True).f1,
        note_onset_offset_instrument_f1=count_notes(clips, found, with_instrument=True, with_offset=True).f1,
        alone_f1=_mean_of_numbers([one.alone_f1 for one in by.values()]),
        **_instruments_reported(there, found),
        by=by,
        auc_by=auc_per_second(
            [roll.instrument for roll in heard.rolls], [_any(truth, axes=(1,)) for truth in heard.truths]
        ),
        taken_for=_taken_for(heard, of_rolls),
    )


def _mean_of_numbers(values: Sequence[float]) -> float:
    """Without those that are NaN; NaN when all are."""
    numbers = [value for value in values if not np.isnan(value)]
    return float(np.mean(numbers)) if numbers else float("nan")


def _as_they_are(features: FloatArray) -> FloatArray:
    return features


def predict_all(
    model: Network, clips: ClipArrays, change: Callable[[FloatArray], FloatArray] = _as_they_are
) -> list[Rolls]:
    """Rolls of every clip, from its audio; its features may be changed on the way to the network."""
    features = tqdm(clips.features(model.spec), mininterval=5)
    return [predict_rolls(model, change(one), model.spec) for one in features]


def transcribed_rolls(
    model: Network, clips: ClipArrays, change: Callable[[FloatArray], FloatArray] = _as_they_are
) -> list[Rolls]:
    """:func:`predict_all`, with players assigned as in songs."""
    rolls = predict_all(model, clips, change)
    for roll in rolls:
        assign_players(roll)
    return rolls


def to_markdown(name: str, scores: Scores) -> str:
    """One set's scores as two tables."""
    lines = [
        f"| {name}, {scores.n_clips} clips, {scores.seconds / 60:.0f} minutes, {scores.n_notes} notes | |",
        "|---|---|",
        f"| instrument F1 (frames) | {scores.instrument_f1:.3f} |",
        f"| pitch accuracy (frames) | {scores.pitch_accuracy:.3f} |",
        f"| pianoroll accuracy (frames) | {scores.piano_roll_accuracy:.3f} |",
        f"| note F1, onset, any instrument | {scores.note_onset_f1:.3f} |",
        f"| the same, mean over instruments alone | {scores.alone_f1:.3f} |",
        f"| note F1, onset and offset, any instrument | {scores.note_onset_offset_f1:.3f} |",
        f"| note F1, onset, right instrument | {scores.note_onset_instrument_f1:.3f} |",
        f"| note F1, onset and offset, right instrument | {scores.note_onset_offset_instrument_f1:.3f} |",
        f"| instruments reported / there | {scores.leakage:.2f} |",
        f"| instruments reported that are there | {scores.reported_right:.2f} |",
        f"| instruments there that are reported | {scores.there_reported:.2f} |",
        "",
        "| instrument | F1 (frames) | pianoroll | notes | found | as its own | as one of the nine | alone | late, ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for instrument in INSTRUMENTS:
        if instrument.name in scores.by:
            one = scores.by[instrument.name]
            shares = (one.found, one.right, one.nine, one.alone_f1)
            cells = [_cell(one.f1), _cell(one.piano_roll_accuracy), str(one.notes), *map(_cell, shares)]
            lines.append(f"| {instrument.label} | {' | '.join(cells)} | {_cell(one.late_ms, digits=0)} |")
    if not all(map(np.isnan, scores.auc_by.values())):
        values = list(scores.auc_by.values())
        lines += [
            "",
            "| AUC per second | " + " | ".join(scores.auc_by) + " | mean |",
            "|---" * (len(scores.auc_by) + 2) + "|",
            "| | " + " | ".join(map(_cell, (*values, float(np.mean(values))))) + " |",
        ]
    return "\n".join(lines)


def _cell(value: float, *, digits: int = 3) -> str:
    return "–" if np.isnan(value) else f"{value:.{digits}f}"


def to_json(scores: Scores) -> str:
    """The same, for programs."""
    return json.dumps(asdict(scores), indent=1)


def choose_roll_thresholds(sets: Sequence[Heard], *, grid: NDArray[np.float64] = _GRID) -> RollThresholds:
    """The best of the grid: by accuracy for pianoroll (each instrument) and pitch, by F1 for instruments.

    Of several sets, each counts as much as the others that have the instrument.
    """
    piano = np.zeros((len(sets), len(grid), N_INSTRUMENTS, 3))
    instrument = np.zeros((len(sets), len(grid), N_INSTRUMENTS, 3))
    pitch = np.zeros((len(sets), len(grid), 3))
    for index, heard in enumerate(sets):
        for roll, truth in zip(heard.rolls, heard.truths, strict=True):
            for step, threshold in enumerate(grid):
                piano[index, step] += _counts(roll.piano > threshold, truth, axes=(1, 2))
                instrument[index, step] += _counts(roll.instrument > threshold, _any(truth, axes=(1,)), axes=(1,))
                pitch[index, step] += _counts(roll.pitch > threshold, _any(truth, axes=(0,)), axes=(0, 1))
    return RollThresholds(
        piano=tuple(grid[_accuracy(piano).sum(axis=0).argmax(axis=0)].tolist()),
        instrument=tuple(grid[_f1(instrument).sum(axis=0).argmax(axis=0)].tolist()),
        pitch=float(grid[_accuracy(pitch).sum(axis=0).argmax()]),
    )


def frame_scores(heard: Heard, thresholds: RollThresholds) -> dict[str, Any]:
    """The paper's three figures, and by instrument, for those that sound at all."""
    piano = np.zeros((N_INSTRUMENTS, 3))
    instrument = np.zeros((N_INSTRUMENTS, 3))
    pitch = np.zeros(3)
    per_piano = np.array(thresholds.piano)[:, None, None]
    per_instrument = np.array(thresholds.instrument)[:, None]
    for roll, truth in zip(heard.rolls, heard.truths, strict=True):
        piano += _counts(roll.piano > per_piano, truth, axes=(1, 2))
        instrument += _counts(roll.instrument > per_instrument, _any(truth, axes=(1,)), axes=(1,))
        pitch += _counts(roll.pitch > thresholds.pitch, _any(truth, axes=(0,)), axes=(0, 1))
    is_there = instrument[:, 0] + instrument[:, 2] > 0
    names = np.array(INSTRUMENT_NAMES)[is_there].tolist()
    f1 = _f1(instrument[is_there])
    return {
        "instrument_f1": float(f1.mean()) if len(f1) else 0.0,
        "pitch_accuracy": float(_accuracy(pitch)),
        "piano_roll_accuracy": float(_accuracy(piano.sum(axis=0))),
        "instrument_f1_by": dict(zip(names, f1.tolist(), strict=True)),
        "piano_roll_accuracy_by": dict(zip(names, _accuracy(piano[is_there]).tolist(), strict=True)),
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
            claims = peak & (probs > threshold) & clips.known(clip)
            truth = np.zeros_like(claims)
            for note in clips.reference_notes(clip):
                row, frame = note.pitch - SPEC.lowest_pitch, SPEC.second_to_frame(note.onset)
                if frame < truth.shape[1]:
                    truth[row, frame] = True
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


def count_notes(
    clips: ClipArrays, found: Sequence[list[Note]], *, with_offset: bool = False, with_instrument: bool = False
) -> NoteCounts:
    """Notes found in each clip against those there; what is found where nothing is known is passed over."""
    counts = NoteCounts()
    for clip, notes in enumerate(found):
        there = clips.reference_notes(clip)
        pairs = matching_notes(notes, there, with_instrument=with_instrument, with_offset=with_offset)
        _add(counts, clips, clip, notes, pairs)
    return counts


def _add(
    counts: NoteCounts, clips: ClipArrays, clip: int, notes: Sequence[Note], pairs: Sequence[tuple[int, int]]
) -> None:
    """Count a clip, in which these pairs of notes found and there match."""
    counts.matched += len(pairs)
    counts.there += len(clips.reference_notes(clip))
    counts.found += len(notes) - len(_passed_over(clips, clip, notes) - {at for at, _ in pairs})


def _passed_over(clips: ClipArrays, clip: int, notes: Sequence[Note]) -> set[int]:
    """Which notes begin where it is not known what sounds."""
    spans = clips.unknown_spans(clip)
    onsets = np.array([note.onset for note in notes])[:, None]
    is_unknown = (onsets > spans[:, 0] - ONSET_TOLERANCE_S) & (onsets < spans[:, 1] + ONSET_TOLERANCE_S)
    return set(np.flatnonzero(is_unknown.any(axis=1)).tolist())


def _notes_by(clips: ClipArrays, found: Sequence[list[Note]]) -> dict[str, dict[str, Any]]:
    """The fields of :class:`OfInstrument` that are about notes."""
    n_notes: dict[str, int] = defaultdict(int)
    given: dict[str, list[str]] = defaultdict(list)  # to whom the notes of each are given that are found
    late_s: dict[str, list[float]] = defaultdict(list)
    alone: dict[str, NoteCounts] = defaultdict(NoteCounts)
    for clip, notes in enumerate(found):
        there = clips.reference_notes(clip)
        for note in there:
            n_notes[note.instrument] += 1
        own = matching_notes(notes, there, with_instrument=True)
        pairs = matching_notes(notes, there, with_instrument=False)
        is_own = {right for _, right in own}
        for at, right in pairs:
            given[there[right].instrument].append(there[right].instrument if right in is_own else notes[at].instrument)
        for at, right in matching_notes(notes, there, with_instrument=False, onset_tolerance_s=_LATE_WITHIN_S):
            late_s[there[right].instrument].append(notes[at].onset - there[right].onset)
        players = {note.instrument for note in there}
        if len(players) == 1:
            _add(alone[players.pop()], clips, clip, notes, pairs)
    return {
        name: {
            "notes": n_notes[name],
            "found": len(given[name]) / max(1, n_notes[name]),
            "right": given[name].count(name) / max(1, n_notes[name]),
            "nine": sum(player in NINE for player in given[name]) / max(1, n_notes[name]),
            "alone_f1": alone[name].f1 if name in alone else float("nan"),
            "late_ms": 1000 * float(np.median(late_s[name])) if late_s[name] else float("nan"),
        }
        for name in INSTRUMENT_NAMES
    }


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


def _taken_for(heard: Heard, thresholds: RollThresholds) -> list[list[float]]:
    """Of the cells where only one instrument sounds, the share given to each instrument."""
    per_piano = np.array(thresholds.piano)[:, None, None]
    shares = np.zeros((N_INSTRUMENTS, N_INSTRUMENTS))
    totals = np.zeros(N_INSTRUMENTS)
    for roll, truth in zip(heard.rolls, heard.truths, strict=True):
        is_alone = truth.sum(axis=0) == 1
        claims = roll.piano > per_piano
        for instrument in range(N_INSTRUMENTS):
            cells = truth[instrument] & is_alone
            totals[instrument] += cells.sum()
            shares[instrument] += claims[:, cells].sum(axis=1)
    result: list[list[float]] = np.round(shares / np.maximum(1, totals)[:, None], 3).tolist()
    return result
