"""The paper's tables: every row trained on its own losses, scored, kept, and printed beside what was published."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mtinst.grid import INSTRUMENT_INDEX, SPEC
from tests.train.corpora import WRITERS
from tests.train.data import write_prepared
from train.__main__ import main
from train.config import EXPERIMENTS, experiment_named
from train.data.corpora import Song
from train.evaluation.evaluate import FrameScores, auc_per_second
from train.experiments import Budget, within
from train.experiments.recognition import Score, TestSet, experiment_of, recognition_table
from train.experiments.rows import ABLATION, CHOICES, METHOD_ROWS
from train.experiments.tables import table_of


def test_a_row_has_no_losses_but_its_own() -> None:
    losses = {"pianoroll": {"piano"}, "instrument": {"instrument"}, "pitch": {"pitch"}}
    for row in ABLATION:
        weights = experiment_named("default", list(row.settings)).loss
        terms = {name: getattr(weights, name) for name in ("piano", "instrument", "pitch", "onset", "presence")}
        assert {name for name, weight in terms.items() if weight} == losses.get(row.name, set().union(*losses.values()))
        assert weights.positive == EXPERIMENTS["default"].loss.positive


def test_the_table_has_means_and_spreads_beside_the_paper_s_figures() -> None:
    scores = {row.name: [FrameScores(0.5, 0.6, 0.25), FrameScores(0.7, 0.6, 0.35)] for row in ABLATION}
    lines = table_of(ABLATION, scores, "trained with").splitlines()
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
    assert "trained on the same 4 mixtures (seed 1), scored on 2 clips" in table
    assert table in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {*(f"{row.name}-1" for row in ABLATION), "ablation.md"}
    first = (out / "all-1" / "scores.json").stat().st_mtime_ns
    assert main(command) == 0
    assert (out / "ablation.md").read_text() == table
    assert (out / "all-1" / "scores.json").stat().st_mtime_ns == first, "what is there is not trained again"
    assert main([*command, "--clips", "1"]) == 0
    assert "scored on 1 clips" in (out / "ablation.md").read_text(), "but scored again, on another set"
    capsys.readouterr()
    assert main([*command, "--set", "learning_rate=0.5"]) == 2
    assert (
        "pianoroll-1 holds a run by other settings or on other data: name another --out, or remove it."
        in capsys.readouterr().err
    )
    with (data / "parts" / "parts.npz").open("ab") as file:
        file.write(b"of other parts")
    assert main(command) == 2
    assert "on other data" in capsys.readouterr().err


def test_each_choice_changes_something_and_no_two_the_same() -> None:
    changed = [experiment_named("default", list(choice.settings)) for choice in CHOICES]
    assert changed[0] == EXPERIMENTS["default"]
    assert len(set(changed)) == len(CHOICES)


def test_choices_are_scored_on_unseen_timbres_and_only_those_asked_for(tmp_path: Path) -> None:
    data, out = write_prepared(tmp_path / "data"), tmp_path / "runs"
    command = ["experiments", "choices", "--changed", "default", "onset", *SMALL, "--seeds", "1", "2"]
    assert main([*command, "--prepared", str(data), "--out", str(out)]) == 0
    table = (out / "choices.md").read_text()
    kept = [json.loads((out / f"onset-{seed}" / "scores.json").read_text())["scores"] for seed in (1, 2)]
    scores = [FrameScores(**one) for one in kept]
    (row,) = (row for row in CHOICES if row.name == "onset")
    assert table_of([row], {"onset": scores}, "changed").splitlines()[2] in table
    assert "| nothing | " in table
    assert "AdamW" not in table
    assert "4 mixtures a network (seeds 1, 2), scored on 2 clips of the set `unseen`" in table


SMALL = ["--set", "model.widths=2,3", "--set", "mix.n_frames=64", "--budget", "4", "--epochs", "1", "--workers", "0"]


def test_a_short_run_warms_up_and_averages_over_a_tenth_of_it() -> None:
    long = within(EXPERIMENTS["paper"], Budget(clips=1_000_000, epochs=10, seeds=(1,)), 7)
    assert (long.warmup_steps, long.average_decay, long.seed) == (300, 0.998, 7)
    short = within(EXPERIMENTS["paper"], Budget(clips=1600, epochs=4, seeds=(1,)), 7)  # 100 steps
    assert (short.clips_per_epoch, short.warmup_steps) == (400, 10)
    assert short.average_decay == pytest.approx(0.9)


def test_all_methods_hear_the_same_mixtures() -> None:
    budget = Budget(clips=64, epochs=2, seeds=(3,))
    experiments = [experiment_of(row.name, ["mix.drums=0.9"], budget, 3) for row in METHOD_ROWS]
    assert len({experiment.mix for experiment in experiments}) == 1
    assert experiments[0].mix.drums == 0.9
    assert {(experiment.epochs, experiment.clips_per_epoch, experiment.seed) for experiment in experiments} == {
        (2, 32, 3)
    }


def test_the_area_is_scikit_learn_s_over_whole_seconds() -> None:
    rng = np.random.default_rng(0)
    probs = [rng.random((9, n_frames), dtype=np.float32) for n_frames in (313, 100)]
    plays = [np.repeat(rng.random((9, 14)) > 0.6, 31, axis=1)[:, : song.shape[1]] for song in probs]
    claims, there = [], []
    for song, activity in zip(probs, plays, strict=True):
        for second in range(10 if song.shape[1] == 313 else 3):
            frames = slice(SPEC.second_to_frame(second), SPEC.second_to_frame(second + 1))
            guitars = [INSTRUMENT_INDEX["acoustic_guitar"], INSTRUMENT_INDEX["electric_guitar"]]
            claims.append(song[guitars, frames].max(axis=0).mean())
            there.append(activity[guitars, frames].any())
    areas = auc_per_second(probs, plays)
    assert areas["guitar"] == pytest.approx(roc_auc_score(there, claims))
    silent = auc_per_second(probs, [np.zeros_like(activity) for activity in plays])
    assert np.isnan(silent["piano"]), "nothing to tell apart"


def test_the_table_has_ours_and_the_published_figures() -> None:
    areas = dict.fromkeys(("piano", "guitar", "violin", "cello", "flute"), 0.75)
    runs = [
        Score(auc=areas, n_weights=1234, seconds=0.05),
        Score(auc=areas | {"flute": 0.5}, n_weights=1234, seconds=0.04),
    ]
    lines = recognition_table(
        {"liu": runs, "default": [Score(auc=areas | {"cello": float("nan")}, n_weights=9, seconds=0.1)]}
    )
    assert lines.splitlines()[2:] == [
        f"| [1] Liu et al. |{' 0.750 ± 0.000 |' * 4} 0.625 ± 0.177 | 0.725 ± 0.035 | 1,234 | 40 |",
        "| – the paper, trained on YouTube-8M | 0.766 | 0.780 | 0.787 | 0.755 | 0.708 | 0.759 | – | – |",
        "| ours | 0.750 | 0.750 | 0.750 | – | 0.750 | – | 9 | 100 |",
    ]


def test_table_3_is_trained_scored_and_printed_by_one_command_and_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = write_prepared(tmp_path / "data"), tmp_path / "runs"
    command = ["experiments", "recognition", *SMALL, "--seeds", "1", "--prepared", str(data), "--out", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert (out / "recognition-unseen.md").read_text() in printed
    assert all(f"| {row.title} |" in printed for row in METHOD_ROWS)
    assert "not given: the paper's figures are of other music" in printed
    weights = {path: path.stat().st_mtime_ns for path in out.glob("*/last.safetensors")}
    assert {path.parent.name for path in weights} == {f"{row.name}-1" for row in METHOD_ROWS}
    assert json.loads((out / "hung-1" / "scores-unseen.json").read_text())["scores"]["n_weights"] > 1e5
    (out / "hung-1" / "scores-unseen.json").unlink()
    assert main(command) == 0
    assert {path: path.stat().st_mtime_ns for path in weights} == weights, "what is there is not trained again"

    given = [f"hung={out / 'hung-1' / 'last.safetensors'}", f"default={out / 'default-1' / 'last.safetensors'}"]
    command += ["--methods", "hung", "default", "--weights", given[0], "--weights", given[1]]
    capsys.readouterr()
    assert main(command) == 0
    assert "| [3] Hung & Yang, weights as given |" in capsys.readouterr().out


def test_what_is_no_method_of_the_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_prepared(tmp_path / "data")
    command = ["experiments", "recognition", *SMALL, "--prepared", str(data), "--out", str(tmp_path)]
    assert main([*command, "--weights", "wu=x.safetensors"]) == 2
    assert "wu is not a method of the table; there are liu, gururani" in capsys.readouterr().err
    assert main([*command, "--weights", "hung"]) == 2
    assert "hung is not of the form NAME=PATH" in capsys.readouterr().err


def test_recordings_are_scored_where_they_are_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, folder = write_prepared(tmp_path / "data"), WRITERS["medleydb"](tmp_path / "medleydb")
    (tmp_path / "songs.txt").write_text("Band_ByStem\n")
    command = ["experiments", "recognition", *SMALL, "--seeds", "1", "--methods", "liu", "--prepared", str(data)]
    command += [
        "--folder",
        f"medleydb={folder}",
        "--songs",
        str(tmp_path / "songs.txt"),
        "--out",
        str(tmp_path / "runs"),
    ]
    assert main(command) == 0
    table = (tmp_path / "runs" / "recognition-medleydb.md").read_text()
    assert "Scored on 1 song of medleydb; the paper's figures are of 15 songs of MedleyDB" in table
    assert table.splitlines()[2].startswith("| [1] Liu et al. | – | – | 0"), "a violin, but neither piano nor guitar"
    (tmp_path / "songs.txt").write_text("Band_ByStem\nNobody_Nothing\n")
    assert main(command) == 2
    assert "Nobody_Nothing of" in capsys.readouterr().err


def test_recordings_are_scored_by_who_plays_when(tmp_path: Path) -> None:
    import soundfile as sf

    sf.write(tmp_path / "song.wav", 0.1 * np.sin(np.arange(3 * 44100) / 16), 44100)
    song = Song(
        name="song",
        corpus="medleydb",
        audio=(tmp_path / "song.wav",),
        read_spans=lambda: {"piano": np.array([[0.0, 1.0]]), "cello": np.array([[1.5, 9.0]])},
    )
    songs = TestSet.recordings([song])
    assert "1 song of medleydb" in songs.caption
    ((features, activity),) = songs.examples(SPEC)
    assert features.shape[1] == activity.shape[1] == 94
    assert np.flatnonzero(np.any(activity, axis=1)).tolist() == [INSTRUMENT_INDEX["piano"], INSTRUMENT_INDEX["cello"]]
    assert activity[INSTRUMENT_INDEX["piano"]].sum() == 31
