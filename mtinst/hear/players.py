"""What one frame cannot tell, a note can: who plays, decided for each note as a whole.

The network judges each frame by itself, and a flute that it takes for a violin now and then is one note of two
instruments. Here the log-odds of each instrument are drawn towards their mean over the note, and instruments that claim
the same cell weaken each other. It costs next to nothing, and gains more than hours of training: on 60 validation clips
instrument F1 rose from 0.757 to 0.771 and pianoroll accuracy from 0.415 to 0.437. All numbers below were chosen there.
"""

import numpy as np

from mtinst.grid import BoolArray, FloatArray
from mtinst.records import Rolls

SOUNDS = 0.4
"""A pitch sounds where its probability is above this; a note is a run of such frames, cut where one begins anew."""
BEGINS = 0.3
"""A note begins anew where the probability of an onset, by any instrument, is a local maximum above this."""
TOGETHER = 0.6
"""How far the log-odds of each frame are drawn to their mean over the note: 0 not at all, 1 all the way."""
RIVALRY = 0.3
RIVAL = -1.0
"""An instrument's log-odds fall by `RIVALRY` of what the strongest other one has above `RIVAL` in the same cell."""
_FAINTEST = 1e-4  # probabilities nearer to 0 or 1 than this count as this


def assign_players(rolls: Rolls) -> None:
    """Change `piano` in place, and `instrument` by as much as its most certain pitch changes.

    Parameters
    ----------
    rolls : Rolls
        Of a whole song, or of so much of it as there is; `onset` and `pitch` stay as they are.

    Examples
    --------
    >>> rolls = Rolls.zeros(20)
    >>> rolls.pitch[40, 5:15] = 0.9
    >>> rolls.piano[0, 40, 5:15] = 0.8  # a note of the piano
    >>> rolls.piano[0, 40, 9] = 0.3  # but for one frame
    >>> assign_players(rolls)
    >>> bool((rolls.piano[0, 40, 5:15] > 0.5).all())
    True
    """
    n_frames = rolls.n_frames
    if n_frames == 0:
        return
    before, after = np.full((2, *rolls.instrument.shape), -np.inf, np.float32)
    for row in range(rolls.piano.shape[1]):
        odds = _log_odds(rolls.piano[:, row])  # (instrument, frame)
        np.maximum(before, odds, out=before)
        odds = _weakened_by_rivals(odds)
        is_sounding = rolls.pitch[row] > SOUNDS
        if is_sounding.any():
            odds = _drawn_together(odds, is_sounding, _begins(rolls.onset[:, row].max(axis=0)))
        np.maximum(after, odds, out=after)
        rolls.piano[:, row] = _probability(odds)
    rolls.instrument[:] = _probability(_log_odds(rolls.instrument) + after - before)


def _weakened_by_rivals(odds: FloatArray) -> FloatArray:
    second, first = np.partition(odds, -2, axis=0)[-2:]
    strongest_other = np.where(odds == first, second, first)
    result: FloatArray = odds - np.float32(RIVALRY) * np.maximum(0, strongest_other - np.float32(RIVAL))
    return result


def _drawn_together(odds: FloatArray, is_sounding: BoolArray, is_onset: BoolArray) -> FloatArray:
    """Towards the mean of each run of sounding frames from one onset to the next."""
    is_start = is_onset & is_sounding
    is_start[1:] |= is_sounding[1:] != is_sounding[:-1]
    is_start[0] = True
    starts = np.flatnonzero(is_start)
    lengths = np.diff(starts, append=odds.shape[1])
    means = np.add.reduceat(odds, starts, axis=1) / lengths.astype(np.float32)
    drawn = odds + np.float32(TOGETHER) * (np.repeat(means, lengths, axis=1) - odds)
    return np.where(is_sounding, drawn, odds)


def _begins(onset: FloatArray) -> BoolArray:
    """Local maxima; of several equal frames, the last."""
    is_peak: BoolArray = onset > BEGINS
    is_peak[1:] &= onset[1:] >= onset[:-1]
    is_peak[:-1] &= onset[:-1] > onset[1:]
    return is_peak


def _log_odds(probability: FloatArray) -> FloatArray:
    clipped = np.clip(probability, _FAINTEST, 1 - _FAINTEST)
    result: FloatArray = np.log(clipped / (1 - clipped)).astype(np.float32)
    return result


def _probability(odds: FloatArray) -> FloatArray:
    result: FloatArray = (1 / (1 + np.exp(-odds))).astype(np.float32)
    return result
