"""The page, served by a process of its own and opened in a real browser."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
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
    errors: list[str]
    outside: list[str]


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


class Tabs:
    """Tabs of the browser, used by one test after another: to begin anew in one takes half as long as in a new one."""

    def __init__(self, browser: "Browser") -> None:
        self._browser = browser
        self._pages: dict[str, Page] = {}

    @contextmanager
    def one(self, options: Mapping[str, Any], **listeners: Callable[[Any], Any]) -> Iterator["Page"]:
        """An empty tab with those options, and whom it tells of its events; what a test did in it is forgotten."""
        key = json.dumps(options)
        if key not in self._pages:
            context = self._browser.new_context(**(DESKTOP | dict(options)))
            context.set_default_timeout(PATIENCE_S * 1000)
            self._pages[key] = context.new_page()
        page = self._pages[key]
        for event, listener in listeners.items():
            page.on(event, listener)  # type: ignore[call-overload]
        try:
            yield page
        finally:
            for event, listener in listeners.items():
                page.remove_listener(event, listener)
            page.unroute_all()
            page.mouse.move(0, 0)
            page.evaluate("localStorage.clear()")
            page.goto("about:blank")


@pytest.fixture(scope="session")
def tabs(browser: "Browser") -> Tabs:
    """Tabs for all tests."""
    return Tabs(browser)


@pytest.fixture
def watched(request: pytest.FixtureRequest, tabs: Tabs, served: Served) -> Iterator[Watched]:
    """The page, opened and complete; a test's parameter may give the browser's options."""
    errors, outside = list[str](), list[str]()
    local = (served.url, "data:", "blob:")
    with tabs.one(
        {"color_scheme": "light"} | getattr(request, "param", {}),
        pageerror=lambda error: errors.append(str(error)),
        console=lambda message: errors.append(message.text) if message.type == "error" else None,
        request=lambda one: None if one.url.startswith(local) else outside.append(one.url),
    ) as page:
        page.goto(served.url)
        page.wait_for_selector(".mt-example")
        yield Watched(page, errors, outside)
