"""The paper's tables: every row trained on its own losses, scored, kept, and printed beside what was published."""

from pathlib import Path

import pytest

from tests.train_data import write_prepared
from train.__main__ import main
from train.config import EXPERIMENTS
from train.evaluate import FrameScores
from train.experiments import ABLATION, Budget, ablation_table, with_losses


def test_a_row_has_no_losses_but_its_own() -> None:
    for row in ABLATION:
        weights = with_losses(EXPERIMENTS["default"], row.losses).loss
        terms = {name: getattr(weights, name) for name in ("piano", "instrument", "pitch", "onset", "presence")}
        assert {name for name, weight in terms.items() if weight} == set(row.losses)
        assert weights.positive == EXPERIMENTS["default"].loss.positive


def test_the_table_has_means_and_spreads_beside_the_paper_s_figures() -> None:
    scores = {row.name: [FrameScores(0.5, 0.6, 0.25), FrameScores(0.7, 0.6, 0.35)] for row in ABLATION}
    lines = ablation_table(scores).splitlines()
    assert lines[0] == "| trained with | instrument (F1) | pitch (accuracy) | pianoroll |"
    assert lines[2:4] == [
        "| pianoroll loss only | – | – | 0.300 ± 0.071 |",
        "| – the paper | – | – | 0.623 |",
    ]
    assert lines[-2:] == [
        "| all three | 0.600 ± 0.141 | 0.600 ± 0.000 | 0.300 ± 0.071 |",
        "| – the paper | 0.947 | 0.803 | 0.647 |",
    ]


@pytest.mark.parametrize("budget", [(1, 2, (1,)), (4, 0, (1,)), (4, 1, ())])
def test_a_budget_of_nothing_is_refused(budget: tuple[int, int, tuple[int, ...]]) -> None:
    clips, epochs, seeds = budget
    with pytest.raises(ValueError, match="a budget needs"):
        Budget(clips=clips, epochs=epochs, seeds=seeds)


def test_one_command_trains_scores_and_prints_and_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = write_prepared(tmp_path / "data"), tmp_path / "runs"
    command = ["experiments", "ablation", "--base", "tiny", "--budget", "4", "--epochs", "1", "--seeds", "1"]
    command += ["--prepared", str(data), "--out", str(out), "--workers", "0"]
    assert main(command) == 0
    table = (out / "ablation.md").read_text()
    assert table in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {*(f"{row.name}-1" for row in ABLATION), "ablation.md"}
    first = (out / "all-1" / "scores.json").stat().st_mtime_ns
    assert main(command) == 0
    assert (out / "ablation.md").read_text() == table
    assert (out / "all-1" / "scores.json").stat().st_mtime_ns == first, "what is there is not trained again"
