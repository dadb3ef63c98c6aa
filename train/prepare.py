"""``python -m train prepare``: MIDI, soundfonts and samples to arrays that training and scoring read.

Under the output folder:

- ``parts/``: single parts of ten seconds, alone, as complex CQTs (float16, real and imaginary) with their labels. The
  CQT is linear, so the loader mixes parts by adding these, never the same mixture twice.
- ``valid.npz``, ``same.npz``, ``unseen.npz``: fixed mixtures as 16-bit audio with their notes, for thresholds (pieces
  of the validation side, training timbres), for the paper's protocol (test pieces, training timbres) and for the test
  that counts (test pieces, held-out timbres, and drums, other instruments, singing, noise and rooms).
- ``pieces.csv``: which piece is on which side.

Item ``i`` draws from ``default_rng((seed, set, i))``, so the number of processes changes nothing.
"""

import csv
import json
import multiprocessing
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from mtinst.features import ComplexArray, cqt
from mtinst.spec import FINE, INSTRUMENT_INDEX, N_INSTRUMENTS, SPEC, FeatureSpec, FloatArray
from train.arrange import Library, Part
from train.labels import FRAME_NOTE, audible_notes, sounding_notes
from train.medium import MOST_VARISPEED, amplify, compress, encode, strum, varispeed
from train.render import RATE, Band, MoreTimbres, add_room, distort, levelled, noise
from train.sources import Split, find_pieces
from train.timbres import TimbreSplit

CLIP_S = 10.0
N_SAMPLES = round(CLIP_S * RATE)
N_FRAMES = SPEC.n_frames(N_SAMPLES)
# What is not one of the nine comes after them.
OTHER, DRUMS, SINGING, NOISE = range(N_INSTRUMENTS, N_INSTRUMENTS + 4)
RECORDING = NOISE + 1  # a whole song, several of the nine in one part: see train.collect
FEATURES = {"paper": SPEC, "fine": FINE}
CLASS_INDEX = {**INSTRUMENT_INDEX, "other": OTHER, "drums": DRUMS, "singing": SINGING, "noise": NOISE}

_PARTS_SEED, _NOISE_SEED = 0, 1
_NOISE_SHARE = 0.01
_SUNG_ANEW = 0.7  # of singing; the rest is recorded syllables, resampled
_STRUMMED = frozenset({"acoustic_guitar", "electric_guitar"})


@dataclass(frozen=True)
class ClipSet:
    """A fixed set of mixtures: which pieces, which timbres, and whether there is more than the nine in them."""

    name: str
    pieces: Split
    timbres: TimbreSplit
    seed: int
    has_distractors: bool


CLIP_SETS = (
    ClipSet("valid", "valid", "train", seed=2, has_distractors=True),
    ClipSet("same", "test", "train", seed=3, has_distractors=False),
    ClipSet("unseen", "test", "unseen", seed=4, has_distractors=True),
)


@dataclass(frozen=True)
class RenderedPart:
    """A part alone: class index, complex CQT as of a sound at unit power, labels."""

    class_index: int
    cqt: ComplexArray
    notes: NDArray[np.void]


@dataclass(frozen=True)
class Clip:
    """A mixture: audio in [-1, 1] and what sounds in it, rows of (instrument index, first frame, end frame, row)."""

    samples: FloatArray
    notes: NDArray[np.int32]


class PartWriter:
    """Writes what :class:`train.datasets.PartStore` reads; a context manager that names the file when all is in it.

    Parameters
    ----------
    folder : Path
        Made when needed.
    spec : FeatureSpec
        Of the parts' CQTs.
    """

    def __init__(self, folder: Path, spec: FeatureSpec) -> None:
        self._folder = folder
        self._spec = spec
        self._classes: list[int] = []
        self._groups: list[int] = []
        self._notes: list[NDArray[np.void]] = []
        self._players: list[int] = []

    def __len__(self) -> int:
        return len(self._classes)

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = (self._folder / "cqt.f16.partial").open("wb")
        return self

    def add(self, part: RenderedPart, group: int, players: Sequence[int] = ()) -> None:
        """Add a part of that group; `players` are those of its notes, where the part's class does not say it."""
        self._file.write(np.stack((part.cqt.real, part.cqt.imag), axis=-1).astype(np.float16).tobytes())
        self._classes.append(part.class_index)
        self._groups.append(group)
        self._notes.append(part.notes)
        self._players += players

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is not None:
            return
        arrays: dict[str, Any] = {
            "classes": np.array(self._classes, dtype=np.int8),
            "groups": np.array(self._groups, dtype=np.int32),
            "note_ends": np.cumsum([len(notes) for notes in self._notes]),
            "notes": np.concatenate(self._notes),
            "spec": json.dumps(asdict(self._spec)),
        }
        if self._players:
            arrays["players"] = np.array(self._players, dtype=np.int8)
        np.savez(self._folder / "parts.npz", **arrays)
        (self._folder / "cqt.f16.partial").replace(self._folder / "cqt.f16")


def save_clips(path: Path, clips: Sequence[Clip]) -> None:
    """Write what :class:`train.evaluate.ClipArrays` reads."""
    np.savez(
        path,
        samples=np.stack([np.round(clip.samples * 32767).astype(np.int16) for clip in clips]),
        notes=np.concatenate(
            [np.insert(clip.notes, 0, index, axis=1) for index, clip in enumerate(clips)]
        ),  # clip, instrument, first frame, end frame, row
    )


def prepare(
    data_dir: Path,
    out_dir: Path,
    *,
    n_parts: int,
    n_clips: int,
    seed: int,
    n_jobs: int,
    spec: FeatureSpec = FINE,
    more: MoreTimbres | None = None,
) -> None:
    """Write everything above to `out_dir`; `data_dir` is laid out as in the README of this package.

    Parts are kept as `spec` has it, which is what networks are then trained on; fixed sets are audio, the same for all,
    with or without `more` timbres.
    """
    midi_dir = unpack_midi(data_dir, out_dir)
    files = find_pieces(midi_dir)
    with (out_dir / "pieces.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("piece", "split"))
        writer.writerows((f.path.relative_to(midi_dir).as_posix(), f.split) for f in files)
    for clip_set in CLIP_SETS:
        write_clips(out_dir, data_dir, midi_dir, clip_set, n_clips=n_clips, seed=seed, n_jobs=n_jobs)
    write_parts(out_dir, data_dir, midi_dir, n_parts=n_parts, seed=seed, n_jobs=n_jobs, spec=spec, more=more)


def unpack_midi(data_dir: Path, out_dir: Path) -> Path:
    """The folder with a folder for each corpus, unpacked from ``data_dir/midi/*.tar.xz`` the first time."""
    midi_dir = out_dir / "midi"
    if not midi_dir.is_dir():
        archives = sorted((data_dir / "midi").glob("*.tar.xz"))
        if not archives:
            raise FileNotFoundError(f"{data_dir / 'midi'} holds no .tar.xz archive of MIDI files.")
        partial = out_dir / "midi.partial"  # until all are there, or half of the songs would pass for all
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for archive in archives:
            with tarfile.open(archive) as tar:
                songs = [member for member in tar if member.isfile() and member.name.endswith((".mid", ".midi"))]
                tar.extractall(partial, members=songs, filter="data")
        (partial / "midi").rename(midi_dir)
        shutil.rmtree(partial)
    return midi_dir


def write_parts(
    out_dir: Path,
    data_dir: Path,
    midi_dir: Path,
    *,
    n_parts: int,
    seed: int,
    n_jobs: int,
    spec: FeatureSpec,
    more: MoreTimbres | None = None,
) -> None:
    """Render groups of parts (each group one excerpt) until there are `n_parts`."""
    setup = (data_dir, midi_dir, "train", "train", seed, spec, more)
    with (
        PartWriter(out_dir / "parts", spec) as writer,
        multiprocessing.get_context("spawn").Pool(n_jobs, _start_worker, setup) as pool,
        tqdm(total=n_parts, unit="part", mininterval=5) as bar,
    ):
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


def render_clip(library: Library, band: Band, rng: np.random.Generator, *, has_distractors: bool) -> Clip:
    """A mixture of one to five of the nine, from one excerpt or several, at drawn levels.

    With distractors: drums, other instruments and singing where the excerpt has them and in a share of the rest, noise
    in a third, a room around everything in a third.
    """
    n_parts = int(rng.choice((1, 2, 3, 4, 5), p=(0.25, 0.27, 0.23, 0.15, 0.10)))
    nine: dict[str, Part] = {}
    others: dict[str, Part] = {}
    while len(nine) < n_parts:
        drawn = library.draw_parts(rng, CLIP_S)
        for part in drawn[:1] if nine and rng.random() < 0.5 else drawn:
            if part.plays in INSTRUMENT_INDEX:
                if len(nine) < n_parts:
                    nine.setdefault(part.plays, part)
            elif has_distractors and rng.random() < 0.6:
                others.setdefault(part.plays, part)
    if has_distractors and rng.random() < 0.25:
        others.update((part.plays, part) for part in library.draw_parts(rng, CLIP_S) if part.plays == "drums")

    mixture = np.zeros(N_SAMPLES, dtype=np.float32)
    played: list[tuple[Part, ComplexArray]] = []
    for part in (*nine.values(), *others.values()):
        sound = _play(band, part, rng)
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
        (INSTRUMENT_INDEX[part.plays], note["first"], note["end"], note["pitch"])
        for part, part_cqt in played
        if part.plays in INSTRUMENT_INDEX
        for note in audible_notes(_labels(part, part_cqt), part_cqt, loudest)
    ]
    samples = mixture * np.float32(0.9 / max(1e-6, float(np.abs(mixture).max())))
    return Clip(samples, np.array(rows, dtype=np.int32).reshape(-1, 4))


def _produce(band: Band, part: Part, rng: np.random.Generator) -> tuple[Part, FloatArray]:
    """A part as a record may have it.

    Strummed, gliding, sung, on an instrument of another size or on two of a kind at once, amplified, compressed,
    overdriven, encoded.
    """
    if part.plays in _STRUMMED and rng.random() < 0.4:
        part = replace(part, notes=strum(part.notes, rng))
    timbres = [band.draw_timbre(part.plays, rng)]
    if part.plays in INSTRUMENT_INDEX and rng.random() < 0.25:
        timbres.append(band.draw_timbre(part.plays, rng))
    levels = rng.dirichlet(np.ones(len(timbres)))
    glide_s = rng.uniform(0.03, 0.15) if rng.random() < 0.3 else 0.0

    def play(notes: NDArray[np.float64], n_samples: int) -> FloatArray:
        sounds = [levelled(band.play(notes, timbre, n_samples, rng, glide_s=glide_s)) for timbre in timbres]
        blend: FloatArray = np.tensordot(levels.astype(np.float32), np.stack(sounds), axes=1)
        return blend

    if part.plays == "singing" and rng.random() < _SUNG_ANEW:
        sound = band.sing(part.notes, N_SAMPLES, rng)
    elif part.plays != "drums" and rng.random() < 0.4:
        sound = varispeed(play, part.notes, int(rng.integers(-MOST_VARISPEED, MOST_VARISPEED + 1)), N_SAMPLES)
    else:
        sound = play(part.notes, N_SAMPLES)
    if part.plays == "electric_guitar" and rng.random() < 0.5:
        sound = amplify(sound, rng)
    for effect, chance in ((compress, 0.2), (distort, 0.04), (encode, 0.1)):
        if rng.random() < chance:
            sound = effect(sound, rng)
    return part, sound


def _play(band: Band, part: Part, rng: np.random.Generator) -> FloatArray:
    return band.play(part.notes, band.draw_timbre(part.plays, rng), N_SAMPLES, rng)


def _labels(part: Part, part_cqt: ComplexArray, spec: FeatureSpec = SPEC) -> NDArray[np.void]:
    if part.plays not in INSTRUMENT_INDEX:
        return np.empty(0, FRAME_NOTE)
    return sounding_notes(part.notes, part_cqt, spec)


def at_unit_power(part_cqt: ComplexArray, spec: FeatureSpec) -> ComplexArray:
    """Scaled so that the sound's mean power while it sounds is the same for all parts, whatever the bank's loudness.

    Filters of a CQT are as long as their pitch is low, and what they say grows with the root of their length: without a
    weight of the frequency, a bass would count as 8 dB louder than a trumpet of the same power.
    """
    hertz = 2.0 ** ((np.arange(spec.n_bins) / spec.bins_per_semitone + spec.lowest_pitch - 69) / 12)  # A4: 1
    power = hertz @ np.abs(part_cqt) ** 2
    sounding = power[power > 1e-4 * power.max()]
    result: ComplexArray = (part_cqt / np.sqrt(sounding.mean())).astype(np.complex64)
    return result


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
    more: MoreTimbres | None = None,
) -> None:
    threadpool_limits(1)  # or the processes' threads wait for each other: half the parts a second
    _Worker.library = Library(find_pieces(midi_dir), pieces)
    _Worker.band = Band(data_dir, timbres, more)
    _Worker.seed = seed
    _Worker.spec = spec


def _render_group(group: int) -> list[RenderedPart]:
    rng = np.random.default_rng((_Worker.seed, _PARTS_SEED, group))
    return render_group(_Worker.library, _Worker.band, rng, _Worker.spec)


def _render_clip(job: tuple[ClipSet, int]) -> Clip:
    clip_set, index = job
    rng = np.random.default_rng((_Worker.seed, clip_set.seed, index))
    return render_clip(_Worker.library, _Worker.band, rng, has_distractors=clip_set.has_distractors)
