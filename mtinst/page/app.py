"""The page as a program: what happens on which click, and serving it until it is interrupted."""

import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from mtinst.errors import MtinstError
from mtinst.page import player
from mtinst.page.actions import Actions
from mtinst.page.cache import usable_folder
from mtinst.page.examples import Example, find_examples
from mtinst.page.guard import Guard
from mtinst.page.layout import PAGE_SCRIPT, STYLE, Page, build_page
from mtinst.page.routes import kept_route, module_url, modules_route, take_route
from mtinst.page.settings import PageSettings, settings_from_environment
from mtinst.page.studio import Studio
from mtinst.page.theme import page_theme
from mtinst.page.uploads import keep_tidy

API_DESCRIPTION = (
    "Transcribe a song: progress, again and again, then its notes and the addresses of its files, which are made when "
    "they are asked for. The limits are those of the page."
)
SESSIONS = 1000  # kept for those who come back
OTHER_THREADS = 20  # for what is not a song: sliders, links, files
# The functions of browser/page.js that Gradio calls.
SHOW, SONG_CHANGED, OPENED = (
    f"(value) => window.mtinst.page.{name}(value)" for name in ("show", "songChanged", "opened")
)


def build(settings: PageSettings, studio: Studio, examples: list[Example]) -> Page:
    """The page with everything connected."""
    page = build_page(settings, examples, studio.shortest_s)
    with page.blocks:
        connect(page, Actions(studio, examples))
    return page


def connect(page: Page, actions: Actions) -> None:
    """Say what happens on what: all that a visit shows is one value, which browser/page.js puts in its places."""
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    # In one queue, so that they are answered in order; it has no limit.
    told: dict[str, Any] = {"outputs": page.visit, "concurrency_limit": None, "concurrency_id": "visit", **quiet}

    # First, since the name may be given once: Gradio calls the others after their functions.
    page.program.click(
        actions.transcribe_for_program,
        page.program_song,
        page.program_result,
        api_name="transcribe",
        api_description=API_DESCRIPTION,
        concurrency_limit=None,
        show_progress="hidden",
    )

    events = [
        page.visit.submit(actions.receive, None, trigger_mode="multiple", **told),
        # "Always last", or what comes while the one before is being answered would be passed over.
        gr.on(
            [page.reference.upload, page.reference.clear],
            actions.bring_notes,
            [page.reference, page.tuning],
            trigger_mode="always_last",
            **told,
        ),
        gr.on(
            [slider.input for slider in (page.onset, page.frame, page.shortest, *page.sensitivity)] + [page.only.input],
            actions.move,
            page.sliders,
            trigger_mode="always_last",
            **told,
        ),
    ]
    for event in events:
        # No limit here: the studio itself works on one song at a time and tells the others that they wait.
        event.then(actions.work, None, page.visit, concurrency_limit=None, trigger_mode="multiple", **quiet)
    page.blocks.unload(actions.leave)

    places = [page.player, page.audio, page.reference, page.aside, page.transcribe, page.stop, *page.sliders]
    page.visit.change(None, page.visit, places, js=SHOW, **quiet)
    page.audio.change(None, page.audio, None, js=SONG_CHANGED, **quiet)
    page.blocks.load(None, None, None, js=OPENED, **quiet)


def files_of(examples: list[Example]) -> Iterator[Path]:
    """What the page hands out of the examples' folder."""
    for example in examples:
        yield example.path
        if example.reference is not None:
            yield example.reference


def get_ready(settings: PageSettings, studio: Studio, examples: list[Example]) -> None:
    """Do what need not wait for the first visitor."""
    studio.warm_up()
    if settings.prepare:
        studio.prepare(examples)


def main() -> int:
    """Serve the page until it is interrupted; 2 when it cannot be."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("mtinst").setLevel(logging.INFO)
    try:
        settings = settings_from_environment()
    except MtinstError as error:
        print(error, file=sys.stderr)
        return 2
    uploads = usable_folder(settings.uploads)
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    keep_tidy(uploads, limit_bytes=settings.cache_mb * 1e6)
    studio = Studio(settings)
    examples = find_examples(settings.examples)
    page = build(settings, studio, examples)
    try:
        page.blocks.queue(max_size=100, default_concurrency_limit=2).launch(
            server_name=settings.host,
            server_port=settings.port,
            theme=page_theme(),
            css_paths=[STYLE, player.STYLE],
            head=f'<script type="module">{PAGE_SCRIPT.read_text("utf-8")}</script>'
            f'<script type="module" src="{module_url(player.MODULE)}"></script>',
            allowed_paths=[*map(str, files_of(examples))],
            max_file_size=int(settings.max_mb * 1e6),
            max_threads=settings.max_waiting + OTHER_THREADS,
            state_session_capacity=SESSIONS,
            footer_links=["api", "settings"],
            show_error=True,
            run_history=False,
            enable_monitoring=False,
            prevent_thread_lock=True,
            app_kwargs={
                "routes": [modules_route(), kept_route(studio), take_route(studio)],
                "middleware": [Middleware(Guard, max_file_bytes=settings.max_mb * 1e6)],
            },
        )
    except OSError as error:  # Gradio's, when the port is taken or may not be used
        print(f"The page cannot be served on port {settings.port} of {settings.host}: {error}", file=sys.stderr)
        return 2
    # Not before: a program that ends at once must not leave a thread at work.
    threading.Thread(target=get_ready, args=(settings, studio, examples), name="get-ready", daemon=True).start()
    page.blocks.block_thread()
    return 0
