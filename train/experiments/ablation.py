"""Table 2: the network with one of its losses alone, against all three."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from train.config import Experiment, LossWeights, experiment_named
from train.evaluate import FrameScores
from train.experiments import FIGURES, Budget, spread, within
from train.experiments.run import Bench


@dataclass(frozen=True, kw_only=True)
class Row:
    """A method of a table: the losses that it has, the figures that it is scored by, and what was published for it."""

    name: str
    title: str
    losses: tuple[str, ...]
    published: dict[str, float]


# Hung, Chen & Yang, ICASSP 2019, table 2.
ABLATION = (
    Row(
        name="pianoroll",
        title="pianoroll loss only",
        losses=("piano",),
        published={"piano_roll_accuracy": 0.623},
    ),
    Row(
        name="instrument",
        title="instrument loss only",
        losses=("instrument",),
        published={"instrument_f1": 0.896},
    ),
    Row(name="pitch", title="pitch loss only", losses=("pitch",), published={"pitch_accuracy": 0.799}),
    Row(
        name="all",
        title="all three",
        losses=("piano", "instrument", "pitch"),
        published={"instrument_f1": 0.947, "pitch_accuracy": 0.803, "piano_roll_accuracy": 0.647},
    ),
)


def run_ablation(bench: Bench, *, base: str, settings: Sequence[str], budget: Budget) -> str:
    """Train and score every row of `ABLATION`; the table as Markdown, which is also written to ``ablation.md``.

    Parameters
    ----------
    bench : Bench
    base : str
        The experiment that all rows share but for their losses.
    settings : sequence of str
        ``name=value``, as for ``fit --set``, for all rows.
    budget : Budget
    """
    scores: dict[str, list[FrameScores]] = {row.name: [] for row in ABLATION}
    for seed in budget.seeds:
        for row in ABLATION:
            experiment = with_losses(within(experiment_named(base, list(settings)), budget, seed), row.losses)
            scores[row.name].append(bench.scores_of(f"{row.name}-{seed}", experiment))
    table = ablation_table(scores) + "\n\n" + _caption(base, budget, len(bench.test))
    (bench.out_dir / "ablation.md").write_text(table + "\n")
    return table


def _caption(base: str, budget: Budget, n_clips: int) -> str:
    return (
        f"Ours: `{base}`, each row trained on the same {budget.clips:,} mixtures ({budget.seeds_in_words}), scored on"
        f" {n_clips} clips of the set `same`, unseen pieces in the timbres of the training, at thresholds chosen on"
        " `valid`. The paper's: 5,500 clips an instrument, and its own synthesiser for training and test."
    )


def with_losses(experiment: Experiment, losses: Iterable[str]) -> Experiment:
    """The same experiment with no loss but these, at the weights that it gives them."""
    kept = {name: getattr(experiment.loss, name) for name in losses}
    silent = dict.fromkeys(("piano", "instrument", "pitch", "onset", "presence"), 0.0)
    weights = LossWeights(
        **(silent | kept), positive=experiment.loss.positive, onset_positive=experiment.loss.onset_positive
    )
    return replace(experiment, loss=weights)


def ablation_table(scores: dict[str, list[FrameScores]]) -> str:
    """Rows of ours and the paper's in turn; ours as mean and standard deviation over the seeds."""
    lines = ["| trained with | " + " | ".join(FIGURES.values()) + " |", "|---" * (1 + len(FIGURES)) + "|"]
    for row in ABLATION:
        cells = [
            spread([getattr(one, figure) for one in scores[row.name]]) if figure in row.published else "–"
            for figure in FIGURES
        ]
        lines.append(f"| {row.title} | " + " | ".join(cells) + " |")
        published = [f"{row.published[figure]:.3f}" if figure in row.published else "–" for figure in FIGURES]
        lines.append("| – the paper | " + " | ".join(published) + " |")
    return "\n".join(lines)
