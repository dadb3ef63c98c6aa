"""The page as a program: what happens on which click, and serving it until it is interrupted."""

import json
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
from mtinst.page import player, render, texts
from mtinst.page.actions import Actions
from mtinst.page.cache import usable_folder
from mtinst.page.examples import Example, find_examples
from mtinst.page.guard import Guard
from mtinst.page.layout import PAGE_SCRIPTS, STYLE, Page, build_page
from mtinst.page.routes import kept_route, module_url, modules_route, take_route
from mtinst.page.settings import PageSettings, settings_from_environment
from mtinst.page.studio import Studio
from mtinst.page.theme import page_theme
from mtinst.page.uploads import keep_tidy

NO_CHANGE = "{__type__: 'update'}"  # Gradio's sign
# Clicks are counted in the browser: two in quick succession may reach the server's threads the other way round.
COUNT = "window.mtinstClicks = (window.mtinstClicks ?? 0) + 1"
NAME = "audio?.orig_name ?? ''"  # as it was on the visitor's disk; paths lack what the server's must not hold
RUN_INPUTS = f"(audio, reference, shown, click, name) => [audio, reference, shown, {COUNT}, {NAME}]"
# What is not here yet is waited for: a recording as long as it takes, anything else until no file has been on its way
# for some seconds, or for a minute where the server has it and is reading it. The click counts from when it was made.
AWAITED = json.dumps({what: render.working(said, 0.0, is_heard=False) for what, said in texts.AWAITED.items()})
# Without the song as an input, for which Gradio would wait in silence.
SAY_AWAITED = f"() => ({AWAITED})[window.mtinstAwaited(window.mtinstSong)] ?? {NO_CHANGE}"
OWN_SONG_INPUTS = f"""async (audio, reference, shown, click, name, isUnsent, tuning) => {{
    const [, , , number] = ({RUN_INPUTS})(audio);
    let latest = Date.now(), awaited;
    while ((awaited = window.mtinstAwaited(audio))) {{
        if (window.mtinstSending || awaited === 'recording') latest = Date.now();
        if (Date.now() - latest > (window.mtinstOpening ? 60_000 : 5_000)) break;
        await new Promise((goOn) => setTimeout(goOn, 50));
        audio = window.mtinstSong;
    }}
    window.mtinstOpening = 0;
    return [audio, reference, shown, number, {NAME}, awaited === 'recorded', tuning];
}}"""
# With the file's name, and the song's that is there.
OTHER_FILE_INPUTS = f"""(file, audio, reference, songName, fileName, shown) =>
    [file, audio, reference, {NAME}, file?.orig_name ?? '', shown]"""
OPENED = "() => { window.mtinstOpening = Math.max(0, window.mtinstOpening - 1); }"
LINK_INPUT = "() => [new URL(location).searchParams.get('song') ?? '']"
# With a song, right notes are not written again: what was read may be older than what has come since.
NEW_SONG = f"(song) => (window.mtinstSong = song) ? {NO_CHANGE} : null"
API_DESCRIPTION = (
    "Transcribe a song: progress, again and again, then its notes and the addresses of its files, which are made when "
    "they are asked for. The limits are those of the page."
)
SESSIONS = 1000  # kept for those who come back
OTHER_THREADS = 20  # for what is not a song: sliders, links, files
LOOK_AT_STATUS = "() => document.getElementById('mt-status').scrollIntoView({block: 'nearest'})"


def build(settings: PageSettings, studio: Studio, examples: list[Example]) -> Page:
    """The page with everything connected."""
    page = build_page(settings, examples, studio.shortest_s)
    with page.blocks:
        connect(page, Actions(page, studio, examples))
    return page


def connect(page: Page, actions: Actions) -> None:
    """Say what happens on which click."""
    result = [
        page.status,
        page.shown,
        page.summary,
        page.player,
        page.downloads,
    ]
    sliders = page.sliders
    buttons = [page.transcribe, page.stop]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    # No limits here: the studio itself works on one song at a time and tells the others that they wait.
    work: dict[str, Any] = {"concurrency_limit": None, "trigger_mode": "multiple", **quiet}

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

    page.transcribe.click(None, None, page.status, js=SAY_AWAITED, **quiet)  # before it is waited for
    brought = [page.audio, page.reference]
    runs = [
        page.examples.click(
            actions.transcribe_example,
            [*brought, page.shown, page.click, page.song_name],
            [*brought, page.aside, *result, *sliders, *buttons],
            js=RUN_INPUTS,
            **work,
        ),
        page.transcribe.click(
            actions.transcribe,
            [*brought, page.shown, page.click, page.song_name, page.is_unsent, page.tuning],
            [*brought, *result, *sliders, *buttons],
            js=OWN_SONG_INPUTS,
            **work,
        ),
    ]
    gr.on([page.examples.click, page.transcribe.click], None, js=LOOK_AT_STATUS)
    # Only once it has stopped, or its last step would write over the line that says so.
    page.stop.click(None, cancels=[*runs]).then(actions.stopped, page.shown, [*result, *sliders, *buttons], **quiet)
    page.blocks.unload(actions.leave)

    opened = page.other_file.upload(
        actions.open_other_file,
        [page.other_file, *brought, page.song_name, page.file_name, page.shown],
        [*brought, page.aside, *result],
        js=OTHER_FILE_INPUTS,
        concurrency_limit=1,
        **quiet,
    )
    opened.then(None, js=OPENED).then(actions.finish, page.shown, result, **work)

    page.aside.click(
        actions.bring_back,
        [*brought, page.song_name],
        [*brought, page.aside, page.status],
        js=f"(audio, reference) => [audio, reference, {NAME}]",
        concurrency_limit=1,
        **quiet,
    )

    compared = gr.on(
        [page.reference.upload, page.reference.clear],
        actions.compare,
        [*brought, page.shown, page.tuning],
        result,
        trigger_mode="always_last",  # or notes brought just after others were taken away would be passed over
        **quiet,
    )
    compared.then(actions.finish, page.shown, result, **work)
    # They belong together. (Gradio says "cleared" also when somebody only goes from files to the microphone.)
    page.audio.change(None, page.audio, page.reference, js=NEW_SONG, **quiet)

    linked = page.blocks.load(actions.open_link, page.link, [*result, *sliders], js=LINK_INPUT, **quiet)
    linked.then(actions.finish, page.shown, result, **work)

    moved = gr.on(
        [slider.input for slider in (page.onset, page.frame, page.shortest, *page.sensitivity)] + [page.only.input],
        actions.adjust,
        [page.shown, *sliders],
        result,
        trigger_mode="always_last",
        **quiet,
    )
    moved.then(actions.finish, page.shown, result, **work)
    back = page.reset.click(actions.reset_adjustment, None, sliders, queue=False, **quiet)
    back.then(actions.adjust, [page.shown, *sliders], result, **quiet).then(actions.finish, page.shown, result, **work)


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
    threading.Thread(target=get_ready, args=(settings, studio, examples), name="get-ready", daemon=True).start()
    try:
        page.blocks.queue(max_size=100, default_concurrency_limit=2).launch(
            server_name=settings.host,
            server_port=settings.port,
            theme=page_theme(),
            css_paths=[STYLE, player.STYLE],
            head="".join(f"<script>{file.read_text('utf-8')}</script>" for file in PAGE_SCRIPTS)
            + f'<script type="module" src="{module_url(player.MODULE)}"></script>',
            allowed_paths=[*map(str, files_of(examples))],
            max_file_size=int(settings.max_mb * 1e6),
            max_threads=settings.max_waiting + OTHER_THREADS,
            state_session_capacity=SESSIONS,
            footer_links=["api", "settings"],
            show_error=True,
            run_history=False,
            enable_monitoring=False,
            app_kwargs={
                "routes": [modules_route(), kept_route(studio), take_route(studio)],
                "middleware": [Middleware(Guard, max_file_bytes=settings.max_mb * 1e6)],
            },
        )
    except OSError as error:  # Gradio's, when the port is taken or may not be used
        print(f"The page cannot be served on port {settings.port} of {settings.host}: {error}", file=sys.stderr)
        return 2
    return 0
