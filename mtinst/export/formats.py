"""The files that a song can be written as: the one table of them, for the command line, for jobs and for the page.

Each writer is imported when it is first used: pictures need Matplotlib, and most songs are not drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mtinst.errors import MtinstError
from mtinst.files import display_name, replacing
from mtinst.hear.analysis import Analysis


@dataclass(frozen=True, kw_only=True)
class Format:
    """One kind of file.

    Parameters
    ----------
    suffix : str
        What its name has after the song's, and what it is called by.
    about : str
        What is in it, for people.
    write : callable
        Writes a song at a path, given its title, and whether MIDI is bent to the song's tuning.
    flag : str, optional
        The option of the command line that asks for it; without one it is written unless told otherwise.
    """

    suffix: str
    about: str
    write: Callable[[Analysis, Path, str, bool], object]
    flag: str | None = None


def write_file(song: Analysis, path: Path, output: str, *, title: str = "", tuned_midi: bool = False) -> None:
    """Write a song as one of `FORMATS`, whole or not at all, in a folder made when needed; MtinstError on failure."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as unfinished:
            FORMATS[output].write(song, unfinished, title, tuned_midi)
    except OSError as error:
        raise MtinstError(f"{display_name(path)} cannot be written: {error.strerror or error}") from error


def _midi(song: Analysis, path: Path, _: str, is_tuned: bool, *, is_quantised: bool = False) -> None:
    from mtinst.export.midi import song_to_midi

    with path.open("wb") as file:
        song_to_midi(song, is_tuned=is_tuned, is_quantised=is_quantised).write(file)


_quantised = partial(_midi, is_quantised=True)


def _npz(song: Analysis, path: Path, *_: object) -> None:
    from mtinst.export.npz import write_npz

    write_npz(song, path)


def _png(song: Analysis, path: Path, title: str, _: bool) -> None:
    from mtinst.export.picture import figure_to_png, plot_overview

    path.write_bytes(figure_to_png(plot_overview(song, title=title)))


def _svg(song: Analysis, path: Path, title: str, _: bool) -> None:
    from mtinst.export.picture import figure_to_svg, plot_overview

    path.write_bytes(figure_to_svg(plot_overview(song, title=title)))


def _notes_csv(song: Analysis, path: Path, *_: object) -> None:
    from mtinst.export.tables import notes_to_csv

    path.write_text(notes_to_csv(song), "utf-8", newline="")


def _activations_csv(song: Analysis, path: Path, *_: object) -> None:
    from mtinst.export.tables import activations_to_csv

    path.write_text(activations_to_csv(song), "utf-8", newline="")


def _beats_csv(song: Analysis, path: Path, *_: object) -> None:
    from mtinst.export.tables import beats_to_csv

    path.write_text(beats_to_csv(song), "utf-8", newline="")


def _musicxml(song: Analysis, path: Path, title: str, _: bool) -> None:
    from mtinst.export.score import to_musicxml

    path.write_bytes(to_musicxml(song, title))


def _score_svg(song: Analysis, path: Path, title: str, _: bool) -> None:
    from mtinst.export.score import to_svg

    path.write_text(to_svg(song, title), "utf-8", newline="")


def _jams(song: Analysis, path: Path, title: str, _: bool) -> None:
    from mtinst.export.jams import to_jams

    path.write_text(to_jams(song, title), "utf-8", newline="")


FORMATS = {
    one.suffix: one
    for one in (
        Format(suffix="mid", about="the notes as MIDI", write=_midi),
        Format(suffix="npz", about="all rolls and notes, for NumPy", write=_npz),
        Format(suffix="png", about="a picture", write=_png),
        Format(suffix="svg", about="the picture as a drawing", write=_svg, flag="svg"),
        Format(suffix="csv", about="the notes as CSV, one a line", write=_notes_csv, flag="csv"),
        Format(suffix="activations.csv", about="who plays when, one frame a line", write=_activations_csv, flag="csv"),
        Format(suffix="beats.csv", about="beats and bars", write=_beats_csv, flag="beats"),
        Format(
            suffix="quantised.mid",
            about="the notes on the grid of the beats",
            write=_quantised,
            flag="quantise",
        ),
        Format(suffix="musicxml", about="a score", write=_musicxml, flag="musicxml"),
        Format(suffix="score.svg", about="the score as a drawing", write=_score_svg, flag="score"),
        Format(suffix="jams", about="notes and activations as JAMS", write=_jams, flag="jams"),
    )
}
USUAL = tuple(suffix for suffix, one in FORMATS.items() if one.flag is None)
"""What is written unless told otherwise."""
LONGEST_SUFFIX = max(FORMATS, key=len)
