"""Found notes against the right ones: which are hit, which are missed, which are too many, and the scores of that.

Conventions are :mod:`mir_eval.transcription`'s without offsets: a found note hits a reference note when it has the same
pitch and its onset is at most `ONSET_TOLERANCE_S` away, each note counts once, and of all ways to pair them up one with
the most pairs is taken.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mtinst.notes import Note
from mtinst.spec import FloatArray

ONSET_TOLERANCE_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What :func:`compare_notes` found out.

    Parameters
    ----------
    reference : tuple of Note
        The right notes, in the order they were given.
    hit : tuple of bool, one for each reference note
        Whether it was found, at the right instrument.
    extra : tuple of bool, one for each found note
        Whether it hits nothing.
    note_f1 : float
        F1 of the notes whoever plays them, 0 to 1.
    note_instrument_f1 : float
        The same at the right instrument.
    precision : float
        Share of the found notes that hit, at the right instrument.
    recall : float
        Share of the reference notes that are hit, at the right instrument.
    """

    reference: tuple[Note, ...]
    hit: tuple[bool, ...]
    extra: tuple[bool, ...]
    note_f1: float
    note_instrument_f1: float
    precision: float
    recall: float


def compare_notes(found: Sequence[Note], reference: Sequence[Note]) -> Comparison:
    """Compare notes with the right ones.

    Parameters
    ----------
    found, reference : sequence of Note

    Returns
    -------
    Comparison
        Its scores are 0 where there is nothing to find or nothing found.

    Examples
    --------
    >>> right = [Note(0.0, 1.0, pitch=60), Note(1.0, 2.0, pitch=62)]
    >>> found = [Note(0.03, 0.5, pitch=60), Note(1.0, 2.0, pitch=62, instrument="flute")]
    >>> comparison = compare_notes(found, right)
    >>> comparison.hit, comparison.extra
    ((True, False), (False, True))
    >>> comparison.note_f1, comparison.note_instrument_f1
    (1.0, 0.5)
    """
    pairs = list(_matches(found, reference, key=lambda note: (note.instrument, note.pitch)))
    n_hit_by_anybody = sum(1 for _ in _matches(found, reference, key=lambda note: note.pitch))
    hit, extra = [False] * len(reference), [True] * len(found)
    for found_index, reference_index in pairs:
        hit[reference_index] = True
        extra[found_index] = False
    return Comparison(
        reference=tuple(reference),
        hit=tuple(hit),
        extra=tuple(extra),
        note_f1=_share(2 * n_hit_by_anybody, len(found) + len(reference)),
        note_instrument_f1=_share(2 * len(pairs), len(found) + len(reference)),
        precision=_share(len(pairs), len(found)),
        recall=_share(len(pairs), len(reference)),
    )


def _matches(
    found: Sequence[Note], reference: Sequence[Note], key: Callable[[Note], Hashable]
) -> Iterator[tuple[int, int]]:
    """Indices of found and reference notes that belong together; only notes of the same key can."""
    from mir_eval.transcription import match_note_onsets  # here, since most of the package never compares

    # Key by key: the matching looks at each pair of notes, which for those of a whole song would be millions.
    by_key: dict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, notes in enumerate((found, reference)):
        for index, note in enumerate(notes):
            by_key[key(note)][side].append(index)
    for found_indices, reference_indices in by_key.values():
        if found_indices and reference_indices:
            pairs = match_note_onsets(
                _intervals([reference[index] for index in reference_indices]),
                _intervals([found[index] for index in found_indices]),
                onset_tolerance=ONSET_TOLERANCE_S,
            )
            for reference_position, found_position in pairs:
                yield found_indices[found_position], reference_indices[reference_position]


def _intervals(notes: Sequence[Note]) -> FloatArray:
    return np.array([(note.onset, note.offset) for note in notes])


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
