"""The page, served by a process of its own and opened in a real browser."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mtinst.export.midi import write_midi
from mtinst.records import Note
from tests.served import serve
from tests.tiny import write_song, write_weights

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENSHOTS = Path(__file__).with_name("screenshots")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE_S = 180  # a machine may be busy with something else
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


@dataclass
class Served:
    """The page's address and what it works with."""

    url: str
    examples: Path
    log: Path
    hold: Path

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """Inside, a song that is worked on stays where it is, once the network has heard its first ten seconds."""
        self.hold.touch()
        try:
            yield
        finally:
            self.hold.unlink()


@dataclass
class Watched:
    """A page in the browser, and everything it should not have done."""

    page: "Page"
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page on a free port, with a tiny network and two short examples."""
    folder = tmp_path_factory.mktemp("page")
    examples = folder / "examples"
    examples.mkdir()
    write_song(examples / "duo.ogg", 30.0)
    write_midi(
        [Note(0, 1, pitch=76, instrument="violin"), Note(0, 1, pitch=48, instrument="cello")], examples / "duo.mid"
    )
    write_song(examples / "second-song.wav", 2.0)
    (examples / "SOURCES.md").write_text("## Duo for “two” tones\n\n`duo.ogg`, `duo.mid`\n", "utf-8")
    variables = {
        "MTINST_WEIGHTS": str(write_weights(folder / "tiny.safetensors")),
        "MTINST_MAX_MINUTES": "6",
        "OMP_NUM_THREADS": "1",
    }
    hold = folder / "hold"
    with serve(folder, variables, hold) as server:
        yield Served(server.url, examples, server.log, hold)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def watched(request: pytest.FixtureRequest, browser: "Browser", served: Served) -> Iterator[Watched]:
    """The page, opened and complete; a test's parameter may give the browser's options."""
    options = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"} | getattr(request, "param", {})
    context = browser.new_context(accept_downloads=True, **options)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    watched = Watched(page)
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on("console", lambda message: watched.errors.append(message.text) if message.type == "error" else None)
    local = (served.url, "data:", "blob:")
    page.on("request", lambda one: None if one.url.startswith(local) else watched.outside.append(one.url))
    page.goto(served.url)
    page.wait_for_selector(".mt-example")
    yield watched
    context.close()
