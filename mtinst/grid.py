"""The constants that every stage shares: the instruments, 88 pitches, and one time grid.

Time is in seconds outside the network and in frames inside it; only this module converts. Frame ``k`` is centred on
``k * hop_length / sample_rate`` seconds, so it stands for the time half a hop before that to half a hop after.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """One row of the instrument table.

    Parameters
    ----------
    name : str
        Identifier in files and in code, such as ``acoustic_guitar``.
    label : str
        The same for people, such as ``Acoustic guitar``.
    program : int
        General MIDI program, 0-based, that plays it. `other` has the clarinet: even, prompt and soft at every pitch,
        where a pad would take half a second to swell.
    colour : str
        ``#rrggbb``, the same in every picture.
    """

    name: str
    label: str
    program: int
    colour: str


# Colours: Paul Tol's "muted" qualitative scheme, made to stay apart for colour-blind eyes
# (https://personal.sron.nl/~pault/), in an order that keeps instruments often heard together far from each other; the
# voice has the orange of his "vibrant" one.
INSTRUMENTS = (
    Instrument(name="piano", label="Piano", program=0, colour="#88CCEE"),
    Instrument(name="acoustic_guitar", label="Acoustic guitar", program=25, colour="#DDCC77"),
    Instrument(name="electric_guitar", label="Electric guitar", program=27, colour="#CC6677"),
    Instrument(name="trumpet", label="Trumpet", program=56, colour="#999933"),
    Instrument(name="saxophone", label="Saxophone", program=65, colour="#AA4499"),
    Instrument(name="bass", label="Bass", program=33, colour="#332288"),
    Instrument(name="violin", label="Violin", program=40, colour="#44AA99"),
    Instrument(name="cello", label="Cello", program=42, colour="#882255"),
    Instrument(name="flute", label="Flute", program=73, colour="#117733"),
    Instrument(name="voice", label="Voice", program=52, colour="#EE7733"),
    Instrument(name="other", label="Other", program=71, colour="#888888"),
)
N_INSTRUMENTS = len(INSTRUMENTS)
INSTRUMENT_NAMES = tuple(instrument.name for instrument in INSTRUMENTS)
INSTRUMENT_INDEX = {name: index for index, name in enumerate(INSTRUMENT_NAMES)}
NINE = INSTRUMENT_NAMES[:9]
"""The paper's instruments. After them come the voice, which is singing, and any other sound that has a pitch."""


def instrument_named(name: str) -> Instrument:
    """The row of the instrument table called `name`; ValueError when there is none."""
    if name not in INSTRUMENT_INDEX:
        raise ValueError(f"{name!r} is not one of the instruments {', '.join(INSTRUMENT_NAMES)}")
    return INSTRUMENTS[INSTRUMENT_INDEX[name]]


_POSITIVE = ("sample_rate", "hop_length", "n_pitches", "bins_per_semitone", "filter_scale", "dynamic_range_db")


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """How audio becomes a log-CQT, and so the grid that rolls and notes live on.

    The defaults are the paper's (section 4.1): 16 kHz, hop 512, 88 bins from A0, 12 to the octave.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    hop_length : int
        Samples between frames.
    lowest_pitch : int
        MIDI number of row 0; 21 is A0, 27.5 Hz.
    n_pitches : int
        Rows of every roll.
    bins_per_semitone : int
        CQT bins to each row, the middle one on the pitch itself; odd, so that there is one.
    semitones_above : int
        How far the CQT reaches beyond the highest pitch, where nothing is written down but partials sound.
    filter_scale : float
        Length of the CQT's filters, where 1 tells neighbouring bins apart and less is quicker to see an onset.
    dynamic_range_db : float
        Levels this far below the loudest bin of a clip, or further, become 0.

    Examples
    --------
    >>> spec = FeatureSpec()
    >>> spec.frame_rate
    31.25
    >>> spec.frame_to_second(10), spec.second_to_frame(0.33), spec.n_frames(16000)
    (0.32, 10, 32)
    """

    sample_rate: int = 16000
    hop_length: int = 512
    lowest_pitch: int = 21
    n_pitches: int = 88
    bins_per_semitone: int = 1
    semitones_above: int = 0
    filter_scale: float = 1.0
    dynamic_range_db: float = 80.0

    def __post_init__(self) -> None:
        for field in _POSITIVE:
            if getattr(self, field) <= 0:
                raise ValueError(f"{field} must be positive, not {getattr(self, field)}")
        if self.bins_per_semitone % 2 == 0:
            raise ValueError(f"bins_per_semitone must be odd, not {self.bins_per_semitone}")
        if self.semitones_above < 0:
            raise ValueError(f"semitones_above must not be negative, not {self.semitones_above}")

    @property
    def frame_rate(self) -> float:
        """Frames per second, exact."""
        return self.sample_rate / self.hop_length

    @property
    def n_bins(self) -> int:
        """CQT bins in all."""
        return (self.n_pitches + self.semitones_above) * self.bins_per_semitone

    @property
    def lowest_hz(self) -> float:
        """Frequency of the first bin."""
        bins_below = self.bins_per_semitone // 2  # below the middle of row 0
        semitone = self.lowest_pitch - bins_below / self.bins_per_semitone
        return float(CONCERT_HZ * 2.0 ** ((semitone - 69) / 12))

    @property
    def highest_pitch(self) -> int:
        """MIDI number of the last row; 108 is C8, 4186 Hz."""
        return self.lowest_pitch + self.n_pitches - 1

    def frame_to_second(self, frame: float) -> float:
        """Time of the centre of `frame`, or of a place between two centres, in seconds."""
        return frame * self.hop_length / self.sample_rate

    def second_to_frame(self, second: float) -> int:
        """The frame whose centre is nearest to `second`; a time half-way goes to the later one."""
        return math.floor(second * self.sample_rate / self.hop_length + 0.5)

    def n_frames(self, n_samples: int) -> int:
        """How many frames a clip of `n_samples` at ``sample_rate`` has."""
        return 1 + n_samples // self.hop_length


CONCERT_HZ = 440.0
"""Frequency of the A above middle C, pitch 69, unless a song is tuned otherwise."""
SPEC = FeatureSpec()
# Three bins a semitone show vibrato and mistuning, ten semitones more the partials up to 7.6 kHz. A filter of half the
# length for its spacing keeps time as sharp as the paper's, but for a factor of 1.5.
FINE = FeatureSpec(bins_per_semitone=3, semitones_above=10, filter_scale=0.5)
PITCH_CLASSES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
BLACK_KEYS = frozenset({1, 3, 6, 8, 10})


def pitch_name(pitch: int) -> str:
    """The name of a MIDI pitch, with middle C as C4.

    Examples
    --------
    >>> pitch_name(60), pitch_name(21), pitch_name(70)
    ('C4', 'A0', 'A♯4')
    """
    return f"{PITCH_CLASSES[pitch % 12]}{pitch // 12 - 1}"


def pitch_range(pitches: Sequence[int], lowest: int, highest: int) -> tuple[int, int]:
    """The rows to show: those that sound and a little more, two octaves at least.

    Examples
    --------
    >>> pitch_range([60, 64], 21, 108), pitch_range([21, 108], 21, 108), pitch_range([], 21, 108)
    ((50, 74), (21, 108), (48, 84))
    """
    if not pitches:
        return max(lowest, 48), min(highest, 84)
    low, high = min(pitches) - 2, max(pitches) + 2
    missing = max(0, 24 - (high - low))
    return max(lowest, low - missing // 2), min(highest, high + missing - missing // 2)


def short_label(instrument: Instrument) -> str:
    """The label for a phone, such as ``Ac. guitar``."""
    return instrument.label.replace("Acoustic", "Ac.").replace("Electric", "El.")


def clock(second: float, *, tenths: bool = False) -> str:
    """Seconds as minutes and seconds, with hours when there are any.

    Examples
    --------
    >>> clock(0), clock(75), clock(3723), clock(1.5, tenths=True)
    ('0:00', '1:15', '1:02:03', '0:01.5')
    """
    n_tenths = round(max(second, 0.0) * 10) if tenths else round(max(second, 0.0)) * 10
    whole, tenth = divmod(n_tenths, 10)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return f"{text}.{tenth}" if tenths else text
