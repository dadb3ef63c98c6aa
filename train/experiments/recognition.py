"""Table 3: who plays in each second, by every method that the paper compares, learned from the same mixtures.

The paper scores on recordings, 15 songs of MedleyDB and 54 of Mixing Secrets. Where those are given, so do we; else the
set ``unseen`` stands in, whose figures are of other music and not to be held against the published ones.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from mtinst.grid import BoolArray, FeatureSpec, FloatArray
from mtinst.hear.checkpoint import load_checkpoint
from mtinst.hear.cqt import log_cqt
from mtinst.hear.unet import Network, n_weights
from mtinst.hear.windows import predict_rolls
from train.clips import ClipArrays
from train.config import ConfigError, Experiment, experiment_named
from train.data.corpora import Song
from train.evaluation.evaluate import RECOGNITION, auc_per_second
from train.experiments import Budget, once, spread, within
from train.experiments.rows import METHOD_ROWS
from train.experiments.tables import Bench
from train.methods.base import Method
from train.methods.training import METHODS, fit_method, load_method

_INSTRUMENTS = tuple(RECOGNITION)
_SPEED_S = 10.0
ROWS = tuple(row.name for row in METHOD_ROWS)


@dataclass(frozen=True, kw_only=True)
class Score:
    """One trained network on the test songs."""

    auc: dict[str, float]  # NaN where an instrument always or never plays
    n_weights: int
    seconds: float  # of computing for ten seconds of features, on the threads that were given


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """What the methods are scored on: prepared clips, or songs."""

    __test__ = False  # pytest would take it for a test

    name: str
    caption: str
    clips: ClipArrays | None = None
    songs: Sequence[Song] = ()

    @classmethod
    def unseen(cls, clips: ClipArrays) -> "TestSet":
        """The prepared clips with held-out timbres."""
        caption = (
            f"Scored on {len(clips)} clips of the set `unseen`, synthesised, since MedleyDB and Mixing Secrets were not"
            " given: the paper's figures are of other music."
        )
        return cls(name="unseen", caption=caption, clips=clips)

    @classmethod
    def recordings(cls, songs: Sequence[Song]) -> "TestSet":
        """Recorded songs, whose labels say who plays when."""
        names = [song.corpus for song in songs]
        counts = {name: names.count(name) for name in dict.fromkeys(names)}
        parts = " and ".join(f"{n} {'song' if n == 1 else 'songs'} of {name}" for name, n in counts.items())
        caption = f"Scored on {parts}; the paper's figures are of 15 songs of MedleyDB and 54 of Mixing Secrets."
        return cls(name="-".join(counts), caption=caption, songs=songs)

    def examples(self, spec: FeatureSpec) -> Iterator[tuple[FloatArray, BoolArray]]:
        """Features and who plays, (n_bins, n_frames) and (n_instruments, n_frames), one song at a time."""
        if self.clips is not None:
            for clip, features in enumerate(self.clips.features(spec)):
                yield features, np.any(self.clips.truth(clip), axis=1)
        for song in self.songs:
            features = log_cqt(song.samples(), spec)
            yield features, song.activity(features.shape[1])


def run_recognition(
    bench: Bench, test_set: TestSet, *, given: Mapping[str, Path] | None = None, rows: Sequence[str] = ROWS
) -> str:
    """Train what is not trained yet, score every row, and write the table to ``recognition-<set>.md``.

    Parameters
    ----------
    bench : Bench
        What all rows have in common; of its settings, ``mix.…`` is how their clips are mixed.
    test_set : TestSet
    given : mapping of str to Path, optional
        Weights that are scored instead of training that row.
    rows : sequence of str
        Only these of `ROWS`.

    Returns
    -------
    str
        The table as Markdown, with its caption.
    """
    given = given or {}
    for name in (*rows, *given):
        if name not in ROWS:
            raise ConfigError(f"{name} is not a method of the table; there are {', '.join(ROWS)}.")
    scores: dict[str, list[Score]] = {name: [] for name in ROWS if name in rows}
    for seed in bench.budget.seeds:
        for name in scores:
            if name not in given:
                scores[name].append(_scores_of(bench, test_set, name, seed))
            elif not scores[name]:
                scores[name].append(score(load_any(given[name]), test_set))
    caption = (
        "Area under the ROC curve for “plays in this second”. Ours: our own implementations, each trained on the same"
        f" {bench.budget.clips:,} mixtures ({bench.budget.seeds_in_words}). {test_set.caption}"
    )
    return bench.write(f"recognition-{test_set.name}", recognition_table(scores, frozenset(given)), caption)


def _scores_of(bench: Bench, test_set: TestSet, name: str, seed: int) -> Score:
    run_dir, experiment = bench.out_dir / f"{name}-{seed}", experiment_of(name, bench.settings, bench.budget, seed)

    def train_and_score() -> dict[str, Any]:
        if name in METHODS:
            method = fit_method(METHODS[name], experiment, bench.prepared_dir, run_dir, n_workers=bench.n_workers)
            return asdict(score(method, test_set))
        return asdict(score(bench.trained(run_dir, experiment), test_set))

    file, on = f"scores-{test_set.name}", test_set.caption
    kept = once(run_dir, experiment, bench.prepared_dir, name=file, scored_on=on, scores_of=train_and_score)
    return Score(**kept)


def experiment_of(name: str, settings: Sequence[str], budget: Budget, seed: int) -> Experiment:
    """How a row is trained: networks of :mod:`train.config` as there, others by AdamW; all on one kind of mixture."""
    experiment = experiment_named(name if name not in METHODS else "paper", list(settings))
    mix = experiment_named("default", [s for s in settings if s.startswith("mix.")]).mix
    if name in METHODS:
        experiment = replace(experiment, name=name)
    return within(replace(experiment, mix=mix), budget, seed)


def score(network: Method | Network, test_set: TestSet) -> Score:
    """Area under the curve, size and speed of one network."""
    probabilities, activities = [], []
    for features, activity in tqdm(test_set.examples(network.spec), desc=test_set.name, mininterval=5):
        probabilities.append(recognise(network, features))
        activities.append(activity)
    return Score(auc=auc_per_second(probabilities, activities), n_weights=n_weights(network), seconds=_measure(network))


def recognise(network: Method | Network, features: FloatArray) -> FloatArray:
    """Who plays in each frame, probabilities (n_instruments, n_frames)."""
    if not isinstance(network, Method):
        return predict_rolls(network, features, network.spec).instrument
    return network.recognise(features)


def load_any(path: Path) -> Method | Network:
    """A checkpoint of either kind; CheckpointError when it is neither."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            is_method = "method" in (file.metadata() or {})
    except (SafetensorError, OSError):
        is_method = False  # whatever it is, load_checkpoint says what is wrong
    return load_method(path) if is_method else load_checkpoint(path)[0]


def recognition_table(scores: Mapping[str, Sequence[Score]], given: frozenset[str] = frozenset()) -> str:
    """Rows of ours and the published ones in turn; ours as mean and standard deviation over the seeds."""
    lines = [
        "| method | " + " | ".join(_INSTRUMENTS) + " | average | weights | ms for 10 s |",
        "|---" * (len(_INSTRUMENTS) + 4) + "|",
    ]
    for row in METHOD_ROWS:
        if row.name not in scores:
            continue
        runs = scores[row.name]
        cells = [_spread([run.auc[name] for run in runs]) for name in _INSTRUMENTS]
        cells.append(_spread([mean(run.auc[name] for name in _INSTRUMENTS) for run in runs]))
        cells += [f"{runs[0].n_weights:,}", f"{1000 * min(run.seconds for run in runs):.0f}"]
        title = f"{row.title}, weights as given" if row.name in given else row.title
        lines.append(f"| {title} | {' | '.join(cells)} |")
        if row.published:
            cells = [f"{value:.3f}" for value in (*row.published, mean(row.published))]
            lines.append(f"| – the paper, trained on {row.published_training} | {' | '.join(cells)} | – | – |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return "–" if any(map(math.isnan, values)) else spread(values)


def _measure(network: Method | Network) -> float:
    """Seconds of computing for ten seconds of features, the best of three."""
    clip = torch.zeros(network.spec.n_bins, round(_SPEED_S * network.spec.frame_rate)).numpy()
    times: list[Any] = []
    for _ in range(3):
        began = time.perf_counter()
        recognise(network, clip)
        times.append(time.perf_counter() - began)
    return float(min(times))
