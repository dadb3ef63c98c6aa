"""Rolls of probabilities to notes, and notes back to rolls.

A roll has the shape (instrument, pitch, frame). A note that sounds in the frames ``first`` to ``last`` has the offset
``spec.frame_to_second(last + 1)``. Its onset is ``spec.frame_to_second(first)``, or, where onset probabilities tell it
better, a time between two frames of which ``first`` is the nearest. Notes of a pitch and instrument that touch share
that time. So what is drawn on the frame grid is what the MIDI file plays.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtinst.grid import (
    INSTRUMENT_INDEX,
    N_INSTRUMENTS,
    SPEC,
    BoolArray,
    FeatureSpec,
    FloatArray,
)
from mtinst.records import DEFAULT_VELOCITY, Note, Rolls, Thresholds

IntArray = NDArray[np.int64]

ATTACK_S = 0.064
"""Frames may become active this long after the onset's peak, or before it, and still belong to it."""
ONSETLESS_SHORTEST_S = 0.16
"""A note without an onset peak must be at least this long."""
ONSETLESS_MARGIN = 0.2
"""How far the mean probability of a note without an onset peak must be from the frame threshold towards 1."""
MOST_OFF_CENTRE = 0.48
"""Frames that an onset may be from the centre of its first one; not 0.5, so that in whole milliseconds, as in MIDI
files, that is still the nearest one."""
LEAST_SHARE = 0.03
SHARE_WITHIN_S = 30.0
"""An instrument with less than this share of what sounds is a mistake more often than not (on validation clips).

In a song, it is asked for within this many seconds, those in which it plays most: it may have a solo and no more.
"""
PRESENCE_SHARE = 0.1
PRESENCE_LEAST_S, PRESENCE_MOST_S = 0.25, 10.0
"""An instrument is as present as it is in its most probable frames: this share of all, within these lengths.

On validation clips a tenth told instruments that are there from others better than a maximum over 0.25 to 4 s.
"""
_FAINTEST = 1e-3  # onset probabilities below this count as this, for those of 0 have no logarithm


def rolls_to_notes(
    rolls: Rolls, thresholds: Thresholds, spec: FeatureSpec = SPEC, *, levels: FloatArray | None = None
) -> list[Note]:
    """Decode probabilities into notes, each instrument and pitch on its own, and leave to one what several claim.

    1. An instrument takes part when it is in ``thresholds.instruments`` and its :func:`presence` reaches its threshold.
    2. A frame is active when its probability exceeds the frame threshold. Active frames in a row form a run.
    3. An onset is a frame whose onset probability exceeds the onset threshold and all others within ``shortest_s``.
    4. Two runs at most ``gap_s`` apart become one, unless an onset falls between them or within ``ATTACK_S`` after.
    5. An onset at most ``ATTACK_S`` before a run (and after the run before it) moves the start of the run to itself.
    6. Onsets inside a run cut it: the note is struck again.
    7. A piece that begins with an onset is a note when it lasts ``shortest_s``. One that does not, the beginning of a
       run before its first onset, must last ``ONSETLESS_SHORTEST_S`` too, and its mean probability must be
       ``ONSETLESS_MARGIN`` of the way from the frame threshold to 1.
    8. Where no instrument claims a pitch, rules 2 to 7 are applied to the probability that anybody sounds it, and that
       anybody begins it, with ``thresholds.pitch`` for both. Notes without an onset are left out, as most are the rest
       of a pitch that somebody claims. The others go to the instrument that is the most probable on average over their
       frames, of those that rule 1 would let take part if all were asked for.
    9. Of notes of several instruments at the same pitch and time, one goes whose mean probability is less than
       ``unison`` of the most probable one's, averaged over its frames.
    10. An instrument goes whose notes never last, within ``SHARE_WITHIN_S``, ``LEAST_SHARE`` of what all notes there
        last together, or of what they do on average.
    11. A note that begins with an onset does so where the parabola through the logarithms of the onset probabilities
        of its first frame and that one's two neighbours has its top, at most ``MOST_OFF_CENTRE`` frames off: a bell
        curve, which is how onsets are drawn for training, has it at its middle. The note that it ends does so there.

    Parameters
    ----------
    rolls : Rolls
        Probabilities; `pitch` is only used where ``thresholds.pitch`` is below 1.
    thresholds : Thresholds
    spec : FeatureSpec
    levels : ndarray of float32, shape (n_pitches, n_frames), optional
        The log-CQT in [0, 1], from which velocities are estimated; without it each is 80.

    Returns
    -------
    list of Note
        Sorted.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """
    n_frames = rolls.piano.shape[-1]
    for name, array in (("piano", rolls.piano), ("onset", rolls.onset)):
        _check_shape(array, (N_INSTRUMENTS, spec.n_pitches, n_frames), f"the {name} roll")
    _check_shape(rolls.pitch, (spec.n_pitches, n_frames), "the pitch roll")
    if levels is not None:
        _check_shape(levels, (spec.n_pitches, n_frames), "levels")
    if n_frames == 0:
        return []
    # No note is longer than the song, and no gap, whatever is asked for.
    shortest = max(1, math.ceil(min(thresholds.shortest_s * spec.frame_rate, n_frames + 1) - 1e-6))
    gap = math.floor(min(thresholds.gap_s * spec.frame_rate, n_frames) + 1e-6)
    decode = partial(_decode_rows, shortest=shortest, gap=gap, spec=spec)
    present = np.flatnonzero(presence(rolls.instrument, spec) >= np.array(thresholds.presence, np.float32))
    claims: dict[str, _Spans] = {}
    for instrument in thresholds.instruments:
        index = INSTRUMENT_INDEX[instrument]
        if index in present:
            claims[instrument] = decode(
                rolls.piano[index], rolls.onset[index], thresholds.frame[index], thresholds.onset[index]
            )
    if thresholds.pitch < 1 and len(present):
        unclaimed = _decode_unclaimed(rolls, claims, thresholds.pitch, decode)
        owner = _likeliest(unclaimed, rolls.piano, present)
        for instrument, spans in claims.items():
            claims[instrument] = _merged(spans, unclaimed.at(owner == INSTRUMENT_INDEX[instrument]))
    if thresholds.unison > 0:
        claims = _resolve(claims, rolls.piano, thresholds.unison)
    width = min(n_frames, round(SHARE_WITHIN_S * spec.frame_rate))
    sounding = {instrument: _sounding_within(width, spans, n_frames) for instrument, spans in claims.items()}
    altogether = sum(sounding.values(), np.zeros(n_frames - width + 1))
    average = width / n_frames * sum(int((spans.end - spans.first).sum()) for spans in claims.values())
    notes: list[Note] = []
    for instrument, spans in claims.items():
        if (sounding[instrument] < LEAST_SHARE * np.maximum(altogether, average)).all():
            continue
        velocities = None if levels is None else _velocities(spans, levels, spec)
        notes.extend(_to_notes(spans, instrument, spec, velocities))
    return sorted(notes)


def presence(instrument_roll: FloatArray, spec: FeatureSpec = SPEC) -> FloatArray:
    """How sure each instrument is to play at all: the mean probability of its most probable frames.

    Those are a tenth of all, at least `PRESENCE_LEAST_S` and at most `PRESENCE_MOST_S`: a single frame is easily
    mistaken, and a solo in a long song still counts.

    Parameters
    ----------
    instrument_roll : ndarray of float32, shape (n_instruments, n_frames)

    Returns
    -------
    ndarray of float32, shape (n_instruments,)
        Zeros when there are no frames.
    """
    n_instruments, n_frames = instrument_roll.shape
    if n_frames == 0:
        return np.zeros(n_instruments, np.float32)
    least, most = (round(seconds * spec.frame_rate) for seconds in (PRESENCE_LEAST_S, PRESENCE_MOST_S))
    n_top = min(n_frames, max(least, min(most, round(PRESENCE_SHARE * n_frames))))
    top = np.partition(instrument_roll, n_frames - n_top, axis=1)[:, -n_top:]
    result: FloatArray = top.mean(axis=1)
    return result


def note_shares(notes: Sequence[Note], rolls: Rolls, spec: FeatureSpec = SPEC) -> FloatArray:
    """How likely each instrument plays each note: the mean of its frame probabilities, shape (n_notes, 11)."""
    shares = np.zeros((len(notes), N_INSTRUMENTS), np.float32)
    for position, note in enumerate(notes):
        first, end = frame_span(note, spec)
        first = min(first, rolls.n_frames - 1)  # notes that were added by hand may begin at the very end
        shares[position] = rolls.piano[:, note.pitch - spec.lowest_pitch, first:end].mean(axis=1)
    return shares


def note_confidences(notes: Sequence[Note], rolls: Rolls, spec: FeatureSpec = SPEC) -> FloatArray:
    """The mean frame probability of each note, shape (n_notes,)."""
    own = [INSTRUMENT_INDEX[note.instrument] for note in notes]
    confidences: FloatArray = note_shares(notes, rolls, spec)[np.arange(len(notes)), own]
    return confidences


def frame_span(note: Note, spec: FeatureSpec = SPEC) -> tuple[int, int]:
    """The frames of a note, from the first up to, not including, the second; at least one."""
    first = spec.second_to_frame(note.onset)
    return first, max(first + 1, spec.second_to_frame(note.offset))


def notes_to_roll(notes: Iterable[Note], n_frames: int, spec: FeatureSpec = SPEC) -> BoolArray:
    """Draw notes on the frame grid.

    A note fills the frames from the one nearest to its onset up to, not including, the one nearest to its offset, and
    at least one. What lies outside the pitches of `spec` or after `n_frames` is left out.

    Parameters
    ----------
    notes : iterable of Note
    n_frames : int
    spec : FeatureSpec

    Returns
    -------
    ndarray of bool, shape (n_instruments, n_pitches, n_frames)

    Examples
    --------
    >>> roll = notes_to_roll([Note(0.32, 0.64, pitch=60)], n_frames=40)
    >>> roll.shape, np.flatnonzero(roll[INSTRUMENT_INDEX["piano"], 60 - SPEC.lowest_pitch])[[0, -1]].tolist()
    ((11, 88, 40), [10, 19])
    """
    roll = np.zeros((N_INSTRUMENTS, spec.n_pitches, n_frames), np.bool_)
    for note in notes:
        if spec.lowest_pitch <= note.pitch <= spec.highest_pitch:
            first, end = frame_span(note, spec)
            roll[INSTRUMENT_INDEX[note.instrument], note.pitch - spec.lowest_pitch, first:end] = True
    return roll


class _Spans(NamedTuple):
    """Notes of one instrument by row and time: the frames of each from `first` up to, not including, `end`.

    The onset is `off_centre` frames after the centre of the first one.
    """

    row: IntArray
    first: IntArray
    end: IntArray
    off_centre: NDArray[np.float64]

    def at(self, which: NDArray[Any]) -> "_Spans":
        """The notes at those places, or of which that is true."""
        return _Spans(self.row[which], self.first[which], self.end[which], self.off_centre[which])


class _Grid(NamedTuple):
    """Cells (row, frame) of a roll as one sorted key each, ``row * stride + frame``.

    The stride exceeds the number of frames by so much that nothing in one row is ever near anything in the next.
    """

    n_frames: int
    stride: int

    def keys(self, mask: BoolArray) -> IntArray:
        """The keys of the true cells, in order."""
        row, frame = np.divmod(np.flatnonzero(mask), self.n_frames)
        return row * self.stride + frame

    def values(self, roll: FloatArray, keys: IntArray) -> FloatArray:
        """The cells of `roll` at `keys`."""
        cells: FloatArray = roll[keys // self.stride, keys % self.stride]
        return cells

    def spans(self, starts: IntArray, ends: IntArray) -> _Spans:
        """Keys back to rows and frames."""
        row, first = np.divmod(starts, self.stride)
        return _Spans(row, first, ends - row * self.stride, np.zeros(len(row)))


def _decode_rows(
    frame_probs: FloatArray,
    onset_probs: FloatArray,
    frame_threshold: float,
    onset_threshold: float,
    *,
    needs_onset: bool = False,
    shortest: int,
    gap: int,
    spec: FeatureSpec,
) -> _Spans:
    """Rules 2 to 7 and 11 of :func:`rolls_to_notes` for the (n_pitches, n_frames) of one player, in frames."""
    attack = round(ATTACK_S * spec.frame_rate)
    n_frames = frame_probs.shape[1]
    grid = _Grid(n_frames, n_frames + max(gap, attack) + 1)
    active = grid.keys(frame_probs > frame_threshold)
    onsets = _peaks(grid, onset_probs, onset_threshold, reach=max(1, shortest - 1))
    starts, ends = _runs(active)

    # Rule 4: close gaps.
    n_onsets_between = np.searchsorted(onsets, starts[1:] + attack, "right") - np.searchsorted(onsets, ends[:-1])
    is_apart = (starts[1:] - ends[:-1] > gap) | (n_onsets_between > 0)
    starts, ends = starts[np.append(True, is_apart)[: len(starts)]], ends[np.append(is_apart, True)[: len(ends)]]

    # Rule 5: start at the onset.
    if len(onsets):
        nearest = onsets[np.maximum(np.searchsorted(onsets, starts, "right") - 1, 0)]
        earliest = np.maximum(starts - attack, np.append(0, ends[:-1])[: len(starts)])
        starts = np.where((nearest <= starts) & (nearest >= earliest), nearest, starts)

    # Rules 6 and 7.
    starts, ends = _cut(starts, ends, onsets)
    n_active = np.searchsorted(active, ends) - np.searchsorted(active, starts)
    sums = np.append(0.0, np.cumsum(grid.values(frame_probs, active), dtype=np.float64))
    means = (sums[np.searchsorted(active, ends)] - sums[np.searchsorted(active, starts)]) / np.maximum(n_active, 1)
    onsetless_shortest = max(shortest, round(ONSETLESS_SHORTEST_S * spec.frame_rate))
    is_convincing = means >= frame_threshold + ONSETLESS_MARGIN * (1 - frame_threshold)
    has_onset = np.isin(starts, onsets)
    is_note = has_onset & (ends - starts >= shortest)
    if not needs_onset:
        is_note |= ~has_onset & is_convincing & (ends - starts >= onsetless_shortest)
    spans = grid.spans(starts, ends)
    return spans._replace(off_centre=np.where(has_onset, _off_centre(spans, onset_probs), 0.0)).at(is_note)


def _off_centre(spans: _Spans, onset_probs: FloatArray) -> NDArray[np.float64]:
    """Rule 11: 0 at either end of the roll, and where there is no top."""
    last = onset_probs.shape[1] - 1
    before, at, after = (
        np.log(np.maximum(onset_probs[spans.row, np.clip(spans.first + step, 0, last)], _FAINTEST), dtype=np.float64)
        for step in (-1, 0, 1)
    )
    curvature = before - 2 * at + after
    has_top = (spans.first > 0) & (spans.first < last) & (curvature < 0)
    tops = np.divide(before - after, 2 * curvature, out=np.zeros(len(at)), where=has_top)
    result: NDArray[np.float64] = np.clip(tops, -MOST_OFF_CENTRE, MOST_OFF_CENTRE)
    return result


def _decode_unclaimed(
    rolls: Rolls, claims: Mapping[str, _Spans], threshold: float, decode: Callable[..., _Spans]
) -> _Spans:
    """Rule 8, but for whose the notes are."""
    unclaimed = np.ones(rolls.pitch.shape, np.bool_)
    for spans in claims.values():
        for row, first, end in zip(*_as_lists(spans), strict=True):
            unclaimed[row, first:end] = False
    nobody = np.ones(rolls.pitch.shape, np.float32)
    for roll in rolls.onset:
        nobody *= 1 - roll
    begins = 1 - nobody
    spans = decode(rolls.pitch * unclaimed, begins * unclaimed, threshold, threshold, needs_onset=True)
    return spans._replace(off_centre=_off_centre(spans, begins))  # a neighbour may be claimed


def _likeliest(spans: _Spans, piano: FloatArray, candidates: NDArray[np.integer]) -> NDArray[np.integer]:
    """Which of the candidates' indices has the largest mean probability over each note."""
    positions = [
        int(piano[candidates, row, first:end].mean(axis=1).argmax())
        for row, first, end in zip(*_as_lists(spans), strict=True)
    ]
    return candidates[positions]


def _merged(one: _Spans, other: _Spans) -> _Spans:
    """The notes of both, each up to the next of its row."""
    joined = _Spans(
        np.append(one.row, other.row),
        np.append(one.first, other.first),
        np.append(one.end, other.end),
        np.append(one.off_centre, other.off_centre),
    )
    spans = joined.at(np.lexsort((joined.first, joined.row)))
    is_followed = spans.row[1:] == spans.row[:-1]
    spans.end[:-1][is_followed] = np.minimum(spans.end[:-1], spans.first[1:])[is_followed]
    return spans


def _peaks(grid: _Grid, probs: FloatArray, threshold: float, *, reach: int) -> IntArray:
    """Keys of the cells over `threshold` that exceed the `reach` frames before and are no less than those after."""
    row, frame = np.divmod(np.flatnonzero(probs > threshold), grid.n_frames)
    for step in range(1, reach + 1):
        value = probs[row, frame]
        before, after = probs[row, np.maximum(frame - step, 0)], probs[row, np.minimum(frame + step, grid.n_frames - 1)]
        is_peak = ((value > before) | (frame < step)) & ((value >= after) | (frame + step >= grid.n_frames))
        row, frame = row[is_peak], frame[is_peak]
    return row * grid.stride + frame


def _runs(keys: IntArray) -> tuple[IntArray, IntArray]:
    """First key, and last key plus one, of each run of consecutive numbers in sorted `keys`."""
    is_first = np.diff(keys, prepend=-2) > 1
    is_last = np.append(is_first[1:], True)[: len(keys)]
    return keys[is_first], keys[is_last] + 1


def _cut(starts: IntArray, ends: IntArray, cuts: IntArray) -> tuple[IntArray, IntArray]:
    """Split the runs from `starts` to `ends` at those `cuts` that lie inside them."""
    if not len(starts):
        return starts, ends
    run = np.searchsorted(starts, cuts, "right") - 1
    inside = cuts[(run >= 0) & (cuts < ends[run])]
    pieces = np.union1d(starts, inside)
    run_ends = ends[np.searchsorted(starts, pieces, "right") - 1]
    return pieces, np.minimum(run_ends, np.append(pieces[1:], ends[-1]))


def _as_lists(spans: _Spans) -> tuple[list[int], list[int], list[int]]:
    """Rows, first frames and ends, for loops over notes."""
    return spans.row.tolist(), spans.first.tolist(), spans.end.tolist()


def _sounding_within(width: int, spans: _Spans, n_frames: int) -> NDArray[np.float64]:
    """How many frames all notes last together in each stretch of `width` frames: (n_frames - width + 1,)."""
    changes = np.bincount(spans.first, minlength=n_frames + 1) - np.bincount(spans.end, minlength=n_frames + 1)
    until = np.concatenate(([0.0], np.cumsum(np.cumsum(changes[:-1]))))
    result: NDArray[np.float64] = until[width:] - until[: n_frames - width + 1]
    return result


def _resolve(claims: dict[str, _Spans], piano: FloatArray, unison: float) -> dict[str, _Spans]:
    """Rule 9 of :func:`rolls_to_notes`."""
    shape = piano.shape[1:]
    best, second = np.zeros(shape, np.float32), np.zeros(shape, np.float32)  # of the claims on each cell
    owner = np.full(shape, -1, np.int8)  # whose the best is
    sureness: dict[str, FloatArray] = {}
    for instrument, spans in claims.items():
        index = INSTRUMENT_INDEX[instrument]
        means = np.zeros(len(spans.row), np.float32)
        for position, (row, first, end) in enumerate(zip(*_as_lists(spans), strict=True)):
            cells = (row, slice(first, end))
            means[position] = mean = piano[index][cells].mean()
            second[cells] = np.where(mean > best[cells], best[cells], np.maximum(second[cells], mean))
            owner[cells] = np.where(mean > best[cells], index, owner[cells])
            best[cells] = np.maximum(best[cells], mean)
        sureness[instrument] = means
    resolved: dict[str, _Spans] = {}
    for instrument, spans in claims.items():
        index = INSTRUMENT_INDEX[instrument]
        rivals = np.zeros(len(spans.row), np.float32)
        for position, (row, first, end) in enumerate(zip(*_as_lists(spans), strict=True)):
            cells = (row, slice(first, end))
            rivals[position] = np.where(owner[cells] == index, second[cells], best[cells]).mean()
        stays = sureness[instrument] >= unison * rivals
        resolved[instrument] = spans.at(stays)
    return resolved


def _to_notes(
    spans: _Spans, instrument: str, spec: FeatureSpec, velocities: Sequence[int] | None = None
) -> Iterator[Note]:
    """Rows and frames to notes; where two touch, the onset of the later one is the end of both."""
    onsets, offsets = spans.first + spans.off_centre, spans.end.astype(np.float64)
    touches = (spans.row[1:] == spans.row[:-1]) & (spans.first[1:] == spans.end[:-1])
    offsets[:-1][touches] = onsets[1:][touches]
    for position, (row, onset, offset) in enumerate(zip(spans.row.tolist(), onsets, offsets, strict=True)):
        yield Note(
            spec.frame_to_second(float(onset)),
            spec.frame_to_second(float(offset)),
            pitch=spec.lowest_pitch + row,
            instrument=instrument,
            velocity=DEFAULT_VELOCITY if velocities is None else velocities[position],
        )


def _velocities(spans: _Spans, levels: FloatArray, spec: FeatureSpec) -> list[int]:
    """Velocities from the loudest of the first frames of each note.

    Synthesisers make the level grow with the velocity squared, 40 dB for a factor of ten; this inverts that, giving
    110 to the loudest bin of the song. What other notes add to the same bin is not told apart, hence the narrow range.
    """
    attack = round(ATTACK_S * spec.frame_rate)
    last = levels.shape[1] - 1
    loudest = np.max([levels[spans.row, np.minimum(spans.first + step, last)] for step in range(attack + 1)], axis=0)
    decibels = (loudest - 1) * spec.dynamic_range_db
    velocities: list[int] = np.clip(np.round(110 * 10 ** (decibels / 40)), 30, 110).astype(int).tolist()
    return velocities


def _check_shape(array: NDArray[Any], wanted: tuple[int, ...], what: str) -> None:
    if array.shape != wanted:
        raise ValueError(f"{what} has shape {array.shape}, not {wanted}")
