"""Ghosts: notes that the network found too unlikely to report, which the player shows in outline.

They are the notes that lower thresholds give, without those that lie over one that is reported. Edits change nothing
about them; the player hides those that lie under a note.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from mtinst.grid import INSTRUMENT_NAMES, BoolArray
from mtinst.hear.notes import frame_span, note_shares, notes_to_roll
from mtinst.page.adjustment import Adjustment
from mtinst.transcription import Transcription

FAINTER = Adjustment(onset=2.0, frame=2.0)
"""How far thresholds are lowered: in the examples that are dense, half of the ghosts have a missed note's pitch."""
MOST = 300
N_CANDIDATES = 3


def ghost_records(transcription: Transcription) -> list[list[Any]]:
    """The likeliest ghosts of a song, at most `MOST`, the likeliest first.

    Returns
    -------
    list of list
        For each, ``[onset, offset, pitch, instrument, candidates]``, where candidates are ``[name, share]`` of this
        instrument and then of the likeliest others, `N_CANDIDATES` in all (see
        :func:`~mtinst.hear.notes.note_shares`).
    """
    spec, rolls = transcription.spec, transcription.rolls
    unedited = replace(transcription, edits=())
    notes = unedited.decode(FAINTER.of(transcription.thresholds)).notes
    shares = note_shares(notes, rolls, spec)
    own = np.array([INSTRUMENT_NAMES.index(note.instrument) for note in notes], np.int64)
    is_taken: BoolArray = notes_to_roll(unedited.notes, rolls.n_frames, spec).max(axis=0)  # (pitch, frame)
    ghosts: list[list[Any]] = []
    for index in np.argsort(-shares[np.arange(len(notes)), own], kind="stable"):
        note = notes[index]
        first, end = frame_span(note, spec)
        cells = is_taken[note.pitch - spec.lowest_pitch, first:end]
        if cells.any():
            continue
        cells[:] = True
        others = [one for one in np.argsort(-shares[index], kind="stable") if one != own[index]]
        candidates = [
            [INSTRUMENT_NAMES[one], round(float(shares[index, one]), 3)] for one in [own[index], *others][:N_CANDIDATES]
        ]
        ghosts.append([round(note.onset, 4), round(note.offset, 4), note.pitch, note.instrument, candidates])
        if len(ghosts) == MOST:
            break
    return ghosts
