"""Found notes against the right ones."""

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtinst import compare
from mtinst.compare import compare_notes, matching_notes
from mtinst.records import Note

notes = st.lists(
    st.builds(
        lambda onset, pitch, instrument: Note(onset / 100, onset / 100 + 0.3, pitch=pitch, instrument=instrument),
        st.integers(0, 60),
        st.integers(60, 62),
        st.sampled_from(["piano", "flute"]),
    ),
    max_size=12,
)


def test_each_note_is_a_hit_a_miss_or_too_many() -> None:
    reference = [
        Note(0.0, 1.0, pitch=60),
        Note(1.0, 2.0, pitch=62),
        Note(2.0, 3.0, pitch=64, instrument="violin"),
        Note(4.0, 5.0, pitch=65),
    ]
    found = [
        Note(0.04, 0.5, pitch=60),  # near enough
        Note(0.05, 0.5, pitch=60),  # the same again
        Note(1.06, 2.0, pitch=62),  # too late
        Note(2.0, 3.0, pitch=64, instrument="cello"),  # somebody else
        Note(4.0, 5.0, pitch=66),  # a semitone off
    ]
    comparison = compare_notes(found, reference)
    assert comparison.reference == tuple(reference)
    assert comparison.hit == (True, False, False, False)
    assert comparison.extra.count(False) == 1
    assert not all(comparison.extra[:2])
    assert comparison.precision == pytest.approx(1 / 5)
    assert comparison.recall == pytest.approx(1 / 4)
    assert comparison.note_instrument_f1 == pytest.approx(2 / 9)
    assert comparison.note_f1 == pytest.approx(4 / 9)


def test_the_borderline_of_50_ms_counts() -> None:
    assert compare_notes([Note(1.05, 2.0, pitch=60)], [Note(1.0, 2.0, pitch=60)]).hit == (True,)
    assert compare_notes([Note(1.051, 2.0, pitch=60)], [Note(1.0, 2.0, pitch=60)]).hit == (False,)


@pytest.mark.parametrize(("n_found", "n_reference"), [(0, 0), (0, 1), (1, 0)])
def test_nothing_scores_nothing(n_found: int, n_reference: int) -> None:
    note = Note(0.0, 1.0, pitch=60)
    comparison = compare_notes([note] * n_found, [note] * n_reference)
    assert comparison.hit == (False,) * n_reference
    assert comparison.extra == (True,) * n_found
    assert comparison.note_f1 == comparison.note_instrument_f1 == comparison.precision == comparison.recall == 0.0


@given(found=notes, reference=notes)
def test_the_scores_are_those_of_mir_eval(found: list[Note], reference: list[Note]) -> None:
    comparison = compare_notes(found, reference)
    assert sum(comparison.hit) == len(found) - sum(comparison.extra)
    if found and reference:
        intervals_and_hertz = [
            array
            for side in (reference, found)
            for array in (
                np.array([(note.onset, note.offset) for note in side]),
                mir_eval.util.midi_to_hz(np.array([note.pitch for note in side])),
            )
        ]
        _, _, f1, _ = mir_eval.transcription.precision_recall_f1_overlap(*intervals_and_hertz, offset_ratio=None)
        assert comparison.note_f1 == pytest.approx(f1)


@given(notes, notes, st.booleans(), st.booleans())
def test_many_notes_are_matched_as_few_are(
    found: list[Note], reference: list[Note], with_instrument: bool, with_offset: bool
) -> None:
    few = matching_notes(found, reference, with_instrument=with_instrument, with_offset=with_offset)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "_MOST_PAIRS", 0)
        many = matching_notes(found, reference, with_instrument=with_instrument, with_offset=with_offset)
    assert len(few) == len(many)


def test_an_end_may_be_50_ms_or_a_fifth_of_the_note_off() -> None:
    def is_hit(end: float, *, length: float) -> bool:
        right, found = Note(1.0, 1.0 + length, pitch=60), Note(1.0, end, pitch=60)
        return bool(matching_notes([found], [right], with_instrument=True, with_offset=True))

    assert is_hit(1.14, length=0.1)
    assert not is_hit(1.16, length=0.1)
    assert is_hit(2.39, length=1.2)
    assert not is_hit(2.45, length=1.2)
