"""The page of train/export/ in Chromium: the graph runs in the browser, and its notes are shown in the player."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import onnxruntime
import pytest
import soundfile as sf

from mtinst.records import Note
from tests.e2e.conftest import PATIENCE_S
from tests.e2e.test_player import QuietHandler
from tests.served import PROJECT
from tests.tiny import write_song, write_weights
from train.__main__ import main
from train.export.example import transcribe

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e

PAGE = PROJECT / "train/export/page"
SONG_S = 17.0  # more than the network hears at a time
DROP = """
    ([name, content]) => {
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], name));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
    }
"""
SHOWN = """player.song.instruments
    .flatMap((one) => one.notes.map((note) => [one.name, note.pitch, note.onset]))"""


@dataclass
class Opened:
    """The page, the folder that is served, and everything that went wrong or outside."""

    page: "Page"
    folder: Path
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def drop(self, song: Path) -> str:
        """Let go of a file over the page; what it says in the end."""
        self.page.evaluate(DROP, [song.name, b64encode(song.read_bytes()).decode()])
        self.page.wait_for_function("/ heard in |cannot|failed/.test(document.querySelector('#status').textContent)")
        return self.page.inner_text("#status")


@pytest.fixture
def opened(browser: "Browser", tmp_path: Path) -> Iterator[Opened]:
    """Served as a checkout is, with the graph of a tiny network."""
    if not (PAGE / "node_modules/onnxruntime-web").is_dir():
        pytest.skip(f"there is no onnxruntime-web: `npm install --prefix {PAGE.relative_to(PROJECT)}` fetches it")
    folder = tmp_path / PAGE.relative_to(PROJECT)
    folder.mkdir(parents=True)
    (tmp_path / "mtinst").symlink_to(PROJECT / "mtinst")
    for path in PAGE.iterdir():
        if path.suffix != ".onnx":
            (folder / path.name).symlink_to(path)
    weights = write_weights(tmp_path / "tiny.safetensors")
    assert main(["export", str(weights), "--onnx", str(folder / "mtinst.onnx")]) == 0
    with ThreadingHTTPServer(("localhost", 0), partial(QuietHandler, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://localhost:{server.server_port}/"
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        opened = Opened(page, folder)
        local = (origin, "data:", f"blob:{origin}")
        context.on("request", lambda one: None if one.url.startswith(local) else opened.outside.append(one.url))
        page.on("pageerror", lambda error: opened.errors.append(str(error)))
        page.goto(f"{origin}{PAGE.relative_to(PROJECT).as_posix()}/")
        page.evaluate("window.player = document.querySelector('mtinst-player').player")
        yield opened
        assert opened.errors == []
        assert opened.outside == []
        context.close()
        server.shutdown()


def test_a_dropped_song_is_heard_as_python_hears_it(opened: Opened, tmp_path: Path) -> None:
    song = write_song(tmp_path / "two-tones.wav", SONG_S)
    assert "17.0 s of song" in opened.drop(song)
    opened.page.wait_for_function("player.mixer.isReady && !document.querySelector('.mtp-message').textContent")
    session = onnxruntime.InferenceSession(opened.folder / "mtinst.onnx")
    expected = {_place(note) for note in transcribe(session, *sf.read(song, dtype="float32"))}
    shown = {(name, pitch, round(onset, 1)) for name, pitch, onset in opened.page.evaluate(SHOWN)}
    assert len(expected) > 20
    # Its thresholds are amid its probabilities, and single cells may fall on the other side.
    assert len(shown & expected) > 0.9 * len(shown | expected)
    heard = opened.page.evaluate("[...player.mixer.parts.keys()]")
    assert sorted(heard) == sorted({name for name, _, _ in shown})
    opened.page.get_by_role("button", name="Play", exact=True).click()
    opened.page.wait_for_function("player.mixer.position > 0.2")


def _place(note: Note) -> tuple[str, int, float]:
    return note.instrument, note.pitch, round(note.onset, 1)


def test_a_song_of_another_tuning_keeps_its_time(opened: Opened, tmp_path: Path) -> None:
    opened.page.fill("#tuning", "415")
    assert "3.0 s of song" in opened.drop(write_song(tmp_path / "song.flac"))
    assert opened.page.evaluate("player.song.duration") == pytest.approx(3.0, abs=0.01)
    assert opened.page.evaluate("player.song.frameRate") == pytest.approx(31.25 * 415 / 440)


def test_what_cannot_be_heard_is_said(opened: Opened, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("Do, re, mi")
    assert opened.drop(text) == "notes.txt cannot be read as audio by this browser."
    (opened.folder / "mtinst.onnx").unlink()
    assert "there is no mtinst.onnx beside this page" in opened.drop(write_song(tmp_path / "song.wav"))
