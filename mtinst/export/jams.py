"""Notes and activations as JAMS (https://jams.readthedocs.io).

Times are in seconds. Confidences are the mean probability of a note's frames.
"""

import json
from typing import Any

from mtinst.files import printable
from mtinst.grid import INSTRUMENT_NAMES, instrument_named
from mtinst.hear.analysis import Analysis

JAMS_VERSION = "0.3.5"
"""Of the schema that :func:`to_jams` follows."""


def to_jams(transcription: Analysis, title: str) -> str:
    """A JAMS document with the notes of each instrument, the instruments as tags, and the activations.

    Notes are ``note_midi`` annotations, one an instrument, with its name, General MIDI program and the notes'
    velocities in the sandbox; who plays is a ``tag_open`` annotation, and the instrument roll a ``vector`` one.

    Parameters
    ----------
    transcription : Analysis
    title : str
        Of the song.

    Returns
    -------
    str
        JSON.
    """
    duration_s = transcription.duration_s
    notes = list(zip(transcription.notes, transcription.confidences, strict=True))
    annotations = []
    for name in transcription.instruments:
        own = [(note, confidence) for note, confidence in notes if note.instrument == name]
        annotations.append(
            _annotation(
                "note_midi",
                [_observation(note.onset, note.duration, note.pitch, confidence) for note, confidence in own],
                duration_s,
                {
                    "instrument": name,
                    "program": instrument_named(name).program,
                    "velocities": [note.velocity for note, _ in own],
                },
            )
        )
    tags = [_observation(0.0, duration_s, name, None) for name in transcription.instruments]
    annotations.append(_annotation("tag_open", tags, duration_s, {"about": "instruments that play"}))
    spec = transcription.spec
    frames = [
        _observation(spec.frame_to_second(frame), 1 / spec.frame_rate, [round(float(one), 4) for one in column], None)
        for frame, column in enumerate(transcription.instrument_roll.T)
    ]
    annotations.append(
        _annotation(
            "vector", frames, duration_s, {"about": "probability that it plays", "instruments": [*INSTRUMENT_NAMES]}
        )
    )
    document = {
        "file_metadata": {
            "title": printable(title),
            "artist": "",
            "release": "",
            "duration": duration_s,
            "identifiers": {},
            "jams_version": JAMS_VERSION,
        },
        "annotations": annotations,
        "sandbox": {},
    }
    return json.dumps(document, ensure_ascii=False)


def _annotation(
    namespace: str, data: list[dict[str, Any]], duration_s: float, sandbox: dict[str, Any]
) -> dict[str, Any]:
    return {
        "namespace": namespace,
        "time": 0.0,
        "duration": duration_s,
        "annotation_metadata": {
            "corpus": "",
            "version": "",
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "annotation_tools": "mtinst",
            "annotation_rules": "",
            "validation": "",
            "data_source": "program",
        },
        "data": data,
        "sandbox": sandbox,
    }


def _observation(time_s: float, duration_s: float, value: object, confidence: float | None) -> dict[str, Any]:
    return {"time": round(time_s, 6), "duration": round(duration_s, 6), "value": value, "confidence": confidence}
