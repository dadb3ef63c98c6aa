"""What goes on for one visitor: a record, and what each event makes of it. Nothing here waits, reads or writes.

Whatever takes time is a *task* that the record names, at most one of each kind. Whoever works on it tells what comes of
it as events; those of a task that the record names no longer change nothing, and its work ends. So to cancel is to
forget, and in no order of events does an older wish take the place of a newer one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mtinst.edits import Edit
from mtinst.hear.tuning import is_tuning
from mtinst.page import texts
from mtinst.page.adjustment import Adjustment
from mtinst.page.results import Preview, Result, Working
from mtinst.records import Timing

DEFAULTS = Adjustment()
TELLING_S = 0.5  # of work, before how long the rest takes can be told


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that browsers may fetch, and what its owner calls it."""

    path: Path
    name: str
    n_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Song:
    """What is where songs go: a file that browsers play, and the one that was brought, of which it may be a copy."""

    file: File
    source: Path
    title: str
    is_own: bool = True  # and no example
    is_there: bool = True  # until it is deleted


@dataclass(frozen=True, kw_only=True)
class Said:
    """A line that stays: ``done``, ``info`` or ``error``, and since when."""

    kind: str
    sentence: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Going:
    """A line about work that goes on; while a song `is_heard`, what is on the page may be adjusted."""

    step: Working
    seconds_left: float | None = None
    is_heard: bool = True


@dataclass(frozen=True, kw_only=True)
class Task:
    """Work that is to be done; `number` is the record's when it was asked for."""

    number: int

    def is_same(self, other: "Task") -> bool:
        """Whether it is the same task, which may be further by now."""
        return type(self) is type(other) and self.number == other.number


@dataclass(frozen=True, kw_only=True)
class Open(Task):
    """Make a file that browsers do not play one that they do."""

    file: File


@dataclass(frozen=True, kw_only=True)
class Transcribe(Task):
    """Find the notes of a song; `right` are those to compare with that came meanwhile: their song's key, and theirs."""

    song: Song
    notes: Path | None
    tuning_hz: float | None
    began_s: float
    pace: tuple[float, float] | None = None  # since when there is work, after any waiting, and how far it was then
    right: tuple[str, str | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Compare(Task):
    """Read notes to compare with, or none, that were brought beside a song."""

    notes: Path | None
    song: Path | None
    tuning_hz: float | None
    is_said: bool = False  # what became of them


@dataclass(frozen=True, kw_only=True)
class View(Task):
    """Show a song that was transcribed by other thresholds or beside other notes, and then say so."""

    source_key: str
    title: str
    adjustment: Adjustment
    reference_key: str | None
    sentence: str | None = None


@dataclass(frozen=True, kw_only=True)
class Link(Task):
    """Show the result that a link names."""

    key: str


@dataclass(frozen=True, kw_only=True)
class Play(Task):
    """Play the parts of what is shown, as the end of its transcription or for itself."""

    result: Result
    began_s: float
    is_run: bool
    is_silent: bool = False
    pace: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Visit:
    """The record.

    Parameters
    ----------
    number : int
        Of the latest event that changed anything.
    song, notes : Song, File, optional
        What is where songs and the right notes go; `song_put`, `notes_put`: when the page put them there.
    aside : (Song, File or None), optional
        A song of the visitor's own, and its right notes, that made room for another.
    file : int
        The browser's number of the file that was brought last; `coming` is what it is, while it is being sent.
    is_unsent : bool
        Whether it is a recording that could not be sent; `has_recorder` is False while its recorder is being replaced.
    wish : float or None, optional
        The tuning, 0 for none, with which a song that is not there yet is to be transcribed as soon as it is.
    opening, transcribing, comparing, viewing, playing : Task, optional
        What is worked on.
    shown, preview : Result, Preview, optional
        What is on the page, and over it the notes so far of a song that is being transcribed.
    adjustment : Adjustment
        Where the sliders are put; `adjustment_put`: when.
    line : Said or Going, optional
        How things stand; a `complaint` about something brought meanwhile is said again when the work is done.
    """

    number: int = 0
    song: Song | None = None
    song_put: int = 0
    notes: File | None = None
    notes_put: int = 0
    aside: tuple[Song, File | None] | None = None
    file: int = 0
    coming: str | None = None
    is_unsent: bool = False
    has_recorder: bool = True
    wish: float | None = None
    opening: Open | None = None
    transcribing: Transcribe | None = None
    comparing: Compare | None = None
    viewing: View | Link | None = None
    playing: Play | None = None
    shown: Result | None = None
    preview: Preview | None = None
    adjustment: Adjustment = DEFAULTS
    adjustment_put: int = 0
    line: Said | Going | None = None
    complaint: str | None = None

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What is to be worked on."""
        slots = (self.opening, self.transcribing, self.comparing, self.viewing, self.playing)
        return tuple(task for task in slots if task is not None)

    def current(self, task: Task) -> Task | None:
        """A task as it is by now; None when it is not to be worked on any more."""
        return next(filter(task.is_same, self.tasks), None)

    @property
    def is_run(self) -> bool:
        """Whether a song is being transcribed, up to its parts: what Stop stops."""
        return self.transcribing is not None or (self.playing is not None and self.playing.is_run)

    @property
    def is_working(self) -> bool:
        """Whether the line tells how far something is."""
        return self.transcribing is not None or (self.playing is not None and not self.playing.is_silent)

    @property
    def has_sound(self) -> bool:
        """Whether the parts of what is shown are there or on their way."""
        return self.shown is not None and (self.shown.files_folder is not None or self.playing is not None)


# What a visitor does


@dataclass(frozen=True)
class Brought:
    """A file is being sent: ``sent``, or ``recorded``."""

    file: int
    kind: str


@dataclass(frozen=True)
class Arrived:
    """It is here."""

    number: int
    kind: str
    file: File
    is_played: bool
    at_s: float


@dataclass(frozen=True)
class Lost:
    """It could not be sent."""

    file: int
    kind: str
    sentence: str


@dataclass(frozen=True)
class Cleared:
    """The visitor took away the song that the page put there at that number."""

    song_put: int


@dataclass(frozen=True)
class Picked:
    """An example was clicked."""

    song: Song
    notes: File | None
    at_s: float


@dataclass(frozen=True)
class Pressed:
    """Transcribe was pressed; `tuning` is 0 for none."""

    tuning: float
    is_recording: bool
    at_s: float


@dataclass(frozen=True)
class Stopped:
    """Stop was pressed."""


@dataclass(frozen=True)
class Returned:
    """The song that was put aside is wanted back."""


@dataclass(frozen=True)
class NotesBrought:
    """Right notes were brought, or taken away."""

    notes: File | None
    tuning_hz: float | None


@dataclass(frozen=True)
class Moved:
    """The sliders were moved, by the visitor or by the button that puts them back."""

    adjustment: Adjustment
    is_reset: bool = False


@dataclass(frozen=True)
class Edited:
    """Notes of the song of that key were changed by hand; `edits` are all there are now."""

    source_key: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Timed:
    """Somebody said what they know of the beats of the song of that key."""

    source_key: str
    timing: Timing


@dataclass(frozen=True)
class Followed:
    """The page was opened by a link."""

    key: str


@dataclass(frozen=True)
class Recorder:
    """The browser took the old recorder away."""


@dataclass(frozen=True)
class Left:
    """Nobody waits any more."""


# What comes of tasks


@dataclass(frozen=True)
class Stepped:
    """It is so far."""

    task: Transcribe | Play
    step: Working
    at_s: float


@dataclass(frozen=True)
class Opened:
    """A file is one that browsers play now."""

    task: Open
    file: File
    at_s: float


@dataclass(frozen=True)
class WasNotes:
    """A file that was brought as a song holds notes."""

    task: Open


@dataclass(frozen=True)
class Read:
    """The keys of right notes, if any, and of the song beside which they were brought."""

    task: Compare
    reference_key: str | None
    source_key: str | None


@dataclass(frozen=True)
class Found:
    """A result, without its parts."""

    task: Transcribe | View | Link
    result: Result
    at_s: float


@dataclass(frozen=True)
class Played:
    """The parts are in that folder."""

    task: Play
    folder: Path | None
    at_s: float


@dataclass(frozen=True)
class Failed:
    """It cannot be done; why."""

    task: Task
    sentence: str


Wish = Picked | Pressed | Stopped | Returned | NotesBrought | Moved | Edited | Timed | Followed | Cleared | Left
Sending = Brought | Arrived | Lost | Recorder
Outcome = Stepped | Opened | WasNotes | Read | Found | Played | Failed
Event = Wish | Sending | Outcome


def after(visit: Visit, event: Event) -> Visit:
    """The record after an event; the same when the event comes too late to mean anything."""
    new = replace(visit, number=visit.number + 1)
    match event:
        case Stepped() | Opened() | WasNotes() | Read() | Found() | Played() | Failed():
            task: Any = visit.current(event.task)
            return visit if task is None else _after_outcome(new, replace(event, task=task))
        case Brought() | Arrived() | Lost() | Recorder():
            return _after_sending(new, event) or visit
        case _:
            return _after_wish(new, event) or visit


def _after_wish(new: Visit, event: Wish) -> Visit | None:
    match event:
        case Picked(song, notes, at_s):
            new = replace(_put_aside(new), coming=None, wish=None, is_unsent=False, opening=None)
            new = replace(new, song=song, song_put=new.number, notes=notes, notes_put=new.number)
            return _transcribe(new, song, 0.0, at_s)
        case Pressed(tuning, is_recording, at_s):
            return _press(new, tuning, at_s, is_recording=is_recording)
        case Stopped():
            return _stop(new) if new.is_run or new.wish is not None else None
        case Left():
            new = _stop(new) if new.is_run else new
            return replace(new, wish=None, coming=None, opening=None, comparing=None, viewing=None, playing=None)
        case Returned():
            return _bring_back(new)
        case Cleared(song_put):
            if song_put != new.song_put or new.song is None:
                return None
            return replace(new, song=None, notes=None, notes_put=new.number)  # they belong together
        case NotesBrought(notes, tuning_hz):
            return _read(new, notes, tuning_hz)
        case Followed(key):
            return replace(new, viewing=Link(number=new.number, key=key))
        case Moved():
            if event.is_reset:
                new = replace(new, adjustment=event.adjustment, adjustment_put=new.number)
            moved = event.adjustment
            if (current := _wanted(new)) is not None:
                moved = replace(moved, edits=current.adjustment.edits, timing=current.adjustment.timing)
            return _view(new, adjustment=moved) or (new if event.is_reset else None)
        case Edited(source_key, edits):
            return _mend(new, source_key, lambda adjustment: replace(adjustment, edits=edits))
        case Timed(source_key, timing):
            return _mend(new, source_key, lambda adjustment: replace(adjustment, timing=timing))


def _after_sending(new: Visit, event: Sending) -> Visit | None:
    match event:
        case Brought(file, kind):
            if file <= new.file:
                return None
            new = replace(new, file=file, coming=kind, is_unsent=False, opening=None)
            return new if new.is_working else _wait(new, kind)
        case Arrived(number, kind, file, is_played, at_s):
            if number < new.file:  # another was brought since
                return None
            new = replace(new, file=number, coming=None)
            if is_played:
                return _put(new, file, file.path, at_s, is_other=kind != "recorded")
            new = replace(new, opening=Open(number=new.number, file=file))
            return new if new.is_working else _wait(new, "opened")
        case Lost(file, kind, sentence):
            if file < new.file:
                return None
            new = replace(new, file=file, coming=None, wish=None, is_unsent=kind == "recorded")
            return _complain(new, sentence)
        case Recorder():
            return replace(new, has_recorder=True)


def _after_outcome(new: Visit, event: Outcome) -> Visit:
    match event:
        case Stepped():
            return _step(new, event)
        case Opened(task, file, at_s):
            return _put(replace(new, opening=None), file, task.file.path, at_s, is_other=True)
        case WasNotes(task):
            new = _say(replace(new, opening=None, wish=None), "info", texts.went_to_right_notes(task.file.name))
            return _read(replace(new, notes_put=new.number), task.file, None, is_said=True)
        case Read():
            return _compare(new, event)
        case Found():
            return _show(new, event)
        case Played(task, folder, at_s):
            assert new.shown is not None
            new = replace(new, playing=None, shown=replace(new.shown, files_folder=folder))
            return new if task.is_silent or new.wish is not None else _done(new, at_s - task.began_s)
        case Failed(task, sentence):
            return _fail(new, task, sentence)


def _read(new: Visit, notes: File | None, tuning_hz: float | None, *, is_said: bool = False) -> Visit:
    compare = Compare(
        number=new.number,
        notes=None if notes is None else notes.path,
        song=None if new.song is None else new.song.source,
        tuning_hz=tuning_hz,
        is_said=is_said,
    )
    return replace(new, notes=notes, comparing=compare)


def _press(new: Visit, tuning: float, at_s: float, *, is_recording: bool) -> Visit:
    kind = "recording" if is_recording else "opened" if new.opening else new.coming
    if kind is not None:
        return _wait(replace(new, wish=tuning), kind)
    if new.song is not None:
        return _transcribe(new, new.song, tuning, at_s)
    if new.is_unsent:  # a new recorder: Gradio's own cannot be cleared then
        return _say(replace(new, wish=None, is_unsent=False, has_recorder=False), "error", texts.NOT_SENT)
    return _say(replace(new, wish=None), "error", texts.NO_SONG)


def _transcribe(new: Visit, song: Song, tuning: float, at_s: float) -> Visit:
    """A newer wish than all others."""
    new = replace(new, wish=None)
    if tuning and not is_tuning(tuning):
        return _say(new, "error", texts.NO_SUCH_TUNING)
    task = Transcribe(
        number=new.number,
        song=song,
        notes=None if new.notes is None else new.notes.path,
        tuning_hz=tuning or None,
        began_s=at_s,
    )
    playing = new.playing and replace(new.playing, is_silent=True, is_run=False)
    new = replace(new, transcribing=task, playing=playing, comparing=None, viewing=None, preview=None, complaint=None)
    return _wait(new, "read")


def _wait(new: Visit, kind: str) -> Visit:
    """Say what is waited for; what is on the page may be adjusted until the next song is read."""
    is_heard = new.transcribing is None and new.wish is None
    return replace(
        new, line=Going(step=Working(message=texts.AWAITED.get(kind, texts.READING), fraction=0.0), is_heard=is_heard)
    )


def _step(new: Visit, event: Stepped) -> Visit:
    task, step = event.task, event.step
    pace: tuple[float, float] | None
    if step.fraction <= 0:
        pace, left = None, None
    else:
        pace = task.pace or (event.at_s, step.fraction)
        took_s, done = event.at_s - pace[0], step.fraction - pace[1]
        left = took_s * (1 - step.fraction) / done if took_s >= TELLING_S and done > 0 else None
    if isinstance(task, Play):
        assert new.playing is not None
        new = replace(new, playing=replace(new.playing, pace=pace))
        return new if task.is_silent or new.wish is not None else replace(new, line=Going(step=step, seconds_left=left))
    assert new.transcribing is not None
    new = replace(new, transcribing=replace(new.transcribing, pace=pace), preview=step.preview or new.preview)
    return replace(new, line=Going(step=step, seconds_left=left, is_heard=False))


def _put(new: Visit, file: File, source: Path, at_s: float, *, is_other: bool) -> Visit:
    """Put a song of the visitor's own where songs go, and transcribe it if that is waited for."""
    if is_other and new.song is not None:
        new = replace(_put_aside(new), notes=None, notes_put=new.number)  # those were that song's
    song = Song(file=file, source=source, title=Path(file.name).stem)
    new = replace(new, song=song, song_put=new.number)
    if new.wish is not None:
        return _transcribe(new, song, new.wish, at_s)
    return new if new.is_working else _say(new, "info", texts.READY)


def _put_aside(new: Visit) -> Visit:
    """Keep a song of the visitor's own that makes room for another."""
    song = new.song
    if song is None or not (song.is_own and song.is_there):
        return new
    return replace(new, aside=(song, new.notes))


def _bring_back(new: Visit) -> Visit | None:
    aside = new.aside
    if aside is None:
        return None
    new = replace(new, aside=None)
    if not aside[0].is_there:
        return _complain(new, texts.ASIDE_GONE)
    new = replace(_put_aside(new), song=aside[0], song_put=new.number, notes=aside[1], notes_put=new.number)
    return new if new.is_working else _say(new, "info", texts.READY)


def _view(new: Visit, sentence: str | None = None, **changes: object) -> Visit | None:
    """Show what is shown, or will be next, with those changes; not while another song is transcribed."""
    view = _wanted(new)
    if view is None:
        return None
    if new.transcribing is not None and "adjustment" in changes:
        return None
    view = replace(view, number=new.number, sentence=sentence or view.sentence, **changes)  # type: ignore[arg-type]
    return replace(new, viewing=view)


def _mend(new: Visit, source_key: str, mended: Callable[[Adjustment], Adjustment]) -> Visit | None:
    """Another adjustment of that song; None where it is not the one that is wanted."""
    if (current := _wanted(new)) is None or current.source_key != source_key:
        return None
    return _view(new, adjustment=mended(current.adjustment))


def _wanted(new: Visit) -> View | None:
    """What is shown, or will be next."""
    if isinstance(new.viewing, View):
        return new.viewing
    if new.shown is None:
        return None
    shown = new.shown
    return View(
        number=0,
        source_key=shown.source_key,
        title=shown.title,
        adjustment=shown.adjustment,
        reference_key=shown.reference_key,
    )


def _compare(new: Visit, event: Read) -> Visit:
    key = event.reference_key
    new = replace(new, comparing=None)
    if new.transcribing is not None and event.source_key is not None:
        new = replace(new, transcribing=replace(new.transcribing, right=(event.source_key, key)))
    if new.shown is not None and event.source_key in (None, new.shown.source_key):
        return _view(new, texts.COMPARED if key and not event.task.is_said else None, reference_key=key) or new
    return new if key is None or event.task.is_said else _say(new, "info", texts.REFERENCE_READY)


def _show(new: Visit, event: Found) -> Visit:
    """Show a result, and have its parts played unless they are, or are being so."""
    task, result = event.task, event.result
    new = replace(new, shown=result)
    is_run = isinstance(task, Transcribe)
    if isinstance(task, Transcribe):
        new = _put_sliders(replace(new, transcribing=None, preview=None))
        if task.right is not None and task.right[0] == result.source_key and task.right[1] != result.reference_key:
            new = _view(new, reference_key=task.right[1]) or new
    elif isinstance(task, Link):
        new = _put_sliders(replace(new, viewing=None))
    else:
        new = replace(new, viewing=None)
        if task.sentence is not None:
            new = _say(new, "done", task.sentence)
    began_s = task.began_s if isinstance(task, Transcribe) else event.at_s
    if result.files_folder is not None:
        new = replace(new, playing=None)
        return _done(new, event.at_s - began_s) if is_run else new
    is_silent, playing = new.transcribing is not None, new.playing
    if playing and (playing.result.source_key, playing.result.adjustment.heard) == (
        result.source_key,
        result.adjustment.heard,
    ):
        is_run = is_run or playing.is_run
        return replace(new, playing=replace(playing, result=result, is_run=is_run, is_silent=is_silent))
    playing = Play(number=new.number, result=result, began_s=began_s, is_run=is_run, is_silent=is_silent)
    return replace(new, playing=playing)


def _put_sliders(new: Visit) -> Visit:
    """Put the sliders where those of what is shown are; they may have been moved for nothing."""
    return new if new.shown is None else replace(new, adjustment=new.shown.adjustment, adjustment_put=new.number)


def _stop(new: Visit) -> Visit:
    is_playing = new.playing is not None and new.playing.is_run
    new = replace(new, transcribing=None, preview=None, wish=None, playing=None if is_playing else new.playing)
    if new.shown is None:
        sentence = texts.STOPPED
    else:
        sentence = texts.STOPPED_KEEPS if new.has_sound else texts.STOPPED_PLAYING
    return _put_sliders(_say(new, "info", sentence))


def _fail(new: Visit, task: Task, sentence: str) -> Visit:
    match task:
        case Transcribe():
            new = _put_sliders(replace(new, transcribing=None, preview=None))
            keeps = f" {texts.FAILED_KEEPS}" if new.shown is not None else ""
            return _say(new, "error", sentence + keeps)
        case Play():
            new = replace(new, playing=None)
            return new if task.is_silent else _say(new, "error", f"{sentence} {texts.NO_SOUND_KEEPS}")
        case Open():
            return _complain(replace(new, opening=None, wish=None), sentence)
        case Compare():
            return _complain(replace(new, comparing=None), sentence)
        case _:
            return _complain(replace(new, viewing=None), sentence)


def _say(new: Visit, kind: str, sentence: str) -> Visit:
    return replace(new, line=Said(kind=kind, sentence=sentence, number=new.number))


def _complain(new: Visit, sentence: str) -> Visit:
    """What is wrong with something that was brought, said again when what goes on meanwhile is done."""
    return _say(replace(new, complaint=sentence if new.is_working else None), "error", sentence)


def _done(new: Visit, seconds: float) -> Visit:
    done = texts.done_in(seconds)
    if new.complaint is None:
        return _say(new, "done", done)
    return _say(replace(new, complaint=None), "error", f"{done} {new.complaint}")
