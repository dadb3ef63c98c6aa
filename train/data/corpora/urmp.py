"""URMP (Li et al., IEEE Transactions on Multimedia 2019): chamber pieces, each player recorded alone.

<nn>_<title>_<players>/AuMix_<nn>_<title>_<players>.wav
<nn>_<title>_<players>/Notes_<number>_<player>_<nn>_<title>.txt    onset s, frequency Hz, duration s
"""

from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.data.corpora.song import OTHER, CorpusError, Parts, Song, require, sorted_notes

_INSTRUMENTS = {"vn": "violin", "vc": "cello", "fl": "flute", "tpt": "trumpet", "sax": "saxophone"}
_VELOCITY = 80  # not labelled


def find_songs(folder: Path) -> list[Song]:
    """The pieces, in their order."""
    pieces = sorted(path for path in folder.glob("[0-9][0-9]_*_*") if path.is_dir())
    if not pieces:
        raise CorpusError(f"{folder} is not URMP: folders such as 01_Jupiter_vn_vc/ are missing.")
    songs, missing = [], []
    for piece in pieces:
        number, title, *players = piece.name.split("_")
        audio = piece / f"AuMix_{piece.name}.wav"
        labels = [
            piece / f"Notes_{index}_{player}_{number}_{title}.txt" for index, player in enumerate(players, start=1)
        ]
        missing += [path for path in (audio, *labels) if not path.is_file()]
        songs.append(
            Song(
                name=piece.name,
                corpus="urmp",
                audio=(audio,),
                read_parts=partial(_read, tuple(zip(players, labels, strict=True))),
            )
        )
    require("URMP", folder, missing)
    return songs


def _read(players: tuple[tuple[str, Path], ...]) -> Parts:
    found: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for player, path in players:
        try:
            onset, hertz, duration = np.loadtxt(path, ndmin=2).T
        except ValueError as error:
            raise CorpusError(f"{path.name} is not a table of onsets, frequencies and durations.") from error
        pitch = np.rint(69 + 12 * np.log2(hertz / 440))
        notes = np.stack((onset, onset + duration, pitch, np.full_like(onset, _VELOCITY)), axis=1)
        found[_INSTRUMENTS.get(player, OTHER)].append(notes)
    return {name: sorted_notes(np.concatenate(notes)) for name, notes in found.items()}
