"""MedleyDB (Bittner et al., ISMIR 2014): multitrack recordings, of which it is labelled when each instrument sounds.

    Audio/<song>/<song>_MIX.wav, <song>_METADATA.yaml
    Annotations/**/<song>_SOURCEID.lab           start_time,end_time,instrument_label
    Annotations/**/<song>_ACTIVATION_CONF.lab    time,S01,S02,…: confidence that each stem sounds

The first kind of annotation is the second at a threshold of one half, by name. Either will do.
"""

import csv
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml  # type: ignore[import-untyped]
from numpy.typing import NDArray

from train.data.corpora.song import CorpusError, Song, Spans, require

# Of the instruments' names, those that are one of the nine; sections count as their instrument. A double bass is the
# bass of a band, as in General MIDI; violas, electric pianos and whatever else are none of them.
NAMES = {
    "piano": "piano",
    "tack piano": "piano",
    "acoustic guitar": "acoustic_guitar",
    "clean electric guitar": "electric_guitar",
    "distorted electric guitar": "electric_guitar",
    "electric guitar": "electric_guitar",
    "trumpet": "trumpet",
    "saxophone": "saxophone",
    "soprano saxophone": "saxophone",
    "alto saxophone": "saxophone",
    "tenor saxophone": "saxophone",
    "baritone saxophone": "saxophone",
    "electric bass": "bass",
    "double bass": "bass",
    "violin": "violin",
    "cello": "cello",
    "flute": "flute",
}
_CONFIDENT = 0.5


def find_songs(folder: Path) -> list[Song]:
    """Every song of ``Audio/``, sorted by name."""
    return multitrack_songs("MedleyDB", "medleydb", folder, folder / "Audio")


def multitrack_songs(title: str, corpus: str, folder: Path, audio_dir: Path) -> list[Song]:
    """The songs of a dataset in MedleyDB's format whose annotations are anywhere in `folder`."""
    songs = sorted(path for path in audio_dir.glob("*") if path.is_dir())
    if not songs:
        raise CorpusError(f"{folder} is not {title}: {audio_dir.relative_to(folder)}/<song>/ is missing.")
    labels = {path.name: path for path in folder.rglob("*.lab")}
    missing, result = [], []
    for song in songs:
        name = song.name
        mix, metadata = song / f"{name}_MIX.wav", song / f"{name}_METADATA.yaml"
        by_name, by_stem = labels.get(f"{name}_SOURCEID.lab"), labels.get(f"{name}_ACTIVATION_CONF.lab")
        missing += [path for path in (mix, metadata) if not path.is_file()]
        if by_name is None and by_stem is None:
            missing.append(Path(f"{name}_ACTIVATION_CONF.lab"))
            continue
        if not metadata.is_file():
            continue
        if by_name is not None:
            read = partial(_read_by_name, by_name)
        else:
            assert by_stem is not None
            read = partial(_read_by_stem, by_stem, metadata)
        _metadata(metadata)  # what is wrong with it is said now, not when its song's turn comes
        result.append(Song(name=name, corpus=corpus, audio=(mix,), read_spans=read))
    require(title, folder, missing)
    return result


def class_of(name: str) -> str | None:
    """Which of the nine an instrument is by its name.

    Examples
    --------
    >>> class_of("Violin section"), class_of("viola")
    ('violin', None)
    """
    return NAMES.get(name.strip().lower().removesuffix(" section"))


def _read_by_name(path: Path) -> Spans:
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            try:
                instrument = class_of(row["instrument_label"])
                if instrument is not None:
                    found[instrument].append((float(row["start_time"]), float(row["end_time"])))
            except (KeyError, TypeError, ValueError) as error:
                raise CorpusError(f"{path.name} has a line without start_time,end_time,instrument_label.") from error
    return {name: np.array(spans) for name, spans in found.items()}


def _read_by_stem(path: Path, metadata: Path) -> Spans:
    with path.open() as file:
        header = file.readline().strip().split(",")
        try:
            values = np.loadtxt(file, delimiter=",", ndmin=2)
        except ValueError as error:
            raise CorpusError(f"{path.name} is not a table of confidences.") from error
    if header[0] != "time" or values.shape[1] != len(header):
        raise CorpusError(f"{path.name} is not a table of confidences with the columns time,S01,….")
    stems = _metadata(metadata).get("stems") or {}
    found: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for column, stem in enumerate(header[1:], start=1):
        for label in _as_list(stems.get(stem, {}).get("instrument", "")):
            instrument = class_of(label)
            if instrument is not None:
                found[instrument].append(_spans(values[:, 0], values[:, column] >= _CONFIDENT))
    return {name: np.concatenate(spans) for name, spans in found.items()}


def _spans(times: NDArray[np.float64], is_active: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Runs of active times as (start, end); each time stands for the time up to the next."""
    step = float(times[1] - times[0]) if len(times) > 1 else 0.0
    edges = np.flatnonzero(np.diff(is_active.astype(np.int8), prepend=0, append=0))
    return np.stack((times[edges[::2]], times[edges[1::2] - 1] + step), axis=1)


def _metadata(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path.name} is not YAML.") from error
    if not isinstance(content, dict):
        raise CorpusError(f"{path.name} has no fields.")
    return content


def _as_list(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
