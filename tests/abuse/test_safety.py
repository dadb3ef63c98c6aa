"""What strangers may not do with the page: read files, run scripts, go round the limits, leave things behind."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import soundfile as sf
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from mtinst.page import render, uploads
from mtinst.page.actions import Actions
from mtinst.page.examples import Example
from mtinst.page.guard import FORM_BYTES, MESSAGE_BYTES, Guard, visitor_address
from mtinst.page.player import FOLDER, MODULE
from mtinst.page.player.song import song_record
from mtinst.page.results import Preview, Result
from mtinst.page.routes import kept_route, kept_url, module_url, modules_route, take_route
from mtinst.page.settings import PageSettings
from mtinst.page.studio import Studio
from mtinst.page.takeaway import safe_stem
from mtinst.records import Note, Rolls
from tests.served import PROJECT, Server, Visitor, serve
from tests.tab import Tab
from tests.tiny import result_named, transcription_with, write_song, write_weights

SCRIPT = "<script>alert(1)</script>"
NASTY = (SCRIPT, '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "${alert(1)}", "{{alert(1)}}", "`")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("page")
    (folder / "secret.txt").write_text("a secret")
    weights = write_weights(folder / "tiny.safetensors")
    settings = {"MTINST_WEIGHTS": str(weights), "MTINST_MAX_MB": "2", "MTINST_MAX_MINUTES": "0.5"}
    with serve(folder, settings) as server:
        yield server


@pytest.fixture
def visitor(server: Server) -> Iterator[Visitor]:
    visitor = Visitor(server.url, "somebody")
    yield visitor
    visitor.close()


# Files


OUTSIDE = (
    "/etc/passwd",
    "app.py",
    "weights/default.safetensors",
    "FOLDER/secret.txt",
    "FOLDER/cache",
    "FOLDER/log.txt",
)
WAYS = (
    "gradio_api/file={}",
    "gradio_api/file=./{}",
    "gradio_api/file=UPLOADS/../{}",
    "gradio_api/file=UPLOADS/..%2f{}",
    "gradio_api/file={}%00.wav",
    "gradio_api/file/{}",
    "file={}",
    "static/..%2f..%2f..%2f{}",
    "static/%2e%2e/%2e%2e/{}",
    "assets/..%2f{}",
    "svelte/..%2f..%2f{}",
    "gradio_api/kept/..%2f..%2f/{}",
    "gradio_api/kept/source-00000000000000000000000000000000/..%2f..%2f{}",
    "gradio_api/take/..%2f..%2f/{}",
    "MODULES/player/..%2f..%2f..%2f{}",
    "MODULES/%2e%2e/{}",
    "MODULES//{}",
    "theme.css?x=../../{}",
)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_to_other_files(server: Server, visitor: Visitor, way: str) -> None:
    folder = server.log.parent
    for outside in OUTSIDE:
        path = (PROJECT / outside.replace("FOLDER", str(folder))).as_posix()
        contents = Path(path).read_bytes()[:64] if Path(path).is_file() else b"root:"
        modules = module_url(MODULE).rpartition("/player/")[0]
        address = way.replace("MODULES", modules).replace("UPLOADS", f"{folder}/cache-uploads").format(path)
        answer = visitor.get(address)
        assert contents not in answer.content, address
        assert answer.status_code >= 400 or way.startswith("theme.css"), address


def test_scripts_are_sent_as_such_and_may_be_kept_as_long_as_they_are_these() -> None:
    guard = Middleware(Guard, max_file_bytes=1e6)
    with TestClient(Starlette(routes=[modules_route()], middleware=[guard])) as browser:
        answer = browser.get(module_url(MODULE))
        assert answer.content == MODULE.read_bytes()
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert "immutable" in answer.headers["cache-control"]
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        version = module_url(MODULE).split("/")[-3]
        for change in ((version, "0" * 16), (MODULE.name, "song.py"), (MODULE.name, "player.css"), ("/player/", "//")):
            assert browser.get(module_url(MODULE).replace(*change)).status_code == 404, change


@pytest.mark.slow
@pytest.mark.parametrize(
    "closed",
    [
        "gradio_api/file=http://127.0.0.1:1/x",
        "gradio_api/file=HTTPS://example.com/x",
        "gradio_api/proxy=https://example.com",
        "gradio_api/deep_link?session_hash=x",
        "gradio_api/run-history/buckets",
        "gradio_api/runs",
        "monitoring",
        "monitoring/summary",
        "openapi.json",
        "docs",
    ],
)
def test_doors_that_the_page_does_not_use_are_closed(visitor: Visitor, closed: str) -> None:
    assert visitor.get(closed).status_code == 404


@pytest.mark.slow
def test_a_program_cannot_name_a_file_of_the_server(server: Server, visitor: Visitor) -> None:
    for path in ("/etc/passwd", str(server.log), str(PROJECT / "app.py")):
        for meta in ({"meta": {"_type": "gradio.FileData"}}, {}):
            body = {"fn_index": visitor._function(), "session_hash": "forger", "data": [{"path": path, **meta}]}
            visitor.client.post("gradio_api/queue/join", json=body).raise_for_status()
            with visitor.client.stream("GET", "gradio_api/queue/data?session_hash=forger") as answer:
                end = next(line for line in answer.iter_lines() if "process_completed" in line)
            assert json.loads(end[6:])["success"] is False, path
            assert "root:" not in end


def test_only_files_that_players_load_are_handed_out_of_the_cache(tmp_path: Path) -> None:
    settings = PageSettings(cache=tmp_path / "cache", weights=write_weights(tmp_path / "tiny.safetensors"))
    studio = Studio(settings)
    *_, result = studio.transcribe(write_song(tmp_path / "song.wav"), "song")
    assert isinstance(result, Result)
    (settings.cache / "diary.txt").write_text("not a result")
    (settings.cache / "view-mine").mkdir()
    (settings.cache / "view-mine" / "song.json").write_text("{}")
    with TestClient(Starlette(routes=[kept_route(studio), take_route(studio)])) as browser:
        for path in (result.view_folder / "song.json", result.source_folder / "original.flac"):
            assert browser.get(f"/{kept_url(path)}").content == path.read_bytes()
        keys = (result.source_key, result.key, "view-mine", "..", ".", "%2e%2e", "diary.txt")
        for key in keys:
            for name in ("rolls.npz", "summary.json", "contents.json", "diary.txt", "..%2fdiary.txt", ""):
                assert browser.get(f"/gradio_api/kept/{key}/{name}").status_code == 404
        assert browser.get("/gradio_api/kept/view-mine/song.json").status_code == 404


# Texts


@pytest.mark.parametrize("name", NASTY)
def test_nothing_that_somebody_typed_is_html(name: str) -> None:
    result = result_named(name)
    preview = Preview(title=name, source_key="s", folder=Path("/c/preview-1"), heard_s=1.0, duration_s=2.0, n_notes=1)
    example = Example(slug=name, title=name, path=Path(name), duration_s=1.0, instruments=())
    pages = (
        render.summary(result),
        render.preview_summary(preview),
        render.downloads(result),
        render.status("error", name),
        render.working(name, 0.5),
        render.example_cards([example]),
    )
    for html in pages:
        assert name not in html
        assert not re.search(r"<(script|img(?! loading=))", html)
        assert not set("`{}$") & set(html)
        for attribute in re.findall(r'="([^"]*)"', html):
            assert "'" not in attribute


def test_the_players_scripts_write_texts_and_never_html() -> None:
    writers = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc"
    )
    for script in FOLDER.glob("*.js"):
        found = writers.findall(script.read_text("utf-8"))
        # The template is our own, and so is all text in an engraved score, which has no title there.
        assert found == (["innerHTML"] if script.name in ("template.js", "score.js") else []), script.name
    template = (FOLDER / "template.js").read_text("utf-8")
    assert template.count("`") == 2
    assert "${" not in template, "the one text that is HTML holds nothing else"


def test_what_the_player_loads_holds_no_text_of_visitors() -> None:
    record = song_record(transcription_with([Note(0.0, 1.0, pitch=60)], Rolls.zeros(64), 2.0))
    assert "title" not in record


@pytest.mark.parametrize(
    "name", [*NASTY, "a\r\nSet-Cookie: x=1", "../../etc/passwd", "\x00", "x" * 4000, "\u202egpj.wav"]
)
def test_names_in_headers_cannot_break_them(name: str, tmp_path: Path) -> None:
    stem = safe_stem(name)
    assert stem
    assert not re.search(r'[\x00-\x1f\x7f<>"/\\]', stem)
    assert len(stem.encode()) <= 255


# Limits


@pytest.mark.slow
def test_a_file_over_the_limit_is_refused_before_it_is_read(server: Server, visitor: Visitor, tmp_path: Path) -> None:
    large = tmp_path / "large.wav"
    large.write_bytes(bytes(3_000_000))
    assert visitor.upload(large).status_code == 413
    small = tmp_path / "small.wav"
    small.write_bytes(bytes(900_000))
    with small.open("rb") as one, small.open("rb") as two, small.open("rb") as three:
        files = [("files", ("a.wav", one)), ("files", ("b.wav", two)), ("files", ("c.wav", three))]
        assert visitor.client.post("gradio_api/upload", files=files).status_code == 413, "all of them count"
    announced = visitor.client.build_request("POST", "gradio_api/upload", content=iter([b"x"]))
    assert visitor.client.send(announced).status_code == 411
    kept = [path for path in (server.log.parent / "cache-uploads").rglob("*") if path.is_file()]
    assert all(path.stat().st_size < 1_000_000 for path in kept)


def test_the_guard_lets_through_what_the_page_sends() -> None:
    def say(_: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    routes = [
        Route(f"/{path}", say, methods=["GET", "POST"]) for path in ("gradio_api/upload", "gradio_api/queue/join")
    ]
    guard = Middleware(Guard, max_file_bytes=1000)
    with TestClient(Starlette(routes=routes, middleware=[guard])) as browser:
        assert browser.post("/gradio_api/upload", content=bytes(1000 + FORM_BYTES)).status_code == 200
        assert browser.post("/gradio_api/upload", content=bytes(1001 + FORM_BYTES)).status_code == 413
        assert browser.post("/gradio_api/queue/join", content=bytes(MESSAGE_BYTES)).status_code == 200
        assert browser.post("/gradio_api/queue/join", content=bytes(MESSAGE_BYTES + 1)).status_code == 413
        for length in ("-1", "1e3", "x", "９", str(10**30)):
            headers = [(b"content-length", length.encode())]
            status = browser.post("/gradio_api/queue/join", headers=cast(Any, headers), content=iter([])).status_code
            assert status in (411, 413), length
        answer = browser.get("/gradio_api/upload")
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_addresses_are_believed_from_proxies_only() -> None:
    def address(peer: str, forwarded: str) -> str:
        headers = [(b"x-forwarded-for", forwarded.encode())]
        return visitor_address(HTTPConnection({"type": "http", "client": (peer, 1), "headers": headers}))

    assert address("9.9.9.9", "8.8.8.8") == "9.9.9.9"
    assert address("10.1.2.3", "1.1.1.1, 8.8.8.8, 10.0.0.1") == "8.8.8.8"
    assert address("10.1.2.3", "nonsense") == "10.1.2.3"
    assert visitor_address(HTTPConnection({"type": "http", "headers": []})) == ""


@pytest.mark.slow
def test_programs_have_one_endpoint_and_the_same_limits(server: Server, tmp_path: Path) -> None:
    client = Client(server.url, verbose=False, download_files=False)
    api = client.view_api(return_format="dict", print_info=False)
    assert list(api["named_endpoints"]) == ["/transcribe"]
    assert "The limits are those of the page" in api["named_endpoints"]["/transcribe"]["description"]
    result = client.predict(handle_file(write_song(tmp_path / "song.wav")), api_name="/transcribe")
    assert result["title"] == "song"
    assert len(result["notes"]) == sum(result["instruments"].values()) > 0
    visitor = Visitor(server.url, "taker")
    assert visitor.get(result["files"]["midi"]).content.startswith(b"MThd")
    visitor.close()
    sf.write(tmp_path / "long.wav", np.zeros(40 * 8000), 8000)
    (tmp_path / "letter.wav").write_text("Dear all")
    for name, sentence in (("long.wav", r"longer than 0\.5 minutes"), ("letter.wav", r"letter\.wav")):
        with pytest.raises(AppError, match=sentence):
            client.predict(handle_file(tmp_path / name), api_name="/transcribe")
    with pytest.raises(AppError, match="Choose a song first"):
        client.predict(None, api_name="/transcribe")


@pytest.mark.slow
def test_limits_are_on_the_page_before_anybody_brings_a_song(visitor: Visitor) -> None:
    assert "up to 0.5 minutes and 2 MB" in visitor.get("").text


@pytest.mark.slow
def test_the_page_names_no_other_server(visitor: Visitor) -> None:
    loaded = re.findall(
        r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["'](?:https?:)?//([^/"']+)""", visitor.get("").text
    )
    assert set(loaded) <= {visitor.url.split("/")[2]}


# What stays


def test_uploads_go_after_an_hour_and_the_oldest_sooner_when_they_are_many(tmp_path: Path) -> None:
    now = time.time()
    for name, age in (("old", 4000), ("older", 5000), ("new", 30), ("newer", 20)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "song.wav").write_bytes(bytes(1000))
        for path in (tmp_path / name / "song.wav", tmp_path / name):
            os.utime(path, (now - age, now - age))
    # The time of the last change of a file's state cannot be set: as if an hour had passed.
    uploads.tidy(tmp_path, limit_bytes=1e6, now=now + uploads.KEEP_S - 100)
    assert {path.name for path in tmp_path.iterdir()} == {"old", "older", "new", "newer"}
    uploads.tidy(tmp_path, limit_bytes=2500, now=now)
    assert len(list(tmp_path.rglob("song.wav"))) == 2
    uploads.tidy(tmp_path, limit_bytes=1e6, now=now + 2 * uploads.KEEP_S)
    assert list(tmp_path.iterdir()) == []
    uploads.tidy(tmp_path / "never made", limit_bytes=1e6)


def test_a_link_among_uploads_is_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("mine")
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "mine")
    uploads.tidy(folder, limit_bytes=1e6, now=time.time() + 2 * uploads.KEEP_S)
    assert (tmp_path / "mine" / "diary.txt").read_text() == "mine"
    assert list(folder.iterdir()) == []


def test_a_forged_message_changes_nothing(tmp_path: Path) -> None:
    """Nor does it name any other file on this machine as an upload."""
    tab = Tab(Actions(Studio(PageSettings(cache=tmp_path, weights=tmp_path / "none")), []))
    before = tab.record
    forged: list[dict[str, Any]] = [
        *({"kind": "example", "slug": slug} for slug in ("../../etc/passwd", ["x"], None)),
        *({"kind": kind} for kind in ("example", "cleared", "arrived", "link", "lost", "nothing", None, ["stop"])),
        {"kind": "brought", "file": 1, "what": "stolen"},
        {"kind": "arrived", "file": 1, "what": "sent", "path": "/etc/passwd", "name": "x.wav", "is_played": True},
        {"kind": "arrived", "file": 1, "what": "sent", "path": "\0", "name": "x.wav", "is_played": True},
    ]
    for message in forged:
        tab.tell(**message)
    for value in (float("nan"), float("inf"), "high", None):
        tab.move(cast(Any, value))
    assert tab.record == before
