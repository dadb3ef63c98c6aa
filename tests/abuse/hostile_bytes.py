"""Files that lie, written byte by byte: headers that promise hours, archives and codecs that unpack to days."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np

FLAC_BLOCK = 65_535


def wav(
    data: bytes = b"",
    *,
    rate: int = 16_000,
    n_channels: int = 1,
    bits: int = 16,
    code: int = 1,
    data_size: int | None = None,
    riff_size: int | None = None,
    align: int | None = None,
) -> bytes:
    """A WAV file whose header says what it is told; sizes and alignment are honest unless told otherwise."""
    align = n_channels * bits // 8 if align is None else align
    header = struct.pack(
        "<HHIIHH", code, n_channels & 0xFFFF, rate & 0xFFFFFFFF, rate * align & 0xFFFFFFFF, align & 0xFFFF, bits
    )
    data_size = len(data) if data_size is None else data_size
    body = b"WAVEfmt " + struct.pack("<I", len(header)) + header + b"data" + struct.pack("<I", data_size) + data
    return b"RIFF" + struct.pack("<I", len(body) if riff_size is None else riff_size) + body


def chunks_before_sound(n_bytes: int, kind: bytes = b"LIST") -> bytes:
    """A WAV file with a chunk of another kind before its sound."""
    plain = wav(b"\0\1" * 8000)
    extra = kind + struct.pack("<I", n_bytes) + bytes(min(n_bytes, 1 << 20))
    return plain[:12] + extra + plain[12:]


def aiff(*, n_frames: int, rate: bytes, n_channels: int = 1, bits: int = 16, data: bytes = bytes(3200)) -> bytes:
    """An AIFF file; its rate is ten bytes of an extended float."""
    common = b"COMM" + struct.pack(">IhIh", 18, n_channels, n_frames & 0xFFFFFFFF, bits) + rate
    sound = b"SSND" + struct.pack(">III", 8 + len(data), 0, 0) + data
    return b"FORM" + struct.pack(">I", 4 + len(common) + len(sound)) + b"AIFF" + common + sound


def au(*, data_size: int = 0xFFFFFFFF, coding: int = 3, rate: int = 16_000, n_channels: int = 1) -> bytes:
    """An AU file with a tenth of a second of sound."""
    return b".snd" + struct.pack(">IIIII", 24, data_size, coding, rate, n_channels) + bytes(3200)


def id3(n_bytes: int) -> bytes:
    """The head of an ID3 tag that claims to be so long."""
    return b"ID3\4\0\0" + bytes(n_bytes >> shift & 0x7F for shift in (21, 14, 7, 0))


def flac_bomb(seconds: float, *, rate: int = 44_100, n_channels: int = 1, promised: int | None = None) -> bytes:
    """A FLAC file in which each block of 65,535 samples is one number: a day of it is a megabyte.

    `promised` is the number of samples that the header claims; honest unless given.
    """
    n_blocks = max(1, round(seconds * rate / FLAC_BLOCK))
    n_samples = n_blocks * FLAC_BLOCK if promised is None else promised
    packed = (rate << 44) | (n_channels - 1 << 41) | (15 << 36) | n_samples
    info = struct.pack(">HH", FLAC_BLOCK, FLAC_BLOCK) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    blocks = b"".join(_flac_block(number, n_channels) for number in range(n_blocks))
    return b"fLaC\x80" + len(info).to_bytes(3, "big") + info + blocks


def _flac_block(number: int, n_channels: int) -> bytes:
    # Rate and sample size as in the stream's header; a block size of two bytes.
    head = bytes([0xFF, 0xF8, 0x70, (n_channels - 1) << 4]) + _as_utf8(number) + struct.pack(">H", FLAC_BLOCK - 1)
    head += bytes([_crc(head, 0x07, 8)])
    body = head + (b"\0" + struct.pack(">h", 1 + number % 7)) * n_channels
    return body + struct.pack(">H", _crc(body, 0x8005, 16))


def _as_utf8(number: int) -> bytes:
    """FLAC counts its blocks as if they were characters."""
    if number < 0x80:
        return bytes([number])
    tail = []
    limit = 0x40
    while number >= limit:
        tail.append(0x80 | number & 0x3F)
        number >>= 6
        limit >>= 1
    mark = 0xFF00 >> (len(tail) + 1) & 0xFF
    return bytes([mark | number, *reversed(tail)])


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    register, top, mask = 0, 1 << (bits - 1), (1 << bits) - 1
    for byte in data:
        register ^= byte << (bits - 8)
        for _ in range(8):
            register = (register << 1 ^ polynomial if register & top else register << 1) & mask
    return register


def zip_bomb(n_bytes: int, name: str = "song.wav") -> bytes:
    """An archive of so many zeros."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w", force_zip64=True) as file,
    ):
        for _ in range(0, n_bytes, 1 << 22):
            file.write(bytes(1 << 22))
    return buffer.getvalue()


def gzip_bomb(n_bytes: int) -> bytes:
    """The same as one stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 22)) for _ in range(0, n_bytes, 1 << 22)) + packer.flush()


def flipped(content: bytes, rng: np.random.Generator, n_bits: int, first: int = 0, end: int | None = None) -> bytes:
    """The content with some bits turned over between two places."""
    damaged = np.frombuffer(content, np.uint8).copy()
    end = len(damaged) if end is None else min(end, len(damaged))
    places = rng.integers(min(first, end - 1), end, n_bits)
    damaged[places] ^= (1 << rng.integers(0, 8, n_bits)).astype(np.uint8)
    return damaged.tobytes()


def samples_of_all_kinds(rng: np.random.Generator, n_samples: int = 16_000) -> Iterator[tuple[str, np.ndarray, bool]]:
    """Names, float32 samples that are unlike music, and whether they can be transcribed."""
    noise = rng.standard_normal(n_samples).astype(np.float32) * np.float32(0.1)
    impulse = np.zeros(n_samples, np.float32)
    impulse[n_samples // 2] = 1
    nan_first, nan_last, one_infinite = noise.copy(), noise.copy(), noise.copy()
    nan_first[0] = nan_last[-1] = np.nan
    one_infinite[5] = -np.inf
    yield "silence", np.zeros(n_samples, np.float32), True
    yield "negative-zero", np.full(n_samples, -0.0, np.float32), True
    yield "dc", np.ones(n_samples, np.float32), True
    yield "dc-and-noise", 1 + noise, True
    yield "denormal", noise * np.float32(1e-40), True
    yield "smallest", np.full(n_samples, np.float32(1e-45)), True
    yield "quiet", noise * np.float32(1e-6), True
    yield "loud", noise * np.float32(1e6), True
    yield "very-loud", noise * np.float32(1e37), True
    yield "largest", np.sign(noise) * np.finfo(np.float32).max, False
    yield "clipped", np.sign(noise), True
    yield "impulse", impulse, True
    yield "one-sample", noise[:1], True
    yield "two-samples", noise[:2], True
    yield "nyquist", (np.arange(n_samples) % 2 - np.float32(0.5)).astype(np.float32), True
    yield "nan-first", nan_first, False
    yield "nan-last", nan_last, False
    yield "all-nan", np.full(n_samples, np.nan, np.float32), False
    yield "infinite", one_infinite, False
    yield "all-infinite", np.full(n_samples, np.inf, np.float32), False
