"""From beats to seconds, as players would: a breathing tempo, small errors, phrasing in the velocities.

The same notes are rendered and written as the reference, so the reference holds what is heard, to the millisecond.
Everything is drawn from a generator seeded by the piece's name: the same score gives the same performance.
"""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pretty_midi
from numpy.typing import NDArray

from examples.notation import ScoreNote, parse_voice
from examples.piece import DRUMS, Part, Piece
from mtinst.grid import INSTRUMENTS

LEAD_IN_S = 0.3
MONOPHONIC = frozenset({"trumpet", "saxophone", "bass", "violin", "cello", "flute"})
_GAP_S = 0.006  # between notes that must not overlap
_SHORTEST_S = 0.04


@dataclass(frozen=True, kw_only=True, order=True)
class PlayedNote:
    """One note as played; times in seconds, a whole number of milliseconds."""

    onset: float
    offset: float
    pitch: int
    velocity: int


def perform(piece: Piece) -> list[list[PlayedNote]]:
    """The notes of every part of `piece`, in the order of ``piece.parts``."""
    to_second = _clock(piece)
    rng = np.random.default_rng(zlib.crc32(piece.slug.encode()))
    return [_perform_part(part, piece, to_second, rng) for part in piece.parts]


def reference_midi(piece: Piece) -> pretty_midi.PrettyMIDI:
    """What is played, as MIDI: one track an instrument in the order of the instrument table, drums last.

    Players who share an instrument share a track. Ticks are milliseconds, and there is no pedal: whatever rings on has
    a later note-off.
    """
    midi = pretty_midi.PrettyMIDI(resolution=500, initial_tempo=120.0)
    performance = perform(piece)
    for instrument in INSTRUMENTS:
        notes = [
            note
            for part, played in zip(piece.parts, performance, strict=True)
            if part.instrument == instrument.name
            for note in played
        ]
        if notes:
            midi.instruments.append(_track(_join_same_pitch(notes), instrument.program, instrument.label))
    drum_notes = [
        note
        for part, played in zip(piece.parts, performance, strict=True)
        if part.instrument == DRUMS
        for note in played
    ]
    if drum_notes:
        midi.instruments.append(_track(_join_same_pitch(drum_notes), 0, "Drums", is_drum=True))
    return midi


def _track(notes: Iterable[PlayedNote], program: int, name: str, is_drum: bool = False) -> pretty_midi.Instrument:
    track = pretty_midi.Instrument(program=program, is_drum=is_drum, name=name)
    track.notes = [
        pretty_midi.Note(velocity=note.velocity, pitch=note.pitch, start=note.onset, end=note.offset) for note in notes
    ]
    return track


def _clock(piece: Piece) -> Callable[[float], float]:
    """A function from beat to second: tempo, rubato and swing together."""
    last_beat = max(
        float(note.end) for part in piece.parts for voice in part.voices for note in _read(voice, part, piece)
    )
    grid: NDArray[np.float64] = np.arange(0.0, last_beat + 1.0, 1 / 64)
    beats, tempi = np.array(piece.tempo).T
    phrase_beats = 4 * float(piece.bar_beats)
    breathing = 1 + piece.rubato * np.cos(2 * np.pi * (grid - float(piece.pickup_beats)) / phrase_beats)
    beat_s = 60 / np.interp(grid, beats, tempi) * breathing  # slowest where one phrase meets the next
    seconds = LEAD_IN_S + np.concatenate([[0.0], np.cumsum(beat_s[:-1])]) / 64

    def to_second(beat: float) -> float:
        whole, part = divmod(beat, 1.0)
        early = min(part, 0.5) * 2 * piece.swing
        late = max(part - 0.5, 0.0) * 2 * (1 - piece.swing)
        return float(np.interp(whole + early + late, grid, seconds))

    return to_second


def _read(voice: str, part: Part, piece: Piece) -> list[ScoreNote]:
    return parse_voice(
        voice, bar_beats=piece.bar_beats, pickup_beats=piece.pickup_beats, drums=part.instrument == DRUMS
    )


def _perform_part(
    part: Part, piece: Piece, to_second: Callable[[float], float], rng: np.random.Generator
) -> list[PlayedNote]:
    played: list[PlayedNote] = []
    for voice in part.voices:
        notes = _read(voice, part, piece)
        mean_pitch = float(np.mean([note.pitch for note in notes]))
        voice_notes = []
        shared_error_s, shared_start = 0.0, None
        for note in notes:
            if note.start != shared_start:  # the notes of a chord stray together
                shared_error_s, shared_start = _error_s(rng, 0.004), note.start
            onset = to_second(float(note.start)) + part.lag_ms / 1000 + shared_error_s + _error_s(rng, 0.0015)
            length = (to_second(float(note.end)) - to_second(float(note.start))) * _articulation(note, part)
            offset = onset + max(length + _error_s(rng, 0.004), _SHORTEST_S)
            contour = 0.0 if part.instrument == DRUMS else 0.4 * (note.pitch - mean_pitch)
            level = note.level + contour + _metric_accent(note, piece) + rng.normal(0, 3)
            velocity = int(np.clip(round(level), 24, 122))
            voice_notes.append(
                PlayedNote(onset=round(onset, 3), offset=round(offset, 3), pitch=note.pitch, velocity=velocity)
            )
        played.extend(_monophonic(voice_notes) if part.instrument in MONOPHONIC else voice_notes)
    return _apart(played)


def _error_s(rng: np.random.Generator, spread_s: float) -> float:
    return float(np.clip(rng.normal(0, spread_s), -2.5 * spread_s, 2.5 * spread_s))


def _articulation(note: ScoreNote, part: Part) -> float:
    """How much of its written length `note` sounds."""
    if note.is_ringing:
        return 1.0
    return 0.5 if note.is_staccato else part.legato


def _metric_accent(note: ScoreNote, piece: Piece) -> float:
    """Velocity that the place in the bar, and a written accent, add."""
    place = (note.start - piece.pickup_beats) % piece.bar_beats
    accent = 12.0 if note.is_accented else 0.0
    if place == 0:
        return accent + 5
    return accent - (3 if place.denominator > 1 else 0)


def _monophonic(notes: list[PlayedNote]) -> list[PlayedNote]:
    """Each note ends before the next one begins."""
    notes = sorted(notes)
    ends = [following.onset - _GAP_S for following in notes[1:]] + [np.inf]
    return [replace(note, offset=round(min(note.offset, end), 3)) for note, end in zip(notes, ends, strict=True)]


def _apart(notes: list[PlayedNote]) -> list[PlayedNote]:
    """Each note ends before the next one of the same pitch begins, whichever voice has it."""
    next_onset: dict[int, float] = {}
    result = []
    for note in sorted(notes, reverse=True):
        end = next_onset.get(note.pitch, np.inf) - _GAP_S
        if end - note.onset >= _SHORTEST_S / 2:
            result.append(replace(note, offset=round(min(note.offset, end), 3)))
            next_onset[note.pitch] = note.onset
    return sorted(result)


def _join_same_pitch(notes: list[PlayedNote]) -> list[PlayedNote]:
    """One track for several players: where two hold the same pitch, the later start ends the earlier note.

    Both starting together is one note. The last of them sounds as long as the longest, so nothing heard is lost.
    """
    result: list[PlayedNote] = []
    latest: dict[int, int] = {}  # pitch -> index in result
    for note in sorted(notes):
        index = latest.get(note.pitch)
        if index is not None and result[index].offset > note.onset - _GAP_S:
            earlier = result[index]
            longest = max(earlier.offset, note.offset)
            if note.onset - earlier.onset < 0.05:
                result[index] = replace(earlier, offset=longest, velocity=max(earlier.velocity, note.velocity))
                continue
            result[index] = replace(earlier, offset=round(note.onset - _GAP_S, 3))
            note = replace(note, offset=longest)
        latest[note.pitch] = len(result)
        result.append(note)
    return sorted(result)
