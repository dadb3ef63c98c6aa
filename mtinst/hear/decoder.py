"""Sound out of a file by FFmpeg, which comes with PyAV and is imported only here, when it is needed.

How long a song is, and when its notes are, is told by what was decoded and by its time stamps, never by what a header
claims. Where the stamps leave a gap there is silence, as every player has it. What the encoder put before and after the
song is left out by FFmpeg itself. What is damaged is passed over, and counted.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from io import SEEK_CUR, SEEK_END, SEEK_SET, BufferedReader
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtinst.errors import AudioError
from mtinst.grid import FloatArray

Block = tuple[float, FloatArray]  # sample rate, and samples of shape (n_samples, n_channels)

# Containers that FFmpeg may open. Left out on purpose: playlists and manifests, which name other files and addresses.
CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,asf,mp3,ogg,flac,wav,w64,aiff,caf,au,avi,flv,"
    "mpeg,mpegts,ac3,eac3,amr,ape,wv,tta,mpc,mpc8,dsf,rm,voc,iff,nistsphere,ircam"
)
UNCLOCKED = frozenset(("mp3", "aac", "ac3", "eac3", "amr"))
"""Formats without time stamps: frames only, one after the other."""
PAUSING = frozenset(
    ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "asf", "avi", "flv", "mpeg", "mpegts", "rm"),
)
"""Formats for pictures too, in which sound may begin late or pause. In others, what is missing was damaged."""
COUNTED = frozenset(("mov,mp4,m4a,3gp,3g2,mj2", "flac"))
"""Formats whose header counts the samples, so that it can be told when a file was cut off."""
LEAST_GAP_S = 0.05
"""Time stamps may be rounded, and are not always exact; less than this is no gap."""
SILENT_SAMPLES = 1 << 16  # of a gap, at a time
_FIRST_PAGE = re.compile(rb"OggS\0[\2\3]")
_TAG = b"ID3"
_SCANNED_BYTES = 1 << 20
_MOST_LINKS = 1000


class Decoder:
    """The sound of one open file.

    Parameters
    ----------
    file : BufferedReader
    name : str
        Of the file, for messages.
    longest_s : float
        A longer gap in the time stamps is no pause but a clock that was set anew.
    """

    def __init__(self, file: BufferedReader, name: str, longest_s: float) -> None:
        self._file = file
        self._name = name
        self._longest_s = longest_s
        self._decoded_s = 0.0
        self.unread_s = 0.0
        """About how much could not be decoded, known once all :meth:`blocks` were asked for."""

    def blocks(self) -> Iterator[Block]:
        """Decode, block after block.

        Raises
        ------
        AudioError
            If there is no audio stream, or none that FFmpeg knows.
        """
        starts = _link_starts(self._file)
        if len(starts) < 2:
            yield from self._decode(self._file)
            return
        # FFmpeg reads several Ogg streams one after the other, but not when they have different channels.
        reason: AudioError | None = None
        for start, end in pairwise([*starts, self._file.seek(0, SEEK_END)]):
            try:
                yield from self._decode(_Part(self._file, start, end))
            except AudioError as error:
                reason = reason or error
                if start > starts[0] and self._decoded_s:
                    self.unread_s += (end - start) * self._decoded_s / (start - starts[0])
        if reason and not self._decoded_s:
            raise reason

    def _decode(self, file: "BufferedReader | _Part") -> Iterator[Block]:
        import av

        try:
            container = av.open(file, "r", metadata_errors="ignore", container_options={"format_whitelist": CONTAINERS})
        except (av.FFmpegError, ValueError) as error:  # ValueError: text in a header that is none
            reason = getattr(error, "strerror", None) or "its header is damaged"
            raise AudioError(f"{self._name} cannot be read as audio: {reason}") from error
        with container:
            stream = container.streams.best("audio")
            if not isinstance(stream, av.AudioStream):
                raise AudioError(f"{self._name} has no audio stream")
            yield from self._frames(container, stream)

    def _frames(self, container: Any, stream: Any) -> Iterator[Block]:
        import av

        form = container.format.name
        decoded_s, decoded_bytes, failed_bytes = 0.0, 0, 0
        clock_s: float | None = None
        late_s = 0.0  # against the picture; what a decoder leaves out at the beginning is no delay
        if stream.start_time is not None and container.start_time is not None:
            late_s = float(stream.start_time * stream.time_base) - container.start_time / av.time_base
        with suppress(av.FFmpegError):  # a damaged file ends where it cannot be taken apart any more
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.FFmpegError:  # a damaged packet; the next ones may be whole
                    if _TAG not in bytes(packet):  # which stands between two files that were joined
                        failed_bytes += packet.size
                    continue
                decoded_bytes += packet.size
                for frame in frames:
                    samples, rate = self._samples(frame), frame.sample_rate
                    begins_s = clock_s if frame.pts is None else float(frame.pts * frame.time_base)
                    if clock_s is None and begins_s is not None:
                        clock_s = begins_s - late_s
                    if clock_s is not None and begins_s is not None and form not in UNCLOCKED:
                        gap_s = begins_s - clock_s
                        if LEAST_GAP_S < gap_s <= self._longest_s:
                            yield from _silence(gap_s, rate, samples.shape[1])
                            self.unread_s += 0.0 if form in PAUSING and not failed_bytes else gap_s
                            decoded_s += gap_s
                            failed_bytes = 0
                        elif abs(gap_s) <= LEAST_GAP_S:
                            begins_s = clock_s  # so that many small ones are found to be a large one
                    yield rate, samples
                    decoded_s += len(samples) / rate
                    clock_s = None if begins_s is None else begins_s + len(samples) / rate
        if decoded_bytes:
            self.unread_s += failed_bytes * decoded_s / decoded_bytes
        if form in COUNTED and stream.duration is not None:
            promised_s = float(stream.duration * stream.time_base)
            if decoded_s < promised_s <= self._longest_s:
                self.unread_s += promised_s - decoded_s
        self._decoded_s += decoded_s

    def _samples(self, frame: Any) -> FloatArray:
        """As float32 in about [-1, 1], shape (n_samples, n_channels)."""
        try:
            block = frame.to_ndarray()  # (n_channels, n_samples), or interleaved in one row
        except ValueError as error:
            raise AudioError(f"{self._name} holds samples of a type that cannot be read") from error
        return to_float(block.T if frame.format.is_planar else block.reshape(-1, frame.layout.nb_channels))


def to_float(samples: NDArray[Any]) -> FloatArray:
    """Samples as float32, integers scaled so that the range of their type becomes [-1, 1)."""
    if samples.dtype.kind not in "iu":
        with np.errstate(over="ignore"):  # what is too large for float32 is found in the result
            return samples.astype(np.float32, copy=False)
    full_scale = 2.0 ** (8 * samples.dtype.itemsize - 1)
    scale = np.float32(1.0 / full_scale)
    if samples.dtype.itemsize <= 2:
        result = samples.astype(np.float32) * scale
    else:
        result = (samples / full_scale).astype(np.float32)
    return result - np.float32(1.0) if samples.dtype.kind == "u" else result


def _silence(duration_s: float, rate: float, n_channels: int) -> Iterator[Block]:
    n_left = round(duration_s * rate)
    while n_left > 0:
        n_samples = min(n_left, SILENT_SAMPLES)
        yield rate, np.zeros((n_samples, n_channels), np.float32)
        n_left -= n_samples


def _link_starts(file: BufferedReader) -> list[int]:
    """Where each of the streams begins that an Ogg file holds one after the other; nothing for other files.

    Those that sound at the same time begin side by side, and are one.
    """
    is_ogg = file.read(4) == b"OggS"
    file.seek(0)
    if not is_ogg:
        return []
    starts: list[int] = []
    place, kept = 0, b""
    end_of_last = -1
    while block := file.read(_SCANNED_BYTES):
        text = kept + block
        for found in _FIRST_PAGE.finditer(text):
            start = place - len(kept) + found.start()
            if start != end_of_last:
                starts.append(start)
            end_of_last = _page_end(file, start)
        place += len(block)
        file.seek(place)
        kept = text[-5:]
    file.seek(0)
    return starts if len(starts) <= _MOST_LINKS else []


def _page_end(file: BufferedReader, start: int) -> int:
    """Where an Ogg page ends."""
    file.seek(start + 26)
    n_segments = file.read(1)
    lengths = file.read(n_segments[0]) if n_segments else b""
    return start + 27 + len(lengths) + sum(lengths)


class _Part:
    """Bytes of an open file from one place to another, as a file of their own."""

    def __init__(self, file: BufferedReader, start: int, end: int) -> None:
        self._file, self._start, self._size = file, start, end - start
        self._place = 0

    def read(self, n_bytes: int = -1) -> bytes:
        """At most so many bytes from where it is."""
        left = max(0, self._size - self._place)
        self._file.seek(self._start + self._place)
        content = self._file.read(left if n_bytes < 0 else min(n_bytes, left))
        self._place += len(content)
        return content

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Go to a place."""
        self._place = max(0, offset + {SEEK_SET: 0, SEEK_CUR: self._place, SEEK_END: self._size}[whence])
        return self._place

    def tell(self) -> int:
        """Where it is."""
        return self._place
