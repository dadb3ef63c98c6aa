"""Songs as jobs: which there are, how they are to be done, and what says that one was.

A song that was done for ``--jobs`` or ``--dask`` leaves a record, ``DIR/.mtinst/<stem>.json``, written after all of its
files: the song's place, size and time, the settings, and the size of each file. A job whose record still holds is not
done again, so a run that was cut off goes on where it was, and what was half done when it stopped does not count.
Nothing here needs PyTorch: :mod:`mtinst.batch.work` does the songs.
"""

import glob
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mtinst.errors import CheckpointError
from mtinst.export.formats import LONGEST_SUFFIX, USUAL
from mtinst.files import DEFAULT_WEIGHTS, PARTIAL, display_name, file_hash, open_regular
from mtinst.grid import N_INSTRUMENTS
from mtinst.hear.audio import LONGEST_S
from mtinst.hear.beats import ESTIMATED
from mtinst.records import Thresholds, Timing

RECORDS = ".mtinst"
VERSION = 2  # of the records
LONGEST_STEM = 255 - len(f".{LONGEST_SUFFIX}.01234567.partial")
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
        What to write, of :data:`~mtinst.export.formats.FORMATS`.
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
    timing : Timing
        What is known of every song's beats.
    """

    folder: Path
    outputs: tuple[str, ...] = USUAL
    weights: Path | None = None
    instruments: tuple[str, ...] | None = None
    onset: float | None = None
    frame: float | None = None
    longest_s: float = LONGEST_S
    overwrites: bool = False
    tuning_hz: float | None = None
    tuned_midi: bool = False
    timing: Timing = ESTIMATED

    @property
    def checkpoint(self) -> Path:
        """The weights file in this process."""
        return self.weights or DEFAULT_WEIGHTS

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
            "timing": self.timing.to_json(),
        }

    def applied_to(self, thresholds: Thresholds) -> Thresholds:
        """The checkpoint's thresholds with what is set here in their place."""
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


def find_record(job: Job, settings: Settings, facts: dict[str, Any]) -> dict[str, Any] | None:
    """The line about a song that was done, by these settings and since it last changed; None when it is to be done."""
    try:
        record = json.loads(record_path(job, settings).read_text("utf-8"))
        wanted = {"version": VERSION, "song": state_of(job.path), "settings": facts}
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


def state_of(path: Path) -> dict[str, Any]:
    """Which file, and in what state; of one that is not there only the first."""
    place = os.path.realpath(path)
    try:
        found = path.stat()
    except (OSError, ValueError):
        return {"place": place}
    return {"place": place, "size": found.st_size, "mtime_ns": found.st_mtime_ns}


def _shortened(stem: str, end: str = "") -> str:
    """The stem and its end, cut in between to what file systems take, never within a character."""
    most = LONGEST_STEM - len(end)
    encoded = os.fsencode(stem)
    while len(encoded) > most:
        stem = stem[:-1]
        encoded = os.fsencode(stem)
    return stem + end
