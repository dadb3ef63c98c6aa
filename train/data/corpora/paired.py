"""A folder of MIDI files, each with its audio beside it: what MuseScore exports, and what people bring themselves.

**/<song>.mid or .midi, with **/<song>.wav, .flac, .mp3, .ogg, .opus, .aiff, .m4a beside it

What was put right on the page stands for MIDI: **/*.corrections.json, anywhere in the folder with the song's own file,
which is told by its bytes, whatever it is called.
"""

from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from mtinst.export.corrections import SUFFIX, read_corrections
from mtinst.files import file_hash
from mtinst.grid import instrument_named
from train.data.corpora.song import CorpusError, Parts, Song, parts_of_tracks, require
from train.data.sources import Track, read_piece

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".aif", ".m4a")
MIDI_SUFFIXES = (".mid", ".midi")


def find_songs(folder: Path) -> list[Song]:
    """Every MIDI file with its audio, sorted by path; one without is refused."""
    pairs = pairs_in(folder)
    if not pairs:
        raise CorpusError(f"{folder} holds no MIDI file: <song>.mid beside <song>.wav is wanted.")
    require("MIDI beside audio", folder, [notes.with_suffix(".wav") for notes, path in pairs.values() if path is None])
    return [
        Song(name=name, corpus="paired", audio=(path,), read_parts=partial(read_parts, notes))
        for name, (notes, path) in pairs.items()
        if path is not None
    ]


def pairs_in(folder: Path) -> dict[str, tuple[Path, Path | None]]:
    """The notes of each song, as MIDI or as corrections, with its audio if that is there, by name and sorted.

    MtinstError when a file of corrections cannot be read.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path: path.relative_to(folder).with_suffix("").as_posix() for path in files}
    pairs = {names[path]: (path, audio_beside(path)) for path in files if path.suffix.lower() in MIDI_SUFFIXES}
    corrected = [path for path in files if path.name.endswith(SUFFIX)]
    if corrected:
        songs = {file_hash(path): path for path in files if path.suffix.lower() in AUDIO_SUFFIXES}
        for path in corrected:
            pairs[names[path].removesuffix(".corrections")] = path, songs.get(read_corrections(path).audio)
    return dict(sorted(pairs.items()))


def audio_beside(midi: Path) -> Path | None:
    """The audio file of the same name, if there is one."""
    beside = (midi.with_suffix(suffix) for suffix in (*AUDIO_SUFFIXES, *map(str.upper, AUDIO_SUFFIXES)))
    return next((path for path in beside if path.is_file()), None)


def read_parts(path: Path) -> Parts:
    """The notes of a MIDI file, or of corrections, by instrument; CorpusError when it cannot be read."""
    return parts_of_tracks(read_tracks(path))


def read_tracks(path: Path) -> list[Track]:
    """The tracks of a MIDI file, or of corrections; CorpusError when it cannot be read."""
    if path.name.endswith(SUFFIX):
        return _corrected_tracks(path)
    try:
        return read_piece(path)
    except (RuntimeError, ValueError, OSError) as error:
        raise CorpusError(f"{path.name} cannot be read as MIDI.") from error


def _corrected_tracks(path: Path) -> list[Track]:
    played = defaultdict(list)
    for note in read_corrections(path).notes:
        played[note.instrument].append((note.onset, note.offset, note.pitch, note.velocity))
    return [Track(instrument_named(name).program, False, np.array(rows, np.float64)) for name, rows in played.items()]
