"""What each click does, as updates of the page's components. A failure changes the status line and nothing else."""

import filecmp
import math
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import gradio as gr

from mtinst.errors import MtinstError
from mtinst.files import file_hash
from mtinst.grid import INSTRUMENT_NAMES
from mtinst.hear.audio import iter_audio
from mtinst.hear.tuning import is_tuning
from mtinst.page import render, texts
from mtinst.page.adjustment import Adjustment
from mtinst.page.examples import Example
from mtinst.page.guard import visitor_address
from mtinst.page.layout import SHORTEST_MS, Page
from mtinst.page.results import Preview, Result, Working
from mtinst.page.routes import take_url
from mtinst.page.studio import Studio
from mtinst.page.takeaway import offers
from mtinst.sound.synth import PLAYBACK_RATE, write_audio

MOST_NAMES = 100  # of files that a visitor brought; the oldest go
LONGEST_NAME = 200
MOST_VISITS = 10_000  # remembered; of visitors who never said that they left, the oldest go
TELLING_S = 0.5  # of work, before how long the rest takes can be told
ENDING_S = 2.0  # that overtaken work may take to end; it does so at its next step, mostly `studio.PACE_S` away
Updates = dict[Any, Any]  # component -> its new value, or a change of its looks


@dataclass
class Visit:
    """What goes on for one visitor.

    Parameters
    ----------
    click : float
        Number of the latest click that asked for a song; work for an older one ends at its next step.
    is_listening : bool
        Whether a song is worked on that has no result yet.
    shown : Result, optional
        What is on the page.
    playing : Path, optional
        The view whose parts :meth:`Actions.finish` plays.
    playing_song : Path, optional
        The view whose parts are being played by who listened to the song.
    right : (str, str or None), optional
        Of notes to compare with that were brought, or taken away, while a song was listened to: the key of that song's
        source, and theirs.
    complaint : str, optional
        What was wrong with something brought meanwhile: said when the work is done, which says otherwise how far it is.
    adjusting : object, optional
        The latest wish for other thresholds.
    aside : tuple, optional
        A song of one's own, and its right notes, that made room for an example.
    at_work : set
        An object for each piece of work that says how far it is.
    songs : dict
        By the hash of a file where songs go: the file that was brought, of which it may be a copy that browsers play,
        and what its owner calls it.
    """

    click: float = -1.0
    is_listening: bool = False
    shown: Result | None = None
    playing: Path | None = None
    playing_song: Path | None = None
    right: tuple[str, str | None] | None = None
    complaint: str | None = None
    adjusting: object = None
    aside: tuple[str, str | None] | None = None
    at_work: set[object] = field(default_factory=set)
    songs: dict[str, tuple[Path, str]] = field(default_factory=dict)

    def know(self, path: Path, song: Path, name: str) -> None:
        """Remember what a file where songs go is, and what its owner calls it."""
        if path.is_file():
            self.songs[file_hash(path)] = song, name[:LONGEST_NAME]
            while len(self.songs) > MOST_NAMES:
                del self.songs[next(iter(self.songs))]

    def song(self, path: Path, name: str = "") -> tuple[Path, str]:
        """The file that was brought, and what it is called, given what the browser says that it is."""
        known = self.songs.get(file_hash(path)) if path.is_file() else None
        # Of another name it is another file with the same in it.
        is_it = known is not None and known[0].is_file() and known[0].stem == path.stem
        return known if known is not None and is_it else (path, name[:LONGEST_NAME] or path.name)

    def wait_for_others(self) -> None:
        """Wait until other work has ended, so that nothing it still says comes after what is said next."""
        until = time.monotonic() + ENDING_S
        while self.at_work and time.monotonic() < until:
            time.sleep(0.02)

    @property
    def view(self) -> Path | None:
        """The view on the page."""
        return None if self.shown is None else self.shown.view_folder

    def has_sound(self, result: Result) -> bool:
        """Whether a result's parts are there or on their way."""
        return result.files_folder is not None or self.playing == result.view_folder


class Actions:
    """The handlers of the page's events.

    A visitor who asks for another song while one is being worked on gets the newer one; work on the older one ends at
    its next step. (Gradio's own ``cancels`` could take the new wish along with the old one, so only Stop uses it.)

    Parameters
    ----------
    page : Page
    studio : Studio
    examples : list of Example
    """

    def __init__(self, page: Page, studio: Studio, examples: list[Example]) -> None:
        self.page = page
        self.studio = studio
        self.examples = {example.slug: example for example in examples}
        self._n_said = count(1)
        self._visits: dict[str | None, Visit] = {}

    def transcribe_example(
        self,
        event: gr.EventData,
        path: str | None,
        reference_path: str | None,
        shown: Result | None,
        click: float,
        visitor: gr.Request,
        name: str = "",
    ) -> Generator[Updates, None, None]:
        """Put the example that was clicked where a song of one's own would be, and transcribe it.

        A song of one's own that was there, which may be a recording and nowhere else, is put aside.
        """
        example = self.examples.get(str(getattr(event, "slug", "")))
        if example is None:  # no card of this page
            yield self._nothing()
            return
        reference = None if example.reference is None else str(example.reference)
        # Wrapped, for Gradio may make one step's object into the next one's before the browser has looked at it.
        put = {self.page.audio: gr.update(value=str(example.path)), self.page.reference: gr.update(value=reference)}
        put |= self._put_aside(path, reference_path, name, visitor)
        yield from self._run(example.path, example.title, example.reference, put, shown, click, visitor)

    def transcribe(
        self,
        path: str | None,
        reference: str | None,
        shown: Result | None,
        click: float,
        visitor: gr.Request,
        name: str = "",
        is_unsent: bool = False,
        tuning: float | None = None,
    ) -> Generator[Updates, None, None]:
        """Transcribe the song that was brought, unless it is a recording that the browser could not send."""
        if is_unsent:
            yield {self.page.audio: gr.update(visible=False)}  # a new recorder: Gradio's own cannot be cleared then
            yield {self.page.audio: gr.update(visible=True), self.page.status: self._say("error", texts.NOT_SENT)}
        elif path is None:
            yield {self.page.status: self._say("error", texts.NO_SONG)}
        elif tuning and not is_tuning(tuning):  # an empty field may come as 0
            yield {self.page.status: self._say("error", texts.NO_SUCH_TUNING)}
        else:
            right = None if reference is None else Path(reference)
            song, name = self._visit(visitor).song(Path(path), name)
            yield from self._run(song, self._title(song, name), right, {}, shown, click, visitor, _hz(tuning))

    def _run(
        self,
        path: Path,
        title: str,
        reference: Path | None,
        put: Updates,
        shown: Result | None,
        click: float,
        visitor: gr.Request,
        tuning_hz: float | None = None,
    ) -> Iterator[Updates]:
        """Everything from a song to its parts, step by step."""
        visit = self._visit(visitor)
        if click < visit.click:  # a later click was faster
            yield self._nothing()
            return
        work = object()
        overtakes = bool(visit.at_work)
        visit.at_work.add(work)
        visit.click, visit.is_listening, visit.right = click, True, None
        visit.complaint = visit.playing_song = None
        clock = _Clock()
        # Overtaken work may have put its own song there a moment later.
        again = {part: update for part, update in put.items() if overtakes and part is not self.page.aside}
        last: Result | None = None  # of two results, without and with its parts; in between, a person may adjust it
        try:
            yield {
                **put,
                self.page.status: render.working(texts.READING, 0.0, is_heard=False),
                self.page.transcribe: gr.update(interactive=False),
                self.page.stop: gr.update(interactive=True),
            }
            steps = self.studio.transcribe(path, title, reference, _who(visitor), tuning_hz=tuning_hz)
            with closing(steps):
                for step in steps:
                    if not self._is_latest(visit, click, visitor):
                        yield self._nothing()
                        return
                    if last and visit.view != last.view_folder:
                        yield self._idle()
                        return  # `finish` plays the parts of what was adjusted or compared
                    if isinstance(step, Working):
                        yield self._progress(step, clock, is_heard=last is not None) | again
                        again = {}
                        continue
                    step = self._compared(step, visit)
                    if last is None:
                        visit.is_listening, visit.playing_song = False, step.view_folder
                        last = step
                        yield self._show(step, visitor) | self._sliders(step.adjustment) | again
                        again = {}
                    elif visit.view == step.view_folder:
                        yield self._show(step, visitor)
                        last = step
            # Whatever overtaken work still had on its way is put right by showing the end once more.
            visit.at_work.discard(work)
            visit.wait_for_others()
            shows = self._show(last, visitor) if overtakes and last and visit.view == last.view_folder else {}
            yield shows | {self.page.status: self._say_done(clock, visit)}
        except MtinstError as error:
            if last is not None:
                if visit.view == last.view_folder:
                    yield self._without_sound(last, error)
            else:
                stands = self._standing(shown, visitor)
                keeps = f" {texts.FAILED_KEEPS}" if stands is not None else ""
                yield self._back(stands, visitor) | {self.page.status: self._say("error", _sentence(error) + keeps)}
        except Exception:
            stands = self._standing(shown, visitor)
            said = {self.page.status: self._say("error", texts.BROKEN)}
            yield self._back(stands, visitor) | said | self._idle()
            raise
        finally:
            visit.at_work.discard(work)
            if visit.click == click:
                visit.is_listening, visit.playing_song = False, None
        yield self._idle()

    def bring_back(self, path: str | None, reference: str | None, visitor: gr.Request, name: str = "") -> Updates:
        """Change the song where songs go with the one that was put aside."""
        visit = self._visit(visitor)
        aside, visit.aside = visit.aside, None
        put: Updates = {self.page.aside: gr.update(visible=False)}
        if aside is None or not Path(aside[0]).is_file():
            return put | {self.page.status: self._complain(texts.ASIDE_GONE, visit)}
        put |= self._put_aside(path, reference, name, visitor)
        has_reference = aside[1] is not None and Path(aside[1]).is_file()
        brought = {self.page.audio: aside[0], self.page.reference: aside[1] if has_reference else None}
        return put | brought | self._say_ready(visit)

    def _put_aside(self, path: str | None, reference: str | None, name: str, visitor: gr.Request) -> Updates:
        """Keep a song of the visitor's own that makes room for another, and offer it; one that is gone is not."""
        if path is None or not Path(path).is_file() or self._example_at(Path(path)) is not None:
            return {}
        visit = self._visit(visitor)
        song, name = visit.song(Path(path), name)
        visit.know(Path(path), song, name)
        visit.aside = path, reference
        return {self.page.aside: gr.update(value=texts.bring_back(self._title(song, name)), visible=True)}

    def stopped(self, shown: Result | None, visitor: gr.Request) -> Updates:
        """What a person sees after pressing Stop."""
        visit = self._visit(visitor)
        visit.is_listening = False
        stands = self._standing(shown, visitor)
        if stands is None:
            sentence = texts.STOPPED
        elif visit.has_sound(stands):
            sentence = texts.STOPPED_KEEPS
        else:
            sentence = texts.STOPPED_PLAYING
        return self._back(stands, visitor) | {self.page.status: self._say("info", sentence), **self._idle()}

    def leave(self, visitor: gr.Request) -> None:
        """Nobody waits for that visitor's song any more."""
        self._visits.pop(visitor.session_hash, None)

    def open_link(self, key: str | None, visitor: gr.Request) -> Updates:
        """Bring back the result that the page's address names."""
        if not key:
            return self._nothing()
        click = self._visit(visitor).click
        try:
            result = self.studio.open(key)
        except MtinstError as error:
            return {self.page.status: self._say("error", _sentence(error))}
        if self._visit(visitor).click != click:  # a song was asked for meanwhile
            return self._nothing()
        return self._show(result, visitor) | self._sliders(result.adjustment)

    def open_other_file(
        self,
        path: str | None,
        song: str | None,
        reference: str | None,
        visitor: gr.Request,
        song_name: str = "",
        name: str = "",
        shown: Result | None = None,
    ) -> Iterator[Updates]:
        """Put a file that Gradio would not take where songs go, as browsers play it; one that is there, aside.

        MIDI goes to the right notes.
        """
        if path is None:
            yield self._nothing()
            return
        visit = self._visit(visitor)
        source, name = Path(path), name or Path(path).name
        if _is_midi(source):
            try:
                self.studio.keep_reference(source)
            except MtinstError as error:
                yield {self.page.status: self._complain(_sentence(error), visit)}
                return
            said = {self.page.status: self._say("info", texts.went_to_right_notes(name))}
            yield self.compare(song, path, shown, visitor) | {self.page.reference: path} | said
            return
        yield self._nothing() if visit.at_work else {self.page.status: render.working(texts.READING, 0.0)}
        # Beside the upload, so that it goes when that goes, and never in its place.
        converted = source.with_suffix(".wav" if source.suffix.lower() == ".flac" else ".flac")
        try:
            self.studio.check_limits(source)
            samples = iter_audio(source, PLAYBACK_RATE, longest_s=60 * self.studio.settings.max_minutes)
            write_audio(converted, samples, PLAYBACK_RATE)
        except MtinstError as error:
            yield {self.page.status: self._complain(_sentence(error), visit)}
            return
        visit.know(converted, source, name)
        put: Updates = {self.page.audio: str(converted)} | self._say_ready(visit)
        if song is not None:
            put |= self._put_aside(song, reference, song_name, visitor)
            put[self.page.reference] = None  # the right notes there were that song's
        yield put

    def compare(
        self,
        path: str | None,
        reference: str | None,
        shown: Result | None,
        visitor: gr.Request,
        tuning: float | None = None,
    ) -> Updates:
        """Compare the result on the page with the right notes that were brought, or no longer, if it is that song's."""
        visit = self._visit(visitor)
        click = visit.click
        try:
            key = None if reference is None else self.studio.keep_reference(Path(reference))
            song = None if path is None else visit.song(Path(path))[0]
            source_key = None if song is None else self.studio.source_key(song, _hz(tuning))
            if visit.is_listening and source_key is not None:
                visit.right = source_key, key
            is_shown = shown is not None and source_key in (None, shown.source_key)
            if shown is None or not is_shown:
                return {self.page.status: gr.skip() if key is None else self._say("info", texts.REFERENCE_READY)}
            result = self.studio.view(shown.source_key, shown.title, shown.adjustment, key)
        except MtinstError as error:
            return {self.page.status: self._complain(_sentence(error), visit)}
        if visit.click != click:  # a song was asked for meanwhile
            return self._nothing()
        said = {} if key is None else {self.page.status: self._say("done", texts.COMPARED)}
        return self._show(result, visitor) | said

    def adjust(
        self,
        shown: Result | None,
        onset: float,
        frame: float,
        shortest_ms: float,
        only: list[str],
        visitor: gr.Request,
        *sensitivity: float,
    ) -> Updates:
        """Read the notes off again by other thresholds, without the network; the parts follow in :meth:`finish`."""
        visit = self._visit(visitor)
        moved = (onset, frame, shortest_ms, *sensitivity)
        if shown is None or visit.is_listening or not all(map(_is_finite, moved)):
            return self._nothing()
        wish = visit.adjusting = object()
        click = visit.click
        instruments = tuple(name for name in INSTRUMENT_NAMES if name in only)
        adjustment = Adjustment(  # a browser's 0 comes as an int, which would be another key of the cache than 0.0
            onset=float(onset),
            frame=float(frame),
            shortest_s=None if shortest_ms == self._shortest_ms(None) else shortest_ms / 1000,
            sensitivity=tuple(map(float, sensitivity)),
            instruments=None if len(instruments) == len(INSTRUMENT_NAMES) else instruments,
        )
        try:
            result = self.studio.view(shown.source_key, shown.title, adjustment, shown.reference_key)
        except MtinstError as error:
            return {self.page.status: self._say("error", _sentence(error))}
        if visit.adjusting is not wish or visit.click != click:  # something newer was asked for meanwhile
            return self._nothing()
        return self._show(result, visitor)

    def finish(self, shown: Result | None, visitor: gr.Request) -> Generator[Updates, None, None]:
        """Play the parts of an adjusted result, unless it was adjusted again by then.

        Once another song is asked for, the line about how things stand is that song's.
        """
        yield self._nothing()
        if shown is None or shown.files_folder is not None:
            return
        visit = self._visit(visitor)
        if visit.playing_song == shown.view_folder:
            return
        clock = _Clock()
        click = visit.click
        visit.playing = shown.view_folder
        work = object()
        visit.at_work.add(work)
        try:
            with closing(self.studio.make_files(shown, _who(visitor))) as steps:
                for step in steps:
                    if visit.view != shown.view_folder or self._visits.get(visitor.session_hash) is not visit:
                        yield self._nothing()
                        return
                    if isinstance(step, Result):
                        yield self._show(step, visitor)
                    elif visit.is_listening or visit.click != click:
                        yield self._nothing()
                    else:
                        yield self._progress(step, clock)
            is_latest = not visit.is_listening and visit.click == click
            if is_latest:
                visit.at_work.discard(work)
                visit.wait_for_others()
            yield {self.page.status: self._say_done(clock, visit)} if is_latest else self._nothing()
        except MtinstError as error:
            is_shown = visit.view == shown.view_folder and not visit.is_listening
            yield self._without_sound(shown, error) if is_shown else self._nothing()
        finally:
            visit.at_work.discard(work)
            if visit.playing == shown.view_folder:
                visit.playing = None

    def reset_adjustment(self) -> Updates:
        """The sliders and boxes as the checkpoint has it."""
        return self._sliders(Adjustment())

    def transcribe_for_program(self, path: str | None, visitor: gr.Request) -> Iterator[dict[str, Any]]:
        """What the page does with a song, for programs: how far it is, again and again, and at last its notes."""
        if path is None:
            raise gr.Error(texts.NO_SONG, print_exception=False)
        song = Path(path)
        try:
            with closing(self.studio.transcribe(song, self._title(song, song.name), None, _who(visitor))) as steps:
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

    def _visit(self, visitor: gr.Request) -> Visit:
        """What goes on for that visitor, who may have come just now."""
        visit = self._visits.setdefault(visitor.session_hash, Visit())
        if len(self._visits) > MOST_VISITS:
            self._visits.pop(next(iter(self._visits)), None)
        return visit

    def _without_sound(self, result: Result, error: MtinstError) -> Updates:
        """The notes of a result whose parts cannot be played; the song itself can be heard."""
        sentence = f"{_sentence(error)} {texts.NO_SOUND_KEEPS}"
        player = render.player_value(result, has_sound=False)
        return {self.page.player: player, self.page.status: self._say("error", sentence)}

    def _nothing(self) -> Updates:
        """No change: for generators that end early.

        Gradio says once more at the end what a generator yielded last, maybe after newer work has said its own, and
        empties all outputs where it yielded nothing.
        """
        return {self.page.status: gr.skip()}

    def _is_latest(self, visit: Visit, click: float, visitor: gr.Request) -> bool:
        return visit.click == click and self._visits.get(visitor.session_hash) is visit

    def _compared(self, result: Result, visit: Visit) -> Result:
        """The same beside right notes that were brought while the song was listened to."""
        if visit.right is None or visit.right[0] != result.source_key:
            return result
        return self.studio.view(result.source_key, result.title, result.adjustment, visit.right[1])

    def _progress(self, step: Working, clock: "_Clock", *, is_heard: bool = True) -> Updates:
        left = clock.seconds_left(step.fraction)
        line = render.working(step.message, step.fraction, step.heard, step.share_heard, left, is_heard=is_heard)
        return {self.page.status: line} | ({} if step.preview is None else self._show_preview(step.preview))

    def _show_preview(self, preview: Preview) -> Updates:
        return {
            self.page.summary: render.preview_summary(preview),
            self.page.player: render.preview_value(preview),
            self.page.downloads: "",
        }

    def _show(self, result: Result, visitor: gr.Request) -> Updates:
        page = self.page
        self._visit(visitor).shown = result
        return {
            page.shown: result,
            page.summary: render.summary(result),
            page.player: render.player_value(result),
            page.downloads: render.downloads(result),
        }

    def _standing(self, shown: Result | None, visitor: gr.Request) -> Result | None:
        """The result on the page by now; `shown` was there at the click, and may have got its parts since."""
        stands = self._visit(visitor).shown or shown
        return None if stands is None else self.studio.with_parts(stands)

    def _back(self, stands: Result | None, visitor: gr.Request) -> Updates:
        """That result, or none, in place of a preview of another song; the sliders too, which may have been moved."""
        page = self.page
        if stands is None:
            return {page.summary: "", page.player: None, page.downloads: ""}
        player = render.player_value(stands, has_sound=self._visit(visitor).has_sound(stands))
        return self._show(stands, visitor) | {page.player: player} | self._sliders(stands.adjustment)

    def _sliders(self, adjustment: Adjustment) -> Updates:
        page = self.page
        return {
            page.onset: adjustment.onset,
            page.frame: adjustment.frame,
            page.shortest: self._shortest_ms(adjustment.shortest_s),
            page.only: list(INSTRUMENT_NAMES if adjustment.instruments is None else adjustment.instruments),
            **dict(zip(page.sensitivity, adjustment.sensitivity, strict=True)),
        }

    def _shortest_ms(self, shortest_s: float | None) -> int:
        least, most = SHORTEST_MS
        return min(max(round(1000 * (self.studio.shortest_s if shortest_s is None else shortest_s)), least), most)

    def _say(self, kind: str, sentence: str) -> str:
        """One line about how things stand, new even when it says the same as before, so that it is read out again."""
        return render.status(kind, sentence, number=next(self._n_said))

    def _complain(self, sentence: str, visit: Visit) -> str:
        """What is wrong with something that was brought, said again when what goes on meanwhile is done."""
        if visit.at_work:
            visit.complaint = sentence
        return self._say("error", sentence)

    def _say_ready(self, visit: Visit) -> Updates:
        """That a song is where songs go, unless the line tells how far another one is."""
        return {self.page.status: gr.skip() if visit.at_work else self._say("info", texts.READY)}

    def _say_done(self, clock: "_Clock", visit: Visit) -> str:
        done = texts.done_in(clock.seconds)
        complaint, visit.complaint = visit.complaint, None
        return self._say("done", done) if complaint is None else self._say("error", f"{done} {complaint}")

    def _idle(self) -> Updates:
        """The buttons as they are while nothing goes on."""
        return {self.page.transcribe: gr.update(interactive=True), self.page.stop: gr.update(interactive=False)}

    def _title(self, path: Path, name: str) -> str:
        example = self._example_at(path)
        return Path(name).stem if example is None else example.title

    def _example_at(self, path: Path) -> Example | None:
        """The example that was picked before, and not a song of the same name."""
        example = self.examples.get(path.stem)
        is_it = example is not None and path.is_file() and filecmp.cmp(path, example.path, shallow=False)
        return example if is_it else None


class _Clock:
    """How long a piece of work takes, and what is left of it."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._began: tuple[float, float] | None = None  # when work really began, after any waiting, and how far it was

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self._started

    def seconds_left(self, fraction: float) -> float | None:
        """By the pace so far; None while that cannot be told."""
        if fraction <= 0:
            self._began = None
            return None
        if self._began is None:
            self._began = (self.seconds, fraction)
        began_s, began_fraction = self._began
        took_s, done = self.seconds - began_s, fraction - began_fraction
        return took_s * (1 - fraction) / done if took_s >= TELLING_S and done > 0 else None


def _who(visitor: gr.Request) -> str:
    """Tells apart those who take turns."""
    return "" if visitor.request is None else visitor_address(visitor.request)


def _hz(tuning: float | None) -> float | None:
    """A frequency as a browser sends it, as one key of the cache; what it cannot be is as if it were not there."""
    return float(tuning) if tuning and is_tuning(tuning) else None


def _is_midi(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"MThd"
    except OSError:
        return False


def _is_finite(value: object) -> bool:
    """Whether it is a number, which a browser sends always and a program not always."""
    return isinstance(value, int | float) and math.isfinite(value)


def _sentence(error: MtinstError) -> str:
    """The error's sentence with a full stop."""
    text = str(error)
    return text if text.endswith((".", "!", "?")) else f"{text}."
