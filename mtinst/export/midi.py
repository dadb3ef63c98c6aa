"""Notes to MIDI files and back, to the millisecond.

A tick is a millisecond, and a frame of the default grid is 32 of them, so times on that grid stay as they are. Others
are rounded, by half a millisecond at most, and so that they stay in their frame (`MOST_OFF_CENTRE` of notes.py).
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from threading import Lock
from warnings import catch_warnings, simplefilter

import numpy as np
import pretty_midi

from mtinst.errors import MidiError
from mtinst.files import display_name, open_regular, replace_file
from mtinst.grid import CONCERT_HZ, INSTRUMENT_INDEX, INSTRUMENTS
from mtinst.hear.analysis import Analysis
from mtinst.hear.beats import quantised
from mtinst.hear.tuning import semitones_from_concert
from mtinst.records import Beats, Note
from mtinst.version import __version__

TEMPO_BPM = 120
TICKS_PER_BEAT = 500
TICKS_PER_SECOND = TEMPO_BPM * TICKS_PER_BEAT // 60
LARGEST_BYTES = 2_000_000
"""Of a file to read. The parser needs some hundred times as much memory; an opera takes a quarter of this."""

BEND_RANGE_SEMITONES = 2
"""How far a pitch wheel reaches unless a player is told otherwise."""
SIGNATURE = "Transcribed by mtinst"
_FIRST_BYTES = 4096  # of a file, within which a text at its beginning stands

# 0-based General MIDI programs of each class, as networks are taught them: a viola, a bowed contrabass or an electric
# piano is none of the named instruments, so it is `other`, as is whatever else has a pitch.
PROGRAMS: dict[str, tuple[int, ...]] = {
    "piano": (0, 1, 3),
    "acoustic_guitar": (24, 25),
    "electric_guitar": (26, 27, 28, 29, 30, 31),
    "trumpet": (56, 59),  # with the muted one
    "saxophone": (64, 65, 66, 67),
    "bass": (32, 33, 34, 35, 36, 37, 38, 39),
    "violin": (40,),
    "cello": (42,),
    "flute": (72, 73, 74),  # with piccolo and recorder
    "voice": (52, 53, 54, 85, 91),  # choirs and voices, sung and synthesised
}
UNPITCHED = range(115, 128)  # woodblocks, drums, cymbals and sound effects
CLASS_OF_PROGRAM = dict.fromkeys(set(range(128)) - set(UNPITCHED), "other") | {
    program: name for name, programs in PROGRAMS.items() for program in programs
}
_WARNINGS = Lock()  # which ones are shown is one setting of the whole process


def notes_to_midi(notes: Iterable[Note], *, tuning_hz: float = CONCERT_HZ) -> pretty_midi.PrettyMIDI:
    """One track for each instrument that has notes, in table order, with its label and General MIDI program.

    The notes are those of :func:`separate_strikes`. Each track is bent to that frequency of its A, by two semitones at
    most, unless it is the usual one.

    Examples
    --------
    >>> midi = notes_to_midi([Note(0.32, 0.64, pitch=60), Note(0.0, 0.96, pitch=67, instrument="violin")])
    >>> [(track.name, track.program, len(track.notes)) for track in midi.instruments]
    [('Piano', 0, 1), ('Violin', 40, 1)]
    """
    tracks = [pretty_midi.Instrument(instrument.program, name=instrument.label) for instrument in INSTRUMENTS]
    for note in separate_strikes(notes):
        tracks[INSTRUMENT_INDEX[note.instrument]].notes.append(
            pretty_midi.Note(note.velocity, note.pitch, note.onset, note.offset)
        )
    if tuning_hz != CONCERT_HZ:
        bend = round(8192 * semitones_from_concert(tuning_hz) / BEND_RANGE_SEMITONES)
        for track in tracks:
            track.pitch_bends.append(pretty_midi.PitchBend(min(bend, 8191), 0.0))
    midi = pretty_midi.PrettyMIDI(resolution=TICKS_PER_BEAT, initial_tempo=TEMPO_BPM)
    midi.instruments = [track for track in tracks if track.notes]
    return midi


def song_to_midi(
    song: Analysis, *, is_tuned: bool = False, is_quantised: bool = False, instrument: str | None = None
) -> pretty_midi.PrettyMIDI:
    """A song's notes as MIDI, one track an instrument, with a text that says where they come from.

    Tempi and time signatures are those of its beats, and if `is_quantised` the notes are on the grid of these. Unless
    `is_tuned`, which bends each track to the song's tuning, it plays at 440 Hz. With an `instrument`, only its notes.
    """
    notes: Iterable[Note] = quantised(song.notes, song.beats) if is_quantised and song.beats else song.notes
    if instrument is not None:
        notes = [note for note in notes if note.instrument == instrument]
    midi = notes_to_midi(notes, tuning_hz=song.tuning_hz if is_tuned else CONCERT_HZ)
    return sign(midi if song.beats is None else on_beats(midi, song.beats))


def on_beats(midi: pretty_midi.PrettyMIDI, beats: Beats) -> pretty_midi.PrettyMIDI:
    """The same music with a tempo for each beat, so that bars fall on the music's; the same object.

    The beat nearest to the beginning is there, and the first bar has as many beats as are left of it.
    """
    first = round(float(beats.position(0.0)))
    last = 1 + math.ceil(float(beats.position(midi.get_end_time())))
    times = beats.second(np.arange(first, last + 1))
    times[0] = 0.0
    # As if it had been played to the metronome: then the tempi that are wanted come of bending that to the beats.
    even = np.arange(len(times)) * 60 / TEMPO_BPM * 4 / beats.unit
    for track in midi.instruments:
        for note in track.notes:
            note.start, note.end = np.interp((note.start, note.end), times, even).tolist()
    midi.adjust_times(even, times)
    to_bar = (beats.first_downbeat - first) % beats.per_bar
    midi.time_signature_changes = [pretty_midi.TimeSignature(to_bar, beats.unit, 0.0)] if to_bar else []
    midi.time_signature_changes.append(pretty_midi.TimeSignature(beats.per_bar, beats.unit, float(times[to_bar])))
    return midi


def sign(midi: pretty_midi.PrettyMIDI) -> pretty_midi.PrettyMIDI:
    """Have it say, in a text at its beginning, that this version heard it and nobody composed it; the same object."""
    midi.text_events.append(pretty_midi.Text(f"{SIGNATURE} {__version__}", 0.0))
    return midi


def is_signed(path: Path) -> bool:
    """Whether a MIDI file says so; False, too, of one that cannot be read."""
    try:
        with path.open("rb") as file:
            return SIGNATURE.encode() in file.read(_FIRST_BYTES)
    except OSError:
        return False


def separate_strikes(notes: Iterable[Note]) -> list[Note]:
    """Put notes on the grid of ticks, and end each where the same key is struck again.

    A MIDI channel holds one note of a pitch at a time, so of two that start in the same tick only the longer is kept.
    Each lasts at least a tick.

    Returns
    -------
    list of Note
        Sorted.

    Examples
    --------
    >>> separate_strikes([Note(0.0, 2.0, pitch=60), Note(1.0, 1.5, pitch=60)])
    [Note(onset=0.0, offset=1.0, pitch=60, instrument='piano', velocity=80), \
Note(onset=1.0, offset=1.5, pitch=60, instrument='piano', velocity=80)]
    """
    strikes: dict[tuple[str, int], dict[int, Note]] = defaultdict(dict)  # by key, then by tick in rising order
    for note in sorted(notes):
        by_tick = strikes[note.instrument, note.pitch]
        tick = round(note.onset * TICKS_PER_SECOND)
        if tick not in by_tick or note.offset > by_tick[tick].offset:
            by_tick[tick] = note
    separated = []
    for (instrument, pitch), by_tick in strikes.items():
        for (start, note), next_start in zip(by_tick.items(), [*list(by_tick)[1:], None], strict=True):
            end = max(round(note.offset * TICKS_PER_SECOND), start + 1)
            if next_start is not None:
                end = min(end, next_start)
            separated.append(
                Note(
                    start / TICKS_PER_SECOND,
                    end / TICKS_PER_SECOND,
                    pitch=pitch,
                    instrument=instrument,
                    velocity=note.velocity,
                )
            )
    return sorted(separated)


def write_midi(notes: Iterable[Note], path: str | Path) -> None:
    """Write a standard MIDI file, format 1, whole or not at all; MidiError when that fails."""
    path = Path(path)
    content = BytesIO()
    notes_to_midi(notes).write(content)
    try:
        replace_file(path, content.getvalue())
    except OSError as error:
        raise MidiError(f"{display_name(path)} cannot be written: {error.strerror}") from error


def read_midi(path: str | Path) -> list[Note]:
    """Read the notes of a MIDI file; the exact inverse of :func:`write_midi`.

    Each program counts as one of the instruments (``CLASS_OF_PROGRAM``): muted trumpets are trumpets, piccolos and
    recorders flutes, choirs voices. Violas, contrabasses, electric pianos and whatever else has a pitch are `other`.
    Drums and sound effects are left out.

    Returns
    -------
    list of Note
        Sorted; times in seconds, to the microsecond.

    Raises
    ------
    MidiError
        If there is no such file, or it is damaged or something else.
    """
    path = Path(path)
    name = display_name(path)
    with open_regular(path, "a MIDI file", MidiError) as file:
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise MidiError(f"{name} is larger than {LARGEST_BYTES / 1e6:g} MB, the largest MIDI file that is taken")
    try:
        with _WARNINGS, catch_warnings():
            simplefilter("ignore")  # tempo changes outside the first track, which many files have
            midi = pretty_midi.PrettyMIDI(BytesIO(content))
        return sorted(_notes(midi))
    except Exception as error:  # the parser has no error of its own, and fails in as many ways as a file can be damaged
        raise MidiError(f"{name} cannot be read as MIDI") from error


def _notes(midi: pretty_midi.PrettyMIDI) -> Iterator[Note]:
    """The notes that have a pitch; ValueError when the file's clock gives one an impossible time."""
    for track in midi.instruments:
        if track.is_drum or track.program not in CLASS_OF_PROGRAM:
            continue
        for note in track.notes:
            onset, offset = round(float(note.start), 6), round(float(note.end), 6)
            if offset > onset:
                yield Note(
                    onset,
                    offset,
                    pitch=note.pitch,
                    instrument=CLASS_OF_PROGRAM[track.program],
                    velocity=note.velocity,
                )
