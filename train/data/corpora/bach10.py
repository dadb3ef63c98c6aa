"""Bach10 (Duan, Pardo & Zhang, 2010): ten chorales for violin, clarinet, saxophone and bassoon.

    <nn>-<title>/<nn>-<title>.wav, <nn>-<title>-GTNotes.mat

The matrix holds a cell for each of the four, of cells for each note, of two rows: frame numbers from 1, and pitches in
fractions of MIDI numbers. Frames are 10 ms apart and 46 ms long; a frame stands for its middle.
"""

from functools import partial
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from train.data.corpora.song import OTHER, CorpusError, Parts, Song, require, sorted_notes

_INSTRUMENTS = ("violin", OTHER, "saxophone", OTHER)
_HOP_S, _MIDDLE_S = 0.01, 0.023
_VELOCITY = 80  # not labelled


def find_songs(folder: Path) -> list[Song]:
    """The chorales, in their order."""
    chorales = sorted(path for path in folder.glob("[0-9][0-9]-*") if path.is_dir())
    if not chorales:
        raise CorpusError(f"{folder} is not Bach10: folders such as 01-AchGottundHerr/ are missing.")
    files = [(path / f"{path.name}.wav", path / f"{path.name}-GTNotes.mat") for path in chorales]
    require("Bach10", folder, [file for pair in files for file in pair if not file.is_file()])
    return [
        Song(
            name=audio.stem,
            corpus="bach10",
            audio=(audio,),
            read_parts=partial(_read, labels),
        )
        for audio, labels in files
    ]


def _read(path: Path) -> Parts:
    try:
        voices = loadmat(path)["GTNotes"].ravel()
        notes = [[np.atleast_2d(note) for note in voice.ravel()] for voice in voices]
        rows = [
            (
                _INSTRUMENTS[voice],
                (
                    (note[0, 0] - 1) * _HOP_S + _MIDDLE_S,
                    note[0, -1] * _HOP_S + _MIDDLE_S,
                    float(np.rint(np.median(note[1]))),
                    _VELOCITY,
                ),
            )
            for voice, played in enumerate(notes)
            for note in played
        ]
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        raise CorpusError(f"{path.name} does not hold the notes of four voices.") from error
    names = {name for name, _ in rows}
    return {name: sorted_notes(np.array([row for who, row in rows if who == name])) for name in sorted(names)}
