"""What `tests.abuse.faults` makes happen, one test each, and two writers of one cache in two processes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mtinst.page.cache import CacheError, ResultCache
from tests.abuse.faults import FAULTS, SLOW, Outcome
from tests.served import PROJECT


@pytest.mark.parametrize(
    "fault",
    [fault for fault in FAULTS if fault not in SLOW],  # `make faults` has those too
    ids=lambda fault: fault.__name__,
)
def test_after_a_fault_all_is_well_or_one_sentence(fault: Callable[[Path], Outcome], tmp_path: Path) -> None:
    outcome = fault(tmp_path)
    assert outcome.seen
    assert "Traceback" not in outcome.seen


def test_a_writer_killed_in_the_middle_leaves_no_entry(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from mtinst.page.cache import ResultCache\n"
        "with ResultCache(Path(sys.argv[1]), 1e6).write('song') as folder:\n"
        "    (folder / 'half').write_text('x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=PROJECT, check=False)
    assert run.returncode == -9
    cache = ResultCache(tmp_path, 1e6)
    assert cache.find("song") is None
    with cache.write("song") as folder:
        (folder / "whole").write_text("x")
    assert cache.find("song") is not None


def test_another_process_may_be_first(tmp_path: Path) -> None:
    with ResultCache(tmp_path, 1e6).write("song") as second:
        (second / "who").write_text("second")
        with ResultCache(tmp_path, 1e6).write("song") as first:
            (first / "who").write_text("first")
    assert (tmp_path / "song" / "who").read_text() == "first"


def test_a_full_disk_costs_the_oldest_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ResultCache(tmp_path, 1e9)
    with cache.write("old") as folder:
        (folder / "audio").write_bytes(bytes(1000))
    monkeypatch.setattr("mtinst.page.cache.JUST_USED_S", -1.0)
    monkeypatch.setattr("mtinst.page.cache._free_bytes", lambda _: 0.0)
    with pytest.raises(CacheError, match="no room left"), cache.write("new") as folder:
        raise OSError("libsndfile does not say why")
    assert cache.find("old") is None
