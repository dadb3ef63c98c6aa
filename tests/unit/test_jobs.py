"""Many songs: what was done is left alone, what was not is done, and no process that ends takes more than its song."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from mtinst.batch import workers
from mtinst.batch.jobs import (
    LONGEST_STEM,
    RECORDS,
    Job,
    Outcome,
    Settings,
    find_record,
    kept_stems,
    plan_jobs,
    record_path,
)
from mtinst.batch.work import work
from mtinst.cli import main
from mtinst.errors import CheckpointError, MtinstError
from mtinst.grid import N_INSTRUMENTS
from mtinst.hear.checkpoint import load_checkpoint, save_checkpoint
from tests.abuse.mortal import die_on_one
from tests.tiny import write_song, write_weights

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture
def settings(tmp_path: Path, weights: Path) -> Settings:
    return Settings(folder=tmp_path / "out", outputs=("mid",), weights=weights)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(path=write_song(tmp_path / "song.wav", 1.0), stem="song")


def summary(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The last line of ``--json``, and behind the key "lines" how many songs had one before it."""
    *lines, last = capsys.readouterr().out.splitlines()
    counts: dict[str, Any] = json.loads(last)["summary"]
    return counts | {"lines": len(lines)}


def test_a_worker_that_is_installed_elsewhere_takes_the_shipped_weights_there(
    job: Job, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = replace(settings, weights=None)
    here = write_weights(tmp_path / "here.safetensors")
    monkeypatch.setattr("mtinst.batch.jobs.DEFAULT_WEIGHTS", here)
    facts = shipped.facts()
    monkeypatch.setattr("mtinst.batch.jobs.DEFAULT_WEIGHTS", here.rename(tmp_path / "there.safetensors"))
    assert work(job, shipped, facts).status == "done"


def test_a_worker_that_outlives_its_weights_takes_the_new_ones(job: Job, settings: Settings, tmp_path: Path) -> None:
    own = replace(settings, weights=write_weights(tmp_path / "own.safetensors"))
    before = own.facts()
    assert work(job, own, before).status == "done"
    model, info = load_checkpoint(own.checkpoint)
    deaf = replace(info.thresholds, onset=(1.0,) * N_INSTRUMENTS, frame=(1.0,) * N_INSTRUMENTS)
    save_checkpoint(own.checkpoint, model, thresholds=deaf, training={})
    after = work(job, own, own.facts())
    assert after.record is not None
    assert after.record["n_notes"] == 0
    job = replace(job, stem="another")
    outdated = work(job, own, before)
    assert outdated.stops_all
    assert outdated.sentence == "own.safetensors is not the one that this run began with; start it again"


def test_a_job_that_was_done_is_not_done_again(job: Job, settings: Settings) -> None:
    facts = settings.facts()
    first = work(job, settings, facts)
    assert first.record is not None
    written = (settings.folder / "song.mid").stat()
    second = work(job, settings, facts)
    assert (second.status, second.record) == ("done", first.record)
    assert (settings.folder / "song.mid").stat() == written


def change_song(job: Job, settings: Settings) -> None:
    """A song that was edited."""
    write_song(job.path, 2.0)


def lose_output(job: Job, settings: Settings) -> None:
    """A result that was removed."""
    (settings.folder / "song.mid").unlink()


def cut_output(job: Job, settings: Settings) -> None:
    """A result that a full disk cut off."""
    os.truncate(settings.folder / "song.mid", 10)


def cut_record(job: Job, settings: Settings) -> None:
    """A record that a full disk cut off."""
    os.truncate(record_path(job, settings), 30)


def swap_record(job: Job, settings: Settings) -> None:
    """JSON of something else."""
    record_path(job, settings).write_text("[1, 2]")


@pytest.mark.parametrize("harm", [change_song, lose_output, cut_output, cut_record, swap_record])
def test_a_record_that_no_longer_holds_does_not_count(job: Job, settings: Settings, harm: Any) -> None:
    facts = settings.facts()
    work(job, settings, facts)
    assert find_record(job, settings, facts) is not None
    harm(job, settings)
    assert find_record(job, settings, facts) is None
    assert work(job, settings, facts).status == "done"
    assert find_record(job, settings, facts) is not None


def test_other_settings_are_another_job(job: Job, settings: Settings, tmp_path: Path) -> None:
    work(job, settings, settings.facts())
    other = Settings(folder=settings.folder, outputs=("mid",), weights=settings.weights, instruments=("flute",))
    more = Settings(folder=settings.folder, outputs=("mid", "csv"), weights=settings.weights)
    assert find_record(job, other, other.facts()) is None
    assert find_record(job, more, more.facts()) is None


def test_a_job_that_is_cut_off_leaves_no_record(job: Job, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even that of the time before, for by then its files may be new."""
    facts = settings.facts()
    work(job, settings, facts)
    write_song(job.path, 2.0)

    def cut_off(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mtinst.batch.work.transcribe_song", cut_off)
    with pytest.raises(KeyboardInterrupt):
        work(job, settings, facts)
    assert not record_path(job, settings).exists()


@pytest.mark.parametrize(
    ("error", "sentence", "stops_all"),
    [
        (MtinstError("song.wav has no tune"), "song.wav has no tune", False),
        (CheckpointError("weights are gone"), "weights are gone", True),
        (PermissionError(13, "Permission denied"), "song.wav cannot be done: Permission denied", False),
        (ZeroDivisionError("0"), "song.wav met a fault of mtinst, ZeroDivisionError: 0", False),
    ],
)
def test_whatever_fails_is_one_sentence(
    job: Job, settings: Settings, error: Exception, sentence: str, stops_all: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr("mtinst.batch.work.transcribe_song", fail)
    assert work(job, settings, settings.facts()) == Outcome(status="failed", sentence=sentence, stops_all=stops_all)


def test_songs_keep_the_stems_that_they_have(tmp_path: Path, settings: Settings) -> None:
    songs = [write_song(tmp_path / name, 0.5) for name in ("b.wav", "b.flac")]
    for job in plan_jobs(songs):
        work(job, settings, settings.facts())
    kept = kept_stems(settings.folder)
    newcomer = tmp_path / "a" / "b.ogg"
    stems = {job.path: job.stem for job in plan_jobs([newcomer, *songs], kept)}
    assert stems == {songs[0]: "b", songs[1]: "b-2", newcomer: "b-3"}


def test_names_too_long_for_the_files_are_cut_and_stay_apart() -> None:
    stems = [job.stem for job in plan_jobs([Path("é" * 125 + ".wav"), Path("a") / ("é" * 125 + ".wav")])]
    assert stems[0] == "é" * (LONGEST_STEM // 2)
    assert stems[1] == "é" * ((LONGEST_STEM - 2) // 2) + "-2"


@pytest.mark.usefixtures("here")
def test_a_run_goes_on_where_it_was_and_ends_with_a_summary(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    songs = tmp_path / "songs"
    songs.mkdir()
    for number in range(3):
        write_song(songs / f"{number}.wav", 0.5)
    (songs / "text.mp3").write_text("not a song")
    command = [str(songs), "--out", str(tmp_path / "out"), "--weights", str(weights), "--midi-only", "--jobs", "2"]
    assert main([*command, "--json"]) == 2
    failed = [{"file": str(songs / "text.mp3"), "error": "text.mp3 cannot be read as audio: Invalid data found when "}]
    first = summary(capsys)
    assert first["failed"][0]["error"].startswith(failed[0]["error"].rstrip())
    assert (first["done"], first["skipped"], len(first["failed"]), first["left"], first["lines"]) == (3, 0, 1, 0, 3 + 0)
    (songs / "text.mp3").unlink()
    write_song(songs / "new.wav", 0.5)
    assert main([*command, "--json"]) == 0
    assert summary(capsys) == {"done": 1, "skipped": 3, "failed": [], "left": 0, "lines": 1}
    assert main(command) == 0
    assert capsys.readouterr().out == "0 done, 4 skipped that were done before, 0 failed\n"


@pytest.mark.usefixtures("here")
def test_weights_that_fail_are_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        write_song(tmp_path / f"{number}.wav", 0.5)
    (tmp_path / "bad.safetensors").write_text("no weights")
    command = [str(tmp_path), "--out", str(tmp_path / "out"), "--weights", str(tmp_path / "bad.safetensors")]
    assert main([*command, "--jobs", "2"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "mtinst: bad.safetensors is not a complete .safetensors file.\n"
    assert captured.out == "0 done, 0 skipped that were done before, 0 failed, 3 left\n"
    assert main([*command[:-1], "nowhere", "--jobs", "2"]) == 2
    assert capsys.readouterr().err == "mtinst: nowhere does not exist\n"


@pytest.mark.parametrize("number", ["0", "-1", "two", "1000", "1.5"])
def test_a_number_of_jobs_that_is_none_is_refused(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["song.wav", "--jobs", number])
    assert "is not a number of processes from 1 to 256" in capsys.readouterr().err


def test_a_process_that_ends_takes_only_its_song_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_serve", die_on_one)
    monkeypatch.setattr(workers, "_n_processors", lambda: 6)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    jobs = [Job(path=Path(f"{stem}.wav"), stem=stem) for stem in ("a", "once", "twice", "b", "quits", "c")]
    settings = Settings(folder=tmp_path, outputs=("mid",))
    (tmp_path / "twice.mid.01234567.partial").touch()
    outcomes = {job.stem: outcome for job, outcome in workers.run_here(jobs, settings, {}, n_processes=2)}
    assert {stem for stem, outcome in outcomes.items() if outcome.status == "done"} == {"a", "b", "c", "once"}
    assert outcomes["twice"].sentence == "twice.wav ended its process twice, by SIGKILL"
    assert outcomes["quits"].sentence == "quits.wav ended its process twice, with the status 3"
    assert outcomes["a"].record == {"stem": "a", "threads": "3"}  # six processors for two processes
    assert os.environ["OMP_NUM_THREADS"] == "5"
    assert not (tmp_path / "twice.mid.01234567.partial").exists()


def test_closing_a_run_ends_its_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_serve", die_on_one)
    jobs = [Job(path=Path(f"{stem}.wav"), stem=stem) for stem in "abcdef"]
    started: list[Any] = []
    start = workers._Worker.__init__

    def remember(self: Any, *arguments: Any) -> None:
        start(self, *arguments)
        started.append(self._process.pid)

    monkeypatch.setattr(workers._Worker, "__init__", remember)
    running = workers.run_here(jobs, Settings(folder=tmp_path), {}, n_processes=2)
    next(running)
    running.close()
    assert len(started) == 2
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_no_processes_are_refused() -> None:
    with pytest.raises(ValueError, match="n_processes must be at least 1, not 0"):
        next(workers.run_here([], Settings(folder=Path()), {}, n_processes=0))


def test_songs_are_done_by_processes(tmp_path: Path, weights: Path) -> None:
    """The whole, as a person runs it."""
    for number in range(3):
        write_song(tmp_path / "songs" / f"{number}.wav", 0.5) if number else (tmp_path / "songs").mkdir()
    options = ["--out", str(tmp_path / "out"), "--weights", str(weights), "--midi-only", "--jobs", "2"]
    command = [sys.executable, "-m", "mtinst", str(tmp_path / "songs"), *options]
    finished = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.splitlines()[-1] == "2 done, 0 skipped that were done before, 0 failed"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [RECORDS, "1.mid", "2.mid"]


@pytest.mark.parametrize("address", ["nonsense://x:1", "tcp://", "host", "tcp://a b:1", ""])
def test_an_address_that_is_none_is_refused(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["song.wav", "--dask", address])
    assert "is not an address such as tcp://host:8786" in capsys.readouterr().err


def test_dask_is_asked_for_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MtinstError, match=r"^--dask needs Dask: install mtinst\[dask\] or requirements-dask\.txt$"):
        next(workers.run_on_cluster([], Settings(folder=Path()), {}, address="tcp://127.0.0.1:1"))


needs_dask = pytest.mark.skipif(
    find_spec("distributed") is None, reason="Dask is not installed: pip install -r requirements-dask.txt"
)


@needs_dask
def test_an_address_where_no_scheduler_is_is_one_sentence(tmp_path: Path, weights: Path) -> None:
    song = write_song(tmp_path / "song.wav", 0.5)
    program = (
        "from mtinst import cli; from mtinst.batch import workers as w; w.CONNECT_S = 1; raise SystemExit(cli.main())"
    )
    options = ["--weights", str(weights), "--dask", "tcp://127.0.0.1:9", "--out", str(tmp_path)]
    command = [sys.executable, "-c", program, str(song), *options]
    finished = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert finished.stderr == "mtinst: no Dask scheduler answers at tcp://127.0.0.1:9\n"


@needs_dask
@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_loses_no_song_and_does_none_twice(tmp_path: Path, weights: Path) -> None:
    n_songs = 16
    (tmp_path / "songs").mkdir()
    for number in range(n_songs):
        write_song(tmp_path / "songs" / f"{number:02}.wav", 20.0)
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    out = tmp_path / "out"
    records = out / RECORDS

    def start(*command: str, stdout: int = subprocess.DEVNULL) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            env=environment,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    scheduler_file = tmp_path / "scheduler.json"
    processes = [start("distributed.cli.dask_scheduler", *_options(scheduler_file), "--port", "0", "--no-dashboard")]
    try:
        _wait_until(scheduler_file.exists)
        address = json.loads(scheduler_file.read_text())["address"]
        options = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path / "scratch"))
        dask_workers = [start("distributed.cli.dask_worker", address, *options) for _ in range(2)]
        processes += dask_workers
        command = ["mtinst", str(tmp_path / "songs"), "--out", str(out), "--weights", str(weights), "--midi-only"]
        client = start(*command, "--json", "--dask", address, stdout=subprocess.PIPE)
        processes.append(client)

        def victim_did_one() -> bool:
            by = [json.loads(path.read_text())["by"] for path in records.glob("*.json")]
            return any(one.endswith(f":{dask_workers[0].pid}") for one in by)

        _wait_until(victim_did_one)
        dask_workers[0].kill()
        dask_workers[0].wait()
        done_by_then = {path: path.stat().st_ino for path in records.glob("*.json")}
        files_by_then = {path: path.stat().st_mtime_ns for path in (out / f"{path.stem}.mid" for path in done_by_then)}
        assert 0 < len(done_by_then) < n_songs, "the songs are too short for this machine"
        text, _ = client.communicate(timeout=240)
        assert client.returncode == 0
    finally:
        for process in processes:
            process.kill()
            process.wait()
    *lines, last = text.splitlines()
    assert json.loads(last)["summary"] == {"done": n_songs, "skipped": 0, "failed": [], "left": 0}
    assert sorted(Path(json.loads(line)["file"]).name for line in lines) == [f"{n:02}.wav" for n in range(n_songs)]
    assert sorted(path.name for path in out.glob("*.mid")) == [f"{number:02}.mid" for number in range(n_songs)]
    assert {path: path.stat().st_ino for path in done_by_then} == done_by_then
    assert {path: path.stat().st_mtime_ns for path in files_by_then} == files_by_then


def _options(scheduler_file: Path) -> tuple[str, ...]:
    return ("--host", "127.0.0.1", "--scheduler-file", str(scheduler_file))


def _wait_until(is_so: Any, patience_s: float = 240.0) -> None:
    """For the slowest machine; on others it takes as long as it takes."""
    end = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)
