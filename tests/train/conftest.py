"""What makes each test of training shorter."""

import pytest
from matplotlib.figure import Figure

from train import trainer
from train.networks import fit


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics of few clips, and an empty picture of the log: of a tiny run, these would take most of the time."""
    monkeypatch.setattr(fit, "_STATISTICS_CLIPS", 4)
    monkeypatch.setattr(trainer, "plot_log", lambda log: Figure(figsize=(1, 1)))
