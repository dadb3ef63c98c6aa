"""The interactive player: the song's rolls and notes on canvases, its parts in a mixer, one playhead for all."""

from pathlib import Path

import gradio as gr

from mtinst.grid import INSTRUMENT_NAMES
from mtinst.page import texts
from mtinst.sound.synth import synthesiser_name

FOLDER = Path(__file__).parent
STYLE = FOLDER / "player.css"
# In this order: each file uses what the ones before it define. They run from the page's head, before any component.
SCRIPTS = tuple(
    FOLDER / f"{name}.js"
    for name in (
        *("stems", "output", "tracks", "mixer"),  # what is heard
        *("song", "axis", "paint", "keyboard", "roll", "lanes"),  # what is seen
        *("strips", "gestures", "keys", "player"),  # what is touched, and all of it together
    )
)

# What Gradio runs once the component's template is in the page.
ON_LOAD = """
const player = new window.mtinst.Player(element);
const show = () => player.show(props.value ? JSON.parse(props.value) : null);
watch('value', show);
show();
"""


def song_player(elem_id: str) -> gr.HTML:
    """The player as a component of the page.

    Its value is None or, as JSON, an object with the addresses of what it loads: ``song`` (see
    :func:`~mtinst.page.player.song.song_record`), ``files`` (``original`` and ``parts``, an object from an instrument's
    name to its audio; None while those are being made), ``source``, which stays the same as long as it is one song, and
    where there are any ``probabilities`` (see :func:`~mtinst.page.player.song.write_probabilities`). Its ``partial`` is
    true while the rest of the song is still being heard.

    It is not a subclass, because Gradio writes an interface file beside the source of every subclass it meets.
    """
    return gr.HTML(
        None, html_template=template(), js_on_load=ON_LOAD, apply_default_css=False, padding=False, elem_id=elem_id
    )


def template() -> str:
    """The player's HTML with the page's texts in it.

    It must not mention the component's value, or Gradio would draw it anew, canvases and all, at every change.
    """
    html = (FOLDER / "player.html").read_text("utf-8")
    for name, text in {
        "instruments": " ".join(INSTRUMENT_NAMES),
        "notes_heading": texts.NOTES_HEADING,
        "notes_help": texts.NOTES_HELP,
        "activity_heading": texts.ACTIVITY_HEADING,
        "activity_help": texts.ACTIVITY_HELP,
        "pitch_heading": texts.PITCH_HEADING,
        "pitch_help": texts.PITCH_HELP,
        "parts_help": texts.parts_help(synthesiser_name()),
    }.items():
        html = html.replace(f"@{name}", text)
    return html
