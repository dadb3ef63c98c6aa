"""Found notes against the right ones: which are hit, which are missed, which are too many, and the scores of that.

Conventions are :mod:`mir_eval.transcription`'s, without offsets unless they are asked for: a found note hits a
reference note when it has the same pitch and its onset is at most `ONSET_TOLERANCE_S` away, each note counts once, and
of all ways to pair them up one with the most pairs is taken.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtinst.records import Note

ONSET_TOLERANCE_S = 0.05
OFFSET_RATIO = 0.2
_MOST_PAIRS = 100_000


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
    pairs = matching_notes(found, reference, with_instrument=True)
    n_hit_by_anybody = len(matching_notes(found, reference, with_instrument=False))
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


def matching_notes(
    found: Sequence[Note],
    reference: Sequence[Note],
    *,
    with_instrument: bool,
    with_offset: bool = False,
    onset_tolerance_s: float = ONSET_TOLERANCE_S,
) -> list[tuple[int, int]]:
    """Which found note is which of the right ones.

    Parameters
    ----------
    found, reference : sequence of Note
    with_instrument : bool
        Whether the same instrument must play both.
    with_offset : bool
        Whether they must also end together: within 50 ms, or a fifth of the right note's length where that is more.
    onset_tolerance_s : float
        How far apart they may begin.

    Returns
    -------
    list of (int, int)
        Indices into `found` and into `reference`, each of them at most once.
    """
    from mir_eval.transcription import match_notes  # here, since most of the package never compares

    # The matching looks at each pair of notes, which for those of a whole song would be millions: then pitch by pitch.
    are_many = len(found) * len(reference) > _MOST_PAIRS
    by_key: dict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, notes in enumerate((found, reference)):
        for index, note in enumerate(notes):
            key = (note.instrument if with_instrument else None, note.pitch if are_many else None)
            by_key[key][side].append(index)
    pairs = []
    for found_indices, reference_indices in by_key.values():
        if found_indices and reference_indices:
            matching = match_notes(
                *_intervals_and_hertz([reference[index] for index in reference_indices]),
                *_intervals_and_hertz([found[index] for index in found_indices]),
                onset_tolerance=onset_tolerance_s,
                offset_ratio=OFFSET_RATIO if with_offset else None,
                offset_min_tolerance=ONSET_TOLERANCE_S,
            )
            pairs += [(found_indices[at], reference_indices[right]) for right, at in matching]
    return pairs


def _intervals_and_hertz(notes: Sequence[Note]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from mir_eval.util import midi_to_hz

    return np.array([(note.onset, note.offset) for note in notes]), midi_to_hz(np.array([note.pitch for note in notes]))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
