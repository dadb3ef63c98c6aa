"""Files as people bring them that are not as their makers' manuals say: no sizes, no index, joined, damaged, late.

Each is made of the same music, so that it is known how long it is and which notes sound when.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from io import BytesIO
from typing import Any

import av
import numpy as np
import soundfile as sf

from mtinst.grid import FloatArray

RATE = 44_100
PAUSE_S = 1.5
"""How long the gaps in time stamps are, and how late sound begins."""


@dataclass(frozen=True, kw_only=True)
class OddFile:
    """One kind of file.

    Parameters
    ----------
    name : str
        Of the file.
    make : callable
        Makes its bytes from music of shape (n_samples, n_channels) at `RATE`.
    repeats : int
        How many times the music is in it.
    pause_s, pause_at : float
        Silence of this length comes at this share of the music.
    missing_share : float
        About how much of it cannot be read.
    """

    name: str
    make: Callable[[FloatArray], bytes]
    repeats: int = 1
    pause_s: float = 0.0
    pause_at: float = 0.0
    missing_share: float = 0.0


def odd_files() -> Iterator[OddFile]:
    """One of each kind."""
    yield OddFile(name="no index, rate varies.mp3", make=lambda music: mp3(music, has_index=False))
    yield OddFile(name="index of no frames.mp3", make=lambda music: indexed(music, n_frames=0))
    yield OddFile(name="index of few frames.mp3", make=lambda music: indexed(music, n_frames=60))
    yield OddFile(
        name="quiet first.mp3", make=lambda music: mp3(with_quiet_start(music), has_index=False), pause_s=PAUSE_S
    )
    yield OddFile(name="two joined.mp3", make=lambda music: 2 * mp3(music), repeats=2)
    yield OddFile(name="two joined with tags.mp3", make=lambda music: 2 * (tag() + mp3(music)), repeats=2)
    yield OddFile(
        name="two joined of other rates.mp3", make=lambda music: mp3(music) + mp3(music, rate=32_000), repeats=2
    )
    yield OddFile(name="rubbish between frames.mp3", make=lambda music: amid(mp3(music), rubbish(3_000)))
    yield OddFile(name="zeros between frames.mp3", make=lambda music: amid(mp3(music), bytes(30_000)))
    for subtype in ("VORBIS", "OPUS"):
        yield OddFile(name=f"chained {subtype.lower()}.ogg", make=partial(chained, subtype=subtype), repeats=2)
        yield OddFile(
            name=f"chained {subtype.lower()}, then one channel.ogg",
            make=partial(chained, subtype=subtype, n_channels=1),
            repeats=2,
        )
    yield OddFile(name="sizes of nothing.wav", make=lambda music: wav(music, 0))
    yield OddFile(name="sizes never known.wav", make=lambda music: wav(music, 0xFFFFFFFF))
    for container, codec in (("webm", "libopus"), ("mkv", "aac"), ("mp4", "aac"), ("mov", "pcm_s16le")):
        late = partial(film, container=container, codec=codec)
        if container != "mov":  # which counts the samples of PCM, and has no pauses
            make = partial(late, gap_at=0.5)
            yield OddFile(name=f"a pause.{container}", make=make, pause_s=PAUSE_S, pause_at=0.5)
        make = partial(late, gap_at=0.0)
        yield OddFile(name=f"sound after the picture.{container}", make=make, pause_s=PAUSE_S)
    opposite = np.array([1, -1], np.float32)
    yield OddFile(name="one channel inverted.flac", make=lambda music: flac(music[:, :1] * opposite))
    yield OddFile(name="a hole.flac", make=lambda music: holed(flac(music), 0.2), missing_share=0.2)
    yield OddFile(name="a hole.ogg", make=lambda music: holed(ogg(music, "OPUS"), 0.2), missing_share=0.2)


def mp3(music: FloatArray, *, has_index: bool = True, rate: int = RATE) -> bytes:
    """MP3 of variable rate; without an index it is as if written to a pipe."""
    options = {"write_xing": str(int(has_index)), "id3v2_version": "0"}
    return _encoded(music, "mp3", "libmp3lame", rate=rate, options=options, codec_options={"compression_level": "5"})


def indexed(music: FloatArray, *, n_frames: int) -> bytes:
    """MP3 whose index claims so many frames."""
    content = bytearray(mp3(music))
    place = next(place for mark in (b"Xing", b"Info") if (place := content.find(mark)) > 0)
    content[place + 8 : place + 12] = struct.pack(">I", n_frames)
    return bytes(content)


def ogg(music: FloatArray, subtype: str) -> bytes:
    """Ogg, with Vorbis or Opus in it."""
    rate = 48_000 if subtype == "OPUS" else RATE
    return _written(resampled(music, rate), rate, "OGG", subtype)


def chained(music: FloatArray, *, subtype: str, n_channels: int = 2) -> bytes:
    """Two streams of Ogg, one after the other, the second with so many channels."""
    return ogg(music, subtype) + ogg(music[:, :n_channels], subtype)


def flac(music: FloatArray) -> bytes:
    """FLAC."""
    return _written(music, RATE, "FLAC", "PCM_16")


def wav(music: FloatArray, size: int) -> bytes:
    """WAV with that size for both of its lengths."""
    content = bytearray(_written(music, RATE, "WAV", "PCM_16"))
    data = content.index(b"data")
    content[4:8] = content[data + 4 : data + 8] = struct.pack("<I", size)
    return bytes(content)


def film(music: FloatArray, *, container: str, codec: str, gap_at: float) -> bytes:
    """A film whose sound pauses for `PAUSE_S` at that share of it, or begins so much later than the picture."""
    rate = 48_000
    sound = resampled(music, rate)
    buffer = BytesIO()
    with av.open(buffer, "w", format={"mkv": "matroska"}.get(container, container)) as file:
        picture: Any = file.add_stream({"webm": "libvpx"}.get(container, "mpeg4"), rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        stream: Any = file.add_stream(codec, rate=rate, layout="stereo" if sound.shape[1] == 2 else "mono")
        stream.codec_context.open()
        packets = []
        for number in range(25):
            frame: Any = av.VideoFrame(64, 64, "yuv420p")
            frame.pts = number
            packets += picture.encode(frame)
        packets += picture.encode(None)
        heard = _encode(stream, sound, rate)
        late, begin = round(PAUSE_S * rate), round(gap_at * len(sound))
        for packet in heard:
            if packet.pts is not None and (not gap_at or packet.pts * packet.time_base * rate >= begin):
                shift = round(Fraction(late, rate) / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
        packets += heard
        file.mux(sorted(packets, key=lambda packet: float((packet.dts or 0) * packet.time_base)))
    return buffer.getvalue()


def with_quiet_start(music: FloatArray) -> FloatArray:
    """The same after `PAUSE_S` of silence."""
    return np.concatenate([np.zeros((round(PAUSE_S * RATE), music.shape[1]), np.float32), music])


def amid(content: bytes, other: bytes) -> bytes:
    """Bytes with others between two frames near their middle."""
    place = content.index(b"\xff\xfb", len(content) // 2)
    return content[:place] + other + content[place:]


def holed(content: bytes, share: float) -> bytes:
    """Bytes of which this share, after their middle, is zero."""
    middle, n_bytes = len(content) // 2, round(share * len(content))
    return content[:middle] + bytes(n_bytes) + content[middle + n_bytes :]


def tag() -> bytes:
    """ID3 with a picture of 100 kB."""
    n_bytes = 100_000
    head = b"APIC" + struct.pack(">I", n_bytes) + bytes(2)
    size = bytes(len(head) + n_bytes >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + head + bytes(n_bytes)


def rubbish(n_bytes: int) -> bytes:
    """Random bytes."""
    return np.random.default_rng(0).bytes(n_bytes)


def resampled(music: FloatArray, rate: int) -> FloatArray:
    """The same at another rate."""
    import soxr

    result: FloatArray = soxr.resample(music, RATE, rate).astype(np.float32)
    return result


def _written(music: FloatArray, rate: int, container: str, subtype: str) -> bytes:
    buffer = BytesIO()
    with sf.SoundFile(buffer, "w", rate, music.shape[1], subtype, format=container) as file:
        for start in range(0, len(music), rate):  # libsndfile cannot write much Vorbis at once
            file.write(music[start : start + rate])
    return buffer.getvalue()


def _encoded(
    music: FloatArray, container: str, codec: str, *, rate: int, options: dict[str, str], codec_options: dict[str, str]
) -> bytes:
    buffer = BytesIO()
    with av.open(buffer, "w", format=container, options=options) as file:
        stream: Any = file.add_stream(
            codec, rate=rate, layout="stereo" if music.shape[1] == 2 else "mono", options=codec_options
        )
        stream.codec_context.flags |= 2  # a quality, and the rate that it takes
        stream.codec_context.global_quality = 4 * 118
        file.mux(_encode(stream, resampled(music, rate), rate))
    return buffer.getvalue()


def _encode(stream: Any, sound: FloatArray, rate: int) -> list[Any]:
    layout = "stereo" if sound.shape[1] == 2 else "mono"
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    stream.codec_context.open(strict=False)
    resampler = av.AudioResampler(stream.format, layout, rate, stream.frame_size or 1024)
    frames = [*resampler.resample(frame), *resampler.resample(None), None]
    return [packet for converted in frames for packet in stream.encode(converted)]
