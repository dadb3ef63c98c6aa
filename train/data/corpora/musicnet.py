"""MusicNet (Thickstun, Harchaoui & Kakade, ICLR 2017): classical recordings with aligned notes.

    train_data/<id>.wav  train_labels/<id>.csv  test_data/<id>.wav  test_labels/<id>.csv

Labels have a line a note: ``start_time`` and ``end_time`` in samples at 44.1 kHz, ``instrument`` a General MIDI program
counted from 1, ``note`` a MIDI number.
"""

import csv
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from train.data.corpora.song import OTHER, CorpusError, Parts, Song, require, sorted_notes
from train.data.timbres import CLASS_OF_PROGRAM

_LABEL_RATE = 44100
_VELOCITY = 80  # not labelled


def find_songs(folder: Path) -> list[Song]:
    """The songs of both sides, training's first, sorted by their number."""
    songs, missing = [], []
    for side in ("train", "test"):
        audio_dir, label_dir = folder / f"{side}_data", folder / f"{side}_labels"
        if not (audio_dir.is_dir() and label_dir.is_dir()):
            raise CorpusError(f"{folder} is not MusicNet, or not all of it: {side}_data/ or {side}_labels/ is missing.")
        for name in sorted({path.stem for path in (*audio_dir.glob("*.wav"), *label_dir.glob("*.csv"))}):
            audio, labels = audio_dir / f"{name}.wav", label_dir / f"{name}.csv"
            missing += [path for path in (audio, labels) if not path.is_file()]
            songs.append(
                Song(
                    name=name,
                    corpus="musicnet",
                    audio=(audio,),
                    read_parts=partial(_read, labels),
                )
            )
    require("MusicNet", folder, missing)
    if not songs:
        raise CorpusError(f"{folder} is not MusicNet, or not all of it: train_data/ holds no .wav files.")
    return songs


def _read(path: Path) -> Parts:
    found: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            try:
                onset, offset = (float(row[key]) / _LABEL_RATE for key in ("start_time", "end_time"))
                name = CLASS_OF_PROGRAM.get(int(row["instrument"]) - 1, OTHER)
                found[name].append((onset, offset, float(row["note"]), _VELOCITY))
            except (KeyError, TypeError, ValueError) as error:
                raise CorpusError(f"{path.name} has a line that is not one of MusicNet's.") from error
    return {name: sorted_notes(np.array(notes)) for name, notes in found.items()}
