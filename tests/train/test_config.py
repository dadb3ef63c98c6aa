"""Experiments and their settings."""

import pytest

from mtinst.errors import MtinstError
from train.config import EXPERIMENTS, experiment_named


def test_settings_reach_any_depth_and_keep_their_types() -> None:
    experiment = experiment_named(
        "default", ["loss.pitch=0.0", "seed=3", "model.widths=4,8", "model.has_onset_head=false", "mix.drums=0.5"]
    )
    assert (experiment.loss.pitch, experiment.seed, experiment.mix.drums) == (0.0, 3, 0.5)
    assert experiment.model.widths == (4, 8)
    assert experiment.model.has_onset_head is False
    assert experiment.loss.piano == EXPERIMENTS["default"].loss.piano


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("loss.pich=0", "loss.pich is not a setting"),
        ("seed.deeper=1", "seed.deeper is not a setting"),
        ("seed=three", "seed cannot be 'three'"),
        ("model.has_onset_head=maybe", "true or false is wanted"),
        ("model.widths=4", "widths must be two or more"),
        ("optimizer=Muon", "optimizer cannot be 'Muon': it is one of adamw, muon"),
        ("model.derivation=sum", "it is one of mean, max, any"),
        ("loss=1", "set its own fields one by one"),
        ("seed", "seed is not of the form"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(setting: str, message: str) -> None:
    with pytest.raises(MtinstError, match=message):
        experiment_named("default", [setting])


def test_an_unknown_experiment_is_refused() -> None:
    with pytest.raises(MtinstError, match="nonsense is not an experiment; there are default"):
        experiment_named("nonsense", [])
