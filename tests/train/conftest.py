"""What makes each test of training shorter."""

import pytest

from train.networks import fit


@pytest.fixture(autouse=True)
def few_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new network's mean and deviation of each bin come from a few clips; the mean of many is slow to make."""
    monkeypatch.setattr(fit, "_STATISTICS_CLIPS", 4)
