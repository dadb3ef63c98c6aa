"""What the page does with what browsers tell it: events for a visit's record, and work on the tasks that it names."""

import json
import math
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from mtinst.edits import edits_from_json
from mtinst.errors import MtinstError
from mtinst.grid import INSTRUMENT_NAMES
from mtinst.hear.audio import iter_audio
from mtinst.hear.tuning import is_tuning
from mtinst.page import texts, visit
from mtinst.page.adjustment import Adjustment
from mtinst.page.examples import Example
from mtinst.page.guard import visitor_address
from mtinst.page.results import Result
from mtinst.page.routes import take_url
from mtinst.page.snapshot import shown_ms, snapshot
from mtinst.page.studio import Studio
from mtinst.page.takeaway import offers
from mtinst.page.visit import Event, File, Song, Task, Visit, after
from mtinst.records import Timing
from mtinst.sound.synth import PLAYBACK_RATE, write_audio

LONGEST_NAME = 200
MOST_VISITS = 10_000  # remembered; the oldest go


class Visits:
    """The records of all visitors, behind one lock. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._visits: dict[str | None, Visit] = {}
        self._taken: dict[str | None, list[Task]] = {}

    def tell(self, who: str | None, *events: Event) -> Visit:
        """Something happened to a visitor; returns the record after it."""
        with self._lock:
            # A record that was forgotten, or was another process's, is newer than what its browser shows.
            known = self._visits.pop(who, None) or Visit(number=time.time_ns() // 1000)
            for event in events:
                known = after(_looked_at(known), event)
            self._visits[who] = known
            while len(self._visits) > MOST_VISITS:
                del self._visits[next(iter(self._visits))]
            return known

    def take(self, who: str | None) -> Task | None:
        """A task of that visitor's that nobody works on yet."""
        with self._lock:
            tasks = self._visits.get(who, Visit()).tasks
            taken = [task for task in self._taken.pop(who, []) if any(map(task.is_same, tasks))]
            free = next((task for task in tasks if not any(map(task.is_same, taken))), None)
            if free is not None:
                taken.append(free)
            if taken:
                self._taken[who] = taken
            return free


class Actions:
    """The handlers of the page's events: those of visits return what the browser shows after them.

    Parameters
    ----------
    studio : Studio
    examples : list of Example
    """

    def __init__(self, studio: Studio, examples: list[Example]) -> None:
        self.studio = studio
        self.examples = {example.slug: example for example in examples}
        self.visits = Visits()
        self._shortest_s = studio.shortest_s  # read once: it may load the network

    # Coroutines are run in the order of what they answer; threads would not be.

    async def receive(self, message: gr.EventData, visitor: gr.Request) -> str:
        """What browser/page.js says that a person does."""
        return self._tell(visitor, *self._events(message._data))

    async def bring_notes(self, notes: str | None, tuning: str, visitor: gr.Request) -> str:
        """Right notes were brought, or taken away."""
        file = None if notes is None else _file(Path(notes), Path(notes).name)
        return self._tell(visitor, visit.NotesBrought(file, _hertz(tuning)))

    async def move(
        self, onset: float, frame: float, shortest_ms: float, only: list[str], visitor: gr.Request, *sensitivity: float
    ) -> str:
        """The sliders were moved."""
        if not all(map(_is_finite, (onset, frame, shortest_ms, *sensitivity))):
            return self._tell(visitor)
        instruments = tuple(name for name in INSTRUMENT_NAMES if name in only)
        adjustment = Adjustment(  # a browser's 0 comes as an int, which would be another key of the cache than 0.0
            onset=float(onset),
            frame=float(frame),
            shortest_s=None if shortest_ms == shown_ms(self._shortest_s) else shortest_ms / 1000,
            sensitivity=tuple(map(float, sensitivity)),
            instruments=None if len(instruments) == len(INSTRUMENT_NAMES) else instruments,
        )
        return self._tell(visitor, visit.Moved(adjustment))

    async def leave(self, visitor: gr.Request) -> None:
        """Nobody waits for that visitor's song any more."""
        self.visits.tell(visitor.session_hash, visit.Left())

    def work(self, visitor: gr.Request) -> Generator[Any, None, None]:
        """Work on what the visitor's record names and nobody works on, for as long as it is named."""
        yield gr.skip()
        who = visitor.session_hash
        while (task := self.visits.take(who)) is not None:
            try:
                with closing(self._outcomes(task, _address(visitor))) as outcomes:
                    for outcome in outcomes:
                        record = self.visits.tell(who, outcome)
                        yield self._shown(record)
                        if record.current(task) is None:
                            break
            except MtinstError as error:
                yield self._tell(visitor, visit.Failed(task, _sentence(error)))
            except GeneratorExit:  # the connection was lost
                self.visits.tell(who, visit.Left())
                raise
            except Exception:
                yield self._tell(visitor, visit.Failed(task, texts.BROKEN))
                raise

    def _outcomes(self, task: Task, who: str) -> Generator[visit.Outcome, None, None]:
        """Work on a task, step by step."""
        studio = self.studio
        match task:
            case visit.Transcribe(song=song, notes=notes, tuning_hz=tuning_hz):
                with closing(studio.transcribe(song.source, song.title, notes, who, tuning_hz=tuning_hz)) as steps:
                    for step in steps:
                        if isinstance(step, Result):
                            yield visit.Found(task, step, _now())
                            return
                        yield visit.Stepped(task, step, _now())
            case visit.Play(result=result):
                with closing(studio.make_files(result, who)) as steps:
                    for step in steps:
                        if isinstance(step, Result):
                            yield visit.Played(task, step.files_folder, _now())
                            return
                        yield visit.Stepped(task, step, _now())
            case visit.View():
                result = studio.view(task.source_key, task.title, task.adjustment, task.reference_key)
                yield visit.Found(task, result, _now())
            case visit.Link(key=key):
                yield visit.Found(task, studio.open(key), _now())
            case visit.Compare(notes=notes, song=path, tuning_hz=tuning_hz):
                reference_key = None if notes is None else studio.keep_reference(notes)
                yield visit.Read(task, reference_key, None if path is None else studio.source_key(path, tuning_hz))
            case visit.Open(file=file):
                yield self._open(task, file)

    def _open(self, task: visit.Open, file: File) -> visit.Outcome:
        """Make a file one that browsers play; MIDI is right notes."""
        if _is_midi(file.path):
            self.studio.keep_reference(file.path)
            return visit.WasNotes(task)
        # Beside the upload, so that it goes when that goes, and never in its place.
        converted = file.path.with_suffix(".wav" if file.path.suffix.lower() == ".flac" else ".flac")
        self.studio.check_limits(file.path)
        samples = iter_audio(file.path, PLAYBACK_RATE, longest_s=60 * self.studio.settings.max_minutes)
        write_audio(converted, samples, PLAYBACK_RATE)
        return visit.Opened(task, _file(converted, file.name), _now())

    def _events(self, message: Mapping[str, Any]) -> Iterator[Event]:
        """The events that a browser's message means; none where it is of another make."""
        match message:
            case {"kind": "example", "slug": str(slug)} if slug in self.examples:
                example = self.examples[slug]
                notes = None if example.reference is None else _file(example.reference, example.reference.name)
                file = _file(example.path, example.path.name)
                song = Song(file=file, source=example.path, title=example.title, is_own=False)
                yield visit.Picked(song, notes, _now())
            case {"kind": "transcribe", "tuning": tuning, "is_recording": is_recording}:
                yield visit.Pressed(float(tuning) if _is_finite(tuning) else 0.0, bool(is_recording), _now())
            case {"kind": "stop"}:
                yield visit.Stopped()
            case {"kind": "aside"}:
                yield visit.Returned()
            case {"kind": "reset"}:
                yield visit.Moved(Adjustment(), is_reset=True)
            case {"kind": "edits", "source": str(source_key), "edits": list(edits)}:
                with suppress(ValueError):  # of another make
                    yield visit.Edited(source_key, edits_from_json(edits))
            case {"kind": "timing", "source": str(source_key), "timing": dict(timing)}:
                with suppress(ValueError):
                    yield visit.Timed(source_key, Timing.from_json(timing))
            case {"kind": "recorder"}:
                yield visit.Recorder()
            case {"kind": "link", "key": str(key)}:
                yield visit.Followed(key)
            case {"kind": "cleared", "put": int(put)}:
                yield visit.Cleared(put)
            case {"kind": "brought", "file": int(number), "what": "sent" | "recorded" as what}:
                yield visit.Brought(number, what)
            case {"kind": "lost", "file": int(number), "what": "sent" | "recorded" as what, "name": str(name)}:
                sentence = texts.NOT_SENT if what == "recorded" else texts.not_sent(name[:LONGEST_NAME])
                yield visit.Lost(number, what, sentence)
            case {
                "kind": "arrived",
                "file": int(number),
                "what": "sent" | "recorded" as what,
                "path": str(path),
                "name": str(name),
                "is_played": bool(is_played),
            } if _is_upload(Path(path)):
                yield visit.Arrived(number, what, _file(Path(path), name[:LONGEST_NAME]), is_played, _now())

    def _tell(self, visitor: gr.Request, *events: Event) -> str:
        return self._shown(self.visits.tell(visitor.session_hash, *events))

    def _shown(self, record: Visit) -> str:
        """What the browser shows, as text: Gradio may make one step's object into the next one's before it is read."""
        return json.dumps(snapshot(record, self._shortest_s))

    def transcribe_for_program(self, path: str | None, visitor: gr.Request) -> Iterator[dict[str, Any]]:
        """What the page does with a song, for programs: how far it is, again and again, and at last its notes."""
        if path is None:
            raise gr.Error(texts.NO_SONG, print_exception=False)
        song = Path(path)
        try:
            with closing(self.studio.transcribe(song, song.stem, None, _address(visitor))) as steps:
                for step in steps:
                    if isinstance(step, Result):
                        yield self._record(step)
                        return
                    yield {"status": step.message, "fraction": round(step.fraction, 3)}
        except MtinstError as error:
            raise gr.Error(_sentence(error), print_exception=False) from error

    def _record(self, result: Result) -> dict[str, Any]:
        """A result as plain values; addresses are relative to the page's."""
        heard = self.studio.transcription(result.source_key, result.adjustment)
        played = {part.name for part in result.parts}
        return {
            "status": "done",
            "fraction": 1.0,
            "title": result.title,
            "duration_s": round(result.duration_s, 3),
            "verdict": result.verdict,
            "damage": result.damage,
            "instruments": {part.name: part.n_notes for part in result.parts},
            "notes": [
                {
                    "onset_s": round(note.onset, 4),
                    "offset_s": round(note.offset, 4),
                    "pitch": note.pitch,
                    "instrument": note.instrument,
                    "velocity": note.velocity,
                }
                for note in heard.notes
            ],
            "link": f"?song={result.key}",
            "files": {
                slug: take_url(result.key, slug)
                for slug in offers()
                if slug.partition(".")[0] not in INSTRUMENT_NAMES or slug.partition(".")[0] in played
            },
        }


_now = time.monotonic


def _looked_at(record: Visit) -> Visit:
    """The record without songs that were deleted meanwhile, as uploads are after an hour."""
    song, aside = record.song, record.aside
    if song is not None and song.is_there and not song.file.path.is_file():
        record = replace(record, song=replace(song, is_there=False))
    if aside is not None and aside[0].is_there and not aside[0].file.path.is_file():
        record = replace(record, aside=(replace(aside[0], is_there=False), aside[1]))
    return record


def _address(visitor: gr.Request) -> str:
    """Tells apart those who take turns."""
    return "" if visitor.request is None else visitor_address(visitor.request)


def _file(path: Path, name: str) -> File:
    return File(path=path, name=name, n_bytes=path.stat().st_size if path.is_file() else 0)


def _is_upload(path: Path) -> bool:
    """Whether that is a file that was uploaded, and not any other on this machine."""
    return path.is_file() and path.resolve().is_relative_to(Path(get_upload_folder()).resolve())


def _is_midi(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"MThd"
    except OSError:
        return False


def _hertz(text: str) -> float | None:
    """A tuning as it was typed; None for none, and for one that no song has."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if is_tuning(value) else None


def _is_finite(value: object) -> bool:
    """Whether it is a number, which a browser sends always and a program not always."""
    return isinstance(value, int | float) and math.isfinite(value)


def _sentence(error: MtinstError) -> str:
    """The error's sentence with a full stop."""
    text = str(error)
    return text if text.endswith((".", "!", "?")) else f"{text}."
