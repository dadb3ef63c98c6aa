"""What the network says of a song, and the notes that it decodes to.

The probabilities are kept, so that other thresholds give other notes at once, without the network.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from mtinst.edits import Edit, edited
from mtinst.grid import CONCERT_HZ, INSTRUMENT_NAMES, FeatureSpec, FloatArray
from mtinst.hear.audio import unread
from mtinst.hear.beats import ESTIMATED, find_beats
from mtinst.hear.notes import note_confidences, rolls_to_notes
from mtinst.records import Beats, Note, Rolls, Thresholds, Timing

SHORTEST_S = 0.1
"""Clips shorter than this are too short to say anything about."""
LITTLE = 0.1
"""A transcription that sounds during less than this part of the song says so."""
SILENT = "The clip is silent, or nothing in it is within the range of a piano."


@dataclass(frozen=True, kw_only=True, eq=False)
class Analysis:
    """What is known of one song: probabilities, and the notes that they decode to.

    Parameters
    ----------
    rolls : Rolls
        Probabilities, as :attr:`piano_roll`, :attr:`onset_roll`, :attr:`instrument_roll` and :attr:`pitch_roll`.
    levels : ndarray of float32, shape (n_pitches, n_frames)
        The log-CQT in [0, 1], from which velocities are estimated.
    thresholds : Thresholds
        By which :attr:`notes` are decoded.
    duration_s : float
        Of the audio, in seconds.
    spec : FeatureSpec
        Says which pitches the rows are, and when the frames.
    unread_s : float
        About how much of the file was damaged and could not be read, in seconds.
    tuning_hz : float
        Frequency of the song's A above middle C.
    timing : Timing
        What a person says of the beats.
    edits : tuple of Edit
        What a person changed by hand.
    audio : str
        SHA-256 of the file that it was made from, as hexadecimal; empty where there was none.
    """

    rolls: Rolls
    levels: FloatArray
    thresholds: Thresholds
    duration_s: float
    spec: FeatureSpec
    unread_s: float = 0.0
    tuning_hz: float = CONCERT_HZ
    timing: Timing = ESTIMATED
    edits: tuple[Edit, ...] = ()
    audio: str = field(default="", compare=False)

    def __eq__(self, other: object) -> bool:
        """Whether all that was found is the same, number by number, and is to be decoded by the same thresholds."""
        if not isinstance(other, Analysis):
            return NotImplemented
        return all(_are_equal(getattr(self, one.name), getattr(other, one.name)) for one in fields(self) if one.compare)

    __hash__ = None  # type: ignore[assignment]  # arrays have none

    @property
    def piano_roll(self) -> FloatArray:
        """Probability that an instrument sounds a pitch, shape (11, 88, n_frames)."""
        return self.rolls.piano

    @property
    def onset_roll(self) -> FloatArray:
        """Probability that an instrument starts to sound a pitch, shape (11, 88, n_frames)."""
        return self.rolls.onset

    @property
    def instrument_roll(self) -> FloatArray:
        """Probability that an instrument sounds, shape (11, n_frames)."""
        return self.rolls.instrument

    @property
    def pitch_roll(self) -> FloatArray:
        """Probability that a pitch sounds, shape (88, n_frames)."""
        return self.rolls.pitch

    @property
    def frame_rate(self) -> float:
        """Frames per second of every roll."""
        return self.spec.frame_rate

    @cached_property
    def notes(self) -> list[Note]:
        """The notes, sorted, as they are after the edits; decoded when first asked for."""
        return edited(rolls_to_notes(self.rolls, self.thresholds, self.spec, levels=self.levels), self.edits)

    @cached_property
    def beats(self) -> Beats | None:
        """Beats and bars; None where there are too few notes to tell, and nobody does."""
        return find_beats(self.notes, self.timing)

    @property
    def confidences(self) -> list[float]:
        """For each note the mean probability of its frames, to four digits."""
        return [round(float(one), 4) for one in note_confidences(self.notes, self.rolls, self.spec)]

    @property
    def note_counts(self) -> dict[str, int]:
        """Notes of each instrument that has any, in table order."""
        counts = Counter(note.instrument for note in self.notes)
        return {name: counts[name] for name in INSTRUMENT_NAMES if counts[name]}

    @property
    def instruments(self) -> tuple[str, ...]:
        """Names of the instruments that have notes, in table order."""
        return tuple(self.note_counts)

    @property
    def verdict(self) -> str | None:
        """One sentence when little or nothing was found, else None."""
        if self.duration_s < SHORTEST_S:
            return f"The clip lasts only {self.duration_s:.2f} s, too short to tell instruments apart."
        if not self.levels.any():
            return SILENT
        if not self.notes:
            if self.thresholds.instruments != INSTRUMENT_NAMES:
                return "None of the chosen instruments was found."
            return "No notes were found. Drums, speech and noise are not transcribed."
        if _covered_s(self.notes) < LITTLE * self.duration_s:
            n_notes = "one note was" if len(self.notes) == 1 else f"{len(self.notes)} notes were"
            return (
                f"Only {n_notes} found, so most of this song is silence or something that is not transcribed, "
                "such as drums or speech."
            )
        return None

    @property
    def damage(self) -> str | None:
        """One sentence about what of the file could not be read, else None."""
        return unread(self.unread_s)

    def decode(self, thresholds: Thresholds) -> Self:
        """The same song with its notes decoded by other thresholds, without the network."""
        return replace(self, thresholds=thresholds)


def _are_equal(one: Any, other: Any) -> bool:
    """The same for arrays, for rolls of them, and for what can be compared anyhow."""
    if isinstance(one, Rolls):
        return all(map(np.array_equal, one, other))
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else bool(one == other)


def _covered_s(notes: Sequence[Note]) -> float:
    """Seconds in which at least one of the sorted notes sounds."""
    covered, end = 0.0, 0.0
    for note in notes:
        covered += max(0.0, note.offset - max(end, note.onset))
        end = max(end, note.offset)
    return covered
