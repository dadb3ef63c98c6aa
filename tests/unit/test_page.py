"""The page without a browser: settings, cache, texts as HTML, and a song from file to downloads by a tiny network."""

import errno
import json
import os
import re
import shutil
import time
import zipfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

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
from mtinst.page import render, texts, visit
from mtinst.page.actions import Actions, Visits
from mtinst.page.adjustment import NEUTRAL, Adjustment
from mtinst.page.cache import IN_USE_S, CacheError, ResultCache
from mtinst.page.examples import Example, find_examples, heard_beside
from mtinst.page.player import FOLDER, song_player
from mtinst.page.player.song import song_record
from mtinst.page.results import Result, Scores, Working
from mtinst.page.routes import AT_ONCE, take_route
from mtinst.page.settings import PageSettings, SettingsError, default_cache_folder, settings_from_environment
from mtinst.page.studio import Studio
from mtinst.page.takeaway import make, offers, safe_stem
from mtinst.records import Note, Rolls, Thresholds, Timing
from mtinst.sound.synth import PLAYBACK_RATE, write_audio
from tests.tab import Tab, said, until
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
    canon, walk = find_examples(tmp_path)
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
        if slug == "corrections":  # of which there are none
            with pytest.raises(MtinstError, match="No note of this song was changed"):
                make(studio, last, offers()[slug])
        elif player in counts:
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


def test_what_the_same_weights_heard_of_an_example_needs_no_network(settings: PageSettings, song: Path) -> None:
    hearing = Studio(settings)
    expected = results(hearing.transcribe(song, "two tones"))[-1]
    transcription = hearing.transcription(expected.source_key, Adjustment())
    elsewhere = Studio(replace(settings, cache=settings.cache / "elsewhere"))
    heard = heard_beside(song, hearing.header.digest)
    transcription.save_npz(heard)
    steps = list(elsewhere.transcribe(song, "two tones"))
    assert elsewhere.header == hearing.header
    assert elsewhere._transcriber is None
    previews = [step.preview for step in steps if isinstance(step, Working) and step.preview is not None]
    assert [preview.n_notes for preview in previews] == [len(transcription.notes)]
    assert results(iter(steps))[-1].parts == expected.parts
    tuned = results(elsewhere.transcribe(song, "two tones", tuning_hz=442.0))[-1]  # that was not heard before
    assert tuned.tuning_hz == 442.0


def test_a_damaged_file_beside_an_example_is_passed_over(settings: PageSettings, song: Path) -> None:
    studio = Studio(settings)
    heard = heard_beside(song, studio.header.digest)
    heard.write_bytes(b"PK nothing")
    assert results(studio.transcribe(song, "two tones"))[-1].parts
    assert studio._transcriber is not None


def test_adjusting_needs_no_network_and_can_be_undone(settings: PageSettings, song: Path) -> None:
    studio = Studio(settings)
    before = results(studio.transcribe(song, "two tones"))[-1]
    later = Studio(settings)  # as after a restart, with nothing in memory
    later.transcriber.model.forward = None
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


# What a visitor does


@pytest.fixture
def tab(settings: PageSettings) -> Tab:
    """A tab of somebody's browser at a page without examples."""
    return Tab(Actions(Studio(settings), []))


def with_result(steps: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """The first of the steps that shows a result."""
    return next(step for step in steps if step["downloads"])


def notes_only(tab: Tab, song: Path) -> Result:
    """What the page shows once the notes of a song are there, and Stop was pressed before their parts were played."""
    with_result(tab.transcribe(song))
    tab.tell("stop")
    return tab.shown


def test_a_bad_file_is_a_sentence_on_the_page_and_the_buttons_rest(tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "letter.wav").write_text("Dear all")
    *_, last = tab.transcribe(tmp_path / "letter.wav")
    assert "letter.wav" in said(last)
    assert "mt-error" in said(last)
    assert (last["can_transcribe"], last["can_stop"], last["summary"]) == (True, False, "")


def test_no_song_is_a_sentence_too(tab: Tab) -> None:
    assert texts.NO_SONG in said(tab.press())


def test_a_bug_stays_visible_and_the_page_usable(tab: Tab, song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Iterator[Working]:
        yield Working(message="Well so far", fraction=0.1)
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(tab.actions.studio, "transcribe", broken)
    steps = tab.transcribe(song)
    last = until(steps, texts.BROKEN)
    assert last["can_transcribe"] is True
    with pytest.raises(ZeroDivisionError, match="a bug"):
        next(steps)


def test_a_newer_wish_ends_the_work_on_the_older_one(tab: Tab, song: Path, tmp_path: Path) -> None:
    older = tab.transcribe(song)
    until(older, "Listening")
    somebody_else = Tab(tab.actions, "somebody else").transcribe(song)
    next(somebody_else)
    assert "Listening" in said(next(older)), "others do not end it"
    newer = tab.transcribe(write_song(tmp_path / "newer.wav", 2.0))
    next(newer)
    shown = list(older)
    assert "two tones" not in "".join(step["summary"] for step in shown)
    assert "Done" in said(shown[-1]), "who worked on the older one goes on with the newer"
    assert tab.shown.title == "newer"
    assert "Done" in said(list(somebody_else)[-1])


def test_a_late_answer_to_a_slider_is_not_shown_over_what_was_asked_for_since(
    tab: Tab, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = write_song(tmp_path / "known.wav", 2.0)
    list(tab.transcribe(known))
    list(tab.transcribe(song))
    view = tab.actions.studio.view

    def while_it_is_made(do: Callable[[], object]) -> Result:
        """What is shown at the end when that is done before the answer to a moved slider is there."""

        def slow(*asked: Any) -> Result:
            monkeypatch.setattr(tab.actions.studio, "view", view)
            do()
            return view(*asked)

        monkeypatch.setattr(tab.actions.studio, "view", slow)
        tab.move(-1.0)
        list(tab.work())
        return tab.shown

    assert while_it_is_made(lambda: tab.move(0.5)).adjustment == Adjustment(onset=0.5)
    assert while_it_is_made(lambda: list(tab.transcribe(known))).title == "known"
    tab.move(-1.0)
    list(tab.work())
    assert tab.shown.adjustment == Adjustment(onset=-1.0)


def test_what_was_wrong_with_notes_brought_meanwhile_is_said_at_the_end(tab: Tab, song: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.mid").write_text("Dear all")
    steps = tab.transcribe(song)
    until(steps, "Listening")
    tab.bring_notes(tmp_path / "bad.mid")
    assert "bad.mid cannot be read as MIDI" in said(next(tab.work()))
    assert "bad.mid cannot be read as MIDI" in said(list(steps)[-1])
    tab.bring_notes(None)
    assert "bad.mid" not in said(list(tab.transcribe(song))[-1])


def test_a_song_with_the_name_of_an_example_keeps_its_own(settings: PageSettings, song: Path, tmp_path: Path) -> None:
    duo = Example(slug="duo", title="Duo for two tones", path=song, duration_s=2.0, instruments=())
    tab = Tab(Actions(Studio(settings), [duo]))
    for name, title in (("duo.wav", "duo"), ("audio.wav", "audio"), ('it\'s "four".wav', 'it\'s "four"')):
        tab.bring(write_song(tmp_path / "uploaded.wav", 0.5), name)
        assert tab.record.song is not None
        assert tab.record.song.title == title
    put = tab.tell("example", slug="duo")
    assert put["aside"] == texts.bring_back('it\'s "four"')
    assert put["song"][1]["path"] == str(song)
    list(tab.work())
    assert tab.shown.title == "Duo for two tones"
    list(tab.transcribe(song))
    tab.press()
    assert tab.tell("aside")["song"][1]["orig_name"] == 'it\'s "four".wav'


def test_others_wait_and_are_told_so(tab: Tab, song: Path) -> None:
    first = tab.transcribe(song)
    until(first, "Listening")
    second = Tab(tab.actions, "second").transcribe(song)
    until(second, texts.waiting(1))
    assert "Done" in said(list(first)[-1])
    assert "Done" in said(list(second)[-1])


def test_parts_of_an_adjustment_that_was_adjusted_again_are_not_played(tab: Tab, song: Path) -> None:
    list(tab.transcribe(song))
    tab.move(-1.0, -1.0)
    playing = tab.work()
    until(playing, texts.PLAYING)
    adjusted = tab.shown
    tab.move(-0.5, -1.0)
    newer = tab.work()
    steps = [next(newer), *playing, *newer]
    assert tab.shown.adjustment == Adjustment(onset=-0.5, frame=-1.0)
    assert not any(adjusted.key in step["player"] and json.loads(step["player"])["files"] for step in steps)


def test_parts_that_will_not_be_shown_are_not_played(tab: Tab, song: Path) -> None:
    steps = tab.transcribe(song)
    with_result(steps)
    first = tab.shown
    tab.move(-1.0)
    last = [*tab.work(), *steps][-1]
    assert tab.shown.adjustment == Adjustment(onset=-1.0)
    assert last["can_transcribe"] is True
    assert tab.actions.studio.with_parts(first).files_folder is None
    assert "mt-done" in said(last)


def test_parts_are_played_in_silence_while_another_song_is_asked_for(tab: Tab, song: Path, tmp_path: Path) -> None:
    notes_only(tab, song)
    tab.move(0.25, 0.5)
    playing = tab.work()
    until(playing, texts.PLAYING)
    (tmp_path / "letter.wav").write_text("Dear all")
    tab.bring(tmp_path / "letter.wav")
    tab.press()
    steps = list(playing)
    assert not any(texts.PLAYING in said(step) or "Done" in said(step) for step in steps)
    assert texts.FAILED_KEEPS in said(steps[-1])
    assert json.loads(steps[-1]["player"])["files"]["parts"]


def test_parts_that_nobody_plays_any_more_are_not_waited_for(tab: Tab, song: Path, tmp_path: Path) -> None:
    shown = notes_only(tab, song)
    (tmp_path / "letter.wav").write_text("Dear all")
    *_, failed = tab.transcribe(tmp_path / "letter.wav")
    assert tab.shown == shown
    assert failed["player"] == render.player_value(shown, has_sound=False)
    tab.move(0.25, 0.5)
    playing = tab.work()
    until(playing, texts.PLAYING)
    tab.bring(song)
    tab.press()
    stopped = tab.tell("stop")
    assert stopped["player"] == render.player_value(tab.shown), "somebody plays these"
    assert texts.STOPPED_KEEPS in said(stopped)
    tab.actions.visits.tell("somebody", visit.Left())
    assert tab.tell("stop")["player"] == render.player_value(tab.shown, has_sound=False)


def test_a_visitor_who_left_is_not_worked_for(tab: Tab, song: Path) -> None:
    steps = tab.transcribe(song)
    until(steps, "Listening")
    with suppress(StopIteration):
        tab.actions.leave(tab.visitor).send(None)
    list(steps)
    left = tab.record
    assert left.tasks == ()
    assert left.shown is None


def test_a_connection_that_is_lost_ends_the_work(tab: Tab, song: Path) -> None:
    tab.bring(song)
    tab.press()
    work = tab.actions.work(tab.visitor)
    next(work), next(work)
    work.close()
    assert tab.record.tasks == ()


def test_records_of_those_who_came_first_are_forgotten_when_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtinst.page.actions.MOST_VISITS", 2)
    visits = Visits()
    first = visits.tell("first", visit.Brought(1, "sent"))
    assert visits.tell("first") == first
    visits.tell("second"), visits.tell("third")
    anew = visits.tell("first")
    assert anew.file == 0
    assert anew.number > first.number, "and what is shown of the new one is newer"


def test_the_first_notes_come_while_the_rest_is_heard(tab: Tab, song: Path, settings: PageSettings) -> None:
    steps = tab.transcribe(song)
    partial = next(step for step in steps if step["player"])
    assert tab.record.shown is None, "a preview is no result"
    value = json.loads(partial["player"])
    assert (value["files"], value["partial"]) == (None, True)
    key, name = value["song"].split("/")[-2:]
    assert any(one["notes"] for one in json.loads((settings.cache / key / name).read_text())["instruments"])
    assert "so far" in partial["summary"]
    result = with_result(steps)
    assert json.loads(result["player"])["source"] == value["source"], "the player keeps its place"


def test_stop_during_a_first_song_leaves_nothing_on_the_page(tab: Tab, song: Path) -> None:
    steps = tab.transcribe(song)
    next(step for step in steps if step["player"])
    stopped = tab.tell("stop")
    assert (stopped["player"], stopped["summary"]) == (None, "")
    assert texts.STOPPED in said(stopped)
    assert [said(step) for step in steps] in ([], [said(stopped)]), "nothing is written over it"


def test_stop_while_the_parts_are_played_leaves_the_notes(tab: Tab, song: Path) -> None:
    steps = tab.transcribe(song)
    with_result(steps)
    stopped = tab.tell("stop")
    assert stopped["player"] == render.player_value(tab.shown, has_sound=False)
    assert texts.STOPPED_PLAYING in said(stopped)
    list(steps)
    list(tab.transcribe(song))
    assert tab.shown.files_folder is not None, "transcribing it again plays them"


def test_sliders_that_were_moved_for_nothing_go_back(tab: Tab, song: Path, tmp_path: Path) -> None:
    list(tab.transcribe(song))
    tab.move(0.25, 0.5)
    list(tab.work())
    steps = tab.transcribe(song)
    next(steps), next(steps)
    stopped = tab.tell("stop")
    (tmp_path / "letter.wav").write_text("Dear all")
    *_, failed = tab.transcribe(tmp_path / "letter.wav")
    before = 0
    for shown in (stopped, failed):
        put, values = shown["sliders"]
        assert put > before
        assert values[:2] == [0.25, 0.5]
        before = put


def test_nothing_is_adjusted_while_a_song_is_listened_to(tab: Tab, song: Path) -> None:
    shown = notes_only(tab, song)
    steps = tab.transcribe(write_song(song.with_name("other.wav"), 4.0))
    next(step for step in steps if step["player"])
    tab.move(-1.0)
    now = tab.record
    assert now.viewing is None
    assert now.shown == shown


def test_an_adjustment_before_the_parts_are_played_stays(tab: Tab, song: Path) -> None:
    steps = tab.transcribe(song)
    with_result(steps)
    tab.move(-1.0)
    list(tab.work()), list(steps)
    assert tab.shown.adjustment == Adjustment(onset=-1.0)


def test_the_defaults_come_back_with_one_click(tab: Tab, song: Path) -> None:
    list(tab.transcribe(song))
    first = tab.shown
    tab.move(-1.0)
    list(tab.work())
    assert tab.tell("reset")["sliders"][1][:3] == [0.0, 0.0, 60]
    list(tab.work())
    assert tab.shown == first


def test_a_link_brings_a_result_back_with_its_sliders(tab: Tab, song: Path, settings: PageSettings) -> None:
    notes_only(tab, song)
    sensitivity = (0.5, *NEUTRAL[1:])
    tab.move(-1.0, 0.5, 120, only=["violin", "cello"], sensitivity=sensitivity)
    list(tab.work())
    later = Tab(Actions(Studio(settings), []), "somebody else")  # as after a restart
    later.tell("link", key=tab.shown.key)
    *_, update = later.work()
    assert later.shown == tab.shown
    assert update["sliders"][1] == [-1.0, 0.5, 120, ["violin", "cello"], *sensitivity]


def test_a_tempo_that_is_said_comes_back_by_a_link_and_plays_nothing_anew(
    tab: Tab, song: Path, settings: PageSettings
) -> None:
    list(tab.transcribe(song))
    folder, said = tab.shown.files_folder, Timing(tempo=90.0, per_bar=3, bar_s=0.5)
    tab.tell("timing", source=tab.shown.source_key, timing=said.to_json())
    list(tab.work())
    assert tab.shown.adjustment == Adjustment(timing=said)
    assert tab.shown.files_folder == folder
    assert Studio(settings).open(tab.shown.key).adjustment == Adjustment(timing=said)
    heard = tab.actions.studio.transcription(tab.shown.source_key, tab.shown.adjustment)
    assert heard.beats is not None
    assert heard.beats.per_bar == 3
    tab.tell("timing", source=tab.shown.source_key, timing={"tempo": "allegro", "per_bar": None, "bar_s": None})
    list(tab.work())
    assert tab.shown.adjustment == Adjustment(timing=said)


@pytest.mark.parametrize("key", ["view-0", f"view-{32 * 'a'}", "../../secrets", "source-1"])
def test_a_link_to_nothing_is_a_sentence(tab: Tab, key: str) -> None:
    tab.tell("link", key=key)
    (update,) = tab.work()
    assert "no longer kept here" in said(update)
    assert tab.record.shown is None


def test_the_right_notes_give_scores_and_stay_through_adjustments(tab: Tab, song: Path, settings: PageSettings) -> None:
    first = notes_only(tab, song)
    assert first.scores is None
    reference = make(tab.actions.studio, first, offers()["midi"]).rename(song.with_name("right.mid"))
    tab.bring_notes(reference)
    list(tab.work())
    compared = tab.shown
    n_notes = sum(part.n_notes for part in first.parts)
    assert compared.scores == Scores(note_f1=1.0, note_instrument_f1=1.0, n_hit=n_notes, n_missed=0, n_extra=0)
    assert Studio(settings).open(compared.key).scores == compared.scores
    tab.move(-1.0)
    list(tab.work())
    assert tab.shown.scores is not None
    assert tab.shown.scores.n_missed > 0
    tab.bring_notes(None)
    list(tab.work())
    without = tab.shown
    assert without.scores is None
    list(tab.transcribe(song, reference))
    again = tab.shown
    assert again.scores == compared.scores


@pytest.mark.parametrize("is_for_that_song", [True, False])
def test_right_notes_that_come_while_a_song_is_listened_to(
    tab: Tab, song: Path, tmp_path: Path, is_for_that_song: bool
) -> None:
    write_midi([Note(0, 1, pitch=60)], tmp_path / "right.mid")
    other = tmp_path / "other.wav"
    sf.write(other, np.zeros(16_000), 16_000)
    steps = tab.transcribe(song)
    until(steps, "Listening")
    if not is_for_that_song:
        tab.bring(other)
    tab.bring_notes(tmp_path / "right.mid")
    assert any(texts.REFERENCE_READY in said(step) for step in list(tab.work()))
    list(steps), list(tab.work())
    assert (tab.shown.scores is not None) == is_for_that_song
    assert tab.shown.files_folder is not None


def test_another_kind_of_file_takes_the_place_of_a_song_and_of_its_right_notes(
    tab: Tab, song: Path, tmp_path: Path
) -> None:
    flac, notes = tmp_path / "song.flac", tmp_path / "right.mid"
    sf.write(flac, np.zeros(16_000), 16_000)
    write_midi([Note(0, 1, pitch=60)], notes)
    before = flac.read_bytes()
    tab.bring_notes(notes)
    list(tab.work())
    tab.bring(flac, is_played=False)
    assert texts.READING in said(tab.tell("nothing")), "it may take a while"
    *_, update = tab.work()
    assert texts.READY in said(update)
    assert tab.record.notes is not None, "right notes that were there first are for this song"
    assert flac.read_bytes() == before
    put = update["song"][1]["path"]
    assert Path(put) != flac
    assert load_audio(put).shape == (16_000,)
    tab.bring(song)
    update = tab.tell("nothing")
    assert update["notes"][1] is None
    assert update["aside"] == texts.bring_back("song"), "the song that was there can be brought back"
    back = tab.tell("aside")
    assert back["song"][1]["path"] == put
    assert back["notes"][1]["path"] == str(notes)


def test_a_copy_for_browsers_is_still_the_file_that_was_brought(tab: Tab, song: Path, tmp_path: Path) -> None:
    source = Path(shutil.copyfile(song, tmp_path / "its one.wav"))
    tab.bring(source, 'it\'s "one".wav', is_played=False)
    *_, update = tab.work()
    assert update["song"][1]["path"] != str(source)
    tab.press()
    list(tab.work())
    assert tab.shown.title == 'it\'s "one"'
    assert tab.shown.source_key == tab.actions.studio.source_key(source)


def test_midi_brought_as_a_song_goes_to_the_right_notes(tab: Tab, tmp_path: Path) -> None:
    right, empty = tmp_path / "right.mid", tmp_path / "empty.mid"
    write_midi([Note(0, 1, pitch=60)], right)
    tab.bring(right, is_played=False)
    *_, update = tab.work()
    assert update["notes"][1]["path"] == str(right)
    assert texts.went_to_right_notes("right.mid") in said(update)
    write_midi([], empty)
    tab.bring(empty, is_played=False)
    *_, update = tab.work()
    assert update["notes"][1]["path"] == str(right)
    assert "empty.mid has no notes" in said(update)


def test_a_visitor_says_how_a_song_is_tuned(tab: Tab, song: Path) -> None:
    *_, refused = tab.transcribe(song, tuning=300.0)
    assert texts.NO_SUCH_TUNING in said(refused)
    for tuning, words in ((415, "A = 415 Hz"), (0, "A = 44")):  # an empty field may come as 0
        *_, last = tab.transcribe(song, tuning=tuning)
        assert words in last["summary"]


def test_what_could_not_be_read_stands_in_the_summary() -> None:
    result = result_named("song")
    assert "could not be read" not in render.summary(result)
    summary = render.summary(replace(result, damage="0:04 of the file could not be read.", tuning_hz=442.1))
    assert "0:04 of the file could not be read." in summary
    assert "A = 442 Hz" in summary


def test_what_is_brought_during_work_does_not_speak_over_it(tab: Tab, song: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.webm"
    broken.write_bytes(b"no film")
    run = tab.transcribe(song)
    until(run, "Listening")
    tab.bring(broken, is_played=False)
    assert "Listening" in said(tab.tell("nothing"))
    *_, last = tab.work()
    assert "broken.webm" in said(last)
    assert "broken.webm" in said(list(run)[-1])


def test_what_is_gone_is_not_put_aside_and_does_not_come_back(tab: Tab, tmp_path: Path) -> None:
    songs = [write_song(tmp_path / f"{number}.wav", 0.5) for number in range(3)]
    tab.bring(songs[0])
    songs[0].unlink()
    tab.bring(songs[1])
    assert tab.record.aside is None
    tab.bring(songs[2])
    songs[1].unlink()
    update = tab.tell("aside")
    assert texts.ASIDE_GONE in said(update)
    assert update["aside"] is None
    assert update["song"][1]["path"] == str(songs[2])


def test_right_notes_for_a_song_that_is_not_on_the_page_wait(tab: Tab, song: Path, tmp_path: Path) -> None:
    write_midi([Note(0, 1, pitch=60)], tmp_path / "right.mid")
    tab.bring(song)
    tab.bring_notes(tmp_path / "right.mid")
    (update,) = tab.work()
    assert texts.REFERENCE_READY in said(update)
    assert tab.record.shown is None


@pytest.mark.parametrize("content", [b"no notes", None])
def test_a_bad_reference_is_a_sentence(tab: Tab, song: Path, tmp_path: Path, content: bytes | None) -> None:
    bad = tmp_path / "bad.mid"
    if content is None:
        write_midi([], bad)
    else:
        bad.write_bytes(content)
    tab.bring_notes(bad)
    (update,) = tab.work()
    assert "mt-error" in said(update)
    assert "bad.mid" in said(update)
    *_, last = tab.transcribe(song)
    assert "bad.mid" in said(last)


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
