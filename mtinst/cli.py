"""``python -m mtinst song.mp3 … --out DIR``: for each song a MIDI file, the probabilities, and a picture.

One line a song on stdout. What cannot be transcribed gets one line on stderr that names it; the other songs are still
done, and the exit status is 2.
"""

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtinst.errors import AudioError, MtinstError
from mtinst.spec import INSTRUMENT_NAMES, N_INSTRUMENTS, instrument_named

if TYPE_CHECKING:
    from mtinst.notes import Thresholds
    from mtinst.pipeline import Transcriber
    from mtinst.transcription import Output, Transcription

# Which files of a folder are songs; a file that is named itself is tried whatever its suffix.
AUDIO_SUFFIXES = frozenset(
    f".{name}"
    for names in ("aac aif aifc aiff au caf flac m4a mka mkv mov", "mp2 mp3 mp4 oga ogg opus w64 wav webm wma")
    for name in names.split()
)
BAD_INPUT = 2


@dataclass(frozen=True, kw_only=True)
class Job:
    """A song to transcribe, and the name of its outputs without their suffixes."""

    path: Path
    stem: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files need not be valid Unicode
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    failures: list[MtinstError] = []

    def report(error: MtinstError) -> None:
        failures.append(error)
        print(f"mtinst: {error}", file=sys.stderr)

    jobs = plan_jobs(find_songs(options.songs, report))
    if jobs:
        try:
            transcriber = _load(options)
        except MtinstError as error:
            report(error)
            return BAD_INPUT
        for job in jobs:
            try:
                record = transcribe_song(transcriber, job, options.out, _outputs(options))
            except MtinstError as error:
                report(error)
            else:
                print(json.dumps(record) if options.json else describe(record), flush=True)
    return BAD_INPUT if failures else 0


def find_songs(paths: Iterable[Path], report: Callable[[MtinstError], None]) -> Iterator[Path]:
    """The files among `paths` and the audio files below its folders, in order, each once.

    Hidden files and folders are passed over. A folder without any audio file goes to `report`.
    """
    seen = set()
    for path in paths:
        songs = sorted(_walk(path)) if os.path.isdir(path) else [path]  # noqa: PTH112 - any name, never an error
        if not songs:
            report(AudioError(f"{path} is a folder without audio files"))
        for song in songs:
            if (place := os.path.realpath(song)) not in seen:
                seen.add(place)
                yield song


def plan_jobs(songs: Iterable[Path]) -> list[Job]:
    """Give each song a name for its outputs: its own stem, or with a number when another song has that already.

    Examples
    --------
    >>> [job.stem for job in plan_jobs([Path("a/song.mp3"), Path("b/Song.wav"), Path("song-2.wav")])]
    ['song', 'Song-3', 'song-2']
    """
    songs = list(songs)
    wanted = {song.stem.casefold() for song in songs}  # some file systems do not tell A from a
    taken: set[str] = set()
    jobs = []
    for song in songs:
        stem, number = song.stem, 1
        while stem.casefold() in taken or (number > 1 and stem.casefold() in wanted):
            number += 1
            stem = f"{song.stem}-{number}"
        taken.add(stem.casefold())
        jobs.append(Job(path=song, stem=stem))
    return jobs


def transcribe_song(transcriber: "Transcriber", job: Job, folder: Path, outputs: "Sequence[Output]") -> dict[str, Any]:
    """Transcribe one song and write its files; returns what ``--json`` prints."""
    start = time.perf_counter()
    with _progress_bar(job.path.name) as progress:
        transcription = transcriber.transcribe(job.path, progress=progress)
        paths = transcription.save(folder, job.stem, outputs)
    return _record(job.path, transcription, paths, seconds=time.perf_counter() - start)


def describe(record: dict[str, Any]) -> str:
    """The line about a song for people.

    Examples
    --------
    >>> describe(
    ...     {"file": "a.mp3", "duration_s": 60.0, "seconds": 2.4, "realtime_factor": 0.04, "n_notes": 12}
    ...     | {"note_counts": {"piano": 8, "flute": 4}, "verdict": None}
    ... )
    'a.mp3: 60.0 s in 2.4 s (0.040 of real time), 12 notes: piano 8, flute 4'
    """
    counts = ", ".join(
        f"{instrument_named(name).label.lower()} {count}" for name, count in record["note_counts"].items()
    )
    line = f"{record['file']}: {record['duration_s']:.1f} s in {record['seconds']:.1f} s"
    line += f" ({record['realtime_factor']:.3f} of real time), {record['n_notes']} notes"
    return line + (f": {counts}" if counts else "") + (f". {record['verdict']}" if record["verdict"] else "")


def _record(path: Path, transcription: "Transcription", outputs: Iterable[Path], *, seconds: float) -> dict[str, Any]:
    return {
        "file": str(path),
        "duration_s": round(transcription.duration_s, 3),
        "seconds": round(seconds, 3),
        "realtime_factor": round(seconds / transcription.duration_s, 4),
        "instruments": list(transcription.instruments),
        "n_notes": len(transcription.notes),
        "note_counts": transcription.note_counts,
        "verdict": transcription.verdict,
        "outputs": [str(output) for output in outputs],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mtinst",
        description="Transcribe songs for nine instruments: for each, DIR/<stem>.mid, .npz and .png.",
        epilog=f"The instruments: {', '.join(INSTRUMENT_NAMES)}.",
    )
    parser.add_argument("songs", nargs="+", type=Path, metavar="SONG", help="audio file, or folder to search for them")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to write; default: here")
    parser.add_argument("--json", action="store_true", help="print one JSON object a song instead of a sentence")
    parser.add_argument("--midi-only", action="store_true", help="write the MIDI file only")
    parser.add_argument("--svg", action="store_true", help="write the picture as <stem>.svg too")
    parser.add_argument(
        "--csv", action="store_true", help="write notes and activations as <stem>.csv and <stem>.activations.csv too"
    )
    parser.add_argument("--jams", action="store_true", help="write notes and activations as <stem>.jams too")
    parser.add_argument("--instruments", type=_instruments, metavar="A,B", help="report only these instruments")
    parser.add_argument("--onset-threshold", type=_probability, metavar="P", help="for every instrument, 0 to 1")
    parser.add_argument("--frame-threshold", type=_probability, metavar="P", help="for every instrument, 0 to 1")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="checkpoint to use instead of the shipped one")
    return parser


def _instruments(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    try:
        for name in names:
            instrument_named(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return names


def _probability(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a probability from 0 to 1")
    return value


def _load(options: argparse.Namespace) -> "Transcriber":
    """The transcriber, with what the options say about thresholds."""
    from mtinst.pipeline import Transcriber  # here, so that --help and wrong options answer at once

    transcriber = Transcriber.load(options.weights)
    return Transcriber(transcriber.model, _thresholds(transcriber.thresholds, options), digest=transcriber.digest)


def _thresholds(thresholds: "Thresholds", options: argparse.Namespace) -> "Thresholds":
    if options.instruments is not None:
        thresholds = replace(thresholds, instruments=options.instruments)
    if options.onset_threshold is not None:
        thresholds = replace(thresholds, onset=(options.onset_threshold,) * N_INSTRUMENTS)
    if options.frame_threshold is not None:
        thresholds = replace(thresholds, frame=(options.frame_threshold,) * N_INSTRUMENTS)
    return thresholds


def _outputs(options: argparse.Namespace) -> "tuple[Output, ...]":
    outputs: list[Output] = ["mid"] if options.midi_only else ["mid", "npz", "png"]
    if options.svg:
        outputs.append("svg")
    if options.csv:
        outputs += ["csv", "activations.csv"]
    if options.jams:
        outputs.append("jams")
    return tuple(outputs)


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in AUDIO_SUFFIXES and not is_hidden and path.is_file():
            yield path


@contextmanager
def _progress_bar(name: str) -> Iterator[Callable[[float, str], None] | None]:
    """Show how far a song is on stderr, where a person looks at it, and wipe that at the end."""
    if not sys.stderr.isatty():
        yield None
        return
    try:
        yield lambda fraction, message: print(f"\r\x1b[K{name}: {fraction:4.0%} {message}", end="", file=sys.stderr)
    finally:
        print("\r\x1b[K", end="", file=sys.stderr)
