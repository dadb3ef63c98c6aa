"""Published datasets, read in the folder layouts that they are handed out in, all as lists of :class:`Song`.

They are read directly: of the six, the `mirdata` package knows only Slakh in this form, and it wants an index from
the network before it opens anything. A folder that is something else, or of which files are missing, is refused with a
sentence that names them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from train.data.corpora import bach10, medleydb, mixing_secrets, musicnet, paired, slakh, urmp
from train.data.corpora.song import CorpusError, Parts, Song, Spans

__all__ = ["CORPORA", "Corpus", "CorpusError", "Parts", "Song", "Spans", "corpus_of", "find_songs", "found_in", "table"]


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A row of the table of datasets.

    Parameters
    ----------
    name, title : str
        For commands, and for people.
    pitches, instruments : str
        Whether notes, and whether who plays, are labelled: ``yes``, ``no``, or what is.
    is_real : bool
        Recorded, not synthesised.
    genre : str
    n_published : int, optional
        Songs in the whole of it, as its authors say.
    find : callable
        Folder to songs, or CorpusError.
    """

    name: str
    title: str
    pitches: str
    instruments: str
    is_real: bool
    genre: str
    n_published: int | None
    find: Callable[[Path], list[Song]]


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            name="medleydb",
            title="MedleyDB",
            pitches="melody",
            instruments="yes",
            is_real=True,
            genre="various",
            n_published=122,
            find=medleydb.find_songs,
        ),
        Corpus(
            name="musicnet",
            title="MusicNet",
            pitches="yes",
            instruments="yes",
            is_real=True,
            genre="classical",
            n_published=330,
            find=musicnet.find_songs,
        ),
        Corpus(
            name="bach10",
            title="Bach10",
            pitches="yes",
            instruments="yes",
            is_real=True,
            genre="classical",
            n_published=10,
            find=bach10.find_songs,
        ),
        Corpus(
            name="mixing_secrets",
            title="Mixing Secrets",
            pitches="no",
            instruments="yes",
            is_real=True,
            genre="various",
            n_published=258,
            find=mixing_secrets.find_songs,
        ),
        Corpus(
            name="urmp",
            title="URMP",
            pitches="yes",
            instruments="yes",
            is_real=True,
            genre="classical",
            n_published=44,
            find=urmp.find_songs,
        ),
        Corpus(
            name="slakh",
            title="Slakh2100",
            pitches="yes",
            instruments="yes",
            is_real=False,
            genre="pop",
            n_published=2100,
            find=slakh.find_songs,
        ),
        Corpus(
            name="paired",
            title="MuseScore set, or MIDI beside audio",
            pitches="yes",
            instruments="yes",
            is_real=False,  # what MuseScore plays, unless somebody brings recordings
            genre="various",
            n_published=None,
            find=paired.find_songs,
        ),
    )
}


def find_songs(name: str, folder: Path) -> list[Song]:
    """The songs of the corpus `name` in `folder`; CorpusError when there is no such corpus, or not there."""
    corpus = _known(name)
    if not folder.is_dir():
        raise CorpusError(f"{folder} is not a folder: {corpus.title} cannot be read from it.")
    return corpus.find(folder)


def _known(name: str) -> Corpus:
    if name not in CORPORA:
        raise CorpusError(f"{name} is not a dataset that can be read; there are {', '.join(CORPORA)}.")
    return CORPORA[name]


def corpus_of(folder: Path) -> str:
    """Which corpus a folder looks like, by what is in it; CorpusError when none."""
    looks = {
        "medleydb": ("Audio/*/*_METADATA.yaml", "Annotations"),
        "mixing_secrets": ("Medley_Format/Audio", "annotations"),
        "musicnet": ("train_labels/*.csv", "test_labels/*.csv", "train_data", "musicnet_metadata.csv"),
        "bach10": ("*/*-GTNotes.mat",),
        "urmp": ("*/Notes_*.txt", "*/AuMix_*.wav"),
        "slakh": ("Track*/metadata.yaml", "*/Track*/metadata.yaml"),
        "paired": ("**/*.[mM][iI][dD]", "**/*.[mM][iI][dD][iI]", "**/*.corrections.json"),
    }
    for name in ("mixing_secrets", *(name for name in looks if name != "mixing_secrets")):
        if any(next(folder.glob(pattern), None) for pattern in looks[name]):
            return name
    raise CorpusError(
        f"{folder} holds none of the datasets that can be read: {', '.join(known.title for known in CORPORA.values())}."
    )


def found_in(root: Path) -> dict[str, Path]:
    """The folders of `root` that look like a dataset, by its name; CorpusError when `root` is none."""
    if not root.is_dir():
        raise CorpusError(f"{root} is not a folder.")
    found: dict[str, Path] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        try:
            found.setdefault(corpus_of(folder), folder)
        except CorpusError:
            continue  # something else
    return found


def table(folders: dict[str, Path]) -> str:
    """The datasets as Markdown, with how many songs of each are in `folders`, or why they cannot be read."""
    for name in folders:
        _known(name)
    lines = ["| dataset | pitch | instrument | real | genre | songs | here |", "|---|---|---|---|---|---|---|"]
    for name, corpus in CORPORA.items():
        if name in folders:
            try:
                here = str(len(find_songs(name, folders[name])))
            except CorpusError as error:
                here = f"not readable: {error}"
        else:
            here = "–"
        songs = "–" if corpus.n_published is None else f"{corpus.n_published:,}"
        cells = (
            corpus.title,
            corpus.pitches,
            corpus.instruments,
            "real" if corpus.is_real else "synthetic",
            corpus.genre,
            songs,
            here,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
