"""The sound: a stem for each player, out of a soundfont, recorded notes or a drum synthesiser, then the mix."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray
from scipy import signal

from examples.perform import PlayedNote
from examples.piece import DRUMS, Part, Piece, Timbre
from mtinst.sound.fluidsynth import FluidSynth

Sound = NDArray[np.float64]

SAMPLE_RATE = 32000
TAIL_S = 1.6
PEAK = 10 ** (-1 / 20)  # -1 dBFS
_SUSTAINED = frozenset({"trumpet", "saxophone", "violin", "cello", "flute"})
_RELEASE_S = {
    "piano": 0.25,
    "acoustic_guitar": 0.12,
    "electric_guitar": 0.08,
    "bass": 0.1,
    "violin": 0.12,
    "cello": 0.14,
}
# Programs whose recordings begin with a breath or a wait; in ms, measured on GeneralUser GS. Elsewhere it is below 10.
_SPEAKS_AFTER_MS = {24: 34, 25: 14, 32: 16, 40: 14, 42: 16, 65: 20, 73: 12}
_DYNAMIC_LEVELS = {"pp": 40, "p": 54, "vl2": 60, "mp": 66, "mf": 82, "f": 100, "vl4": 100, "ff": 112}


def render(
    piece: Piece, performance: list[list[PlayedNote]], soundfont: Path, samples: Path
) -> tuple[Sound, list[Sound]]:
    """Play `performance` of `piece`.

    Parameters
    ----------
    piece : Piece
        Timbres, levels, places on the stage and the room.
    performance : list of list of PlayedNote
        Notes of each of its parts.
    soundfont : Path
        An sf2 or sf3 file with the General MIDI programs of the nine instruments.
    samples : Path
        Folder with ``index.csv`` and the banks that it lists.

    Returns
    -------
    mix : ndarray of float64, shape (n_samples, 2)
        Peak at -1 dBFS.
    stems : list of ndarray, shape (n_samples,)
        Each part before the mix.
    """
    duration_s = max(note.offset for notes in performance for note in notes) + TAIL_S
    n_samples = round(duration_s * SAMPLE_RATE)
    stems = [
        _level(_stem(part, notes, n_samples, soundfont, samples), part.level_db)
        for part, notes in zip(piece.parts, performance, strict=True)
    ]
    dry = np.zeros((n_samples, 2))
    for part, stem in zip(piece.parts, stems, strict=True):
        angle = (part.pan + 1) * np.pi / 4
        dry += stem[:, None] * np.array([np.cos(angle), np.sin(angle)])
    mix = dry + _echo(dry, piece.reverb_s) * 10 ** (piece.wet_db / 20)
    fade = np.minimum(1.0, np.arange(n_samples, 0, -1) / (0.5 * SAMPLE_RATE))
    mix *= fade[:, None]
    return mix * PEAK / np.abs(mix).max(), stems


def write_ogg(path: Path, sound: Sound, compression_level: float = 0.72) -> None:
    """Write Ogg Vorbis a second at a time: libsndfile overruns its stack when given a long sound at once."""
    channels = 1 if sound.ndim == 1 else sound.shape[1]
    with sf.SoundFile(
        path, "w", SAMPLE_RATE, channels, format="OGG", subtype="VORBIS", compression_level=compression_level
    ) as file:
        for start in range(0, len(sound), SAMPLE_RATE):
            file.write(sound[start : start + SAMPLE_RATE])


def _stem(part: Part, notes: list[PlayedNote], n_samples: int, soundfont: Path, samples: Path) -> Sound:
    if part.instrument == DRUMS:
        return _play_drums(notes, n_samples)
    if part.timbre.bank is not None:
        stem = _play_bank(part, notes, n_samples, samples)
    else:
        stem = _play_soundfont(part.timbre, notes, n_samples, soundfont)
    return _amplify(stem, part.timbre.drive) if part.timbre.drive else stem


def _level(stem: Sound, level_db: float) -> Sound:
    """Set the loudness of the places where `stem` plays."""
    length = SAMPLE_RATE // 10
    frames = np.sqrt(np.mean(stem[: len(stem) // length * length].reshape(-1, length) ** 2, axis=1))
    loudness = np.sqrt(np.mean(frames[frames > 0.03 * frames.max()] ** 2))
    return np.asarray(stem / loudness * 10 ** (level_db / 20))


# Recorded notes ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Recording:
    path: Path
    pitch: float  # MIDI number with its error in tuning
    level: int  # velocity at which it was played, about


def _bank(folder: Path, name: str, instrument: str) -> list[_Recording]:
    with (folder / "index.csv").open(newline="") as file:
        recordings = [
            _Recording(
                path=folder / row["file"],
                pitch=int(row["midi"]) + float(row["cents"] or 0) / 100,
                level=_DYNAMIC_LEVELS.get(row["dynamic"], 82),
            )
            for row in csv.DictReader(file)
            if row["bank"] == name and row["instrument"] == instrument
        ]
    if not recordings:
        raise ValueError(f"{folder} has no {instrument} in a bank called {name}")
    return recordings


def _play_bank(part: Part, notes: list[PlayedNote], n_samples: int, folder: Path) -> Sound:
    assert part.timbre.bank is not None
    recordings = _bank(folder, part.timbre.bank, part.instrument)
    out = np.zeros(n_samples)
    release_s = _RELEASE_S.get(part.instrument, 0.08)
    for note in notes:
        distances = [abs(r.pitch - note.pitch) + abs(r.level - note.velocity) / 40 for r in recordings]
        recording = recordings[int(np.argmin(distances))]
        length_s = note.offset - note.onset + release_s
        sound = _pitched(recording, note.pitch)
        if part.instrument in _SUSTAINED:
            sound = _sustained(sound, round(length_s * SAMPLE_RATE))
        sound = sound[: round(length_s * SAMPLE_RATE)] * (note.velocity / 100) ** 1.6
        n_release = min(round(release_s * SAMPLE_RATE), len(sound))
        sound[-n_release:] *= np.linspace(1, 0, n_release) ** 2
        start = round(note.onset * SAMPLE_RATE)
        out[start : start + len(sound)] += sound[: n_samples - start]
    return out


@lru_cache(maxsize=256)
def _pitched(recording: _Recording, pitch: int) -> Sound:
    """The recording moved to `pitch`; all recordings come out equally loud and speak at once."""
    samples, rate = sf.read(recording.path)
    ratio = 2 ** ((pitch - recording.pitch) / 12)
    sound = np.asarray(soxr.resample(samples, rate * ratio, SAMPLE_RATE))
    window, attack = SAMPLE_RATE // 10, SAMPLE_RATE // 125
    sound /= np.sqrt(signal.fftconvolve(sound**2, np.ones(window) / window, mode="valid").max())
    early = np.abs(sound[: round(0.4 * SAMPLE_RATE)])
    audible = int(np.argmax(early > 0.2 * early.max()))
    sound = sound[min(max(audible - attack, 0), round(0.08 * SAMPLE_RATE)) :]
    sound[:attack] *= np.linspace(0, 1, attack)
    return sound


def _sustained(sound: Sound, n_samples: int) -> Sound:
    """Lengthen a held note to `n_samples` by repeating its middle with crossfades."""
    overlap = SAMPLE_RATE // 8
    begin, end = round(0.35 * len(sound)), round(0.8 * len(sound))
    rise = np.sin(np.linspace(0, np.pi / 2, overlap))
    while len(sound) < n_samples + overlap and end - begin > 2 * overlap:
        head, again = sound[:end].copy(), sound[begin:].copy()
        head[-overlap:] *= rise[::-1]
        again[:overlap] *= rise
        joined = np.concatenate([head[:-overlap], again])
        joined[end - overlap : end] += head[-overlap:]
        sound, end = joined, end + (end - begin) - overlap
    return sound


# Soundfont -----------------------------------------------------------------------------------------------------------


def _play_soundfont(timbre: Timbre, notes: list[PlayedNote], n_samples: int, soundfont: Path) -> Sound:
    assert timbre.program is not None
    events = sorted(
        [(note.onset, 1, note) for note in notes] + [(note.offset, 0, note) for note in notes],
        key=lambda event: event[:2],
    )
    chunks, position = [], 0
    with FluidSynth(soundfont, sample_rate=SAMPLE_RATE, gain=0.6, has_effects=False) as synth:
        synth.select(program=timbre.program)
        for second, is_onset, note in events:
            n_wait = round(second * SAMPLE_RATE) - position
            chunks.append(synth.render(n_wait))
            position += n_wait
            if is_onset:
                synth.note_on(note.pitch, velocity=note.velocity)
            else:
                synth.note_off(note.pitch)
        chunks.append(synth.render(n_samples - position))
    sound = np.concatenate(chunks).mean(axis=1, dtype=np.float64)
    n_early = round(_SPEAKS_AFTER_MS.get(timbre.program, 0) / 1000 * SAMPLE_RATE)
    return np.concatenate([sound[n_early:], np.zeros(n_early)])


# Amplifier and drums -------------------------------------------------------------------------------------------------


def _amplify(stem: Sound, drive: float) -> Sound:
    """A soft clipper behind a high-pass, before the low-pass of a loudspeaker."""
    stem = signal.sosfilt(signal.butter(2, 70, "highpass", fs=SAMPLE_RATE, output="sos"), stem)
    clipped = np.tanh(drive * stem / np.abs(stem).max() * 6)
    return np.asarray(signal.sosfilt(signal.butter(4, 4500, fs=SAMPLE_RATE, output="sos"), clipped))


def _play_drums(notes: list[PlayedNote], n_samples: int) -> Sound:
    rng = np.random.default_rng(0)
    out = np.zeros(n_samples)
    for note in notes:
        sound = _drum(note.pitch, rng) * (note.velocity / 100) ** 1.5
        start = round(note.onset * SAMPLE_RATE)
        out[start : start + len(sound)] += sound[: n_samples - start]
    return out


def _drum(key: int, rng: np.random.Generator) -> Sound:
    """One stroke on the drum of a General MIDI key."""
    match key:
        case 36:
            return _skin(0.32, 120, 46, 0.08) + 0.15 * _noise(rng, 0.32, 2000, 8000, 0.004)
        case 45:
            return _skin(0.4, 150, 95, 0.12)
        case 38:
            return 0.5 * _skin(0.25, 220, 180, 0.05) + 0.7 * _noise(rng, 0.25, 900, 9000, 0.06)
        case 37:
            return 0.5 * _noise(rng, 0.08, 1200, 5000, 0.012)
        case 42:
            return 0.35 * _noise(rng, 0.1, 7000, 15000, 0.018)
        case 46:
            return 0.35 * _noise(rng, 0.5, 6500, 15000, 0.14)
        case 49:
            return 0.5 * _noise(rng, 1.8, 3500, 15000, 0.5)
        case 51:
            return 0.2 * _noise(rng, 0.7, 6000, 15000, 0.2) + 0.15 * _noise(rng, 0.7, 4000, 9000, 0.01)
        case _:
            raise ValueError(f"there is no drum on key {key}")


def _skin(length_s: float, start_hz: float, end_hz: float, decay_s: float) -> Sound:
    """A sine that falls in pitch and level."""
    time = np.arange(round(length_s * SAMPLE_RATE)) / SAMPLE_RATE
    hz = end_hz + (start_hz - end_hz) * np.exp(-time / 0.03)
    return np.asarray(np.sin(2 * np.pi * np.cumsum(hz) / SAMPLE_RATE) * np.exp(-time / decay_s))


def _noise(rng: np.random.Generator, length_s: float, low_hz: float, high_hz: float, decay_s: float) -> Sound:
    """Noise in a band, dying away."""
    n_samples = round(length_s * SAMPLE_RATE)
    band = signal.butter(2, (low_hz, high_hz), "bandpass", fs=SAMPLE_RATE, output="sos")
    decay = np.exp(-np.arange(n_samples) / SAMPLE_RATE / decay_s)
    return np.asarray(signal.sosfilt(band, rng.standard_normal(n_samples)) * decay)


def _echo(dry: Sound, reverb_s: float) -> Sound:
    """The room: `dry` convolved with noise that dies away, duller as it goes, different in each ear."""
    rng = np.random.default_rng(1)
    n_samples = round(reverb_s * SAMPLE_RATE)
    time = np.arange(n_samples) / SAMPLE_RATE
    response = rng.standard_normal((n_samples, 2)) * (10 ** (-3 * time / reverb_s))[:, None]
    dull = signal.sosfilt(signal.butter(2, 3000, fs=SAMPLE_RATE, output="sos"), response, axis=0)
    age = (time / reverb_s)[:, None] ** 0.5
    response = response * (1 - age) + dull * age
    response[: round(0.012 * SAMPLE_RATE)] = 0  # the first reflection takes its time
    response /= np.sqrt((response**2).sum(axis=0))
    return np.asarray(signal.fftconvolve(dry, response, axes=0)[: len(dry)])
