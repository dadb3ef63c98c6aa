"""Settings of all tests, and what several files of them need."""

import os

# One thread in each process, also in those that tests start: two workers' threads would wait for each other's cores.
os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

from mtinst.batch import workers
from mtinst.batch.jobs import Job, Outcome, Settings
from mtinst.batch.work import work
from mtinst.hear import windows

# The same examples in every run, and no time limit on one: a busy machine must not fail a test.
hypothesis.settings.register_profile("mtinst", deadline=None, derandomize=True)
hypothesis.settings.load_profile("mtinst")


@pytest.fixture(autouse=True)
def in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks run in float32, so that all processors agree to many digits."""
    monkeypatch.setattr(windows, "has_bfloat16", lambda: False)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are done in this process, so that a test need not wait for others to start."""

    def run_here(
        jobs: list[Job], settings: Settings, facts: dict[str, Any], *, n_processes: int
    ) -> Iterator[tuple[Job, Outcome]]:
        assert n_processes == 2
        for job in jobs:
            yield job, work(job, settings, facts)

    monkeypatch.setattr(workers, "run_here", run_here)
