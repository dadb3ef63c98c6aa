"""More than three hundred files that somebody might bring, by mistake or by malice; the same in every run.

Each has a kind, and says what it must end in: a right result, one clear sentence, or either, where damage decides how
much can still be read.
"""

import io
import json
import os
import pickle
import socket
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import av
import numpy as np
import soundfile as sf
from PIL import Image

from tests.abuse import hostile_bytes as craft

RATE = 16_000
SECONDS = 1.2
FOREVER_S = 12 * 3600.0  # what bombs and headers promise
Wanted = Literal["result", "sentence", "either"]


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """One input.

    Parameters
    ----------
    kind : str
        Row of the table.
    name : str
        Of the file, within a folder of its own.
    make : callable
        Makes it at a path.
    wanted : "result", "sentence" or "either"
    duration_s : float, optional
        Of a right result.
    is_upload : bool
        Whether a browser could send it.
    """

    kind: str
    name: str
    make: Callable[[Path], object]
    wanted: Wanted = "sentence"
    duration_s: float | None = None
    is_upload: bool = True


def corpus(seed: int = 0) -> list[Hostile]:
    """All of them."""
    rng = np.random.default_rng(seed)
    return [
        *_truncated(),
        *_flipped(rng),
        *_misnamed(),
        *_lying_headers(),
        *_bombs(),
        *_rates_and_channels(),
        *_odd_samples(rng),
        *_not_audio(rng),
        *_playlists(),
        *_special_files(),
        *_names(),
    ]


def sample() -> list[Hostile]:
    """A few of each kind, none of them slow: one of ten, and the first of each kind."""
    everything = corpus()
    seen: set[str] = set()
    chosen = []
    for number, one in enumerate(everything):
        if (number % 10 == 5 or one.kind not in seen) and one.kind != "bombs":
            chosen.append(one)
        seen.add(one.kind)
    return chosen


def music(seconds: float = SECONDS, rate: int = RATE) -> Any:
    """Two tones and a little noise, float32 of shape (n_samples,)."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(0).standard_normal(len(time)) * 0.01
    return (0.3 * np.sin(2 * np.pi * 220 * time) + 0.2 * np.sin(2 * np.pi * 660 * time) + noise).astype(np.float32)


@cache
def good(form: str) -> bytes:
    """A whole file of a format, given by its suffix."""
    with TemporaryDirectory() as folder:
        path = Path(folder, f"good.{form}")
        if form in _BY_FFMPEG:
            _encode(path, *_BY_FFMPEG[form])
        else:
            container, subtype = _BY_SNDFILE[form]
            sf.write(path, music(), RATE, format=container, subtype=subtype)
        return path.read_bytes()


_BY_SNDFILE = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "aiff": ("AIFF", "PCM_16"),
    "caf": ("CAF", "ALAC_16"),
    "au": ("AU", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "rf64": ("RF64", "PCM_24"),
}
_BY_FFMPEG = {
    "m4a": ("aac", None),
    "mp4": ("aac", None),
    "aac": ("aac", "adts"),
    "wma": ("wmav2", None),
    "webm": ("libopus", None),
    "mkv": ("pcm_s32le", None),
    "ts": ("mp2", "mpegts"),
    "flv": ("aac", None),
}
FORMATS = (*_BY_SNDFILE, *_BY_FFMPEG)


def _encode(path: Path, codec: str, container: str | None) -> None:
    rate = 48_000
    frame = av.AudioFrame.from_ndarray(music(SECONDS, rate)[np.newaxis], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    with av.open(path, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = 128_000
        stream.codec_context.open()
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size or 1024)
        for converted in [*resampler.resample(frame), *resampler.resample(None), None]:
            file.mux(stream.encode(converted))


def _bytes(content: bytes | Callable[[], bytes]) -> Callable[[Path], object]:
    """Write them; what takes long to make is made only when it is wanted."""
    return lambda path: path.write_bytes(content() if callable(content) else content)


def _truncated() -> Iterator[Hostile]:
    for form in FORMATS:
        for share in (0.0, 0.001, 0.02, 0.3, 0.7, 0.999):
            content = good(form)[: int(share * len(good(form)))]
            wanted: Wanted = "sentence" if len(content) < 12 else "either"
            yield Hostile(kind="truncated", name=f"cut at {share}.{form}", make=_bytes(content), wanted=wanted)


def _flipped(rng: np.random.Generator) -> Iterator[Hostile]:
    for form in FORMATS:
        content = good(form)
        for number, (n_bits, end) in enumerate([(1, None), (20, None), (400, None), (3, 64), (30, 400)]):
            damaged = craft.flipped(content, rng, n_bits, end=end)
            yield Hostile(kind="bits turned over", name=f"{number}.{form}", make=_bytes(damaged), wanted="either")


def _misnamed() -> Iterator[Hostile]:
    for form, other in zip(FORMATS, (*FORMATS[5:], *FORMATS[:5]), strict=True):
        yield Hostile(
            kind="wrong extension",
            name=f"is {form}.{other}",
            make=_bytes(good(form)),
            wanted="result",
            duration_s=SECONDS,
        )
    for name in ("song.raw", "song.txt", "song.exe", "song.mid", "song", "song.wav.png", ".wav"):
        yield Hostile(kind="wrong extension", name=name, make=_bytes(good("wav")), wanted="result", duration_s=SECONDS)


def _lying_headers() -> Iterator[Hostile]:
    second = bytes(2 * RATE)
    rate_16k = b"\x40\x0c\xfa\0\0\0\0\0\0\0"

    def lie(name: str, content: bytes | Callable[[], bytes], wanted: Wanted = "either") -> Hostile:
        return Hostile(kind="headers that lie", name=name, make=_bytes(content), wanted=wanted)

    yield lie("data of 4 GB.wav", craft.wav(second, data_size=0xFFFFFFFF, riff_size=0xFFFFFFFF), "result")
    yield lie("data of 2 GB.wav", craft.wav(second, data_size=0x7FFFFFFF), "result")
    yield lie("no data.wav", craft.wav(second, data_size=0))
    yield lie("riff of nothing.wav", craft.wav(second, riff_size=0))
    yield lie("no channels.wav", craft.wav(second, n_channels=0, align=2))
    yield lie("65535 channels.wav", craft.wav(second, n_channels=65_535))
    yield lie("no bits.wav", craft.wav(second, bits=0, align=2))
    yield lie("7 bits.wav", craft.wav(second, bits=7, align=1))
    yield lie("65535 bits.wav", craft.wav(second, bits=65_535, align=2))
    yield lie("no alignment.wav", craft.wav(second, align=0))
    yield lie("huge alignment.wav", craft.wav(second, align=65_535))
    for code in (0, 2, 17, 49, 85, 0x50, 0x161, 0xFFFE, 0xFFFF):
        yield lie(f"codec {code}.wav", craft.wav(second, code=code))
    for rate in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):
        yield lie(f"{rate} Hz.wav", craft.wav(second, rate=rate), "sentence")
    for n_bytes in (0, 7, 1 << 20, 0x7FFFFFFF, 0xFFFFFFFF):
        yield lie(f"{n_bytes} before.wav", craft.chunks_before_sound(n_bytes))
    yield lie("format of 4 GB.wav", good("wav")[:16] + b"\xff\xff\xff\xff" + good("wav")[20:])
    yield lie("frames.aiff", craft.aiff(n_frames=0xFFFFFFFF, rate=rate_16k))
    yield lie("negative frames.aiff", craft.aiff(n_frames=-5, rate=rate_16k))
    yield lie("rate of nothing.aiff", craft.aiff(n_frames=1600, rate=bytes(10)))
    yield lie("rate of everything.aiff", craft.aiff(n_frames=1600, rate=b"\x7f\xff" + b"\xff" * 8))
    yield lie("many channels.aiff", craft.aiff(n_frames=1600, rate=rate_16k, n_channels=32_767))
    yield lie("huge.au", craft.au())
    yield lie("unknown coding.au", craft.au(coding=99))
    yield lie("many channels.au", craft.au(n_channels=0x7FFFFFFF))
    for n_bytes in (0, 1000, (1 << 28) - 1):
        yield lie(f"tag of {n_bytes}.mp3", craft.id3(n_bytes) + good("mp3"))
    yield lie("endless tags.mp3", craft.id3(0) * 50_000 + good("mp3"))
    yield lie("a day of flac.flac", craft.flac_bomb(3.0, promised=(1 << 36) - 1))
    yield lie("no flac.flac", craft.flac_bomb(3.0, promised=0))
    yield lie("picture of 16 MB.flac", b"fLaC\6\xff\xff\xff" + bytes(1000) + good("flac")[4:])
    position = good("ogg").index(b"OggS", 100) + 6
    yield lie("a day of ogg.ogg", good("ogg")[:position] + b"\xff" * 7 + b"\x7f" + good("ogg")[position + 8 :])
    comment = good("ogg").index(b"\3vorbis") + 7
    yield lie("comment of 4 GB.ogg", good("ogg")[:comment] + b"\xff\xff\xff\xff" + good("ogg")[comment + 4 :])
    for atom in (b"mdhd", b"stsz", b"stsc", b"stts", b"stco", b"moov", b"esds", b"mvhd"):
        place = good("m4a").index(atom)
        damaged = good("m4a")[: place + 8] + b"\xff" * 16 + good("m4a")[place + 24 :]
        yield lie(f"{atom.decode()}.m4a", damaged)
        yield lie(f"size of {atom.decode()}.m4a", good("m4a")[: place - 4] + b"\xff" * 4 + good("m4a")[place:])
    nested = b""
    for _ in range(2000):
        nested = struct.pack(">I", len(nested) + 8) + b"moov" + nested
    yield lie("2000 deep.m4a", good("m4a")[:32] + nested, "sentence")
    yield lie("ebml of everything.mkv", b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 7 + good("mkv")[12:])


def _bombs() -> Iterator[Hostile]:
    def bomb(name: str, content: Callable[[], bytes]) -> Hostile:
        return Hostile(kind="bombs", name=name, make=_bytes(content))

    yield bomb("half a day.flac", lambda: craft.flac_bomb(FOREVER_S))
    yield bomb("half a day in eight channels.flac", lambda: craft.flac_bomb(FOREVER_S / 4, n_channels=8, rate=96_000))
    yield bomb("fast.flac", lambda: craft.flac_bomb(3 * 3600.0, n_channels=8, rate=655_350))
    yield bomb("slow.wav", lambda: craft.wav(bytes(20_000_000), rate=1000, bits=8))
    yield bomb("archive.zip", lambda: craft.zip_bomb(1 << 30))
    yield bomb("archive.wav", lambda: craft.zip_bomb(1 << 28))
    yield bomb("archive.gz", lambda: craft.gzip_bomb(1 << 30))
    yield bomb("archive.flac", lambda: craft.gzip_bomb(1 << 28))
    yield Hostile(kind="bombs", name="two gigabytes of nothing.wav", make=lambda path: _sparse(path, b"", 2 << 30))
    yield Hostile(
        kind="bombs", name="two gigabytes.wav", make=lambda path: _sparse(path, craft.wav(data_size=2 << 30), 2 << 30)
    )


def _sparse(path: Path, head: bytes, n_bytes: int) -> None:
    """A file that takes no room on the disk."""
    path.write_bytes(head)
    os.truncate(path, n_bytes)


def _rates_and_channels() -> Iterator[Hostile]:
    kind = "rates and channels"

    def sound(rate: int, n_channels: int, container: str, seconds: float) -> Callable[[Path], object]:
        samples = np.repeat(music(seconds, rate)[:, np.newaxis], n_channels, axis=1)
        return lambda path: sf.write(path, samples, rate, format=container)

    for rate, wanted in (
        (1, "sentence"),
        (100, "sentence"),
        (999, "sentence"),
        (1000, "result"),
        (8000, "result"),
        (11_025, "result"),
        (44_100, "result"),
        (192_000, "result"),
        (384_000, "result"),
        (768_000, "result"),
        (1_000_000, "result"),
        (1_000_001, "sentence"),
    ):
        make = sound(rate, 1, "WAV", max(SECONDS, 3 / rate))
        is_right = wanted == "result"
        yield Hostile(
            kind=kind,
            name=f"{rate} Hz.wav",
            make=make,
            wanted="result" if is_right else "sentence",
            duration_s=SECONDS if is_right else None,
        )
    for n_channels in (3, 6, 8, 64, 255, 512):
        yield Hostile(
            kind=kind,
            name=f"{n_channels} channels.wav",
            make=sound(RATE, n_channels, "WAV", SECONDS),
            wanted="result",
            duration_s=SECONDS,
        )
    make = sound(RATE, 1024, "WAV", SECONDS)
    yield Hostile(kind=kind, name="1024 channels.wav", make=make, wanted="sentence")
    for container, n_channels in (("FLAC", 8), ("AIFF", 64), ("CAF", 64), ("W64", 64)):
        yield Hostile(
            kind=kind,
            name=f"{n_channels} channels.{container.lower()}",
            make=sound(48_000, n_channels, container, SECONDS),
            wanted="result",
            duration_s=SECONDS,
        )


def _odd_samples(rng: np.random.Generator) -> Iterator[Hostile]:
    for name, samples, is_right in craft.samples_of_all_kinds(rng):
        for subtype in ("FLOAT", "DOUBLE"):

            def write(path: Path, samples: Any = samples, subtype: str = subtype) -> None:
                sf.write(path, samples, RATE, subtype=subtype)

            yield Hostile(
                kind="odd samples",
                name=f"{name} {subtype.lower()}.wav",
                make=write,
                wanted="result" if is_right else "either" if name == "largest" else "sentence",
                duration_s=len(samples) / RATE if is_right else None,
            )


def _not_audio(rng: np.random.Generator) -> Iterator[Hostile]:
    picture = io.BytesIO()
    for form in ("PNG", "GIF", "JPEG", "BMP", "TIFF"):
        picture = io.BytesIO()
        Image.new("RGB", (64, 64), "red").save(picture, form)
        yield Hostile(kind="no audio", name=f"picture.{form.lower()}", make=_bytes(picture.getvalue()))
        yield Hostile(kind="no audio", name=f"picture {form.lower()}.mp3", make=_bytes(picture.getvalue()))
    archive, tar = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("song.wav", good("wav"))
    with tarfile.open(fileobj=tar, mode="w") as bundle:
        bundle.addfile(tarfile.TarInfo("../../song.wav"))
    text = "These are the words of the song.\n" * 200
    for name, content in {
        "nothing.wav": b"",
        "one byte.wav": b"R",
        "words.txt": text.encode(),
        "words.mp3": text.encode(),
        "words in utf-16.mp3": text.encode("utf-16"),
        "page.html": b"<!doctype html><script>alert(1)</script>",
        "page.wav": b"<html><body onload=alert(1)>",
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "data.json": json.dumps({"a": [1] * 1000}).encode(),
        "pickle.wav": pickle.dumps({"__reduce__": os.getpid}),
        "program.wav": b"\x7fELF\2\1\1" + bytes(500),
        "script.wav": b"#!/bin/sh\ntouch /tmp/hacked\n",
        "document.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n",
        "archive.zip": archive.getvalue(),
        "archive.wav": archive.getvalue(),
        "bundle.tar": tar.getvalue(),
        "notes.mid": b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0",
        "font.sf2": b"RIFF\0\0\0\0sfbkLIST",
        "weights.safetensors": struct.pack("<Q", 2) + b"{}",
        "zeros.wav": bytes(100_000),
        "ones.mp3": b"\xff" * 100_000,
        "sync.mp3": b"\xff\xfb\x90\x64" * 20_000,
        "adts.aac": b"\xff\xf1\x50\x80\x02\x1f\xfc" * 10_000,
        "pages.ogg": b"OggS\0\2" + bytes(21) + b"OggS" * 5000,
        "sdp.wav": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n",
        "subtitles.srt": b"1\n00:00:00,000 --> 00:00:01,000\nla la\n",
    }.items():
        yield Hostile(kind="no audio", name=name, make=_bytes(content), wanted=_of_noise(name))
    for number in range(12):
        suffix = ("wav", "mp3", "m4a", "flac")[number % 4]
        yield Hostile(kind="no audio", name=f"noise {number}.{suffix}", make=_bytes(rng.bytes(20_000)), wanted="either")
    yield Hostile(kind="no audio", name="film without sound.mp4", make=write_film)


def _of_noise(name: str) -> Wanted:
    """What looks like the frames of a codec may decode to something."""
    return "either" if name in ("sync.mp3", "adts.aac", "ones.mp3", "pages.ogg") else "sentence"


def write_film(path: Path) -> None:
    """A film without sound."""
    with av.open(path, "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        file.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        file.mux(stream.encode(None))


def _playlists() -> Iterator[Hostile]:
    """Each names a song beside it, the machine's secrets, or an address; none of these may be opened."""
    for name, text in {
        "list.m3u": "secret.wav\n",
        "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n",
        "list.mp3": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "remote.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        "list.pls": "[playlist]\nFile1=secret.wav\nNumberOfEntries=1\n",
        "list.xspf": "<playlist><trackList><track><location>secret.wav</location></track></trackList></playlist>",
        "list.cue": 'FILE "secret.wav" WAVE\n TRACK 01 AUDIO\n  INDEX 01 00:00:00\n',
        "list.asx": '<asx><entry><ref href="secret.wav"/></entry></asx>',
        "list.ffconcat": "ffconcat version 1.0\nfile secret.wav\n",
        "list.wav": "ffconcat version 1.0\nfile secret.wav\n",
        "list.mpd": '<?xml version="1.0"?><MPD><Period><BaseURL>secret.wav</BaseURL></Period></MPD>',
        "list.url": "[InternetShortcut]\nURL=http://127.0.0.1:9/\n",
        "reference.mov": "RTSPtext\nrtsp://127.0.0.1:9/\n",
    }.items():

        def write(path: Path, text: str = text) -> None:
            sf.write(path.with_name("secret.wav"), music(), RATE)
            path.write_text(text)

        yield Hostile(kind="playlists", name=name, make=write)


def _special_files() -> Iterator[Hostile]:
    def special(name: str, make: Callable[[Path], object], wanted: Wanted = "sentence") -> Hostile:
        duration_s = SECONDS if wanted == "result" else None
        return Hostile(
            kind="special files", name=name, make=make, wanted=wanted, duration_s=duration_s, is_upload=False
        )

    def link_to(target: str) -> Callable[[Path], object]:
        return lambda path: path.symlink_to(target)

    def chain(path: Path, n_links: int) -> None:
        path.with_name("0").write_bytes(good("wav"))
        for number in range(n_links):
            path.with_name(str(number + 1)).symlink_to(str(number))
        path.symlink_to(str(n_links))

    def fifo_link(path: Path) -> None:
        os.mkfifo(path.with_name("fifo"))
        path.symlink_to("fifo")

    def circle(path: Path) -> None:
        path.symlink_to("other")
        path.with_name("other").symlink_to(path.name)

    def loop(path: Path) -> None:
        path.parent.mkdir()
        (path.parent / "up").symlink_to("..")
        path.write_bytes(good("wav"))

    yield special("fifo.wav", os.mkfifo)
    yield special("socket.wav", _bind)
    yield special("folder.wav", Path.mkdir)
    yield special("not there.wav", lambda path: None)
    yield special("under a file.wav/song.wav", lambda path: path.parent.write_text("no folder"))
    for device in ("null", "zero", "full", "random", "tty", "stdin"):
        yield special(f"{device}.wav", link_to(f"/dev/{device}"))
    for entry in ("/proc/self/maps", "/proc/self/mem", "/proc/kmsg", "/etc/passwd", "/sys/kernel/notes"):
        yield special(f"{Path(entry).name}.wav", link_to(entry))
    yield special("itself.wav", link_to("itself.wav"))
    yield special("nowhere.wav", link_to("nowhere at all"))
    yield special("folder link.wav", link_to("."))
    yield special("fifo link.wav", fifo_link)
    yield special("circle.wav", circle)
    yield special("20 links.wav", lambda path: chain(path, 20), "result")
    yield special("100 links.wav", lambda path: chain(path, 100))
    yield special("link.wav", lambda path: chain(path, 0), "result")
    yield special("loops/song.wav", loop, "result")


def _bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(path.parent)  # the names of sockets are short
        try:
            server.bind(path.name)
        finally:
            os.chdir(before)


def _names() -> Iterator[Hostile]:
    for name in (
        "..wav",
        "...wav",
        ".. ..wav",
        "..\\..\\windows.wav",
        "-rf.wav",
        "--json.wav",
        "--out=x.wav",
        'it\'s "quoted".wav',
        "two\nlines.wav",
        "return\r.wav",
        "bell\a and \x1b[31mred\x1b[0m.wav",
        "tab\t.wav",
        "<script>alert(1);.wav",
        "<script src=x>.wav",
        "<img src=x onerror=alert(1)>.wav",
        '" onmouseover="alert(1).wav',
        "&lt;&amp;.wav",
        "$(touch hacked).wav",
        "`touch hacked`.wav",
        "; rm -rf x; .wav",
        "a | b > c.wav",
        "%s%n%d.wav",
        "{0.__class__}.wav",
        "%2e%2e%2fetc.wav",
        "*?[a].wav",
        "~.wav",
        "CON.wav",
        "nul",
        "file:song.wav",
        "http:song.wav",
        "concat:a|b.wav",
        "pipe:0",
        "-",
        " .wav",
        "   leading and trailing   ",
        "Größe – 音楽 🎻.wav",
        "שיר \u202egnp.wav",
        "zero\u200bwidth\ufeff.wav",
        "e\u0301 and é.wav",
        os.fsdecode(b"not unicode \xff\xfe.wav"),
        "n" * 251 + ".wav",
        "é" * 125 + ".wav",
        "n" * 255,
    ):
        yield Hostile(kind="names", name=name, make=_bytes(good("wav")), wanted="result", duration_s=SECONDS)
        yield Hostile(kind="names", name=name, make=_bytes(b"not a song at all"))
    for name in ("/".join(["f" * 250] * 15) + "/song.wav", "inner/../song.wav", "inner/./././song.wav"):
        yield Hostile(kind="names", name=name, make=_in_folders, wanted="result", duration_s=SECONDS)
    yield Hostile(kind="names", name="n" * 4000, make=lambda path: None, is_upload=False)
    yield Hostile(kind="names", name="/".join(["n" * 99] * 50), make=lambda path: None, is_upload=False)
    yield Hostile(kind="names", name="n" * 256, make=lambda path: None, is_upload=False)
    yield Hostile(kind="names", name="a\0b.wav", make=lambda path: None, is_upload=False)


def _in_folders(path: Path) -> None:
    """Make the folders that a path goes through, and the song at its end."""
    path.parent.mkdir(parents=True, exist_ok=True) if ".." not in path.parts else path.parents[1].mkdir()
    path.write_bytes(good("wav"))
