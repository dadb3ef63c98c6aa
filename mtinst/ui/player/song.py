"""A transcription as the JSON that the player's scripts read."""

from base64 import b64encode
from typing import Any

import numpy as np

from mtinst.plots import instrument_colour, pitch_range, row_shares, short_label
from mtinst.spec import INSTRUMENTS, FloatArray
from mtinst.transcription import Transcription


def song_record(transcription: Transcription) -> dict[str, Any]:
    """What the player shows of a song.

    Returns
    -------
    dict
        ``duration`` in seconds and ``frame_rate``; ``low`` and ``high``, the pitches of the notes' picture; all nine
        ``instruments`` in table order, each with its names, its colours on light and dark, and its ``notes`` as
        ``[onset, offset, pitch, share, shares]`` (see :func:`~mtinst.plots.row_shares`), by onset; ``activity`` and
        ``pitches``, rolls of one byte a frame, row by row, in base64.
    """
    notes = transcription.notes
    spec = transcription.spec
    records: dict[str, list[list[float]]] = {row.name: [] for row in INSTRUMENTS}
    for note, (share, shares) in zip(notes, row_shares(notes), strict=True):
        records[note.instrument].append([round(note.onset, 4), round(note.offset, 4), note.pitch, share, shares])
    low, high = pitch_range([note.pitch for note in notes], spec.lowest_pitch, spec.highest_pitch)
    sounding = np.flatnonzero(transcription.pitch_roll.max(axis=1, initial=0.0) >= 0.25) + spec.lowest_pitch
    pitch_low, pitch_high = pitch_range(sounding.tolist(), spec.lowest_pitch, spec.highest_pitch)
    shown = transcription.pitch_roll[pitch_low - spec.lowest_pitch : pitch_high - spec.lowest_pitch + 1]
    return {
        "duration": transcription.duration_s,
        "frame_rate": transcription.frame_rate,
        "low": low,
        "high": high,
        "instruments": [
            {
                "name": row.name,
                "label": row.label,
                "short": short_label(row),
                "light": instrument_colour(row, "light"),
                "dark": instrument_colour(row, "dark"),
                "notes": records[row.name],
            }
            for row in INSTRUMENTS
        ],
        "activity": _packed(transcription.instrument_roll),
        "pitches": _packed(shown) | {"lowest": pitch_low},
    }


def _packed(roll: FloatArray) -> dict[str, Any]:
    """Probabilities as bytes, row by row."""
    levels = np.rint(np.clip(roll, 0.0, 1.0) * 255).astype(np.uint8)
    return {"rows": levels.shape[0], "values": b64encode(levels.tobytes()).decode("ascii")}
