"""Whether MIDI notes are where they are heard: by how much they are late, whether they drift, and how clear that is."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtinst.grid import SPEC, FloatArray
from train.data.sources import ONSET, PITCH

MOST_LAG_S = 1.0
FEWEST = 8  # onsets that say anything


class Alignment(NamedTuple):
    """What :func:`alignment` found.

    Parameters
    ----------
    lag_s : float
        The sound comes this much after the notes.
    drift_s : float
        By how much that changes from the first half of the notes to the second.
    clarity : float
        How sure that is: the mean rise of levels at the notes' onsets and pitches, in standard errors. The examples
        that come with the page have 14 to 26 with their own notes, and at most 5 with those of another.
    """

    lag_s: float
    drift_s: float
    clarity: float


def alignment(levels: FloatArray, notes: NDArray[np.float64]) -> Alignment:
    """Compare onsets with rising levels.

    Parameters
    ----------
    levels : ndarray of float32, shape (n_pitches, n_frames)
        The log-CQT in [0, 1], one row a semitone.
    notes : ndarray of float64, shape (n_notes, 4)
        As in :class:`train.data.sources.Track`, of all instruments.
    """
    rise = np.zeros_like(levels)
    rise[:, 1:-1] = levels[:, 2:] - levels[:, :-2]
    rise -= rise.mean(axis=0)  # more than at other pitches: any song's beats make everything rise
    rows = notes[:, PITCH].astype(int) - SPEC.lowest_pitch
    frames = np.floor(notes[:, ONSET] * SPEC.frame_rate + 0.5).astype(int)
    is_inside = (rows >= 0) & (rows < len(levels)) & (frames < levels.shape[1])
    order = np.argsort(frames[is_inside], kind="stable")
    rows, frames = rows[is_inside][order], frames[is_inside][order]
    if len(rows) < FEWEST:
        return Alignment(0.0, 0.0, 0.0)
    rises = _rises(rise, rows, frames)
    best = int(rises.mean(axis=1).argmax())
    there = rises[best]
    half = len(rows) // 2
    first, second = (
        int(_rises(rise, rows[part], frames[part]).mean(axis=1).argmax()) for part in (slice(half), slice(half, None))
    )
    clarity = float(there.mean() / max(1e-9, float(there.std()) / np.sqrt(len(there))))
    return Alignment((best - _most_lag()) / SPEC.frame_rate, (second - first) / SPEC.frame_rate, clarity)


def _rises(rise: FloatArray, rows: NDArray[np.int64], frames: NDArray[np.int64]) -> FloatArray:
    """How much the level rises at each onset, (n_lags, n_onsets), from the most negative lag to the most positive."""
    most = _most_lag()
    padded = np.pad(rise, ((0, 0), (most, most)))
    return np.stack([padded[rows, frames + lag] for lag in range(2 * most + 1)])


def _most_lag() -> int:
    return round(MOST_LAG_S * SPEC.frame_rate)
