"""When the beats fall, and which of them begin a bar: from the notes.

Notes that begin together are one event, the stronger the more and the longer notes it has. For each of many tempi the
best sequence of beats is found: it steps from event to event, leaves out few beats, and keeps its pace. A linear score
of a few features then chooses between these sequences, and another between the ways to count bars. Both were fitted on
pieces of known tempo and metre.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtinst.records import Beats, Note, Timing

FloatArray = NDArray[np.float64]

LEAST_EVENTS = 12
"""Fewer notes have no beat that one could tell."""
PERIODS_S = 60 / np.geomspace(270, 35, 42)
TOGETHER_S = 0.035
LOW_PITCH = 52  # below E3, where the bass is
LONGEST_S = 1.0  # longer notes do not count for more
# A step between beats costs as a Gaussian of this width in log time, none is further off than `FURTHEST`; each beat
# left out costs `SKIP`, where an event on the beat brings 1 on the mean.
WIDTH, FURTHEST, SKIP = 0.08, 0.25, 0.6
MOST_SKIPPED, EVENTS_BACK = 3, 40
BEAT_WEIGHTS = (2.92, 12.26, 2.37, 7.55, -5.37, -0.69, -0.63)
BAR_WEIGHTS = (5.93, 5.55, -0.94, -0.58, 2.04)
BARS = (2, 3, 4)
GRIDS = {4: (4, 3), 8: (2,)}
"""Parts of a quarter or of an eighth that notes may fall on: sixteenths, or triplets."""
PACES = (1.0, 1 / 2, 2.0, 1 / 4, 4.0)
"""Of the beats that were found: those with the tempo that a person names are among them as a rule."""
N_LIKE_TEMPO = 3  # of the periods, 5 per cent apart, those to choose from where none of the paces is like it
LIKE = 0.1  # in log tempo
ESTIMATED = Timing()


@dataclass(frozen=True)
class _Events:
    """Notes that begin together, as arrays of the shape (n_events,)."""

    seconds: FloatArray
    strength: FloatArray  # 1 on the mean
    is_low: NDArray[np.bool_]

    def at(self, times: FloatArray, within_s: float) -> tuple[FloatArray, NDArray[np.bool_]]:
        """The strength of the event nearest to each time, and whether it is low; 0 and False where none is so near."""
        after = np.clip(np.searchsorted(self.seconds, times), 1, len(self.seconds) - 1)
        nearest = np.where(times - self.seconds[after - 1] < self.seconds[after] - times, after - 1, after)
        is_near = np.abs(self.seconds[nearest] - times) < within_s
        return np.where(is_near, self.strength[nearest], 0.0), is_near & self.is_low[nearest]


def find_beats(notes: Sequence[Note], timing: Timing = ESTIMATED) -> Beats | None:
    """Estimate beats and bars.

    Parameters
    ----------
    notes : sequence of Note
        Sorted.
    timing : Timing
        What is known. Of the beats that were found every other one may be taken, or twice as many, and a bar begins on
        that beat, or halfway between two, which is nearest to where one is to begin. Where nothing that the notes show
        is near the tempo, the beats are even.

    Returns
    -------
    Beats or None
        From the first note to the last; None where there is no note, or no tempo and too few notes to tell.
    """
    events = _events(notes) if len(notes) >= LEAST_EVENTS else None
    if events is None or len(events.seconds) < LEAST_EVENTS:
        return _even(notes, timing)
    sequences = [one for one in _sequences(events) if len(one[0]) >= LEAST_EVENTS // 2]
    if not sequences:
        return _even(notes, timing)
    found = _best(events, sequences, timing)
    tempo = timing.tempo
    if tempo is None:
        return found

    def unlike(beats: Beats) -> float:
        return float(abs(np.log(beats.tempo / tempo)))

    beats = min(map(found.at_pace, PACES), key=unlike)
    if unlike(beats) > LIKE:
        sequences.sort(key=lambda one: abs(np.log(np.median(np.diff(one[0])) * tempo / 60)))
        beats = _best(events, sequences[:N_LIKE_TEMPO], timing)
    return beats if unlike(beats) <= LIKE else _even(notes, timing)


def _best(events: _Events, sequences: Sequence[tuple[FloatArray, float]], timing: Timing) -> Beats:
    """The sequence with the best score, and the best bars on it."""
    scores = [float(beat_features(events, *one) @ BEAT_WEIGHTS) for one in sequences]
    times = sequences[int(np.argmax(scores))][0]
    bars = [(per_bar, first) for per_bar in BARS for first in range(per_bar)]
    if timing.per_bar is not None:
        bars = [(timing.per_bar, first) for first in range(min(timing.per_bar, len(times)))]
    on_beats = events.at(times, 0.07)
    scores = [float(bar_features(*on_beats, *bar) @ BAR_WEIGHTS) for bar in bars]
    per_bar, first = bars[int(np.argmax(scores))]
    beats = Beats(times=tuple(times.round(4).tolist()), per_bar=per_bar, first_downbeat=first)
    if timing.bar_s is None:
        return beats
    return beats.at_pace(1, float(np.rint(2 * beats.position(timing.bar_s))) / 2)


def _even(notes: Sequence[Note], timing: Timing) -> Beats | None:
    """Beats of one tempo; None without a tempo or a note."""
    if timing.tempo is None or not notes:
        return None
    period = 60 / timing.tempo
    start = notes[0].onset if timing.bar_s is None else timing.bar_s
    two = Beats(times=(start, start + period), per_bar=timing.per_bar or Beats.per_bar)
    first, last = (math.floor(two.position(second)) for second in (notes[0].onset, max(n.offset for n in notes)))
    times = two.second(np.arange(first, max(last, first + 1) + 1))
    return replace(two, times=tuple(times.round(4).tolist()), first_downbeat=-first % two.per_bar)


def _events(notes: Sequence[Note]) -> _Events:
    onsets = np.array([note.onset for note in notes])
    weights = np.sqrt(np.clip([note.duration for note in notes], 0.05, LONGEST_S))
    starts = np.r_[0, np.flatnonzero(np.diff(onsets) > TOGETHER_S) + 1]
    sums = np.add.reduceat(weights, starts)
    is_low = np.minimum.reduceat([note.pitch for note in notes], starts) < LOW_PITCH
    strength = np.sqrt(sums) * np.where(is_low, 1.4, 1.0)
    return _Events(np.add.reduceat(onsets * weights, starts) / sums, strength / strength.mean(), is_low)


def _sequences(events: _Events) -> list[tuple[FloatArray, float]]:
    """For each period the best beats, in seconds, and what they scored."""
    n_periods, n_steps = len(PERIODS_S), MOST_SKIPPED + 1
    seconds = events.seconds
    best = np.zeros((len(seconds), n_periods))
    came_from = np.full((len(seconds), n_periods), -1)
    n_beats = np.ones((len(seconds), n_periods), dtype=np.int64)
    log_steps = np.log(PERIODS_S)[:, None] + np.log(np.arange(1, n_steps + 1))
    for index in range(len(seconds)):
        first = max(0, index - EVENTS_BACK)
        best[index] = events.strength[index]
        if first == index:
            continue
        gaps = np.log(seconds[index] - seconds[first:index])
        off = gaps[:, None, None] - log_steps  # (event, period, step)
        gain = best[first:index, :, None] - 0.5 * (off / WIDTH) ** 2 - SKIP * np.arange(n_steps)
        gain = np.where(np.abs(off) < FURTHEST, gain, -np.inf).transpose(1, 0, 2).reshape(n_periods, -1)
        chosen = gain.argmax(axis=1)
        gained = gain[np.arange(n_periods), chosen]
        is_better = gained > 0
        best[index] += np.where(is_better, gained, 0.0)
        came_from[index] = np.where(is_better, first + chosen // n_steps, -1)
        n_beats[index] = chosen % n_steps + 1
    return [
        (_path(seconds, came_from[:, period], n_beats[:, period], int(best[:, period].argmax())), best[:, period].max())
        for period in range(n_periods)
    ]


def _path(seconds: FloatArray, came_from: NDArray[np.int64], n_beats: NDArray[np.int64], last: int) -> FloatArray:
    """The beats that end with an event, those left out put in evenly, and on to the first and the last event."""
    beats = [seconds[last : last + 1]]
    while (before := came_from[last]) >= 0:
        beats.append(np.linspace(seconds[last], seconds[before], n_beats[last] + 1)[1:])
        last = before
    path = np.concatenate(beats)[::-1]
    if len(path) < 2:
        return path
    period = float(np.median(np.diff(path)))
    head = np.arange(path[0] - period, seconds[0] - period / 2, -period)[::-1]
    tail = np.arange(path[-1] + period, seconds[-1] + period / 2, period)
    return np.concatenate((head, path, tail))


def beat_features(events: _Events, beats: FloatArray, gained: float) -> FloatArray:
    """What speaks for a sequence of beats, shape (7,)."""
    period = float(np.median(np.diff(beats)))
    octaves = np.log2(period / 0.55)
    strength, is_low = events.at(beats, min(0.07, 0.2 * period))
    lowest_of_four = max(is_low[first::4].mean() for first in range(4)) - is_low.mean()
    place = np.interp(events.seconds, beats, np.arange(len(beats)))
    off_quarter = np.abs(4 * place - np.rint(4 * place)) / 4 * period
    on_quarters = events.strength[off_quarter < 0.045].sum() / events.strength.sum() - min(1.0, 0.36 / period)
    density = np.log2(len(events.seconds) / len(beats))
    return np.array(
        [
            gained / len(beats),
            gained / events.strength.sum(),
            strength.mean(),
            lowest_of_four,
            on_quarters * octaves,
            density * octaves,
            octaves**2,
        ]
    )


def bar_features(strength: FloatArray, is_low: NDArray[np.bool_], per_bar: int, first: int) -> FloatArray:
    """What speaks for bars of so many beats from that beat on, shape (5,), given the events on the beats."""
    return np.array(
        [
            strength[first::per_bar].mean() - strength.mean(),
            is_low[first::per_bar].mean() - is_low.mean(),
            per_bar == 3,
            per_bar == 4,
            first == 0,
        ]
    )


def grid_of(notes: Sequence[Note], beats: Beats) -> int:
    """The one of `GRIDS` that the onsets between beats are nearer to, as measured against chance."""
    grids = GRIDS[beats.unit]
    position = beats.position([note.onset for note in notes])
    between = position[np.abs(position - np.rint(position)) > 1 / 8]
    if len(between) == 0:
        return grids[0]
    return min(grids, key=lambda parts: float(parts * np.abs(between - np.rint(parts * between) / parts).mean()))


def on_grid(notes: Sequence[Note], beats: Beats, parts: int) -> tuple[FloatArray, FloatArray]:
    """Onsets and offsets in whole parts of a beat from the first one, each note one part long at least."""
    onsets = np.rint(parts * beats.position([note.onset for note in notes]))
    return onsets, np.maximum(onsets + 1, np.rint(parts * beats.position([note.offset for note in notes])))


def quantised(notes: Iterable[Note], beats: Beats, parts: int | None = None) -> list[Note]:
    """The notes moved to the grid of `parts` of a beat, or to the better one; each as long as one part at least.

    Examples
    --------
    >>> beats = Beats(times=(0.0, 1.0, 2.0))
    >>> quantised([Note(0.27, 0.49, pitch=60)], beats, 4)
    [Note(onset=0.25, offset=0.5, pitch=60, instrument='piano', velocity=80)]
    """
    notes = list(notes)
    parts = parts or grid_of(notes, beats)
    onsets, offsets = on_grid(notes, beats, parts)
    first = np.ceil(parts * beats.position(0.0) - 1e-9)  # nothing begins before the song
    onsets, offsets = np.maximum(onsets, first), np.maximum(offsets, first + 1)
    times = zip(notes, beats.second(onsets / parts).tolist(), beats.second(offsets / parts).tolist(), strict=True)
    return sorted(replace(note, onset=max(0.0, onset), offset=offset) for note, onset, offset in times)
