"""What a person put right, as a small file that training can read beside the song: the notes before and after.

As JSON: ``audio``, the SHA-256 of the song's file; ``title``; ``before`` and ``after``, notes as
``[onset_s, offset_s, pitch, instrument, velocity]``; ``version``, of mtinst.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mtinst.errors import MtinstError
from mtinst.files import display_name, open_regular
from mtinst.hear.analysis import Analysis
from mtinst.records import Note
from mtinst.version import __version__

SUFFIX = ".corrections.json"


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """The right notes of a song, and the SHA-256 of its file."""

    audio: str
    notes: list[Note]


def to_corrections(song: Analysis, title: str) -> str:
    """The file's text; MtinstError when no note was changed."""
    if not song.edits:
        raise MtinstError("No note of this song was changed, so there are no corrections to save.")
    record = {
        "audio": song.audio,
        "title": title,
        "before": _to_json(replace(song, edits=()).notes),
        "after": _to_json(song.notes),
        "version": __version__,
    }
    return json.dumps(record) + "\n"


def read_corrections(path: Path) -> Corrections:
    """Read what :func:`to_corrections` wrote; MtinstError for anything else."""
    with open_regular(path, "corrections", MtinstError) as file:
        try:
            record = json.load(file)
            notes = [
                Note(float(onset), float(offset), pitch=pitch, instrument=instrument, velocity=velocity)
                for onset, offset, pitch, instrument, velocity in record["after"]
            ]
            return Corrections(audio=str(record["audio"]), notes=sorted(notes))
        except (KeyError, RecursionError, TypeError, ValueError) as error:
            raise MtinstError(f"{display_name(path)} does not hold corrections") from error


def _to_json(notes: Iterable[Note]) -> list[list[Any]]:
    return [[round(note.onset, 4), round(note.offset, 4), note.pitch, note.instrument, note.velocity] for note in notes]
