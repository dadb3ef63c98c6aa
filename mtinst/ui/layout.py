"""Where everything on the page is. Nothing happens here; `app.py` connects these components to `actions`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from mtinst.spec import INSTRUMENTS
from mtinst.ui import render, texts
from mtinst.ui.examples import Example
from mtinst.ui.player import song_player
from mtinst.ui.settings import PageSettings

STYLE = Path(__file__).with_name("style.css")
SENSITIVITY_RANGE = 3.0

EXAMPLE_CLICKS = """
element.addEventListener('click', (event) => {
  const card = event.target.closest('.mt-example');
  if (card) trigger('click', {slug: card.dataset.slug});
});
"""


@dataclass(frozen=True, kw_only=True)
class Page:
    """The components that something happens to."""

    blocks: gr.Blocks
    examples: gr.HTML
    audio: gr.Audio
    other_file: gr.UploadButton
    transcribe: gr.Button
    stop: gr.Button
    status: gr.HTML
    summary: gr.HTML
    player: gr.HTML
    onset: gr.Slider
    frame: gr.Slider
    only: gr.CheckboxGroup
    reset: gr.Button
    downloads: gr.HTML
    shown: gr.State


def build_page(settings: PageSettings, examples: Sequence[Example]) -> Page:
    """Lay the page out.

    Parameters
    ----------
    settings : PageSettings
        The limits are said on the page.
    examples : sequence of Example
        Offered on one click each.

    Returns
    -------
    Page
    """
    with gr.Blocks(
        title=f"{texts.TITLE} – {texts.HEADLINE}", analytics_enabled=False, delete_cache=(3600, 86400)
    ) as blocks:
        _html(render.header())
        with gr.Row(equal_height=True):
            with gr.Column(scale=3, min_width=300, elem_classes="mt-card"):
                example_cards = gr.HTML(
                    render.heading(texts.EXAMPLES_HEADING, texts.EXAMPLES_HELP) + render.example_cards(examples),
                    js_on_load=EXAMPLE_CLICKS,
                    elem_id="mt-examples",
                    padding=False,
                    apply_default_css=False,
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
                other_file = gr.UploadButton(
                    texts.OTHER_FILE_LABEL, size="sm", variant="secondary", elem_id="mt-other-file"
                )
                with gr.Row():
                    transcribe = gr.Button(texts.TRANSCRIBE, variant="primary", elem_id="mt-transcribe", min_width=120)
                    stop = gr.Button(texts.STOP, interactive=False, elem_id="mt-stop", min_width=80)
        status = _html("", elem_id="mt-status")
        _html(render.empty_state(), elem_id="mt-empty")
        with gr.Column(elem_id="mt-results"):  # style.css hides it until there is a summary
            summary = _html("", elem_id="mt-summary")
            with gr.Column(elem_classes="mt-card"):
                player = song_player("mt-player")
            with gr.Column(elem_classes="mt-card"):
                _html(render.heading(texts.ADJUST_HEADING, texts.ADJUST_HELP))
                with gr.Row():
                    onset = _sensitivity(texts.ONSET_LABEL, texts.ONSET_INFO, "mt-onset")
                    frame = _sensitivity(texts.FRAME_LABEL, texts.FRAME_INFO, "mt-frame")
                choices = [(row.label, row.name) for row in INSTRUMENTS]
                only = gr.CheckboxGroup(
                    choices, value=[name for _, name in choices], label=texts.ONLY_LABEL, elem_id="mt-only"
                )
                reset = gr.Button(texts.RESET, size="sm", scale=0, min_width=180, elem_id="mt-reset")
            with gr.Column(elem_classes="mt-card"):
                _html(render.heading(texts.DOWNLOADS_HEADING))
                downloads = _html("", elem_id="mt-downloads")
        _html(render.footer())
        shown = gr.State(None)
    return Page(
        blocks=blocks,
        examples=example_cards,
        audio=audio,
        other_file=other_file,
        transcribe=transcribe,
        stop=stop,
        status=status,
        summary=summary,
        player=player,
        onset=onset,
        frame=frame,
        only=only,
        reset=reset,
        downloads=downloads,
        shown=shown,
    )


def _html(content: str, elem_id: str | None = None) -> gr.HTML:
    """HTML that only shows, so it tells the server nothing when it is clicked."""
    return gr.HTML(content, js_on_load=None, elem_id=elem_id, padding=False, apply_default_css=False)


def _sensitivity(label: str, info: str, elem_id: str) -> gr.Slider:
    return gr.Slider(
        -SENSITIVITY_RANGE, SENSITIVITY_RANGE, value=0.0, step=0.25, label=label, info=info, elem_id=elem_id
    )
