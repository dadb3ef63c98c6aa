"""Edits lie over notes, whatever these are decoded by, and go through JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtinst.edits import SHORTEST_S, Edit, edited, edits_from_json, edits_to_json
from mtinst.grid import INSTRUMENT_NAMES
from mtinst.records import Note

C, D, E = (Note(0.32 * k, 0.32 * k + 0.3, pitch=60 + 2 * k) for k in range(3))
NOTES = st.builds(
    lambda onset, frames, pitch, name: Note(
        onset / 100, round(onset / 100 + frames / 25, 4), pitch=pitch, instrument=name
    ),
    st.integers(0, 500),
    st.integers(1, 50),
    st.integers(21, 108),
    st.sampled_from(INSTRUMENT_NAMES),
)
EDITS = st.tuples(st.none() | NOTES, st.none() | NOTES).filter(any).map(lambda pair: Edit(*pair))


def test_notes_are_changed_added_and_removed() -> None:
    flute = Note(C.onset, C.offset, pitch=72, instrument="flute")
    assert edited([C, D], [Edit(C, flute), Edit(D, None), Edit(None, E)]) == [flute, E]


def test_an_edit_finds_its_note_again_where_other_thresholds_move_it() -> None:
    later = Note(C.onset + 0.04, C.offset, pitch=C.pitch)
    assert edited([later, D], [Edit(C, E)]) == [D, E]
    far = Note(C.onset + 0.1, C.offset, pitch=C.pitch)
    assert edited([far, D], [Edit(C, None)]) == [far, D]
    assert edited([D], [Edit(C, E)]) == [D, E], "what a person put there stays"


@given(st.lists(NOTES, max_size=8), st.lists(EDITS, max_size=6))
def test_edits_survive_json_and_taking_back_the_last_is_having_one_less(notes: list[Note], edits: list[Edit]) -> None:
    read = edits_from_json(json.loads(json.dumps(edits_to_json(edits))))
    assert edited(notes, read) == edited(notes, edits)
    assert edited(notes, []) == sorted(notes)
    assert len(edited(notes, edits)) <= len(notes) + len(edits)


def test_what_goes_over_an_edge_stops_there() -> None:
    (edit,) = edits_from_json([{"was": None, "now": [-1.0, -2.0, 7, "piano"]}])
    assert edit.now == Note(0.0, SHORTEST_S, pitch=21)
    (edit,) = edits_from_json([{"was": None, "now": [1.0, 2.0, 300, "bass"]}])
    assert edit.now is not None
    assert edit.now.pitch == 108


@pytest.mark.parametrize(
    "record",
    [
        None,
        3,
        [3],
        [{}],
        [{"was": None, "now": None}],
        [{"was": None, "now": [1, 2, 3]}],
        [{"was": None, "now": [1, 2, 60, "kazoo"]}],
        [{"was": None, "now": ["x", 2, 60, "piano"]}],
        [{"was": None, "now": [float("nan"), 2, 60, "piano"]}],
        [{"was": None, "now": [float("inf"), 2, 60, "piano"]}],
        [{"was": None, "now": [0, 1, 60, "piano"]}] * 10_001,
    ],
)
def test_what_is_no_edit_is_refused(record: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        edits_from_json(record)
