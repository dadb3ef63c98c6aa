"""``python -m train prepare``: MIDI, soundfonts and samples to arrays that training and scoring read.

Under the output folder:

- ``parts/``: single parts of ten seconds, alone, rendered or played by people (:mod:`train.store`).
- ``valid.npz``, ``same.npz``, ``unseen.npz``: fixed mixtures as 16-bit audio with their notes, for thresholds (pieces
  of the validation side, training timbres), for the paper's protocol (test pieces, training timbres) and for the
  unknown (test pieces, held-out timbres, and drums, other instruments, singing, noise and rooms).
- ``fast.npz``: trills and repeated notes, 8 to 12 a second, in held-out timbres.
- ``real_valid.npz``, ``real_test.npz``: recordings of people playing, for thresholds and for the test that counts.
- ``pieces.csv``: which piece is on which side.

Item ``i`` draws from ``default_rng((seed, set, i))``, so the number of processes changes nothing.
"""

import csv
import multiprocessing
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from mtinst.grid import FINE, INSTRUMENT_INDEX, NINE, SPEC, FeatureSpec, FloatArray
from mtinst.hear.cqt import ComplexArray, cqt
from train.data.arrange import Library, Part
from train.clips import Clip, clip_rows, save_clips
from train.data.labels import audible_notes, sounding_notes
from train.effects.sound import add_room, amplify, compress, distort, encode, noise
from train.store import (
    CLASS_INDEX,
    CLIP_S,
    FRAME_NOTE,
    N_FRAMES,
    N_SAMPLES,
    NOISE,
    UNKNOWN,
    PartWriter,
    RenderedPart,
)
from train.data.recordings import Recording, levelled, moved, pieces_of, read_recordings
from train.data.render import MOST_VARISPEED, Band, Manner, strum, varispeed
from train.data.sources import OFFSET, ONSET, PITCH, Split, end_before_restrike, find_pieces
from train.data.timbres import RANGES, TimbreSplit

_PARTS_SEED, _REAL_SEED = 0, 1
_NOISE_SHARE = 0.01
_STRUMMED = frozenset({"acoustic_guitar", "electric_guitar"})


@dataclass(frozen=True)
class ClipSet:
    """A fixed set of mixtures: which pieces, which timbres, and what renders a clip of it."""

    name: str
    pieces: Split
    timbres: TimbreSplit
    seed: int
    render: Callable[[Library, Band, np.random.Generator], Clip]


def prepare(
    data_dir: Path,
    out_dir: Path,
    *,
    n_parts: int,
    n_clips: int,
    seed: int,
    n_jobs: int,
    spec: FeatureSpec = FINE,
    n_versions: int = 8,
) -> None:
    """Write everything above to `out_dir`; `data_dir` is laid out as in the README of this package.

    Parts are kept as `spec` has it, which is what networks are then trained on; fixed sets are audio, the same for all.
    Each recording of people playing becomes parts `n_versions` times, each time at another pitch and pace.
    """
    midi_dir = unpack_midi(data_dir, out_dir)
    files = find_pieces(midi_dir)
    with (out_dir / "pieces.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("piece", "split"))
        writer.writerows((f.path.relative_to(midi_dir).as_posix(), f.split) for f in files)
    for clip_set in CLIP_SETS:
        write_clips(out_dir, data_dir, midi_dir, clip_set, n_clips=n_clips, seed=seed, n_jobs=n_jobs)
    for side in ("valid", "test"):
        recordings = read_recordings(data_dir / "recordings", side)
        save_clips(out_dir / f"real_{side}.npz", [as_clip(recording) for recording in recordings])
    write_parts(
        out_dir, data_dir, midi_dir, n_parts=n_parts, n_versions=n_versions, seed=seed, n_jobs=n_jobs, spec=spec
    )


def unpack_midi(data_dir: Path, out_dir: Path) -> Path:
    """The folder with a folder for each corpus, unpacked from ``data_dir/midi/*.tar.xz`` the first time."""
    midi_dir = out_dir / "midi"
    if not midi_dir.is_dir():
        archives = sorted((data_dir / "midi").glob("*.tar.xz"))
        if not archives:
            raise FileNotFoundError(f"{data_dir / 'midi'} holds no .tar.xz archive of MIDI files.")
        out_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out_dir) as unpacked:  # until all are there, or half would pass for all
            for archive in archives:
                with tarfile.open(archive) as tar:
                    songs = [member for member in tar if member.isfile() and member.name.endswith((".mid", ".midi"))]
                    tar.extractall(unpacked, members=songs, filter="data")
            Path(unpacked, "midi").rename(midi_dir)
    return midi_dir


def write_parts(
    out_dir: Path,
    data_dir: Path,
    midi_dir: Path,
    *,
    n_parts: int,
    n_versions: int,
    seed: int,
    n_jobs: int,
    spec: FeatureSpec,
) -> None:
    """Recorded parts, and groups of rendered ones (each group one excerpt) until there are `n_parts` of those too."""
    setup = (data_dir, midi_dir, "train", "train", seed, spec)
    recordings = pieces_of(read_recordings(data_dir / "recordings", "train"), n_samples=N_SAMPLES)
    jobs = [(recording, version) for recording in recordings for version in range(n_versions)]
    with (
        PartWriter.into(out_dir / "parts", spec) as writer,
        multiprocessing.get_context("spawn").Pool(n_jobs, _start_worker, setup) as pool,
        tqdm(total=len(jobs) + n_parts, unit="part", mininterval=5) as bar,
    ):
        for index, part in enumerate(pool.imap(_render_recording, jobs, chunksize=4)):
            writer.add(part, -1 - index)  # a group of its own
            bar.update()
        n_parts += len(writer)
        # Twice as many groups as could be wanted: the pool is left when there are enough parts.
        for group, rendered in enumerate(pool.imap(_render_group, range(2 * n_parts), chunksize=4)):
            for part in rendered:
                writer.add(part, group)
            bar.update(len(rendered))
            if len(writer) >= n_parts:
                break


def write_clips(
    out_dir: Path, data_dir: Path, midi_dir: Path, clip_set: ClipSet, *, n_clips: int, seed: int, n_jobs: int
) -> None:
    """Render a fixed set of mixtures."""
    setup = (data_dir, midi_dir, clip_set.pieces, clip_set.timbres, seed)
    jobs = [(clip_set, index) for index in range(n_clips)]
    with multiprocessing.get_context("spawn").Pool(n_jobs, _start_worker, setup) as pool:
        clips = list(tqdm(pool.imap(_render_clip, jobs, chunksize=4), total=n_clips, desc=clip_set.name, mininterval=5))
    save_clips(out_dir / f"{clip_set.name}.npz", clips)


def render_group(
    library: Library, band: Band, rng: np.random.Generator, spec: FeatureSpec = SPEC
) -> list[RenderedPart]:
    """One excerpt, each of its parts alone; now and then a stretch of noise instead."""
    if rng.random() < _NOISE_SHARE:
        return [RenderedPart(NOISE, at_unit_power(cqt(noise(N_SAMPLES, rng), spec), spec), np.empty(0, FRAME_NOTE))]
    rendered = []
    for drawn in library.draw_parts(rng, CLIP_S):
        part, sound = _produce(band, drawn, rng)
        part_cqt = cqt(sound, spec)
        if np.abs(part_cqt).max() > 0:
            labels = _labels(part, part_cqt, spec)
            rendered.append(RenderedPart(CLASS_INDEX[part.plays], at_unit_power(part_cqt, spec), labels))
    return rendered


def render_recording(
    recording: Recording, rng: np.random.Generator, spec: FeatureSpec = SPEC, *, is_changed: bool = True
) -> RenderedPart:
    """A recording of one instrument as a part; changed: by a tape up to four semitones off, in a room at times."""
    shift = int(rng.integers(-4, 5)) if is_changed and recording.plays != "drums" else 0
    detune = rng.uniform(-0.15, 0.15) if is_changed else 0.0
    recording = moved(recording, shift, detune=detune, n_samples=N_SAMPLES)
    sound = recording.samples
    for effect, chance in ((compress, 0.2), (add_room, 0.3), (encode, 0.1)):
        if is_changed and rng.random() < chance:
            sound = effect(sound, rng)
    part_cqt = cqt(sound, spec)
    rows = []
    for note in recording.notes.tolist():
        onset = note[ONSET] * spec.frame_rate
        first, end = round(onset), spec.second_to_frame(note[OFFSET])
        row = int(note[PITCH]) - spec.lowest_pitch if note[PITCH] != UNKNOWN else UNKNOWN
        if first < N_FRAMES and row < spec.n_pitches:
            rows.append((onset, first, min(N_FRAMES, max(first + 1, end)), row))
    notes = np.array(rows, dtype=FRAME_NOTE)
    return RenderedPart(CLASS_INDEX[recording.plays], at_unit_power(part_cqt, spec), notes)


def as_clip(recording: Recording) -> Clip:
    """A recording whole, to be scored on."""
    index = INSTRUMENT_INDEX.get(recording.plays, UNKNOWN)
    notes = np.column_stack((np.full(len(recording.notes), index), recording.notes[:, :3]))
    return Clip(levelled(recording.samples), notes)


def render_clip(library: Library, band: Band, rng: np.random.Generator, *, has_distractors: bool) -> Clip:
    """A mixture of one to five of the nine, from one excerpt or several, at drawn levels.

    With distractors: drums, a voice and other instruments where the excerpt has them and in a share of the rest, noise
    in a third, a room around everything in a third.
    """
    n_parts = int(rng.choice((1, 2, 3, 4, 5), p=(0.25, 0.27, 0.23, 0.15, 0.10)))
    nine: dict[str, Part] = {}
    others: dict[str, Part] = {}
    while len(nine) < n_parts:
        drawn = library.draw_parts(rng, CLIP_S)
        for part in drawn[:1] if nine and rng.random() < 0.5 else drawn:
            if part.plays in NINE:
                if len(nine) < n_parts:
                    nine.setdefault(part.plays, part)
            elif has_distractors and rng.random() < 0.4:
                others.setdefault(part.plays, part)
    if has_distractors and rng.random() < 0.25:
        others.update((part.plays, part) for part in library.draw_parts(rng, CLIP_S) if part.plays == "drums")

    mixture = np.zeros(N_SAMPLES, dtype=np.float32)
    played: list[tuple[Part, ComplexArray]] = []
    for part in (*nine.values(), *others.values()):
        sound = band.play(part.notes, band.draw_timbre(part.plays, part.notes, rng), N_SAMPLES, rng, draw_manner(rng))
        peak = float(np.abs(sound).max())
        if peak > 0:
            power = float(np.sqrt(np.mean(sound[np.abs(sound) > 1e-3 * peak] ** 2)))
            sound = sound * np.float32(10 ** (rng.uniform(-12, 0) / 20) / power)
            mixture += sound
            played.append((part, cqt(sound)))
    if has_distractors and rng.random() < 0.33:
        mixture = add_room(mixture, rng)
    if has_distractors and rng.random() < 0.33:
        mixture += noise(N_SAMPLES, rng) * np.float32(10 ** (rng.uniform(-60, -30) / 20))
    loudest = float(np.abs(cqt(mixture)).max())
    rows = [
        row
        for part, part_cqt in played
        if part.plays in INSTRUMENT_INDEX
        for row in clip_rows(INSTRUMENT_INDEX[part.plays], audible_notes(_labels(part, part_cqt), part_cqt, loudest))
    ]
    samples = mixture * np.float32(0.9 / max(1e-6, float(np.abs(mixture).max())))
    return Clip(samples, np.array(rows, dtype=np.float64).reshape(-1, 4))


def render_fast_clip(_: Library, band: Band, rng: np.random.Generator) -> Clip:
    """Five seconds of one of the nine alone: a trill or a repeated note, at 8 to 12 notes a second, then another."""
    plays = NINE[rng.integers(len(NINE))]
    limits = RANGES[plays]
    onset, played = 0.5, []
    while onset < 4.5:
        every_s, first = 1 / rng.uniform(8, 12), int(rng.integers(limits.lowest, limits.highest - 1))
        pitches = (first, first + int(rng.integers(1, 3))) if rng.random() < 0.5 else (first,)
        for index in range(int(rng.integers(8, 20))):
            played.append((onset, onset + every_s, pitches[index % len(pitches)], rng.normal(85, 6)))
            onset += every_s
        onset += rng.uniform(0.2, 0.5)
    notes = end_before_restrike(np.array(played))
    sound = band.play(notes, band.draw_timbre(plays, notes, rng), N_SAMPLES // 2, rng, draw_manner(rng))
    rows = clip_rows(INSTRUMENT_INDEX[plays], sounding_notes(notes, cqt(sound)))
    return Clip(levelled(sound), np.array(rows, dtype=np.float64).reshape(-1, 4))


def draw_manner(rng: np.random.Generator) -> Manner:
    """How a player joins notes and shapes them."""
    return Manner(
        glide_s=rng.uniform(0.03, 0.15) if rng.random() < 0.3 else 0.0,
        slurred=rng.uniform(0.2, 1.0) if rng.random() < 0.6 else 0.0,
        swell_db=rng.uniform(2, 10) if rng.random() < 0.3 else 0.0,
    )


def _produce(band: Band, part: Part, rng: np.random.Generator) -> tuple[Part, FloatArray]:
    """A part as a record may have it.

    Strummed, slurred, gliding, on an instrument of another size or on two of a kind at once, amplified, compressed,
    overdriven, encoded.
    """
    if part.plays in _STRUMMED and rng.random() < 0.4:
        part = replace(part, notes=strum(part.notes, rng))
    timbres = [band.draw_timbre(part.plays, part.notes, rng)]
    if part.plays in NINE and rng.random() < 0.2:
        timbres.append(band.draw_timbre(part.plays, part.notes, rng))
    levels = rng.dirichlet(np.ones(len(timbres)))
    manner = draw_manner(rng)

    def play(notes: NDArray[np.float64], n_samples: int) -> FloatArray:
        sounds = [levelled(band.play(notes, timbre, n_samples, rng, manner)) for timbre in timbres]
        blend: FloatArray = np.tensordot(levels.astype(np.float32), np.stack(sounds), axes=1)
        return blend

    if part.plays not in ("drums", "voice") and rng.random() < 0.4:
        sound = varispeed(play, part.notes, int(rng.integers(-MOST_VARISPEED, MOST_VARISPEED + 1)), N_SAMPLES)
    else:
        sound = play(part.notes, N_SAMPLES)
    if part.plays == "electric_guitar" and rng.random() < 0.5:
        sound = amplify(sound, rng)
    for effect, chance in ((compress, 0.2), (distort, 0.04), (encode, 0.1)):
        if rng.random() < chance:
            sound = effect(sound, rng)
    return part, sound


def _labels(part: Part, part_cqt: ComplexArray, spec: FeatureSpec = SPEC) -> NDArray[np.void]:
    if part.plays not in INSTRUMENT_INDEX:
        return np.empty(0, FRAME_NOTE)
    return sounding_notes(part.notes, part_cqt, spec)


def at_unit_power(part_cqt: ComplexArray, spec: FeatureSpec) -> ComplexArray:
    """Scaled so that the sound's mean power while it sounds is the same for all parts, whatever the bank's loudness;
    silence stays silence.

    Filters of a CQT are as long as their pitch is low, and what they say grows with the root of their length: without a
    weight of the frequency, a bass would count as 8 dB louder than a trumpet of the same power.
    """
    hertz = 2.0 ** ((np.arange(spec.n_bins) / spec.bins_per_semitone + spec.lowest_pitch - 69) / 12)  # A4: 1
    power = hertz @ np.abs(part_cqt) ** 2
    if power.max() == 0:
        return part_cqt
    sounding = power[power > 1e-4 * power.max()]
    result: ComplexArray = (part_cqt / np.sqrt(sounding.mean())).astype(np.complex64)
    return result


CLIP_SETS = (
    ClipSet("valid", "valid", "train", 2, partial(render_clip, has_distractors=True)),
    ClipSet("same", "test", "train", 3, partial(render_clip, has_distractors=False)),
    ClipSet("unseen", "test", "unseen", 4, partial(render_clip, has_distractors=True)),
    ClipSet("fast", "test", "unseen", 5, render_fast_clip),
)


class _Worker:
    """What each process of the pool keeps."""

    library: Library
    band: Band
    seed: int
    spec: FeatureSpec


def _start_worker(
    data_dir: Path,
    midi_dir: Path,
    pieces: Split,
    timbres: TimbreSplit,
    seed: int,
    spec: FeatureSpec = SPEC,
) -> None:
    threadpool_limits(1)  # or the processes' threads wait for each other: half the parts a second
    _Worker.library = Library(find_pieces(midi_dir), pieces)
    _Worker.band = Band(data_dir, timbres)
    _Worker.seed = seed
    _Worker.spec = spec


def _render_group(group: int) -> list[RenderedPart]:
    rng = np.random.default_rng((_Worker.seed, _PARTS_SEED, group))
    return render_group(_Worker.library, _Worker.band, rng, _Worker.spec)


def _render_recording(job: tuple[Recording, int]) -> RenderedPart:
    recording, version = job
    rng = np.random.default_rng((_Worker.seed, _REAL_SEED, zlib.crc32(recording.name.encode()), version))
    return render_recording(recording, rng, _Worker.spec, is_changed=version > 0)


def _render_clip(job: tuple[ClipSet, int]) -> Clip:
    clip_set, index = job
    return clip_set.render(_Worker.library, _Worker.band, np.random.default_rng((_Worker.seed, clip_set.seed, index)))
