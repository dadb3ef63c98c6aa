"""Experiments are values: a named, frozen :class:`Experiment`, any field of which ``--set`` can change."""

import dataclasses
import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from mtinst.errors import MtinstError
from mtinst.hear.unet import DEFAULT, PAPER, ModelConfig


class ConfigError(MtinstError):
    """A setting that does not exist or has a value of the wrong type."""


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """How much each term counts; the paper adds all three with a weight of 1 (section 3.2).

    ``positive`` weighs active cells against silent ones in the pianoroll, which are some three hundred times as many;
    ``onset_positive`` the same for onsets, rarer still.
    """

    piano: float = 1.0
    instrument: float = 1.0
    pitch: float = 1.0
    onset: float = 1.0
    presence: float = 0.5
    positive: float = 2.0
    onset_positive: float = 4.0


@dataclass(frozen=True, kw_only=True)
class MixConfig:
    """How the loader mixes parts into clips; levels in dB.

    Parameters
    ----------
    n_frames : int
        Length of a clip; short ones show the network more mixtures for the same work.
    n_instruments : tuple of float
        Chances of 1, 2, 3 ... instruments in a clip.
    voice_share, other_share : float
        How often a voice and another instrument are among them, where each of the nine counts as 1.
    played : float
        Chance that such a part is of somebody playing, not rendered, where the store has both.
    same_song : float
        Chance that a clip is built around one excerpt's own parts, in step with each other.
    quietest_db : float
        Parts are between this and 0 dB.
    recording : float
        Chance that a clip is a whole recording as it is, where the store has some.
    other, drums, noise : float
        Chance that a clip has each of these besides.
    empty : float
        Chance that a clip has nothing else.
    timbre_db, timbre_knots : float, int
        Each part goes through an equaliser whose curve has that many points with that standard deviation.
    partials_db : float
        Each partial of a part that plays one note at a time is louder or quieter with that standard deviation.
    dynamics_db : float
        Each part swells and fades with that standard deviation.
    room, band_limit, compression : float
        Chance of each of :mod:`train.effects.spectrum`.
    most_shift : int
        Mixtures move by up to this many semitones, formants and all.
    """

    n_frames: int = 128
    n_instruments: tuple[float, ...] = (0.24, 0.26, 0.22, 0.15, 0.08, 0.05)
    same_song: float = 0.5
    quietest_db: float = -14.0
    recording: float = 0.5
    voice_share: float = 1.0
    other_share: float = 2.0
    played: float = 0.0
    other: float = 0.12
    drums: float = 0.35
    noise: float = 0.35
    empty: float = 0.03
    timbre_db: float = 4.0
    timbre_knots: int = 5
    partials_db: float = 0.0
    dynamics_db: float = 0.0
    room: float = 0.0
    band_limit: float = 0.0
    compression: float = 0.0
    most_shift: int = 3


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One training run.

    Parameters
    ----------
    epochs, clips_per_epoch : int
        An epoch is a number of fresh mixtures, not a pass over anything.
    learning_rate : float
        Peak: reached after `warmup_steps`, held, and brought down to a hundredth over the last `cooldown_epochs`.
    optimizer : "adamw" or "muon"
        See :mod:`train.optimizer`.
    taught : float
        How much of each target is what a teacher says, where there is one; the rest is the truth.
    is_mixed_precision : bool
        Convolutions in bfloat16, weights and losses in float32.
    average_decay : float
        Weights that are scored and shipped are a moving average of those trained, this much kept at each step.
    """

    name: str
    model: ModelConfig = DEFAULT
    loss: LossWeights = field(default_factory=LossWeights)
    mix: MixConfig = field(default_factory=MixConfig)
    epochs: int = 36
    clips_per_epoch: int = 2000
    batch_size: int = 16
    optimizer: Literal["adamw", "muon"] = "adamw"
    taught: float = 0.5
    is_mixed_precision: bool = False
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup_steps: int = 300
    cooldown_epochs: int = 9
    average_decay: float = 0.998
    clip_norm: float = 1.0
    seed: int = 1


def as_json(experiment: Experiment) -> dict[str, Any]:
    """What an experiment is once it was written as JSON and read again, to be held against such a record."""
    record: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(experiment)))
    return record


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="default",
            loss=LossWeights(pitch=4.0),
            mix=MixConfig(
                n_instruments=(0.18, 0.22, 0.23, 0.19, 0.12, 0.06),
                other_share=1.2,
                played=0.5,
                other=0.1,
                timbre_db=5.0,
                timbre_knots=8,
                partials_db=4.0,
                dynamics_db=2.5,
                room=0.35,
                band_limit=0.12,
                compression=0.3,
                drums=0.4,
            ),
            epochs=80,
            clips_per_epoch=3000,
            batch_size=8,
            optimizer="muon",
            is_mixed_precision=True,
            cooldown_epochs=80,
        ),
        Experiment(name="paper", model=PAPER, loss=LossWeights(onset=0.0, positive=10.0), learning_rate=1e-3),
        Experiment(
            name="tiny",
            model=ModelConfig(
                widths=(4, 8), harmonics=(0, 12), has_onset_head=True, has_ensemble_head=True, derivation="any"
            ),
            epochs=2,
            clips_per_epoch=16,
            batch_size=4,
            warmup_steps=2,
            cooldown_epochs=1,
        ),
    )
}


def experiment_named(name: str, settings: list[str]) -> Experiment:
    """The experiment `name` with ``dotted.field=value`` settings applied.

    Raises
    ------
    ConfigError
        If there is no such experiment or field, or a value has the wrong type.

    Examples
    --------
    >>> experiment_named("default", ["loss.pitch=0.0", "seed=3"]).loss.pitch
    0.0
    """
    if name not in EXPERIMENTS:
        raise ConfigError(f"{name} is not an experiment; there are {', '.join(EXPERIMENTS)}.")
    experiment: Any = EXPERIMENTS[name]
    for setting in settings:
        path, separator, value = setting.partition("=")
        if not separator:
            raise ConfigError(f"{setting} is not of the form dotted.name=value.")
        experiment = _with(experiment, path.split("."), value, path)
    result: Experiment = experiment
    return result


def _with(record: Any, path: list[str], value: str, whole: str) -> Any:
    name, *rest = path
    if not dataclasses.is_dataclass(record) or name not in {f.name for f in dataclasses.fields(record)}:
        raise ConfigError(f"{whole} is not a setting.")
    if rest:
        return replace(record, **{name: _with(getattr(record, name), rest, value, whole)})  # type: ignore[type-var]
    kind = get_type_hints(type(record))[name]
    try:
        return replace(record, **{name: _parse(kind, value, getattr(record, name))})  # type: ignore[type-var]
    except ValueError as error:
        raise ConfigError(f"{whole} cannot be {value!r}: {error}.") from error


def _parse(kind: Any, value: str, current: Any) -> Any:
    if get_origin(kind) is Literal and value not in get_args(kind):
        raise ValueError(f"it is one of {', '.join(get_args(kind))}")
    if kind is bool:
        if value not in ("true", "false"):
            raise ValueError("true or false is wanted")
        return value == "true"
    if isinstance(current, tuple):
        return tuple(type(current[0])(item) for item in value.strip("()").split(",") if item.strip())
    if isinstance(current, (int, float, str)):
        return type(current)(value)
    raise ValueError("set its own fields one by one")
