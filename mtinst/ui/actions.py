"""What each click does, as updates of the page's components. A failure changes the status line and nothing else."""

import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import gradio as gr

from mtinst.audio import load_audio
from mtinst.errors import MtinstError
from mtinst.spec import INSTRUMENT_NAMES
from mtinst.synth import PLAYBACK_RATE, write_audio
from mtinst.ui import render, texts
from mtinst.ui.examples import Example
from mtinst.ui.layout import Page
from mtinst.ui.studio import Adjustment, Result, Studio, Working

RECORDED_STEM = "audio"  # what Gradio calls a recording from the microphone
Updates = dict[Any, Any]  # component -> its new value, or a change of its looks


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
        self._latest_run: dict[str | None, object] = {}  # by visitor
        self._latest_view: dict[str | None, Path] = {}  # by visitor: the view on the page

    def transcribe_example(self, event: gr.EventData, shown: Result | None, visitor: gr.Request) -> Iterator[Updates]:
        """Put the example that was clicked where a song of one's own would be, and transcribe it."""
        example = self.examples[event.slug]
        yield {self.page.audio: str(example.path)}
        yield from self._run(example.path, example.title, shown, visitor)

    def transcribe(self, path: str | None, shown: Result | None, visitor: gr.Request) -> Iterator[Updates]:
        """Transcribe the song that was brought."""
        if path is None:
            yield {self.page.status: self._say("error", texts.NO_SONG)}
        else:
            yield from self._run(Path(path), self._title(Path(path)), shown, visitor)

    def _run(self, path: Path, title: str, shown: Result | None, visitor: gr.Request) -> Iterator[Updates]:
        """Everything from a song to its downloads, step by step."""
        run = self._latest_run[visitor.session_hash] = object()
        started = time.perf_counter()
        is_first = True  # of two results, without and with its files; in between, a person may adjust the first
        yield {
            self.page.status: render.working(texts.READING, 0.0),
            self.page.transcribe: gr.update(interactive=False),
            self.page.stop: gr.update(interactive=True),
        }
        try:
            with closing(self.studio.transcribe(path, title)) as steps:
                for step in steps:
                    if self._latest_run.get(visitor.session_hash) is not run:
                        return
                    yield self._show(step, visitor, reset=is_first)
                    is_first = is_first and not isinstance(step, Result)
            yield {self.page.status: self._say("done", texts.done_in(time.perf_counter() - started))}
        except MtinstError as error:
            keeps = f" {texts.FAILED_KEEPS}" if shown is not None else ""
            yield {self.page.status: self._say("error", _sentence(error) + keeps)}
        except Exception:
            yield {self.page.status: self._say("error", texts.BROKEN)} | self._idle()
            raise
        yield self._idle()

    def stopped(self, shown: Result | None) -> Updates:
        """What a person sees after pressing Stop."""
        sentence = texts.STOPPED if shown is None else texts.STOPPED_KEEPS
        return {self.page.status: self._say("info", sentence), **self._idle()}

    def leave(self, visitor: gr.Request) -> None:
        """Nobody waits for that visitor's song any more."""
        self._latest_run.pop(visitor.session_hash, None)
        self._latest_view.pop(visitor.session_hash, None)

    def open_other_file(self, path: str | None) -> Updates:
        """Decode a file that browsers or Gradio would not take, and put it where songs go."""
        if path is None:
            return {self.page.status: gr.skip()}
        source = Path(path)
        converted = source.with_name(f"{source.stem}.flac")  # beside the upload, so that it goes when that goes
        try:
            self.studio.check_limits(source)
            samples = load_audio(source, PLAYBACK_RATE)
            write_audio(converted, samples, PLAYBACK_RATE)
        except MtinstError as error:
            return {self.page.status: self._say("error", _sentence(error))}
        return {self.page.audio: str(converted), self.page.status: self._say("info", texts.READY)}

    def adjust(self, shown: Result | None, onset: float, frame: float, only: list[str], visitor: gr.Request) -> Updates:
        """Read the notes off again by other thresholds, without the network; the parts follow in :meth:`finish`."""
        if shown is None:
            return {self.page.status: gr.skip()}
        instruments = tuple(name for name in INSTRUMENT_NAMES if name in only)
        adjustment = Adjustment(
            onset=onset, frame=frame, instruments=None if len(instruments) == len(INSTRUMENT_NAMES) else instruments
        )
        try:
            return self._show(self.studio.view(shown.source_key, shown.title, adjustment), visitor)
        except MtinstError as error:
            return {self.page.status: self._say("error", _sentence(error))}

    def finish(self, shown: Result | None, visitor: gr.Request) -> Iterator[Updates]:
        """Play the parts of an adjusted result and write its downloads, unless it was adjusted again by then."""
        if shown is None or shown.files_folder is not None:
            return
        started = time.perf_counter()
        try:
            with closing(self.studio.make_files(shown)) as steps:
                for step in steps:
                    if self._latest_view.get(visitor.session_hash) != shown.view_folder:
                        return
                    yield self._show(step, visitor)
            yield {self.page.status: self._say("done", texts.done_in(time.perf_counter() - started))}
        except MtinstError as error:
            yield {self.page.status: self._say("error", _sentence(error))}

    def reset_adjustment(self) -> Updates:
        """The sliders and boxes as the checkpoint has it."""
        return {self.page.onset: 0.0, self.page.frame: 0.0, self.page.only: list(INSTRUMENT_NAMES)}

    def _show(self, step: Working | Result, visitor: gr.Request, *, reset: bool = False) -> Updates:
        page = self.page
        if isinstance(step, Working):
            return {page.status: render.working(step.message, step.fraction, step.heard, step.share_heard)}
        self._latest_view[visitor.session_hash] = step.view_folder
        updates: Updates = {
            page.shown: step,
            page.summary: render.summary(step),
            page.player: render.player_value(step),
            page.downloads: render.downloads(step),
        }
        return updates | (self.reset_adjustment() if reset else {})

    def _say(self, kind: str, sentence: str) -> str:
        """One line about how things stand, new even when it says the same as before, so that it is read out again."""
        return render.status(kind, sentence, number=next(self._n_said))

    def _idle(self) -> Updates:
        """The buttons as they are while nothing goes on."""
        return {self.page.transcribe: gr.update(interactive=True), self.page.stop: gr.update(interactive=False)}

    def _title(self, path: Path) -> str:
        if path.stem in self.examples:  # one that was picked before
            return self.examples[path.stem].title
        return texts.RECORDING if path.stem == RECORDED_STEM else path.stem


def _sentence(error: MtinstError) -> str:
    """The error's sentence with a full stop."""
    text = str(error)
    return text if text.endswith((".", "!", "?")) else f"{text}."
