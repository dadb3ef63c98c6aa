"""A folder of MIDI files, each with its audio beside it: what MuseScore exports, and what people bring themselves.

**/<song>.mid or .midi, with **/<song>.wav, .flac, .mp3, .ogg, .opus, .aiff, .m4a beside it
"""

from functools import partial
from pathlib import Path

from train.data.corpora.song import CorpusError, Parts, Song, parts_of_tracks, require
from train.data.sources import Track, read_piece

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".aif", ".m4a")
MIDI_SUFFIXES = (".mid", ".midi")


def find_songs(folder: Path) -> list[Song]:
    """Every MIDI file with its audio, sorted by path; one without is refused."""
    midis = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES)
    if not midis:
        raise CorpusError(f"{folder} holds no MIDI file: <song>.mid beside <song>.wav is wanted.")
    audio = {midi: audio_beside(midi) for midi in midis}
    require("MIDI beside audio", folder, [midi.with_suffix(".wav") for midi, path in audio.items() if path is None])
    return [
        Song(
            name=midi.relative_to(folder).with_suffix("").as_posix(),
            corpus="paired",
            audio=(path,),
            read_parts=partial(read_parts, midi),
        )
        for midi, path in audio.items()
        if path is not None
    ]


def audio_beside(midi: Path) -> Path | None:
    """The audio file of the same name, if there is one."""
    beside = (midi.with_suffix(suffix) for suffix in (*AUDIO_SUFFIXES, *map(str.upper, AUDIO_SUFFIXES)))
    return next((path for path in beside if path.is_file()), None)


def read_parts(midi: Path) -> Parts:
    """The notes of a MIDI file by instrument; CorpusError when it cannot be read."""
    return parts_of_tracks(read_tracks(midi))


def read_tracks(midi: Path) -> list[Track]:
    """The tracks of a MIDI file; CorpusError when it cannot be read."""
    try:
        return read_piece(midi)
    except (RuntimeError, ValueError, OSError) as error:
        raise CorpusError(f"{midi.name} cannot be read as MIDI.") from error
