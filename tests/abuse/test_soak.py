"""Several people at once, and people who leave: the line by itself, and the page with Gradio's queue before it."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtinst.hear import audio
from mtinst.page import texts
from mtinst.page.line import Line, LineFullError, Ticket
from mtinst.page.settings import PageSettings
from mtinst.page.studio import Studio
from tests.abuse.soak import Phase, soak, table
from tests.served import Server, Visitor, serve
from tests.tiny import write_song, write_weights

FREE_WITHIN_S = 2.0
ALLOWANCE_S = 6.0
"""A busy machine may be slow to say that it is free; had it not noticed, it would stand still for ever."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(scope="module")
def hold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hold") / "hold"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, weights: Path, hold: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("page")
    with serve(folder, {"MTINST_WEIGHTS": str(weights)}, hold) as server:
        yield server


# The line


def served(line: Line, tickets: list[Ticket]) -> list[Ticket]:
    """Those tickets in the order of their turns."""
    order = []
    while waiting := [ticket for ticket in tickets if ticket not in order]:
        (turn,) = [ticket for ticket in waiting if ticket.wait(0)]
        order.append(turn)
        turn.leave()
    return order


def test_first_come_first_served() -> None:
    line = Line(most=9, most_each=9)
    tickets = [line.join(name) for name in "abcd"]
    assert [ticket.ahead for ticket in tickets] == [0, 1, 2, 3]
    assert served(line, tickets) == tickets


def test_many_songs_of_one_do_not_starve_another() -> None:
    line = Line(most=20, most_each=20)
    many = [line.join("many") for _ in range(5)]
    one = line.join("one")
    assert many[0].wait(0)
    assert (one.ahead, many[1].ahead) == (1, 2)
    many[0].leave()
    assert served(line, [*many[1:], one]) == [one, *many[1:]]


def test_who_comes_again_and_again_does_not_starve_who_waits() -> None:
    line = Line(most=20, most_each=20)
    waiting = [line.join("waiting") for _ in range(3)]
    turns = []
    for name in "abcdefghi":  # somebody new after every turn
        ticket = line.join(name)
        turns += [one for one in (*waiting, ticket) if one.wait(0)]
        turns[-1].leave()
        if turns[-1] is not ticket:
            ticket.leave()
    assert all(ticket in turns for ticket in waiting)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12))
def test_everybody_has_a_turn_and_nobody_two_before_anothers_first(names: list[str]) -> None:
    line = Line(most=99, most_each=99)
    tickets = [line.join(name) for name in names]
    order = served(line, tickets)
    assert sorted(ticket.number for ticket in order) == [ticket.number for ticket in tickets]
    firsts = [ticket.who for ticket in order[: len(set(names))]]
    assert len(set(firsts)) == len(firsts)
    for name in set(names):
        own = [ticket.number for ticket in order if ticket.who == name]
        assert own == sorted(own), "one's own songs stay in order"


def test_who_leaves_makes_room_and_loses_no_turn() -> None:
    line = Line(most=9, most_each=9)
    busy, first, second = line.join("busy"), line.join("a"), line.join("a")
    assert busy.wait(0)
    first.leave()
    other = line.join("b")
    assert second.ahead == 1, "the first one's turn is not counted against the second"
    busy.leave()
    assert served(line, [second, other]) == [second, other]


def test_who_sleeps_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtinst.page.line.ASLEEP_S", 0.05)
    line = Line(most=9, most_each=9)
    asleep, awake = line.join("asleep"), line.join("awake")
    assert any(awake.wait(0.02) for _ in range(500))
    awake.leave()
    assert asleep.wait(0)


def test_what_is_done_in_the_background_comes_last() -> None:
    line = Line(most=9, most_each=9)
    background, person = line.join(None, is_background=True), line.join("a")
    assert line.is_wanted
    assert served(line, [background, person]) == [person, background]
    assert not line.is_wanted


def test_too_many_songs_are_refused_and_nothing_else_is() -> None:
    line = Line(most=3, most_each=2)
    first = line.join("a", is_song=True)
    line.join("a", is_song=True)
    with pytest.raises(LineFullError, match="2 songs of yours"):
        line.join("a", is_song=True)
    line.join("b", is_song=True)
    with pytest.raises(LineFullError, match="3 songs are waiting already"):
        line.join("c", is_song=True)
    line.join("a")
    first.leave()
    line.join("c", is_song=True)


def test_a_long_step_does_not_keep_who_leaves(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = PageSettings(cache=tmp_path / "cache", weights=weights)
    studio = Studio(settings)
    is_slow, may_end = threading.Event(), threading.Event()

    def slow(path: Path, rate: int, **options: float) -> object:
        is_slow.set()
        assert may_end.wait(60)
        return audio.read_audio(path, rate, **options)

    monkeypatch.setattr("mtinst.page.studio.read_audio", slow)
    song = write_song(tmp_path / "song.wav")
    steps = studio.transcribe(song, "song", who="a")
    while not is_slow.is_set():
        next(steps)
    other = studio.line.join("b")
    assert not other.wait(0)
    began = time.monotonic()
    steps.close()
    assert other.wait(0)
    assert time.monotonic() - began < FREE_WITHIN_S
    may_end.set()
    other.leave()


def test_one_visitor_cannot_fill_the_line(weights: Path, tmp_path: Path) -> None:
    settings = PageSettings(cache=tmp_path / "cache", weights=weights, max_waiting=9, max_waiting_each=1)
    studio = Studio(settings)
    songs = [write_song(tmp_path / f"{number}.wav", 2 + number) for number in range(2)]
    first = studio.transcribe(songs[0], "first", who="a")
    next(first), next(first)
    with pytest.raises(LineFullError, match="1 song of yours"):
        list(studio.transcribe(songs[1], "second", who="a"))
    first.close()
    assert list(studio.transcribe(songs[1], "second", who="a"))


def test_the_same_song_of_two_people_is_heard_once(weights: Path, tmp_path: Path) -> None:
    studio = Studio(PageSettings(cache=tmp_path / "cache", weights=weights))
    song = write_song(tmp_path / "song.wav")
    first, second = (studio.transcribe(song, "song", who=who) for who in "ab")
    assert [next(first).__class__, next(first).__class__]
    next(second)
    assert next(second).message == texts.waiting(1)  # type: ignore[union-attr]
    *_, result = first
    studio.transcriber.model.forward = None
    *_, again = second
    assert again == result


# The page


def listening(visitor: Visitor, song: Path, messages: Iterator[dict[str, object]]) -> None:
    """Until the network listens to that visitor's song, and stands still there."""
    for message in messages:
        if "of 0:" in str(message.get("output")):
            return
    raise AssertionError(f"nobody listened to {song}")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["closed tab", "cancel"])
def test_who_leaves_frees_the_worker(server: Server, hold: Path, tmp_path: Path, how: str) -> None:
    hold.touch()
    song = write_song(tmp_path / f"{how}.wav", 12.0)
    other = write_song(tmp_path / f"{how} other.wav", 5.0)
    leaver, waiter = Visitor(server.url, f"leaver {how}", "203.0.113.7"), Visitor(server.url, f"waiter {how}")
    try:
        (uploaded,) = leaver.upload(song).json()
        event = leaver.join(uploaded)
        with leaver.listen() as messages:
            listening(leaver, song, messages)
            (uploaded,) = waiter.upload(other).json()
            waiter.join(uploaded)
            with waiter.listen() as waiting:
                said = next(str(one["output"]) for one in waiting if "before yours" in str(one.get("output")))
                assert texts.waiting(1) in said
                began = time.monotonic()
                if how == "cancel":
                    leaver.cancel(event)
                else:
                    leaver.close()
                for message in waiting:
                    if "before yours" not in str(message.get("output")) and message["msg"] == "process_generating":
                        break
                took = time.monotonic() - began
    finally:
        hold.unlink()
    assert took < FREE_WITHIN_S + ALLOWANCE_S, f"{took:.2f} s"
    leaver.close()
    waiter.close()


@pytest.mark.slow
def test_several_clients_get_their_own_results_in_turn(server: Server, tmp_path: Path) -> None:
    phase = soak(server, 4, tmp_path, minutes=10, rounds=2)
    assert phase.failures == []
    assert phase.mixed_up == []
    assert phase.songs_each == [2, 2, 2, 2]
    assert len(phase.latencies_s) == 8


def test_the_table_names_what_was_measured() -> None:
    phase = Phase(2, [1.0, 2.0, 3.0], ["no"], [], [2, 2], [100.0, 110.0, 120.0], 60.0)
    assert table([phase, replace(phase, n_clients=5)]).splitlines()[2] == (
        "| 2 | 1.0 | 4 | 1 | 0 | 2.0 | 2.9 | 2–2 | 100, 110, 120 |"
    )
