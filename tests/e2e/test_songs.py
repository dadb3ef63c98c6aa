"""Songs of one's own on the page, in Chromium: brought, recorded, waited for, and mistakes on the way."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
import soundfile as sf

from mtinst.page import texts
from tests.e2e.conftest import PATIENCE_S, Served, Watched
from tests.e2e.steps import (
    CLEAR,
    PLAYER,
    bring,
    drop,
    n_said,
    open_other_file,
    pick_example,
    press_transcribe,
    record,
    start_transcribing,
    state,
    wait_until_done,
)
from tests.tiny import RATE, two_tones, write_song

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

pytestmark = pytest.mark.e2e


def test_a_song_of_ones_own_and_mistakes_on_the_way(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    page.get_by_role("button", name="Transcribe").click()
    page.wait_for_selector(".mt-error")
    assert "Choose a song first" in page.locator(".mt-error").inner_text()

    song = write_song(tmp_path / "Ünïcode ${song} 'four' {{x}}.wav", 4.0)
    bring(page, song)
    press_transcribe(page)
    title = page.locator("#mt-summary h2").inner_text()
    assert "four" in title
    assert state(page, "player.song.duration") == pytest.approx(4.0)
    assert watched.errors == []

    broken = tmp_path / "broken.webm"
    broken.write_bytes(b"not a film" * 50)
    drop(page, broken)
    page.wait_for_selector(".mt-error")
    sentence = page.locator(".mt-error").inner_text()
    assert sentence.startswith("broken.webm")
    assert "\n" not in sentence
    assert page.locator("#mt-summary h2").inner_text() == title, "a failure takes nothing away"

    pick_example(page, 1)
    assert page.locator("#mt-summary h2").inner_text() == "Second song"


def test_a_song_of_ones_own_is_put_aside_for_an_example(watched: Watched, tmp_path: Path, served: Served) -> None:
    page = watched.page
    aside = page.locator("#mt-aside")
    bring(page, write_song(tmp_path / "first.wav"))
    pick_example(page)
    assert aside.inner_text() == "Back to “first”"
    page.locator(CLEAR).first.click()
    bring(page, write_song(tmp_path / "second.wav"))
    aside.click()
    page.wait_for_selector("#mt-aside >> text=Back to “second”")
    press_transcribe(page)
    assert page.locator("#mt-summary h2").inner_text() == "first"
    pick_example(page)
    assert aside.inner_text() == "Back to “first”"
    for upload in served.log.parent.rglob("first.wav"):
        upload.unlink()
    aside.click()
    page.wait_for_selector("#mt-status >> text=That song is no longer kept here")
    assert aside.is_hidden()
    assert watched.errors == []


def test_a_film_of_another_kind_is_opened(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    path = tmp_path / "phone.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        samples = np.repeat(two_tones(2.0), 48_000 // RATE)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    open_other_file(page, path)
    page.wait_for_selector("#mt-status .mt-info >> text=Ready")
    press_transcribe(page)
    assert page.locator("#mt-summary h2").inner_text() == "phone"
    assert watched.errors == []


@pytest.mark.parametrize("suffix", ["aiff", "m4a", "mp4", "mov", "caf", "wma", "3gp", "opus"])
def test_files_of_every_kind_are_dropped_at_one_place(watched: Watched, tmp_path: Path, suffix: str) -> None:
    page = watched.page
    path = write_any(tmp_path / f'it\'s "one" {suffix}.{suffix}')
    drop(page, path)
    page.wait_for_selector("#mt-status .mt-info >> text=Ready")
    page.wait_for_selector("#mt-audio [data-testid=waveform-controls]")
    press_transcribe(page)
    assert page.locator("#mt-summary h2").inner_text() == path.stem
    assert "A = 4" in page.locator("#mt-summary").inner_text()
    assert page.locator(".toast-wrap").inner_text() == ""
    assert watched.errors == []


def write_any(path: Path) -> Path:
    """Two seconds of sound in a container that the name says."""
    samples = np.repeat(two_tones(2.0), 3)
    if path.suffix in (".aiff", ".caf"):
        sf.write(path, samples, 3 * RATE)
        return path
    codec = {".wma": "wmav2", ".opus": "libopus"}.get(path.suffix, "aac")
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=3 * RATE, layout="mono")
        stream.bit_rate = 96_000
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate = 3 * RATE
        resampler = av.AudioResampler(stream.format, "mono", 3 * RATE, stream.frame_size or 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    return path


def test_midi_and_letters_dropped_as_songs_get_a_word(watched: Watched, tmp_path: Path, served: Served) -> None:
    page = watched.page
    midi = shutil.copyfile(served.examples / "duo.mid", tmp_path / "the right ones.mid")
    drop(page, midi, "audio/midi")
    page.wait_for_selector("#mt-status >> text=the right ones.mid holds notes, not sound, and went to the right notes")
    page.wait_for_function("document.querySelector('#mt-reference').textContent.includes('right ones')")
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear all")
    drop(page, letter, "text/plain")
    page.wait_for_selector("#mt-status .mt-error >> text=letter.txt cannot be read as audio")
    pick_example(page)
    drop(page, midi)
    page.wait_for_selector("#mt-summary >> text=Against the right notes")
    assert watched.errors == []


def test_transcribe_waits_for_a_file_that_is_still_being_sent(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    held: list[Route] = []
    for name in ("slow.wav", "slow.m4a"):
        page.route("**/upload*", lambda route: held.append(route))
        song = write_song(tmp_path / name, 2.0) if name.endswith("wav") else write_any(tmp_path / name)
        page.locator("#mt-audio input[type=file]").set_input_files(song)
        page.wait_for_timeout(300)
        before = n_said(page)
        page.get_by_role("button", name="Transcribe").click()
        page.get_by_text("Sending the song").wait_for()
        page.wait_for_timeout(300)
        assert page.locator("#mt-status").get_by_text("Sending the song").is_visible()
        held.pop().continue_()
        page.unroute("**/upload*")
        wait_until_done(page, before)
        assert page.locator("#mt-summary h2").inner_text() == "slow"
        page.locator(CLEAR).first.click()
    assert watched.errors == []


def test_a_file_that_is_brought_while_another_is_still_sent_takes_its_place(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    held: list[Route] = []
    page.route("**/upload*", lambda route: held.append(route))
    first, second = (write_song(tmp_path / f"{name}.wav", 2.0) for name in ("first", "second"))
    drop(page, first, "audio/wav")
    drop(page, second, "audio/wav")
    page.get_by_text("Sending the song").wait_for()
    before = n_said(page)
    page.get_by_role("button", name="Transcribe").click()
    while len(held) < 2:
        page.wait_for_timeout(50)
    for route in reversed(held):
        route.continue_()
    wait_until_done(page, before)
    assert page.locator("#mt-summary h2").inner_text() == "second"
    assert watched.errors == []


def test_an_older_snapshot_never_replaces_a_newer_one(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("button", name="Transcribe").click()
    page.wait_for_selector(".mt-error")
    old = {"number": 1, "status": "old", "summary": "", "downloads": "", "player": None, "sliders": [1, [0] * 15]}
    changes = page.evaluate("(old) => window.mtinst.page.show(old)", json.dumps(old))
    assert changes == [{"__type__": "update"}] * 21
    assert "Choose a song first" in page.locator("#mt-status").inner_text()


def test_transcribe_waits_for_a_recording_that_goes_on(watched: Watched) -> None:
    page = watched.page
    page.locator("#mt-audio").get_by_label("Record audio").click()
    page.locator("#mt-audio").get_by_role("button", name="Record", exact=True).click()
    stop = page.locator("#mt-audio").get_by_role("button", name="Stop", exact=True).first
    stop.wait_for()
    before = n_said(page)
    page.get_by_role("button", name="Transcribe").click()
    page.get_by_text("Still recording").wait_for()
    page.wait_for_timeout(300)
    stop.click()
    wait_until_done(page, before)
    assert page.locator("#mt-summary h2").inner_text() == "Recording"


def test_a_trimmed_song_keeps_its_name_and_one_called_audio_stays_so(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    bring(page, write_song(tmp_path / "audio.wav", 4.0))
    press_transcribe(page)
    assert page.locator("#mt-summary h2").inner_text() == "audio"
    page.locator("#mt-audio").get_by_label("Trim").first.click()
    handle = page.locator("#mt-audio [part*=region-handle-right]").first
    handle.wait_for()
    box = handle.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] - 60, box["y"] + 10, steps=5)
    page.mouse.up()
    with page.expect_response("**/upload*"):
        page.locator("#mt-audio").get_by_role("button", name="Trim", exact=True).first.click()
    page.wait_for_selector("#mt-status .mt-info >> text=Ready")
    press_transcribe(page)
    assert page.locator("#mt-summary h2").inner_text() == "audio, trimmed"
    assert watched.errors == []


def test_a_tuning_can_be_said(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    bring(page, write_song(tmp_path / "low.wav", 2.0))
    tuning = page.locator("#mt-tuning input")
    tuning.fill("300")
    page.get_by_role("button", name="Transcribe").click()
    page.wait_for_selector("#mt-status .mt-error")
    assert page.locator("#mt-status .mt-error").inner_text() == texts.NO_SUCH_TUNING
    tuning.fill("415")
    tuning.press("Tab")
    press_transcribe(page)
    assert "A = 415 Hz" in page.locator("#mt-summary").inner_text()
    tuning.fill("")
    tuning.press("Tab")
    press_transcribe(page)
    assert "A = 415 Hz" not in page.locator("#mt-summary").inner_text()
    assert watched.errors == []


def test_right_notes_chosen_first_stay_when_one_goes_to_the_microphone(
    watched: Watched, tmp_path: Path, served: Served
) -> None:
    page = watched.page
    page.locator("#mt-reference input[type=file]").set_input_files(served.examples / "duo.mid")
    page.wait_for_selector("#mt-status .mt-info")
    page.get_by_role("button", name="Record audio").first.click()
    page.wait_for_timeout(500)
    assert "duo" in page.locator("#mt-reference").inner_text()
    page.get_by_role("button", name="Upload file").first.click()
    page.wait_for_timeout(500)
    bring(page, write_song(tmp_path / "a song.wav", 2.0))
    assert "duo" in page.locator("#mt-reference").inner_text()
    page.locator(CLEAR).first.click()
    page.wait_for_function("!document.querySelector('#mt-reference').textContent.includes('duo')")
    assert watched.errors == []


def test_stop_stops_and_keeps_what_was_there(watched: Watched, tmp_path: Path, served: Served) -> None:
    page = watched.page
    pick_example(page)
    page.locator(CLEAR).first.click()
    bring(page, write_song(tmp_path / "one minute.wav", 60.0))
    with served.standstill():
        start_transcribing(page)
        pointer = "getComputedStyle(document.getElementById('mt-adjust')).pointerEvents"
        adjusting = [page.evaluate(pointer)]
        page.get_by_role("button", name="Stop").click()
        page.wait_for_selector("#mt-status .mt-info >> text=Stopped.")
        adjusting.append(page.evaluate(pointer))
        page.wait_for_timeout(1000)  # a later step of the song must not write over that line
        assert "Stopped." in page.locator("#mt-status").inner_text()
    assert adjusting == ["none", "auto"], "another song has nothing to adjust yet"
    assert page.locator("#mt-summary h2").inner_text() == "Duo for “two” tones"
    page.wait_for_function(f"Math.abs({PLAYER}.song?.duration - 30) < 0.01")  # no longer the preview of the other
    pick_example(page, 1)  # which it could not be, were the other still worked on
    assert page.locator("#mt-summary h2").inner_text() == "Second song"
    assert "Traceback" not in served.log.read_text()


def test_another_choice_stops_the_one_before(watched: Watched, tmp_path: Path, served: Served) -> None:
    page = watched.page
    bring(page, write_song(tmp_path / "fifty seconds.wav", 50.0))
    with served.standstill():
        start_transcribing(page)
        page.locator(".mt-example").nth(1).click()
        page.wait_for_function("!document.querySelector('#mt-status').textContent.includes('of 0:50')")
    page.wait_for_function("document.querySelector('#mt-summary h2')?.textContent === 'Second song'")
    wait_until_done(page, 0)
    page.wait_for_function("document.querySelector('#mt-stop').disabled")
    assert page.locator("#mt-summary h2").inner_text() == "Second song"
    assert watched.errors == []


@pytest.mark.parametrize("how", ["closes the tab", "loads the page anew"])
def test_who_waits_is_told_so_and_comes_when_the_other_leaves(
    watched: Watched, browser: "Browser", tmp_path: Path, served: Served, how: str
) -> None:
    other = browser.new_context().new_page()
    other.set_default_timeout(PATIENCE_S * 1000)
    other.goto(served.url)
    other.wait_for_selector(".mt-example")
    # Of another length each time, for a song that the page knows has nothing to wait for.
    bring(other, write_song(tmp_path / f"who {how}.wav", 40.0 + len(how)))
    bring(watched.page, write_song(tmp_path / f"until one {how}.wav", 12.0 + len(how)))
    with served.standstill():
        start_transcribing(other)
        watched.page.get_by_role("button", name="Transcribe").click()
        watched.page.wait_for_selector("#mt-status >> text=Waiting: 1 song before yours")
        if how == "closes the tab":
            other.close()
        else:
            other.reload()
        watched.page.wait_for_selector("#mt-status .mt-working >> text=Listening: 0:")
    watched.page.wait_for_selector("#mt-status .mt-done")
    other.context.close()
    assert watched.errors == []


def test_a_files_name_is_only_a_name(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    for name in ("<img src=x onerror=hurt=1>'&quot;.wav", '"><svg onload=hurt=1>${hurt=1}{{hurt=1}}`.wav'):
        bring(page, write_song(tmp_path / "song.wav").rename(tmp_path / name))
        press_transcribe(page)
        assert page.locator("#mt-summary h2 *").count() == 0
        page.locator(CLEAR).first.click()
        letter = tmp_path / f"letter {name}.txt"
        letter.write_text("Dear all")
        open_other_file(page, letter)
        page.wait_for_selector("#mt-status .mt-error")
        assert page.locator("#mt-status .mt-error :is(span, bdi) *").count() == 0
    assert page.evaluate("typeof hurt") == "undefined"
    assert watched.outside == []


def test_a_recording_from_the_microphone(watched: Watched) -> None:
    page = watched.page
    record(page)
    press_transcribe(page)
    assert page.locator("#mt-summary h2").inner_text() == "Recording"


def test_a_recording_that_is_still_being_sent_is_waited_for(watched: Watched) -> None:
    page = watched.page
    held: list[Route] = []
    page.route("**/upload", lambda route: held.append(route))
    record(page)
    before = n_said(page)
    page.get_by_role("button", name="Transcribe").click()
    page.get_by_text("Sending the recording").wait_for()
    page.wait_for_timeout(500)  # in which it was asked for a song before
    assert n_said(page) == before
    held[0].continue_()
    wait_until_done(page, before)
    assert page.locator("#mt-summary h2").inner_text() == "Recording"


def test_a_recording_is_sent_again_where_the_connection_was_lost(watched: Watched) -> None:
    page = watched.page
    page.route("**/upload", lambda route: route.abort(), times=2)
    record(page)
    press_transcribe(page)
    assert page.locator("#mt-summary h2").inner_text() == "Recording"


def test_a_recording_that_cannot_be_sent_is_said_and_makes_room_for_another(watched: Watched, served: Served) -> None:
    page = watched.page
    page.route("**/upload", lambda route: route.fulfill(status=413), times=1)
    with page.expect_response("**/upload"):
        record(page)
    page.locator("#mt-reference input[type=file]").set_input_files(served.examples / "duo.mid")
    page.wait_for_function("document.querySelector('#mt-reference').textContent.includes('duo')")
    page.wait_for_selector("#mt-status .mt-info")
    page.get_by_role("button", name="Transcribe").click()
    page.wait_for_selector("#mt-status .mt-error")
    assert page.locator("#mt-status .mt-error").inner_text() == texts.NOT_SENT
    record(page)
    press_transcribe(page)
    assert page.locator("#mt-summary h2").inner_text() == "Recording"
