"""``python -m train experiments``: the paper's tables again, one command each.

Every method of a table is trained here, on the same clips and for as many of them, once for each seed; what was trained
before is not trained again, so a table can be stopped and gone on with. Published figures stand beside ours.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from train.config import ConfigError, Experiment, as_json
from train.store import parts_digest

# A run of few steps gives no more than this share of them to warming up, and its average forgets within as much.
_SHARE = 0.1


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much each network of a table may learn from: clips a run, in as many epochs, once for each seed."""

    clips: int
    epochs: int
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.clips < self.epochs or self.epochs < 1 or not self.seeds:
            raise ValueError("a budget needs at least one seed, one epoch, and a clip for each epoch")

    @property
    def seeds_in_words(self) -> str:
        """Such as ``seeds 1, 2, 3``."""
        return f"{'seed' if len(self.seeds) == 1 else 'seeds'} {', '.join(map(str, self.seeds))}"


def within(experiment: Experiment, budget: Budget, seed: int) -> Experiment:
    """The same experiment at that length, cooling down all along.

    The warm-up and the memory of the average are made for long runs, and are cut to a tenth of a short one.
    """
    n_steps = budget.clips / experiment.batch_size
    return replace(
        experiment,
        epochs=budget.epochs,
        cooldown_epochs=budget.epochs,
        clips_per_epoch=budget.clips // budget.epochs,
        warmup_steps=min(experiment.warmup_steps, round(_SHARE * n_steps)),
        average_decay=min(experiment.average_decay, max(0.0, 1 - 1 / max(1.0, _SHARE * n_steps))),
        seed=seed,
    )


def once(
    run_dir: Path,
    experiment: Experiment,
    prepared_dir: Path,
    *,
    name: str = "scores",
    scored_on: str,
    scores_of: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """The scores of a run, as its folder keeps them, or else as `scores_of` trains for them and says.

    The folder also keeps which run it is, on which data; ConfigError when it holds another.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    note, wanted = run_dir / "run.json", {**as_json(experiment), "data": parts_digest(prepared_dir / "parts")}
    if note.is_file() and json.loads(note.read_text()) != wanted:
        raise ConfigError(
            f"{run_dir} holds a run by other settings or on other data: name another --out, or remove it."
        )
    note.write_text(json.dumps(wanted, indent=1) + "\n")
    path = run_dir / f"{name}.json"
    record: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    if record.get("scored_on") != scored_on:
        record = {"scored_on": scored_on, "scores": scores_of()}
        path.write_text(json.dumps(record, indent=1) + "\n")
    scores: dict[str, Any] = record["scores"]
    return scores


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation; a dash for none.

    Examples
    --------
    >>> spread([0.5, 0.6, 0.7]), spread([0.25]), spread([])
    ('0.600 ± 0.100', '0.250', '–')
    """
    if not values:
        return "–"
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")
