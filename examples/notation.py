"""Scores as text: one string a voice, read from left to right, one token a note.

A voice looks like ``!p E5:.25 D#5 | E D# E B4 D5 C | A4:.5 r:.25 {C E A}``:

``C#5:1.5``
    A pitch (C4 is MIDI 60) and its length in quarter notes, which may be a fraction such as ``1/3``. An octave or a
    length that is left out is that of the note before.
``A3+C#4+E:2``
    A chord.
``r:1``
    A rest.
``C5:2~ C:.5``
    A tie: one note of 2.5 beats.
``C5:1'`` and ``C5:1>``
    Staccato and accent; marks may be combined.
``{A2:.5 E3 A}``
    Each of these notes rings on to the closing brace, as under a piano's pedal or on a guitar's open strings.
``!mf``, ``!p<``
    Dynamics, from ``!pp`` to ``!ff``. With ``<`` the level moves in a straight line to the next mark.
``|``
    A bar line. It is checked: a bar of the wrong length is refused.

Drums use letters in place of pitches, see :data:`DRUM_KEYS`.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction

DYNAMICS = {"pp": 42, "p": 54, "mp": 66, "mf": 78, "f": 92, "ff": 106}
DRUM_KEYS = {"K": 36, "X": 37, "S": 38, "H": 42, "T": 45, "O": 46, "C": 49, "R": 51}
"""Kick, side stick, snare, closed hi-hat, tom, open hi-hat, crash, ride: General MIDI keys."""

_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_TOKEN = re.compile(r"(?P<pitches>[A-Z][A-Za-z0-9#+]*|r)(?::(?P<beats>[0-9./]+))?(?P<marks>[~'>]*)")
_PITCH = re.compile(r"(?P<letter>[A-G])(?P<accidental>[#b]?)(?P<octave>[0-9]?)")


@dataclass(frozen=True, kw_only=True)
class ScoreNote:
    """One note as written; times in quarter notes from the start of the voice."""

    start: Fraction
    end: Fraction
    pitch: int
    level: float = float(DYNAMICS["mf"])
    is_staccato: bool = False
    is_accented: bool = False
    is_ringing: bool = False


def parse_voice(
    text: str, *, bar_beats: Fraction | float = 4, pickup_beats: Fraction | float = 0, drums: bool = False
) -> list[ScoreNote]:
    """Read one voice.

    Parameters
    ----------
    text : str
        Tokens as described at the top of this module.
    bar_beats, pickup_beats : Fraction or float
        Length of a bar, and of what stands before the first full one, in quarter notes.
    drums : bool
        Read letters out of :data:`DRUM_KEYS` in place of pitches.

    Returns
    -------
    list of ScoreNote
        Sorted by start, then pitch.

    Raises
    ------
    ValueError
        If a token makes no sense or a bar has the wrong length.

    Examples
    --------
    >>> [(note.pitch, float(note.end - note.start)) for note in parse_voice("C4:1 E G:1.5~ G:.5 |")]
    [(60, 1.0), (64, 1.0), (67, 2.0)]
    """
    reader = _Reader(Fraction(bar_beats), Fraction(pickup_beats), drums)
    for token in re.findall(r"[{}|]|[^\s{}|]+", text):
        reader.read(token)
    return reader.finish()


class _Reader:
    """What carries over from one token to the next."""

    def __init__(self, bar_beats: Fraction, pickup_beats: Fraction, drums: bool) -> None:
        self.bar_beats, self.pickup_beats, self.drums = bar_beats, pickup_beats, drums
        self.now = Fraction(0)
        self.beats = Fraction(1)
        self.octave: int | None = None
        self.notes: list[ScoreNote] = []
        self.tied: dict[int, int] = {}  # pitch -> index of the note that the next one of that pitch prolongs
        self.ringing_from: int | None = None  # index of the first note inside the braces
        self.levels: list[tuple[Fraction, float, bool]] = []  # beat, level, whether it moves to the next one

    def read(self, token: str) -> None:
        """Take in one token."""
        if token == "|":
            self._check_bar()
        elif token == "{":
            self.ringing_from = len(self.notes)
        elif token == "}":
            self._end_ringing()
        elif token.startswith("!"):
            name = token[1:].removesuffix("<")
            if name not in DYNAMICS:
                raise ValueError(f"{token!r} is not a dynamic: {', '.join(DYNAMICS)}")
            self.levels.append((self.now, float(DYNAMICS[name]), token.endswith("<")))
        else:
            self._read_notes(token)

    def finish(self) -> list[ScoreNote]:
        """All notes, each with the level that the dynamics give it."""
        if self.tied:
            raise ValueError("the last note is tied to nothing")
        if self.ringing_from is not None:
            raise ValueError("an opening brace has no closing one")
        notes = [replace(note, level=self._level_at(note.start)) for note in self.notes]
        return sorted(notes, key=lambda note: (note.start, note.pitch))

    def _read_notes(self, token: str) -> None:
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise ValueError(f"cannot read {token!r} at beat {float(self.now)}")
        if match["beats"]:
            self.beats = Fraction(match["beats"])
        end = self.now + self.beats
        tied, self.tied = self.tied, {}
        if match["pitches"] != "r":
            for name in match["pitches"].split("+"):
                pitch = self._pitch(name)
                if pitch in tied:
                    index = tied.pop(pitch)
                    self.notes[index] = replace(self.notes[index], end=end)
                else:
                    index = len(self.notes)
                    self.notes.append(
                        ScoreNote(
                            start=self.now,
                            end=end,
                            pitch=pitch,
                            is_staccato="'" in match["marks"],
                            is_accented=">" in match["marks"],
                        )
                    )
                if "~" in match["marks"]:
                    self.tied[pitch] = index
        if tied:
            raise ValueError(f"a note tied to {token!r} at beat {float(self.now)} is not in it")
        self.now = end

    def _pitch(self, name: str) -> int:
        if self.drums:
            if name not in DRUM_KEYS:
                raise ValueError(f"{name!r} is not a drum: {', '.join(DRUM_KEYS)}")
            return DRUM_KEYS[name]
        match = _PITCH.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} is not a pitch")
        if match["octave"]:
            self.octave = int(match["octave"])
        if self.octave is None:
            raise ValueError(f"the first pitch, {name!r}, needs an octave")
        accidental = {"#": 1, "b": -1, "": 0}[match["accidental"]]
        return 12 * (self.octave + 1) + _SEMITONES[match["letter"]] + accidental

    def _check_bar(self) -> None:
        if (self.now - self.pickup_beats) % self.bar_beats:
            bar = 1 + (self.now - self.pickup_beats) // self.bar_beats
            raise ValueError(f"bar {bar} ends at beat {float(self.now)}, which is no bar line")

    def _end_ringing(self) -> None:
        if self.ringing_from is None:
            raise ValueError("a closing brace has no opening one")
        for index in range(self.ringing_from, len(self.notes)):
            self.notes[index] = replace(self.notes[index], end=self.now, is_ringing=True)
        self.ringing_from = None

    def _level_at(self, beat: Fraction) -> float:
        index = bisect_right([start for start, _, _ in self.levels], beat) - 1
        if index < 0:
            return float(DYNAMICS["mf"])
        start, level, is_moving = self.levels[index]
        if not is_moving or index + 1 == len(self.levels):
            return level
        end, target, _ = self.levels[index + 1]
        return level + (target - level) * float((beat - start) / (end - start))
