"""Notes to the sound of one part: soundfonts, recorded samples, and what a player and a room add.

:class:`Band` holds everything that can sound. Its parts are mono float32 at 16 kHz and not yet levelled.
"""

import csv
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from mtinst.fluidsynth import BLOCK_SAMPLES, FluidSynth
from mtinst.spec import SPEC, FloatArray
from train.singing import Singer
from train.sources import OFFSET, ONSET, PITCH, VELOCITY
from train.strings import draw_bass, play_strings
from train.timbres import (
    DRUM_KITS,
    MISSING_PROGRAMS,
    MORE_SOUNDFONTS,
    OTHER_BANKS,
    OTHER_PROGRAMS,
    PATCH_PROGRAMS,
    PROGRAMS,
    SAMPLE_BANKS,
    STRUCK,
    TRAIN_SOUNDFONTS,
    UNSEEN_SOUNDFONTS,
    TimbreSplit,
    patch_bank,
    source_of,
)

RATE = SPEC.sample_rate
_N_CHANNELS = 16
SUNG_AT = 49  # the pitch of the recorded syllables, C#3
_JOINED_S = 0.05
_WIDEST_GLIDE = 7  # semitones
SEMITONES_OFF = 3  # a sample may sound this far from the pitch it was recorded at


@dataclass(frozen=True, kw_only=True)
class Timbre:
    """A soundfont's program, a sample bank or a model, playing for a class (or ``other``, ``drums``, ``singing``)."""

    plays: str
    kind: Literal["soundfont", "samples", "model"]
    bank: str = ""
    program: int = 0
    recorded_as: str = ""


@dataclass(frozen=True)
class MoreTimbres:
    """Timbres beside those that the fixed sets have: ``MORE_SOUNDFONTS``, ``PATCH_PROGRAMS`` and modelled basses.

    Parameters
    ----------
    folder : Path
        With ``soundfonts/`` and ``samples/``.
    share : float
        How many of a class's parts have one of them, where it has any.
    """

    folder: Path
    share: float


class Band:
    """Every timbre on one side of the split, ready to play.

    Parameters
    ----------
    data_dir : Path
        With ``soundfonts/``, ``samples/`` and ``singing/``.
    split : "train" or "unseen"
    more : MoreTimbres, optional
    """

    def __init__(self, data_dir: Path, split: TimbreSplit, more: MoreTimbres | None = None) -> None:
        self.timbres = _timbres(split)
        self._more = {} if more is None else _more_timbres()
        self._more_share = 0.0 if more is None else more.share
        self._soundfonts = _read_soundfonts(data_dir / "soundfonts", self.timbres)
        self._samples = _read_samples(data_dir / "samples")
        if more is not None:
            self._soundfonts |= _read_soundfonts(more.folder / "soundfonts", self._more)
            self._samples |= _read_samples(more.folder / "samples")
        syllables = _read_singing(data_dir / "singing")
        self._samples[("singing", "singing")] = {SUNG_AT: syllables}
        self._singer = Singer(syllables)

    def draw_timbre(self, plays: str, rng: np.random.Generator) -> Timbre:
        """A soundfont or a sample bank, each kind as often as the other; of more timbres, each source as often."""
        if plays in self._more and rng.random() < self._more_share:
            return _draw_alike(self._more[plays], [source_of(timbre.bank) for timbre in self._more[plays]], rng)
        return _draw_alike(self.timbres[plays], [timbre.kind for timbre in self.timbres[plays]], rng)

    def play(
        self,
        notes: NDArray[np.float64],
        timbre: Timbre,
        n_samples: int,
        rng: np.random.Generator,
        *,
        glide_s: float = 0.0,
    ) -> FloatArray:
        """One part, shape (n_samples,), dry unless the draw gave it a room.

        Recorded instruments that hold their notes take `glide_s` to come to a note from the one before.
        """
        if timbre.kind == "soundfont":
            detune = 0.0 if timbre.plays == "drums" else rng.uniform(-0.25, 0.25)
            sound = self._soundfonts[timbre.bank].play(
                notes, timbre.program, n_samples, is_drum=timbre.plays == "drums", detune=detune
            )
        elif timbre.kind == "model":
            sound = play_strings(notes, draw_bass(rng), n_samples, rng)
        else:
            sound = play_samples(
                notes,
                self._samples[(timbre.bank, timbre.recorded_as)],
                n_samples,
                rng,
                is_struck=timbre.plays in STRUCK,
                glide_s=glide_s,
            )
        if timbre.plays == "electric_guitar" and timbre.kind != "soundfont" and rng.random() < 0.4:
            sound = distort(sound, rng)
        if rng.random() < 0.5:
            sound = add_room(sound, rng)
        return sound

    def sing(self, notes: NDArray[np.float64], n_samples: int, rng: np.random.Generator) -> FloatArray:
        """A voice, dry: see :class:`train.singing.Singer`."""
        return self._singer.sing(notes, n_samples, rng)


class SoundfontPlayer:
    """FluidSynth with one soundfont, dry. Each channel keeps its program, so most programs are loaded only once."""

    def __init__(self, path: Path) -> None:
        self._synth = FluidSynth(path, sample_rate=RATE, has_effects=False)
        self._channel_of: OrderedDict[tuple[int, int], int] = OrderedDict()  # least recently used first

    def play(
        self, notes: NDArray[np.float64], program: int, n_samples: int, *, is_drum: bool, detune: float
    ) -> FloatArray:
        """Mono (n_samples,); `detune` in semitones."""
        channel = self._channel(128 if is_drum else 0, program)
        self._synth.all_sound_off(channel=channel)
        self._synth.render(4 * BLOCK_SAMPLES)
        self._synth.bend(detune, channel=channel)
        events = [(int(note[ONSET] * RATE), 1, int(note[PITCH]), int(note[VELOCITY])) for note in notes]
        events += [(int(note[OFFSET] * RATE), 0, int(note[PITCH]), 0) for note in notes]
        blocks, now = [], 0
        for time, is_onset, pitch, velocity in sorted(events):
            time = min(time, n_samples)
            if time > now:
                blocks.append(self._synth.render(time - now))
                now = time
            if is_onset:
                self._synth.note_on(pitch, velocity=max(1, min(127, velocity)), channel=channel)
            else:
                self._synth.note_off(pitch, channel=channel)
        # Up to the end of a block: where the next part begins in one must not depend on which parts were played before.
        blocks.append(self._synth.render(n_samples - now + -n_samples % BLOCK_SAMPLES))
        mono: FloatArray = np.concatenate(blocks)[:n_samples].mean(axis=1)
        return mono

    def _channel(self, bank: int, program: int) -> int:
        key = bank, program
        if key not in self._channel_of:
            is_full = len(self._channel_of) == _N_CHANNELS
            channel = self._channel_of.popitem(last=False)[1] if is_full else len(self._channel_of)
            self._synth.select(program=program, bank=bank, channel=channel)
            self._channel_of[key] = channel
        self._channel_of.move_to_end(key)
        return self._channel_of[key]


SampleBank = dict[int, list[FloatArray]]  # recorded pitch -> takes


def play_samples(
    notes: NDArray[np.float64],
    bank: SampleBank,
    n_samples: int,
    rng: np.random.Generator,
    *,
    is_struck: bool,
    glide_s: float = 0.0,
) -> FloatArray:
    """Each note from a recording up to three semitones away (else the nearest there is), resampled to its pitch.

    Held notes longer than the recording go on through its steady middle, cross-faded; struck ones die away. A part has
    a tuning, a note a little of its own, and held notes may have vibrato. Where one follows another without a gap, at
    most a fifth away, it may glide: within about `glide_s` it comes from the pitch before to its own.
    """
    out = np.zeros(n_samples, dtype=np.float32)
    recorded = np.array(sorted(bank))
    tuning = rng.uniform(-0.2, 0.2)
    vibrato_depth = 0.0 if is_struck or rng.random() < 0.5 else rng.uniform(0.05, 0.3)
    vibrato_hz = rng.uniform(4.5, 6.8)
    release_s = rng.uniform(0.05, 0.3)
    dynamics = rng.uniform(0.3, 1.5)  # exponent: how much velocity shows
    for index, note in enumerate(notes):
        start = int(note[ONSET] * RATE)
        if start >= n_samples:
            continue
        distance = np.abs(recorded - note[PITCH])
        near = recorded[distance <= max(SEMITONES_OFF, int(distance.min()))]
        source = int(near[rng.integers(len(near))])
        takes = bank[source]
        take = takes[rng.integers(len(takes))]
        ratio = 2.0 ** ((note[PITCH] - source + tuning + rng.normal(0, 0.04)) / 12)
        length = min(n_samples - start, int((note[OFFSET] - note[ONSET] + release_s) * RATE))
        slide = 0.0 if is_struck or glide_s == 0 or index == 0 else _slide(notes[index - 1], note)
        if not is_struck:
            take = sustain(take, int((length + (glide_s * RATE if slide else 0)) * ratio) + 2)
        position = np.arange(min(length, int((len(take) - 1) / ratio))) * ratio
        if len(position) < 32:
            continue
        if vibrato_depth > 0:
            seconds = np.arange(len(position)) / RATE
            depth = vibrato_depth * np.minimum(1.0, seconds / 0.4)
            bend = depth * np.log(2) / 12 * np.sin(2 * np.pi * vibrato_hz * seconds)
            position = np.clip(position + np.cumsum(bend) * ratio, 0, len(take) - 1)
        if slide:
            off = slide * np.exp(-3 / glide_s * np.arange(len(position)) / RATE)  # semitones
            position = np.clip(position + np.cumsum(np.expm1(off * np.log(2) / 12)) * ratio, 0, len(take) - 1)
        sound = np.interp(position, np.arange(len(take)), take).astype(np.float32)
        release = min(len(sound), int(release_s * RATE))
        sound[-release:] *= np.linspace(1, 0, release, dtype=np.float32) ** 2
        out[start : start + len(sound)] += sound * np.float32((note[VELOCITY] / 100) ** dynamics)
    return out


def _slide(before: NDArray[np.float64], note: NDArray[np.float64]) -> float:
    """How many semitones away a note begins that glides from the one before; 0 after a gap or a leap."""
    interval = float(before[PITCH] - note[PITCH])
    is_joined = abs(note[ONSET] - before[OFFSET]) < _JOINED_S
    return interval if is_joined and abs(interval) <= _WIDEST_GLIDE else 0.0


def sustain(take: FloatArray, n_samples: int) -> FloatArray:
    """Lengthen a held note by repeating its steady middle, each time cross-faded over 80 ms."""
    fade = int(0.08 * RATE)
    begin, end = int(0.35 * len(take)), int(0.8 * len(take))
    if len(take) >= n_samples or end - begin < 3 * fade:
        return take
    middle, ramp = take[begin:end], np.linspace(0, 1, fade, dtype=np.float32)
    n_repeats = -(-(n_samples - end) // (len(middle) - fade))
    result = np.zeros(end + n_repeats * (len(middle) - fade), dtype=np.float32)
    result[:end] = take[:end]
    for join in range(end - fade, len(result) - len(middle) + 1, len(middle) - fade):
        result[join : join + fade] *= 1 - ramp
        result[join : join + fade] += middle[:fade] * ramp
        result[join + fade : join + len(middle)] = middle[fade:]
    return result


def distort(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Overdrive: soft clipping by 6 to 30 dB."""
    level = float(np.abs(sound).max(initial=0.0))
    if level == 0.0:
        return sound
    drive = 10 ** (rng.uniform(6, 30) / 20)
    result: FloatArray = (np.tanh(sound / level * drive) * level).astype(np.float32)
    return result


def add_room(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Reverberation by an impulse response of decaying noise, 0.15 to 1.8 s long (to -60 dB)."""
    decay_s = rng.uniform(0.15, 1.8)
    seconds = np.arange(int(decay_s * RATE)) / RATE
    tail = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / decay_s)
    tail[: int(rng.uniform(0.001, 0.02) * RATE)] = 0
    tail /= np.sqrt(np.sum(tail**2))
    wet = fftconvolve(sound, tail.astype(np.float32))[: len(sound)]
    result: FloatArray = (sound + rng.uniform(0.1, 0.7) * wet).astype(np.float32)
    return result


def noise(n_samples: int, rng: np.random.Generator) -> FloatArray:
    """Hiss of a drawn colour, sometimes with mains hum or crackle."""
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    hertz = np.maximum(np.fft.rfftfreq(n_samples, 1 / RATE), 20.0)
    sound = np.fft.irfft(spectrum * hertz ** -rng.uniform(0, 1), n_samples)
    sound /= np.abs(sound).max()
    if rng.random() < 0.3:
        seconds = np.arange(n_samples) / RATE
        mains = rng.choice((50.0, 60.0))
        sound += sum(rng.uniform(0, 0.5) * np.sin(2 * np.pi * mains * k * seconds) for k in range(1, 6))
    if rng.random() < 0.3:
        clicks = rng.integers(0, n_samples, rng.integers(5, 80))
        sound[clicks] += rng.uniform(-3, 3, len(clicks))
    return sound.astype(np.float32)


def _timbres(split: TimbreSplit) -> dict[str, tuple[Timbre, ...]]:
    fonts = TRAIN_SOUNDFONTS if split == "train" else UNSEEN_SOUNDFONTS
    timbres: dict[str, list[Timbre]] = defaultdict(list)
    for name, programs in PROGRAMS.items():
        timbres[name] += [
            Timbre(plays=name, kind="soundfont", bank=font, program=program)
            for font in fonts
            for program in programs
            if (font, program) not in MISSING_PROGRAMS
        ]
        timbres[name] += [
            Timbre(plays=name, kind="samples", bank=bank, recorded_as=name) for bank in SAMPLE_BANKS[split][name]
        ]
    # The held-out soundfont has neither drums nor other instruments; those, never reported, come from the same place.
    for font in TRAIN_SOUNDFONTS:
        timbres["drums"] += [Timbre(plays="drums", kind="soundfont", bank=font, program=kit) for kit in DRUM_KITS]
        timbres["other"] += [
            Timbre(plays="other", kind="soundfont", bank=font, program=program) for program in OTHER_PROGRAMS
        ]
    timbres["other"] += [
        Timbre(plays="other", kind="samples", bank=bank, recorded_as=name) for bank, name in OTHER_BANKS[split]
    ]
    timbres["singing"] = [Timbre(plays="singing", kind="samples", bank="singing", recorded_as="singing")]
    return {name: tuple(options) for name, options in timbres.items()}


def _draw_alike(timbres: Sequence[Timbre], of: Sequence[str], rng: np.random.Generator) -> Timbre:
    """One of what each is of, then a timbre that is of it."""
    names = sorted(set(of))
    name = names[rng.integers(len(names))]
    options = [timbre for timbre, its_name in zip(timbres, of, strict=True) if its_name == name]
    return options[rng.integers(len(options))]


def _more_timbres() -> dict[str, tuple[Timbre, ...]]:
    """What only parts to train on have."""
    timbres: dict[str, list[Timbre]] = defaultdict(list)
    for font in MORE_SOUNDFONTS:
        for name, programs in (*PROGRAMS.items(), ("drums", DRUM_KITS[:1]), ("other", OTHER_PROGRAMS)):
            timbres[name] += [
                Timbre(plays=name, kind="soundfont", bank=font, program=program)
                for program in programs
                if (font, program) not in MISSING_PROGRAMS
            ]
    for name, programs in PATCH_PROGRAMS.items():
        timbres[name] += [
            Timbre(plays=name, kind="samples", bank=patch_bank(program), recorded_as=name) for program in programs
        ]
    timbres["bass"].append(Timbre(plays="bass", kind="model"))
    return {name: tuple(options) for name, options in timbres.items()}


def _read_soundfonts(folder: Path, timbres: Mapping[str, Sequence[Timbre]]) -> dict[str, "SoundfontPlayer"]:
    names = {timbre.bank for options in timbres.values() for timbre in options if timbre.kind == "soundfont"}
    return {name: SoundfontPlayer(folder / name) for name in names}


def _read_samples(samples_dir: Path) -> dict[tuple[str, str], SampleBank]:
    """(bank, instrument) -> its recordings, each at a peak of 1."""
    banks: dict[tuple[str, str], SampleBank] = defaultdict(lambda: defaultdict(list))
    with (samples_dir / "index.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            sound, rate = soundfile.read(samples_dir / row["file"], dtype="float32")
            if rate != RATE:
                raise ValueError(f"{row['file']} has a rate of {rate} Hz, {RATE} Hz is wanted.")
            banks[(row["bank"], row["instrument"])][int(row["midi"])].append(levelled(sound))
    return {key: dict(bank) for key, bank in banks.items()}


def _read_singing(singing_dir: Path) -> list[FloatArray]:
    """Sung syllables of one voice, each at a peak of 1."""
    takes = [soundfile.read(path, dtype="float32")[0] for path in sorted(singing_dir.glob("*.flac"))]
    return [levelled(take) for take in takes]


def levelled(sound: FloatArray) -> FloatArray:
    """At a peak of 1."""
    result: FloatArray = sound / max(1e-6, float(np.abs(sound).max(initial=0.0)))
    return result
