"""Command line of training: ``python -m train`` and ``prepare``, ``fit``, ``evaluate`` or another of its verbs."""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from mtinst.errors import MtinstError
from mtinst.grid import FINE, NINE, SPEC
from train.config import EXPERIMENTS, ConfigError, experiment_named
from train.experiments import Budget
from train.experiments.rows import CHOICES, METHOD_ROWS

_FEATURES = {"paper": SPEC, "fine": FINE}
_CHANGED, _METHODS = ([row.name for row in rows] for rows in (CHOICES, METHOD_ROWS))


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; 2 when what was given cannot be used."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        options.run(options)
    except (MtinstError, FileNotFoundError, ValueError) as error:
        print(f"train {options.command}: {error}", file=sys.stderr)
        return 2
    return 0


def _prepare(options: argparse.Namespace) -> None:
    from train.data.prepare import prepare

    prepare(
        options.data,
        options.out,
        n_parts=options.parts,
        n_clips=options.clips,
        seed=options.seed,
        n_jobs=options.jobs,
        spec=_FEATURES[options.features],
        n_versions=options.versions,
    )


def _collect(options: argparse.Namespace) -> None:
    from train.data.collect import CollectConfig, collect

    config = CollectConfig(
        shortest_s=options.shortest,
        longest_s=options.longest,
        instruments=tuple(options.instruments),
        clips=options.clips,
        test_clips=options.test_clips,
        has_random_velocity=options.random_velocity,
        soundfonts=tuple(options.soundfont),
        singing=options.singing,
        seed=options.seed,
    )
    print(collect(options.folder, options.out, config, musescore=options.musescore, spec=_FEATURES[options.features]))


def _fit(options: argparse.Namespace) -> None:
    from train.networks.fit import fit

    experiment = experiment_named(options.experiment, options.set)
    fit(
        experiment,
        options.prepared,
        options.out or Path("runs") / experiment.name,
        n_workers=options.workers,
        device=options.device,
        n_validation_clips=options.validation_clips,
        initial_weights=options.init,
        teacher_weights=options.teacher,
        is_compiled=options.compile,
    )


def _committee(options: argparse.Namespace) -> None:
    from train.networks.merge import join

    committee = join(options.weights, options.out, bits=options.bits)
    print(f"{options.out} holds {len(committee.networks)} networks; calibrate it next.")


def _blend(options: argparse.Namespace) -> None:
    from train.networks.merge import blend

    blend(options.after, options.before, options.out, share=options.share)
    print(f"{options.out} is between the two; calibrate it next.")


def _export(options: argparse.Namespace) -> None:
    from train.export.graph import export

    export(options.weights, options.onnx)


def _calibrate(options: argparse.Namespace) -> None:
    from train.evaluation.calibrate import calibrate

    print(calibrate(options.weights, options.prepared, n_clips=options.clips))


def _evaluate(options: argparse.Namespace) -> None:
    from mtinst.export.picture import figure_to_png
    from train.clips import ClipArrays
    from train.evaluation.evaluate import evaluate, to_json, to_markdown
    from train.evaluation.figures import plot_confusion

    for name in options.sets:
        clips = ClipArrays.open(options.prepared / f"{name}.npz")
        scores = evaluate(options.weights, clips.first(options.clips))
        print(to_markdown(name, scores), end="\n\n")
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / f"{name}.json").write_text(to_json(scores) + "\n")
            (options.out / f"{name}.md").write_text(to_markdown(name, scores) + "\n")
            picture = plot_confusion(scores.taken_for, f"Who is taken for whom, {name}")
            (options.out / f"{name}.png").write_bytes(figure_to_png(picture))


def _ablation(options: argparse.Namespace) -> None:
    from train.experiments.tables import Bench, run_ablation

    print(run_ablation(Bench(**_of_bench(options)), base=options.base))


def _choices(options: argparse.Namespace) -> None:
    from train.experiments.tables import Bench, run_choices

    print(run_choices(Bench(**_of_bench(options)), names=options.changed))


def _recognition(options: argparse.Namespace) -> None:
    from train.data.corpora import find_songs
    from train.experiments.recognition import TestSet, run_recognition
    from train.experiments.tables import Bench

    songs = [song for name, folder in _pairs(options.folder).items() for song in find_songs(name, folder)]
    if options.songs is not None:
        wanted = [line.strip() for line in options.songs.read_text().splitlines() if line.strip()]
        by_name = {song.name: song for song in songs}
        unknown = [name for name in wanted if name not in by_name]
        if unknown:
            raise ConfigError(f"{unknown[0]} of {options.songs} is not among the {len(songs)} songs.")
        songs = [by_name[name] for name in wanted]
    bench = Bench(**_of_bench(options))
    test_set = TestSet.recordings(songs) if options.folder else TestSet.unseen(bench.clips("unseen"))
    print(run_recognition(bench, test_set, given=_pairs(options.weights), rows=options.methods))


def _of_bench(options: argparse.Namespace) -> dict[str, Any]:
    """What all tables take."""
    return {
        "prepared_dir": options.prepared,
        "out_dir": options.out,
        "budget": Budget(clips=options.budget, epochs=options.epochs, seeds=tuple(options.seeds)),
        "settings": options.set,
        "n_clips": options.clips,
        "n_workers": options.workers,
        "is_compiled": options.compile,
    }


def _score(options: argparse.Namespace) -> None:
    from train.data.corpora import corpus_of, find_songs
    from train.evaluation.score import run_score

    name = options.dataset or corpus_of(options.folder)
    songs = find_songs(name, options.folder)[: options.first]
    print(run_score(songs, options.weights, options.out or Path("runs") / f"score-{name}"))


def _beats(options: argparse.Namespace) -> None:
    from train.evaluation.beats import run_beats

    midi_dir = options.prepared / "midi"
    print(run_beats(midi_dir, options.weights, options.soundfont, n_pieces=options.pieces, seed=options.seed))


def _datasets(options: argparse.Namespace) -> None:
    from train.data.corpora import found_in, table

    found = found_in(options.root) if options.root is not None else {}
    print(table(found | _pairs(options.folder)))


def _pairs(settings: list[str]) -> dict[str, Path]:
    """``NAME=PATH`` each."""
    pairs = {}
    for setting in settings:
        name, separator, path = setting.partition("=")
        if not separator:
            raise ConfigError(f"{setting} is not of the form NAME=PATH.")
        pairs[name] = Path(path)
    return pairs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    prepare = commands.add_parser("prepare", help="MIDI, soundfonts and samples to arrays")
    prepare.add_argument(
        "--data", type=Path, required=True, help="folder with midi/, soundfonts/, samples/, singing/, recordings/"
    )
    prepare.add_argument("--out", type=Path, default=Path("data"), help="where the arrays go (%(default)s)")
    prepare.add_argument("--parts", type=int, default=24000, help="single parts to train on (%(default)s)")
    prepare.add_argument("--clips", type=int, default=300, help="mixtures in each fixed set (%(default)s)")
    prepare.add_argument("--features", choices=_FEATURES, default="fine", help="of parts (%(default)s)")
    prepare.add_argument("--seed", type=int, default=0)
    prepare.add_argument(
        "--jobs", type=int, default=2, help="processes (%(default)s); the result does not depend on it"
    )
    prepare.add_argument(
        "--versions", type=int, default=8, help="of each recording, at other pitches and paces (%(default)s)"
    )
    prepare.set_defaults(run=_prepare)

    collect = commands.add_parser("collect", help="scores, or MIDI beside audio, to clips to train on")
    collect.add_argument("folder", type=Path)
    collect.add_argument("--out", type=Path, default=Path("data"), help="where the clips go (%(default)s)")
    collect.add_argument("--musescore", type=Path, metavar="PROGRAM", help="when it is not where programs are")
    collect.add_argument("--shortest", type=float, default=10.0, metavar="SECONDS", help="(%(default)s)")
    collect.add_argument("--longest", type=float, default=900.0, metavar="SECONDS", help="(%(default)s)")
    collect.add_argument("--instruments", nargs="+", default=[*NINE, "voice"], help="songs must have one of them")
    collect.add_argument("--clips", type=int, default=5500, help="to train on, of each instrument (%(default)s)")
    collect.add_argument("--test-clips", type=int, default=200, help="in each other set (%(default)s)")
    collect.add_argument("--soundfont", type=Path, action="append", default=[], help="play the notes with it instead")
    collect.add_argument("--random-velocity", action="store_true", help="with a soundfont: draw velocities")
    collect.add_argument("--singing", type=Path, metavar="DIR", help="mix in singing from these files")
    collect.add_argument("--features", choices=_FEATURES, default="fine", help="of clips (%(default)s)")
    collect.add_argument("--seed", type=int, default=0)
    collect.set_defaults(run=_collect)

    fit = commands.add_parser("fit", help="train, or go on training")
    fit.add_argument("experiment", help=", ".join(EXPERIMENTS))
    fit.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="such as loss.pitch=0.0")
    fit.add_argument("--out", type=Path, help="the run's folder (runs/<experiment>)")
    fit.add_argument("--workers", type=int, default=1, help="loader processes (%(default)s)")
    fit.add_argument("--device", default="auto", help="cpu, cuda or auto")
    fit.add_argument("--init", type=Path, metavar="WEIGHTS", help="start from these instead of at random")
    fit.add_argument("--teacher", type=Path, metavar="WEIGHTS", help="learn from what these say of each clip, too")
    fit.add_argument("--compile", action="store_true", help="fuse operations: slower to start, faster after")
    fit.add_argument("--validation-clips", type=int, default=60)
    fit.set_defaults(run=_fit)

    committee = commands.add_parser("committee", help="several networks as one that averages what they say")
    committee.add_argument("weights", type=Path, nargs="+")
    committee.add_argument("--out", type=Path, required=True)
    committee.add_argument("--bits", type=int, choices=(8, 16), default=16, help="a weight, in the file (%(default)s)")
    committee.set_defaults(run=_committee)

    blend = commands.add_parser("blend", help="the mean of weights before and after they were trained on")
    blend.add_argument("after", type=Path)
    blend.add_argument("before", type=Path)
    blend.add_argument("--out", type=Path, required=True)
    blend.add_argument("--share", type=float, default=0.5, help="of what was learnt that stays (%(default)s)")
    blend.set_defaults(run=_blend)

    export = commands.add_parser("export", help="weights as one ONNX graph from samples to probabilities")
    export.add_argument("weights", type=Path)
    export.add_argument("--onnx", type=Path, required=True, metavar="FILE", help="where it goes")
    export.set_defaults(run=_export)

    calibrate = commands.add_parser("calibrate", help="choose thresholds on validation clips")
    calibrate.add_argument("weights", type=Path)
    calibrate.add_argument("--clips", type=int)
    calibrate.set_defaults(run=_calibrate)

    evaluate = commands.add_parser("evaluate", help="score calibrated weights")
    evaluate.add_argument("weights", type=Path)
    sets = ("real_test", "unseen", "same", "fast", "real_valid", "valid")
    evaluate.add_argument("--sets", nargs="+", default=sets[:3], choices=sets)
    evaluate.add_argument("--clips", type=int)
    evaluate.add_argument("--out", type=Path, help="folder for JSON, Markdown and a picture of confusions")
    evaluate.set_defaults(run=_evaluate)

    experiments = commands.add_parser("experiments", help="the paper's tables again")
    tables = experiments.add_subparsers(dest="table", required=True)
    ablation = tables.add_parser("ablation", help="table 2: each loss alone against all three")
    ablation.add_argument("--base", default="paper", help="experiment that all rows share (%(default)s)")
    ablation.add_argument("--out", type=Path, default=Path("runs") / "ablation", help="(%(default)s)")
    ablation.set_defaults(run=_ablation)
    recognition = tables.add_parser("recognition", help="table 3: who plays in each second, by all methods")
    recognition.add_argument(
        "--folder", action="append", default=[], metavar="DATASET=DIR", help="score on recordings, such as medleydb=DIR"
    )
    recognition.add_argument("--songs", type=Path, help="file that names the songs to score, a line each (all)")
    recognition.add_argument("--methods", nargs="+", default=_METHODS, choices=_METHODS, help="only these rows")
    recognition.add_argument(
        "--weights", action="append", default=[], metavar="METHOD=FILE", help="score these instead of training"
    )
    recognition.add_argument("--out", type=Path, default=Path("runs") / "recognition", help="(%(default)s)")
    recognition.set_defaults(run=_recognition)
    choices = tables.add_parser("choices", help="our network with one choice changed at a time, on unseen timbres")
    choices.add_argument("--changed", nargs="+", default=_CHANGED, choices=_CHANGED, help="only these rows")
    choices.add_argument("--out", type=Path, default=Path("runs") / "choices", help="(%(default)s)")
    choices.set_defaults(run=_choices)
    for command in (ablation, recognition, choices):
        command.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="as for fit, for all rows"
        )
        command.add_argument("--budget", type=int, default=6000, metavar="CLIPS", help="clips a run (%(default)s)")
        command.add_argument("--epochs", type=int, default=6, help="into so many epochs (%(default)s)")
        command.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
        command.add_argument("--clips", type=int, help="score on fewer clips")
        command.add_argument("--workers", type=int, default=1, help="loader processes (%(default)s)")
        command.add_argument("--compile", action="store_true", help="as for fit")

    score = commands.add_parser("score", help="who plays which note: score weights on a dataset of songs with notes")
    score.add_argument("folder", type=Path, help="a dataset, or a folder of MIDI files with their audio beside them")
    score.add_argument("weights", type=Path)
    score.add_argument("--dataset", help="which one it is, when the folder does not show it")
    score.add_argument("--first", type=int, metavar="SONGS", help="only so many")
    score.add_argument("--out", type=Path, help="where figures, MIDI and scores go (runs/score-DATASET)")
    score.set_defaults(run=_score)

    beats = commands.add_parser("beats", help="score the beats found in rendered pieces of known metre")
    beats.add_argument("weights", type=Path)
    beats.add_argument("--soundfont", type=Path, required=True, help="plays them; better one that was never trained on")
    beats.add_argument("--pieces", type=int, default=40, help="each played twice (%(default)s)")
    beats.add_argument("--seed", type=int, default=0)
    beats.set_defaults(run=_beats)

    datasets = commands.add_parser("datasets", help="the paper's table of datasets, with what is on this disk")
    datasets.add_argument("--folder", action="append", default=[], metavar="DATASET=DIR", help="where one of them is")
    datasets.add_argument("--in", dest="root", type=Path, metavar="DIR", help="look into each folder of this one")
    datasets.set_defaults(run=_datasets)

    for command in (fit, calibrate, evaluate, beats, ablation, recognition, choices):
        command.add_argument("--prepared", type=Path, default=Path("data"), help="what prepare wrote (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
