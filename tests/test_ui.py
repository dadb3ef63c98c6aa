"""The page without a browser: settings, cache, texts as HTML, and a song from file to downloads by a tiny network."""

import errno
import itertools
import json
import os
import re
import shutil
import threading
import time
import zipfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import unquote

import gradio as gr
import numpy as np
import pretty_midi
import pytest
import soundfile as sf
from starlette.applications import Starlette
from starlette.testclient import TestClient

from mtinst.errors import AudioError, CheckpointError, MtinstError
from mtinst.export.midi import read_midi, write_midi
from mtinst.files import file_hash
from mtinst.grid import INSTRUMENT_INDEX, INSTRUMENT_NAMES, N_INSTRUMENTS, SPEC
from mtinst.hear.analysis import SILENT
from mtinst.hear.audio import load_audio
from mtinst.page import render, texts
from mtinst.page.actions import Actions
from mtinst.page.adjustment import NEUTRAL, Adjustment
from mtinst.page.cache import IN_USE_S, CacheError, ResultCache
from mtinst.page.examples import Example, find_examples
from mtinst.page.layout import Page
from mtinst.page.player import FOLDER, song_player
from mtinst.page.player.song import song_record
from mtinst.page.results import Result, Scores, Working
from mtinst.page.routes import AT_ONCE, take_route
from mtinst.page.settings import PageSettings, SettingsError, default_cache_folder, settings_from_environment
from mtinst.page.studio import Studio
from mtinst.page.takeaway import make, offers, safe_stem
from mtinst.records import Note, Rolls, Thresholds
from mtinst.sound.synth import PLAYBACK_RATE, write_audio
from tests.tiny import RATE, result_named, transcription_with, write_song, write_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture
def settings(weights: Path, tmp_path: Path) -> PageSettings:
    return PageSettings(cache=tmp_path / "cache", weights=weights, examples=tmp_path / "examples", max_minutes=0.5)


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_song(tmp_path / "two tones.wav")


def results(steps: Iterator[Working | Result]) -> list[Result]:
    return [step for step in steps if isinstance(step, Result)]


# Settings


def test_settings_come_from_the_environment() -> None:
    given = {
        "HOST": "0.0.0.0",
        "PORT": "8123",
        "MTINST_WEIGHTS": "/w.safetensors",
        "MTINST_EXAMPLES": "/songs",
        "MTINST_CACHE": "/tmp/kept",
        "MTINST_CACHE_MB": "50",
        "MTINST_MAX_MINUTES": "2.5",
        "MTINST_MAX_MB": "10",
        "MTINST_MAX_WAITING": "12",
        "MTINST_MAX_WAITING_EACH": "3",
        "MTINST_PREPARE": "0",
    }
    assert settings_from_environment(given) == PageSettings(
        host="0.0.0.0",
        port=8123,
        weights=Path("/w.safetensors"),
        examples=Path("/songs"),
        cache=Path("/tmp/kept").resolve(),
        cache_mb=50,
        max_minutes=2.5,
        max_mb=10,
        max_waiting=12,
        max_waiting_each=3,
        prepare=False,
    )


def test_an_empty_environment_serves_this_machine_only(tmp_path: Path) -> None:
    settings = settings_from_environment({"XDG_CACHE_HOME": str(tmp_path), "PORT": " "})
    assert (settings.host, settings.port, settings.cache) == ("127.0.0.1", 7860, tmp_path / "mtinst")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "80.5"),
        ("PORT", "70000"),
        ("PORT", "nan"),
        ("PORT", "0"),
        ("MTINST_MAX_MB", "-1"),
        ("MTINST_CACHE_MB", "inf"),
        ("MTINST_PREPARE", "yes"),
        ("MTINST_MAX_WAITING", "2.5"),
        ("MTINST_MAX_WAITING_EACH", "0"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} must be .*{value}"):
        settings_from_environment({name: value, "MTINST_CACHE": "/tmp/kept"})


def test_settings_in_code_are_checked() -> None:
    with pytest.raises(ValueError, match="max_mb must be positive"):
        PageSettings(cache=Path(), max_mb=0)
    with pytest.raises(ValueError, match="port must be"):
        PageSettings(cache=Path(), port=0)


def test_hosts_of_gradio_pages_may_say_where_to_serve() -> None:
    given = {"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": "9000", "MTINST_CACHE": "/tmp/kept"}
    settings = settings_from_environment(given)
    assert (settings.host, settings.port) == ("0.0.0.0", 9000)
    assert settings_from_environment(given | {"HOST": "localhost", "PORT": "80"}).port == 80


def test_without_a_home_the_cache_is_temporary() -> None:
    assert default_cache_folder({}).name == "mtinst"


# Cache


def test_an_entry_is_whole_or_absent(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path, 1e6)

    def crash() -> None:
        with cache.write("song") as folder:
            (folder / "half").write_text("x")
            raise RuntimeError("the writer crashes")

    with pytest.raises(RuntimeError, match="crashes"):
        crash()
    assert cache.find("song") is None
    assert list(tmp_path.iterdir()) == []


def test_an_entry_that_lost_or_shortened_a_file_is_forgotten(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path, 1e6)
    for content in ("C D", None):
        with cache.write("song") as folder:
            (folder / "notes").write_text("C D E")
        found = cache.find("song")
        assert found is not None
        (found / "notes").unlink()
        if content is not None:
            (found / "notes").write_text(content)
        assert cache.find("song") is None
        assert not found.exists()


def test_an_entry_that_cannot_be_looked_at_just_now_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ResultCache(tmp_path, 1e6)
    with cache.write("song") as folder:
        (folder / "notes").write_text("C D E")

    def fail(key: str) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(cache, "_check", fail)
        assert cache.find("song") is None
    assert cache.find("song") is not None


def test_looking_for_an_entry_that_is_not_there_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ResultCache(tmp_path, 1e6)
    removed: list[str] = []
    monkeypatch.setattr(cache, "remove", removed.append)
    assert cache.find("song") is None
    assert removed == [], "by then it may have been written"


def test_the_entry_used_longest_ago_goes_first_and_none_that_is_in_use(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path, limit_bytes=2500)
    now = time.time()
    for age, key in enumerate(("new", "old", "older")):
        with cache.write(key) as folder:
            (folder / "audio").write_bytes(bytes(1000))
        os.utime(tmp_path / key, (now - 2 * IN_USE_S - age, now - 2 * IN_USE_S - age))
    with cache.write("newest") as folder:
        (folder / "audio").write_bytes(bytes(1000))
    assert {path.name for path in tmp_path.iterdir()} == {"new", "newest"}
    with cache.write("one more") as folder:
        (folder / "audio").write_bytes(bytes(9000))
    assert {path.name for path in tmp_path.iterdir()} == {"newest", "one more"}


def test_all_entries_are_looked_through_now_and_then_and_not_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ResultCache(tmp_path, limit_bytes=100_000)
    looks = []
    tidy = cache.tidy

    def counted() -> None:
        looks.append(1)
        tidy()

    monkeypatch.setattr(cache, "tidy", counted)

    def write(n_entries: int, n_bytes: int) -> int:
        looks.clear()
        for number in range(n_entries):
            with cache.write(f"song-{n_bytes}-{number}") as folder:
                (folder / "audio").write_bytes(bytes(n_bytes))
        return len(looks)

    assert write(1, 10) == 1  # what earlier processes left
    assert write(40, 10) == 0
    assert write(20, 1000) == 4  # each twentieth of the limit


def test_what_a_crashed_writer_left_is_swept_up_after_an_hour(tmp_path: Path) -> None:
    (tmp_path / "song.1234.partial").mkdir()
    cache = ResultCache(tmp_path, 1e6)
    cache.tidy()
    assert (tmp_path / "song.1234.partial").exists()
    cache.tidy(now=time.time() + 2 * 3600)
    assert not (tmp_path / "song.1234.partial").exists()


def test_the_first_of_two_writers_stays(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path, 1e6)
    with cache.write("song") as second:
        (second / "who").write_text("second")
        with cache.write("song") as first:
            (first / "who").write_text("first")
    assert (tmp_path / "song" / "who").read_text() == "first"


def test_a_cache_that_cannot_be_written_says_so_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(CacheError, match="Results cannot be kept in"),
        ResultCache(tmp_path / "file", 1e6).write("song"),
    ):
        pass


def test_file_hash_depends_on_the_bytes_only(tmp_path: Path) -> None:
    for name, content in (("a", b"song"), ("b", b"song"), ("c", b"sonG")):
        (tmp_path / name).write_bytes(content)
    assert file_hash(tmp_path / "a") == file_hash(tmp_path / "b") != file_hash(tmp_path / "c")


# Examples


def test_examples_have_titles_from_the_sources_and_players_from_the_notes(tmp_path: Path) -> None:
    sf.write(tmp_path / "canon.ogg", np.zeros(RATE), RATE)
    sf.write(tmp_path / "a-walk_2.wav", np.zeros(2 * RATE), RATE)
    (tmp_path / "broken.mp3").write_bytes(b"no sound")
    write_midi([Note(0, 1, pitch=60, instrument="cello"), Note(0, 1, pitch=70)], tmp_path / "canon.mid")
    (tmp_path / "a-walk_2.mid").write_bytes(b"no notes")
    (tmp_path / "SOURCES.md").write_text("# Sources\n\n## Canon in D\n\n`canon.ogg`, `canon.mid`\n")
    walk, canon = find_examples(tmp_path)
    assert (canon.title, canon.instruments, canon.duration_s) == ("Canon in D", ("piano", "cello"), 1.0)
    assert (walk.title, walk.instruments, walk.duration_s) == ("A walk 2", (), 2.0)
    assert (canon.reference, walk.reference) == (tmp_path / "canon.mid", None)
    cards = render.example_cards([walk, canon])
    assert 'data-slug="canon"' in cards
    assert "0:01 · piano and cello" in cards


def test_a_page_without_examples_says_so(tmp_path: Path) -> None:
    assert find_examples(tmp_path / "none") == []
    assert "No examples" in render.example_cards([])


# Texts and HTML


def test_a_file_name_can_neither_break_the_page_nor_its_templates() -> None:
    name = '<img src=x onerror="alert(1)">${1+1}{{value}}`'
    result = result_named(name)
    for html in (render.summary(result), render.status("error", name), render.working(name, 0.5)):
        assert "<img" not in html
        assert "${" not in html
        assert "{{" not in html
        assert "`" not in html
    assert "1:01 · 1 note" in render.summary(result)


def test_an_error_is_an_alert_and_progress_is_a_progress_bar() -> None:
    assert 'role="alert"' in render.status("error", "No.")
    heard = np.zeros((N_INSTRUMENTS, 40), np.float32)
    html = render.working("Listening", 0.416, heard, 0.5, seconds_left=7.5)
    assert "about 8 s left" in html
    assert 'aria-valuenow="42"' in html
    assert html.count("mt-strip-row") == N_INSTRUMENTS


def test_a_verdict_stands_in_the_summary() -> None:
    result = Result(
        title="t",
        source_key="s",
        source_folder=Path(),
        view_folder=Path(),
        files_folder=None,
        adjustment=Adjustment(),
        duration_s=1.0,
        parts=(),
        verdict=SILENT,
    )
    assert "mt-verdict" in render.summary(result)
    assert "mt-verdict" not in render.summary(replace(result, verdict=None))


def test_scores_and_a_link_stand_in_the_summary() -> None:
    result = Result(
        title="t",
        source_key="s",
        source_folder=Path(),
        view_folder=Path("/cache/view-12"),
        files_folder=None,
        adjustment=Adjustment(),
        duration_s=1.0,
        parts=(),
        verdict=None,
        scores=Scores(note_f1=0.75, note_instrument_f1=0.5, n_hit=2, n_missed=1, n_extra=3),
    )
    html = render.summary(result)
    assert "2 found, 1 missed, 3 too many. F1 75 % of notes, 50 % with the right instrument." in html
    assert 'href="?song=view-12"' in html


def test_the_player_is_never_drawn_anew() -> None:
    html = song_player("mt-player").html_template
    assert "played by a synthesiser" in html
    assert "${" not in html
    assert "{{" not in html


def test_pictures_have_the_same_names_in_the_player_and_in_files() -> None:
    template = (FOLDER / "template.js").read_text("utf-8")
    for heading in (texts.NOTES_HEADING, texts.ACTIVITY_HEADING, texts.PITCH_HEADING):
        assert f"<h2>{heading}</h2>" in template
    assert texts.OTHER_MEANS in template


def test_limits_are_said() -> None:
    page_texts = texts.limits_of_size(1, 2.5)
    assert "1 minute and 2.5 MB" in page_texts


# The song for the player


def test_song_record_holds_every_note_and_both_rolls() -> None:
    notes = [Note(0.0, 0.32, pitch=60, instrument="cello"), Note(0.16, 0.64, pitch=60), Note(1.0, 2.0, pitch=90)]
    rolls = Rolls.zeros(64)
    rolls.instrument[INSTRUMENT_INDEX["cello"], 3] = 1.0
    rolls.pitch[60 - SPEC.lowest_pitch, 5] = 0.5
    record = json.loads(json.dumps(song_record(transcription_with(notes, rolls, 2.0))))
    by_name = {instrument["name"]: instrument for instrument in record["instruments"]}
    assert tuple(by_name) == INSTRUMENT_NAMES
    assert by_name["cello"]["notes"] == [[0.0, 0.32, 60, 0, 2]]
    assert by_name["piano"]["notes"] == [[0.16, 0.64, 60, 1, 2], [1.0, 2.0, 90, 0, 1]]
    assert record["low"] <= 60 < 90 <= record["high"]
    activity = np.frombuffer(b64decode(record["activity"]["values"]), np.uint8).reshape(N_INSTRUMENTS, 64)
    assert activity[INSTRUMENT_INDEX["cello"], 3] == 255
    assert activity.sum() == 255
    pitches = record["pitches"]
    values = np.frombuffer(b64decode(pitches["values"]), np.uint8).reshape(pitches["rows"], 64)
    assert values[60 - pitches["lowest"], 5] == 128


# From a song to its downloads


def test_a_song_becomes_notes_parts_and_downloads(settings: PageSettings, song: Path) -> None:
    studio = Studio(settings)
    steps = list(studio.transcribe(song, "two tones"))
    fractions = [step.fraction for step in steps if isinstance(step, Working)]
    assert fractions == sorted(fractions)
    assert any(step.heard is not None for step in steps if isinstance(step, Working))
    first, last = results(iter(steps))
    assert first.files_folder is None
    assert first.parts == last.parts
    folder = last.files_folder
    assert folder is not None
    assert last.duration_s == pytest.approx(3.0)
    assert last.parts, "the thresholds of this test's network let notes through"

    notes = read_midi(taken(studio, last, "midi"))
    counts = {part.name: part.n_notes for part in last.parts}
    assert counts == {name: sum(note.instrument == name for note in notes) for name in counts}
    shown = json.loads((last.view_folder / "song.json").read_text())
    assert {i["name"]: len(i["notes"]) for i in shown["instruments"] if i["notes"]} == counts
    for name in (*counts, "all-parts"):
        assert sf.info(folder / f"{name}.flac").duration == pytest.approx(3.0, abs=1e-3)
    assert sf.info(last.source_folder / "original.flac").duration == pytest.approx(3.0, abs=1e-3)
    for kind in ("flac", "wav"):
        with zipfile.ZipFile(taken(studio, last, f"parts.{kind}")) as archive:
            assert archive.namelist() == [f"{name}.{kind}" for name in counts]
    with np.load(taken(studio, last, "npz")) as arrays:
        assert arrays["piano_roll"].shape == (11, 88, SPEC.n_frames(3 * RATE))
        assert len(arrays["notes"]) == len(notes)
    assert len(pretty_midi.PrettyMIDI(str(taken(studio, last, "midi"))).instruments) == len(counts)
    (name, n_notes), *_ = counts.items()
    assert {note.instrument for note in read_midi(taken(studio, last, f"{name}.mid"))} == {name}
    assert len(read_midi(taken(studio, last, f"{name}.mid"))) == n_notes
    for slug in offers():
        player = next((one for one in INSTRUMENT_NAMES if slug.startswith(f"{one}.")), name)
        if player in counts:
            assert taken(studio, last, slug).stat().st_size > 0
        else:
            with pytest.raises(MtinstError, match="Nothing of that"):
                make(studio, last, offers()[slug])


def taken(studio: Studio, result: Result, slug: str) -> Path:
    return make(studio, result, offers()[slug])


def test_every_link_to_take_away_is_an_offer(settings: PageSettings, song: Path) -> None:
    result = results(Studio(settings).transcribe(song, "two tones"))[-1]
    slugs = re.findall(r'href="gradio_api/take/(view-[0-9a-f]+)/([^"]+)"', render.downloads(result))
    assert len(slugs) > 10
    assert {key for key, _ in slugs} == {result.key}
    assert {slug for _, slug in slugs} <= set(offers())


@pytest.fixture
def client(settings: PageSettings, song: Path) -> Iterator[tuple[TestClient, Result]]:
    studio = Studio(settings)
    result = results(studio.transcribe(song, 'AC/DC: "Größe"'))[0]
    with TestClient(Starlette(routes=[take_route(studio)])) as client:
        yield client, result


def test_a_file_to_take_away_is_called_after_the_song(client: tuple[TestClient, Result]) -> None:
    browser, result = client
    answer = browser.get(f"/gradio_api/take/{result.key}/midi")
    assert answer.status_code == 200
    assert unquote(answer.headers["content-disposition"]) == "attachment; filename*=utf-8''AC DC Größe.mid"
    assert answer.content.startswith(b"MThd")
    answer = browser.get(f"/gradio_api/take/{result.key}/{result.parts[0].name}.wav")
    assert answer.content.startswith(b"RIFF"), "the parts are played when they are asked for"


def test_who_waits_for_sound_keeps_nobody_from_the_notes(settings: PageSettings, song: Path) -> None:
    studio = Studio(settings)
    result = results(studio.transcribe(song, "two tones"))[0]
    for part in settings.cache.glob("files-*"):
        studio.cache.remove(part.name)
    busy = studio.line.join("somebody")
    assert busy.wait(0)
    with TestClient(Starlette(routes=[take_route(studio)])) as browser, ThreadPoolExecutor(AT_ONCE + 1) as pool:
        address = f"/gradio_api/take/{result.key}"
        sounds = [pool.submit(browser.get, f"{address}/{slug}") for slug in ("parts.flac", "mix.flac")]
        try:
            assert len(sounds) == AT_ONCE
            while len(studio.line._waiting) < AT_ONCE:
                time.sleep(0.01)
            assert pool.submit(browser.get, f"{address}/midi").result(timeout=30).status_code == 200
        finally:
            busy.leave()
        assert [sound.result().status_code for sound in sounds] == [200, 200]


@pytest.mark.parametrize("place", ["view-0/midi", f"view-{32 * '0'}/midi", "../../etc/passwd", "KEY/nothing"])
def test_what_cannot_be_taken_is_a_sentence(client: tuple[TestClient, Result], place: str) -> None:
    browser, result = client
    answer = browser.get(f"/gradio_api/take/{place.replace('KEY', result.key)}")
    assert answer.status_code == 404


@pytest.mark.parametrize("title", ["a/b", "..", "nul.txt", "\x00", "é" * 300, "日本語" * 100, "x" * 300, " . "])
def test_names_of_files_are_fit_for_every_system(title: str) -> None:
    stem = safe_stem(title)
    assert stem
    assert len(stem.encode()) < 200
    assert not set(stem) & set('<>:"/\\|?*\x00')
    assert stem == stem.strip(" .")
    assert stem.casefold() != "nul.txt"


def test_the_second_time_nothing_is_computed(settings: PageSettings, song: Path) -> None:
    first = results(Studio(settings).transcribe(song, "two tones"))[-1]
    again = list(Studio(settings).transcribe(song, "two tones"))
    assert len(again) == 2  # one message, then everything
    assert again[-1] == first


def test_adjusting_needs_no_network_and_can_be_undone(settings: PageSettings, song: Path) -> None:
    studio = Studio(settings)
    before = results(studio.transcribe(song, "two tones"))[-1]
    later = Studio(settings)  # as after a restart, with nothing in memory
    later.transcriber.model.forward = None  # type: ignore[method-assign, assignment]
    name = before.parts[0].name
    only = later.view(before.source_key, before.title, Adjustment(instruments=(name,)))
    assert [part.name for part in only.parts] == [name]
    assert only.parts[0] == before.parts[0]
    strict = later.view(before.source_key, before.title, Adjustment(onset=-3.0, frame=-3.0))
    assert sum(part.n_notes for part in strict.parts) < sum(part.n_notes for part in before.parts)
    assert results(later.make_files(strict))[-1].files_folder != before.files_folder
    assert later.view(before.source_key, before.title, Adjustment()) == before


def test_parts_are_played_anew_by_another_synthesiser(
    settings: PageSettings, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = Studio(settings)
    with monkeypatch.context() as patch:
        patch.setattr("mtinst.sound.synth.find_library", lambda: None)
        before = results(studio.transcribe(song, "two tones"))[-1]
        sines = taken(studio, before, "mix.flac")
        notes = taken(studio, before, "midi")
    after = results(studio.transcribe(song, "two tones"))[-1]
    assert after.view_folder == before.view_folder
    assert after.files_folder != before.files_folder
    assert taken(studio, after, "mix.flac") != sines
    assert taken(studio, after, "midi") == notes


def test_adjusting_a_song_that_is_gone_says_so(settings: PageSettings) -> None:
    with pytest.raises(MtinstError, match="no longer kept"):
        Studio(settings).view("source-gone", "gone", Adjustment())


def test_stopping_half_way_leaves_nothing_behind(settings: PageSettings, song: Path) -> None:
    steps = Studio(settings).transcribe(song, "two tones")
    for step in steps:
        if isinstance(step, Working) and step.heard is not None:
            break
    steps.close()
    assert all(entry.name.startswith("preview-") for entry in settings.cache.iterdir())


def test_silence_has_a_verdict_and_no_parts(settings: PageSettings, tmp_path: Path) -> None:
    sf.write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    result = results(Studio(settings).transcribe(tmp_path / "silence.wav", "silence"))[-1]
    assert result.parts == ()
    assert result.verdict == SILENT
    assert "/parts." not in render.downloads(result)
    assert "/midi" in render.downloads(result)


def test_a_song_beyond_the_limits_is_refused(settings: PageSettings, tmp_path: Path) -> None:
    sf.write(tmp_path / "long.wav", np.zeros(40 * 8000), 8000)
    with pytest.raises(AudioError, match=r"long\.wav lasts longer than 0\.5 minutes, the longest that is taken"):
        list(Studio(settings).transcribe(tmp_path / "long.wav", "long"))
    sf.write(tmp_path / "large.wav", np.zeros((20 * 48_000, 2)), 48_000)
    with pytest.raises(AudioError, match="MB large"):
        list(Studio(replace(settings, max_mb=0.1)).transcribe(tmp_path / "large.wav", "large"))


@pytest.mark.parametrize("suffix", ["flac", "wav"])
def test_what_became_of_another_kind_of_file_is_never_too_large(
    settings: PageSettings, tmp_path: Path, suffix: str
) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, round(settings.max_minutes * 60 * PLAYBACK_RATE))
    write_audio(tmp_path / f"noise.{suffix}", noise.astype(np.float32), PLAYBACK_RATE)
    Studio(replace(settings, max_mb=0.1)).check_limits(tmp_path / f"noise.{suffix}")


def test_a_file_that_is_no_audio_is_one_sentence(settings: PageSettings, tmp_path: Path) -> None:
    (tmp_path / "letter.wav").write_text("Dear all")
    with pytest.raises(AudioError, match=r"letter\.wav"):
        list(Studio(settings).transcribe(tmp_path / "letter.wav", "letter"))
    with pytest.raises(AudioError, match="no longer there"):
        list(Studio(settings).transcribe(tmp_path / "gone.wav", "gone"))


def test_missing_weights_are_reported_when_a_song_comes_and_not_before(settings: PageSettings, song: Path) -> None:
    studio = Studio(replace(settings, weights=settings.cache / "none.safetensors"))
    studio.warm_up()
    with pytest.raises(CheckpointError, match=r"none\.safetensors"):
        list(studio.transcribe(song, "two tones"))


# What clicks do


@pytest.fixture
def actions(settings: PageSettings) -> Actions:
    """Handlers of a page whose components are their own names: Gradio's would leave event loops open behind them."""
    page = SimpleNamespace(**{field.name: field.name for field in fields(Page)})
    page.sensitivity = tuple(f"sensitivity of {name}" for name in INSTRUMENT_NAMES)
    return Actions(cast(Page, page), Studio(settings), [])


def visitor(name: str = "somebody") -> gr.Request:
    return gr.Request(session_hash=name)


def first_result(actions: Actions, song: Path) -> Result:
    """What the page shows once the notes of a song are there; its parts are not played."""
    updates = actions.transcribe(str(song), None, None, 1, visitor())
    shown: Result = next(update[actions.page.shown] for update in updates if actions.page.shown in update)
    return shown


def statuses(actions: Actions, updates: Iterator[dict[Any, Any]]) -> list[str]:
    return [update[actions.page.status] for update in updates if actions.page.status in update]


def test_a_bad_file_is_a_sentence_on_the_page_and_the_buttons_rest(actions: Actions, tmp_path: Path) -> None:
    (tmp_path / "letter.wav").write_text("Dear all")
    updates = list(actions.transcribe(str(tmp_path / "letter.wav"), None, None, 1, visitor()))
    assert "letter.wav" in updates[-2][actions.page.status]
    assert "mt-error" in updates[-2][actions.page.status]
    assert updates[-1][actions.page.stop]["interactive"] is False
    assert all(actions.page.shown not in update for update in updates), "nothing of a former result is touched"


def test_no_song_is_a_sentence_too(actions: Actions) -> None:
    (update,) = actions.transcribe(None, None, None, 1, visitor())
    assert texts.NO_SONG in update[actions.page.status]


def test_a_bug_stays_visible_and_the_page_usable(actions: Actions, song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Iterator[Working]:
        yield Working(message="Well so far", fraction=0.1)
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(actions.studio, "transcribe", broken)
    updates: list[dict[Any, Any]] = []
    with pytest.raises(ZeroDivisionError, match="a bug"):
        updates.extend(actions.transcribe(str(song), None, None, 1, visitor()))
    steps = actions.transcribe(str(song), None, None, 1, visitor())
    updates = [next(steps), next(steps), next(steps)]
    assert texts.BROKEN in updates[-1][actions.page.status]
    assert updates[-1][actions.page.transcribe]["interactive"] is True


def test_a_newer_wish_ends_the_work_on_the_older_one(actions: Actions, song: Path) -> None:
    older = actions.transcribe(str(song), None, None, 1, visitor())
    for update in older:
        if "Listening" in update.get(actions.page.status, ""):
            break
    somebody_else = actions.transcribe(str(song), None, None, 1, visitor("somebody else"))
    next(somebody_else)
    assert "Listening" in statuses(actions, itertools.islice(older, 1))[0], "others do not end it"
    newer = actions.transcribe(str(song), None, None, 2, visitor())
    next(newer)
    assert list(older) == [actions._nothing()]
    assert "Done" in statuses(actions, somebody_else)[-1], "who came before the newer wish"
    assert "Done" in statuses(actions, newer)[-1]


def test_what_is_said_last_is_said_after_the_older_work_has_ended(actions: Actions, song: Path, tmp_path: Path) -> None:
    known = write_song(tmp_path / "known.wav", 2.0)
    list(actions.transcribe(str(known), None, None, 1, visitor()))
    older = actions.transcribe(str(song), None, None, 2, visitor())
    for update in older:
        if "Listening" in update.get(actions.page.status, ""):
            break
    said: list[str] = []
    newer = actions.transcribe(str(known), None, None, 3, visitor())
    thread = threading.Thread(target=lambda: said.extend(statuses(actions, newer)))
    thread.start()
    thread.join(0.5)
    assert not any("Done" in sentence for sentence in said), "a line of the older one may be on its way"
    assert list(older) == [actions._nothing()]
    thread.join()
    assert "Done" in said[-1]


def test_a_late_answer_to_a_slider_is_not_shown_over_what_was_asked_for_since(
    actions: Actions, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = actions.page
    known = write_song(tmp_path / "known.wav", 2.0)
    list(actions.transcribe(str(known), None, None, 1, visitor()))
    *_, shown = (
        update[page.shown] for update in actions.transcribe(str(song), None, None, 2, visitor()) if page.shown in update
    )
    view = actions.studio.view

    def adjusted(onset: float) -> dict[Any, Any]:
        return actions.adjust(shown, onset, 0.0, 60, [*INSTRUMENT_NAMES], visitor(), *NEUTRAL)

    def while_it_is_made(do: Callable[[], object]) -> dict[Any, Any]:
        """What a moved slider gives when that is done before its answer is there."""

        def slow(*asked: Any) -> Result:
            monkeypatch.setattr(actions.studio, "view", view)
            do()
            return view(*asked)

        monkeypatch.setattr(actions.studio, "view", slow)
        return adjusted(-1.0)

    assert page.shown not in while_it_is_made(lambda: adjusted(0.0))
    assert page.shown not in while_it_is_made(lambda: list(actions.transcribe(str(known), None, None, 3, visitor())))
    assert page.shown in adjusted(-1.0)


def test_what_was_wrong_with_notes_brought_meanwhile_is_said_at_the_end(
    actions: Actions, song: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.mid").write_text("Dear all")
    updates = actions.transcribe(str(song), None, None, 1, visitor())
    for update in updates:
        if "Listening" in update.get(actions.page.status, ""):
            break
    said = actions.compare(str(song), str(tmp_path / "bad.mid"), None, visitor())
    assert "bad.mid cannot be read as MIDI" in said[actions.page.status]
    assert "bad.mid cannot be read as MIDI" in statuses(actions, updates)[-1]
    assert "bad.mid" not in statuses(actions, actions.transcribe(str(song), None, None, 2, visitor()))[-1]


def test_a_song_with_the_name_of_an_example_keeps_its_own(actions: Actions, song: Path, tmp_path: Path) -> None:
    duo = Example(slug="duo", title="Duo for two tones", path=song, duration_s=2.0, instruments=())
    actions.examples["duo"] = duo
    assert actions._title(write_song(tmp_path / "duo.wav", 0.5), "duo.wav") == "duo"
    copy = tmp_path / "again" / "duo.wav"
    copy.parent.mkdir()
    shutil.copyfile(song, copy)
    assert actions._title(copy, copy.name) == "Duo for two tones"
    assert actions._title(tmp_path / "audio.wav", "audio.wav") == "audio"
    assert actions._title(tmp_path / "its four.wav", 'it\'s "four".wav') == 'it\'s "four"'


def test_others_wait_and_are_told_so(actions: Actions, song: Path) -> None:
    first = actions.transcribe(str(song), None, None, 1, visitor("first"))
    for update in first:
        if "Listening" in update.get(actions.page.status, ""):
            break
    second = actions.transcribe(str(song), None, None, 1, visitor("second"))
    assert texts.waiting(1) in statuses(actions, itertools.islice(second, 3))[-1]
    assert "Done" in statuses(actions, first)[-1]
    assert "Done" in statuses(actions, second)[-1]


def test_parts_of_an_adjustment_that_was_adjusted_again_are_not_shown(actions: Actions, song: Path) -> None:
    *_, last = (
        update[actions.page.shown]
        for update in actions.transcribe(str(song), None, None, 1, visitor())
        if actions.page.shown in update
    )
    adjusted = actions.adjust(last, -1.0, -1.0, 60, [*INSTRUMENT_NAMES], visitor(), *NEUTRAL)[actions.page.shown]
    playing = actions.finish(adjusted, visitor())
    next(playing)
    actions.adjust(last, -0.5, -1.0, 60, [*INSTRUMENT_NAMES], visitor(), *NEUTRAL)
    assert list(playing) == [actions._nothing()]


def test_parts_that_will_not_be_shown_are_not_played(actions: Actions, song: Path) -> None:
    page = actions.page
    updates = actions.transcribe(str(song), None, None, 1, visitor())
    first = next(update[page.shown] for update in updates if page.shown in update)
    adjusted = actions.adjust(first, -1.0, 0.0, 60, [*INSTRUMENT_NAMES], visitor(), *NEUTRAL)[page.shown]
    (rest,) = updates
    assert page.status not in rest, "nothing is done yet"
    assert rest[page.transcribe]["interactive"] is True
    assert actions.studio.with_parts(first).files_folder is None
    assert "Done" in statuses(actions, actions.finish(adjusted, visitor()))[-1]


def test_parts_are_played_in_silence_while_another_song_is_asked_for(
    actions: Actions, song: Path, tmp_path: Path
) -> None:
    page = actions.page
    first = first_result(actions, song)
    adjusted = actions.adjust(first, 0.25, 0.5, 60, [*INSTRUMENT_NAMES], visitor(), *NEUTRAL)[page.shown]
    playing = actions.finish(adjusted, visitor())
    next(playing)
    (tmp_path / "letter.wav").write_text("Dear all")
    newer = actions.transcribe(str(tmp_path / "letter.wav"), None, adjusted, 2, visitor())
    next(newer)
    *steps, played, last = playing
    assert last == actions._nothing(), "which Gradio says once more"
    assert all(step == {page.status: gr.skip()} for step in steps)
    assert page.status not in played
    *_, failed, _ = newer
    assert texts.FAILED_KEEPS in failed[page.status]
    assert failed[page.shown] == played[page.shown], "with the parts that it got meanwhile"
    assert failed[page.player] == played[page.player]
    assert json.loads(failed[page.player])["files"]["parts"]


def test_parts_that_nobody_plays_any_more_are_not_waited_for(actions: Actions, song: Path, tmp_path: Path) -> None:
    page = actions.page
    older = actions.transcribe(str(song), None, None, 1, visitor())
    shown = next(update[page.shown] for update in older if page.shown in update)
    (tmp_path / "letter.wav").write_text("Dear all")
    *_, failed, _ = actions.transcribe(str(tmp_path / "letter.wav"), None, None, 2, visitor())
    assert failed[page.shown] == shown, "which came after the click"
    assert failed[page.player] == render.player_value(shown, has_sound=False)
    adjusted = actions.adjust(shown, 0.25, 0.5, 60, [*INSTRUMENT_NAMES], visitor(), *NEUTRAL)[page.shown]
    playing = actions.finish(adjusted, visitor())
    next(playing)
    next(playing)
    stopped = actions.stopped(adjusted, visitor())
    assert stopped[page.player] == render.player_value(adjusted), "somebody plays these"
    assert texts.STOPPED_KEEPS in stopped[page.status]
    playing.close()
    assert actions.stopped(adjusted, visitor())[page.player] == render.player_value(adjusted, has_sound=False)


def test_a_visitor_who_left_is_not_worked_for(actions: Actions, song: Path) -> None:
    steps = actions.transcribe(str(song), None, None, 1, visitor())
    next(steps)
    actions.leave(visitor())
    assert list(steps) == [actions._nothing()]


def test_lowered_thresholds_stay_probabilities() -> None:
    thresholds = replace(Thresholds.uniform(pitch=0.6), presence=(0.0, 1.0, *[0.5] * (N_INSTRUMENTS - 2)))
    for log_odds in (-3.0, 3.0):
        moved = Adjustment(onset=log_odds, frame=log_odds).of(thresholds)
        assert moved.presence[:2] == (0.0, 1.0)
        assert all(0 < value < 1 for value in (*moved.onset, *moved.frame, moved.pitch))
        assert (moved.pitch < thresholds.pitch) == (log_odds > 0)
    assert Adjustment(frame=3.0).of(Thresholds.uniform()).pitch == 1.0


def test_sensitivity_of_one_instrument_moves_its_thresholds_only() -> None:
    thresholds = Thresholds.uniform()
    moved = Adjustment(sensitivity=(1.0, *NEUTRAL[1:]), shortest_s=0.2).of(thresholds)
    assert moved.onset[0] == moved.frame[0] == moved.presence[0] == pytest.approx(0.2689)
    assert (moved.onset[1:], moved.frame[1:]) == (thresholds.onset[1:], thresholds.frame[1:])
    assert moved.shortest_s == 0.2


def test_the_first_notes_come_while_the_rest_is_heard(actions: Actions, song: Path, settings: PageSettings) -> None:
    page = actions.page
    updates = actions.transcribe(str(song), None, None, 1, visitor())
    partial = next(update for update in updates if page.player in update)
    assert page.shown not in partial, "a preview is no result"
    value = json.loads(partial[page.player])
    assert (value["files"], value["partial"]) == (None, True)
    key, name = value["song"].split("/")[-2:]
    assert any(one["notes"] for one in json.loads((settings.cache / key / name).read_text())["instruments"])
    assert "so far" in partial[page.summary]
    result = next(update for update in updates if page.shown in update)
    assert json.loads(result[page.player])["source"] == value["source"], "the player keeps its place"


def test_stop_during_a_first_song_leaves_nothing_on_the_page(actions: Actions, song: Path) -> None:
    page = actions.page
    updates = actions.transcribe(str(song), None, None, 1, visitor())
    next(update for update in updates if page.player in update)
    updates.close()
    update = actions.stopped(None, visitor())
    assert (update[page.player], update[page.summary]) == (None, "")
    assert texts.STOPPED in update[page.status]


def test_stop_while_the_parts_are_played_leaves_the_notes(actions: Actions, song: Path) -> None:
    page = actions.page
    updates = actions.transcribe(str(song), None, None, 1, visitor())
    shown = next(update[page.shown] for update in updates if page.shown in update)
    updates.close()
    update = actions.stopped(shown, visitor())
    assert update[page.player] == render.player_value(shown, has_sound=False)
    assert texts.STOPPED_PLAYING in update[page.status]
    *_, last = (
        update[page.shown]
        for update in actions.transcribe(str(song), None, shown, 2, visitor())
        if page.shown in update
    )
    assert last.files_folder is not None, "transcribing it again plays them"


def test_sliders_that_were_moved_for_nothing_go_back(actions: Actions, song: Path, tmp_path: Path) -> None:
    page = actions.page
    *_, shown = (
        update[page.shown] for update in actions.transcribe(str(song), None, None, 1, visitor()) if page.shown in update
    )
    adjusted = actions.adjust(shown, 0.25, 0.5, 60, [*INSTRUMENT_NAMES], visitor(), *NEUTRAL)[page.shown]
    stopped = actions.stopped(adjusted, visitor())
    (tmp_path / "letter.wav").write_text("Dear all")
    failed = list(actions.transcribe(str(tmp_path / "letter.wav"), None, adjusted, 2, visitor()))[-2]
    for update in (stopped, failed):
        assert (update[page.onset], update[page.frame]) == (0.25, 0.5)


def test_the_later_of_two_clicks_counts_whichever_comes_first(actions: Actions, song: Path) -> None:
    later = actions.transcribe(str(song), None, None, 8, visitor())
    next(later)
    (nothing,) = actions.transcribe(str(song), None, None, 7, visitor())
    assert nothing == {actions.page.status: gr.skip()}, "and not nothing at all, which would empty the page"
    assert "Done" in statuses(actions, later)[-1]


def test_nothing_is_adjusted_while_a_song_is_listened_to(actions: Actions, song: Path) -> None:
    page = actions.page
    last = first_result(actions, song)
    other = write_song(song.with_name("other.wav"), 4.0)
    updates = actions.transcribe(str(other), None, last, 2, visitor())
    next(update for update in updates if page.player in update)
    assert page.player not in actions.adjust(last, -1.0, 0.0, 60, [*INSTRUMENT_NAMES], visitor(), *NEUTRAL)
    updates.close()


def test_an_adjustment_before_the_parts_are_played_stays(actions: Actions, song: Path) -> None:
    page = actions.page
    updates = actions.transcribe(str(song), None, None, 1, visitor())
    first = next(update[page.shown] for update in updates if page.shown in update)
    adjusted = actions.adjust(first, -1.0, 0.0, 60, [*INSTRUMENT_NAMES], visitor(), *NEUTRAL)
    assert adjusted[page.shown].adjustment == Adjustment(onset=-1.0)
    assert all(page.player not in update for update in updates)


def test_a_link_brings_a_result_back_with_its_sliders(actions: Actions, song: Path, settings: PageSettings) -> None:
    page = actions.page
    first = first_result(actions, song)
    sensitivity = (0.5, *NEUTRAL[1:])
    shown = actions.adjust(first, -1.0, 0.5, 120, ["violin", "cello"], visitor(), *sensitivity)[page.shown]
    later = Actions(page, Studio(settings), [])  # as after a restart
    update = later.open_link(shown.key, visitor("somebody else"))
    assert update[page.shown] == shown
    assert (update[page.onset], update[page.frame], update[page.shortest]) == (-1.0, 0.5, 120)
    assert update[page.only] == ["violin", "cello"]
    assert tuple(update[slider] for slider in page.sensitivity) == sensitivity


@pytest.mark.parametrize("key", ["view-0", f"view-{32 * 'a'}", "../../secrets", "source-1"])
def test_a_link_to_nothing_is_a_sentence(actions: Actions, key: str) -> None:
    update = actions.open_link(key, visitor())
    assert "no longer kept here" in update[actions.page.status]
    assert actions.page.shown not in update


def test_without_a_link_nothing_is_opened(actions: Actions) -> None:
    assert list(actions.open_link("", visitor())) == [actions.page.status]


def test_the_right_notes_give_scores_and_stay_through_adjustments(
    actions: Actions, song: Path, settings: PageSettings
) -> None:
    page = actions.page
    first = first_result(actions, song)
    assert first.scores is None
    reference = make(actions.studio, first, offers()["midi"]).rename(song.with_name("right.mid"))
    compared = actions.compare(str(song), str(reference), first, visitor())[page.shown]
    n_notes = sum(part.n_notes for part in first.parts)
    assert compared.scores == Scores(note_f1=1.0, note_instrument_f1=1.0, n_hit=n_notes, n_missed=0, n_extra=0)
    assert Studio(settings).open(compared.key).scores == compared.scores
    fewer = actions.adjust(compared, -1.0, 0.0, 60, [*INSTRUMENT_NAMES], visitor(), *NEUTRAL)[page.shown]
    assert fewer.scores.n_missed > 0
    without = actions.compare(str(song), None, fewer, visitor())[page.shown]
    assert without.scores is None
    again = next(
        update[page.shown]
        for update in actions.transcribe(str(song), str(reference), None, 2, visitor())
        if page.shown in update
    )
    assert again.scores == compared.scores


@pytest.mark.parametrize("is_for_that_song", [True, False])
def test_right_notes_that_come_while_a_song_is_listened_to(
    actions: Actions, song: Path, tmp_path: Path, is_for_that_song: bool
) -> None:
    page = actions.page
    write_midi([Note(0, 1, pitch=60)], tmp_path / "right.mid")
    other = tmp_path / "other.wav"
    sf.write(other, np.zeros(16_000), 16_000)
    updates = actions.transcribe(str(song), None, None, 1, visitor())
    next(updates)
    brought_with = song if is_for_that_song else other
    said = actions.compare(str(brought_with), str(tmp_path / "right.mid"), None, visitor())
    assert texts.REFERENCE_READY in said[page.status]
    results = [update[page.shown] for update in updates if page.shown in update]
    assert [result.scores is not None for result in results] == [is_for_that_song] * 2
    assert results[-1].files_folder is not None


def test_another_kind_of_file_takes_the_place_of_a_song_and_of_its_right_notes(
    actions: Actions, song: Path, tmp_path: Path
) -> None:
    page = actions.page
    flac = tmp_path / "song.flac"
    sf.write(flac, np.zeros(16_000), 16_000)
    before = flac.read_bytes()
    said, update = actions.open_other_file(str(flac), None, None, visitor())
    assert texts.READING in said[page.status], "it may take a while"
    assert page.reference not in update, "right notes that were there first are for this song"
    assert flac.read_bytes() == before
    assert Path(update[page.audio]) != flac
    assert load_audio(update[page.audio]).shape == (16_000,)
    *_, update = actions.open_other_file(str(flac), str(song), None, visitor())
    assert update[page.reference] is None
    assert update[page.aside]["visible"], "the song that was there can be brought back"
    assert actions.bring_back(str(flac), None, visitor())[page.audio] == str(song)
    assert list(actions.open_other_file(None, None, None, visitor())) == [{page.status: gr.skip()}]


def test_a_copy_for_browsers_is_still_the_file_that_was_brought(actions: Actions, song: Path, tmp_path: Path) -> None:
    page = actions.page
    source = Path(shutil.copyfile(song, tmp_path / "its one.wav"))
    *_, update = actions.open_other_file(str(source), None, None, visitor(), "", 'it\'s "one".wav')
    copy = update[page.audio]
    assert copy != str(source)
    results = [
        update[page.shown] for update in actions.transcribe(copy, None, None, 1, visitor()) if page.shown in update
    ]
    assert results[-1].title == 'it\'s "one"'
    assert results[-1].source_key == actions.studio.source_key(source)
    same = Path(shutil.copyfile(copy, tmp_path / "another.flac"))
    put = actions._put_aside(str(same), None, "another.flac", visitor())
    assert put[page.aside]["value"] == texts.bring_back("another")


def test_midi_brought_as_a_song_goes_to_the_right_notes(actions: Actions, tmp_path: Path) -> None:
    page = actions.page
    write_midi([Note(0, 1, pitch=60)], tmp_path / "right.mid")
    (update,) = actions.open_other_file(str(tmp_path / "right.mid"), None, None, visitor(), "", "right.mid")
    assert update[page.reference] == str(tmp_path / "right.mid")
    assert texts.went_to_right_notes("right.mid") in update[page.status]
    write_midi([], tmp_path / "empty.mid")
    (update,) = actions.open_other_file(str(tmp_path / "empty.mid"), None, None, visitor(), "", "empty.mid")
    assert list(update) == [page.status]
    assert "empty.mid has no notes" in update[page.status]


def test_a_visitor_says_how_a_song_is_tuned(actions: Actions, song: Path) -> None:
    page = actions.page
    (refused,) = actions.transcribe(str(song), None, None, 1, visitor(), tuning=300.0)
    assert texts.NO_SUCH_TUNING in refused[page.status]
    for tuning, said in ((415, "A = 415 Hz"), (0, "A = 44")):  # an empty field may come as 0
        updates = [*actions.transcribe(str(song), None, None, 2 + tuning, visitor(str(tuning)), tuning=tuning)]
        summaries = [update[page.summary] for update in updates if page.shown in update]
        assert said in summaries[-1]


def test_what_could_not_be_read_stands_in_the_summary() -> None:
    result = result_named("song")
    assert "could not be read" not in render.summary(result)
    said = render.summary(replace(result, damage="0:04 of the file could not be read.", tuning_hz=442.1))
    assert "0:04 of the file could not be read." in said
    assert "A = 442 Hz" in said


def test_what_is_brought_during_work_does_not_speak_over_it(actions: Actions, song: Path, tmp_path: Path) -> None:
    page = actions.page
    broken = tmp_path / "broken.webm"
    broken.write_bytes(b"no film")
    run = actions.transcribe(str(song), None, None, 1, visitor())
    next(run)
    first, last = actions.open_other_file(str(broken), str(song), None, visitor())
    assert first == {page.status: gr.skip()}
    assert "broken.webm" in last[page.status]
    assert "broken.webm" in statuses(actions, run)[-1]


def test_what_is_gone_is_not_put_aside(actions: Actions, tmp_path: Path) -> None:
    assert actions._put_aside(str(tmp_path / "gone.wav"), None, "", visitor()) == {}


def test_right_notes_for_a_song_that_is_not_on_the_page_wait(actions: Actions, song: Path, tmp_path: Path) -> None:
    page = actions.page
    write_midi([Note(0, 1, pitch=60)], tmp_path / "right.mid")
    update = actions.compare(str(song), str(tmp_path / "right.mid"), None, visitor())
    assert texts.REFERENCE_READY in update[page.status]
    assert page.shown not in update


@pytest.mark.parametrize("content", [b"no notes", None])
def test_a_bad_reference_is_a_sentence(actions: Actions, song: Path, tmp_path: Path, content: bytes | None) -> None:
    bad = tmp_path / "bad.mid"
    if content is None:
        write_midi([], bad)
    else:
        bad.write_bytes(content)
    update = actions.compare(str(song), str(bad), None, visitor())
    assert "mt-error" in update[actions.page.status]
    assert "bad.mid" in update[actions.page.status]
    last = statuses(actions, actions.transcribe(str(song), str(bad), None, 1, visitor()))[-1]
    assert "bad.mid" in last


def test_examples_are_prepared_while_nobody_waits(settings: PageSettings, song: Path) -> None:
    song.rename(song.with_name("tones.wav"))
    examples = find_examples(song.parent)
    Studio(settings).prepare(examples)
    steps = list(Studio(settings).transcribe(examples[0].path, examples[0].title))
    assert len(steps) == 2  # one message, then everything


def test_an_example_that_cannot_be_done_keeps_no_other_from_it(settings: PageSettings, song: Path) -> None:
    sf.write(song.with_name("a long one.wav"), np.zeros(40 * 8000), 8000)
    long, tones = find_examples(song.parent)
    Studio(settings).prepare([long, tones])
    assert len(list(Studio(settings).transcribe(tones.path, tones.title))) == 2


def test_preparing_gives_way_to_a_visitor(settings: PageSettings, song: Path) -> None:
    studio = Studio(settings)
    (example,) = find_examples(song.parent)
    busy, waiting = studio.line.join("somebody"), studio.line.join("a visitor")
    assert busy.wait(0)
    assert studio._prepare(example) is False
    waiting.leave()
    busy.leave()
    assert studio._prepare(example) is True
