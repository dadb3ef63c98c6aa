"""What each choice in the network, its losses and its mixtures is worth: ``default`` with one of them changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from train.config import experiment_named
from train.experiments import FIGURES, Budget, spread, within

if TYPE_CHECKING:  # slow to import, and the names of the rows are wanted for the command line's help
    from train.evaluate import FrameScores
    from train.experiments.run import Bench

BASE = "default"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A row: what is changed, as settings of ``fit --set``."""

    name: str
    title: str
    settings: tuple[str, ...] = ()


CHOICES = (
    Choice(name="default", title="nothing"),
    Choice(name="harmonics", title="no harmonics stacked", settings=("model.harmonics=0",)),
    Choice(name="context", title="no context in the blocks", settings=("model.has_context=false",)),
    Choice(
        name="ensemble",
        title="no ensemble head",
        settings=("model.has_ensemble_head=false", "loss.presence=0"),
    ),
    Choice(name="onset", title="no onset head", settings=("model.has_onset_head=false", "loss.onset=0")),
    Choice(name="derivation", title="rolls derived by the mean, as in the paper", settings=("model.derivation=mean",)),
    Choice(
        name="positive",
        title="active cells weigh as silent ones",
        settings=("loss.positive=1", "loss.onset_positive=1"),
    ),
    Choice(
        name="derived",
        title="pianoroll loss without those of the rolls derived from it",
        settings=("loss.instrument=0", "loss.pitch=0"),
    ),
    Choice(name="optimizer", title="AdamW instead of Muon", settings=("optimizer=adamw",)),
    Choice(name="rate", title="twice the learning rate", settings=("learning_rate=4e-3",)),
    Choice(
        name="effects",
        title="no equalisers of parts, no swells, rooms, band limits, compression",
        settings=("mix.timbre_db=0", "mix.dynamics_db=0", "mix.room=0", "mix.band_limit=0", "mix.compression=0"),
    ),
    Choice(
        name="distractors",
        title="none of what is not to be reported",
        settings=("mix.other=0", "mix.drums=0", "mix.noise=0", "mix.empty=0"),
    ),
)
NAMES = tuple(choice.name for choice in CHOICES)


def run_choices(bench: "Bench", *, names: Sequence[str], settings: Sequence[str], budget: Budget) -> str:
    """Train and score those rows; the table as Markdown, which is also written to ``bench.out_dir/choices.md``.

    Parameters
    ----------
    bench : Bench
    names : sequence of str
        Rows, out of `NAMES`.
    settings : sequence of str
        ``name=value``, as for ``fit --set``, for all rows; a row's own come after them.
    budget : Budget
    """
    scores: dict[str, list[FrameScores]] = {}
    for seed in budget.seeds:
        for choice in CHOICES:
            if choice.name in names:
                experiment = experiment_named(BASE, [*settings, *choice.settings])
                one = bench.scores_of(f"{choice.name}-{seed}", within(experiment, budget, seed))
                scores.setdefault(choice.name, []).append(one)
    caption = (
        f"`{BASE}` with one thing changed, {budget.clips:,} mixtures a network ({budget.seeds_in_words}), scored on"
        f" {len(bench.test)} clips of the set `{bench.scored_on}` at thresholds chosen on `valid`."
    )
    table = choices_table(scores) + "\n\n" + caption
    (bench.out_dir / "choices.md").write_text(table + "\n")
    return table


def choices_table(scores: Mapping[str, Sequence["FrameScores"]]) -> str:
    """A row a choice, mean and standard deviation over the seeds."""
    lines = ["| changed | " + " | ".join(FIGURES.values()) + " |", "|---" * (1 + len(FIGURES)) + "|"]
    for choice in CHOICES:
        if choice.name in scores:
            cells = [spread([getattr(one, figure) for one in scores[choice.name]]) for figure in FIGURES]
            lines.append(f"| {choice.title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
