"""Notes to sound, one stem for each instrument.

FluidSynth plays them with a soundfont. Where there is no FluidSynth, sines do, so that there is always something to
hear; :func:`synthesiser_name` says which.
"""

import os
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pretty_midi
import soundfile as sf

from mtinst.audio import display_name
from mtinst.errors import AudioError
from mtinst.fluidsynth import BLOCK_SAMPLES, FluidSynth, find_library
from mtinst.midi import separate_strikes
from mtinst.notes import Note
from mtinst.spec import INSTRUMENT_NAMES, FloatArray, Instrument, instrument_named

DEFAULT_SOUNDFONT = Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")
PLAYBACK_RATE = 32000
PEAK = 0.9
"""Level of the loudest sample of the mix, or of the loudest stem should the others cancel it out."""
FADE_S = 0.005
"""What still sounds at the end is faded out over this time, so that it does not click."""


def synthesise(
    notes: Iterable[Note], *, duration_s: float, sample_rate: int = PLAYBACK_RATE, soundfont: Path | None = None
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
    stems = dict(play_stems(notes, duration_s=duration_s, sample_rate=sample_rate, soundfont=soundfont))
    level_stems(stems, sample_rate)
    return stems


def play_stems(
    notes: Iterable[Note], *, duration_s: float, sample_rate: int = PLAYBACK_RATE, soundfont: Path | None = None
) -> Generator[tuple[str, FloatArray], None, None]:
    """:func:`synthesise` instrument by instrument, as each is ready; :func:`level_stems` is for all of them together.

    Several are played at a time. Closing the iterator leaves those out that have not begun.
    """
    if duration_s < 0:
        raise ValueError(f"duration_s must not be negative, and is {duration_s}")
    n_samples = round(duration_s * sample_rate)
    parts: dict[str, list[Note]] = defaultdict(list)
    for note in separate_strikes(notes):
        parts[note.instrument].append(note)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # FluidSynth does not hold Python's lock while it renders
        playing = {
            name: pool.submit(_play, instrument_named(name), parts[name], n_samples, sample_rate, soundfont)
            for name in INSTRUMENT_NAMES
            if name in parts
        }
        try:
            for name, stem in playing.items():
                yield name, stem.result()
        finally:
            for stem in playing.values():
                stem.cancel()


def level_stems(stems: Mapping[str, FloatArray], sample_rate: int = PLAYBACK_RATE) -> None:
    """Fade the stems out at their end, and scale all by one gain, in place, so that their sum peaks at ``PEAK``."""
    for stem in stems.values():
        n_samples = min(len(stem), round(FADE_S * sample_rate))
        stem[len(stem) - n_samples :] *= np.linspace(1, 0, n_samples, dtype=np.float32)
    loudest = max((np.abs(samples).max(initial=0) for samples in (*stems.values(), mix(stems))), default=0)
    if loudest > 0:
        for stem in stems.values():
            stem *= np.float32(PEAK / loudest)


def mix(stems: Mapping[str, FloatArray]) -> FloatArray:
    """The sum of stems of one length; empty when there are none."""
    if not stems:
        return np.zeros(0, np.float32)
    first, *others = stems.values()
    total = first.copy()
    for stem in others:
        total += stem
    return total


def write_audio(path: str | Path, samples: FloatArray, sample_rate: int) -> None:
    """Write samples of shape (n_samples,) or (n_samples, n_channels) as wav, flac or ogg, as the suffix says.

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
    n_channels = 1 if samples.ndim == 1 else samples.shape[1]
    try:
        path.open("wb").close()  # says why not, which libsndfile would not
        with sf.SoundFile(path, "w", sample_rate, n_channels, format=container) as sound:
            # A second at a time: libsndfile crashes the process when it is to encode much Vorbis at once.
            for start in range(0, len(samples), sample_rate):
                sound.write(samples[start : start + sample_rate])
    except OSError as error:
        raise AudioError(f"{display_name(path)} cannot be written: {error.strerror}") from error
    except sf.LibsndfileError as error:
        raise AudioError(f"{display_name(path)} cannot be written: {error.error_string}") from error


def synthesiser_name() -> str:
    """What :func:`synthesise` plays with by default, for people."""
    return "pretty_midi sines" if find_library() is None else f"FluidSynth with {DEFAULT_SOUNDFONT.name}"


def _play(
    instrument: Instrument, notes: list[Note], n_samples: int, sample_rate: int, soundfont: Path | None
) -> FloatArray:
    """One stem, not yet levelled."""
    if soundfont is None and find_library() is None:
        return _play_sines(notes, n_samples, sample_rate)
    # A fresh synthesiser for each stem: nothing of one can be heard in the next.
    with FluidSynth(soundfont or DEFAULT_SOUNDFONT, sample_rate=sample_rate) as synth:
        synth.select(program=instrument.program)
        return _play_soundfont(synth, notes, n_samples, sample_rate)


def _play_soundfont(synth: FluidSynth, notes: list[Note], n_samples: int, sample_rate: int) -> FloatArray:
    # Rendered up to each event. FluidSynth acts on it at the next start of a block, so events move to the nearest one.
    events: list[tuple[int, bool, int, int]] = []  # sample, whether it is an onset, pitch, velocity
    for note in notes:
        onset = _nearest_block(note.onset * sample_rate)
        offset = max(_nearest_block(note.offset * sample_rate), onset + BLOCK_SAMPLES)
        events += [(onset, True, note.pitch, note.velocity), (offset, False, note.pitch, 0)]
    stem = np.zeros(n_samples, np.float32)
    position = 0
    for sample, is_onset, pitch, velocity in sorted(events):  # at the same sample, offsets come first
        _render_into(stem[position:sample], synth, sample_rate)
        position = sample
        if is_onset:
            synth.note_on(pitch, velocity=velocity)
        else:
            synth.note_off(pitch)
    _render_into(stem[position:], synth, sample_rate)
    return stem


def _nearest_block(sample: float) -> int:
    return round(sample / BLOCK_SAMPLES) * BLOCK_SAMPLES


def _render_into(stem: FloatArray, synth: FluidSynth, step: int) -> None:
    """Fill `stem` with the mean of left and right, `step` samples at a time."""
    for start in range(0, len(stem), step):
        part = stem[start : start + step]
        synth.render(len(part)).mean(axis=1, out=part)


def _play_sines(notes: list[Note], n_samples: int, sample_rate: int) -> FloatArray:
    track = pretty_midi.Instrument(program=0)
    track.notes = [pretty_midi.Note(note.velocity, note.pitch, note.onset, note.offset) for note in notes]
    stem = np.zeros(n_samples, np.float32)
    played = track.synthesize(fs=sample_rate, wave=np.sin)[:n_samples]
    stem[: len(played)] = played
    return stem
