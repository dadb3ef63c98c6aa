"""The rows of the tables: how each is trained, and what was published for it. Light, for the command line's help."""

from dataclasses import dataclass, field

# Of `train.evaluation.evaluate.FrameScores`, as tables head their columns.
FIGURES = {"instrument_f1": "instrument (F1)", "pitch_accuracy": "pitch (accuracy)", "piano_roll_accuracy": "pianoroll"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A variant of one experiment.

    Parameters
    ----------
    name, title : str
        Of its runs' folders, and of its row.
    settings : tuple of str
        What is changed, as for ``fit --set``.
    published : dict of float
        Figures that were published for it, which are then the only ones that it is scored by.
    """

    name: str
    title: str
    settings: tuple[str, ...] = ()
    published: dict[str, float] = field(default_factory=dict)


# Hung, Chen & Yang, ICASSP 2019, table 2: all three losses, or one alone.
_PAPER_S = ("loss.onset=0", "loss.presence=0")
ABLATION = (
    Row(
        name="pianoroll",
        title="pianoroll loss only",
        settings=("loss.instrument=0", "loss.pitch=0", *_PAPER_S),
        published={"piano_roll_accuracy": 0.623},
    ),
    Row(
        name="instrument",
        title="instrument loss only",
        settings=("loss.piano=0", "loss.pitch=0", *_PAPER_S),
        published={"instrument_f1": 0.896},
    ),
    Row(
        name="pitch",
        title="pitch loss only",
        settings=("loss.piano=0", "loss.instrument=0", *_PAPER_S),
        published={"pitch_accuracy": 0.799},
    ),
    Row(
        name="all",
        title="all three",
        settings=_PAPER_S,
        published={"instrument_f1": 0.947, "pitch_accuracy": 0.803, "piano_roll_accuracy": 0.647},
    ),
)

# Our network with one choice changed at a time, in itself, its losses and its mixtures.
CHOICES = (
    Row(name="default", title="nothing"),
    Row(name="harmonics", title="no harmonics stacked", settings=("model.harmonics=0",)),
    Row(name="context", title="no context in the blocks", settings=("model.has_context=false",)),
    Row(name="ensemble", title="no ensemble head", settings=("model.has_ensemble_head=false", "loss.presence=0")),
    Row(name="onset", title="no onset head", settings=("model.has_onset_head=false", "loss.onset=0")),
    Row(name="derivation", title="rolls derived by the mean, as in the paper", settings=("model.derivation=mean",)),
    Row(
        name="positive",
        title="active cells weigh as silent ones",
        settings=("loss.positive=1", "loss.onset_positive=1"),
    ),
    Row(
        name="derived",
        title="pianoroll loss without those of the rolls derived from it",
        settings=("loss.instrument=0", "loss.pitch=0"),
    ),
    Row(name="optimizer", title="AdamW instead of Muon", settings=("optimizer=adamw",)),
    Row(name="rate", title="twice the learning rate", settings=("learning_rate=4e-3",)),
    Row(
        name="effects",
        title="no equalisers of parts, no swells, rooms, band limits, compression",
        settings=("mix.timbre_db=0", "mix.dynamics_db=0", "mix.room=0", "mix.band_limit=0", "mix.compression=0"),
    ),
    Row(
        name="distractors",
        title="none of what is not to be reported",
        settings=("mix.other=0", "mix.drums=0", "mix.noise=0", "mix.empty=0"),
    ),
)


@dataclass(frozen=True, kw_only=True)
class MethodRow:
    """A method, what was published for it, and what it had been trained on there."""

    name: str
    title: str
    published: tuple[float, ...] = ()  # AUC, in the order of train.evaluation.evaluate.RECOGNITION
    published_training: str = ""


# Hung, Chen & Yang, ICASSP 2019, table 3.
METHOD_ROWS = (
    MethodRow(
        name="liu",
        title="[1] Liu et al.",
        published=(0.766, 0.780, 0.787, 0.755, 0.708),
        published_training="YouTube-8M",
    ),
    MethodRow(
        name="gururani",
        title="[2] Gururani et al.",
        published=(0.733, 0.783, 0.857, 0.860, 0.851),
        published_training="MedleyDB + Mixing Secrets",
    ),
    MethodRow(
        name="hung",
        title="[3] Hung & Yang",
        published=(0.690, 0.660, 0.697, 0.774, 0.860),
        published_training="MuseScore subset",
    ),
    MethodRow(
        name="paper",
        title="proposed",
        published=(0.718, 0.819, 0.682, 0.812, 0.961),
        published_training="MuseScore subset",
    ),
    MethodRow(name="default", title="ours"),
)
