"""The player by itself, in Chromium: a song that is known to the sample, real clicks and keys, and what they do."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile as sf

from mtinst.compare import compare_notes
from mtinst.edits import edited, edits_from_json
from mtinst.grid import INSTRUMENT_INDEX, SPEC, FloatArray
from mtinst.page import player
from mtinst.page.layout import STYLE
from mtinst.page.player.song import PROBABILITIES, song_record, write_probabilities
from mtinst.records import Note, Rolls, Thresholds
from mtinst.transcription import Transcription
from tests.e2e.conftest import Tabs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Position, Route

pytestmark = pytest.mark.e2e

RATE = 32_000
DURATION_S = 20.0
TONES_HZ = {"piano": 220.0, "violin": 440.0, "flute": 880.0}
RAMP = 0.9  # what the song itself, whose samples say where they are, has come to in the end
PHONE = {"has_touch": True, "is_mobile": True}


@dataclass
class Stand:
    """A page with the player alone, and everything it should not have done."""

    page: "Page"
    origin: str
    errors: list[str]
    outside: list[str]

    def state(self, expression: str) -> Any:
        """A JavaScript expression about `player`."""
        return self.page.evaluate(f"(() => {{ const {{ mixer, lanes }} = player; return {expression}; }})()")

    def wait(self, expression: str) -> None:
        """Until a JavaScript expression about `player` is true."""
        self.page.wait_for_function(f"(() => {{ const {{ mixer, lanes }} = player; return {expression}; }})()")

    def play(self, *, endlessly: bool = False) -> None:
        """Press play, and wait until something is heard; endlessly for tests that a slow machine may take long over."""
        if endlessly:
            self.state(f"player.setLoop({{ start: 0, end: {DURATION_S} }}, true)")
        self.page.get_by_role("button", name="Play", exact=True).click()
        self.wait("mixer.anchor && mixer.position > mixer.anchor.position")

    @contextmanager
    def held(self, file: str) -> Iterator[None]:
        """Inside, whoever asks for that file waits."""
        self.page.evaluate(
            """(file) => {
            const { fetch } = window;
            const released = new Promise((release) => Object.assign(window, { release }));
            window.fetch = async (url, options) => (url === file && (await released), fetch(url, options));
            }""",
            file,
        )
        yield
        self.page.evaluate("release()")


def known_song() -> Transcription:
    """Twenty seconds of three instruments: a note every half second, each sure in its own way."""
    n_frames = SPEC.n_frames(round(DURATION_S * SPEC.sample_rate))
    rolls = Rolls.zeros(n_frames)
    notes = [
        Note(k * 0.512, k * 0.512 + 0.448, pitch=pitch + k % 5, instrument=name)
        for name, pitch in (("piano", 48), ("violin", 64), ("flute", 76))
        for k in range(38)
    ]
    for note in notes:
        index, first, end = INSTRUMENT_INDEX[note.instrument], *map(SPEC.second_to_frame, (note.onset, note.offset))
        rolls.piano[index, note.pitch - SPEC.lowest_pitch, first:end] = 0.5 + 0.05 * index
        rolls.instrument[index, first:end] = 0.9
        rolls.pitch[note.pitch - SPEC.lowest_pitch, first:end] = 0.8
    transcription = Transcription(
        rolls=rolls,
        levels=np.ones((SPEC.n_pitches, n_frames), np.float32),
        thresholds=Thresholds.uniform(),
        duration_s=DURATION_S,
        spec=SPEC,
    )
    transcription.__dict__["notes"] = sorted(notes)  # as if decoded
    return transcription


def flac(samples: FloatArray) -> bytes:
    file = io.BytesIO()
    sf.write(file, samples, RATE, format="FLAC")
    return file.getvalue()


def known_sounds() -> dict[str, bytes]:
    """A sine for each instrument, and as the song itself a ramp from 0 to `RAMP`: its value tells the time."""
    t = np.arange(round(DURATION_S * RATE)) / RATE
    sounds = {name: flac((0.5 * np.sin(2 * np.pi * hz * t)).astype(np.float32)) for name, hz in TONES_HZ.items()}
    return sounds | {"original": flac((RAMP * t / DURATION_S).astype(np.float32))}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Everything the player loads, by name."""
    path = tmp_path_factory.mktemp("player") / PROBABILITIES
    song = known_song()
    write_probabilities(song, path)
    # A score in which the flute's notes are a cello's, far below.
    score = [
        note if note.instrument != "flute" else replace(note, instrument="cello", pitch=note.pitch - 20)
        for note in song.notes
    ]
    compared = song_record(song, compare_notes(song.notes, score))
    sounds = {f"{name}.flac": sound for name, sound in known_sounds().items()}
    songs = {name: json.dumps(one).encode() for name, one in (("song", song_record(song)), ("compared", compared))}
    empty = replace(song, thresholds=Thresholds.uniform(frame=1.0))  # decoded anew, by thresholds that nothing reaches
    songs["empty"] = json.dumps(song_record(empty)).encode()
    return {f"{name}.json": one for name, one in songs.items()} | {PROBABILITIES: path.read_bytes(), **sounds}


def page_html(value: Mapping[str, Any], theme: str = "light") -> str:
    styles = "".join(path.read_text("utf-8") for path in (STYLE, player.STYLE))
    return (
        f'<!doctype html><html lang="en" class="{theme}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<style>body { margin: 0; font-family: system-ui, sans-serif; background: var(--mt-card); } "
        f".gradio-container {{ padding: 12px; background: var(--mt-card); }} {styles}</style>"
        f'<script type="module" src="{player.MODULE.name}"></script>'
        '<body><div class="gradio-container">'
        f'<mtinst-player note="{NOTE}" value="{escape(json.dumps(value))}"></mtinst-player></div>'
        '<script type="module">window.player = document.querySelector("mtinst-player").player;</script></body></html>'
    )


NOTE = "The parts are played by a synthesiser."
VALUE = {
    "title": "known",
    "source": "known",
    "song": "song.json",
    "probabilities": PROBABILITIES,
    "files": {"original": "original.flac", "parts": {name: f"{name}.flac" for name in TONES_HZ}},
}


@pytest.fixture(scope="module")
def scripts_origin() -> Iterator[str]:
    """Where a plain server has the player's folder, for audio worklets: what they load cannot be answered by a test."""
    handler = partial(QuietHandler, directory=str(player.FOLDER))
    with ThreadingHTTPServer(("localhost", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """Sends files, and does not talk about it."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def open_stand(
    tabs: Tabs, files: Mapping[str, bytes], options: Mapping[str, Any], *, origin: str, theme: str = "light"
) -> Iterator[Stand]:
    """The player with a song."""
    errors, outside = list[str](), list[str]()

    def answer(route: "Route") -> None:
        url = route.request.url
        name = url.removeprefix(origin)
        if not url.startswith((origin, "blob:")):
            outside.append(url)
        if name == "":
            route.fulfill(body=page_html(VALUE, theme), content_type="text/html")
        elif name == "favicon.ico":
            route.fulfill(status=204)
        elif name.endswith(".js"):
            route.fulfill(path=player.FOLDER / name, content_type="text/javascript")
        else:
            route.fulfill(body=files[name.partition("?")[0]], content_type="application/octet-stream")

    with tabs.one(
        options,
        pageerror=lambda error: errors.append(str(error)),
        console=lambda message: errors.append(message.text) if message.type in ("error", "warning") else None,
    ) as page:
        page.route("**/*", answer)
        page.goto(origin)
        page.wait_for_function("window.player?.mixer.isReady")
        yield Stand(page, origin, errors, outside)


@pytest.fixture
def stand(request: pytest.FixtureRequest, tabs: Tabs, files: dict[str, bytes], scripts_origin: str) -> Iterator[Stand]:
    """The player with the known song; a test's parameter may give the browser's options. Ends without a complaint."""
    with open_stand(tabs, files, getattr(request, "param", {}), origin=scripts_origin) as stand:
        yield stand
        assert stand.errors == []
        assert stand.outside == []


HEARD_S = f"lastSample / ({RAMP} * Math.SQRT1_2) * {DURATION_S}"  # a mono track in the middle comes at -3 dB
WATCH_PLAYHEAD = (
    """
    (seconds) => new Promise((done) => {
      const { mixer } = player;
      const { context, strips } = mixer.output;
      const samples = new Float32Array(strips[0].meter.fftSize);
      const until = context.currentTime + seconds;
      const differences = [];
      const look = () => {
        strips[0].meter.getFloatTimeDomainData(samples);
        const lastSample = samples.at(-1);
        const heard = """
    + HEARD_S
    + """;
        const rendered = mixer.position + (context.currentTime - mixer.output.heardTime) * mixer.speed;
        differences.push(heard - rendered);
        if (context.currentTime < until) requestAnimationFrame(look);
        else done(differences);
      };
      look();
    })
    """
)


def playhead_error_s(page: "Page", seconds: float) -> float:
    """How far the line is from what is heard, but for one look in ten: those when the browser had no time."""
    differences = sorted(map(abs, page.evaluate(WATCH_PLAYHEAD, seconds)))
    assert len(differences) > 10
    return float(differences[int(0.9 * len(differences))])


def hear_the_song_itself(stand: Stand) -> None:
    """Only the ramp, at its full level."""
    stand.page.get_by_role("button", name="The song itself").click()
    stand.page.wait_for_timeout(200)  # the crossfade


def level(stand: Stand, name: str) -> float:
    return float(stand.state(f"mixer.level('{name}')"))


def x_of(stand: Stand, second: float) -> float:
    """Where on the roll that second is."""
    return float(stand.state(f"lanes.x({second})"))


def drag(stand: Stand, start: float, end: float, *, y: float) -> None:
    """With the mouse over the roll, from one second to another."""
    mouse, box = stand.page.mouse, stand.page.locator(".mtp-notes").bounding_box()
    assert box is not None
    mouse.move(box["x"] + x_of(stand, start), box["y"] + y)
    mouse.down()
    mouse.move(box["x"] + x_of(stand, end), box["y"] + y, steps=5)
    mouse.up()


def row(stand: Stand, name: str) -> Any:
    return stand.page.locator(f".mtp-row[data-part={name}]")


def peak_hz(stand: Stand, name: str) -> float:
    """The strongest frequency of what leaves for the loudspeaker of one part."""
    return float(
        stand.page.evaluate(
            """(name) => {
            const { output, tracks } = player.mixer;
            const { meter } = output.strips[tracks.get(name)];
            const decibels = new Float32Array(meter.frequencyBinCount);
            meter.getFloatFrequencyData(decibels);
            return (decibels.indexOf(Math.max(...decibels)) * output.context.sampleRate) / meter.fftSize;
            }""",
            name,
        )
    )


def picture(stand: Stand, canvas: str) -> str:
    """Text that changes when the picture does."""
    return str(stand.page.evaluate("(canvas) => document.querySelector(canvas).toDataURL()", canvas))


# What is heard


def test_the_playhead_is_where_the_sound_is(stand: Stand) -> None:
    hear_the_song_itself(stand)
    stand.play()
    stand.page.wait_for_timeout(300)
    assert playhead_error_s(stand.page, 3) < 0.02


def test_mute_takes_an_instrument_to_nothing_and_back(stand: Stand) -> None:
    stand.play(endlessly=True)
    stand.wait("['piano', 'violin', 'flute'].every((name) => mixer.level(name) > 0.1)")
    row(stand, "violin").get_by_role("button", name="Mute").click()
    stand.wait("mixer.level('violin') < 1e-4")
    assert level(stand, "piano") > 0.1
    row(stand, "violin").get_by_role("button", name="Mute").click()
    stand.wait("mixer.level('violin') > 0.1")


def test_solo_leaves_one_alone(stand: Stand) -> None:
    stand.play(endlessly=True)
    row(stand, "flute").get_by_role("button", name="Solo").click()
    stand.wait("mixer.level('piano') < 1e-4 && mixer.level('violin') < 1e-4 && mixer.level('flute') > 0.1")
    assert row(stand, "flute").get_by_role("button", name="Solo").get_attribute("aria-pressed") == "true"
    assert "is-silent" in (row(stand, "piano").get_attribute("class") or "")


def test_volume_goes_down_to_nothing(stand: Stand) -> None:
    stand.play(endlessly=True)
    volume = row(stand, "piano").get_by_role("slider", name="Volume of Piano")
    volume.press("Home")
    stand.wait("mixer.level('piano') < 1e-4 && mixer.level('violin') > 0.1")


def test_pan_moves_an_instrument_to_one_side(stand: Stand) -> None:
    stand.play(endlessly=True)
    stand.page.evaluate(
        """() => {
        const { context, master } = player.mixer.output;
        const splitter = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
        master.connect(splitter);
        window.sides = [0, 1].map((side) => {
          const meter = new AnalyserNode(context);
          splitter.connect(meter, side);
          return () => {
            const samples = new Float32Array(meter.fftSize);
            meter.getFloatTimeDomainData(samples);
            return Math.max(...samples.map(Math.abs));
          };
        });
        }"""
    )
    row(stand, "violin").get_by_role("button", name="Solo").click()
    stand.wait("mixer.level('piano') < 1e-4 && sides[0]() > 0.1 && sides[1]() > 0.1")
    row(stand, "violin").get_by_role("slider", name="Left or right: Violin").press("Home")
    stand.wait("sides[0]() > 0.3 && sides[1]() < 1e-3")
    row(stand, "violin").get_by_role("slider", name="Left or right: Violin").press("End")
    stand.wait("sides[0]() < 1e-3 && sides[1]() > 0.3")


def test_the_crossfader_goes_from_the_song_to_its_notes(stand: Stand) -> None:
    stand.play(endlessly=True)
    stand.wait("mixer.level('original') < 1e-4 && mixer.level('piano') > 0.1")
    stand.page.get_by_role("slider", name="From the song itself to its notes").press("Home")
    stand.wait("mixer.level('original') > 0.01 && mixer.level('piano') < 1e-4")
    for _ in range(5):
        stand.page.get_by_role("slider", name="From the song itself to its notes").press("PageUp")
    stand.wait("mixer.level('original') > 0.01 && mixer.level('piano') > 0.1")
    row(stand, "piano").get_by_role("button", name="Solo").click()
    stand.wait("mixer.level('violin') < 1e-4")


@pytest.mark.parametrize(("key", "speed"), [("Home", 0.5), ("End", 1.5)])
def test_speed_changes_the_time_and_not_the_pitch(stand: Stand, key: str, speed: float) -> None:
    page = stand.page
    stand.play()
    stand.wait("mixer.level('violin') > 0.1")
    before = peak_hz(stand, "violin")
    page.get_by_role("slider", name="Speed").press(key)
    page.wait_for_timeout(500)
    look = "[mixer.position, mixer.output.context.currentTime]"
    position, time = stand.state(look)
    peaks = []
    for _ in range(5):
        page.wait_for_timeout(200)
        peaks.append(peak_hz(stand, "violin"))
    later_position, later = stand.state(look)
    assert (later_position - position) / (later - time) == pytest.approx(speed, abs=0.05)
    assert before == pytest.approx(TONES_HZ["violin"], abs=16)
    assert peaks == pytest.approx([TONES_HZ["violin"]] * 5, abs=16)
    hear_the_song_itself(stand)
    assert playhead_error_s(page, 1) < 0.02 * max(speed, 1)  # 20 ms as heard, in the song's time
    page.get_by_role("button", name="Back to normal speed").click()
    assert stand.state("mixer.speed") == 1


def test_a_click_seeks_and_the_sound_follows(stand: Stand) -> None:
    page = stand.page
    hear_the_song_itself(stand)
    for second in (12.0, 3.0):
        page.locator(".mtp-notes").click(position={"x": x_of(stand, second), "y": 200})
        assert stand.state("mixer.position") == pytest.approx(second, abs=0.05)
    stand.play()
    page.wait_for_timeout(300)
    page.locator(".mtp-notes").click(position={"x": x_of(stand, 15.0), "y": 10})
    since_the_click = "Math.max(0, mixer.output.heardTime - mixer.anchor.time)"
    assert stand.state(f"mixer.position - {since_the_click}") == pytest.approx(15.0, abs=0.05)
    page.wait_for_timeout(300)
    assert playhead_error_s(page, 0.5) < 0.02
    page.get_by_role("slider", name="Position in the song").press("Home")
    stand.wait("mixer.position < 5")


def test_the_playhead_can_be_dragged(stand: Stand) -> None:
    page = stand.page
    page.locator(".mtp-notes").click(position={"x": x_of(stand, 4.0), "y": 200})
    drag(stand, 4.0, 9.0, y=200)
    assert stand.state("mixer.position") == pytest.approx(9.0, abs=0.05)
    assert stand.state("lanes.start") == 0


def test_a_marked_region_is_played_again_and_again(stand: Stand) -> None:
    page = stand.page
    hear_the_song_itself(stand)
    drag(stand, 5.0, 5.6, y=10)
    assert stand.state("[mixer.loop.start, mixer.loop.end]") == pytest.approx([5.0, 5.6], abs=0.05)
    assert page.get_by_role("button", name="Loop", exact=True).get_attribute("aria-pressed") == "true"
    stand.play()
    page.evaluate(
        "() => { window.seen = []; setInterval(() => player.mixer.playing && seen.push(player.mixer.position), 20); }"
    )
    stand.wait("seen.filter((one, k) => k && one < seen[k - 1] - 0.3).length >= 3")
    inside = stand.state("seen.every((one) => one >= mixer.loop.start - 0.001 && one <= mixer.loop.end)")
    assert inside
    # Apart from the crossfade at the seam, the sound goes round with the playhead.
    differences = sorted(map(abs, page.evaluate(WATCH_PLAYHEAD, 1.2)))
    assert differences[int(0.7 * len(differences))] < 0.02
    page.get_by_role("button", name="Loop", exact=True).click()
    stand.wait("mixer.position > 6")
    assert stand.state("mixer.loop !== null"), "it is kept, to be gone round again"


def test_the_end_of_the_song_stops_it_and_play_begins_anew(stand: Stand) -> None:
    page = stand.page
    page.locator(".mtp-notes").click(position={"x": x_of(stand, 19.7), "y": 200})
    stand.play()
    stand.wait("!mixer.playing")
    assert stand.state("mixer.position") == pytest.approx(DURATION_S)
    stand.play()
    stand.wait("mixer.position > 0 && mixer.position < 5")


def test_a_pause_lets_the_audio_device_go_and_play_takes_it_again(stand: Stand) -> None:
    stand.play()
    stand.wait("mixer.position > 0.5")
    stand.page.keyboard.press(" ")
    stand.wait("mixer.output.context.state === 'suspended'")
    paused = stand.state("mixer.position")
    stand.play()
    stand.wait(f"mixer.position > {paused} + 0.5 && mixer.level('piano') > 0.1")
    assert stand.state("mixer.output.context.state") == "running"


def test_an_output_that_does_not_start_is_said_and_can_be_tried_again(stand: Stand) -> None:
    page = stand.page
    play, message = page.get_by_role("button", name="Play", exact=True), page.get_by_role("status")
    page.evaluate("() => { window.resume = AudioContext.prototype.resume; }")
    page.evaluate("() => { AudioContext.prototype.resume = () => Promise.reject(new Error('no device')); }")
    play.click()
    message.wait_for()
    assert "sound could not be started" in message.inner_text()
    assert play.is_visible()
    assert stand.state("mixer.playing") is False
    assert [error.partition("\n")[0] for error in stand.errors] == ["no sound: Error: no device"]
    stand.errors.clear()
    page.evaluate("() => { AudioContext.prototype.resume = window.resume; }")
    stand.play()
    stand.wait("mixer.level('violin') > 0.1")
    assert message.is_hidden()


def test_without_a_secure_context_there_is_sound_all_the_same(tabs: Tabs, files: dict[str, bytes]) -> None:
    with open_stand(tabs, files, {}, origin="http://another-computer.test/") as stand:
        assert stand.page.evaluate("isSecureContext") is False
        hear_the_song_itself(stand)
        stand.play()
        stand.page.wait_for_timeout(500)
        # Blocks are longer here; the clock says when each is heard all the same.
        assert playhead_error_s(stand.page, 1) < 0.1
        stand.page.get_by_role("button", name="Its notes").click()
        stand.wait("mixer.level('violin') > 0.1")
        assert [error for error in stand.errors if "ScriptProcessor" not in error] == []


# Keys


def test_taps_say_the_tempo(stand: Stand) -> None:
    """By a clock that is set, since a busy machine would tap unevenly."""
    stand.page.evaluate(
        """() => {
        addEventListener("mtinst-timing", (event) => { window.said = event.detail; });
        performance.now = () => window.tapped * 500;
        }"""
    )
    for tap in range(5):
        stand.page.evaluate(f"window.tapped = {10 + tap}")
        stand.page.keyboard.press("t")
    stand.page.evaluate("delete performance.now")
    stand.page.wait_for_function("window.said")
    assert stand.page.evaluate("window.said") == {"tempo": 120, "per_bar": None, "bar_s": None}


def test_every_shortcut(stand: Stand) -> None:
    page = stand.page
    press = page.keyboard.press
    press(" ")
    stand.wait("mixer.playing && mixer.position > 0.1")
    press(" ")
    assert stand.state("mixer.playing") is False
    start = stand.state("mixer.position")
    for key, change in (("ArrowRight", 2), ("Shift+ArrowRight", 10), ("ArrowLeft", -2), ("Shift+ArrowLeft", -10)):
        press(key)
        start += change
        assert stand.state("mixer.position") == pytest.approx(start, abs=0.01)
    press("Home")
    assert stand.state("mixer.position") == 0
    for key, name in (("1", "piano"), ("7", "violin"), ("9", "flute")):
        press(key)
        assert stand.state(f"mixer.parts.get('{name}').muted") is True
        press(key)
        assert stand.state(f"mixer.parts.get('{name}').muted") is False
        press(f"Shift+Digit{key}")
        assert stand.state(f"mixer.parts.get('{name}').soloed") is True
        press(f"Shift+Digit{key}")
    assert stand.state("player.song.instruments.map((one) => one.key).join('')") == "123456789VO"
    press("2")  # nobody here plays the guitar
    press("ArrowRight")
    press("l")
    assert stand.state("[mixer.loops, mixer.loop.start, mixer.loop.end]") == [True, 2, 6]
    press("l")
    assert stand.state("mixer.loops") is False
    press("ArrowRight")
    press("a")
    press("ArrowRight")
    press("b")
    assert stand.state("[mixer.loops, mixer.loop.start, mixer.loop.end]") == [True, 4, 6]
    press("f")
    assert page.get_by_role("button", name="Follow").get_attribute("aria-pressed") == "false"
    press("f")
    scale = stand.state("lanes.scale")
    press("+")
    assert stand.state("lanes.scale") == pytest.approx(1.6 * scale)
    press("-")
    assert stand.state("lanes.scale") == pytest.approx(scale)
    press("+")
    press("0")
    assert stand.state("lanes.showsAll") is True
    press(",")
    assert stand.state("mixer.speed") == 0.95
    press(".")
    press(".")
    assert stand.state("mixer.speed") == 1.05
    assert page.locator(".mtp-keys").inner_text().startswith("space")


def test_controls_keep_their_own_keys(stand: Stand) -> None:
    page = stand.page
    volume = row(stand, "piano").get_by_role("slider", name="Volume of Piano")
    volume.press("ArrowLeft")
    assert stand.state("mixer.position") == 0
    assert stand.state("mixer.parts.get('piano').volume") == pytest.approx(0.89)
    page.get_by_role("button", name="Follow").focus()
    page.keyboard.press(" ")
    assert stand.state("[player.follows, mixer.playing]") == [False, False]
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), { id: 'words' }))")
    page.locator("#words").press("l")
    assert stand.state("mixer.loops") is False


def test_keys_can_be_kept_to_the_player(stand: Stand) -> None:
    page = stand.page
    checkbox = page.get_by_role("checkbox", name="wherever you are on the page")
    checkbox.uncheck()
    checkbox.blur()
    page.keyboard.press("l")
    assert stand.state("mixer.loops") is False
    page.get_by_role("button", name="Follow").focus()
    page.keyboard.press("l")
    assert stand.state("mixer.loops") is True
    checkbox.check()
    checkbox.blur()
    page.keyboard.press("l")
    assert stand.state("mixer.loops") is False


def test_the_tab_key_goes_through_the_controls_in_reading_order(stand: Stand) -> None:
    names = []
    for _ in range(12):
        stand.page.keyboard.press("Tab")
        names.append(stand.page.evaluate("document.activeElement.className.replace('mtp-', '')"))
    assert names[:4] == ["play", "position", "hear-original", "fade"]
    assert names[4:] == [
        "hear-notes",
        "speed",
        "normal-speed",
        "loop",
        "loop-start",
        "loop-end",
        "follow",
        "show-probabilities",
    ]
    outline = stand.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


# What is seen


def test_hovering_says_everything_about_a_note(stand: Stand) -> None:
    page = stand.page
    note = stand.state("player.song.instruments[6].notes[3]")
    x = x_of(stand, note["onset"] + 0.2)
    y = stand.state("lanes.roll.place(player.song.instruments[6].notes[3], lanes.roll.rowsOf(player.song))[0] + 3")
    page.locator(".mtp-notes").hover(position={"x": x, "y": y})
    assert page.locator(".mtp-tip").inner_text() == "Violin · G4 · at 0:01.53 · 0.45 s long · 80 % sure"
    page.locator(".mtp-notes").hover(position={"x": x, "y": 12})
    assert page.locator(".mtp-tip").is_hidden()


def test_notes_under_the_playhead_light_up_with_their_keys(stand: Stand) -> None:
    dark = picture(stand, ".mtp-now")
    stand.page.locator(".mtp-notes").click(position={"x": x_of(stand, 1.2), "y": 200})
    assert picture(stand, ".mtp-now") != dark
    sounding = stand.state("player.song.notes.at(mixer.position).map((one) => one.pitch)")
    assert sounding == [50, 66, 78]
    stand.page.keyboard.press("Home")
    stand.page.locator(".mtp-notes").click(position={"x": x_of(stand, 0.48), "y": 200})  # between two notes
    assert stand.state("player.song.notes.at(mixer.position).length") == 0
    assert picture(stand, ".mtp-now") == dark


def test_a_lane_puts_its_instrument_into_the_light(stand: Stand) -> None:
    page = stand.page
    before = picture(stand, ".mtp-notes")
    height = stand.state("lanes.activity.height")
    page.locator(".mtp-activity").click(position={"x": 500, "y": 6.5 / 11 * height})
    violin = page.get_by_role("button", name="Spotlight Violin")
    assert violin.get_attribute("aria-pressed") == "true"
    assert stand.state("player.look.spotlight") == "violin"
    assert picture(stand, ".mtp-notes") != before
    assert stand.state("mixer.position") == 0, "a lane is no place to seek"
    page.keyboard.press("Escape")
    assert picture(stand, ".mtp-notes") == before
    violin.click()
    assert violin.get_attribute("aria-pressed") == "true"
    violin.click()
    assert picture(stand, ".mtp-notes") == before


def test_probabilities_are_fetched_when_they_are_wanted(stand: Stand) -> None:
    page = stand.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    before = picture(stand, ".mtp-notes")
    switch = page.get_by_role("button", name="Probabilities")
    switch.click()
    stand.wait("player.look.probabilities !== null")
    assert asked == [stand.origin + PROBABILITIES]
    assert switch.get_attribute("aria-pressed") == "true"
    assert picture(stand, ".mtp-notes") != before
    violin, row_of_e4, frame = INSTRUMENT_INDEX["violin"], 64 - SPEC.lowest_pitch, 3
    columns = stand.state("player.song.activity.columns")
    assert columns == SPEC.n_frames(round(DURATION_S * SPEC.sample_rate))
    value = stand.state(f"player.look.probabilities[{violin}][{row_of_e4 * columns + frame}]")
    assert value / 255 == pytest.approx(0.8, abs=0.02)
    switch.click()
    assert picture(stand, ".mtp-notes") == before
    switch.click()
    stand.wait("player.look.probabilities !== null")
    assert len(asked) == 1


def test_wheel_and_drag_move_through_the_song_and_end_following(stand: Stand) -> None:
    page = stand.page
    notes = page.locator(".mtp-notes")
    scale = stand.state("lanes.scale")
    notes.hover(position={"x": 640, "y": 200})
    second = stand.state("lanes.secondAt(640)")
    page.mouse.wheel(0, -300)
    stand.wait(f"lanes.scale > 1.2 * {scale}")
    assert stand.state("lanes.secondAt(640)") == pytest.approx(second, abs=0.02), (
        "what is under the pointer stays there"
    )
    assert stand.state("player.follows") is True
    start = stand.state("lanes.start")
    box = notes.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 600, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 200, steps=4)
    page.mouse.up()
    assert stand.state(f"(lanes.start - {start}) * lanes.scale") == pytest.approx(100, abs=1)
    assert page.get_by_role("button", name="Follow").get_attribute("aria-pressed") == "false"
    assert stand.state("mixer.position") == 0, "a drag is not a click"
    page.locator(".mtp-whole").click()
    assert stand.state("lanes.showsAll") is True


def test_follow_turns_the_page(stand: Stand) -> None:
    page = stand.page
    for _ in range(4):
        page.get_by_role("button", name="Show it larger").click()
    end = stand.state("lanes.end")
    assert end < 8
    page.locator(".mtp-notes").click(position={"x": x_of(stand, end - 0.8), "y": 200})
    stand.state("lanes.moveTo(0)")
    stand.play()
    stand.wait("lanes.start > 0.5")
    page.get_by_role("button", name="Follow").click()
    start = stand.state("lanes.start")
    page.wait_for_timeout(300)
    assert stand.state("lanes.start") == start


@pytest.mark.parametrize("stand", [PHONE | {"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_two_fingers_zoom(stand: Stand) -> None:
    page = stand.page
    box = page.locator(".mtp-notes").bounding_box()
    assert box is not None
    y, middle = box["y"] + 150, box["x"] + 230
    second, scale = stand.state("lanes.secondAt(230)"), stand.state("lanes.scale")
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *xs: float) -> None:
        points = [{"x": x, "y": y, "id": number} for number, x in enumerate(xs)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", middle - 30)
    fingers("touchStart", middle - 30, middle + 30)
    for reach in (40, 50, 60):
        fingers("touchMove", middle - reach, middle + reach)
    fingers("touchEnd")
    assert stand.state("lanes.scale") == pytest.approx(2 * scale, rel=0.05)
    assert stand.state("lanes.secondAt(230)") == pytest.approx(second, abs=0.1)
    assert stand.state("mixer.position") == 0, "two fingers are no click"


# Within its card on the page, a 360-px screen leaves the player less than 300 px.
@pytest.mark.parametrize(
    "stand", [PHONE | {"viewport": {"width": w, "height": 800}} for w in (390, 360, 292)], indirect=True
)
def test_a_phone_needs_no_sideways_scroll(stand: Stand) -> None:
    page = stand.page
    page.get_by_role("button", name="Probabilities").tap()
    width = page.evaluate("innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.locator(".mtp button, .mtp input, .mtp canvas").evaluate_all(
        "all => all.filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.className)"
    )
    assert outside == []
    too_small = page.locator(".mtp button:not(.mtp-names button)").evaluate_all(
        "all => all.filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 36)"
        ".map((one) => one.className)"
    )
    assert too_small == []
    widths = page.locator(".mtp input").evaluate_all(
        "all => all.filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect().width)"
    )
    assert min(widths) > 60


def test_a_song_is_compared_with_the_right_notes(stand: Stand) -> None:
    page = stand.page
    switch = page.get_by_role("button", name="Compare with the right notes")
    assert switch.is_hidden()
    page.evaluate("(value) => player.show(value)", VALUE | {"song": "compared.json"})
    before = picture(stand, ".mtp-notes")
    switch.click()
    assert picture(stand, ".mtp-notes") != before
    assert page.locator(".mtp-legend li").all_inner_texts() == ["found", "missed", "too many"]
    assert page.locator(".mtp-scores").inner_text() == (
        "With the right instrument, 67 % of the right notes were found, and 67 % of the notes found are right "
        "(F1 67 %); whoever plays them, F1 67 %."
    )
    place = "lanes.roll.place(note, lanes.roll.rowsOf(player.song))[0] + 3"
    for choice, words in (
        (
            "player.song.reference.notes.notes.find((one) => !one.isHit)",
            "Cello · G♯3 · at 0:00.00 · 0.45 s long · missed",
        ),
        (
            "player.song.notes.notes.find((one) => one.isExtra)",
            "Flute · E5 · at 0:00.00 · 0.45 s long · 90 % sure · too many",
        ),
    ):
        x, y = stand.state(f"((note) => [lanes.x(note.onset + 0.2), {place}])({choice})")
        page.locator(".mtp-notes").hover(position={"x": x, "y": y})
        assert page.locator(".mtp-tip").inner_text() == words
    switch.click()
    assert picture(stand, ".mtp-notes") == before
    assert page.locator(".mtp-legend").is_hidden()


# What is put right by hand


def start_editing(stand: Stand) -> None:
    """Switch editing on, and keep what the page is told from now on in `told`."""
    stand.page.evaluate(
        "window.told = []; document.addEventListener('mtinst-edits', ({ detail }) => told.push(detail))"
    )
    stand.page.get_by_role("button", name="Edit", exact=True).click()


def place_of(stand: Stand, index: int, *, share: float = 0.5) -> tuple[float, float]:
    """A point of the roll on the violin's note of that number, at a share of its length."""
    x, y, thickness = stand.state(
        "((note) => [lanes.x(note.onset + " + str(share) + " * (note.offset - note.onset)), "
        "...lanes.roll.place(note, lanes.roll.rowsOf(player.song))])"
        f"(player.song.instruments[{INSTRUMENT_INDEX['violin']}].notes[{index}])"
    )
    return x, y + thickness / 2


def pull(stand: Stand, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag with the mouse from one point of the roll to another."""
    mouse, box = stand.page.mouse, stand.page.locator(".mtp-notes").bounding_box()
    assert box is not None
    mouse.move(box["x"] + start[0], box["y"] + start[1])
    mouse.down()
    mouse.move(box["x"] + end[0], box["y"] + end[1], steps=5)
    mouse.up()


def last_edits(stand: Stand) -> list[dict[str, Any]]:
    """All edits, as the page was told last."""
    edits: list[dict[str, Any]] = stand.page.evaluate("told.at(-1)")
    return edits


def violin_notes(stand: Stand) -> list[list[float]]:
    notes = f"player.song.instruments[{INSTRUMENT_INDEX['violin']}].notes"
    values: list[list[float]] = stand.state(f"{notes}.map((one) => [one.onset, one.offset, one.pitch])")
    return values


def test_a_note_is_selected_and_deleted_and_comes_back(stand: Stand) -> None:
    page = stand.page
    before = picture(stand, ".mtp-notes")
    start_editing(stand)
    x, y = place_of(stand, 3)
    page.locator(".mtp-notes").click(position={"x": x, "y": y})
    assert page.locator(".mtp-edit-selected").inner_text() == "Violin · G4 · at 0:01.53 · 0.45 s long"
    assert picture(stand, ".mtp-notes") != before
    assert stand.state("mixer.position") == 0, "who edits does not seek"
    page.keyboard.press("Delete")
    removed = {"was": [1.536, 1.984, 67, "violin"], "now": None}
    assert last_edits(stand) == [removed]
    assert row(stand, "violin").locator(".mtp-count").inner_text() == "37 notes"
    page.keyboard.press("Control+z")
    assert last_edits(stand) == []
    assert row(stand, "violin").locator(".mtp-count").inner_text() == "38 notes"
    page.keyboard.press("Escape")
    assert picture(stand, ".mtp-notes") == before
    page.keyboard.press("Control+Shift+z")
    assert last_edits(stand) == [removed]
    page.get_by_role("button", name="As it was").click()
    assert last_edits(stand) == []
    page.get_by_role("button", name="Edit", exact=True).click()
    page.locator(".mtp-notes").click(position={"x": x, "y": y})
    assert stand.state("mixer.position") > 1, "who does not edit seeks"
    assert stand.page.evaluate("told.length") == 4


def test_notes_are_edited_by_the_keyboard_alone(stand: Stand) -> None:
    press = stand.page.keyboard.press
    start_editing(stand)
    for _ in range(3):
        press("n")
    press("p")  # piano, violin, flute and back
    press("ArrowRight")
    press("ArrowUp")
    press("Shift+ArrowRight")
    press("3")
    assert [edit["now"] for edit in last_edits(stand)] == [
        [0.032, 0.48, 64, "violin"],
        [0.032, 0.48, 65, "violin"],
        [0.032, 0.512, 65, "violin"],
        [0.032, 0.512, 65, "electric_guitar"],
    ]
    assert row(stand, "electric_guitar").locator(".mtp-count").inner_text() == "1 note"
    assert stand.page.get_by_role("combobox", name="Instrument").input_value() == "electric_guitar"
    press("Shift+n")
    press("ArrowLeft")
    press("ArrowLeft")  # they have come to the start
    assert len(last_edits(stand)) == 6
    press("Control+z")
    assert len(last_edits(stand)) == 4, "what was moved together goes back together"
    press("Control+y")
    press("i")
    assert last_edits(stand)[-1] == {"was": None, "now": [0, 0.256, 49, "piano"]}


def test_notes_are_edited_by_the_mouse(stand: Stand) -> None:
    page = stand.page
    for _ in range(2):
        page.get_by_role("button", name="Show it larger").click()
    start_editing(stand)
    row_height, scale = stand.state("[lanes.roll.rowsOf(player.song).row, lanes.scale]")
    x, y = place_of(stand, 3)
    pull(stand, (x, y), (x + 0.5 * scale, y - 2 * row_height))
    (edit,) = last_edits(stand)
    assert edit["was"] == [1.536, 1.984, 67, "violin"]
    assert edit["now"] == [pytest.approx(2.036, abs=0.01), pytest.approx(2.484, abs=0.01), 69, "violin"]
    x, y = place_of(stand, 1, share=0.99)
    pull(stand, (x, y), (x + 0.3 * scale, y))
    assert last_edits(stand)[-1]["now"] == [0.512, pytest.approx(1.26, abs=0.01), 65, "violin"]
    (left, top), (right, _) = place_of(stand, 0), place_of(stand, 2)
    pull(stand, (left, top - 7 * row_height), (right, top + 5 * row_height))  # from empty ground
    chosen = stand.state("player.editing.selected.map((one) => one.instrument.name)")
    assert set(chosen) == {"violin"}
    assert len(chosen) == 3
    page.get_by_role("combobox", name="Instrument").select_option("cello")
    assert [edit["now"][3] for edit in last_edits(stand)[-3:]] == ["cello"] * 3
    page.locator(".mtp-notes").dblclick(position={"x": x_of(stand, 4.0), "y": y - 7 * row_height})
    added = last_edits(stand)[-1]
    assert added == {"was": None, "now": [pytest.approx(4, abs=0.01), pytest.approx(4.256, abs=0.01), 72, "cello"]}
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Redo").click()
    assert last_edits(stand)[-1] == added


def test_the_servers_edits_replace_those_here_unless_they_are_late(stand: Stand, files: dict[str, bytes]) -> None:
    page, press = stand.page, stand.page.keyboard.press
    start_editing(stand)
    press("n")
    press("ArrowUp")
    first = last_edits(stand)
    press("ArrowUp")
    second = last_edits(stand)
    notes = edited(known_song().notes, edits_from_json(first))

    def answer(edits: list[dict[str, Any]], name: str) -> None:
        song = replace(known_song(), edits=edits_from_json(edits))
        song.__dict__["notes"] = edited(known_song().notes, song.edits)
        files[name] = json.dumps(song_record(song)).encode()
        page.evaluate("(value) => player.show(value)", VALUE | {"song": name})

    pitches = f"player.song.instruments[{INSTRUMENT_INDEX['piano']}].notes.slice(0, 2).map((one) => one.pitch)"
    assert sorted(note.pitch for note in notes[:3]) == [49, 64, 76]
    answer(first, "first.json")
    assert stand.state(pitches) == [50, 49]
    answer(second, "second.json")
    assert stand.state(pitches) == [50, 49]
    press("Control+z")
    assert last_edits(stand) == first
    press("Control+y")
    assert last_edits(stand) == second, "an answer leaves what can be made again"
    answer([], "none.json")
    assert stand.state(pitches) == [48, 49]
    assert page.get_by_role("button", name="Undo").is_disabled()


GHOSTS = [
    [2.0, 2.4, 90, "flute", [["flute", 0.4], ["violin", 0.31], ["piano", 0.1]]],
    [6.0, 6.4, 92, "flute", [["flute", 0.2], ["violin", 0.1], ["piano", 0.0]]],
    [0.1, 0.3, 64, "cello", [["cello", 0.2], ["violin", 0.1], ["piano", 0.0]]],  # under a note of the violin
]


def show_ghosts(stand: Stand, files: dict[str, bytes]) -> None:
    """Show the known song with ghosts, and keep what the page is told from now on in `told`."""
    files["ghosts.json"] = json.dumps(GHOSTS).encode()
    stand.page.evaluate("(value) => player.show(value)", VALUE | {"ghosts": "ghosts.json"})
    stand.page.evaluate(
        "window.told = []; document.addEventListener('mtinst-edits', ({ detail }) => told.push(detail))"
    )
    stand.page.get_by_role("button", name="Ghosts").click()
    stand.wait("player.ghosts.shown.notes.length")


def middle_of(stand: Stand, note: str) -> "Position":
    """The point of the roll in the middle of a note that a JavaScript expression about `player` gives."""
    x, y = stand.state(
        "((note) => { const [top, height] = lanes.roll.place(note, lanes.roll.rowsOf(player.song));"
        f"return [lanes.x((note.onset + note.offset) / 2), top + height / 2]; }})({note})"
    )
    return {"x": x, "y": y}


def test_a_ghost_becomes_a_note_by_a_click(stand: Stand, files: dict[str, bytes]) -> None:
    page = stand.page
    before = picture(stand, ".mtp-notes")
    assert page.get_by_role("button", name="Ghosts").is_hidden()
    show_ghosts(stand, files)
    assert picture(stand, ".mtp-notes") != before
    assert stand.state("player.ghosts.shown.notes.map((one) => one.pitch)") == [90, 92]
    notes = page.locator(".mtp-notes")
    notes.hover(position=middle_of(stand, "player.ghosts.shown.notes[0]"))
    assert page.locator(".mtp-tip").inner_text() == (
        "Half heard: F♯6 · at 0:02.00 · Flute 40 %, Violin 31 %, Piano 10 % · click adds it"
    )
    notes.click(position=middle_of(stand, "player.ghosts.shown.notes[0]"))
    assert last_edits(stand) == [{"was": None, "now": [2, 2.4, 90, "flute"]}]
    assert page.get_by_role("button", name="Edit", exact=True).get_attribute("aria-pressed") == "true"
    assert stand.state("[player.ghosts.shown.notes.length, mixer.position]") == [1, 0]
    page.get_by_role("button", name="Undo").click()
    assert last_edits(stand) == []
    assert stand.state("player.ghosts.shown.notes.length") == 2
    page.get_by_role("button", name="Ghosts").click()
    assert stand.state("player.ghosts.shown.notes.length") == 0


def test_ghosts_are_added_by_the_keyboard_alone(stand: Stand, files: dict[str, bytes]) -> None:
    show_ghosts(stand, files)
    press = stand.page.keyboard.press
    press("g")
    press("g")
    assert stand.page.locator(".mtp-edit-selected").inner_text().startswith("Half heard: G♯6 · at 0:06.00")
    press("Shift+g")
    press("Enter")
    press("3")
    assert last_edits(stand) == [
        {"was": None, "now": [2, 2.4, 90, "flute"]},
        {"was": [2, 2.4, 90, "flute"], "now": [2, 2.4, 90, "electric_guitar"]},
    ]
    press("g")
    assert stand.state("player.ghosts.picked.pitch") == 92
    press("Escape")
    assert stand.state("player.ghosts.picked") is None


def test_ghosts_that_cannot_be_loaded_are_no_longer_wanted(stand: Stand) -> None:
    page = stand.page
    page.evaluate("(value) => player.show(value)", VALUE | {"ghosts": "data:,nothing"})
    page.get_by_role("button", name="Ghosts").click()
    page.get_by_text("The ghosts could not be loaded.").wait_for()
    assert page.get_by_role("button", name="Ghosts").get_attribute("aria-pressed") == "false"
    (complaint,) = stand.errors
    assert "JSON" in complaint
    stand.errors.clear()


FIRST_VIOLIN_NOTE = f"player.song.instruments[{INSTRUMENT_INDEX['violin']}].notes[0]"


def test_who_holds_on_a_note_sees_who_could_play_it(stand: Stand) -> None:
    page = stand.page
    start_editing(stand)
    shares = page.get_by_role("dialog", name="Who plays this note")
    place = middle_of(stand, FIRST_VIOLIN_NOTE)
    page.locator(".mtp-notes").hover(position=place)
    page.mouse.down()
    shares.wait_for()
    page.mouse.up()
    assert last_edits_told(stand) == 0, "who holds on does not select, seek or edit"
    assert shares.get_by_role("button").count() == 11
    assert " ".join(shares.get_by_role("button").first.inner_text().split()) == "Violin 80 %"
    shares.get_by_role("button", name="Cello").click()
    assert last_edits(stand) == [{"was": [0, 0.448, 64, "violin"], "now": [0, 0.448, 64, "cello"]}]
    assert shares.is_hidden()
    page.locator(".mtp-notes").hover(position={"x": x_of(stand, 5), "y": 200})
    page.locator(".mtp-notes").hover(position=place)
    shares.wait_for()  # the mouse rests on it
    page.mouse.move(5, 5)
    shares.wait_for(state="hidden")


def last_edits_told(stand: Stand) -> int:
    """How often the page was told of edits."""
    return int(stand.page.evaluate("told.length"))


def test_shares_are_seen_and_chosen_by_the_keyboard(stand: Stand) -> None:
    page = stand.page
    start_editing(stand)
    shares = page.get_by_role("dialog", name="Who plays this note")
    page.keyboard.press("n")
    page.keyboard.press("w")
    shares.wait_for()
    assert page.evaluate("document.activeElement.innerText").startswith("Piano")
    page.keyboard.press("Escape")
    assert shares.is_hidden()
    assert stand.state("player.editing.selected.length") == 1
    page.keyboard.press("i")  # a note of one's own, where nobody plays
    page.keyboard.press("w")
    shares.wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert last_edits(stand)[-1]["was"][3] == "piano"
    assert last_edits(stand)[-1]["now"][3] != "piano"


@pytest.mark.parametrize(
    "stand",
    [PHONE | {"viewport": {"width": w, "height": h}} for w, h in ((375, 667), (667, 375))],
    indirect=True,
)
def test_a_finger_that_holds_on_sees_the_shares(stand: Stand) -> None:
    page = stand.page
    notes = page.locator(".mtp-notes")
    notes.scroll_into_view_if_needed()
    box, place = notes.bounding_box(), middle_of(stand, FIRST_VIOLIN_NOTE)
    assert box is not None
    touch = page.context.new_cdp_session(page)
    point = {"x": box["x"] + place["x"], "y": box["y"] + place["y"]}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    shares = page.get_by_role("dialog", name="Who plays this note")
    shares.wait_for()
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert shares.is_visible()
    panel = shares.bounding_box()
    assert panel is not None
    width, height = page.evaluate("[innerWidth, innerHeight]")
    assert panel["x"] >= 0
    assert panel["y"] >= 0
    assert panel["x"] + panel["width"] <= width
    assert panel["y"] + panel["height"] <= height
    shares.get_by_role("button", name="Cello").tap()
    stand.wait(f"{FIRST_VIOLIN_NOTE}.onset > 0")  # it is the cello's now


@pytest.mark.parametrize("stand", [PHONE | {"viewport": {"width": 375, "height": 667}}], indirect=True)
def test_notes_are_edited_by_touch(stand: Stand) -> None:
    page = stand.page
    start_editing(stand)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    boxes = page.locator(".mtp-edits :is(button, select)").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect()).map((one) => [one.left, one.top, one.right, one.bottom])"
    )
    assert all(left >= 0 and right <= 375 and bottom - top >= 36 for left, top, right, bottom in boxes)
    notes = page.locator(".mtp-notes")
    notes.scroll_into_view_if_needed()
    x, y = place_of(stand, 6, share=0.3)
    notes.tap(position={"x": x, "y": y})
    assert "Violin" in page.locator(".mtp-edit-selected").inner_text()
    box = notes.bounding_box()
    assert box is not None
    touch = page.context.new_cdp_session(page)
    for kind, up in (("touchStart", 0), ("touchMove", 20), ("touchMove", 40)):
        point = {"x": box["x"] + x, "y": box["y"] + y - up}
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    (edit,) = last_edits(stand)
    assert edit["now"][:2] == edit["was"][:2]
    assert edit["now"][2] > edit["was"][2]
    page.get_by_role("button", name="Delete").click()  # a tap right after a drag may be taken for the end of a fling
    assert stand.state(f"player.song.instruments[{INSTRUMENT_INDEX['violin']}].notes.length") == 37


# One song after another


def test_new_notes_keep_the_place_and_are_never_heard_as_the_old_ones(stand: Stand) -> None:
    page = stand.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(stand.origin)))
    row(stand, "violin").get_by_role("button", name="Mute").click()
    stand.play(endlessly=True)
    stand.wait("mixer.level('piano') > 0.1 && mixer.position > 0.5")
    value = VALUE | {"song": "song.json?adjusted", "files": None}
    with page.expect_response("**/song.json?adjusted"):
        page.evaluate("(value) => void player.show(value)", value)
    stand.wait("mixer.level('piano') < 1e-4")
    assert stand.state("mixer.playing") is True
    assert "being played" in page.get_by_role("status").inner_text()
    parts = {"piano": "violin.flac", "violin": "violin.flac"}
    page.evaluate("(value) => player.show(value)", value | {"files": {"original": "original.flac", "parts": parts}})
    stand.wait("mixer.level('piano') > 0.1 && mixer.position > 1")
    assert peak_hz(stand, "piano") == pytest.approx(440, abs=16)
    assert stand.state("mixer.parts.get('violin').muted") is True
    assert stand.state("[...mixer.loaded.keys()].sort()") == ["original", "piano", "violin"]
    assert sorted(asked) == ["song.json?adjusted", "violin.flac"], "nothing is fetched twice"
    assert page.get_by_role("status").is_hidden()


def test_parts_that_are_still_being_loaded_are_not_heard_under_newer_notes(stand: Stand) -> None:
    page = stand.page
    message = page.get_by_role("status")
    files = {"original": "original.flac", "parts": {"piano": "violin.flac"}}
    with stand.held("violin.flac"):
        page.evaluate(
            "(value) => { window.first = player.show(value); }", VALUE | {"song": "song.json?1", "files": files}
        )
        stand.wait("player.find('message').textContent.startsWith('Loading')")
        page.evaluate("(value) => player.show(value)", VALUE | {"song": "song.json?2", "files": None})
        assert stand.state("mixer.isStale") is True
    page.evaluate("first")
    assert stand.state("mixer.isStale") is True
    assert "being played" in message.inner_text()
    page.evaluate("(value) => player.show(value)", VALUE | {"song": "song.json?2", "files": files})
    assert stand.state("mixer.isStale") is False
    assert message.is_hidden()


def test_a_part_that_cannot_be_loaded_is_said_and_stays_said(stand: Stand, files: dict[str, bytes]) -> None:
    page = stand.page
    page.route("**/gone.flac", lambda route: route.fulfill(status=404))
    parts = {"piano": "gone.flac", "violin": "violin.flac?again"}
    value = VALUE | {
        "source": "other",
        "song": "song.json?other",
        "files": {"original": "original.flac", "parts": parts},
    }
    message = page.get_by_role("status")
    with stand.held("violin.flac?again"):
        page.evaluate("(value) => player.show(value)", value)
        assert "could not be loaded" in message.inner_text()
    page.wait_for_timeout(300)
    assert "could not be loaded" in message.inner_text()
    assert stand.state("mixer.isReady") is False
    page.unroute("**/gone.flac")
    page.route("**/gone.flac", lambda route: route.fulfill(body=files["piano.flac"]))
    page.evaluate("(value) => player.show(value)", value)
    assert stand.state("mixer.isReady") is True
    assert message.is_hidden()
    stand.errors.clear()  # what the browser says about the one that was not there


def test_the_same_again_fetches_nothing_again(stand: Stand) -> None:
    page = stand.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    value = VALUE | {"source": "other", "song": "song.json?other"}
    with stand.held("violin.flac"):
        page.evaluate("(value) => void player.show(value)", value)
        stand.wait("player.find('message').textContent.startsWith('Loading')")
        page.evaluate("(value) => void player.show(value)", value)
    stand.wait("mixer.isReady")
    assert len(asked) == len(set(asked)) == 5


def test_a_loop_that_ends_at_once_is_gone_round(stand: Stand) -> None:
    stand.play(endlessly=True)
    stand.wait("mixer.position > 1")
    stand.page.evaluate("player.setLoop({start: 0.2, end: player.mixer.position + 0.06}, true)")
    stand.page.wait_for_timeout(1500)
    assert stand.state("mixer.position <= mixer.loop.end")


def test_loops_at_the_ends_of_a_song_are_worth_hearing(stand: Stand) -> None:
    page = stand.page
    page.keyboard.press("b")
    assert stand.state("[mixer.loops, mixer.loop.start, mixer.loop.end]") == [True, 0, DURATION_S]
    page.evaluate(f"player.setLoop(null), player.seek({DURATION_S})")
    page.keyboard.press("a")
    assert stand.state("[mixer.loops, mixer.loop.start, mixer.loop.end]") == [True, 0, DURATION_S]
    page.evaluate("player.setLoop(null)")
    page.keyboard.press("l")
    assert stand.state("[mixer.loops, mixer.loop.start, mixer.loop.end]") == [True, DURATION_S - 4, DURATION_S]


def test_a_key_that_is_held_acts_once_unless_it_moves(stand: Stand) -> None:
    keyboard = stand.page.keyboard
    for _ in range(4):
        keyboard.down(" ")
    assert stand.state("mixer.playing") is True
    keyboard.up(" ")
    keyboard.press(" ")
    start = stand.state("mixer.position")
    for _ in range(3):
        keyboard.down("ArrowRight")
    keyboard.up("ArrowRight")
    assert stand.state("mixer.position") == pytest.approx(start + 6, abs=0.01)


def test_places_can_be_marked_before_there_is_sound(stand: Stand) -> None:
    page = stand.page
    value = VALUE | {"source": "other", "song": "song.json?other"}
    with stand.held("original.flac"):
        page.evaluate("(value) => void player.show(value)", value)
        stand.wait("player.find('message').textContent.startsWith('Loading')")
        assert stand.state("mixer.isReady") is False
        drag(stand, 5.0, 8.0, y=10)
        page.locator(".mtp-notes").click(position={"x": x_of(stand, 6.0), "y": 200})
        assert stand.state("mixer.position") == pytest.approx(6.0, abs=0.05)
    stand.wait("mixer.isReady")
    assert stand.state("mixer.position") == pytest.approx(6.0, abs=0.05)
    assert stand.state("[mixer.loop.start, mixer.loop.end]") == pytest.approx([5.0, 8.0], abs=0.05)
    stand.play()
    assert stand.state("mixer.anchor.position") == pytest.approx(6.0, abs=0.05)


def test_a_part_that_comes_back_shows_how_loud_it_is(stand: Stand) -> None:
    page = stand.page
    volume = row(stand, "flute").get_by_role("slider", name="Volume of Flute")
    pan = row(stand, "flute").get_by_role("slider", name="Left or right: Flute")
    volume.fill("20")
    pan.fill("-50")
    without = VALUE | {"song": "empty.json", "files": {"original": "original.flac", "parts": {}}}
    page.evaluate("(value) => player.show(value)", without)
    assert page.locator(".mtp-row").count() == 0
    page.evaluate("(value) => player.show(value)", VALUE)
    heard = stand.state("mixer.parts.get('flute')")
    assert (heard["volume"], heard["pan"]) == (0.2, -0.5)
    assert volume.input_value() == "20"
    assert pan.get_attribute("aria-valuetext") == "50 % left"


def test_the_probabilities_of_one_song_are_never_seen_under_another(stand: Stand) -> None:
    page = stand.page
    only_notes = picture(stand, ".mtp-notes")
    page.get_by_role("button", name="Probabilities").click()
    stand.wait("player.look.probabilities !== null")
    assert picture(stand, ".mtp-notes") != only_notes
    others = f"{PROBABILITIES}?other"
    value = VALUE | {"source": "other", "song": "song.json?other", "probabilities": others}
    with stand.held(others):
        page.evaluate("(value) => void player.show(value)", value)
        stand.wait("player.shownSource === 'other'")
        assert stand.state("player.look.probabilities") is None
        assert picture(stand, ".mtp-notes") == only_notes
    stand.wait("player.look.probabilities !== null && mixer.isReady")
    assert picture(stand, ".mtp-notes") != only_notes


def test_probabilities_of_a_former_song_that_come_late_change_nothing(stand: Stand) -> None:
    page = stand.page
    page.get_by_role("button", name="Probabilities").click()
    stand.wait("player.look.probabilities !== null")
    late, prompt = (
        VALUE | {"source": name, "song": f"song.json?{name}", "probabilities": f"{PROBABILITIES}?{name}"}
        for name in ("late", "prompt")
    )
    with stand.held(f"{PROBABILITIES}?late"):
        page.evaluate("(value) => void player.show(value)", late)
        stand.wait("player.shownSource === 'late'")
        page.evaluate("(value) => void player.show(value)", prompt)
        stand.wait("player.shownSource === 'prompt' && player.look.probabilities !== null && mixer.isReady")
    page.wait_for_timeout(300)
    assert stand.state("player.look.probabilities !== null")
    assert page.get_by_role("button", name="Probabilities").get_attribute("aria-pressed") == "true"


def test_another_song_frees_the_first(stand: Stand) -> None:
    page = stand.page
    stand.play()
    page.evaluate("window.before = player.mixer.output.context")
    page.evaluate("(value) => player.show(value)", VALUE | {"source": "other", "song": "song.json?other"})
    stand.wait("mixer.isReady")
    page.wait_for_function("before.state === 'closed'")
    assert stand.state("[mixer.playing, mixer.position]") == [False, 0]
    page.evaluate("player.show(null)")
    assert page.locator(".mtp").is_hidden()
    assert stand.state("mixer.loaded.size + mixer.waiting.size") == 0


def test_a_song_without_notes_is_still_heard_itself(stand: Stand) -> None:
    page = stand.page
    value = VALUE | {"source": "empty", "song": "empty.json", "files": {"original": "original.flac", "parts": {}}}
    page.evaluate("(value) => player.show(value)", value)
    stand.wait("mixer.isReady")
    assert page.locator(".mtp-row").count() == 0
    assert page.get_by_role("button", name="The song itself").get_attribute("aria-pressed") == "true"
    stand.play()
    stand.wait("mixer.level('original') > 0.001")
    assert stand.state("player.song.notes.notes.length") == 0


def test_the_first_notes_of_a_song_are_shown_while_the_rest_is_heard(stand: Stand) -> None:
    page = stand.page
    value = VALUE | {"source": "long", "song": "empty.json", "files": None, "partial": True}
    page.evaluate("(value) => player.show(value)", value)
    assert "still being listened to" in page.locator(".mtp-message").inner_text()
    assert page.get_by_role("button", name="Play", exact=True).is_disabled()
    page.evaluate("(value) => player.show(value)", VALUE | {"source": "long"})
    stand.wait("mixer.isReady")
    assert page.locator(".mtp-message").is_hidden()
    assert page.locator(".mtp-row").count() == len(TONES_HZ)
    stand.play()
    stand.wait("mixer.level('piano') > 0.1")


def test_an_older_value_never_replaces_a_newer_one(stand: Stand) -> None:
    page = stand.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(stand.origin)))

    def show(song: str | None, version: int) -> None:
        page.evaluate("(value) => player.show(value)", VALUE | {"song": song, "version": version})

    show("song.json?5", 5)
    show("song.json?4", 4)
    assert stand.state("player.shownSong") == "song.json?5"
    show("song.json?5", 6)
    assert asked == ["song.json?5"], "the same under a newer number is not fetched again"
    with stand.held("song.json?7"):
        page.evaluate("(value) => void player.show(value)", VALUE | {"song": "song.json?7", "version": 7})
        show("song.json?8", 8)
    page.wait_for_timeout(300)
    assert stand.state("player.shownSong") == "song.json?8"
    show(None, 9)
    assert page.locator(".mtp").is_hidden()
    show("song.json?8", 8)
    assert page.locator(".mtp").is_hidden()


# Anywhere else


def test_the_player_works_on_a_bare_page(browser: "Browser", scripts_origin: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.goto(f"{scripts_origin}example/")
    player = "document.querySelector('mtinst-player').player"
    page.wait_for_function(f"{player}?.mixer.isReady")
    assert page.locator(".mtp-row b").all_inner_texts() == ["Piano", "Violin"]
    assert page.locator(".mtp-names button").count() == len(INSTRUMENT_INDEX)
    assert "are played by a synthesiser" in page.locator("mtinst-player").inner_text()
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"{player}.mixer.level('piano') > 0.01")
    assert page.evaluate("Object.keys(window).filter((name) => /mtinst|player|mixer/i.test(name))") == []
    assert errors == []
    assert [url for url in asked if not url.startswith(scripts_origin)] == []
    page.evaluate("window.gone = document.querySelector('mtinst-player'); gone.remove()")
    assert page.evaluate("gone.player.mixer.playing") is False, "who is taken off the page is not heard any more"
    page.evaluate("document.body.append(gone)")
    assert page.locator(".mtp-row").count() == 2
    page.close()
