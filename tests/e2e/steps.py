"""What tests do on the page, step by step, and what they look at."""

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mtinst.export.midi import read_midi
from tests.e2e.conftest import SCREENSHOTS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PLAYER = "document.querySelector('mtinst-player')?.player"
N_SAID = "Number(document.querySelector('.mt-status')?.dataset.number ?? 0)"
OF_LEAVING = ("AbortError", "Unexpected error Connection errored out")
CLEAR = "#mt-audio button[aria-label*='lear']"
PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
TITLE = "document.querySelector('#mt-summary h2')?.textContent"
SHOWN = """player.song.instruments
    .flatMap((one) => one.notes.map((n) => [one.name, n.pitch, n.onset, n.offset]))"""


def pick_example(page: "Page", number: int = 0) -> None:
    run(page, page.locator(".mt-example").nth(number))


def press_transcribe(page: "Page") -> None:
    run(page, page.get_by_role("button", name="Transcribe"))


def start_transcribing(page: "Page") -> None:
    """Press Transcribe, and wait until the first window of a long song is done."""
    page.get_by_role("button", name="Transcribe").click()
    page.wait_for_selector("#mt-status .mt-working >> text=Listening: 0:1")


def run(page: "Page", control: "Locator") -> None:
    """Click what starts a song, and wait until it is done."""
    before = n_said(page)
    control.click()
    wait_until_done(page, before)


def n_said(page: "Page") -> int:
    """The number of the line that says how things stand; a later line has a higher one."""
    return int(page.evaluate(N_SAID))


def open_other_file(page: "Page", path: Path) -> None:
    """Choose a file that is not for Gradio's player, at the place for songs."""
    page.locator("#mt-audio").get_by_label("Drop an audio file here").wait_for()
    with page.expect_file_chooser() as chooser:
        page.locator("#mt-audio").get_by_label("Drop an audio file here").click()
    chooser.value.set_files(path)


def drop(page: "Page", path: Path, kind: str = "") -> None:
    """Drop a file on the place for songs, whatever is there."""
    content = b64encode(path.read_bytes()).decode()
    files = page.evaluate_handle(
        """([content, name, type]) => {
        const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
        const files = new DataTransfer();
        files.items.add(new File([bytes], name, {type}));
        return files;
        }""",
        [content, path.name, kind],
    )
    page.locator("#mt-audio .audio-container, #mt-audio").last.dispatch_event("drop", {"dataTransfer": files})


def bring(page: "Page", song: Path) -> None:
    """Put a file into the place for songs, and wait until it is there."""
    page.locator("#mt-audio input[type=file]").set_input_files(song)
    page.wait_for_selector(CLEAR)


def wait_until_done(page: "Page", before: int) -> None:
    """Wait for a line after that with the number `before` which says that all is done, or failed."""
    page.wait_for_function(f"document.querySelector('.mt-done, .mt-error') && {N_SAID} > {before}")
    assert page.locator(".mt-error").all_inner_texts() == []
    page.wait_for_function(f"{PLAYER}.mixer.isReady")


def state(page: "Page", expression: str) -> Any:
    """A JavaScript expression about `player`."""
    return page.evaluate(f"(() => {{ const player = {PLAYER}; return {expression}; }})()")


def wait_for_level(page: "Page", part: str) -> None:
    """Play on, from the start again should the song end meanwhile, until that part is heard."""
    page.wait_for_function(
        f"""() => {{
        const {{ mixer }} = {PLAYER};
        if (!mixer.playing) {PLAYER}.seek(0), mixer.play();
        return mixer.level('{part}') > 0.001;
        }}"""
    )


def share_of_painted_pixels(page: "Page", canvas: str) -> float:
    """Between 0 and 1, of those right of the labels."""
    painted = page.evaluate(
        f"""(() => {{
        const canvas = document.querySelector('{canvas}');
        const left = Math.ceil({PLAYER}.lanes.gutter * devicePixelRatio) + 4;
        const {{ data }} = canvas.getContext('2d').getImageData(left, 0, canvas.width - left, canvas.height);
        let painted = 0;
        for (let k = 3; k < data.length; k += 4) painted += data[k] > 0;
        return painted / (data.length / 4);
        }})()"""
    )
    return float(painted)


def shown_notes(page: "Page") -> list[tuple[str, int, float, float]]:
    """The notes that the player draws: instrument, pitch, onset and offset in seconds, sorted."""
    return sorted((name, pitch, onset, offset) for name, pitch, onset, offset in state(page, SHOWN))


def notes_of(path: Path) -> list[tuple[str, int, float, float]]:
    """The same of a MIDI file."""
    return sorted((note.instrument, note.pitch, note.onset, note.offset) for note in read_midi(path))


def assert_same_notes(some: list[tuple[str, int, float, float]], others: list[tuple[str, int, float, float]]) -> None:
    """The same players and pitches at the same times, to the millisecond."""
    assert [note[:2] for note in some] == [note[:2] for note in others]
    np.testing.assert_allclose([note[2:] for note in some], [note[2:] for note in others], atol=0.001)


def download(page: "Page", link: "Locator", folder: Path) -> Path:
    """Click a link, and keep what comes under the name that it comes with."""
    with page.expect_download() as coming:
        link.click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def move(page: "Page", slider: str, value: float) -> None:
    """Move a slider of the page at one stroke, and wait until the notes in the player are others.

    On a busy machine, a stroke right after its panel was opened may be lost; a person would repeat it too.
    """
    song = state(page, "player.shownSong")
    for _ in range(3):
        page.locator(f"{slider} input[type=range]").fill(str(value))
        for _ in range(200):
            if state(page, "player.shownSong") != song:
                return
            page.wait_for_timeout(100)
    raise AssertionError(f"{slider} at {value} changed no notes")


def picture(page: "Page", name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def wait_for_view(page: "Page") -> None:
    """Until the page's link is that of the notes in the player: no slider is on its way any more."""
    page.wait_for_function(
        f"{PLAYER}.shownSong.includes(document.querySelector('[data-song]')?.dataset.song ?? 'nothing')"
    )


def record(page: "Page") -> None:
    """Record a moment of Chromium's own microphone, until it is seen; it may not have been sent yet."""
    page.locator("#mt-audio").get_by_label("Record audio").click()
    page.locator("#mt-audio").get_by_role("button", name="Record", exact=True).click()
    stop = page.locator("#mt-audio").get_by_role("button", name="Stop", exact=True).first
    stop.wait_for()
    page.wait_for_timeout(500)  # of recording; any length would do
    stop.click()
    page.wait_for_selector(CLEAR)
