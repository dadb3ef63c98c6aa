"""Songs as jobs: which there are, how one is done, and what says that it was.

A song that was done for ``--jobs`` or ``--dask`` leaves a record, ``DIR/.mtinst/<stem>.json``, written after all of its
files: the song's place, size and time, the settings, and the size of each file. A job whose record still holds is not
done again, so a run that was cut off goes on where it was, and what was half done when it stopped does not count.
Nothing here needs PyTorch until a song is transcribed.
"""

import glob
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from platform import node
from typing import TYPE_CHECKING, Any, Literal

from mtinst.audio import LONGEST_S, display_name, open_regular
from mtinst.errors import AudioError, CheckpointError, MidiError, MtinstError
from mtinst.paths import DEFAULT_WEIGHTS, PARTIAL, file_hash, replace_file
from mtinst.spec import N_INSTRUMENTS

if TYPE_CHECKING:
    from mtinst.notes import Thresholds
    from mtinst.pipeline import Transcriber
    from mtinst.transcription import Output, Transcription

RECORDS = ".mtinst"
VERSION = 2  # of the records
LONGEST_STEM = 255 - len(".activations.csv.01234567.partial")
"""Bytes of the name of a song's files, so that the longest of them is one that file systems take."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A song to transcribe, and the name of its outputs without their suffixes."""

    path: Path
    stem: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How every song of a run is done.

    Parameters
    ----------
    folder : Path
        Where to write.
    outputs : tuple of str
        What to write, of :meth:`~mtinst.transcription.Transcription.save`.
    weights : Path, optional
        The checkpoint; by default the shipped one, which stands where the process that does a song has mtinst.
    instruments : tuple of str, optional
        Report only these.
    onset, frame : float, optional
        Thresholds for all instruments in place of the checkpoint's.
    longest_s : float
        Longer songs are refused.
    overwrites : bool
        Whether a MIDI file may be replaced that stands beside its song and may hold its right notes.
    tuning_hz : float, optional
        Frequency of every song's A above middle C; estimated for each unless given.
    tuned_midi : bool
        Whether MIDI files bend their tracks to it.
    """

    folder: Path
    outputs: "tuple[Output, ...]" = ("mid", "npz", "png")
    weights: Path | None = None
    instruments: tuple[str, ...] | None = None
    onset: float | None = None
    frame: float | None = None
    longest_s: float = LONGEST_S
    overwrites: bool = False
    tuning_hz: float | None = None
    tuned_midi: bool = False

    @property
    def checkpoint(self) -> Path:
        """The weights file in this process."""
        return self.weights or DEFAULT_WEIGHTS

    def transcriber(self) -> "Transcriber":
        """The network with these thresholds; CheckpointError when it cannot be loaded."""
        from mtinst.pipeline import Transcriber

        loaded = Transcriber.load(self.checkpoint)
        return Transcriber(loaded.model, self._thresholds(loaded.thresholds), digest=loaded.digest)

    def facts(self) -> dict[str, Any]:
        """What a result depends on, as plain JSON values; CheckpointError when the weights cannot be read."""
        try:
            open_regular(self.checkpoint, "a weights file", CheckpointError).close()
            digest = file_hash(self.checkpoint)
        except OSError as error:
            raise CheckpointError(f"{display_name(self.checkpoint)} cannot be read: {error.strerror}") from error
        instruments = None if self.instruments is None else list(self.instruments)
        return {
            "weights": digest,
            "instruments": instruments,
            "onset": self.onset,
            "frame": self.frame,
            "tuning_hz": self.tuning_hz,
            "tuned_midi": self.tuned_midi,
        }

    def _thresholds(self, thresholds: "Thresholds") -> "Thresholds":
        if self.instruments is not None:
            thresholds = replace(thresholds, instruments=self.instruments)
        if self.onset is not None:
            thresholds = replace(thresholds, onset=(self.onset,) * N_INSTRUMENTS)
        if self.frame is not None:
            thresholds = replace(thresholds, frame=(self.frame,) * N_INSTRUMENTS)
        return thresholds


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job: the line about it, or the sentence that says why not.

    `stops_all` says that the same sentence would be said about every other song.
    """

    status: Literal["done", "failed"]
    record: dict[str, Any] | None = None
    sentence: str | None = None
    stops_all: bool = False


def plan_jobs(songs: Iterable[Path], kept: Mapping[str, str] | None = None) -> list[Job]:
    """Give each song a name for its outputs: its own stem, or with a number when another song has that already.

    Parameters
    ----------
    songs : iterable of Path
    kept : dict of str to str, optional
        Stems that songs have from an earlier run, by their real paths; those keep them.

    Examples
    --------
    >>> [job.stem for job in plan_jobs([Path("a/song.mp3"), Path("b/Song.wav"), Path("song-2.wav")])]
    ['song', 'Song-3', 'song-2']
    """
    songs = list(songs)
    own = {song: kept[place] for song in songs if (place := os.path.realpath(song)) in kept} if kept else {}
    wanted = {song.stem.casefold() for song in songs}  # some file systems do not tell A from a
    taken = {stem.casefold() for stem in (kept or {}).values()}
    jobs = []
    for song in songs:
        if song in own:
            jobs.append(Job(path=song, stem=own[song]))
            continue
        stem, number = _shortened(song.stem), 1
        while stem.casefold() in taken or (number > 1 and stem.casefold() in wanted):
            number += 1
            stem = _shortened(song.stem, f"-{number}")
        taken.add(stem.casefold())
        jobs.append(Job(path=song, stem=stem))
    return jobs


def transcribe_song(
    transcriber: "Transcriber",
    job: Job,
    settings: Settings,
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, Any]:
    """Transcribe one song and write its files; returns what ``--json`` prints.

    Raises
    ------
    MtinstError
        If the song cannot be read, its files cannot be written, or one of them would replace what is not ours.
    """
    _spare_right_notes(job, settings)
    start = time.perf_counter()
    try:
        transcription = transcriber.transcribe(
            job.path, progress=progress, longest_s=settings.longest_s, tuning_hz=settings.tuning_hz
        )
        paths = transcription.save(settings.folder, job.stem, settings.outputs, tuned_midi=settings.tuned_midi)
    except MemoryError as error:
        raise AudioError(f"{display_name(job.path)} needs more memory than there is") from error
    return _line(job.path, transcription, paths, seconds=time.perf_counter() - start)


def _spare_right_notes(job: Job, settings: Settings) -> None:
    """MidiError where a MIDI file stands beside its song that was not transcribed from it."""
    from mtinst.midi import is_signed

    midi = settings.folder / f"{job.stem}.mid"
    is_beside = midi.exists() and os.path.realpath(midi.parent) == os.path.realpath(job.path.parent)
    if is_beside and not settings.overwrites and not is_signed(midi):
        raise MidiError(
            f"{display_name(midi)} beside {display_name(job.path)} may hold its right notes and would be replaced: "
            "name another folder by --out, or say --overwrite"
        )


def work(job: Job, settings: Settings, facts: dict[str, Any]) -> Outcome:
    """Do one job in a process that does many, unless it was done before.

    Parameters
    ----------
    job : Job
    settings : Settings
    facts : dict
        ``settings.facts()`` of when the run began.
    """
    name = display_name(job.path)
    if (line := find_record(job, settings, facts)) is not None:
        return Outcome(status="done", record=line)
    try:
        record_path(job, settings).unlink(missing_ok=True)  # while files are replaced, nothing says that they are whole
        found = _state(job.path)
        line = transcribe_song(_transcriber(settings, facts["weights"]), job, settings)
        _write_record(job, settings, facts, found, line)
    except CheckpointError as error:
        return Outcome(status="failed", sentence=str(error), stops_all=True)
    except MtinstError as error:
        return Outcome(status="failed", sentence=str(error))
    except OSError as error:
        return Outcome(status="failed", sentence=f"{name} cannot be done: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001 - one song of thousands; what it was stands in the summary
        return Outcome(status="failed", sentence=f"{name} met a fault of mtinst, {type(error).__name__}: {error}")
    return Outcome(status="done", record=line)


def find_record(job: Job, settings: Settings, facts: dict[str, Any]) -> dict[str, Any] | None:
    """The line about a song that was done, by these settings and since it last changed; None when it is to be done."""
    try:
        record = json.loads(record_path(job, settings).read_text("utf-8"))
        wanted = {"version": VERSION, "song": _state(job.path), "settings": facts}
        if {key: record[key] for key in wanted} != wanted:
            return None
        sizes = record["sizes"]
        for output in settings.outputs:
            if (settings.folder / f"{job.stem}.{output}").stat().st_size != sizes[output]:
                return None
        line = record["line"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return line if isinstance(line, dict) else None


def kept_stems(folder: Path) -> dict[str, str]:
    """Which stems the songs have that `folder` holds records of, by their real paths."""
    kept = {}
    for path in sorted((folder / RECORDS).glob("*.json")):
        try:
            kept[str(json.loads(path.read_text("utf-8"))["song"]["place"])] = path.name.removesuffix(".json")
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return kept


def record_path(job: Job, settings: Settings) -> Path:
    """Where the record of a job stands once it is done."""
    return settings.folder / RECORDS / f"{job.stem}.json"


def remove_partials(job: Job, settings: Settings) -> None:
    """Remove what a process left behind that ended while it wrote."""
    for output in settings.outputs:
        for partial in settings.folder.glob(glob.escape(f"{job.stem}.{output}") + PARTIAL):
            partial.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def _transcriber(settings: Settings, weights: str) -> "Transcriber":
    """By the digest of its weights too: a worker may outlive the file's content."""
    transcriber = settings.transcriber()
    if not weights.startswith(transcriber.digest):
        name = display_name(settings.checkpoint)
        raise CheckpointError(f"{name} is not the one that this run began with; start it again")
    return transcriber


def _state(path: Path) -> dict[str, Any]:
    """Which file, and in what state; of one that is not there only the first."""
    place = os.path.realpath(path)
    try:
        found = path.stat()
    except (OSError, ValueError):
        return {"place": place}
    return {"place": place, "size": found.st_size, "mtime_ns": found.st_mtime_ns}


def _write_record(
    job: Job, settings: Settings, facts: dict[str, Any], found: dict[str, Any], line: dict[str, Any]
) -> None:
    sizes = {output: (settings.folder / f"{job.stem}.{output}").stat().st_size for output in settings.outputs}
    record = {"version": VERSION, "song": found, "settings": facts, "sizes": sizes, "line": line}
    path = record_path(job, settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(record | {"by": f"{node()}:{os.getpid()}"}, indent=1).encode())


def _line(path: Path, transcription: "Transcription", outputs: Sequence[Path], *, seconds: float) -> dict[str, Any]:
    return {
        "file": str(path),
        "duration_s": round(transcription.duration_s, 3),
        "seconds": round(seconds, 3),
        "realtime_factor": round(seconds / transcription.duration_s, 4),
        "instruments": list(transcription.instruments),
        "n_notes": len(transcription.notes),
        "note_counts": transcription.note_counts,
        "verdict": transcription.verdict,
        "damage": transcription.damage,
        "tuning_hz": round(transcription.tuning_hz, 1),
        "outputs": [str(output) for output in outputs],
    }


def _shortened(stem: str, end: str = "") -> str:
    """The stem and its end, cut in between to what file systems take, never within a character."""
    most = LONGEST_STEM - len(end)
    encoded = os.fsencode(stem)
    while len(encoded) > most:
        stem = stem[:-1]
        encoded = os.fsencode(stem)
    return stem + end
