"""What each click does, as updates of the page's components. A failure changes the status line and nothing else."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
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

    Parameters
    ----------
    page : Page
    studio : Studio
    examples : sequence of Example
    """

    def __init__(self, page: Page, studio: Studio, examples: list[Example]) -> None:
        self.page = page
        self.studio = studio
        self.examples = {example.slug: example for example in examples}

    def pick_example(self, event: gr.EventData) -> Updates:
        """Put the example that was clicked where a song of one's own would be."""
        example = self.examples[event.slug]
        return {self.page.audio: str(example.path), **self._busy(f"Opening {example.title}")}

    def open_other_file(self, path: str | None) -> Updates:
        """Decode a file that browsers or Gradio would not take, and put it where songs go."""
        if path is None:
            return {self.page.status: gr.skip()}
        try:
            samples = load_audio(path, PLAYBACK_RATE)
        except MtinstError as error:
            return {self.page.status: render.status("error", _sentence(error))}
        converted = Path(mkdtemp(prefix="mtinst-")) / f"{Path(path).stem}.flac"
        write_audio(converted, samples, PLAYBACK_RATE)
        return {self.page.audio: str(converted), self.page.status: render.status("info", texts.READY)}

    def begin(self) -> Updates:
        """Show at once that something goes on, even when other songs come first."""
        return self._busy(texts.WAITING)

    def transcribe(self, path: str | None, shown: Result | None) -> Iterator[Updates]:
        """Everything from a song to its downloads, step by step."""
        if path is None:
            yield {self.page.status: render.status("error", texts.NO_SONG)}
            return
        try:
            started = time.perf_counter()
            is_first = True  # of two results, without and with its files; in between, a person may adjust the first
            for step in self.studio.transcribe(Path(path), self._title(Path(path))):
                yield self._show(step, reset=is_first)
                is_first = is_first and not isinstance(step, Result)
            yield {self.page.status: render.status("done", texts.done_in(time.perf_counter() - started))}
        except MtinstError as error:
            keeps = f" {texts.FAILED_KEEPS}" if shown is not None else ""
            yield {self.page.status: render.status("error", _sentence(error) + keeps)}

    def idle(self) -> Updates:
        """The buttons as they are while nothing goes on."""
        return {
            self.page.transcribe: gr.update(interactive=True),
            self.page.stop: gr.update(interactive=False),
        }

    def stopped(self, shown: Result | None) -> Updates:
        """What a person sees after pressing Stop."""
        sentence = texts.STOPPED if shown is None else texts.STOPPED_KEEPS
        return {self.page.status: render.status("info", sentence), **self.idle()}

    def adjust(self, shown: Result | None, onset: float, frame: float, only: list[str]) -> Updates:
        """Read the notes off again by other thresholds, without the network; the parts follow in :meth:`finish`."""
        if shown is None:
            return {self.page.status: gr.skip()}
        instruments = tuple(name for name in INSTRUMENT_NAMES if name in only)
        adjustment = Adjustment(
            onset=onset, frame=frame, instruments=None if len(instruments) == len(INSTRUMENT_NAMES) else instruments
        )
        try:
            return self._show(self.studio.view(shown.source_key, shown.title, adjustment))
        except MtinstError as error:
            return {self.page.status: render.status("error", _sentence(error))}

    def finish(self, shown: Result | None) -> Iterator[Updates]:
        """Play the parts of an adjusted result and write its downloads."""
        if shown is None or shown.files_folder is not None:
            return
        try:
            started = time.perf_counter()
            for step in self.studio.make_files(shown):
                yield self._show(step)
            yield {self.page.status: render.status("done", texts.done_in(time.perf_counter() - started))}
        except MtinstError as error:
            yield {self.page.status: render.status("error", _sentence(error))}

    def reset_adjustment(self) -> Updates:
        """The sliders and boxes as the checkpoint has it."""
        return {self.page.onset: 0.0, self.page.frame: 0.0, self.page.only: list(INSTRUMENT_NAMES)}

    def _show(self, step: Working | Result, *, reset: bool = False) -> Updates:
        page = self.page
        if isinstance(step, Working):
            return {page.status: render.working(step.message, step.fraction, step.heard, step.share_heard)}
        updates: Updates = {
            page.shown: step,
            page.empty: gr.update(visible=False),
            page.results: gr.update(visible=True),
            page.summary: render.summary(step),
            page.player: render.player_value(step),
            page.downloads: render.downloads(step),
        }
        return updates | (self.reset_adjustment() if reset else {})

    def _busy(self, message: str) -> Updates:
        return {
            self.page.status: render.working(message, 0.0),
            self.page.transcribe: gr.update(interactive=False),
            self.page.stop: gr.update(interactive=True),
        }

    def _title(self, path: Path) -> str:
        if path.stem in self.examples:
            return self.examples[path.stem].title
        return texts.RECORDING if path.stem == RECORDED_STEM else path.stem


def _sentence(error: MtinstError) -> str:
    """The error's sentence with a full stop."""
    text = str(error)
    return text if text.endswith((".", "!", "?")) else f"{text}."
