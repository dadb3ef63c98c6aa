"""Notes to the sound of one part: soundfonts, recorded samples, and what a player adds.

:class:`Band` holds everything that can sound. Its parts are mono float32 at 16 kHz and not yet levelled.
"""

import csv
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from mtinst.grid import NINE, SPEC, FloatArray
from mtinst.sound.fluidsynth import BLOCK_SAMPLES, FluidSynth
from train.data.recordings import levelled, read_sound
from train.data.singing import read_singers
from train.data.sources import OFFSET, ONSET, PITCH, VELOCITY
from train.data.timbres import (
    MISSING_PROGRAMS,
    PROGRAMS,
    TRAIN_SOUNDFONTS,
    UNSEEN_SOUNDFONTS,
    TimbreSplit,
    class_of,
    is_struck,
)
from train.effects.sound import add_room, distort

RATE = SPEC.sample_rate
_N_CHANNELS = 16
_JOINED_S = 0.05
_WIDEST_GLIDE = 7  # semitones
MOST_VARISPEED = 4  # semitones
SEMITONES_OFF = 3  # a sample may sound this far from the pitch it was recorded at
# A bank plays a part when this share of its notes is at most so far from a recording.
_COVERED, _COVERED_SEMITONES = 0.9, 4
# How often each kind of timbre plays a part, where a class has it.
_KINDS = {"samples": 0.65, "soundfont": 0.35, "singer": 1.5}


@dataclass(frozen=True, kw_only=True)
class Timbre:
    """A soundfont's program, recorded notes of an instrument, or a singer; `plays` is a class or ``drums``."""

    plays: str
    kind: Literal["soundfont", "samples", "singer"]
    bank: str
    program: int = 0
    recorded_as: str = ""
    is_struck: bool = False


@dataclass(frozen=True)
class Take:
    """A recorded note: its sound at a peak of 1, its pitch, and the seconds until it is there."""

    sound: FloatArray
    pitch: float
    attack_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a part is played by instruments that hold their notes.

    Parameters
    ----------
    glide_s : float
        Takes this long to come from the note before to its own pitch.
    slurred : float
        Share of the joined notes that have no attack of their own.
    swell_db : float
        Notes begin and end this far below their middle.
    """

    glide_s: float = 0.0
    slurred: float = 0.0
    swell_db: float = 0.0


PLAIN = Manner()


class Band:
    """Every timbre on one side of the split, ready to play.

    Parameters
    ----------
    data_dir : Path
        With ``soundfonts/``, ``samples/`` and ``singing/``.
    split : "train" or "unseen"
    """

    def __init__(self, data_dir: Path, split: TimbreSplit) -> None:
        fonts = TRAIN_SOUNDFONTS if split == "train" else UNSEEN_SOUNDFONTS
        self._soundfonts = {name: SoundfontPlayer(data_dir / "soundfonts" / name) for name in fonts}
        self._samples = _read_samples(data_dir / "samples", split)
        self._singers = {singer.name: singer for singer in read_singers(data_dir / "singing", split)}
        self.timbres: dict[str, list[Timbre]] = defaultdict(list)
        for font in fonts:
            for name, programs in PROGRAMS.items():
                if split == "train" or name in NINE:  # the held-out one has no others
                    self.timbres[name] += [
                        Timbre(plays=name, kind="soundfont", bank=font, program=program)
                        for program in programs
                        if (font, program) not in MISSING_PROGRAMS
                    ]
        for timbre in self._samples:
            self.timbres[timbre.plays].append(timbre)
        for singer in self._singers:
            self.timbres["voice"].append(Timbre(plays="voice", kind="singer", bank=singer))

    def draw_timbre(self, plays: str, notes: NDArray[np.float64], rng: np.random.Generator) -> Timbre:
        """A kind of timbre, an instrument and a bank of it, each as often as others, of those that fit the notes."""
        options = [timbre for timbre in self.timbres[plays] if self._fits(timbre, notes)] or self.timbres[plays]
        kinds = sorted({timbre.kind for timbre in options})
        weights = np.array([_KINDS[kind] for kind in kinds])
        kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
        options = [timbre for timbre in options if timbre.kind == kind]
        instruments = sorted({timbre.recorded_as for timbre in options})
        instrument = instruments[rng.integers(len(instruments))]
        options = [timbre for timbre in options if timbre.recorded_as == instrument]
        return options[rng.integers(len(options))]

    def play(
        self,
        notes: NDArray[np.float64],
        timbre: Timbre,
        n_samples: int,
        rng: np.random.Generator,
        manner: Manner = PLAIN,
    ) -> FloatArray:
        """One part, shape (n_samples,), dry unless the draw gave it a room."""
        if timbre.kind == "soundfont":
            detune = 0.0 if timbre.plays == "drums" else rng.uniform(-0.25, 0.25)
            sound = self._soundfonts[timbre.bank].play(
                notes, timbre.program, n_samples, is_drum=timbre.plays == "drums", detune=detune
            )
        elif timbre.kind == "singer":
            sound = self._singers[timbre.bank].sing(notes, n_samples, rng)
        elif timbre.plays == "drums":
            sound = play_hits(notes, self._samples[timbre], n_samples, rng)
        else:
            sound = play_samples(
                notes, self._samples[timbre], n_samples, rng, is_struck=timbre.is_struck, manner=manner
            )
        if timbre.plays == "electric_guitar" and timbre.kind == "samples" and rng.random() < 0.4:
            sound = distort(sound, rng)
        if rng.random() < 0.5:
            sound = add_room(sound, rng)
        return sound

    def _fits(self, timbre: Timbre, notes: NDArray[np.float64]) -> bool:
        if timbre.kind == "singer":
            return self._singers[timbre.bank].suits(notes)
        if timbre.kind == "soundfont" or timbre.plays == "drums":
            return True
        distance = np.abs(notes[:, PITCH, None] - np.array(sorted(self._samples[timbre]))).min(axis=1)
        return bool(np.mean(distance <= _COVERED_SEMITONES) >= _COVERED)


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


SampleBank = dict[int, list[Take]]  # recorded pitch -> takes


def play_hits(notes: NDArray[np.float64], bank: SampleBank, n_samples: int, rng: np.random.Generator) -> FloatArray:
    """Drum hits as they were recorded, for each note those of the nearest key that there is."""
    out = np.zeros(n_samples, dtype=np.float32)
    recorded = np.array(sorted(bank))
    for note in notes:
        start = int(note[ONSET] * RATE)
        takes = bank[int(recorded[np.abs(recorded - note[PITCH]).argmin()])]
        sound = takes[rng.integers(len(takes))].sound[: max(0, n_samples - start)]
        out[start : start + len(sound)] += sound * np.float32((note[VELOCITY] / 100) ** 1.5)
    return out


def play_samples(
    notes: NDArray[np.float64],
    bank: SampleBank,
    n_samples: int,
    rng: np.random.Generator,
    *,
    is_struck: bool,
    manner: Manner = PLAIN,
) -> FloatArray:
    """Each note from a recording up to three semitones away (else the nearest there is), resampled to its pitch.

    A player begins so that the sound is on the beat, so recordings begin earlier by as much as they take to be there; a
    slurred note begins in the middle of its attack instead, faded in while the one before fades out. Held notes longer
    than the recording go on through its steady middle, cross-faded; struck ones die away. A part has a tuning, a note a
    little of its own, and held notes may have vibrato. Where one follows another without a gap, at most a fifth away,
    it may glide from the pitch before to its own.
    """
    out = np.zeros(n_samples, dtype=np.float32)
    recorded = np.array(sorted(bank))
    tuning = rng.uniform(-0.2, 0.2)
    vibrato_depth = 0.0 if is_struck or rng.random() < 0.5 else rng.uniform(0.05, 0.5)
    vibrato_hz = rng.uniform(4.5, 6.8)
    release_s = rng.uniform(0.05, 0.3)
    dynamics = rng.uniform(0.3, 1.5)  # exponent: how much velocity shows
    fades = rng.uniform(0.012, 0.05, len(notes))
    is_slurred = np.zeros(len(notes) + 1, dtype=bool)
    if not is_struck and len(notes) > 1:
        joined = np.abs(notes[1:, ONSET] - notes[:-1, OFFSET]) < _JOINED_S
        is_slurred[1:-1] = (
            joined & (notes[1:, PITCH] != notes[:-1, PITCH]) & (rng.random(len(notes) - 1) < manner.slurred)
        )
    for index, note in enumerate(notes):
        distance = np.abs(recorded - note[PITCH])
        near = recorded[distance <= max(SEMITONES_OFF, int(distance.min()))]
        takes = bank[int(near[rng.integers(len(near))])]
        take = takes[rng.integers(len(takes))]
        ratio = 2.0 ** ((note[PITCH] - take.pitch + tuning + rng.normal(0, 0.04)) / 12)
        fade_in = fades[index] if is_slurred[index] else 0.0
        fade_out = fades[index + 1] if is_slurred[index + 1] else release_s
        begins_s = note[ONSET] - (fade_in / 2 if fade_in else take.attack_s / ratio)
        start = int(begins_s * RATE)
        length = min(n_samples - start, int((note[OFFSET] - begins_s + fade_out) * RATE))
        if start >= n_samples or length <= 0:
            continue
        slide = 0.0 if is_struck or manner.glide_s == 0 or index == 0 else _slide(notes[index - 1], note)
        sound_of_take = take.sound
        skipped = take.attack_s * RATE if fade_in else 0.0
        if not is_struck:
            wanted = (length + (manner.glide_s * RATE if slide else 0)) * ratio + skipped
            sound_of_take = sustain(sound_of_take, int(wanted) + 2)
        position = skipped + np.arange(min(length, int((len(sound_of_take) - 1 - skipped) / ratio))) * ratio
        if len(position) < 32:
            continue
        seconds = np.arange(len(position)) / RATE
        if vibrato_depth > 0:
            depth = vibrato_depth * np.minimum(1.0, seconds / 0.4)
            bend = depth * np.log(2) / 12 * np.sin(2 * np.pi * vibrato_hz * seconds)
            position = np.clip(position + np.cumsum(bend) * ratio, 0, len(sound_of_take) - 1)
        if slide:
            off = slide * np.exp(-3 / manner.glide_s * seconds)  # semitones
            position = np.clip(position + np.cumsum(np.expm1(off * np.log(2) / 12)) * ratio, 0, len(sound_of_take) - 1)
        sound = np.interp(position, np.arange(len(sound_of_take)), sound_of_take).astype(np.float32)
        if manner.swell_db and not is_struck:
            middle = np.sin(np.pi * (np.arange(len(sound)) + 0.5) / len(sound))
            sound *= (10 ** (manner.swell_db * (middle - 1) / 20)).astype(np.float32)
        release = min(len(sound), int(fade_out * RATE))
        sound[-release:] *= np.linspace(1, 0, release, dtype=np.float32) ** 2
        attack = min(len(sound), int(fade_in * RATE))
        sound[:attack] *= np.linspace(0, 1, attack, dtype=np.float32)
        sound = sound[max(0, -start) :]
        start = max(0, start)
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


def varispeed(
    play: Callable[[NDArray[np.float64], int], FloatArray],
    notes: NDArray[np.float64],
    semitones: int,
    n_samples: int,
) -> FloatArray:
    """Notes played `semitones` lower and slower, and brought up again by a faster tape.

    Pitches and times come out as written, while bodies, formants and attacks are those of an instrument that is smaller
    (or for a negative number larger).

    Parameters
    ----------
    play : callable
        Notes and a number of samples to a sound.
    notes : ndarray of float64, shape (n_notes, 4)
        See :mod:`train.data.sources`.
    semitones : int
    n_samples : int
    """
    ratio = 2 ** (semitones / 12)
    moved = notes.copy()
    moved[:, PITCH] -= semitones
    moved[:, (ONSET, OFFSET)] *= ratio
    sound = soxr.resample(play(moved, round(n_samples * ratio)), RATE * ratio, RATE)[:n_samples]
    result: FloatArray = np.pad(sound, (0, n_samples - len(sound))).astype(np.float32)
    return result


def strum(notes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Chords one string after the other, 8 to 40 ms apart, upwards or downwards; sorted by onset.

    Notes within 30 ms of each other count as a chord; the others stay.
    """
    strummed = notes[np.argsort(notes[:, ONSET], kind="stable")].copy()
    step, is_upwards = rng.uniform(0.008, 0.04), rng.random() < 0.7
    begins = np.flatnonzero(np.diff(strummed[:, ONSET], prepend=-np.inf) > 0.03)
    for begin, end in zip(begins, np.append(begins[1:], len(strummed)), strict=True):
        chord = slice(begin, end)
        order = np.argsort(strummed[chord, PITCH] * (1 if is_upwards else -1), kind="stable")
        delays = np.empty(end - begin)
        delays[order] = step * np.arange(end - begin)
        shortest = strummed[chord, OFFSET] - 0.04
        strummed[chord, ONSET] = np.maximum(
            strummed[chord, ONSET], np.minimum(strummed[chord, ONSET] + delays, shortest)
        )
    return strummed[np.argsort(strummed[:, ONSET], kind="stable")]


def _read_samples(samples_dir: Path, split: TimbreSplit) -> dict[Timbre, SampleBank]:
    """The recorded notes of one side of the split, by bank, instrument and whether they die away by themselves."""
    banks: dict[Timbre, SampleBank] = defaultdict(lambda: defaultdict(list))
    with (samples_dir / "index.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] != split:
                continue
            sound = read_sound(samples_dir / row["file"])
            name, pitch = row["instrument"], int(row["midi"])
            timbre = Timbre(
                plays=class_of(name),
                kind="samples",
                bank=row["bank"],
                recorded_as=name,
                is_struck=is_struck(name, row["articulation"]),
            )
            take = Take(levelled(sound), pitch + float(row["cents"] or 0) / 100, float(row["attack_ms"] or 0) / 1000)
            banks[timbre][pitch].append(take)
    return {timbre: dict(bank) for timbre, bank in banks.items()}
