"""What a person does with the page, in Chromium: examples, own songs, listening, adjusting, downloads, mistakes."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pretty_midi
import pytest
import soundfile as sf

from mtinst.export.midi import read_midi
from mtinst.grid import INSTRUMENTS
from mtinst.hear.analysis import SILENT
from mtinst.page import texts
from mtinst.sound.synth import synthesise
from tests.e2e.conftest import PATIENCE_S, SCREENSHOTS, Served, Watched
from tests.served import PROJECT
from tests.tiny import HEARD, RATE, two_tones, write_song

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Route

pytestmark = pytest.mark.e2e

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


def test_an_example_is_seen_and_heard(watched: Watched) -> None:
    page = watched.page
    picture(page, "desktop-empty")
    assert page.locator(".mt-example b").all_inner_texts() == ["Duo for “two” tones", "Second song"]
    pick_example(page)
    assert page.locator("#mt-summary h2").inner_text() == "Duo for “two” tones"
    assert page.locator("#mt-empty").is_hidden()

    rows = page.locator(".mtp-row")
    assert 1 <= rows.count() <= len(HEARD)
    for canvas in (".mtp-notes", ".mtp-activity", ".mtp-pitches"):
        assert share_of_painted_pixels(page, canvas) > 0.02
    counts = state(page, "player.song.instruments.filter((one) => one.notes.length).map((one) => one.notes.length)")
    assert rows.locator("small").all_inner_texts() == [f"{count} notes" for count in counts]

    page.locator(".mtp-play").click()
    page.wait_for_function(f"{PLAYER}.mixer.position > 0.4")
    first = rows.first.get_attribute("data-part")
    wait_for_level(page, first or "")
    picture(page, "desktop-playing")
    rows.first.get_by_role("button", name="Solo").click()
    others = state(
        page, f"[...player.mixer.parts.keys()].filter((name) => name !== '{first}' && player.mixer.isHeard(name))"
    )
    assert others == []
    state(page, "player.seek(0)")  # the song may be near its end by now, where it stops by itself
    page.locator(".mtp-play[aria-label=Pause]").click()
    assert state(page, "player.mixer.playing") is False
    picture(page, "desktop-solo")
    page.locator(".mtp-notes").click(position={"x": 700, "y": 200})
    assert state(page, "player.mixer.position") == pytest.approx(
        state(page, "player.lanes.start + (700 - player.lanes.gutter) / player.lanes.scale"), abs=0.02
    )
    assert watched.errors == []
    assert watched.outside == []


def test_the_song_itself_and_its_notes_are_one_slider_apart(watched: Watched) -> None:
    page = watched.page
    pick_example(page)
    page.get_by_role("button", name="The song itself").click()
    page.locator(".mtp-play").click()
    wait_for_level(page, "original")
    parts = state(page, "[...player.mixer.parts.keys()].map((name) => player.mixer.level(name))")
    assert max(parts) < 0.01
    page.locator(".mtp-row").first.get_by_role("button", name="Solo").click()
    assert state(page, "player.mixer.fade") == 1, "who wants a part alone does not want the song over it"


def test_downloads_hold_the_same_notes_as_the_picture(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    pick_example(page)
    labels = ("MIDI", "Parts", "All parts", "Picture", "Data", "Table")
    files = {
        label: download(page, page.locator(".mt-download").filter(has=page.get_by_text(label, exact=True)), tmp_path)
        for label in labels
    }
    title = "Duo for “two” tones"
    assert [path.name for path in files.values()] == [
        f"{title}{tail}"
        for tail in (".mid", " - parts (flac).zip", " - all parts.flac", ".png", ".npz", " - notes.csv")
    ]
    notes = notes_of(files["MIDI"])
    assert_same_notes(notes, shown_notes(page))
    players = {name for name, *_ in notes}
    with zipfile.ZipFile(files["Parts"]) as archive:
        assert {Path(name).stem for name in archive.namelist()} == players
    assert sf.info(files["All parts"]).duration == pytest.approx(30, abs=0.01)
    assert files["Picture"].read_bytes().startswith(b"\x89PNG")
    with np.load(files["Data"]) as arrays:
        assert len(arrays["notes"]) == len(notes)
    assert len(files["Table"].read_text().splitlines()) == len(notes) + 1
    page.locator(".mt-more summary", has_text="Other formats").click()
    player = next(row for row in INSTRUMENTS if row.name in players)
    for kind, check in (("MIDI", b"MThd"), ("WAV", b"RIFF")):
        path = download(page, page.get_by_role("link", name=f"{player.label}, {kind}", exact=True), tmp_path)
        assert path.name.startswith(f"{title} - {player.label.lower()}.")
        assert path.read_bytes().startswith(check)
    assert b"<svg" in download(page, page.get_by_role("link", name=re.compile("SVG")).first, tmp_path).read_bytes()
    assert watched.errors == []
    assert watched.outside == []


def test_a_threshold_moves_what_is_drawn_heard_and_downloaded_alike(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    pick_example(page)
    before = shown_notes(page)
    before_heard = state(page, "player.shownFiles")
    move(page, "#mt-onset", -1.5)
    page.wait_for_function(f"{PLAYER}.shownFiles && {PLAYER}.shownFiles !== {json.dumps(before_heard)}")
    wait_for_view(page)
    drawn = shown_notes(page)
    assert len(drawn) < len(before)
    path = download(page, page.locator(".mt-download").first, tmp_path)
    assert_same_notes(notes_of(path), drawn)
    stems = synthesise(read_midi(path), duration_s=state(page, "player.song.duration"))
    parts = json.loads(state(page, "player.shownFiles"))["parts"]
    assert set(parts) == set(stems)
    for name, url in parts.items():
        heard, _ = sf.read(BytesIO(page.request.get(page.url.partition("?")[0] + url).body()), dtype="float32")
        np.testing.assert_allclose(heard, stems[name], atol=1e-4)
    page.get_by_role("button", name="Back to the defaults").click()
    page.wait_for_function(f"{PLAYER}.shownFiles === {json.dumps(before_heard)}")
    assert_same_notes(shown_notes(page), before)
    assert watched.errors == []


def wait_for_view(page: "Page") -> None:
    """Until the page's link is that of the notes in the player: no slider is on its way any more."""
    page.wait_for_function(
        f"{PLAYER}.shownSong.includes(document.querySelector('[data-song]')?.dataset.song ?? 'nothing')"
    )


def test_the_shortest_note_and_each_instrument_can_be_set(watched: Watched) -> None:
    page = watched.page
    pick_example(page)
    before = shown_notes(page)
    move(page, "#mt-shortest", 180)
    page.wait_for_function(
        f"{PLAYER}.song.instruments.every((one) => one.notes.every((n) => n.offset - n.onset > 0.17))"
    )
    page.get_by_role("button", name="Back to the defaults").click()
    page.wait_for_function(
        f"({{ notes }}) => (() => {{ const player = {PLAYER}; return {SHOWN}; }})().length === notes",
        arg={"notes": len(before)},
    )
    page.get_by_role("button", name="More: each instrument by itself").click()
    name = before[0][0]
    move(page, f"#mt-each-{name}", -3)
    assert sum(note[0] == name for note in shown_notes(page)) < sum(note[0] == name for note in before)
    assert watched.errors == []


def test_a_link_brings_the_result_back(watched: Watched, served: Served) -> None:
    page = watched.page
    pick_example(page)
    others = page.locator("#mt-downloads details")
    others.locator("summary").click()
    move(page, "#mt-onset", -0.5)
    wait_for_view(page)
    assert others.get_attribute("open") is not None, "what was unfolded stays so"
    page.wait_for_function(
        "new URL(location).searchParams.get('song') === document.querySelector('[data-song]').dataset.song"
    )
    notes, address = shown_notes(page), page.url
    page.reload()
    page.wait_for_function(f"{TITLE} === 'Duo for “two” tones'")
    page.wait_for_function(f"{PLAYER}?.mixer.isReady")
    assert_same_notes(shown_notes(page), notes)
    assert page.locator("#mt-onset input[type=range]").input_value() == "-0.5"
    page.goto(f"{served.url}?song=view-{'0' * 32}")
    page.wait_for_selector("#mt-status .mt-error >> text=no longer kept here")
    page.goto(address)
    page.wait_for_function(f"{TITLE} === 'Duo for “two” tones'")
    # Leaving a page breaks off what Gradio was still asking for, and it complains of that.
    assert [error for error in watched.errors if not error.startswith(OF_LEAVING)] == []


def test_what_was_half_heard_is_added_and_what_is_another_s_is_given_to_it(watched: Watched) -> None:
    page = watched.page
    pick_example(page)
    page.get_by_role("button", name="Ghosts").click()
    page.wait_for_function(f"{PLAYER}.ghosts.shown.notes.length")
    n_before, n_ghosts = len(shown_notes(page)), state(page, "player.ghosts.shown.notes.length")
    ghost = state(page, "player.ghosts.shown.notes.slice(0, 1).flatMap((n) => [n.instrument.name, n.pitch, n.onset])")
    page.keyboard.press("g")
    page.keyboard.press("Enter")
    assert ghost in [list(note[:3]) for note in shown_notes(page)]
    page.keyboard.press("w")
    shares = page.get_by_role("dialog", name="Who plays this note")
    shares.get_by_role("button", name="Trumpet").click()
    given = ["trumpet", *ghost[1:]]
    assert given in [list(note[:3]) for note in shown_notes(page)]
    page.wait_for_function(f"JSON.stringify({PLAYER}.song.edits).includes('trumpet')")
    wait_for_view(page)
    assert state(page, "player.ghosts.shown.notes.length") < n_ghosts
    move(page, "#mt-frame", 0.5)
    wait_for_view(page)
    page.wait_for_function(f"{PLAYER}.ghosts.url === {PLAYER}.value.ghosts")
    assert given in [list(note[:3]) for note in shown_notes(page)], "a slider leaves what was done by hand"
    page.get_by_role("button", name="Back to the defaults").click()
    page.wait_for_function(f"{PLAYER}.song.notes.notes.length === {n_before + 1}")
    wait_for_view(page)
    page.reload()
    page.wait_for_function(f"{PLAYER}?.song?.notes.notes.length === {n_before + 1}")
    assert given in [list(note[:3]) for note in shown_notes(page)]
    assert [error for error in watched.errors if not error.startswith(OF_LEAVING)] == []


IN_SIGHT = """selectors => selectors.map((one) => [one, [...document.querySelectorAll(one)].every((element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
})])"""
CONTROLS = "#mt-results :is(.mtp button, .mtp input, .mtp canvas:not(.mtp-now), #mt-adjust button, #mt-adjust input)"
COVERED = """(controls) => [...document.querySelectorAll(controls)].filter((element) => {
    element.scrollIntoView({ block: 'center', behavior: 'instant' });
    const { left, top, width, height } = element.getBoundingClientRect();
    const found = document.elementFromPoint(left + width / 2, top + height / 2);
    return element.checkVisibility() && !(element.contains(found) || found?.contains(element));
}).map((element) => element.className)"""


@pytest.mark.parametrize("watched", [{"viewport": {"width": 1280, "height": 800}}], indirect=True)
def test_all_that_is_played_and_adjusted_with_is_on_one_screen(watched: Watched) -> None:
    page = watched.page
    pick_example(page)
    page.wait_for_timeout(1000)  # it scrolls there
    desk = (".mtp-play", ".mtp-notes", ".mtp-edit", ".mtp-solo", ".mtp-mute", "#mt-onset", "#mt-frame", "#mt-shortest")
    assert page.evaluate(IN_SIGHT, desk) == [[one, True] for one in desk]
    page.locator(".mtp-pitches").evaluate("one => one.scrollIntoView({ block: 'end', behavior: 'instant' })")
    staying = (".mtp-play", ".mtp-fader", "#mt-onset", "#mt-frame", "#mt-shortest")
    assert page.evaluate(IN_SIGHT, staying) == [[one, True] for one in staying]
    assert page.evaluate(COVERED, CONTROLS) == []
    assert watched.errors == []


@pytest.mark.parametrize(
    "watched", [PHONE | {"viewport": {"width": w, "height": h}} for w, h in ((375, 667), (667, 375))], indirect=True
)
def test_nothing_covers_anything_on_a_phone(watched: Watched) -> None:
    page = watched.page
    pick_example(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(COVERED, CONTROLS) == []
    assert watched.errors == []


def test_the_right_notes_are_compared(watched: Watched, tmp_path: Path, served: Served) -> None:
    page = watched.page
    pick_example(page)
    assert "Against the right notes: " in page.locator(".mt-scores").inner_text()
    assert state(page, "player.song.reference.notes !== undefined")
    has_notes = "document.querySelector('#mt-reference').textContent.includes('duo')"
    page.wait_for_function(has_notes)
    pick_example(page, 1)
    page.wait_for_function(f"!{has_notes}")
    pick_example(page)
    page.wait_for_timeout(500)
    assert page.evaluate(has_notes)
    press_transcribe(page)  # an example is in its place like a song of one's own
    assert page.locator(".mt-scores").count() == 1
    right = download(page, page.locator(".mt-download").first, tmp_path)  # what it found itself
    bad = tmp_path / "bad.mid"
    bad.write_bytes(b"no notes")

    page.locator(CLEAR).first.click()
    bring(page, Path(shutil.copyfile(served.examples / "duo.ogg", tmp_path / "mine.ogg")))
    press_transcribe(page)
    assert page.locator(".mt-scores").count() == 0
    before = n_said(page)
    page.locator("#mt-reference input[type=file]").set_input_files(bad)
    page.wait_for_function(f"{N_SAID} > {before}")
    assert page.locator("#mt-status .mt-error").inner_text() == "bad.mid cannot be read as MIDI."
    page.locator("#mt-reference button[aria-label*='lear']").first.click()
    page.wait_for_selector("#mt-reference input[type=file]", state="attached")
    page.locator("#mt-reference input[type=file]").set_input_files(right)
    page.wait_for_selector(".mt-scores")
    assert "0 missed, 0 too many. F1 100 % of notes" in page.locator(".mt-scores").inner_text()
    assert watched.errors == []


def test_the_first_notes_are_seen_while_the_rest_is_heard(watched: Watched, tmp_path: Path, served: Served) -> None:
    page = watched.page
    bring(page, write_song(tmp_path / "forty seconds.wav", 40.0))
    with served.standstill():
        page.get_by_role("button", name="Transcribe").click()
        page.wait_for_selector(".mt-partial >> text=forty seconds")
        page.wait_for_function(f"{PLAYER}.song?.instruments.some((one) => one.notes.length)")
        assert state(page, "player.song.duration") == pytest.approx(40)
        page.wait_for_selector("#mt-status .mt-left >> text=left")
        picture(page, "desktop-partial")
        page.get_by_role("button", name="Stop").click()
        page.wait_for_selector("#mt-status .mt-info >> text=Stopped.")
        page.wait_for_selector("#mt-empty .mt-empty")
    assert page.locator(".mt-summary").count() == 0
    assert watched.errors == []


def test_a_song_without_notes_says_so(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    sf.write(tmp_path / "nothing.wav", np.zeros(3 * RATE), RATE)
    bring(page, tmp_path / "nothing.wav")
    press_transcribe(page)
    assert page.locator(".mt-verdict").inner_text() == SILENT
    assert page.locator(".mtp-row").count() == 0
    assert page.locator(".mt-download").all_inner_texts() != []
    picture(page, "desktop-silence")
    assert watched.errors == []


def test_the_second_of_two_quick_clicks_counts(watched: Watched) -> None:
    page = watched.page
    page.evaluate(
        """() => {
        const [first, second] = document.querySelectorAll('.mt-example');
        first.click();
        setTimeout(() => second.click(), 30);
        }"""
    )
    page.wait_for_function(f"{TITLE} === 'Second song' && document.querySelector('.mt-done')")
    page.wait_for_function("document.querySelector('#mt-stop').disabled")
    page.wait_for_function(f"{PLAYER}.mixer.isReady && Math.abs({PLAYER}.song.duration - 2) < 0.01")
    assert page.evaluate(TITLE) == "Second song"
    assert watched.errors == []


def test_adjusting_changes_notes_without_losing_the_place(watched: Watched) -> None:
    page = watched.page
    pick_example(page)
    names = page.locator(".mtp-row").evaluate_all("rows => rows.map((row) => row.dataset.part)")
    label = next(row.label for row in INSTRUMENTS if row.name == names[0])
    state(page, "player.seek(1.5)")
    page.locator("#mt-only").get_by_label(label, exact=True).uncheck()
    page.wait_for_function(f"document.querySelectorAll('.mtp-row').length === {len(names) - 1}")
    page.wait_for_function(f"{PLAYER}.mixer.parts.size === {len(names) - 1}")
    assert state(page, "player.mixer.position") == pytest.approx(1.5)
    page.get_by_role("button", name="Back to the defaults").click()
    page.wait_for_function(f"document.querySelectorAll('.mtp-row').length === {len(names)}")
    assert page.locator("#mt-only").get_by_label(label, exact=True).is_checked()
    assert watched.errors == []


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
        page.get_by_role("button", name="Transcribe").click()
        page.wait_for_selector("#mt-status .mt-working >> text=Listening: 0:0")
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
        page.get_by_role("button", name="Transcribe").click()
        page.wait_for_selector("#mt-status .mt-working >> text=Listening: 0:0")
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
    # Of another length each time, for a song that the page knows has nothing to wait for.
    bring(other, write_song(tmp_path / f"who {how}.wav", 40.0 + len(how)))
    bring(watched.page, write_song(tmp_path / f"until one {how}.wav", 12.0 + len(how)))
    with served.standstill():
        other.get_by_role("button", name="Transcribe").click()
        other.wait_for_selector("#mt-status .mt-working >> text=Listening: 0:0")
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


def record(page: "Page") -> None:
    """Record a moment of Chromium's own microphone, until it is seen; it may not have been sent yet."""
    page.locator("#mt-audio").get_by_label("Record audio").click()
    page.locator("#mt-audio").get_by_role("button", name="Record", exact=True).click()
    stop = page.locator("#mt-audio").get_by_role("button", name="Stop", exact=True).first
    stop.wait_for()
    page.wait_for_timeout(500)  # of recording; any length would do
    stop.click()
    page.wait_for_selector(CLEAR)


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


@pytest.mark.parametrize("watched", [PHONE, PHONE | {"color_scheme": "dark"}], indirect=True, ids=["light", "dark"])
def test_a_phone_needs_no_sideways_scroll(watched: Watched, request: pytest.FixtureRequest) -> None:
    page = watched.page
    pick_example(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    too_small = page.locator(".mtp-bar button, .mtp-row button, .mtp-zoom button").evaluate_all(
        "all => all.filter((one) => one.getBoundingClientRect().height < 36).map((one) => one.className)"
    )
    assert too_small == []
    picture(page, f"phone-{request.node.callspec.id}")
    assert watched.errors == []


@pytest.mark.parametrize("watched", [{"color_scheme": "dark"}], indirect=True)
def test_the_dark_page_has_dark_pictures(watched: Watched) -> None:
    page = watched.page
    pick_example(page)
    picture(page, "desktop-dark")
    assert state(page, "player.lanes.palette.isDark") is True
    assert watched.errors == []


def test_every_control_has_a_name(watched: Watched) -> None:
    page = watched.page
    pick_example(page)
    controls = page.locator(".mtp button, .mtp input, .mtp canvas[role], .mt-example, .mt-download, .mt-take")
    nameless = controls.evaluate_all(
        """all => all.filter((one) => !one.ariaLabel && !one.textContent.trim() && !one.labels?.length)
        .map((one) => one.outerHTML)"""
    )
    assert controls.count() > 10
    assert nameless == []


def test_a_port_that_is_taken_ends_the_program_with_one_line(served: Served) -> None:
    environment = os.environ | {"PORT": served.url.rstrip("/").rpartition(":")[2]}
    ended = subprocess.run(
        [sys.executable, "app.py"], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("The page cannot be served on port")


def test_a_note_put_right_by_hand_is_so_in_files_and_after_a_reload(watched: Watched) -> None:
    page = watched.page
    pick_example(page)
    before, song = shown_notes(page), state(page, "player.shownSong")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.keyboard.press("n")
    page.keyboard.press("Delete")
    page.wait_for_function(f"{PLAYER}.shownSong !== {json.dumps(song)}")
    wait_for_view(page)
    after = shown_notes(page)
    assert len(after) == len(before) - 1
    table = page.request.get(page.locator('#mt-downloads a[href$="/notes.csv"]').evaluate("link => link.href"))
    assert len(table.text().splitlines()) == 1 + len(after)
    page.reload()
    page.wait_for_function(f"{PLAYER}?.mixer.isReady")
    assert_same_notes(shown_notes(page), after)
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("button", name="As it was").click()
    page.wait_for_function(f"{PLAYER}.shownSong === {json.dumps(song)}")
    assert_same_notes(shown_notes(page), before)
    assert [error for error in watched.errors if not error.startswith(OF_LEAVING)] == []


def test_a_tempo_halved_is_so_in_the_score_in_files_and_after_a_reload(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    pick_example(page)
    notes, parts = shown_notes(page), state(page, "player.shownFiles")
    page.get_by_label("Tempo", exact=True).fill("144")
    page.get_by_label("Tempo", exact=True).press("Enter")
    page.wait_for_function(f"Math.abs({PLAYER}.song.beats?.tempo / 144 - 1) < 0.1")
    tempo = state(page, "player.timing.tempo")
    page.get_by_role("button", name="Half", exact=True).click()
    page.get_by_label("Beats a bar").select_option("3")
    page.wait_for_function(f"Math.abs({PLAYER}.song.beats.tempo / {tempo} - 0.5) < 0.05")
    page.wait_for_function(f"{PLAYER}.song.beats.per_bar === 3")
    wait_for_view(page)
    tempo = state(page, "player.song.beats.tempo")
    assert (shown_notes(page), state(page, "player.shownFiles")) == (notes, parts), "only the beats are others"

    page.locator(".mtp-score summary").click()
    page.locator(".mtp-sheets g.note").last.wait_for()
    assert f"=\N{NO-BREAK SPACE}{round(tempo)}" in page.locator(".mtp-sheets").inner_text()
    page.locator(".mtp-sheets g.notehead").last.click(force=True)  # it may be hollow
    page.locator(".mtp-sheets .is-sounding").first.wait_for()
    assert state(page, "player.mixer.position") > 0
    state(page, "(player.seek(0), player.toggle(), 0)")
    page.wait_for_function("document.querySelector('.mtp-sheets .is-sounding')")
    state(page, "(player.toggle(), 0)")

    def taken(slug: str) -> Path:
        path = tmp_path / slug
        link = page.locator(f'#mt-downloads a[href$="/{slug}"]').first
        path.write_bytes(page.request.get(link.evaluate("one => one.href")).body())
        return path

    assert f"<per-minute>{round(tempo)}</per-minute>" in taken("musicxml").read_text("utf-8")
    midi = pretty_midi.PrettyMIDI(str(taken("midi")))
    assert midi.time_signature_changes[-1].numerator == 3
    assert np.median(midi.get_tempo_changes()[1]) == pytest.approx(tempo, rel=0.02)
    page.reload()
    page.wait_for_function(f"{PLAYER}?.mixer.isReady")
    assert state(page, "player.song.beats.tempo") == tempo
    page.get_by_role("button", name="As estimated").click()
    page.wait_for_function(f"{PLAYER}.song.beats?.tempo !== {tempo}")
    assert [error for error in watched.errors if not error.startswith(OF_LEAVING)] == []
