"""Which sounds play which instrument, and which of them training may use.

A timbre is a soundfont's program, a bank of recorded notes or a singer. The split is by bank: what is held out is never
trained on, so that scores on it tell how the weights fare on sounds that they never met. Of recorded notes and
singers, ``index.csv`` beside them says which side they are on.
"""

from dataclasses import dataclass
from typing import Literal

from mtinst.grid import NINE

TimbreSplit = Literal["train", "unseen"]

TRAIN_SOUNDFONTS = ("FluidR3Mono_GM.sf3", "TimGM6mb.sf3", "MuseScore_General_Lite.sf3")
UNSEEN_SOUNDFONTS = ("GeneralUserGS_nine.sf3",)

# 0-based General MIDI programs of each class. Left out: 31 (guitar harmonics, sounds octaves up), 2 (an electric
# grand), 38 and 39 (synth basses). Of the others, those that sound at another octave than is written in one of the
# soundfonts (6, 9, 15 to 19, 47, 106), and those that take more than 0.2 s to sound (49, 63, 72, 89).
PROGRAMS: dict[str, tuple[int, ...]] = {
    "piano": (0, 0, 0, 1, 3),
    "acoustic_guitar": (24, 25),
    "electric_guitar": (26, 27, 28, 29, 30),
    "trumpet": (56, 56, 59),
    "saxophone": (64, 65, 66, 67),
    "bass": (32, 33, 34, 35, 36, 37),
    "violin": (40,),
    "cello": (42,),
    "flute": (73,),
    "voice": (52, 53, 54),
    "other": (
        *(4, 5, 8, 11, 12, 13, 20, 21, 22, 23, 41, 43, 44, 45, 46, 48, 50, 51, 57, 58, 60, 61, 62, 68, 69, 70, 71, 74),
        *(75, 79, 80, 81, 82, 85, 87, 88, 90, 104, 105, 107, 108, 109, 111, 114),
    ),
    "drums": (0, 0, 8, 16, 25, 32, 40),
}

# Programs that a soundfont lacks, whole (GeneralUser's 59) or above its lowest octave (32), or sounds octaves down.
MISSING_PROGRAMS = {
    ("GeneralUserGS_nine.sf3", 32),
    ("GeneralUserGS_nine.sf3", 59),
    ("TimGM6mb.sf3", 107),
}

# Instruments of the index whose notes die away by themselves; the others hold until they are released.
_STRUCK = frozenset(
    (
        *("piano", "acoustic_guitar", "electric_guitar", "bass", "banjo", "bell", "clavinet", "electric_grand"),
        *("electric_piano", "gamelan", "glockenspiel", "harp", "harpsichord", "kalimba", "koto", "mallet", "mandolin"),
        *("marimba", "sitar", "steel_drum", "ukulele", "vibraphone", "xylophone"),
    )
)


def class_of(instrument: str) -> str:
    """What an instrument of an index counts as: one of the nine, ``voice``, ``drums`` or ``other``."""
    if instrument in (*NINE, "voice", "drums"):
        return instrument
    return "drums" if instrument == "percussion" else "other"


def is_struck(instrument: str, articulation: str) -> bool:
    """Whether such a note dies away by itself, struck or plucked."""
    return instrument in _STRUCK or "pizz" in articulation


@dataclass(frozen=True, kw_only=True)
class InstrumentRange:
    """What an instrument can play: MIDI pitches and how many notes at once."""

    lowest: int
    highest: int
    polyphony: int


# Sounding ranges as orchestration handbooks give them, rounded to what the sample banks cover.
RANGES: dict[str, InstrumentRange] = {
    "piano": InstrumentRange(lowest=21, highest=108, polyphony=12),
    "acoustic_guitar": InstrumentRange(lowest=40, highest=83, polyphony=6),
    "electric_guitar": InstrumentRange(lowest=40, highest=86, polyphony=6),
    "trumpet": InstrumentRange(lowest=54, highest=84, polyphony=1),
    "saxophone": InstrumentRange(lowest=37, highest=88, polyphony=1),
    "bass": InstrumentRange(lowest=28, highest=60, polyphony=1),
    "violin": InstrumentRange(lowest=55, highest=98, polyphony=2),
    "cello": InstrumentRange(lowest=36, highest=79, polyphony=2),
    "flute": InstrumentRange(lowest=59, highest=96, polyphony=1),
    "voice": InstrumentRange(lowest=41, highest=84, polyphony=1),
    "other": InstrumentRange(lowest=30, highest=96, polyphony=3),
}

# The class that a General MIDI program belongs to, for tracks whose instrument has a name here.
CLASS_OF_PROGRAM: dict[int, str] = {
    **dict.fromkeys(range(4), "piano"),
    **dict.fromkeys((24, 25), "acoustic_guitar"),
    **dict.fromkeys(range(26, 31), "electric_guitar"),
    **dict.fromkeys((56, 59), "trumpet"),
    **dict.fromkeys(range(64, 68), "saxophone"),
    **dict.fromkeys(range(32, 40), "bass"),
    40: "violin",
    42: "cello",
    73: "flute",
    **dict.fromkeys((52, 53, 54, 85, 91), "voice"),
}
