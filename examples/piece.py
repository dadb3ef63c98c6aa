"""Who plays what, on which timbre, how fast and where on the stage: the records that every score fills in."""

from dataclasses import dataclass
from fractions import Fraction

from mtinst.grid import INSTRUMENT_NAMES

DRUMS = "drums"


@dataclass(frozen=True, kw_only=True)
class Timbre:
    """What makes the sound: a soundfont's program, a bank of recorded notes, or neither for the drums.

    Parameters
    ----------
    program : int or None
        0-based General MIDI program of the soundfont.
    bank : str or None
        Folder of recorded single notes.
    drive : float
        Above 0, the stem goes through a soft clipper and a loudspeaker's low-pass, as in a guitar amplifier.
    """

    program: int | None = None
    bank: str | None = None
    drive: float = 0.0

    def __post_init__(self) -> None:
        if self.program is not None and self.bank is not None:
            raise ValueError("a timbre is a program or a bank, not both")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One player.

    Parameters
    ----------
    instrument : str
        A name of the instrument table, or ``drums``. Two players may share an instrument.
    timbre : Timbre
        What it is rendered with.
    voices : tuple of str
        Scores in the language of :mod:`examples.notation`, sounding together.
    level_db : float
        Loudness in the mix; only differences between parts matter.
    pan : float
        From -1, left, to 1, right.
    legato : float
        How much of its written length a note sounds.
    lag_ms : float
        How far this player sits behind the beat.
    """

    instrument: str
    timbre: Timbre
    voices: tuple[str, ...]
    level_db: float = 0.0
    pan: float = 0.0
    legato: float = 0.94
    lag_ms: float = 0.0

    def __post_init__(self) -> None:
        if self.instrument not in (*INSTRUMENT_NAMES, DRUMS):
            raise ValueError(f"{self.instrument!r} is neither one of the instruments nor {DRUMS!r}")
        if not -1 <= self.pan <= 1:
            raise ValueError(f"pan must be from -1 to 1, not {self.pan}")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One example song.

    Parameters
    ----------
    slug : str
        Name of its files.
    title, origin : str
        For ``SOURCES.md``: what it is; who wrote it, when, and why it is free to use.
    parts : tuple of Part
        The players.
    tempo : tuple of (float, float)
        Pairs of beat and quarter notes a minute; the tempo moves in a straight line between them.
    bar_beats, pickup_beats : Fraction
        Metre, in quarter notes.
    rubato : float
        How far the tempo breathes within each four bars, as a part of itself.
    swing : float
        Where the second eighth of a beat falls: 0.5 is straight, 0.667 a triplet.
    reverb_s : float
        Time in which the room's echo falls by 60 dB.
    wet_db : float
        Level of the echo against the direct sound.
    """

    slug: str
    title: str
    origin: str
    parts: tuple[Part, ...]
    tempo: tuple[tuple[float, float], ...]
    bar_beats: Fraction = Fraction(4)
    pickup_beats: Fraction = Fraction(0)
    rubato: float = 0.01
    swing: float = 0.5
    reverb_s: float = 1.2
    wet_db: float = -14.0
