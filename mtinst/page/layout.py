"""Where everything on the page is. Nothing happens here; `app.py` connects these components to `actions`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.components import Component

from mtinst.grid import INSTRUMENTS
from mtinst.page import render, texts
from mtinst.page.examples import Example
from mtinst.page.player import song_player
from mtinst.page.settings import PageSettings

STYLE = Path(__file__).with_name("style.css")
PAGE_SCRIPT = Path(__file__).parent / "browser" / "page.js"
# How often Gradio looks for what was uploaded, and how old that may become; `uploads` sees to what it overlooks.
LOOK_EVERY_S, KEEP_S = 300, 3600
SENSITIVITY_RANGE = 3.0
SHORTEST_MS = (30, 500)

# What Gradio runs once the component is in the page: browser/page.js takes over from there.
CONNECT = "window.mtinst.page.connect(trigger)"


@dataclass(frozen=True, kw_only=True)
class Page:
    """The components that something happens to."""

    blocks: gr.Blocks
    visit: gr.HTML
    audio: gr.Audio
    reference: gr.File
    tuning: gr.Textbox
    aside: gr.Button
    transcribe: gr.Button
    stop: gr.Button
    player: gr.HTML
    onset: gr.Slider
    frame: gr.Slider
    shortest: gr.Slider
    only: gr.CheckboxGroup
    sensitivity: tuple[gr.Slider, ...]
    program: gr.Button
    program_song: gr.File
    program_result: gr.JSON

    @property
    def sliders(self) -> list[Component]:
        """Everything that an adjustment is read from, in the order that the actions take it."""
        return [self.onset, self.frame, self.shortest, self.only, *self.sensitivity]


def build_page(settings: PageSettings, examples: Sequence[Example], shortest_s: float) -> Page:
    """Lay the page out.

    Parameters
    ----------
    settings : PageSettings
        The limits are said on the page.
    examples : sequence of Example
        Offered on one click each.
    shortest_s : float
        The shortest note by default, in seconds.

    Returns
    -------
    Page
    """
    with gr.Blocks(
        title=f"{texts.TITLE} – {texts.HEADLINE}", analytics_enabled=False, delete_cache=(LOOK_EVERY_S, KEEP_S)
    ) as blocks:
        _html(render.header())
        with gr.Row(equal_height=True):
            with gr.Column(scale=3, min_width=300, elem_classes="mt-card"):
                _html(
                    render.heading(texts.EXAMPLES_HEADING, texts.EXAMPLES_HELP) + render.example_cards(examples),
                    elem_id="mt-examples",
                )
            with gr.Column(scale=2, min_width=300, elem_classes="mt-card"):
                _html(render.heading(texts.OWN_HEADING, texts.limits_of_size(settings.max_minutes, settings.max_mb)))
                audio = gr.Audio(
                    sources=["upload", "microphone"],
                    type="filepath",
                    format=None,
                    label=texts.AUDIO_LABEL,
                    buttons=[],
                    elem_id="mt-audio",
                )
                reference = gr.File(
                    file_types=[".mid", ".midi"],
                    type="filepath",
                    label=texts.REFERENCE_LABEL,
                    height=112,
                    buttons=[],
                    elem_id="mt-reference",
                )
                tuning = gr.Textbox(  # a number's field shows nothing as 0
                    label=texts.TUNING_LABEL,
                    placeholder=texts.TUNING_PLACEHOLDER,
                    max_lines=1,
                    elem_id="mt-tuning",
                )
                aside = gr.Button(visible=False, size="sm", elem_id="mt-aside")
                with gr.Row():
                    transcribe = gr.Button(texts.TRANSCRIBE, variant="primary", elem_id="mt-transcribe", min_width=120)
                    stop = gr.Button(texts.STOP, interactive=False, elem_id="mt-stop", min_width=80)
        visit = gr.HTML(None, html_template="", js_on_load=CONNECT, elem_id="mt-visit")  # nobody sees it
        _html('<div id="mt-status"></div>')
        _html(render.empty_state(), elem_id="mt-empty")
        with gr.Column(elem_id="mt-results"):  # style.css hides it until there is a summary
            _html('<div id="mt-summary"></div>')
            desk = gr.Row(elem_id="mt-desk")
            with desk, gr.Column(elem_classes="mt-card"):
                player = song_player("mt-player")
            with desk, gr.Column(elem_classes="mt-card", elem_id="mt-adjust"):
                _html(render.heading(texts.ADJUST_HEADING, texts.ADJUST_HELP))
                with gr.Row():
                    onset = _sensitivity(texts.ONSET_LABEL, texts.ONSET_INFO, "mt-onset")
                    frame = _sensitivity(texts.FRAME_LABEL, texts.FRAME_INFO, "mt-frame")
                    shortest = gr.Slider(
                        *SHORTEST_MS,
                        value=round(1000 * shortest_s),
                        step=10,
                        label=texts.SHORTEST_LABEL,
                        info=texts.SHORTEST_INFO,
                        elem_id="mt-shortest",
                    )
                choices = [(row.label, row.name) for row in INSTRUMENTS]
                only = gr.CheckboxGroup(
                    choices,
                    value=[name for _, name in choices],
                    label=texts.ONLY_LABEL,
                    info=texts.ONLY_INFO,
                    elem_id="mt-only",
                )
                with gr.Accordion(texts.MORE_LABEL, open=False, elem_id="mt-each"):
                    _html(f'<p class="mt-quiet">{texts.MORE_HELP}</p>')
                    with gr.Row():
                        sensitivity = tuple(_sensitivity(row.label, None, f"mt-each-{row.name}") for row in INSTRUMENTS)
                gr.Button(texts.RESET, size="sm", scale=0, min_width=180, elem_id="mt-reset")
            _html(render.how_to_read())
            with gr.Column(elem_classes="mt-card"):
                _html(render.heading(texts.DOWNLOADS_HEADING))
                _html('<div id="mt-downloads"></div>')
        _html(render.footer())
        # What programs use (see `app.connect`).
        program = gr.Button(visible=False)
        program_song = gr.File(label="song", type="filepath", visible=False)
        program_result = gr.JSON(label="result", visible=False)
    return Page(
        blocks=blocks,
        visit=visit,
        audio=audio,
        reference=reference,
        tuning=tuning,
        aside=aside,
        transcribe=transcribe,
        stop=stop,
        player=player,
        onset=onset,
        frame=frame,
        shortest=shortest,
        only=only,
        sensitivity=sensitivity,
        program=program,
        program_song=program_song,
        program_result=program_result,
    )


def _html(content: str, elem_id: str | None = None) -> gr.HTML:
    """HTML that only shows, so it tells the server nothing when it is clicked."""
    return gr.HTML(content, js_on_load=None, elem_id=elem_id, padding=False, apply_default_css=False)


def _sensitivity(label: str, info: str | None, elem_id: str) -> gr.Slider:
    return gr.Slider(
        -SENSITIVITY_RANGE,
        SENSITIVITY_RANGE,
        value=0.0,
        step=0.25,
        label=label,
        info=info,
        elem_id=elem_id,
        min_width=220,
    )
