"""A transcription as the files that the player's scripts read: ``song.json``, and beside it ``probabilities.u8``."""

import zlib
from base64 import b64encode
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mtinst.compare import Comparison
from mtinst.edits import edits_to_json
from mtinst.grid import INSTRUMENTS, FloatArray, pitch_range, short_label
from mtinst.hear.notes import note_confidences
from mtinst.palette import instrument_colour
from mtinst.records import row_shares
from mtinst.transcription import Transcription

PROBABILITIES = "probabilities.u8"
FAINTEST = 0.05
"""Probabilities below this are left out of the picture; they are most of the cells and would be most of the file."""
STEP = 8
"""Levels of the picture's 256 that are told apart; more could not be seen."""


def song_record(transcription: Transcription, comparison: Comparison | None = None) -> dict[str, Any]:
    """What the player shows of a song.

    Parameters
    ----------
    transcription : Transcription
    comparison : Comparison, optional
        Of the transcription's notes, in their order, with the right ones.

    Returns
    -------
    dict
        ``duration`` in seconds and ``frame_rate``; ``low`` and ``high``, the pitches of the notes' picture, and
        ``lowest``, the pitch of the probabilities' first row; all ``instruments`` in table order, each with its
        names, its colours on light and dark, its ``notes`` as ``[onset, offset, pitch, share, shares]`` (see
        :func:`~mtinst.records.row_shares`) by onset, and the ``confidences`` of those; the ``edits`` that these notes
        have (see :mod:`mtinst.edits`); ``beats``, None or their ``times``, ``tempo``, ``per_bar`` and
        ``first_downbeat``, and the ``timing`` that they follow (see :class:`~mtinst.records.Timing`); ``activity`` and
        ``pitches``, rolls of one byte a frame, row by row, in base64.

        With a comparison also, for each instrument, ``extra``, the positions among its notes of those that are not in
        the reference, and a ``reference``: its ``notes``, by instrument, as ``[onset, offset, pitch, hit]`` with 1 for
        those that were found, and the ``scores`` ``note_f1``, ``note_instrument_f1``, ``precision`` and ``recall``.

    Raises
    ------
    ValueError
        If the comparison is of another number of notes.
    """
    notes, beats = transcription.notes, transcription.beats
    spec = transcription.spec
    records: dict[str, list[list[float]]] = {row.name: [] for row in INSTRUMENTS}
    confidences: dict[str, list[float]] = {row.name: [] for row in INSTRUMENTS}
    sureness = note_confidences(notes, transcription.rolls, spec)
    for note, (share, shares), confidence in zip(notes, row_shares(notes), sureness, strict=True):
        records[note.instrument].append([round(note.onset, 4), round(note.offset, 4), note.pitch, share, shares])
        confidences[note.instrument].append(round(float(confidence), 3))
    low, high = pitch_range([note.pitch for note in notes], spec.lowest_pitch, spec.highest_pitch)
    sounding = np.flatnonzero(transcription.pitch_roll.max(axis=1, initial=0.0) >= 0.25) + spec.lowest_pitch
    pitch_low, pitch_high = pitch_range(sounding.tolist(), spec.lowest_pitch, spec.highest_pitch)
    shown = transcription.pitch_roll[pitch_low - spec.lowest_pitch : pitch_high - spec.lowest_pitch + 1]
    record: dict[str, Any] = {
        "duration": transcription.duration_s,
        "frame_rate": transcription.frame_rate,
        "low": low,
        "high": high,
        "lowest": spec.lowest_pitch,
        "instruments": [
            {
                "name": row.name,
                "label": row.label,
                "short": short_label(row),
                "light": instrument_colour(row, "light"),
                "dark": instrument_colour(row, "dark"),
                "notes": records[row.name],
                "confidences": confidences[row.name],
            }
            for row in INSTRUMENTS
        ],
        "edits": edits_to_json(transcription.edits),
        "beats": None if beats is None else asdict(beats) | {"tempo": beats.tempo},
        "timing": transcription.timing.to_json(),
        "activity": _packed(transcription.instrument_roll),
        "pitches": _packed(shown) | {"lowest": pitch_low},
    }
    if comparison is not None:
        _add_comparison(record, transcription, comparison)
    return record


def write_probabilities(transcription: Transcription, path: str | Path) -> None:
    """Write who probably sounds which pitch, for the picture under the notes.

    The file is the pianoroll, (11, 88, n_frames), as bytes: 0 below `FAINTEST`, else the probability times 255 to the
    nearest multiple of `STEP`; compressed by zlib. Five minutes of a song take 0.2 to 1 MB. It depends on what the
    network heard and not on thresholds.

    Parameters
    ----------
    transcription : Transcription
    path : str or Path
        Usually called `PROBABILITIES`.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    compressor = zlib.compressobj(level=1)
    with Path(path).open("wb") as file:
        for roll in transcription.piano_roll:  # one instrument at a time: an hour of all is 90 MB
            levels = np.minimum(np.rint(roll * (255 / STEP)) * STEP, 255).astype(np.uint8)
            levels[roll < FAINTEST] = 0
            file.write(compressor.compress(levels.tobytes()))
        file.write(compressor.flush())


def _add_comparison(record: dict[str, Any], transcription: Transcription, comparison: Comparison) -> None:
    """Add what was hit, missed and too much to the record of a song."""
    if len(comparison.extra) != len(transcription.notes):
        raise ValueError(f"the comparison is of {len(comparison.extra)} notes, not of {len(transcription.notes)}")
    for instrument in record["instruments"]:
        own = [
            is_extra
            for note, is_extra in zip(transcription.notes, comparison.extra, strict=True)
            if note.instrument == instrument["name"]
        ]
        instrument["extra"] = np.flatnonzero(own).tolist()
    notes: dict[str, list[list[float]]] = {row.name: [] for row in INSTRUMENTS}
    for note, is_hit in zip(comparison.reference, comparison.hit, strict=True):
        notes[note.instrument].append([round(note.onset, 4), round(note.offset, 4), note.pitch, int(is_hit)])
    scores = {
        name: round(getattr(comparison, name), 4) for name in ("note_f1", "note_instrument_f1", "precision", "recall")
    }
    record["reference"] = {"notes": notes, "scores": scores}


def _packed(roll: FloatArray) -> dict[str, Any]:
    """Probabilities as bytes, row by row."""
    levels = np.rint(np.clip(roll, 0.0, 1.0) * 255).astype(np.uint8)
    return {"rows": levels.shape[0], "values": b64encode(levels.tobytes()).decode("ascii")}
