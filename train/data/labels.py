"""Labels that follow the sound: a note counts from where it is heard until it has died away or another takes its place.

A bowed or blown tone takes 50 to 100 ms to come, and a room or a string goes on when it is let go. Labels that go by
the MIDI notes instead teach a network to speak before the note.
"""

import numpy as np
from numpy.typing import NDArray

from mtinst.grid import SPEC, FeatureSpec, FloatArray
from mtinst.hear.cqt import ComplexArray, by_pitch
from train.data.sources import OFFSET, ONSET, PITCH
from train.store import FRAME_NOTE

# A note begins where it is this far below its loudest of the first `_ATTACK_FRAMES`: the level at which attacks of
# bows and breath are heard as begun.
RISEN_DB = 8.0
# A note has died away this far below its own loudest frame: a struck string is then no longer heard in a mix.
DECAY_DB = 40.0
# What rings on after the note-off belongs to the note while it is no more than this below its loudest, so many frames,
# and until the part's next note: two sixteenths are not a chord because a hall holds the first.
RINGING_DB, RINGING_FRAMES = 9.0, 4
# A note this far below the part's loudest frame has no sound at all: its timbre has no sample for it.
_SILENCE_DB = 60.0
# Strength of a note: its loudest of the first three partials.
_PARTIALS = (0, 12, 19)
# Peaks are looked for in this many frames from the onset: later ones belong to other notes.
_ATTACK_FRAMES = 12

def strength(part_cqt: ComplexArray, spec: FeatureSpec = SPEC) -> FloatArray:
    """How loud a note of each pitch could be, (n_pitches, n_frames): the loudest of its first three partials."""
    magnitude = by_pitch(np.abs(part_cqt), spec)
    padded = np.pad(magnitude, ((0, max(_PARTIALS)), (0, 0)))
    result: FloatArray = np.max([padded[shift : shift + spec.n_pitches] for shift in _PARTIALS], axis=0)
    return result


def sounding_notes(notes: NDArray[np.float64], part_cqt: ComplexArray, spec: FeatureSpec = SPEC) -> NDArray[np.void]:
    """Notes of a rendered part on the frame grid, each from where it is heard to where it has died away.

    Parameters
    ----------
    notes : ndarray of float64, shape (n_notes, 4)
        As in :class:`train.data.sources.Track`, in seconds of the part.
    part_cqt : ndarray of complex64, shape (n_bins, n_frames)
        CQT of the part alone.

    Returns
    -------
    ndarray of FRAME_NOTE
        Notes outside the part, and those without a sound, are left out.
    """
    heard = strength(part_cqt, spec)
    silence = float(heard.max(initial=0.0)) * _ratio(_SILENCE_DB)
    n_frames = part_cqt.shape[1]
    result = []
    for index, note in enumerate(notes):
        row = int(note[PITCH]) - spec.lowest_pitch
        onset = float(note[ONSET]) * spec.frame_rate
        first = spec.second_to_frame(note[ONSET])
        if not (0 <= row < spec.n_pitches and 0 <= first < n_frames):
            continue
        again = notes[index + 1 :][notes[index + 1 :, PITCH] == note[PITCH], ONSET]
        limit = min(n_frames, spec.second_to_frame(again[0])) if len(again) else n_frames
        released = min(limit, max(first + 1, spec.second_to_frame(note[OFFSET])))
        level = heard[row, first : max(first + 1, released)]
        loudest = float(level[:_ATTACK_FRAMES].max())
        if loudest <= silence:
            continue
        onset = max(onset, _risen(heard[row], first, loudest))
        first = min(n_frames - 1, round(onset))
        level = heard[row, first : max(first + 1, released)]
        end = first + 1 + int(np.flatnonzero(level >= loudest * _ratio(DECAY_DB))[-1:].sum())
        if end >= released:
            following = notes[
                notes[:, ONSET] > max(note[ONSET], note[OFFSET] - RINGING_FRAMES / spec.frame_rate), ONSET
            ]
            limit = min([limit, *(spec.second_to_frame(second) for second in following)])
            ringing = heard[row, end : min(limit, end + RINGING_FRAMES)] >= loudest * _ratio(RINGING_DB)
            end += int(np.logical_and.accumulate(ringing).sum())
        result.append((onset, first, end, row))
    return np.array(result, dtype=FRAME_NOTE)


def _risen(level: FloatArray, first: int, loudest: float) -> float:
    """The frame, with its fraction, at which a level comes within `RISEN_DB` of the loudest; 0 if it is before."""
    wanted = loudest * _ratio(RISEN_DB)
    start = max(0, first - 1)
    frame = start + int(np.argmax(level[start:] >= wanted))
    if frame == start:
        return 0.0
    before, after = (float(np.log(max(value, 1e-9 * loudest))) for value in level[frame - 1 : frame + 1])
    return frame - (after - float(np.log(wanted))) / (after - before)


def _ratio(decibels: float) -> float:
    return float(10.0 ** (-decibels / 20.0))


def audible_notes(
    notes: NDArray[np.void], part_cqt: ComplexArray, loudest: float, *, floor_db: float = 50.0
) -> NDArray[np.void]:
    """Cut or drop notes where they are more than `floor_db` below `loudest`, the mixture's largest magnitude."""
    heard = strength(part_cqt)
    result = []
    for note in notes:
        frames = np.flatnonzero(heard[note["pitch"], note["first"] : note["end"]] >= loudest * _ratio(floor_db))
        if len(frames):
            result.append((note["onset"], note["first"], note["first"] + int(frames[-1]) + 1, note["pitch"]))
    return np.array(result, dtype=FRAME_NOTE)
