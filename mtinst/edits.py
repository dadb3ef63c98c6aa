"""What a person put right by hand: changes of single notes, one after the other, that lie over whatever is decoded.

As JSON an edit is ``{"was": note, "now": note}``, a note ``[onset_s, offset_s, pitch, instrument]`` or null: for a note
that was added there is no "was", for one that was removed no "now".
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mtinst.grid import SPEC
from mtinst.records import Note

SAME_S = 0.05
"""A note that begins so near to the one that was changed, and is else alike, is the same one decoded otherwise."""
SHORTEST_S = 1 / SPEC.frame_rate
MOST_EDITS = 10_000


@dataclass(frozen=True)
class Edit:
    """One note changed, added (`was` is None) or removed (`now` is None).

    Raises
    ------
    ValueError
        If neither is there.
    """

    was: Note | None
    now: Note | None

    def __post_init__(self) -> None:
        if self.was is None and self.now is None:
            raise ValueError("an edit needs a note that was or one that is now")


def edited(notes: Iterable[Note], edits: Sequence[Edit]) -> list[Note]:
    """The notes as they are after all edits, in order; one that changes a note that is not there only adds.

    Examples
    --------
    >>> one, other = Note(0.0, 1.0, pitch=60), Note(0.0, 1.0, pitch=62)
    >>> edited([one], [Edit(one, other)]) == [other]
    True
    """
    result = list(notes)
    for edit in edits:
        if edit.was is not None and (found := _nearest(result, edit.was)) is not None:
            result.remove(found)
        if edit.now is not None:
            result.append(edit.now)
    return sorted(result)


def edits_to_json(edits: Iterable[Edit]) -> list[dict[str, Any]]:
    """Plain values, for :func:`edits_from_json`."""
    return [{"was": _to_json(edit.was), "now": _to_json(edit.now)} for edit in edits]


def edits_from_json(record: Any) -> tuple[Edit, ...]:
    """The inverse of :func:`edits_to_json`; ValueError for anything else.

    A note that goes over an edge stops there: it begins at 0 or later, lasts a frame or longer, and is from A0 to C8.
    """
    try:
        if len(record) > MOST_EDITS:
            raise ValueError(f"{len(record)} edits are more than {MOST_EDITS}")
        return tuple(Edit(_from_json(edit["was"]), _from_json(edit["now"])) for edit in record)
    except (AttributeError, KeyError, OverflowError, TypeError) as error:
        raise ValueError(f"an edit is not as it should be: {error}") from error


def _nearest(notes: Iterable[Note], wanted: Note) -> Note | None:
    near = [
        note
        for note in notes
        if (note.pitch, note.instrument) == (wanted.pitch, wanted.instrument)
        and abs(note.onset - wanted.onset) <= SAME_S
    ]
    return min(near, key=lambda note: abs(note.onset - wanted.onset), default=None)


def _to_json(note: Note | None) -> list[Any] | None:
    return None if note is None else [round(note.onset, 4), round(note.offset, 4), note.pitch, note.instrument]


def _from_json(values: Any) -> Note | None:
    if values is None:
        return None
    onset, offset, pitch, instrument = values
    onset, offset = float(onset), float(offset)
    if not math.isfinite(onset + offset):
        raise ValueError(f"a note cannot last from {onset} to {offset}")
    onset = max(0.0, onset)
    pitch = min(SPEC.highest_pitch, max(SPEC.lowest_pitch, int(pitch)))
    return Note(onset, max(offset, onset + SHORTEST_S), pitch=pitch, instrument=str(instrument))
