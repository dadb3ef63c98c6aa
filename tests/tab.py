"""A tab of a visitor's browser, without one: what it tells the page, and what it shows."""

import json
from collections.abc import Coroutine, Iterator
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any

import gradio as gr

from mtinst.grid import INSTRUMENT_NAMES
from mtinst.page import visit
from mtinst.page.actions import Actions
from mtinst.page.adjustment import NEUTRAL
from mtinst.page.results import Result
from mtinst.page.visit import File, Visit

FILES = count(1)


class Tab:
    """Tells `actions` what somebody of that name does."""

    def __init__(self, actions: Actions, name: str = "somebody") -> None:
        self.actions = actions
        self.visitor = gr.Request(session_hash=name)

    @property
    def record(self) -> Visit:
        """What the page keeps of the visit."""
        return self.actions.visits.tell(self.visitor.session_hash)

    @property
    def shown(self) -> Result:
        """The result on the page."""
        assert self.record.shown is not None
        return self.record.shown

    def tell(self, kind: str, **facts: Any) -> dict[str, Any]:
        """A message as browser/page.js sends it."""
        return _ended(self.actions.receive(gr.EventData(None, {"kind": kind, **facts}), self.visitor))

    def bring(self, path: Path, name: str = "", *, is_played: bool = True, kind: str = "sent") -> None:
        """Bring a file that the browser plays or not; it is not worked on yet."""
        number = next(FILES)
        file = File(path=path, name=name or path.name)
        who = self.visitor.session_hash
        self.actions.visits.tell(who, visit.Brought(number, kind), visit.Arrived(number, kind, file, is_played, 0.0))

    def bring_notes(self, path: Path | None, tuning: str = "") -> None:
        """Bring right notes, or take them away; they are not worked on yet."""
        _ended(self.actions.bring_notes(None if path is None else str(path), tuning, self.visitor))

    def press(self, tuning: float = 0.0) -> dict[str, Any]:
        """Press Transcribe; nothing is worked on yet."""
        return self.tell("transcribe", tuning=tuning, is_recording=False)

    def work(self) -> Iterator[dict[str, Any]]:
        """What the page shows, step by step, while it does what is to be done."""
        return (json.loads(shown) for shown in self.actions.work(self.visitor) if isinstance(shown, str))

    def transcribe(self, song: Path, notes: Path | None = None, *, tuning: float = 0.0) -> Iterator[dict[str, Any]]:
        """Bring a song, press Transcribe, and what the page shows then."""
        self.bring(song)
        if notes is not None:
            self.bring_notes(notes)
        yield self.press(tuning)
        yield from self.work()

    def move(self, onset: float = 0.0, frame: float = 0.0, shortest_ms: float = 60, **rest: Any) -> dict[str, Any]:
        """Move the sliders; nothing is worked on yet."""
        only, sensitivity = list(rest.get("only", INSTRUMENT_NAMES)), rest.get("sensitivity", NEUTRAL)
        return _ended(self.actions.move(onset, frame, shortest_ms, only, self.visitor, *sensitivity))


def said(shown: dict[str, Any]) -> str:
    """The line about how things stand, with its marks."""
    return unescape(shown["status"])


def until(steps: Iterator[dict[str, Any]], sentence: str) -> dict[str, Any]:
    """The first of the steps whose line says that."""
    return next(step for step in steps if sentence in said(step))


def _ended(coroutine: Coroutine[Any, Any, str]) -> dict[str, Any]:
    """What a coroutine that waits for nothing gives."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        shown: dict[str, Any] = json.loads(end.value)
        return shown
    raise AssertionError("it waits for something")
