"""Cables pulled out, disks full, files gone: ``python -m tests.abuse.faults`` does all of that and prints
what came of it.

Each fault is a function that makes it happen in a folder of its own, checks what must hold afterwards (an
AssertionError otherwise), and says what happened and what a person saw.
"""

import argparse
import errno
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch

from mtinst.page import texts
from mtinst.page.actions import Actions
from mtinst.page.cache import CONTENTS, PARTIAL
from mtinst.page.results import Result
from mtinst.page.settings import PageSettings
from mtinst.page.studio import Studio
from tests.served import PATIENCE_S, PROJECT, Visitor, serve
from tests.tab import Tab, said
from tests.tiny import write_song, write_weights


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One line of the table."""

    fault: str
    happened: str
    seen: str


# On the page, in this process


def damaged_entries(folder: Path) -> Outcome:
    """Every file of every entry cut off, with a bit flipped, gone; contents of other makes."""
    settings = _settings(folder)
    song = write_song(folder / "song.wav", 2.0)
    *_, first = Studio(settings).transcribe(song, "song")
    assert isinstance(first, Result)
    for preview in settings.cache.glob("preview-*"):  # what was seen on the way is not looked for again
        _clear(preview)
    whole = {path: path.read_bytes() for path in settings.cache.rglob("*") if path.is_file()}
    n_damages = 0
    for path, content in whole.items():
        damages: list[bytes | None] = [content[: len(content) // 2], _with_a_bit_flipped(content), None]
        if path.name == CONTENTS:
            sizes = {name: len(whole[path.with_name(name)]) for name in json.loads(content)}
            damages += [b"", b"[]", b"null", b"{", json.dumps(sizes).encode(), b'{"../../x": [1, 2]}', b"[" * 10_000]
        for damage in damages:
            if damage is None:
                path.unlink()
            else:
                path.write_bytes(damage)
            *_, again = Studio(settings).transcribe(song, "song")
            assert isinstance(again, Result)
            assert again == first
            for file, right in whole.items():
                assert file.name == CONTENTS or _is_same(file, right), f"{file.name} after damage to {path.name}"
            n_damages += 1
    return Outcome(
        fault=f"{n_damages} entries of the cache cut off, with a bit flipped, with files lost, of other makes",
        happened="each was found out, removed and made anew, the same as before",
        seen="nothing; some seconds more",
    )


def foreign_cache(folder: Path) -> Outcome:
    """Files, links and folders of somebody else's under the names of results."""
    settings = _settings(folder)
    song = write_song(folder / "song.wav", 2.0)
    *_, first = Studio(settings).transcribe(song, "song")
    assert isinstance(first, Result)
    (folder / "mine").mkdir()
    (folder / "mine" / "diary.txt").write_text("mine")
    for entry in list(settings.cache.iterdir()):
        for number in range(3):
            _clear(entry)
            if number == 0:
                entry.write_text("no folder")
            elif number == 1:
                entry.symlink_to(folder / "mine")
            else:
                entry.mkdir()
                (entry / "something").write_text("else")
            *_, again = Studio(settings).transcribe(song, "song")
            assert again == first
    assert (folder / "mine" / "diary.txt").read_text() == "mine"
    return Outcome(
        fault="files, links and folders of another make in the places of results",
        happened="removed (a link is not followed), results made anew",
        seen="nothing",
    )


def full_disk(folder: Path) -> Outcome:
    """No room left while a result is written."""
    settings = _settings(folder)
    song = write_song(folder / "song.wav", 2.0)
    with pytest.MonkeyPatch.context() as patch:

        def fail(*_: object, **__: object) -> NoReturn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        patch.setattr("mtinst.page.entries.write_source", fail)
        said = _said(Actions(Studio(settings), []), song)
    assert texts.DISK_FULL in said[-1]
    assert not any(entry.name.endswith(PARTIAL) for entry in settings.cache.iterdir())
    assert "Done" in _said(Actions(Studio(settings), []), song)[-1]
    return Outcome(
        fault="the disk is full while a result is written",
        happened="nothing half-written stays; what was used longest ago is removed, and the next try works",
        seen=said[-1],
    )


def tiny_disk(folder: Path) -> Outcome:
    """A real disk of one megabyte for the cache; needs the right to mount one."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(disk)]
    if os.name != "posix" or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        return Outcome(fault="a cache on a disk of 300 kB", happened="not tried: no right to mount one", seen="–")
    try:
        settings = replace(_settings(folder), cache=disk / "cache")
        said = _said(Actions(Studio(settings), []), write_song(folder / "song.wav", 25.0))
        assert texts.DISK_FULL in said[-1]
        assert list(settings.cache.glob(f"*{PARTIAL}")) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    return Outcome(fault="a cache on a disk of 300 kB", happened="the song was transcribed, not kept", seen=said[-1])


def cache_that_cannot_be_written(folder: Path) -> Outcome:
    """A cache folder whose path leads through a file."""
    (folder / "file").write_text("in the way")
    settings = replace(_settings(folder), cache=folder / "file" / "cache")
    studio = Studio(settings)
    said = _said(Actions(studio, []), write_song(folder / "song.wav", 2.0))
    assert "Done" in said[-1]
    assert studio.cache.folder != settings.cache
    return Outcome(
        fault="the cache folder cannot be made or written",
        happened="results are kept in a temporary folder until the page ends; the log says so",
        seen=said[-1],
    )


def missing_weights(folder: Path) -> Outcome:
    """No checkpoint where one should be."""
    settings = replace(_settings(folder), weights=folder / "gone.safetensors")
    actions = Actions(Studio(settings), [])
    said = _said(actions, write_song(folder / "song.wav", 2.0))
    assert "gone.safetensors" in said[-1]
    return Outcome(fault="the weights are missing", happened="the page is served; songs are refused", seen=said[-1])


def missing_soundfont(folder: Path) -> Outcome:
    """The synthesiser is there, and its sounds are not."""
    from mtinst.sound import synth

    actions = Actions(Studio(_settings(folder)), [])
    song = write_song(folder / "song.wav", 2.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synth, "DEFAULT_SOUNDFONT", folder / "gone.sf2")
        *_, last = Tab(actions).transcribe(song)
    said = [_text(last)]
    player = json.loads(last["player"])
    if player["files"]["parts"] == {}:
        assert texts.NO_SOUND_KEEPS in said[-1]
        happened = "notes, pictures, MIDI and the song itself are there, the parts have no sound"
    else:
        happened = "the parts are played by sines"
    assert player["files"]["original"]
    assert "Done" in _said(actions, song)[-1], "and once it is back, all is well"
    return Outcome(fault="the soundfont is missing", happened=happened, seen=said[-1])


def missing_synthesiser(folder: Path) -> Outcome:
    """No FluidSynth library."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mtinst.sound.synth.find_library", lambda: None)
        said = _said(Actions(Studio(_settings(folder)), []), write_song(folder / "song.wav", 2.0))
    assert "Done" in said[-1]
    return Outcome(
        fault="the synthesiser's library is missing", happened="the parts are played by sines", seen=said[-1]
    )


def upload_that_is_gone(folder: Path) -> Outcome:
    """A file that was deleted between its upload and the click."""
    actions = Actions(Studio(_settings(folder)), [])
    said = _said(actions, folder / "gone.wav")
    assert "bring it again" in said[-1]
    return Outcome(fault="an upload was deleted before the click", happened="nothing", seen=said[-1])


# The page, killed


def killed_page(folder: Path) -> Outcome:
    """Kill -9 in the middle of a transcription, of a cache write, of a download; each time the page starts again."""
    weights, hold = write_weights(folder / "tiny.safetensors"), folder / "hold"
    holding_write = folder / "hold.write"
    song = write_song(folder / "song.wav", 12.0)
    page, settings = folder / "page", {"MTINST_WEIGHTS": str(weights), "OMP_NUM_THREADS": "1"}
    cache = page / "cache"

    hold.touch()
    server = serve(page, settings, hold)
    visitor = _start(server.url, song)
    with visitor.listen() as messages:
        next(message for message in messages if "of 0:" in str(message.get("output")))
        server.kill()
    hold.unlink()
    visitor.close()
    assert not list(cache.glob("source-*")) + list(cache.glob("view-*"))

    holding_write.touch()
    server = serve(page, settings, hold)
    visitor = _start(server.url, song)
    _wait_for(lambda: any(cache.glob(f"source-*{PARTIAL}/original.flac")))
    server.kill()
    holding_write.unlink()
    visitor.close()
    assert [entry.name.endswith(PARTIAL) for entry in cache.glob("source-*")] == [True]

    server = serve(page, settings, hold)
    visitor = Visitor(server.url, "third")
    result = visitor.transcribe(song)
    assert result["notes"]
    sound = result["files"]["mix.wav"]
    whole = visitor.get(sound).content
    with visitor.client.stream("GET", sound) as answer:
        began = next(answer.iter_raw(1000))
        server.kill()
    assert whole.startswith(began)
    visitor.close()

    with serve(page, settings, hold) as server:
        visitor = Visitor(server.url, "fourth")
        assert visitor.get(sound).content == whole
        assert visitor.transcribe(song)["notes"] == result["notes"]
        visitor.close()
    return Outcome(
        fault="kill -9 in the middle of a transcription, of a cache write, of a download",
        happened="after each restart nothing half-made is served; the song is transcribed again, the file comes whole",
        seen="the page says that the connection was lost; after a reload all is as before",
    )


# Training, killed


def killed_training(folder: Path) -> Outcome:
    """Kill -9 in the middle of an epoch, of writing ``last.pt`` and of writing the log; resumed to the same weights."""
    from tests.train.data import write_prepared

    prepared = write_prepared(folder / "data")
    whole = folder / "whole"
    assert _fit(prepared, whole, "") == 0
    right = torch.load(whole / "last.pt", weights_only=True)
    for name, sabotage in SABOTAGES.items():
        run = folder / name
        assert _fit(prepared, run, sabotage) == -9, name
        assert _fit(prepared, run, "") == 0, name
        resumed = torch.load(run / "last.pt", weights_only=True)
        assert resumed["epoch"] == right["epoch"]
        for part in ("model", "average"):
            for key, tensor in right[part].items():
                assert torch.equal(tensor, resumed[part][key]), f"{name}: {key}"
        epochs = [line.split(",")[0] for line in (run / "log.csv").read_text().splitlines()]
        assert epochs == ["epoch", "1", "2"], name
    return Outcome(
        fault=f"training killed in the middle of {', '.join(name.replace('-', ' ') for name in SABOTAGES)}",
        happened="goes on to the same weights, bit by bit, and the same lines in the log",
        seen="the command again, nothing else",
    )


# Each runs before training begins, and ends the process in its second epoch.
_KILL = "import os, signal\nkill = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
SABOTAGES = {
    "an-epoch": _KILL
    + textwrap.dedent("""
        step, steps = trainer.Trainer._step, []
        def stopping(*arguments):
            steps.append(1)
            if len(steps) == 4: kill()
            return step(*arguments)
        trainer.Trainer._step = stopping
    """),
    "last.pt": _KILL
    + textwrap.dedent("""
        import io, torch
        save, saves = torch.save, []
        def stopping(state, file):
            saves.append(1)
            if len(saves) < 2: return save(state, file)
            whole = io.BytesIO()
            save(state, whole)
            file.write(whole.getvalue()[:len(whole.getvalue()) // 2])
            file.flush()
            kill()
        torch.save = stopping
    """),
    "the-log": _KILL
    + textwrap.dedent("""
        import pathlib
        move, logs = pathlib.Path.replace, []
        def stopping(path, target):
            logs.append(path.name)
            if sum(name.startswith("log.csv.") for name in logs) == 2: kill()
            return move(path, target)
        pathlib.Path.replace = stopping
    """),
    "the-weights": _KILL
    + textwrap.dedent("""
        save, saves = fit.save_checkpoint, []
        def stopping(*arguments, **options):
            save(*arguments, **options)
            saves.append(1)
            if len(saves) == 3: kill()
        fit.save_checkpoint = stopping
    """),
}

FAULTS: tuple[Callable[[Path], Outcome], ...] = (
    damaged_entries,
    foreign_cache,
    full_disk,
    tiny_disk,
    cache_that_cannot_be_written,
    missing_weights,
    missing_soundfont,
    missing_synthesiser,
    upload_that_is_gone,
    killed_page,
    killed_training,
)
SLOW = (killed_page, killed_training)


def _settings(folder: Path) -> PageSettings:
    return PageSettings(cache=folder / "cache", weights=write_weights(folder / "tiny.safetensors"))


def _said(actions: Actions, song: Path) -> list[str]:
    """The lines about how things stand, without their HTML."""
    return [_text(shown) for shown in Tab(actions).transcribe(song)]


def _text(shown: dict[str, Any]) -> str:
    found = re.search(r"<(span|bdi)>(.*?)</\1>", said(shown))
    return found[2] if found else ""


def _with_a_bit_flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


def _is_same(path: Path, right: bytes) -> bool:
    """Whether a file made anew holds the same; archives hold the time that they were made at."""
    if path.suffix != ".npz":
        return path.read_bytes() == right
    again = path.with_name("again.npz")
    again.write_bytes(right)
    with np.load(path) as one, np.load(again) as other:
        is_same = one.files == other.files and all(np.array_equal(one[name], other[name]) for name in one.files)
    again.unlink()
    return is_same


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for inner in path.iterdir():
            inner.unlink()
        path.rmdir()
    else:
        path.unlink()


def _start(url: str, song: Path) -> Visitor:
    visitor = Visitor(url, f"visitor {time.monotonic_ns()}")
    (uploaded,) = visitor.upload(song).json()
    visitor.join(uploaded)
    return visitor


def _wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def _fit(prepared: Path, run: Path, sabotage: str) -> int:
    """Train two small epochs; what the process ended with."""
    program = textwrap.dedent("""
        import sys
        from dataclasses import replace
        from pathlib import Path
        from train import trainer
        from train.config import EXPERIMENTS
        from train.networks import fit
        fit._STATISTICS_CLIPS = 4  # the mean of many is slow to make
        SABOTAGE
        experiment = replace(EXPERIMENTS["tiny"], clips_per_epoch=8, batch_size=4, epochs=2, average_decay=0.5)
        fit.fit(experiment, Path(sys.argv[1]), Path(sys.argv[2]), n_workers=0, device="cpu", n_validation_clips=1)
    """).replace("SABOTAGE", sabotage)
    command = [sys.executable, "-c", program, str(prepared), str(run)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, check=False, timeout=600).returncode


@contextmanager
def _place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def main() -> int:
    """1 when something that must hold did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.abuse.faults", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"only these: {', '.join(fault.__name__ for fault in FAULTS)}")
    names = parser.parse_args().names
    sys.stdout.write("| fault | what happened | what a person saw |\n|---|---|---|\n")
    n_failed = 0
    for fault in FAULTS:
        if names and fault.__name__ not in names:
            continue
        with _place() as folder:
            try:
                outcome = fault(folder)
            except AssertionError as error:
                outcome = Outcome(fault=fault.__name__, happened=f"FAILED: {error}", seen="?")
                n_failed += 1
        sys.stdout.write(f"| {outcome.fault} | {outcome.happened} | {outcome.seen} |\n")
        sys.stdout.flush()
    return int(n_failed > 0)


if __name__ == "__main__":
    sys.exit(main())
