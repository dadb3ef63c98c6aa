"""The interactive player: the song's rolls and notes on canvases, its parts in a mixer, one playhead for all.

It is an element of its own, ``<mtinst-player>`` of ``mtinst-player.js``, which works on any page: ``python -m
http.server -d mtinst/page/player`` shows one at http://localhost:8000/example/.
"""

from html import escape
from pathlib import Path

import gradio as gr

from mtinst.page import texts
from mtinst.sound.synth import synthesiser_name

FOLDER = Path(__file__).parent
STYLE = FOLDER / "player.css"
MODULE = FOLDER / "mtinst-player.js"


def song_player(elem_id: str) -> gr.HTML:
    """The player as a component of the page.

    Its value is None or, as JSON, an object with the addresses of what it loads: ``song`` (see
    :func:`~mtinst.page.player.song.song_record`), ``files`` (``original`` and ``parts``, an object from an instrument's
    name to its audio; None while those are being made), ``source``, which stays the same as long as it is one song, and
    where there are any ``probabilities`` (see :func:`~mtinst.page.player.song.write_probabilities`) and ``ghosts`` (see
    :func:`~mtinst.page.player.ghosts.ghost_records`), which it fetches when they are wanted. Its ``partial`` is true
    while the rest of the song is still being heard. A value with a lower ``version`` than one before is not shown.

    It is not a subclass, because Gradio writes an interface file beside the source of every subclass it meets. Its
    template does not mention the value, or Gradio would draw it anew, canvases and all, at every change.
    """
    return gr.HTML(
        None,
        html_template=f'<mtinst-player note="{escape(texts.parts_help(synthesiser_name()))}"></mtinst-player>',
        js_on_load=(FOLDER / "gradio.js").read_text("utf-8"),
        apply_default_css=False,
        padding=False,
        elem_id=elem_id,
    )
