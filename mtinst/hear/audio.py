"""Files and arrays to mono float32.

FFmpeg decodes files (`decoder.py`). They and arrays are resampled, by soxr's "HQ", and mixed down (`channels.py`), both
in blocks as they arrive, so a long file needs little more memory than its result.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from mtinst.errors import AudioError
from mtinst.files import digest_of, display_name, open_regular
from mtinst.grid import SPEC, FloatArray, clock
from mtinst.hear.channels import mix
from mtinst.hear.decoder import Block, Decoder, to_float

BLOCK_SAMPLES = 16384
SLOWEST_RATE, FASTEST_RATE = 1_000, 1_000_000
"""Sample rates in Hz outside these come from damaged headers, and could ask for any amount of memory."""
LONGEST_S = 7200.0
"""Longer recordings are refused unless told otherwise: a file of a few kilobytes can unpack to days of silence."""
MOST_SAMPLES_A_SECOND = 400_000
"""A file may unpack to the longest duration of two channels at 192 kHz, or as much in another way."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A file that was read.

    Parameters
    ----------
    samples : ndarray of float32, shape (n_samples,)
        Mono, in about [-1, 1].
    sample_rate : int
        In Hz.
    unread_s : float
        About how much of the file was damaged and could not be read: silent where the file says when, else left out.
    digest : str
        SHA-256 of the file's bytes, as hexadecimal.
    """

    samples: FloatArray
    sample_rate: int = SPEC.sample_rate
    unread_s: float = 0.0
    digest: str = ""


def unread(seconds: float) -> str | None:
    """One sentence about what could not be read, None where that is nothing to speak of.

    Examples
    --------
    >>> unread(4.2), unread(0.03)
    ('0:04 of the file could not be read.', None)
    """
    return f"{clock(seconds)} of the file could not be read." if seconds >= 0.5 else None


def read_audio(path: str | Path, sample_rate: int = SPEC.sample_rate, *, longest_s: float = LONGEST_S) -> Recording:
    """:func:`load_audio`, and how much of the file could not be read."""
    path = Path(path)
    name = display_name(path)
    with open_regular(path, "an audio file", AudioError) as file:
        digest = digest_of(file)
        file.seek(0)
        decoder = Decoder(file, name, longest_s)
        samples = _join(_finished(decoder.blocks(), sample_rate, name, longest_s))
    return Recording(samples=samples, sample_rate=sample_rate, unread_s=decoder.unread_s, digest=digest)


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
    >>> import tempfile, soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "tone.wav")
    ...     soundfile.write(path, 0.5 * np.sin(np.arange(44100) / 20), 44100)
    ...     samples = load_audio(path)
    >>> samples.shape, samples.dtype
    ((16000,), dtype('float32'))
    """
    return read_audio(path, sample_rate, longest_s=longest_s).samples


def iter_audio(
    path: str | Path, sample_rate: int = SPEC.sample_rate, *, longest_s: float = LONGEST_S
) -> Iterator[FloatArray]:
    """:func:`load_audio` in blocks of any length, for songs that need not be in memory as a whole."""
    path = Path(path)
    name = display_name(path)
    with open_regular(path, "an audio file", AudioError) as file:
        yield from _finished(Decoder(file, name, longest_s).blocks(), sample_rate, name, longest_s)


def to_mono(samples: ArrayLike, sample_rate: float, target_rate: int = SPEC.sample_rate) -> FloatArray:
    """Mix an array down to mono and resample it.

    Parameters
    ----------
    samples : array_like, shape (n_samples,), (n_samples, n_channels) or (n_channels, n_samples)
        Whatever :func:`numpy.asarray` takes: lists and tensors too. The longer axis is time. Integers are scaled so
        that the range of their type becomes [-1, 1); floats are taken as they are.
    sample_rate, target_rate : float, int
        Of `samples` and of the result, in Hz.

    Returns
    -------
    ndarray of float32, shape (round(n_samples * target_rate / sample_rate),)

    Raises
    ------
    AudioError
        If the array is empty or holds NaN or infinite samples.
    ValueError
        If it is none, has other axes or another type, or a rate is none from 1 kHz to 1 MHz.

    Examples
    --------
    >>> to_mono(np.array([[16384, 0], [-32768, 0]], dtype=np.int16), 16000)
    array([ 0.25, -0.5 ], dtype=float32)
    """
    array = as_samples(samples)
    for name, rate in (("sample_rate", sample_rate), ("target_rate", target_rate)):
        if not _is_rate(rate):
            raise ValueError(f"{name} must be a number of Hz from {SLOWEST_RATE} to {FASTEST_RATE}, not {rate!r}")
    if array.ndim == 1:
        array = array[:, np.newaxis]
    elif array.shape[0] < array.shape[1]:
        array = array.T
    if array.size == 0:
        raise AudioError("the recording holds no audio")
    return _join(_finished(_slice(array, sample_rate), target_rate, "the recording"))


def _is_rate(rate: object) -> bool:
    return type(rate) is not bool and isinstance(rate, Real) and SLOWEST_RATE <= float(rate) <= FASTEST_RATE


def as_samples(audio: ArrayLike) -> NDArray[Any]:
    """What was given for samples as an array of one or two axes; ValueError in words about itself when it is none."""
    wanted = f"audio must be the path of a file or an array of samples, not {type(audio).__name__}"
    if callable(detach := getattr(audio, "detach", None)):  # a tensor that PyTorch could ask for its gradient
        audio = detach()
    try:
        array = np.asarray(audio)
    except (TypeError, ValueError, RuntimeError) as error:  # lists of different lengths, tensors of another device
        raise ValueError(f"{wanted} that cannot be made one") from error
    if array.ndim == 0:
        raise ValueError(wanted)
    if array.ndim > 2:
        raise ValueError(f"samples must have one or two axes, not {array.ndim}")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"samples must be floats or integers, not {array.dtype}")
    return array


def _slice(samples: NDArray[Any], sample_rate: float) -> Iterator[Block]:
    """Cut an array of shape (n_samples, n_channels) into blocks."""
    for start in range(0, len(samples), BLOCK_SAMPLES):
        yield sample_rate, to_float(samples[start : start + BLOCK_SAMPLES])


def _join(blocks: Iterable[FloatArray]) -> FloatArray:
    result = bytearray()  # grows in place, where a list of arrays would be copied into one at the end
    for block in blocks:
        result += block.tobytes()
    return np.frombuffer(result, dtype=np.float32)


def _finished(blocks: Iterable[Block], sample_rate: int, name: str, longest_s: float = np.inf) -> Iterator[FloatArray]:
    """Resample blocks, check them, and mix them down."""
    n_samples = 0
    most_unpacked, n_unpacked = longest_s * MOST_SAMPLES_A_SECOND, 0

    def check_finite(block: FloatArray) -> None:
        if not np.isfinite(block).all():
            raise AudioError(f"{name} holds samples that are NaN or infinite")

    def checked(blocks: Iterable[Block]) -> Iterator[FloatArray]:
        nonlocal n_unpacked
        for _, block in blocks:
            n_unpacked += block.size
            if n_unpacked > most_unpacked:
                raise AudioError(f"{name} unpacks to more than {most_unpacked / 1e6:g} million samples")
            check_finite(block)
            yield block

    for (rate, n_channels), alike in groupby(blocks, key=lambda block: (block[0], block[1].shape[1])):
        if not SLOWEST_RATE <= rate <= FASTEST_RATE:
            raise AudioError(
                f"{name} has a sample rate of {rate} Hz, and only {SLOWEST_RATE} to {FASTEST_RATE} Hz are supported"
            )
        for block in mix(_resample(checked(alike), rate, sample_rate, n_channels), sample_rate):
            n_samples += len(block)
            if n_samples > longest_s * sample_rate:
                raise AudioError(f"{name} lasts longer than {longest_s / 60:g} minutes, the longest that is taken")
            check_finite(block)  # again: the largest numbers grow beyond float32 when they are resampled
            yield block
    if n_samples == 0:
        raise AudioError(f"{name} holds no audio")


def _resample(blocks: Iterable[FloatArray], rate: float, target_rate: int, n_channels: int) -> Iterator[FloatArray]:
    """Resample blocks of (n_samples, n_channels), many small ones at once."""
    if rate == target_rate:
        yield from blocks
        return
    resampler = soxr.ResampleStream(rate, target_rate, n_channels, dtype="float32", quality="HQ")
    waiting: list[FloatArray] = []
    for block in blocks:
        waiting.append(block)
        if sum(map(len, waiting)) >= BLOCK_SAMPLES:
            yield resampler.resample_chunk(np.concatenate(waiting))
            waiting = []
    yield resampler.resample_chunk(np.concatenate([*waiting, np.empty((0, n_channels), np.float32)]), last=True)
