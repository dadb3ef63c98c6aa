"""Table 2, and one of ours: variants of an experiment, each trained on the same mixtures and scored by frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mtinst.hear.checkpoint import load_checkpoint
from mtinst.hear.unet import Network
from train.clips import ClipArrays
from train.config import Experiment, experiment_named
from train.evaluation.evaluate import FrameScores, score_frames
from train.experiments import Budget, once, spread, within
from train.experiments.rows import ABLATION, CHOICES, FIGURES, Row
from train.networks.fit import fit

# `fit` scores this many validation clips after each epoch: enough to see that a run is well.
_WATCHED_CLIPS = 20
_OURS = "default"


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What the networks of a table have in common.

    Parameters
    ----------
    prepared_dir, out_dir : Path
        What ``python -m train prepare`` wrote; where runs and results go.
    budget : Budget
    settings : sequence of str
        ``name=value``, as for ``fit --set``, for all rows; a row's own come after them.
    n_clips : int, optional
        Only that many clips of each set that is scored.
    n_workers, is_compiled
        As for :func:`train.networks.fit.fit`.
    """

    prepared_dir: Path
    out_dir: Path
    budget: Budget
    settings: Sequence[str] = ()
    n_clips: int | None = None
    n_workers: int = 1
    is_compiled: bool = False

    @cached_property
    def _sets(self) -> dict[str, ClipArrays]:
        """Read once, since clips keep their features."""
        return {}

    def clips(self, name: str) -> ClipArrays:
        """A fixed set."""
        if name not in self._sets:
            self._sets[name] = ClipArrays.open(self.prepared_dir / f"{name}.npz").first(self.n_clips)
        return self._sets[name]

    def scores(self, rows: Sequence[Row], *, base: str, scored_on: str) -> dict[str, list[FrameScores]]:
        """Of each row, once for each seed: those in its runs' folders, trained for and written where there are none.

        Thresholds are chosen on ``valid``.

        Raises
        ------
        ConfigError
            If one of the folders holds a run of another experiment.
        """
        scores: dict[str, list[FrameScores]] = {row.name: [] for row in rows}
        for seed in self.budget.seeds:
            for row in rows:
                experiment = within(experiment_named(base, [*self.settings, *row.settings]), self.budget, seed)
                scores[row.name].append(self._scores_of(self.out_dir / f"{row.name}-{seed}", experiment, scored_on))
        return scores

    def _scores_of(self, run_dir: Path, experiment: Experiment, scored_on: str) -> FrameScores:
        test = self.clips(scored_on)

        def train_and_score() -> dict[str, Any]:
            return score_frames(self.trained(run_dir, experiment), self.clips("valid"), test)._asdict()

        on = f"{len(test)} clips of {scored_on}"
        return FrameScores(**once(run_dir, experiment, self.prepared_dir, scored_on=on, scores_of=train_and_score))

    def trained(self, run_dir: Path, experiment: Experiment) -> Network:
        """A network, trained unless it is there."""
        fit(
            experiment,
            self.prepared_dir,
            run_dir,
            n_workers=self.n_workers,
            n_validation_clips=_WATCHED_CLIPS,
            is_compiled=self.is_compiled,
        )
        return load_checkpoint(run_dir / "last.safetensors")[0]

    def write(self, name: str, table: str, caption: str) -> str:
        """Write a table with its caption to ``name.md`` under `out_dir`, and give it back."""
        text = f"{table}\n\n{caption}"
        self.out_dir.mkdir(parents=True, exist_ok=True)
        (self.out_dir / f"{name}.md").write_text(text + "\n")
        return text


def run_ablation(bench: Bench, *, base: str) -> str:
    """Table 2, each loss of `base` alone against all three: the table as Markdown, also in ``ablation.md``."""
    table = table_of(ABLATION, bench.scores(ABLATION, base=base, scored_on="same"), "trained with")
    caption = (
        f"Ours: `{base}`, each row trained on the same {bench.budget.clips:,} mixtures ({bench.budget.seeds_in_words}),"
        f" scored on {len(bench.clips('same'))} clips of the set `same`, unseen pieces in the timbres of the training,"
        " at thresholds chosen on `valid`. The paper's: 5,500 clips an instrument, and its own synthesiser for training"
        " and test."
    )
    return bench.write("ablation", table, caption)


def run_choices(bench: Bench, *, names: Sequence[str]) -> str:
    """``default`` with one choice changed at a time, rows by `names`; as Markdown, also in ``choices.md``."""
    rows = [row for row in CHOICES if row.name in names]
    table = table_of(rows, bench.scores(rows, base=_OURS, scored_on="unseen"), "changed")
    caption = (
        f"`{_OURS}` with one thing changed, {bench.budget.clips:,} mixtures a network ({bench.budget.seeds_in_words}),"
        f" scored on {len(bench.clips('unseen'))} clips of the set `unseen` at thresholds chosen on `valid`."
    )
    return bench.write("choices", table, caption)


def table_of(rows: Sequence[Row], scores: Mapping[str, Sequence[FrameScores]], heading: str) -> str:
    """Mean and standard deviation over the seeds, a row a variant, and beneath it what was published, if anything."""
    lines = [f"| {heading} | " + " | ".join(FIGURES.values()) + " |", "|---" * (1 + len(FIGURES)) + "|"]
    for row in rows:
        wanted = row.published or FIGURES
        cells = [spread([getattr(one, name) for one in scores[row.name] if name in wanted]) for name in FIGURES]
        lines.append(f"| {row.title} | " + " | ".join(cells) + " |")
        if row.published:
            published = [f"{row.published[name]:.3f}" if name in row.published else "–" for name in FIGURES]
            lines.append("| – the paper | " + " | ".join(published) + " |")
    return "\n".join(lines)
