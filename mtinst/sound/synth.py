"""Notes to sound, one stem for each instrument.

FluidSynth plays them with a soundfont. Where there is no FluidSynth, sines do, so that there is always something to
hear; :func:`synthesiser_name` says which.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pretty_midi
import soundfile as sf

from mtinst.errors import AudioError
from mtinst.export.midi import BEND_RANGE_SEMITONES, separate_strikes
from mtinst.files import display_name, replacing
from mtinst.grid import CONCERT_HZ, INSTRUMENT_NAMES, FloatArray, Instrument, instrument_named
from mtinst.hear.tuning import semitones_from_concert
from mtinst.records import Note
from mtinst.sound.fluidsynth import BLOCK_SAMPLES, FluidSynth, find_library

DEFAULT_SOUNDFONT = Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")
PLAYBACK_RATE = 32000
PEAK = 0.9
"""Level of the loudest sample of the mix, or of the loudest stem should the others cancel it out."""
FADE_S = 0.005
"""What still sounds at the end is faded out over this time, so that it does not click."""
_STEP_S = 1
_Kept = TypeVar("_Kept")


def synthesise(
    notes: Iterable[Note],
    *,
    duration_s: float,
    sample_rate: int = PLAYBACK_RATE,
    soundfont: Path | None = None,
    tuning_hz: float = CONCERT_HZ,
) -> dict[str, FloatArray]:
    """Play notes, each instrument on its own.

    Each note starts at its onset, to the millisecond or two; where a key is struck again, the note before it has ended.
    What would sound after `duration_s` is cut off.

    Parameters
    ----------
    notes : iterable of Note
        In any order.
    duration_s : float
        Length of the result.
    sample_rate : int
        In Hz, 8000 to 96000.
    soundfont : Path, optional
        An ``.sf2`` or ``.sf3`` file with General MIDI programs, by default the small one that pretty_midi brings.
    tuning_hz : float
        Frequency of the A above middle C, within two semitones of 440 Hz.

    Returns
    -------
    dict of str to ndarray of float32, shape (round(duration_s * sample_rate),)
        For each instrument that has notes, in table order. One gain for all brings their sum to a peak of 0.9.

    Raises
    ------
    SynthesisError
        If the soundfont is missing, damaged or lacks a program, or is asked for where there is no FluidSynth.
    ValueError
        If the duration is negative or the sample rate out of range.

    Examples
    --------
    >>> stems = synthesise([Note(0.0, 0.5, pitch=60)], duration_s=1.0)
    >>> {name: (stem.shape, round(float(abs(stem).max()), 3)) for name, stem in stems.items()}
    {'piano': ((32000,), 0.9)}
    """
    with _played(notes, duration_s, sample_rate, soundfont, tuning_hz, _filled) as playing:
        stems = {name: stem.result() for name, stem in playing.items()}
    gain = _gain([tuple(stems.values())])
    for stem in stems.values():
        stem *= gain
    return stems


def write_stems(
    folder: Path, notes: Iterable[Note], *, duration_s: float, mix: str, tuning_hz: float = CONCERT_HZ
) -> Generator[str, None, None]:
    """:func:`synthesise` to files: ``<instrument>.flac`` for each, and their sum, in memory that no song needs more of.

    Several are played at a time. What is played waits in ``<instrument>.wav`` until the gain is known, which takes four
    bytes a sample. Closing the iterator leaves out what has not begun; the folder is then not complete.

    Parameters
    ----------
    folder : Path
        Of the files; it must be there.
    notes, duration_s, tuning_hz
        As for :func:`synthesise`.
    mix : str
        Name of the file for the sum, which is written when there are notes at all.

    Yields
    ------
    str
        The name of each instrument when it has been played; all files are there when the iterator ends.

    Raises
    ------
    SynthesisError, ValueError
        As :func:`synthesise`.
    AudioError
        If a file cannot be written.
    """

    def record(name: str, blocks: Iterable[FloatArray], _: int) -> Path:
        path = folder / f"{name}.wav"
        write_audio(path, blocks, PLAYBACK_RATE, subtype="FLOAT")
        return path

    recorded: dict[str, Path] = {}
    with _played(notes, duration_s, PLAYBACK_RATE, None, tuning_hz, record) as playing:
        for name, stem in playing.items():
            recorded[name] = stem.result()
            yield name
    if not recorded:
        return

    def together() -> Iterator[tuple[FloatArray, ...]]:
        """Blocks of all at once."""
        readers = [sf.blocks(path, _STEP_S * PLAYBACK_RATE, dtype="float32") for path in recorded.values()]
        return zip(*readers, strict=True)

    gain = _gain(together())
    sounds: dict[Path, Iterator[FloatArray]] = {
        folder / f"{name}.flac": (block * gain for block in sf.blocks(path, _STEP_S * PLAYBACK_RATE, dtype="float32"))
        for name, path in recorded.items()
    }
    sounds[folder / mix] = (_sum(blocks) * gain for blocks in together())
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # FLAC is coded outside Python's lock
        for _ in pool.map(lambda path: write_audio(path, sounds[path], PLAYBACK_RATE), sounds):
            pass
    for path in recorded.values():
        path.unlink()


def mix(stems: Mapping[str, FloatArray]) -> FloatArray:
    """The sum of stems of one length; empty when there are none."""
    return _sum(tuple(stems.values())) if stems else np.zeros(0, np.float32)


def write_audio(
    path: str | Path, samples: FloatArray | Iterable[FloatArray], sample_rate: int, *, subtype: str | None = None
) -> None:
    """Write an audio file, whole or not at all, as wav, flac or ogg, as the suffix says.

    Parameters
    ----------
    path : str or Path
    samples : ndarray of shape (n_samples,) or (n_samples, n_channels), or iterable of ndarray
        All at once, or mono in blocks of any length. What an iterator raises goes through.
    sample_rate : int
        In Hz.
    subtype : str, optional
        How libsndfile codes samples, such as ``FLOAT``; its default for the format unless given.

    Raises
    ------
    AudioError
        If the file cannot be written.
    ValueError
        If the suffix is none of the three.
    """
    path = Path(path)
    container = path.suffix.removeprefix(".").upper()
    if container not in ("WAV", "FLAC", "OGG"):
        raise ValueError(f"{display_name(path)} must end in .wav, .flac or .ogg")
    n_channels = samples.shape[1] if isinstance(samples, np.ndarray) and samples.ndim == 2 else 1
    blocks: Iterable[FloatArray] = samples
    if isinstance(samples, np.ndarray):
        # A second at a time: libsndfile crashes the process when it is to encode much Vorbis at once.
        blocks = (samples[start : start + sample_rate] for start in range(0, len(samples), sample_rate))
    n_samples = 0
    try:
        with replacing(path) as partial:
            partial.open("wb").close()  # says why not, which libsndfile would not
            with sf.SoundFile(partial, "w", sample_rate, n_channels, subtype, format=container) as sound:
                for block in blocks:
                    sound.write(block)
                    n_samples += len(block)
            # Encoders write their last block when they are closed, and libsndfile does not tell when that fails.
            if sf.info(partial).frames != n_samples:
                raise AudioError(f"{display_name(path)} cannot be written: it ends before its sound does")
    except OSError as error:
        raise AudioError(f"{display_name(path)} cannot be written: {error.strerror}") from error
    except sf.LibsndfileError as error:
        raise AudioError(f"{display_name(path)} cannot be written: {error.error_string}") from error


def synthesiser_name() -> str:
    """What :func:`synthesise` plays with by default, for people."""
    return (
        "sine tones, for want of FluidSynth" if find_library() is None else f"FluidSynth with {DEFAULT_SOUNDFONT.name}"
    )


@contextmanager
def _played(
    notes: Iterable[Note],
    duration_s: float,
    sample_rate: int,
    soundfont: Path | None,
    tuning_hz: float,
    keep: Callable[[str, Iterable[FloatArray], int], _Kept],
) -> Iterator[dict[str, Future[_Kept]]]:
    """What `keep` makes of each instrument's name, blocks of sound and length, in table order, several at a time."""
    if duration_s < 0:
        raise ValueError(f"duration_s must not be negative, and is {duration_s}")
    n_samples = round(duration_s * sample_rate)
    bend = semitones_from_concert(tuning_hz)
    parts: dict[str, list[Note]] = defaultdict(list)
    for note in separate_strikes(notes):
        parts[note.instrument].append(note)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # FluidSynth does not hold Python's lock while it renders
        playing = {
            name: pool.submit(
                keep,
                name,
                _play(instrument_named(name), parts[name], n_samples, sample_rate, soundfont, bend),
                n_samples,
            )
            for name in INSTRUMENT_NAMES
            if name in parts
        }
        try:
            yield playing
        finally:
            for stem in playing.values():
                stem.cancel()


def _filled(_: str, blocks: Iterable[FloatArray], n_samples: int) -> FloatArray:
    """Blocks as one array."""
    stem = np.empty(n_samples, np.float32)
    position = 0
    for block in blocks:
        stem[position : position + len(block)] = block
        position += len(block)
    return stem


def _gain(together: Iterable[tuple[FloatArray, ...]]) -> np.float32:
    """The factor that brings the sum, or what is louder alone, to `PEAK`; from blocks of all stems at once."""
    loudest = 0.0
    for blocks in together:
        for samples in (*blocks, _sum(blocks)) if blocks else ():
            loudest = max(loudest, float(np.abs(samples).max(initial=0)))
    return np.float32(PEAK / loudest if loudest > 0 else 1.0)


def _sum(stems: Sequence[FloatArray]) -> FloatArray:
    total = stems[0].copy()
    for stem in stems[1:]:
        total += stem
    return total


def _play(
    instrument: Instrument, notes: list[Note], n_samples: int, sample_rate: int, soundfont: Path | None, bend: float
) -> Iterator[FloatArray]:
    """One stem in blocks of at most `_STEP_S`, bent by semitones, faded out at its end and not yet levelled."""
    if soundfont is None and find_library() is None:
        yield _faded(_play_sines(notes, n_samples, sample_rate, bend), n_samples, sample_rate)
        return
    # A fresh synthesiser for each stem: nothing of one can be heard in the next.
    with FluidSynth(soundfont or DEFAULT_SOUNDFONT, sample_rate=sample_rate) as synth:
        synth.select(program=instrument.program)
        synth.bend(bend)
        n_left = n_samples
        for block in _play_soundfont(synth, notes, n_samples, sample_rate):
            yield _faded(block, n_left, sample_rate)
            n_left -= len(block)


def _play_soundfont(synth: FluidSynth, notes: list[Note], n_samples: int, sample_rate: int) -> Iterator[FloatArray]:
    # Rendered up to each event. FluidSynth acts on it at the next start of a block, so events move to the nearest one.
    events: list[tuple[int, bool, int, int]] = []  # sample, whether it is an onset, pitch, velocity
    for note in notes:
        onset = _nearest_block(note.onset * sample_rate)
        offset = max(_nearest_block(note.offset * sample_rate), onset + BLOCK_SAMPLES)
        events += [(onset, True, note.pitch, note.velocity), (offset, False, note.pitch, 0)]
    position = 0
    for sample, is_onset, pitch, velocity in sorted(events):  # at the same sample, offsets come first
        end = min(sample, n_samples)
        yield from _render(synth, end - position, sample_rate)
        position = end
        if is_onset:
            synth.note_on(pitch, velocity=velocity)
        else:
            synth.note_off(pitch)
    yield from _render(synth, n_samples - position, sample_rate)


def _nearest_block(sample: float) -> int:
    return round(sample / BLOCK_SAMPLES) * BLOCK_SAMPLES


def _render(synth: FluidSynth, n_samples: int, sample_rate: int) -> Iterator[FloatArray]:
    """The mean of left and right."""
    for start in range(0, n_samples, _STEP_S * sample_rate):
        yield synth.render(min(_STEP_S * sample_rate, n_samples - start)).mean(axis=1)


def _faded(block: FloatArray, n_left: int, sample_rate: int) -> FloatArray:
    """A block with that many samples left to the end, from its start: silent there, in a line over `FADE_S`."""
    n_fade = round(FADE_S * sample_rate)
    ramp = np.linspace(1, 0, n_fade, dtype=np.float32)
    first = n_left - n_fade  # of the fade, from the start of the block
    if first < len(block):
        begin = max(0, first)
        block[begin:] *= ramp[begin - first : len(block) - first]
    return block


def _play_sines(notes: list[Note], n_samples: int, sample_rate: int, bend: float) -> FloatArray:
    track = pretty_midi.Instrument(program=0)
    track.notes = [pretty_midi.Note(note.velocity, note.pitch, note.onset, note.offset) for note in notes]
    if bend:
        track.pitch_bends = [pretty_midi.PitchBend(round(8192 * bend / BEND_RANGE_SEMITONES), 0.0)]
    stem = np.zeros(n_samples, np.float32)
    played = track.synthesize(fs=sample_rate, wave=np.sin)[:n_samples]
    stem[: len(played)] = played
    return stem
