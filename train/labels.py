"""Labels that follow the sound: a note counts for as long as it is held, or until it has died away."""

import numpy as np
from numpy.typing import NDArray

from mtinst.features import ComplexArray, by_pitch
from mtinst.spec import SPEC, FeatureSpec, FloatArray
from train.sources import OFFSET, ONSET, PITCH

# A note has died away this far below its own loudest frame: a struck string is then no longer heard in a mix.
DECAY_DB = 40.0
# A note this far below the part's loudest frame has no sound at all: its timbre has no sample for it.
_SILENCE_DB = 60.0
# Strength of a note: its loudest of the first three partials.
_PARTIALS = (0, 12, 19)
# Peaks are looked for in this many frames from the onset: later ones belong to other notes.
_ATTACK_FRAMES = 12

FRAME_NOTE = np.dtype([("first", np.int16), ("end", np.int16), ("pitch", np.int16)])


def strength(part_cqt: ComplexArray, spec: FeatureSpec = SPEC) -> FloatArray:
    """How loud a note of each pitch could be, (n_pitches, n_frames): the loudest of its first three partials."""
    magnitude = by_pitch(np.abs(part_cqt), spec)
    padded = np.pad(magnitude, ((0, max(_PARTIALS)), (0, 0)))
    result: FloatArray = np.max([padded[shift : shift + spec.n_pitches] for shift in _PARTIALS], axis=0)
    return result


def sounding_notes(notes: NDArray[np.float64], part_cqt: ComplexArray, spec: FeatureSpec = SPEC) -> NDArray[np.void]:
    """Notes of a rendered part on the frame grid, each cut where it has died away.

    Parameters
    ----------
    notes : ndarray of float64, shape (n_notes, 4)
        As in :class:`train.sources.Track`, in seconds of the part.
    part_cqt : ndarray of complex64, shape (n_bins, n_frames)
        CQT of the part alone.

    Returns
    -------
    ndarray of FRAME_NOTE
        First frame, frame after the last, and row (0 is ``spec.lowest_pitch``); notes outside the part are left out.
    """
    heard = strength(part_cqt, spec)
    silence = float(heard.max(initial=0.0)) * 10.0 ** (-_SILENCE_DB / 20.0)
    n_frames = part_cqt.shape[1]
    result = []
    for note in notes:
        row = int(note[PITCH]) - spec.lowest_pitch
        first = spec.second_to_frame(note[ONSET])
        end = min(n_frames, max(first + 1, spec.second_to_frame(note[OFFSET])))
        if not (0 <= row < spec.n_pitches and 0 <= first < n_frames):
            continue
        level = heard[row, first:end]
        loudest = float(level[:_ATTACK_FRAMES].max())
        if loudest <= silence:
            continue
        is_heard = np.flatnonzero(level >= loudest * 10.0 ** (-DECAY_DB / 20.0))
        result.append((first, first + int(is_heard[-1]) + 1, row))
    return np.array(result, dtype=FRAME_NOTE)


def audible_notes(
    notes: NDArray[np.void], part_cqt: ComplexArray, loudest: float, *, floor_db: float = 50.0
) -> NDArray[np.void]:
    """Cut or drop notes where they are more than `floor_db` below `loudest`, the mixture's largest magnitude."""
    heard = strength(part_cqt)
    floor = loudest * 10.0 ** (-floor_db / 20.0)
    result = []
    for note in notes:
        frames = np.flatnonzero(heard[note["pitch"], note["first"] : note["end"]] >= floor)
        if len(frames):
            result.append((note["first"], note["first"] + int(frames[-1]) + 1, note["pitch"]))
    return np.array(result, dtype=FRAME_NOTE)
