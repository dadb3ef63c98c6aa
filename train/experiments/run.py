"""One network of a table: trained and scored by frames, or taken from its folder when that was done before."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mtinst.hear.checkpoint import load_checkpoint
from train.clips import ClipArrays
from train.config import Experiment
from train.evaluate import FrameScores, score_frames
from train.experiments import claim, keep_scores, kept_scores
from train.loop import fit

# `fit` scores this many validation clips after each epoch: enough to see that a run is well.
_WATCHED_CLIPS = 20


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What the networks of a table have in common.

    Parameters
    ----------
    prepared_dir, out_dir : Path
        What ``python -m train prepare`` wrote; where runs and results go.
    scored_on : str
        The fixed set whose scores the table has; thresholds are chosen on ``valid``.
    n_clips : int, optional
        Only that many clips of either set.
    n_workers, is_compiled
        As for :func:`train.loop.fit`.
    """

    prepared_dir: Path
    out_dir: Path
    scored_on: str
    n_clips: int | None = None
    n_workers: int = 1
    is_compiled: bool = False

    @cached_property
    def valid(self) -> ClipArrays:
        """The set that thresholds are chosen on; like `test` read once, since clips keep their features."""
        return self._clips("valid")

    @cached_property
    def test(self) -> ClipArrays:
        """The set that is scored."""
        return self._clips(self.scored_on)

    def _clips(self, name: str) -> ClipArrays:
        return ClipArrays.open(self.prepared_dir / f"{name}.npz").first(self.n_clips)

    def scores_of(self, name: str, experiment: Experiment) -> FrameScores:
        """Those in ``out_dir/name``, trained for and written when there are none.

        Raises
        ------
        ConfigError
            If that folder holds a run of another experiment.
        """
        run_dir = self.out_dir / name
        claim(run_dir, experiment, self.prepared_dir)
        scored_on = f"{len(self.test)} clips of {self.scored_on}"
        scores = kept_scores(run_dir / "scores.json", scored_on)
        if scores is None:
            fit(
                experiment,
                self.prepared_dir,
                run_dir,
                n_workers=self.n_workers,
                n_validation_clips=min(_WATCHED_CLIPS, len(self.valid)),
                is_compiled=self.is_compiled,
            )
            model, _ = load_checkpoint(run_dir / "last.safetensors")
            scores = score_frames(model, self.valid, self.test)._asdict()
            keep_scores(run_dir / "scores.json", scored_on, scores)
        return FrameScores(**scores)
