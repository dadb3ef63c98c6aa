"""The page: `python app.py` serves it on http://127.0.0.1:7860, or where HOST and PORT say."""

import logging
import sys
import threading
from typing import Any

import gradio as gr

from mtinst.errors import MtinstError
from mtinst.ui import player
from mtinst.ui.actions import Actions
from mtinst.ui.examples import find_examples
from mtinst.ui.layout import STYLE, Page, build_page
from mtinst.ui.settings import PageSettings, settings_from_environment
from mtinst.ui.studio import Studio
from mtinst.ui.theme import page_theme


def build(settings: PageSettings) -> tuple[Page, Studio]:
    """The page with everything connected, and the studio that works behind it."""
    examples = find_examples(settings.examples)
    studio = Studio(settings)
    page = build_page(settings, examples)
    with page.blocks:
        connect(page, Actions(page, studio, examples))
    return page, studio


def connect(page: Page, actions: Actions) -> None:
    """Say what happens on which click.

    Songs wait for each other, since each uses all the processor; adjusting does not wait for them.
    """
    result = [
        page.status,
        page.shown,
        page.empty,
        page.results,
        page.summary,
        page.player,
        page.downloads,
    ]
    sliders = [page.onset, page.frame, page.only]
    buttons = [page.transcribe, page.stop]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    work: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "work", **quiet}

    song = [page.audio, page.shown]

    picked = page.examples.click(actions.pick_example, None, [page.audio, page.status, *buttons], **quiet)
    from_example = picked.success(actions.transcribe, song, [*result, *sliders], **work)
    from_example.then(actions.idle, None, buttons, queue=False, **quiet)

    look: dict[str, Any] = {
        "js": "() => document.getElementById('mt-status').scrollIntoView({behavior: 'smooth', block: 'nearest'})"
    }
    picked.then(None, **look)

    pressed = page.transcribe.click(actions.begin, None, [page.status, *buttons], queue=False, **quiet)
    pressed.then(None, **look)
    from_button = pressed.success(actions.transcribe, song, [*result, *sliders], **work)
    from_button.then(actions.idle, None, buttons, queue=False, **quiet)

    running = [from_example, from_button]
    page.stop.click(actions.stopped, page.shown, [page.status, *buttons], cancels=running, queue=False, **quiet)
    page.examples.click(None, cancels=running)  # another choice stops the one before

    page.other_file.upload(actions.open_other_file, page.other_file, [page.audio, page.status], **quiet)

    moved = gr.on(
        [page.onset.input, page.frame.input, page.only.input],
        actions.adjust,
        [page.shown, *sliders],
        result,
        trigger_mode="always_last",
        **quiet,
    )
    moved.then(actions.finish, page.shown, result, trigger_mode="always_last", **work)
    back = page.reset.click(actions.reset_adjustment, None, sliders, queue=False, **quiet)
    back.then(actions.adjust, [page.shown, *sliders], result, **quiet).then(actions.finish, page.shown, result, **work)


def main() -> int:
    """Serve the page until it is interrupted; 2 when the settings are wrong."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("mtinst").setLevel(logging.INFO)
    try:
        settings = settings_from_environment()
    except MtinstError as error:
        print(error, file=sys.stderr)
        return 2
    page, studio = build(settings)
    threading.Thread(target=studio.warm_up, name="warm-up", daemon=True).start()
    settings.cache.mkdir(parents=True, exist_ok=True)
    page.blocks.queue(max_size=20).launch(
        server_name=settings.host,
        server_port=settings.port,
        theme=page_theme(),
        css_paths=[STYLE, player.STYLE],
        head="".join(f"<script>{script.read_text('utf-8')}</script>" for script in player.SCRIPTS),
        allowed_paths=[str(settings.cache)],
        max_file_size=int(settings.max_mb * 1e6),
        footer_links=["settings"],
        show_error=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
