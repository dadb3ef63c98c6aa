"""``mtinst song.mp3 … --out DIR``: for each song a MIDI file, the probabilities, and a picture.

One line a song on stdout. What cannot be transcribed gets one line on stderr that names it; the other songs are still
done, and the exit status is 2.

``--jobs N`` is for many songs: N processes, a summary at the end, and what an earlier run did is not done again.
``--dask ADDRESS`` has the workers of a Dask cluster do the same.
"""

import argparse
import gc
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mtinst.batch.jobs import Job, Settings, find_record, kept_stems, plan_jobs
from mtinst.errors import AudioError, MtinstError
from mtinst.export.formats import FORMATS
from mtinst.files import display_name, printable
from mtinst.grid import INSTRUMENT_NAMES, instrument_named
from mtinst.hear.audio import LONGEST_S
from mtinst.hear.tuning import HIGHEST_HZ, LOWEST_HZ, is_tuning
from mtinst.records import FASTEST, MOST_PER_BAR, SLOWEST, Timing
from mtinst.version import __version__

# Which files of a folder are songs; a file that is named itself is tried whatever its suffix.
AUDIO_SUFFIXES = frozenset(
    f".{name}"
    for names in (
        "3g2 3gp aac ac3 aif aifc aiff amr ape asf au avi caf dsf eac3 flac flv m4a m4b m4v mka mkv mov mp2 mp3 mp4",
        "mpc mpeg mpg oga ogg ogv opus ra rm snd spx ts tta voc w64 wav webm wma wmv wv",
    )
    for name in names.split()
)
BAD_INPUT = 2
INTERRUPTED = 130
MOST_PROCESSES = 256


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    gc.set_threshold(50_000)  # nothing that libraries bring is garbage, and to look takes a tenth of a start
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files need not be valid Unicode
            stream.reconfigure(errors="backslashreplace")
    with _quiet_libraries():
        return _run(_parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> int:
    failures: list[MtinstError] = []

    def report(error: MtinstError) -> None:
        failures.append(error)
        print(f"mtinst: {error}", file=sys.stderr)

    try:
        songs = list(find_songs(options.songs, report))
        if options.jobs is not None or options.dask is not None:
            _do_many(songs, options, report)
        elif songs:
            _do_all(plan_jobs(songs), options, report)
    except MtinstError as error:
        report(error)
    except KeyboardInterrupt:
        print("mtinst: interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:  # of standard output: songs and their files have errors of their own
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # whoever read the lines has seen enough
            return INTERRUPTED
        report(MtinstError(f"the lines about the songs cannot be written: {error.strerror}"))
    return BAD_INPUT if failures else 0


def find_songs(paths: Iterable[Path], report: Callable[[MtinstError], None]) -> Iterator[Path]:
    """The files among `paths` and the audio files below its folders, in order, each once.

    Hidden files and folders are passed over. A folder without any audio file goes to `report`, and so does one that
    cannot be read.
    """
    seen = set()
    for path in paths:
        unread: list[OSError] = []
        is_folder = os.path.isdir(path)  # noqa: PTH112 - any name, never an error
        songs = sorted(_walk(path, unread.append)) if is_folder else [path]
        for error in unread:
            report(AudioError(f"{printable(str(error.filename))} cannot be searched: {error.strerror}"))
        if not songs and not unread:
            report(AudioError(f"{printable(str(path))} is a folder without audio files"))
        for song in songs:
            if (place := os.path.realpath(song)) not in seen:
                seen.add(place)
                yield song


def describe(record: dict[str, Any]) -> str:
    """The line about a song for people.

    Examples
    --------
    >>> describe(
    ...     {"file": "a.mp3", "duration_s": 60.0, "seconds": 2.4, "realtime_factor": 0.04, "n_notes": 12}
    ...     | {"tuning_hz": 442.1, "note_counts": {"piano": 8, "flute": 4}, "verdict": None}
    ... )
    'a.mp3: 60.0 s in 2.4 s (0.040 of real time), A = 442 Hz, 12 notes: piano 8, flute 4'
    """
    counts = ", ".join(
        f"{instrument_named(name).label.lower()} {count}" for name, count in record["note_counts"].items()
    )
    line = f"{printable(record['file'])}: {record['duration_s']:.1f} s in {record['seconds']:.1f} s"
    line += (
        f" ({record['realtime_factor']:.3f} of real time), A = {record['tuning_hz']:.0f} Hz, {record['n_notes']} notes"
    )
    return line + (f": {counts}" if counts else "") + (f". {record['verdict']}" if record["verdict"] else "")


def _do_all(jobs: list[Job], options: argparse.Namespace, report: Callable[[MtinstError], None]) -> None:
    """One song after the other; MtinstError when none can be done."""
    from mtinst.batch.work import load_transcriber, transcribe_song  # and with it PyTorch

    settings = _settings(options)
    transcriber = load_transcriber(settings)
    for job in jobs:
        try:
            with _progress_bar(display_name(job.path)) as progress:
                record = transcribe_song(transcriber, job, settings, progress)
        except MtinstError as error:
            report(error)
        else:
            _print_line(record, options)


def _do_many(songs: list[Path], options: argparse.Namespace, report: Callable[[MtinstError], None]) -> None:
    """Several songs at a time, those left out that are done; then the summary. MtinstError when none can be done."""
    from mtinst.batch.workers import run_here, run_on_cluster

    settings = _settings(options)
    facts = settings.facts()
    if options.dask is not None:
        songs = [song.absolute() for song in songs]
    jobs = plan_jobs(songs, kept_stems(settings.folder))
    to_do = [job for job in jobs if find_record(job, settings, facts) is None]
    n_done = 0
    failed: list[tuple[Job, str]] = []
    if options.dask is None:
        running = run_here(to_do, settings, facts, n_processes=options.jobs)
    else:
        running = run_on_cluster(to_do, settings, facts, address=options.dask)
    try:
        with _progress_bar(f"{len(to_do)} songs") as progress, closing(running):
            for job, outcome in running:
                if outcome.stops_all:
                    raise MtinstError(outcome.sentence)
                if outcome.record is None:
                    failed.append((job, str(outcome.sentence)))
                    report(AudioError(outcome.sentence))
                else:
                    n_done += 1
                    _print_line(outcome.record, options)
                if progress is not None:
                    n_finished = n_done + len(failed)
                    progress(n_finished / len(to_do), f"done: {n_finished}")
    finally:
        _print_summary(n_done, len(jobs) - len(to_do), failed, len(to_do) - n_done - len(failed), options)


def _print_line(record: dict[str, Any], options: argparse.Namespace) -> None:
    if record["damage"]:
        print(f"mtinst: {printable(record['file'])}: {record['damage']}", file=sys.stderr)
    print(json.dumps(record) if options.json else describe(record), flush=True)


def _print_summary(
    n_done: int, n_skipped: int, failed: list[tuple[Job, str]], n_left: int, options: argparse.Namespace
) -> None:
    if options.json:
        failures = [{"file": str(job.path), "error": sentence} for job, sentence in failed]
        counts = {"done": n_done, "skipped": n_skipped, "failed": failures, "left": n_left}
        print(json.dumps({"summary": counts}), flush=True)
        return
    line = f"{n_done} done, {n_skipped} skipped that were done before, {len(failed)} failed"
    print(line + (f", {n_left} left" if n_left else ""), flush=True)
    for _, sentence in failed:
        print(f"  {sentence}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtinst",
        description="Transcribe songs, instrument by instrument: for each song, DIR/<stem>.mid, .npz and .png.",
        epilog=f"The instruments: {', '.join(INSTRUMENT_NAMES)}. The last one is any other sound that has a pitch.",
    )
    parser.add_argument("--version", action="version", version=f"mtinst {__version__}")
    parser.add_argument("songs", nargs="+", type=Path, metavar="SONG", help="audio file, or folder to search for them")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to write; default: here")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a MIDI file beside its song that mtinst did not write"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a song instead of a sentence")
    parser.add_argument("--midi-only", action="store_true", help="write the MIDI file only")
    for flag in dict.fromkeys(one.flag for one in FORMATS.values() if one.flag):
        files = [f"{one.about} as <stem>.{name}" for name, one in FORMATS.items() if one.flag == flag]
        parser.add_argument(f"--{flag}", action="store_true", help=f"write {' and '.join(files)} too")
    parser.add_argument("--instruments", type=_instruments, metavar="A,B", help="report only these instruments")
    parser.add_argument("--onset-threshold", type=_probability, metavar="P", help="for every instrument, 0 to 1")
    parser.add_argument("--frame-threshold", type=_probability, metavar="P", help="for every instrument, 0 to 1")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="checkpoint; default: the shipped one")
    parser.add_argument(
        "--max-minutes",
        type=_minutes,
        default=LONGEST_S / 60,
        metavar="M",
        help=f"refuse longer songs; default: {LONGEST_S / 60:g}",
    )
    parser.add_argument(
        "--tuning",
        type=_tuning,
        metavar="HZ",
        help=f"frequency of the A above middle C, {LOWEST_HZ:g} to {HIGHEST_HZ:g}; default: estimated for each song",
    )
    parser.add_argument(
        "--tuned-midi", action="store_true", help="bend the MIDI file's tracks to the song's tuning; else it is 440 Hz"
    )
    parser.add_argument(
        "--tempo",
        type=_tempo,
        metavar="BPM",
        help=f"beats a minute, about, {SLOWEST:g} to {FASTEST:g}; default: estimated for each song",
    )
    parser.add_argument(
        "--beats-a-bar",
        type=_beats_a_bar,
        metavar="N",
        help=f"1 to {MOST_PER_BAR}, where 6 are eighths; default: estimated for each song",
    )
    many = parser.add_mutually_exclusive_group()
    many.add_argument(
        "--jobs", type=_count, metavar="N", help="do N songs at a time, and leave out those that an earlier run did"
    )
    many.add_argument(
        "--dask", type=_address, metavar="ADDRESS", help="the same by the workers of the Dask cluster at host:port"
    )
    return parser


def _instruments(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    try:
        for name in names:
            instrument_named(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return names


def _number(what: str, is_right: Callable[[float], bool]) -> Callable[[str], float]:
    """What reads an option's number, and refuses one that is not right."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not is_right(value):
            raise argparse.ArgumentTypeError(f"{text} is not {what}")
        return value

    return read


_probability = _number("a probability from 0 to 1", lambda value: 0 <= value <= 1)
_minutes = _number("a positive number of minutes", lambda value: 0 < value < float("inf"))
_tuning = _number(f"a frequency from {LOWEST_HZ:g} to {HIGHEST_HZ:g} Hz", is_tuning)
_tempo = _number(f"a tempo from {SLOWEST:g} to {FASTEST:g} beats a minute", lambda value: SLOWEST <= value <= FASTEST)


def _count_of(what: str, most: int) -> Callable[[str], int]:
    """What reads an option's whole number from 1 up, and refuses any other."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text} is not a number of {what} from 1 to {most}")
        return int(text)

    return read


_beats_a_bar = _count_of("beats", MOST_PER_BAR)
_count = _count_of("processes", MOST_PROCESSES)


def _address(text: str) -> str:
    if not re.fullmatch(r"((tcp|tls|ws|wss)://)?[^\s:/]+:[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError(f"{printable(text)} is not an address such as tcp://host:8786")
    return text


def _settings(options: argparse.Namespace) -> Settings:
    """What the options say about every song; the paths are good in other processes too."""
    return Settings(
        folder=options.out if options.jobs is None and options.dask is None else options.out.absolute(),
        outputs=_outputs(options),
        weights=options.weights and options.weights.absolute(),
        instruments=options.instruments,
        onset=options.onset_threshold,
        frame=options.frame_threshold,
        longest_s=60 * options.max_minutes,
        overwrites=options.overwrite,
        tuning_hz=options.tuning,
        tuned_midi=options.tuned_midi,
        timing=Timing(tempo=options.tempo, per_bar=options.beats_a_bar),
    )


def _outputs(options: argparse.Namespace) -> tuple[str, ...]:
    if options.midi_only:
        return ("mid", *(name for name, one in FORMATS.items() if one.flag and getattr(options, one.flag)))
    return tuple(name for name, one in FORMATS.items() if one.flag is None or getattr(options, one.flag))


def _walk(folder: Path, unread: Callable[[OSError], None]) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=unread):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            if path.suffix.lower() in AUDIO_SUFFIXES and not name.startswith("."):
                yield path


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep to ourselves what decoders write about damaged files to the place of errors, past Python."""
    try:
        is_ours = sys.stderr.fileno() == 2
    except (AttributeError, OSError, ValueError):  # replaced, or closed
        is_ours = False
    if not is_ours:
        yield
        return
    before = sys.stderr
    before.flush()
    kept = os.dup(2)
    with (
        open(kept, "w", encoding=before.encoding, errors="backslashreplace", buffering=1, closefd=False) as words,
        Path(os.devnull).open("wb") as nowhere,
    ):
        os.dup2(nowhere.fileno(), 2)
        sys.stderr = words
        try:
            yield
        finally:
            sys.stderr = before
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def _progress_bar(name: str) -> Iterator[Callable[[float, str], None] | None]:
    """Show how far a song is on stderr, where a person looks at it, and wipe that at the end."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    try:
        yield lambda fraction, message: print(f"\r\x1b[K{name}: {fraction:4.0%} {message}", end="", file=sys.stderr)
    finally:
        print("\r\x1b[K", end="", file=sys.stderr)
