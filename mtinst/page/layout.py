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
PAGE_SCRIPTS = tuple(map(Path(__file__).with_name, ("sending.js", "bringing.js")))
# How often Gradio looks for what was uploaded, and how old that may become; `uploads` sees to what it overlooks.
LOOK_EVERY_S, KEEP_S = 300, 3600
SENSITIVITY_RANGE = 3.0
SHORTEST_MS = (30, 500)

EXAMPLE_CLICKS = """
element.addEventListener('click', (event) => {
  const card = event.target.closest('.mt-example');
  if (card) trigger('click', {slug: card.dataset.slug});
});
"""


# The address of the page names the result on it, so that it can be kept, shared and loaded again.
SHOW_LINK = """
const follow = () => {
  const link = element.querySelector('[data-song]');
  if (!link) return;
  const address = new URL(location);
  address.searchParams.set('song', link.dataset.song);
  history.replaceState(history.state, '', address);
  link.href = address;
};
// Gradio changes what is there in place: where one summary has the shape of the one before, only attributes differ.
new MutationObserver(follow).observe(element, {childList: true, subtree: true, attributeFilter: ['data-song']});
element.addEventListener('click', async (event) => {
  const link = event.target.closest('[data-song]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  try {
    await navigator.clipboard.writeText(link.href);
    link.textContent = link.dataset.copied;
  } catch {  // no clipboard without https, nor in a frame that may not
    prompt(link.textContent, link.href);
  }
});
"""


# What a person has unfolded stays so when Gradio, changing what is there in place, takes the attribute away.
KEEP_OPEN = """
let isOpen = false;
element.addEventListener('click', (event) => {
  const details = event.target.closest('summary')?.parentElement;
  if (details) isOpen = !details.open;
});
new MutationObserver(() => {
  const details = element.querySelector('details');
  if (isOpen && details && !details.open) details.open = true;
}).observe(element, {childList: true, subtree: true, attributeFilter: ['open']});
"""


@dataclass(frozen=True, kw_only=True)
class Page:
    """The components that something happens to."""

    blocks: gr.Blocks
    examples: gr.HTML
    audio: gr.Audio
    reference: gr.File
    tuning: gr.Number
    other_file: gr.UploadButton
    aside: gr.Button
    transcribe: gr.Button
    stop: gr.Button
    status: gr.HTML
    summary: gr.HTML
    player: gr.HTML
    onset: gr.Slider
    frame: gr.Slider
    shortest: gr.Slider
    only: gr.CheckboxGroup
    sensitivity: tuple[gr.Slider, ...]
    reset: gr.Button
    downloads: gr.HTML
    shown: gr.State
    click: gr.Number
    is_unsent: gr.Checkbox
    song_name: gr.Textbox
    file_name: gr.Textbox
    link: gr.Textbox
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
                reference = gr.File(
                    file_types=[".mid", ".midi"],
                    type="filepath",
                    label=texts.REFERENCE_LABEL,
                    height=112,
                    buttons=[],
                    elem_id="mt-reference",
                )
                tuning = gr.Number(
                    None,
                    label=texts.TUNING_LABEL,
                    placeholder=texts.TUNING_PLACEHOLDER,
                    elem_id="mt-tuning",
                )
                other_file = gr.UploadButton(texts.AUDIO_LABEL, elem_id="mt-other-file")  # nobody sees it: bringing.js
                aside = gr.Button(visible=False, size="sm", elem_id="mt-aside")
                with gr.Row():
                    transcribe = gr.Button(texts.TRANSCRIBE, variant="primary", elem_id="mt-transcribe", min_width=120)
                    stop = gr.Button(texts.STOP, interactive=False, elem_id="mt-stop", min_width=80)
        status = _html("", elem_id="mt-status")
        _html(render.empty_state(), elem_id="mt-empty")
        with gr.Column(elem_id="mt-results"):  # style.css hides it until there is a summary
            summary = gr.HTML("", js_on_load=SHOW_LINK, elem_id="mt-summary", padding=False, apply_default_css=False)
            _html(render.how_to_read())
            with gr.Column(elem_classes="mt-card"):
                player = song_player("mt-player")
            with gr.Column(elem_classes="mt-card", elem_id="mt-adjust"):
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
                reset = gr.Button(texts.RESET, size="sm", scale=0, min_width=180, elem_id="mt-reset")
            with gr.Column(elem_classes="mt-card"):
                _html(render.heading(texts.DOWNLOADS_HEADING))
                downloads = _html("", elem_id="mt-downloads", script=KEEP_OPEN)
        _html(render.footer())
        shown = gr.State(None)
        click = gr.Number(0, visible=False)  # which click of the visitor's it is; the browser counts
        is_unsent = gr.Checkbox(False, visible=False)  # whether it is of a recording that the browser could not send
        song_name, file_name = gr.Textbox(visible=False), gr.Textbox(visible=False)  # as their owner calls them
        link = gr.Textbox(visible=False)  # the result that the page's address names
        # What programs use (see `app.connect`).
        program = gr.Button(visible=False)
        program_song = gr.File(label="song", type="filepath", visible=False)
        program_result = gr.JSON(label="result", visible=False)
    return Page(
        blocks=blocks,
        examples=example_cards,
        audio=audio,
        reference=reference,
        tuning=tuning,
        other_file=other_file,
        aside=aside,
        transcribe=transcribe,
        stop=stop,
        status=status,
        summary=summary,
        player=player,
        onset=onset,
        frame=frame,
        shortest=shortest,
        only=only,
        sensitivity=sensitivity,
        reset=reset,
        downloads=downloads,
        shown=shown,
        click=click,
        is_unsent=is_unsent,
        song_name=song_name,
        file_name=file_name,
        link=link,
        program=program,
        program_song=program_song,
        program_result=program_result,
    )


def _html(content: str, elem_id: str | None = None, script: str | None = None) -> gr.HTML:
    """HTML that only shows, so it tells the server nothing when it is clicked."""
    return gr.HTML(content, js_on_load=script, elem_id=elem_id, padding=False, apply_default_css=False)


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
