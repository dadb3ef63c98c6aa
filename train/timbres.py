"""Which sounds play which instrument, and which of them training may use.

A timbre is a soundfont's program or a sample bank. The split is by bank: what is held out here is never trained on, so
that scores on it tell how the weights fare on sounds that they never heard.
"""

from dataclasses import dataclass
from typing import Literal

TimbreSplit = Literal["train", "unseen"]

TRAIN_SOUNDFONTS = ("FluidR3Mono_GM.sf3", "TimGM6mb.sf3", "MuseScore_General_Lite.sf3")
UNSEEN_SOUNDFONTS = ("GeneralUserGS_nine.sf3",)

# 0-based General MIDI programs of each class. Left out: 31 (guitar harmonics, sounds octaves up), 2, 4 and 5 (electric
# pianos, neither piano nor anything else), 38 and 39 (synth basses), 44 and 48 (ensembles).
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
}

# Programs that a soundfont lacks, whole (GeneralUser's 59) or above its lowest octave (32), sounds octaves down (59 of
# the others), or shares with a held-out one (26).
MISSING_PROGRAMS = {
    ("GeneralUserGS_nine.sf3", 32),
    ("GeneralUserGS_nine.sf3", 59),
    ("A320U.sf2", 26),
    ("A320U.sf2", 59),
    ("sonivox.sf2", 59),
}

# What must not be reported: GM programs outside the nine that do not resemble one of them too closely to tell.
OTHER_PROGRAMS = (
    6,
    8,
    11,
    12,
    13,
    16,
    18,
    19,
    21,
    22,
    46,
    47,
    52,
    53,
    57,
    58,
    60,
    68,
    69,
    70,
    71,
    75,
    80,
    81,
    88,
    104,
    108,
)
DRUM_KITS = (0, 0, 8, 16, 25, 32, 40)

SAMPLE_BANKS: dict[TimbreSplit, dict[str, tuple[str, ...]]] = {
    "train": {
        "piano": ("tonejs_piano",),
        "acoustic_guitar": ("philharmonia", "tonejs_guitar_acoustic"),
        "electric_guitar": ("karoryfer_black",),
        "trumpet": ("philharmonia",),
        "saxophone": ("philharmonia", "weresax"),
        "bass": ("growlybass", "tonejs_contrabass"),
        "violin": ("philharmonia",),
        "cello": ("philharmonia",),
        "flute": ("philharmonia",),
    },
    "unseen": {
        "piano": ("splendid",),
        "acoustic_guitar": ("tonejs_guitar_nylon",),
        "electric_guitar": ("karoryfer_green", "tonejs_guitar_electric"),
        "trumpet": ("tonejs_trumpet",),
        "saxophone": (),  # `tonejs_saxophone` holds the recordings of `weresax` again
        "bass": ("meatbass", "tonejs_bass_electric"),
        "violin": ("tonejs_violin",),
        "cello": ("tonejs_cello",),
        "flute": ("tonejs_flute",),
    },
}
# Sample banks outside the nine, as (bank, the instrument's name in the index).
OTHER_BANKS: dict[TimbreSplit, tuple[tuple[str, str], ...]] = {
    "train": (
        ("philharmonia", "viola"),
        ("philharmonia", "clarinet"),
        ("philharmonia", "oboe"),
        ("philharmonia", "horn"),
        ("philharmonia", "trombone"),
        ("philharmonia", "bassoon"),
        ("philharmonia", "tuba"),
        ("philharmonia", "double_bass"),
    ),
    "unseen": (("meatbass", "double_bass"),),
}

# Timbres that parts to train on may have besides. Fixed sets do without, so that scores stay comparable.
MORE_SOUNDFONTS = ("sf_GMbank.sf2", "A320U.sf2", "sonivox.sf2")
# What FreePats has of the nine and of what is outside of them, as 0-based General MIDI programs. Left out: 26 and 27,
# whose recordings a held-out soundfont has too, and 25, a steel guitar that sounds like an electric one.
PATCH_PROGRAMS: dict[str, tuple[int, ...]] = {
    "piano": (0, 1),
    "acoustic_guitar": (24,),
    "electric_guitar": (28, 29, 30),
    "trumpet": (56, 59),
    "saxophone": (64, 65, 66, 67),
    "bass": (32, 33, 34, 35, 36, 37),
    "violin": (40,),
    "cello": (42,),
    "flute": (73,),
    "other": (8, 16, 21, 46, 57, 58, 60, 68, 69, 70, 71, 75),
}

# Classes whose notes die away by themselves; the others hold until they are released.
STRUCK = frozenset({"piano", "acoustic_guitar", "electric_guitar", "bass"})


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
    "saxophone": InstrumentRange(lowest=44, highest=84, polyphony=1),
    "bass": InstrumentRange(lowest=28, highest=60, polyphony=1),
    "violin": InstrumentRange(lowest=55, highest=98, polyphony=2),
    "cello": InstrumentRange(lowest=36, highest=79, polyphony=2),
    "flute": InstrumentRange(lowest=59, highest=96, polyphony=1),
    "other": InstrumentRange(lowest=36, highest=90, polyphony=3),
    "singing": InstrumentRange(lowest=43, highest=62, polyphony=1),
}

# The class that a General MIDI program belongs to, for tracks that are one of the nine as written.
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
}


_PATCHES = "freepats"


def patch_bank(program: int) -> str:
    """The sample bank that FreePats' sounds of a program make."""
    return f"{_PATCHES}_{program:03d}"


def source_of(bank: str) -> str:
    """The collection that a bank is from: FreePats, of which each program is a bank, or the bank itself."""
    return _PATCHES if bank.startswith(f"{_PATCHES}_") else bank
