"""``python -m tests.abuse.hard_use files | length | tuning | kinds``: what is done with songs
that are hard to hear.

Each command prints a Markdown table, and ends with the status 1 when something was not as it should be.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

from tests.abuse.hostile import Hostile, corpus, sample

Way = Literal["command line", "Python", "page"]
WAYS: tuple[Way, ...] = ("command line", "Python", "page")
MOST_S = 60.0
"""CPU seconds that one input may take."""
MOST_WALL_S = 900.0
"""Seconds that it may take in all; many, for a busy machine gives it but a part of a processor."""
MOST_MB = 1500
"""Memory that one input may take besides what the idle program has."""
LONGEST_SENTENCE = 400


@dataclass
class Row:
    """What became of the inputs of one kind."""

    n_inputs: int = 0
    n_results: int = 0
    n_sentences: int = 0
    faults: list[str] = field(default_factory=list)
    worst_s: float = 0.0
    worst_mb: float = 0.0


class Ended(NamedTuple):
    """How a process of its own ended: its status, or why it had none, what it wrote, CPU seconds, and memory."""

    status: int | str
    out: str
    error: str
    answer: Any
    seconds: float
    peak_mb: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.abuse.hard_use", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    files = commands.add_parser("files", help="hostile files, each by the command line, from Python, and by the page")
    files.add_argument("--sample", action="store_true", help="only a few of each kind, each one way")
    files.add_argument("--seed", type=int, default=0, help="of the damage")
    files.add_argument("--kind", help="only inputs of this kind")
    files.add_argument("--verbose", action="store_true", help="a line for each attempt")
    length = commands.add_parser("length", help="songs of 1 to 60 minutes by the command line and by the page")
    length.add_argument("--minutes", type=float, nargs="+", default=[1, 5, 15, 60])
    length.add_argument("--most-mb", type=float, default=2000, help="peak memory that is too much")
    tuning = commands.add_parser("tuning", help="the examples out of tune, and how many of their notes are found")
    tuning.add_argument("--weights", type=Path, help="checkpoint; default: the shipped one")
    kinds = commands.add_parser("kinds", help="odd files: how long they are, and how many of their notes are found")
    kinds.add_argument("--weights", type=Path, help="checkpoint; default: the shipped one")
    options = parser.parse_args(arguments)
    if options.command == "tuning":
        from tests.abuse.hard_use_tuning import measure as measure_tuning

        return measure_tuning(options.weights)
    if options.command == "kinds":
        from tests.abuse.hard_use_kinds import measure as measure_kinds

        return measure_kinds(options.weights)
    if options.command == "length":
        from tests.abuse.hard_use_length import measure

        return measure(options.minutes, options.most_mb)
    inputs = sample() if options.sample else corpus(options.seed)
    inputs = [one for one in inputs if options.kind in (None, one.kind)]
    return try_files(inputs, in_turn=options.sample, verbose=options.verbose)


def try_files(inputs: list[Hostile], *, in_turn: bool = False, verbose: bool = False) -> int:
    """Try every input in every way, and print what became of them.

    Parameters
    ----------
    inputs : list of Hostile
    in_turn : bool
        Try each input in one of the ways only, the next in the next.
    verbose : bool
        Print a line about each attempt too.
    """
    rows: dict[str, Row] = defaultdict(Row)
    with TemporaryDirectory(prefix="hostile-") as name:
        program = _Program(Path(name).resolve())
        for number, one in enumerate(inputs):
            row = rows[one.kind]
            row.n_inputs += 1
            ways = [way for way in WAYS if way != "page" or one.is_upload]
            for way in [ways[number % len(ways)]] if in_turn else ways:
                folder = program.folder / f"{number} {WAYS.index(way)}"
                fault, ended = program.attempt(one, way, folder)
                row.n_results += fault is None and ended.status == 0
                row.n_sentences += fault is None and ended.status != 0
                row.worst_s = max(row.worst_s, ended.seconds)
                row.worst_mb = max(row.worst_mb, ended.peak_mb)
                if verbose:
                    say(f"{ended.seconds:6.1f} s {ended.peak_mb:6.0f} MB {way:12} {one.name[:50]!r} {fault or ''}")
                if fault is not None:
                    row.faults.append(f"{one.name[:60]!r} by the {way}: {fault}")
    tried = "one way each" if in_turn else "three ways"
    say(f"{len(inputs)} inputs, {tried}; memory is besides the {program.idle_mb:.0f} MB of the idle program.\n")
    say("| kind | inputs | results | sentences | faults | worst, CPU s | worst, MB |\n|---|---|---|---|---|---|---|")
    for kind, row in rows.items():
        cells = (kind, row.n_inputs, row.n_results, row.n_sentences, len(row.faults))
        say(f"| {' | '.join(map(str, cells))} | {row.worst_s:.1f} | {row.worst_mb:.0f} |")
    faults = [fault for row in rows.values() for fault in row.faults]
    for fault in faults:
        say(f"- {fault}")
    return 1 if faults else 0


class _Program:
    """Everything loaded once, and each attempt in a fork of it, under limits."""

    def __init__(self, folder: Path) -> None:
        import torch

        # What the attempts need, so that none has to load it again.
        for name in (
            "av",
            "mtinst.cli",
            "mtinst.export.midi",
            "mtinst.export.tables",
            "mtinst.page.render",
            "mtinst.page.studio",
        ):
            import_module(name)
        from mtinst.sound.fluidsynth import find_library
        from tests.tiny import write_weights

        find_library()
        torch.set_num_threads(1)  # threads would not survive the fork
        self.folder = folder
        self.weights = write_weights(folder / "tiny.safetensors")
        self.idle_mb = _memory_mb()

    def attempt(self, one: Hostile, way: Way, folder: Path) -> tuple[str | None, Ended]:
        """Try one input one way; says what was wrong, if anything, and how it ended."""
        folder.mkdir()
        path = folder / one.name
        with _inside(folder):
            one.make(path)
        before = _listing(folder)
        ways: dict[Way, Callable[[Path, Path], Any]] = {
            "command line": self._by_command_line,
            "Python": self._by_python,
            "page": self._by_page,
        }
        if way == "command line" and "\0" in one.name:  # no program can be given such a name
            return None, Ended(0, "", "", None, 0.0, 0.0)
        ended = _in_fork(lambda: ways[way](path, folder), folder)
        fault = _fault(one, way, path, ended)
        if fault is None and (added := _listing(folder) - before - {".out", ".err", ".answer", ".done", ".memory"}):
            fault = f"it made {sorted(added)[0]!r}"
        shutil.rmtree(folder, ignore_errors=True)
        return fault, ended

    def _by_command_line(self, path: Path, folder: Path) -> Any:
        from mtinst.cli import main as run
        from mtinst.export.midi import read_midi

        out = folder / ".done"
        status = run(["--out", str(out), "--weights", str(self.weights), "--midi-only", "--json", "--", str(path)])
        if status == 0:
            (written,) = out.iterdir()
            read_midi(written)
        return status

    def _by_python(self, path: Path, folder: Path) -> Any:
        from mtinst.errors import AudioError
        from mtinst.pipeline import Transcriber

        try:
            transcription = Transcriber.load(self.weights).transcribe(path)
        except AudioError as error:
            return {"sentence": str(error)}
        is_right = all(((roll >= 0) & (roll <= 1)).all() for roll in (*transcription.rolls, transcription.levels))
        return {"duration_s": transcription.duration_s, "is_right": bool(is_right)}

    def _by_page(self, path: Path, folder: Path) -> Any:
        from mtinst.errors import MtinstError
        from mtinst.page import render
        from mtinst.page.results import Result
        from mtinst.page.settings import PageSettings
        from mtinst.page.studio import Studio

        settings = PageSettings(cache=folder / ".done", weights=self.weights, prepare=False)
        try:
            steps = list(Studio(settings).transcribe(path, path.stem))
        except MtinstError as error:
            return {"sentence": str(error), "html": render.status("error", str(error))}
        last = steps[-1]
        assert isinstance(last, Result)
        html = render.summary(last) + render.downloads(last)
        return {"duration_s": last.duration_s, "is_right": last.files_folder is not None, "html": html}


def _fault(one: Hostile, way: Way, path: Path, ended: Ended) -> str | None:
    """What was wrong, if anything."""
    from mtinst.files import display_name

    if isinstance(ended.status, str):
        return ended.status
    if ended.status not in (0, 2):
        return f"it ended with the status {ended.status}: {ended.error.strip()[-200:]!r}"
    answer: dict[str, Any] = ended.answer if isinstance(ended.answer, dict) else {}
    sentence = answer.get("sentence")
    if way == "command line":
        if ended.status == 2:
            if ended.out or not ended.error.startswith("mtinst: ") or ended.error.count("\n") != 1:
                return f"it said {ended.error[-200:]!r} and {ended.out[-200:]!r}"
            sentence = ended.error.removeprefix("mtinst: ").rstrip("\n")
        else:
            answer = json.loads(ended.out) | {"is_right": ended.out.count("\n") == 1}
    said = f"mtinst: {path}: {answer['damage']}\n" if answer.get("damage") else ""
    if way == "command line" and ended.status == 0 and ended.error != said:  # elsewhere a warning is for the log
        return f"it wrote {ended.error[-200:]!r}"
    if any(mark in answer.get("html", "") for mark in ("<script", "<img src", 'onmouseover="')):
        return "its name reached the page"
    if sentence is not None:
        name = display_name(path)
        if not sentence.isprintable() or (name not in sentence and str(path) not in sentence):
            return f"the sentence is {sentence!r}"
        if len(sentence) > LONGEST_SENTENCE + len(str(path)):
            return f"the sentence has {len(sentence)} characters"
        return f"it was refused: {sentence[-120:]!r}" if one.wanted == "result" else None
    if one.wanted == "sentence":
        return "it was taken for a song"
    if not answer.get("is_right"):
        return "the result is not right"
    if one.duration_s is not None and abs(answer["duration_s"] - one.duration_s) > 0.15:
        return f"it lasts {answer['duration_s']} s, not {one.duration_s} s"
    return None


def _in_fork(work: Callable[[], Any], folder: Path) -> Ended:
    """Do `work` in a process of its own, under limits of time and memory, with nothing to read."""
    started = time.perf_counter()
    process = os.fork()
    if process == 0:
        _child(work, folder)
    status: int | str
    while True:
        found, code, usage = os.wait4(process, os.WNOHANG)
        if found:
            status = os.waitstatus_to_exitcode(code)
            break
        if time.perf_counter() - started > MOST_WALL_S:
            os.kill(process, signal.SIGKILL)
            _, _, usage = os.wait4(process, 0)
            status = f"it was not done after {MOST_WALL_S:.0f} s"
            break
        time.sleep(0.002)
    if isinstance(status, int) and status < 0:
        status = f"it ended by {signal.Signals(-status).name}"
    texts = [
        (folder / name).read_text(errors="replace") if (folder / name).exists() else ""
        for name in (".out", ".err", ".answer")
    ]
    answer = json.loads(texts[2]) if texts[2] else None
    if status == 0 and isinstance(answer, dict) and "sentence" in answer:
        status = 2
    seconds = usage.ru_utime + usage.ru_stime
    peak_mb = usage.ru_maxrss * 1024 / 1e6 - float((folder / ".memory").read_text() or 0)
    return Ended(status, texts[0], texts[1], answer, seconds, max(0.0, peak_mb))


def _child(work: Callable[[], Any], folder: Path) -> None:
    """The forked process; never returns."""
    status = 70
    try:
        for descriptor, name, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, folder / ".out", os.O_WRONLY | os.O_CREAT),
            (2, folder / ".err", os.O_WRONLY | os.O_CREAT),
        ):
            os.dup2(os.open(name, flags, 0o600), descriptor)
        sys.stdout = open(1, "w", errors="backslashreplace")  # noqa: SIM115 - until the process ends
        sys.stderr = open(2, "w", errors="backslashreplace")  # noqa: SIM115
        (folder / ".memory").write_text(str(_memory_mb()))
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        for limit, value in (
            (resource.RLIMIT_AS, in_use + MOST_MB * 1_000_000),
            (resource.RLIMIT_CPU, round(MOST_S)),
            (resource.RLIMIT_FSIZE, 1 << 30),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(limit, (value, value))
        os.chdir(folder)
        answer = work()
        sys.stdout.flush()
        (folder / ".answer").write_text(json.dumps(answer))
        status = answer if isinstance(answer, int) else 0
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the answer
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


def say(line: str) -> None:
    """Print it at once."""
    print(line, flush=True)  # noqa: T201 - this is a command line


def _memory_mb() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def _listing(folder: Path) -> set[str]:
    """What lies in a folder, not below it."""
    return {entry.name for entry in os.scandir(folder)}


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


if __name__ == "__main__":
    sys.exit(main())
