"""The songs that come with the page."""

import re
from dataclasses import dataclass
from pathlib import Path

import soundfile as sf

from mtinst.errors import MidiError
from mtinst.export.midi import read_midi
from mtinst.grid import INSTRUMENT_NAMES

SUFFIXES = (".ogg", ".flac", ".mp3", ".wav")


@dataclass(frozen=True, kw_only=True)
class Example:
    """One song that a click transcribes.

    Parameters
    ----------
    slug : str
        The file's name without its ending.
    title : str
    path : Path
    duration_s : float
    instruments : tuple of str
        Who really plays, by the notes that it was made from; empty when those are not there.
    reference : Path, optional
        MIDI file with those notes.
    """

    slug: str
    title: str
    path: Path
    duration_s: float
    instruments: tuple[str, ...]
    reference: Path | None = None


def find_examples(folder: Path) -> list[Example]:
    """The songs in `folder`, in the order of ``SOURCES.md``, others by name; files that are not audio are left out.

    ``<slug>.mid`` beside a song says who plays what in it. Titles are the headings of ``SOURCES.md`` whose text names
    the song's file, and else made from the slug.
    """
    sources = folder / "SOURCES.md"
    titles = _titles(sources.read_text("utf-8")) if sources.is_file() else {}
    ranks = {slug: rank for rank, slug in enumerate(titles)}
    examples = []
    for path in sorted(folder.glob("*"), key=lambda path: (ranks.get(path.stem, len(ranks)), path.name)):
        if path.suffix.lower() not in SUFFIXES:
            continue
        try:
            duration_s = sf.info(path).duration
        except sf.LibsndfileError:
            continue
        instruments = _instruments(path.with_suffix(".mid"))
        examples.append(
            Example(
                slug=path.stem,
                title=titles.get(path.stem, _spoken(path.stem)),
                path=path,
                duration_s=duration_s,
                instruments=instruments,
                reference=path.with_suffix(".mid") if instruments else None,
            )
        )
    return examples


def heard_beside(song: Path, digest: str) -> Path:
    """Where an example's transcription by the weights of that digest lies, if it came with the page.

    Examples
    --------
    >>> heard_beside(Path("examples/canon.ogg"), "0123456789abcdef").name
    'canon.0123456789abcdef.npz'
    """
    return song.with_suffix(f".{digest}.npz")


def _instruments(midi_path: Path) -> tuple[str, ...]:
    if not midi_path.is_file():
        return ()
    try:
        played = {note.instrument for note in read_midi(midi_path)}
    except MidiError:
        return ()
    return tuple(name for name in INSTRUMENT_NAMES if name in played)


def _titles(sources: str) -> dict[str, str]:
    r"""Which heading each file is first named under, by the file's name without its ending.

    Examples
    --------
    >>> _titles("# Sources\n## Canon in D\n\n`canon.ogg`, `canon.mid`")
    {'canon': 'Canon in D'}
    """
    titles: dict[str, str] = {}
    for section in re.split(r"^#+ +", sources, flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        for slug in re.findall(r"`([^`/]+)\.[a-z0-9]+`", text):
            titles.setdefault(slug, heading.strip())
    return titles


def _spoken(slug: str) -> str:
    """A title from a file's name: ``string-trio_2`` becomes ``String trio 2``."""
    words = slug.replace("-", " ").replace("_", " ").split()
    return " ".join(words)[:1].upper() + " ".join(words)[1:]
