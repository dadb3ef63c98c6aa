"""Files and arrays to mono float32.

libsndfile reads wav, flac, mp3, ogg, opus and aiff; what it does not know (m4a, mp4, aac, wma, webm) goes to FFmpeg,
which comes with PyAV and is imported only then. Both decode in blocks that are mixed down and resampled as they arrive,
so a long file needs little more memory than its result. Channels are averaged; the resampler is soxr's "HQ".
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BufferedReader
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from mtinst.errors import AudioError, MtinstError
from mtinst.spec import SPEC, FloatArray

Block = tuple[int, int, FloatArray]  # sample rate, samples of all channels, mono samples

# When libsndfile stumbles over a damaged file, it takes the whole block with it: blocks are as short as a FLAC frame.
BLOCK_SAMPLES = 4096
SLOWEST_RATE, FASTEST_RATE = 1_000, 1_000_000
"""Sample rates in Hz outside these come from damaged headers, and could ask for any amount of memory."""
LONGEST_S = 7200.0
"""Longer recordings are refused unless told otherwise: a file of a few kilobytes can unpack to days of silence."""
MOST_SAMPLES_A_SECOND = 400_000
"""A file may unpack to the longest duration of two channels at 192 kHz, or as much in another way."""
LONGEST_NAME = 255
"""Characters of a name that a message repeats; no file system takes longer ones."""

# Containers that FFmpeg may open. Left out on purpose: playlists and manifests, which name other files and addresses.
CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,asf,mp3,ogg,flac,wav,w64,aiff,caf,au,avi,flv,"
    "mpeg,mpegts,ac3,eac3,amr,ape,wv,tta,mpc,mpc8,dsf,rm"
)


def load_audio(path: str | Path, sample_rate: int = SPEC.sample_rate, *, longest_s: float = LONGEST_S) -> FloatArray:
    """Read an audio file as mono.

    A damaged or cut-off file is read as far as it can be decoded. Silence is audio.

    Parameters
    ----------
    path : str or Path
        Any name; the format is told by the content.
    sample_rate : int
        Of the result, in Hz.
    longest_s : float
        What lasts longer is refused once this much of it is decoded, whatever its header promises.

    Returns
    -------
    ndarray of float32, shape (n_samples,)
        In about [-1, 1].

    Raises
    ------
    AudioError
        If there is no such file, or it holds no audio that can be decoded, or NaN, or too much. The sentence starts
        with its name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "tone.wav")
    ...     sf.write(path, 0.5 * np.sin(np.arange(44100) / 20), 44100)
    ...     samples = load_audio(path)
    >>> samples.shape, samples.dtype
    ((16000,), dtype('float32'))
    """
    return _join(iter_audio(path, sample_rate, longest_s=longest_s))


def iter_audio(
    path: str | Path, sample_rate: int = SPEC.sample_rate, *, longest_s: float = LONGEST_S
) -> Iterator[FloatArray]:
    """:func:`load_audio` in blocks of any length, for songs that need not be in memory as a whole."""
    path = Path(path)
    name = display_name(path)
    with open_regular(path, "an audio file", AudioError) as file:
        yield from _finished(_decode(file, name), sample_rate, name, longest_s)


def to_mono(samples: NDArray[Any], sample_rate: int, target_rate: int = SPEC.sample_rate) -> FloatArray:
    """Mix an array down to mono and resample it.

    Parameters
    ----------
    samples : ndarray, shape (n_samples,), (n_samples, n_channels) or (n_channels, n_samples)
        The longer axis is time. Integers are scaled so that the range of their type becomes [-1, 1); floats are taken
        as they are.
    sample_rate, target_rate : int
        Of `samples` and of the result, in Hz.

    Returns
    -------
    ndarray of float32, shape (round(n_samples * target_rate / sample_rate),)

    Raises
    ------
    AudioError
        If the array is empty or holds NaN or infinite samples.
    ValueError
        If it has other axes or another type, or a rate is not positive.

    Examples
    --------
    >>> to_mono(np.array([[16384, 0], [-32768, 0]], dtype=np.int16), 16000)
    array([ 0.25, -0.5 ], dtype=float32)
    """
    if samples.ndim not in (1, 2):
        raise ValueError(f"samples must have one or two axes, not {samples.ndim}")
    if samples.dtype.kind not in "fiu":
        raise ValueError(f"samples must be floats or integers, not {samples.dtype}")
    if sample_rate <= 0 or target_rate <= 0:
        raise ValueError(f"sample rates must be positive, not {sample_rate} and {target_rate}")
    if samples.ndim == 1:
        samples = samples[:, np.newaxis]
    elif samples.shape[0] < samples.shape[1]:
        samples = samples.T
    if samples.size == 0:
        raise AudioError("the recording holds no audio")
    return _join(_finished(_slice(samples, sample_rate), target_rate, "the recording"))


def display_name(path: Path) -> str:
    r"""Name a file in a message: without its folders, printable, and cut where no file has so long a name.

    Examples
    --------
    >>> display_name(Path("songs/two\nlines.mp3"))
    'two�lines.mp3'
    """
    name = path.name or str(path)
    return printable(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…")


def printable(text: str) -> str:
    """Text on one line that a terminal shows as it is: a mark for each character that would break it or not print."""
    return "".join(character if character.isprintable() else "�" for character in text)


def open_regular(path: Path, wanted: str, error_type: type[MtinstError]) -> BufferedReader:
    """Open a regular file that is not empty, and nothing that one could wait for, such as a pipe.

    Parameters
    ----------
    path : Path
    wanted : str
        What it should be, for the message: ``an audio file``.
    error_type : type
        Of the error that says in one sentence what else is there.
    """
    name = display_name(path)
    try:
        _check_kind(path.stat().st_mode, name, wanted, error_type)  # first, for to open a device can be to act on it
        file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115 - the caller closes it
    except FileNotFoundError as error:
        raise error_type(f"{name} does not exist") from error
    except OSError as error:
        raise error_type(f"{name} cannot be opened: {error.strerror}") from error
    except ValueError as error:  # a name that no file can have
        raise error_type(f"{name} does not exist") from error
    try:
        found = os.fstat(file.fileno())
        _check_kind(found.st_mode, name, wanted, error_type)  # again, should it have been replaced meanwhile
        if found.st_size == 0:
            raise error_type(f"{name} is an empty file")
    except MtinstError:
        file.close()
        raise
    return file


def _check_kind(mode: int, name: str, wanted: str, error_type: type[MtinstError]) -> None:
    if stat.S_ISDIR(mode):
        raise error_type(f"{name} is a folder, not {wanted}")
    if not stat.S_ISREG(mode):
        raise error_type(f"{name} is a device, not {wanted}")


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a pipe without waiting for somebody to write to it; files are not affected."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class _SteadyFile:
    """An open file whose :meth:`seek` never fails, for soundfile prints a traceback when that does.

    Damaged headers name places before the beginning. Without a name, too, soundfile has no suffix to believe.
    """

    def __init__(self, file: BufferedReader) -> None:
        self.read, self.tell = file.read, file.tell
        self._seek = file.seek

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, or stay where that is none."""
        with suppress(OSError, OverflowError, ValueError):
            return self._seek(offset, whence)
        return self.tell()


class _SequentialSoundFile(sf.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """Reads on without seeking.

    soundfile seeks after each read of a seekable file, to where it already is, and in an MP3 file that loses what the
    next frame has stored in those before it: blocks then come out quiet or silent.
    """

    def seekable(self) -> bool:
        """Claim that it is not."""
        return False


def _decode(file: BufferedReader, name: str) -> Iterator[Block]:
    """Decode by libsndfile, else by FFmpeg."""
    try:
        # The open file, not its path, which libsndfile could not take when it is not valid Unicode.
        sound = _SequentialSoundFile(_SteadyFile(file))
    except sf.LibsndfileError:
        file.seek(0)
        yield from _decode_by_ffmpeg(file, name)
        return
    with sound, suppress(sf.LibsndfileError):  # a damaged file ends where it cannot be decoded any more
        while len(block := sound.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)):
            yield sound.samplerate, block.size, _mix_down(block)


def _decode_by_ffmpeg(file: BufferedReader, name: str) -> Iterator[Block]:
    import av  # loads all of FFmpeg's libraries, which most files do not need

    try:
        container = av.open(file, "r", metadata_errors="ignore", container_options={"format_whitelist": CONTAINERS})
    except (av.FFmpegError, ValueError) as error:  # ValueError: text in a header that is none
        reason = getattr(error, "strerror", None) or "its header is damaged"
        raise AudioError(f"{name} cannot be read as audio: {reason}") from error
    with container:
        stream = container.streams.best("audio")
        if not isinstance(stream, av.AudioStream):
            raise AudioError(f"{name} has no audio stream")
        with suppress(av.FFmpegError):  # as above
            for packet in container.demux(stream):
                frames = []
                with suppress(av.FFmpegError):  # a damaged packet; the next ones may be whole
                    frames = packet.decode()
                for frame in frames:
                    try:
                        block = frame.to_ndarray()  # (n_channels, n_samples), or interleaved in one row
                    except ValueError as error:
                        raise AudioError(f"{name} holds samples of a type that cannot be read") from error
                    block = block.T if frame.format.is_planar else block.reshape(-1, frame.layout.nb_channels)
                    yield frame.sample_rate, block.size, _mix_down(block)


def _slice(samples: NDArray[Any], sample_rate: int) -> Iterator[Block]:
    """Cut an array of shape (n_samples, n_channels) into blocks."""
    for start in range(0, len(samples), BLOCK_SAMPLES):
        yield sample_rate, 0, _mix_down(samples[start : start + BLOCK_SAMPLES])


def _mix_down(block: NDArray[Any]) -> FloatArray:
    """Average the channels of (n_samples, n_channels), and scale integers to [-1, 1)."""
    if block.dtype == np.float32 and block.shape[1] == 1:
        return block[:, 0]
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are found in the result
        mono: NDArray[np.float64] = block.mean(axis=1, dtype=np.float64)
        if block.dtype.kind in "iu":
            full_scale = 2.0 ** (8 * block.dtype.itemsize - 1)
            mono = mono / full_scale - (1.0 if block.dtype.kind == "u" else 0.0)
        return mono.astype(np.float32)


def _join(blocks: Iterable[FloatArray]) -> FloatArray:
    result = bytearray()  # grows in place, where a list of arrays would be copied into one at the end
    for block in blocks:
        result += block.tobytes()
    return np.frombuffer(result, dtype=np.float32)


def _finished(blocks: Iterable[Block], sample_rate: int, name: str, longest_s: float = np.inf) -> Iterator[FloatArray]:
    """Resample blocks, and check them."""
    n_samples = 0
    most_unpacked, n_unpacked = longest_s * MOST_SAMPLES_A_SECOND, 0

    def mono(blocks: Iterable[Block]) -> Iterator[FloatArray]:
        nonlocal n_unpacked
        for _, n_in_block, block in blocks:
            n_unpacked += n_in_block
            if n_unpacked > most_unpacked:
                raise AudioError(f"{name} unpacks to more than {most_unpacked / 1e6:g} million samples")
            yield block

    for rate, same_rate in groupby(blocks, key=itemgetter(0)):
        if not SLOWEST_RATE <= rate <= FASTEST_RATE:
            raise AudioError(
                f"{name} has a sample rate of {rate} Hz, and only {SLOWEST_RATE} to {FASTEST_RATE} Hz are supported"
            )
        for block in _resample(mono(same_rate), rate, sample_rate):
            n_samples += len(block)
            if n_samples > longest_s * sample_rate:
                raise AudioError(f"{name} lasts longer than {longest_s / 60:g} minutes, the longest that is taken")
            if not np.isfinite(block).all():
                raise AudioError(f"{name} holds samples that are NaN or infinite")
            yield block
    if n_samples == 0:
        raise AudioError(f"{name} holds no audio")


def _resample(blocks: Iterable[FloatArray], rate: int, target_rate: int) -> Iterator[FloatArray]:
    if rate == target_rate:
        yield from blocks
        return
    resampler = soxr.ResampleStream(rate, target_rate, num_channels=1, dtype="float32", quality="HQ")
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True)
