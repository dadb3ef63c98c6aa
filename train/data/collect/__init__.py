"""``python -m train collect``: a folder of scores, or of MIDI files beside their audio, to clips to train on.

This is how the paper's MuseScore set came about, and the way in for music of one's own. Under the output folder:

- ``converted/``: MIDI and audio of scores, by the MuseScore program; what is there is not converted again.
- ``tracks/``: each song that is kept, as 16 kHz FLAC and its notes as CSV, the MIDI moved to where it is heard.
- ``tracks.csv``: every song, with its length, instruments, alignment, side of the split, or why it is left out.
- ``parts/``: the selected training clips of ten seconds as complex CQTs with labels, for ``fit``.
- ``valid.npz``, ``same.npz``: clips of other songs, for ``calibrate`` and ``evaluate``.
- ``statistics.md`` and ``.png``: what there is of each instrument.
"""

import csv
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray
from tqdm import tqdm

from mtinst.errors import AudioError
from mtinst.grid import FINE, INSTRUMENT_INDEX, INSTRUMENT_NAMES, NINE, SPEC, FeatureSpec, FloatArray
from mtinst.hear.cqt import by_pitch, cqt, log_cqt
from train.clips import Clip, clip_rows, save_clips
from train.data.collect.align import FEWEST, Alignment, alignment
from train.data.collect.musescore import MuseScore, MuseScoreError, find_scores
from train.data.collect.select import Excerpt, excerpts, select
from train.data.collect.sound import Voices
from train.data.collect.statistics import write_statistics
from train.data.corpora import CorpusError, Parts
from train.data.corpora.paired import pairs_in, read_tracks
from train.data.corpora.song import OTHER, parts_of_tracks
from train.data.labels import sounding_notes
from train.data.sources import OFFSET, ONSET, SPLITS, Split, split_works
from train.store import FRAME_NOTE, N_SAMPLES, RECORDING, PartWriter, RenderedPart

logger = logging.getLogger(__name__)

_COLUMNS = ("onset", "offset", "pitch", "velocity", "instrument")


@dataclass(frozen=True, kw_only=True)
class CollectConfig:
    """What is kept, and how much of it.

    Parameters
    ----------
    shortest_s, longest_s : float
        Songs outside are left out.
    instruments : tuple of str
        A song must have one of these.
    most_others : float
        A song is left out when more than this share of its notes is played by none of the nine.
    least_clarity, most_drift_s : float
        See :class:`train.data.collect.align.Alignment`: songs whose notes are not where they are heard are left out.
    clips, test_clips : int
        How many clips an instrument to train on, and in each of the other sets; the paper has 5,500 and 200.
    has_random_velocity : bool
        Draw each note's velocity anew, which needs a soundfont to play them.
    soundfonts : tuple of Path
        Play the notes with one of these, drawn for each song, instead of taking its audio.
    singing : Path, optional
        A folder of recorded singing, which is mixed into half of all tens of seconds and has no labels.
    seed : int
        For the selection and everything drawn.
    """

    shortest_s: float = 10.0
    longest_s: float = 900.0
    instruments: tuple[str, ...] = (*NINE, "voice")
    most_others: float = 0.5
    least_clarity: float = 6.0
    most_drift_s: float = 0.1
    clips: int = 5500
    test_clips: int = 200
    has_random_velocity: bool = False
    soundfonts: tuple[Path, ...] = ()
    singing: Path | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.has_random_velocity and not self.soundfonts:
            raise CorpusError("Other velocities are only heard when the notes are played anew: name a --soundfont too.")
        for name in self.instruments:
            if name not in INSTRUMENT_INDEX:
                raise CorpusError(f"{name} is not one of the instruments: {', '.join(INSTRUMENT_NAMES)}.")


@dataclass(frozen=True, kw_only=True)
class TrackRecord:
    """A line of ``tracks.csv``."""

    name: str
    seconds: float = 0.0
    instruments: str = ""
    lag_s: float = 0.0
    drift_s: float = 0.0
    clarity: float = 0.0
    split: str = ""
    left_out: str  # why, empty when it is kept


@dataclass(frozen=True, kw_only=True)
class KeptTrack:
    """A song that is kept, in memory: its audio stays on the disk."""

    name: str
    path: Path  # of the FLAC file
    duration_s: float
    parts: Parts


def collect(
    folder: Path,
    out_dir: Path,
    config: CollectConfig | None = None,
    *,
    musescore: Path | None = None,
    spec: FeatureSpec = FINE,
) -> str:
    """Write everything above to `out_dir`.

    Parameters
    ----------
    folder : Path
        With scores (``.mscz``, ``.mscx``, ``.musicxml``, ``.mxl``), MIDI files beside their audio, or both. A score
        that has MIDI of its name beside it is not converted.
    out_dir : Path
        Made when needed.
    config : CollectConfig, optional
    musescore : Path, optional
        The MuseScore program, when it is not where programs are.
    spec : FeatureSpec
        Features of the training clips.

    Returns
    -------
    str
        The statistics as Markdown.

    Raises
    ------
    CorpusError
        If there is nothing to collect, or too little is left.
    MuseScoreError
        If there are scores to convert and the program is not there.
    """
    config = config or CollectConfig()
    if not folder.is_dir():
        raise CorpusError(f"{folder} is not a folder.")
    pairs = find_pairs(folder, out_dir / "converted", musescore, needs_audio=not config.soundfonts)
    voices = Voices(config.soundfonts, config.singing, has_random_velocity=config.has_random_velocity)
    records, kept = [], []
    for index, (name, midi, audio) in enumerate(tqdm(pairs, desc="songs", mininterval=5)):
        rng = np.random.default_rng((config.seed, 0, index))
        try:
            record, track = _examine(name, midi, audio, out_dir / "tracks", voices, config, rng)
        except (AudioError, CorpusError) as error:
            record, track = TrackRecord(name=name, left_out=str(error)), None
        records.append(record)
        kept += [track] if track is not None else []
    _write_records(out_dir / "tracks.csv", records)
    if len(kept) < len(SPLITS):
        raise CorpusError(
            f"Of {len(pairs)} songs {len(kept)} can be used, and at least {len(SPLITS)} are needed, "
            f"to train, to validate and to test on: {out_dir / 'tracks.csv'} says what is wrong with the others."
        )
    keys = works_of([track.name for track in kept])
    sides = split_works(set(keys.values()))
    splits = {track.name: sides[keys[track.name]] for track in kept}
    _write_records(out_dir / "tracks.csv", records, splits)

    chosen: dict[Split, list[Excerpt]] = {}
    for number, split in enumerate(SPLITS):
        candidates = [
            excerpt
            for index, track in enumerate(kept)
            if splits[track.name] == split
            for excerpt in excerpts(index, track.parts, track.duration_s)
        ]
        n_wanted = config.clips if split == "train" else config.test_clips
        chosen[split] = select(candidates, n_wanted, np.random.default_rng((config.seed, 1, number)))
    _write_parts(out_dir / "parts", kept, chosen["train"], spec)
    _write_clips(out_dir / "valid.npz", kept, chosen["valid"])
    _write_clips(out_dir / "same.npz", kept, chosen["test"])
    return write_statistics(out_dir, [track.parts for track in kept], chosen)


def works_of(names: Sequence[str]) -> dict[str, str]:
    """What stays on one side of the split: the songs of one subfolder, such as movements; else each by itself.

    Examples
    --------
    >>> works_of(["op1/1", "op1/2", "op2/1", "alone", "other"])
    {'op1/1': 'op1', 'op1/2': 'op1', 'op2/1': 'op2', 'alone': 'alone', 'other': 'other'}
    """
    works = {name: name.rpartition("/")[0] or name for name in names}
    return works if len(set(works.values())) >= len(SPLITS) else {name: name for name in names}


def find_pairs(
    folder: Path, converted_dir: Path, musescore: Path | None, *, needs_audio: bool
) -> list[tuple[str, Path, Path | None]]:
    """Name, MIDI and audio of each song, sorted by name, scores converted where there is no MIDI beside them."""
    pairs = pairs_in(folder)
    alone = [name for name, (_, audio) in pairs.items() if audio is None]
    if needs_audio and alone:
        more = f" and {len(alone) - 1} more have" if len(alone) > 1 else " has"
        raise CorpusError(
            f"{pairs[alone[0]][0].name}{more} no audio beside it: {Path(alone[0]).name}.wav or the like is missing."
        )
    scores = [score for score in find_scores(folder) if _name(score, folder) not in pairs]
    if scores:
        program = MuseScore.find(musescore)
        logger.info("%d scores, converted by %s at %s", len(scores), program.version, program.path)
        for score in tqdm(scores, desc="scores", mininterval=5):
            name = _name(score, folder)
            midi, audio = (converted_dir / f"{name}{suffix}" for suffix in (".mid", ".wav"))
            try:
                for target in (midi, audio) if needs_audio else (midi,):
                    if not target.is_file():
                        program.convert(score, target)
            except MuseScoreError as error:
                logger.warning("%s", error)
                continue
            pairs[name] = midi, audio if needs_audio else None
    if not pairs:
        raise CorpusError(f"{folder} holds neither scores that can be read nor MIDI files or corrections with their audio.")
    return [(name, *pairs[name]) for name in sorted(pairs)]


def _name(score: Path, folder: Path) -> str:
    return score.relative_to(folder).with_suffix("").as_posix()


def _examine(
    name: str,
    midi: Path,
    audio: Path | None,
    tracks_dir: Path,
    voices: Voices,
    config: CollectConfig,
    rng: np.random.Generator,
) -> tuple[TrackRecord, KeptTrack | None]:
    """One song: analysed, judged, and written to ``tracks/`` when it is kept."""
    tracks = voices.revoiced(read_tracks(midi), rng)
    parts = parts_of_tracks(tracks)
    samples = voices.sound(tracks, audio, rng)
    seconds = len(samples) / SPEC.sample_rate
    found = Alignment(0.0, 0.0, 0.0)
    left_out = _why_not(parts, seconds, config)
    if not left_out:
        found = alignment(by_pitch(log_cqt(samples)), np.concatenate(list(parts.values())))
        if found.clarity < config.least_clarity:
            left_out = "the notes are not those that are heard"
        elif abs(found.drift_s) > config.most_drift_s:
            left_out = "the notes drift away from what is heard"
    record = TrackRecord(
        name=name,
        seconds=round(seconds, 1),
        instruments=" ".join(who for who in INSTRUMENT_NAMES if who in parts),
        lag_s=round(found.lag_s, 3),
        drift_s=round(found.drift_s, 3),
        clarity=round(found.clarity, 3),
        left_out=left_out,
    )
    if left_out:
        return record, None
    path = tracks_dir / f"{name}.flac"
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, voices.with_singing(samples, rng), SPEC.sample_rate)
    moved = {who: _moved(notes, found.lag_s) for who, notes in parts.items()}
    _write_notes(path.with_name(f"{path.stem}.csv"), moved)
    return record, KeptTrack(name=name, path=path, duration_s=seconds, parts=moved)


def _why_not(parts: Parts, seconds: float, config: CollectConfig) -> str:
    """Why a song is left out before its sound is looked at, or nothing."""
    n_notes = sum(map(len, parts.values()))
    if seconds < config.shortest_s:
        return f"shorter than {config.shortest_s:g} s"
    if seconds > config.longest_s:
        return f"longer than {config.longest_s:g} s"
    if n_notes < FEWEST:
        return f"fewer than {FEWEST} notes"
    if not any(name in parts for name in config.instruments):
        return "none of the wanted instruments plays"
    if len(parts.get(OTHER, ())) > config.most_others * n_notes:
        return "most notes are of other instruments"
    return ""


def _moved(notes: NDArray[np.float64], lag_s: float) -> NDArray[np.float64]:
    moved = notes.copy()
    moved[:, [ONSET, OFFSET]] += lag_s
    moved[:, ONSET] = np.maximum(0, moved[:, ONSET])
    return moved[moved[:, OFFSET] > moved[:, ONSET]]


def _write_records(path: Path, records: Sequence[TrackRecord], splits: dict[str, Split] | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, asdict(records[0]))
        writer.writeheader()
        writer.writerows(asdict(record) | {"split": (splits or {}).get(record.name, "")} for record in records)


def _write_notes(path: Path, parts: Parts) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for name, notes in parts.items():
            writer.writerows((f"{on:.4f}", f"{off:.4f}", int(p), int(v), name) for on, off, p, v in notes.tolist())


def _read_clip(track: KeptTrack, excerpt: Excerpt) -> FloatArray:
    start = round(excerpt.start_s * SPEC.sample_rate)
    samples, _ = sf.read(track.path, start=start, frames=N_SAMPLES, dtype="float32")
    result: FloatArray = np.pad(samples, (0, N_SAMPLES - len(samples)))
    return result


def _labels(
    track: KeptTrack, excerpt: Excerpt, clip: FloatArray, spec: FeatureSpec
) -> list[tuple[int, NDArray[np.void]]]:
    """Who plays which notes on the frames of a clip, as far as they are heard in it.

    A note that is held from before begins with the clip: its beginning is nowhere else.
    """
    transform = cqt(clip, spec)
    result = []
    for name, notes in track.parts.items():
        here = _moved(notes, -excerpt.start_s)
        result.append((INSTRUMENT_INDEX[name], sounding_notes(here, transform, spec)))
    return result


def _write_parts(folder: Path, kept: Sequence[KeptTrack], chosen: Sequence[Excerpt], spec: FeatureSpec) -> None:
    """The training clips, whole recordings as parts, and who plays each note."""
    with PartWriter.into(folder, spec) as writer:
        for excerpt in tqdm(chosen, desc="training clips", mininterval=5):
            clip = _read_clip(kept[excerpt.song], excerpt)
            transform = cqt(clip, spec)
            transform /= max(1e-9, float(np.sqrt(np.mean(np.abs(transform) ** 2) * spec.n_bins)))
            labels = _labels(kept[excerpt.song], excerpt, clip, spec)
            notes = np.concatenate([np.empty(0, FRAME_NOTE), *(played for _, played in labels)])
            players = [player for player, played in labels for _ in played]
            writer.add(RenderedPart(RECORDING, transform, notes), excerpt.song, players)


def _write_clips(path: Path, kept: Sequence[KeptTrack], chosen: Sequence[Excerpt]) -> None:
    """A fixed set."""
    if not chosen:
        raise CorpusError(f"No clip is left for {path.name}: more songs, or longer ones, are needed.")
    clips = []
    for excerpt in chosen:
        clip = _read_clip(kept[excerpt.song], excerpt)
        rows = [
            row
            for player, played in _labels(kept[excerpt.song], excerpt, clip, SPEC)
            for row in clip_rows(player, played)
        ]
        clips.append(Clip(np.clip(clip, -1, 1), np.array(rows, dtype=np.float64).reshape(-1, 4)))
    save_clips(path, clips)
