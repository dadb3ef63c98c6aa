"""What a person does with the page, in Chromium: examples, listening, adjusting, editing, downloads."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pretty_midi
import pytest
import soundfile as sf

from mtinst.export.midi import read_midi
from mtinst.grid import INSTRUMENTS
from mtinst.hear.analysis import SILENT
from mtinst.sound.synth import synthesise
from tests.e2e.conftest import PATIENCE_S, Served, Watched
from tests.e2e.steps import (
    CLEAR,
    N_SAID,
    OF_LEAVING,
    PHONE,
    PLAYER,
    SHOWN,
    TITLE,
    assert_same_notes,
    bring,
    download,
    move,
    n_said,
    notes_of,
    pick_example,
    picture,
    press_transcribe,
    share_of_painted_pixels,
    shown_notes,
    state,
    wait_for_level,
    wait_for_view,
)
from tests.served import PROJECT
from tests.tiny import HEARD, RATE, write_song

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.e2e


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
    saved = page.request.get(page.locator('#mt-downloads a[href$="/corrections"]').evaluate("link => link.href")).json()
    assert len(saved["after"]) == len(saved["before"]) + 1
    assert given[1:] in [[pitch, onset] for onset, _, pitch, player, _ in saved["after"] if player == "trumpet"]
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
