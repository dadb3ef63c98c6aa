"""The bench: what it counts, and what it says where there is nothing to compare with."""

import sys
from pathlib import Path

import pytest

from mtinst import bench
from mtinst.bench import Used, compare, run_process

SONGS = {10.0: Path("short.flac"), 110.0: Path("long.flac")}


def test_a_process_is_counted_from_its_start_to_its_end(tmp_path: Path) -> None:
    idle = run_process([sys.executable, "-S", "-c", "import time; time.sleep(0.3)"], tmp_path)
    busy = run_process([sys.executable, "-S", "-c", "x = b'x' * 90_000_000; sum(range(4_000_000))"], tmp_path)
    assert idle.wall_s >= 0.3
    assert busy.cpu_s > idle.cpu_s > 0
    assert busy.peak_mb - idle.peak_mb == pytest.approx(90, abs=5)
    assert idle.peak_mb < 40  # and not what this process holds


def test_a_process_that_fails_ends_the_bench(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"failed$"):
        run_process([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)


def test_both_programs_stand_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        bench, "run_process", lambda command, folder: Used(4.0, 3.0 if "short" in command[3] else 8.0, 700)
    )
    compare(SONGS, {10.0: Used(3.0, 6.0, 500.0), 110.0: Used(4.0, 7.0, 600.0)}, "python", tmp_path)
    *_, short, long, blank, sentence = capsys.readouterr().out.splitlines()
    assert short == "| 0:10 | 3.0 | 6.0 | 500 | 4.0 | 3.0 | 700 | 2.00 |"
    assert long == "| 1:50 | 4.0 | 7.0 | 600 | 4.0 | 8.0 | 700 | 0.88 |"
    assert (blank, sentence) == (
        "",
        "Beside the start, a second of song takes 0.0100 CPU seconds, and Basic Pitch 0.0500.",
    )


def test_without_basic_pitch_it_says_how_to_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "make_song", lambda path, duration_s: path)
    monkeypatch.setattr(bench, "measure_stages", lambda songs, weights, folder: {})
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    bench.main(["--seconds", "1", "--against", str(tmp_path / "python")])
    assert capsys.readouterr().out.endswith(
        "Basic Pitch is not installed here; --against PYTHON names an interpreter that has it.\n"
    )
