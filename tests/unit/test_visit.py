"""Whatever happens in whatever order: sequences of events against the record of a visit, without a browser."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mtinst.edits import Edit
from mtinst.page import texts, visit
from mtinst.page.adjustment import Adjustment
from mtinst.page.results import Result, Working
from mtinst.page.snapshot import snapshot
from mtinst.page.visit import Event, File, Song, Task, Visit, after
from mtinst.records import Note, Timing
from tests.tiny import result_named

SONGS = [
    Song(file=File(path=Path(f"/{name}.wav"), name=name), source=Path(f"/{name}.wav"), title=name, is_own=False)
    for name in ("first", "second")
]
START = Visit()
NOTES = File(path=Path("/right.mid"), name="right.mid")
FOLDER = Path("/cache/files-1")
EDITS = (Edit(None, Note(0.5, 1.0, pitch=60)),)


def result_of(task: Task, *, has_parts: bool = False) -> Result:
    """What a task finds."""
    folder = FOLDER if has_parts else None
    match task:
        case visit.Transcribe(song=song):
            return replace(result_named(song.title), source_key=song.title, files_folder=folder)
        case visit.View():
            named = replace(result_named(task.title), source_key=task.source_key, files_folder=folder)
            return replace(named, adjustment=task.adjustment, reference_key=task.reference_key)
    return replace(result_named("linked"), source_key="linked", files_folder=folder)


def outcome(task: Task, draw: st.DrawFn) -> Event:
    """Something that comes of a task."""
    if draw(st.integers(0, 4)) == 0:
        return visit.Failed(task, "It failed.")
    match task:
        case visit.Open(file=file):
            return visit.Opened(task, file, 9.0) if draw(st.booleans()) else visit.WasNotes(task)
        case visit.Compare(song=song):
            return visit.Read(task, draw(st.sampled_from([None, "right"])), None if song is None else song.stem)
        case visit.Transcribe() | visit.Play() if draw(st.booleans()):
            return visit.Stepped(task, Working(message="On the way", fraction=draw(st.floats(0, 1))), 8.0)
        case visit.Play():
            return visit.Played(task, FOLDER, 9.0)
        case visit.Transcribe() | visit.View() | visit.Link():
            return visit.Found(task, result_of(task, has_parts=draw(st.booleans())), 9.0)
    raise AssertionError(f"nothing comes of {task}")


WISHES = st.one_of(
    st.builds(visit.Brought, st.integers(1, 4), st.sampled_from(["sent", "recorded"])),
    st.builds(
        visit.Arrived,
        st.integers(1, 4),
        st.sampled_from(["sent", "recorded"]),
        st.builds(lambda name: File(path=Path(f"/{name}.wav"), name=f"{name}.wav"), st.sampled_from(["mine", "own"])),
        st.booleans(),
        st.just(1.0),
    ),
    st.builds(visit.Lost, st.integers(1, 4), st.sampled_from(["sent", "recorded"]), st.just("Lost.")),
    st.builds(visit.Picked, st.sampled_from(SONGS), st.sampled_from([None, NOTES]), st.just(1.0)),
    st.builds(visit.Pressed, st.sampled_from([0.0, 415.0, 9.0]), st.booleans(), st.just(1.0)),
    st.builds(visit.Cleared, st.integers(0, 30)),
    st.builds(visit.NotesBrought, st.sampled_from([None, NOTES]), st.none()),
    st.builds(visit.Moved, st.builds(Adjustment, onset=st.sampled_from([0.0, 0.5, 1.0])), st.booleans()),
    st.builds(visit.Edited, st.sampled_from(["first", "second"]), st.sampled_from([(), EDITS])),
    st.builds(visit.Followed, st.just("view-1")),
    st.sampled_from([visit.Stopped(), visit.Returned(), visit.Recorder(), visit.Left()]),
)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Event, Visit]]:
    """Events, each with the record after it: wishes, and what comes of tasks that were ever named, however late."""
    record, history = START, list[tuple[Event, Visit]]()
    ever: list[Task] = []
    for is_wish in draw(st.lists(st.booleans(), min_size=1, max_size=25)):
        event = draw(WISHES) if is_wish or not ever else outcome(draw(st.sampled_from(ever)), draw)
        record = after(record, event)
        ever += [task for task in record.tasks if not any(map(task.is_same, ever))]
        history.append((event, record))
    return history


def browser_shows(snapshots: list[dict[str, Any]]) -> dict[str, Any]:
    """What is on show in the end, by the rule of browser/page.js."""
    shown = snapshots[0]
    for snap in snapshots[1:]:
        shown = snap if snap["number"] > shown["number"] else shown
    return shown


@given(histories())
def test_what_comes_of_a_task_that_is_not_named_any_more_changes_nothing(history: list[tuple[Event, Visit]]) -> None:
    for (_, before), (event, now) in itertools.pairwise([(None, START), *history]):
        task = getattr(event, "task", None)
        if task is not None and before.current(task) is None:
            assert now is before
        assert now is before or now.number == before.number + 1


@given(histories())
def test_a_result_is_never_lost(history: list[tuple[Event, Visit]]) -> None:
    for (_, before), (_, now) in itertools.pairwise(history):
        assert before.shown is None or now.shown is not None


@given(histories())
def test_a_song_of_ones_own_that_makes_room_can_be_brought_back(history: list[tuple[Event, Visit]]) -> None:
    for (_, before), (event, now) in itertools.pairwise(history):
        song, is_trim = before.song, isinstance(event, visit.Arrived) and event.kind == "recorded"
        if song and song.is_own and now.song is not song and not is_trim and not isinstance(event, visit.Cleared):
            assert now.aside is not None
            assert now.aside[0] is song


@given(histories())
def test_parts_are_played_of_what_is_shown_and_of_nothing_else(history: list[tuple[Event, Visit]]) -> None:
    for _, now in history:
        if now.playing is not None:
            assert now.shown is not None
            assert now.playing.result == now.shown
            assert now.shown.files_folder is None


@given(histories())
def test_after_stop_no_song_is_worked_on(history: list[tuple[Event, Visit]]) -> None:
    for event, now in history:
        if isinstance(event, visit.Stopped):
            assert (now.is_run, now.preview, now.wish) == (False, None, None)
        if isinstance(event, visit.Left):
            assert now.tasks == ()


@given(histories(), st.sampled_from(SONGS))
def test_the_song_asked_for_last_is_the_one_that_is_shown(history: list[tuple[Event, Visit]], song: Song) -> None:
    """Whatever the tasks of earlier wishes still say."""
    earlier = [task for _, record in history for task in record.tasks]
    record = after(history[-1][1], visit.Picked(song, None, 2.0))
    task = record.transcribing
    assert task is not None
    for late in earlier:
        if not isinstance(late, visit.Open):
            record = after(record, visit.Failed(late, "Too late."))
    record = after(record, visit.Found(task, result_of(task), 9.0))
    assert record.shown is not None
    assert record.shown.title == song.title
    assert record.is_run
    assert record.playing is not None
    record = after(record, visit.Played(record.playing, FOLDER, 9.0))
    assert snapshot(record, 0.06)["can_transcribe"] is True


@given(histories(), st.randoms(use_true_random=False))
def test_in_whatever_order_snapshots_come_the_newest_stays(history: list[tuple[Event, Visit]], order: Any) -> None:
    snapshots = [snapshot(record, 0.06) for _, record in history]
    newest = json.dumps(snapshots[-1])
    order.shuffle(snapshots)
    assert json.dumps(browser_shows(snapshots)) == newest


@given(histories())
def test_a_song_that_is_waited_for_is_transcribed_once_it_is_there(history: list[tuple[Event, Visit]]) -> None:
    """Pressed while a file is on its way, whatever was before."""
    record = after(history[-1][1], visit.Brought(9, "sent"))
    record = after(record, visit.Pressed(0.0, False, 3.0))
    assert texts.AWAITED["sent"] in snapshot(record, 0.06)["status"]
    mine = File(path=Path("/waited.wav"), name="waited.wav")
    late = after(record, visit.Arrived(8, "sent", NOTES, True, 3.5))
    assert late is record, "an older file does not take its place"
    record = after(record, visit.Arrived(9, "sent", mine, True, 4.0))
    assert record.transcribing is not None
    assert record.transcribing.song.title == "waited"
    again = after(record, visit.Brought(9, "sent"))
    assert again is record, "and news of it that come late change nothing"


def test_a_slider_and_right_notes_at_once_lose_neither() -> None:
    start = replace(Visit(), shown=result_of(visit.Link(number=0, key="")))
    wishes: list[Event] = [visit.Moved(Adjustment(onset=1.0)), visit.NotesBrought(NOTES, None)]
    for first, second in itertools.permutations(wishes):
        record = after(after(start, first), second)
        assert record.comparing is not None
        record = after(record, visit.Read(record.comparing, "right", None))
        view = record.viewing
        assert isinstance(view, visit.View)
        assert (view.adjustment.onset, view.reference_key) == (1.0, "right")


def test_a_song_taken_away_just_as_another_is_put_there_leaves_the_other() -> None:
    record = after(Visit(), visit.Picked(SONGS[0], None, 0.0))
    seen = record.song_put
    record = after(record, visit.Picked(SONGS[1], None, 0.0))
    assert after(record, visit.Cleared(seen)) is record
    assert after(record, visit.Cleared(record.song_put)).song is None


def test_edits_stay_when_sliders_move_and_belong_to_one_song() -> None:
    shown = replace(START, number=5, shown=replace(result_named("first"), source_key="first"))
    changed = after(shown, visit.Edited("first", EDITS))
    moved = after(changed, visit.Moved(Adjustment(onset=0.5)))
    assert isinstance(moved.viewing, visit.View)
    assert moved.viewing.adjustment == Adjustment(onset=0.5, edits=EDITS)
    assert after(moved, visit.Edited("second", ())).viewing == moved.viewing
    back = after(moved, visit.Moved(Adjustment(), is_reset=True))
    assert isinstance(back.viewing, visit.View)
    assert back.viewing.adjustment == Adjustment(edits=EDITS)
    assert after(START, visit.Edited("first", EDITS)).viewing is None


def test_what_is_said_of_the_beats_stays_and_plays_no_part_anew() -> None:
    shown = replace(result_named("first"), source_key="first", files_folder=None)
    playing = visit.Play(number=4, result=shown, began_s=0.0, is_run=True)
    record = replace(START, number=5, shown=shown, playing=playing)
    said = Timing(tempo=46.0)
    record = after(record, visit.Timed("first", said))
    assert isinstance(record.viewing, visit.View)
    assert record.viewing.adjustment == Adjustment(timing=said)
    assert after(record, visit.Timed("second", Timing())) == record
    record = after(record, visit.Found(record.viewing, result_of(record.viewing), 1.0))
    assert record.playing is not None
    assert record.playing.number == playing.number
    moved = after(record, visit.Moved(Adjustment(onset=0.5)))
    assert isinstance(moved.viewing, visit.View)
    assert moved.viewing.adjustment == Adjustment(onset=0.5, timing=said)
    assert after(START, visit.Timed("first", said)) is START
