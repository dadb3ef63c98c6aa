"""What passes between the stages: notes, the thresholds that make them, and rolls of probabilities."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, replace
from functools import total_ordering
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtinst.grid import (
    INSTRUMENT_INDEX,
    INSTRUMENT_NAMES,
    INSTRUMENTS,
    N_INSTRUMENTS,
    NINE,
    SPEC,
    FeatureSpec,
    FloatArray,
    instrument_named,
)

DEFAULT_VELOCITY = 80
RESOLUTION = 1024
"""The large rolls are rounded to this many steps: finer than any threshold, and files become a tenth the size."""
SLOWEST, FASTEST = 20.0, 400.0
"""Beats a minute that a person may ask for."""
MOST_PER_BAR = 12
LATEST_S = 1e6
TOUCHING_S = 0.5 / SPEC.frame_rate
"""Notes that overlap by less follow each other: one may end on the frame grid, and the other begin between frames."""


@total_ordering
@dataclass(frozen=True)
class Note:
    """One note of one instrument.

    Notes sort by onset, then pitch, then instrument in table order.

    Parameters
    ----------
    onset, offset : float
        In seconds; the offset is after the onset.
    pitch : int
        MIDI number, 60 is middle C.
    instrument : str
        A name of the instrument table.
    velocity : int
        1 to 127.

    Raises
    ------
    ValueError
        If a field is out of its range.

    Examples
    --------
    >>> Note(0.32, 0.64, pitch=60)
    Note(onset=0.32, offset=0.64, pitch=60, instrument='piano', velocity=80)
    >>> Note(0.32, 0.64, pitch=60) < Note(0.32, 0.48, pitch=64)
    True
    """

    onset: float
    offset: float
    _: KW_ONLY
    pitch: int
    instrument: str = "piano"
    velocity: int = DEFAULT_VELOCITY

    def __post_init__(self) -> None:
        if not (math.isfinite(self.onset) and math.isfinite(self.offset) and 0 <= self.onset < self.offset):
            raise ValueError(f"a note must have 0 <= onset < offset, not {self.onset} and {self.offset}")
        if not 0 <= self.pitch <= 127:
            raise ValueError(f"pitch must be a MIDI number from 0 to 127, not {self.pitch}")
        if not 1 <= self.velocity <= 127:
            raise ValueError(f"velocity must be from 1 to 127, not {self.velocity}")
        instrument_named(self.instrument)

    def __lt__(self, other: "Note") -> bool:
        return self._sort_key < other._sort_key

    @property
    def duration(self) -> float:
        """In seconds."""
        return self.offset - self.onset

    @property
    def _sort_key(self) -> tuple[float, int, int, float, int]:
        return self.onset, self.pitch, INSTRUMENT_INDEX[self.instrument], self.offset, self.velocity


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """When probabilities count as notes.

    Parameters
    ----------
    onset : tuple of float, one for each instrument in table order
        A note may start where a local maximum of the onset probability exceeds this.
    frame : tuple of float, one for each instrument
        A note sounds where the frame probability exceeds this.
    presence : tuple of float, one for each instrument
        An instrument whose :func:`presence` is below this is not reported.
    shortest_s : float
        Notes shorter than this many seconds are dropped.
    gap_s : float
        Gaps inside a note of at most this many seconds are bridged.
    unison : float
        When several instruments claim the same note, those stay whose probability is at least this share of the most
        probable one's: 0 lets all play in unison, 1 leaves each note to one.
    pitch : float
        A pitch that is more probable than this sounds, whoever plays it: when no instrument claims such a note, the
        most probable one gets it. 1 leaves it out.
    instruments : tuple of str
        Only these instruments are reported.

    Raises
    ------
    ValueError
        If a tuple is not a probability for each instrument, a number is out of its range, or an instrument is unknown
        or named twice.

    Examples
    --------
    >>> thresholds = Thresholds.uniform(frame=0.3)
    >>> Thresholds.from_json(thresholds.to_json()) == thresholds
    True
    """

    onset: tuple[float, ...]
    frame: tuple[float, ...]
    presence: tuple[float, ...]
    shortest_s: float
    gap_s: float
    unison: float = 0.0
    pitch: float = 1.0
    instruments: tuple[str, ...] = INSTRUMENT_NAMES

    def __post_init__(self) -> None:
        for field in ("onset", "frame", "presence"):
            values = getattr(self, field)
            if len(values) != N_INSTRUMENTS or not all(0 <= value <= 1 for value in values):
                raise ValueError(f"{field} must be {N_INSTRUMENTS} probabilities, one an instrument, not {values}")
        for field in ("shortest_s", "gap_s"):
            value = getattr(self, field)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{field} must be a time of at least 0 s, not {value}")
        if not 0 <= self.unison <= 1:
            raise ValueError(f"unison must be a share from 0 to 1, not {self.unison}")
        if not 0 <= self.pitch <= 1:
            raise ValueError(f"pitch must be a probability, not {self.pitch}")
        for name in self.instruments:
            instrument_named(name)
        if len(set(self.instruments)) != len(self.instruments):
            raise ValueError(f"an instrument is named twice in {', '.join(self.instruments)}")

    @classmethod
    def uniform(
        cls,
        *,
        onset: float = 0.5,
        frame: float = 0.5,
        presence: float = 0.5,
        shortest_s: float = 0.06,
        gap_s: float = 0.04,
        unison: float = 0.0,
        pitch: float = 1.0,
    ) -> "Thresholds":
        """The same values for every instrument."""
        return cls(
            onset=(onset,) * N_INSTRUMENTS,
            frame=(frame,) * N_INSTRUMENTS,
            presence=(presence,) * N_INSTRUMENTS,
            shortest_s=shortest_s,
            gap_s=gap_s,
            unison=unison,
            pitch=pitch,
        )

    def to_json(self) -> dict[str, Any]:
        """A plain dict that :func:`json.dumps` takes; what differs between instruments is keyed by their names."""
        per_instrument = {
            field: dict(zip(INSTRUMENT_NAMES, getattr(self, field), strict=True))
            for field in ("onset", "frame", "presence")
        }
        return per_instrument | {
            "shortest_s": self.shortest_s,
            "gap_s": self.gap_s,
            "unison": self.unison,
            "pitch": self.pitch,
            "instruments": list(self.instruments),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Thresholds":
        """The inverse of :meth:`to_json`; ValueError for anything else.

        Those of the time when there were nine instruments have a threshold of 1 for the others, and all nine of them
        means all; those of the time before `pitch` have 1 there.
        """
        try:
            is_of_nine = set(record["onset"]) == set(NINE)
            instruments = tuple(record["instruments"])
            per_instrument = {
                field: tuple(
                    float(record[field][name] if name in NINE else record[field].get(name, 1.0))
                    for name in INSTRUMENT_NAMES
                )
                for field in ("onset", "frame", "presence")
            }
            return cls(
                shortest_s=float(record["shortest_s"]),
                gap_s=float(record["gap_s"]),
                unison=float(record["unison"]),
                pitch=float(record.get("pitch", 1.0)),
                instruments=INSTRUMENT_NAMES if is_of_nine and instruments == NINE else instruments,
                **per_instrument,
            )
        except KeyError as error:
            raise ValueError(f"thresholds lack the entry {error}") from error
        except (AttributeError, OverflowError, TypeError) as error:
            raise ValueError(f"thresholds hold an entry of the wrong type: {error}") from error


@dataclass(frozen=True, kw_only=True)
class Beats:
    """The beats of a song, and which of them begin a bar.

    Parameters
    ----------
    times : tuple of float
        In seconds, ascending, two at least. Before the first and after the last, beats go on at the median pace.
    per_bar : int
        Beats of a bar.
    first_downbeat : int
        Index of the first beat that begins a bar, less than `per_bar`.

    Raises
    ------
    ValueError
        If a field is out of its range.

    Examples
    --------
    >>> beats = Beats(times=(0.5, 1.0, 1.5, 2.0), per_bar=3, first_downbeat=1)
    >>> beats.tempo, float(beats.position(1.25)), float(beats.second(-1))
    (120.0, 1.5, 0.0)
    """

    times: tuple[float, ...]
    per_bar: int = 4
    first_downbeat: int = 0

    def __post_init__(self) -> None:
        if len(self.times) < 2 or not all(np.isfinite(self.times)) or not all(np.diff(self.times) > 0):
            raise ValueError("beats must be two ascending times at least")
        if self.per_bar < 1 or not 0 <= self.first_downbeat < self.per_bar:
            raise ValueError(f"beat {self.first_downbeat} cannot be the first of a bar of {self.per_bar}")

    @property
    def tempo(self) -> float:
        """Beats a minute, by the median distance."""
        return round(60.0 / self._period_s, 2)

    @property
    def downbeats(self) -> tuple[float, ...]:
        """The beats that begin a bar, in seconds."""
        return self.times[self.first_downbeat :: self.per_bar]

    def position(self, second: ArrayLike) -> NDArray[np.float64]:
        """Where times in seconds fall, in beats from the first one."""
        return _interpolated(second, np.array(self.times), np.arange(float(len(self.times))), 1 / self._period_s)

    def second(self, position: ArrayLike) -> NDArray[np.float64]:
        """The inverse of :meth:`position`."""
        return _interpolated(position, np.arange(float(len(self.times))), np.array(self.times), self._period_s)

    @property
    def unit(self) -> int:
        """The note value of a beat: a quarter, and an eighth where six are a bar."""
        return 8 if self.per_bar == 6 else 4

    def at_pace(self, pace: float, position: float | None = None) -> "Beats":
        """So many beats for each of these; a bar begins at that position, or where the first one did.

        Examples
        --------
        >>> Beats(times=(0.0, 0.5, 1.0, 1.5, 2.0), first_downbeat=1).at_pace(1 / 2)
        Beats(times=(0.5, 1.5), per_bar=4, first_downbeat=0)
        """
        step = 1 / pace
        n_before, start = divmod(self.first_downbeat if position is None else position, step)
        n_beats = max(2, 1 + math.floor((len(self.times) - 1 - start) / step + 1e-9))
        times = self.second(start + step * np.arange(n_beats))
        return replace(self, times=tuple(times.tolist()), first_downbeat=round(n_before) % self.per_bar)

    @property
    def _period_s(self) -> float:
        return float(np.median(np.diff(self.times)))


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What a person says of the beats; the rest is estimated.

    Parameters
    ----------
    tempo : float, optional
        Beats a minute, about.
    per_bar : int, optional
        Beats of a bar; six of them are eighths, else they are quarters.
    bar_s : float, optional
        When a bar begins, in seconds, about.

    Raises
    ------
    ValueError
        If a field is out of its range.

    Examples
    --------
    >>> Timing.from_json(Timing(tempo=92.0).to_json())
    Timing(tempo=92.0, per_bar=None, bar_s=None)
    """

    tempo: float | None = None
    per_bar: int | None = None
    bar_s: float | None = None

    def __post_init__(self) -> None:
        if self.tempo is not None and not SLOWEST <= self.tempo <= FASTEST:
            raise ValueError(f"a tempo must be from {SLOWEST:g} to {FASTEST:g} beats a minute, not {self.tempo}")
        if self.per_bar is not None and not 1 <= self.per_bar <= MOST_PER_BAR:
            raise ValueError(f"a bar must have from 1 to {MOST_PER_BAR} beats, not {self.per_bar}")
        if self.bar_s is not None and not 0 <= self.bar_s <= LATEST_S:
            raise ValueError(f"a bar must begin from 0 to {LATEST_S:g} s, not at {self.bar_s}")

    def to_json(self) -> dict[str, Any]:
        """A plain dict that :func:`json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Timing":
        """The inverse of :meth:`to_json`; ValueError for anything else."""
        try:
            tempo, per_bar, bar_s = record["tempo"], record["per_bar"], record["bar_s"]
            return cls(
                tempo=None if tempo is None else float(tempo),
                per_bar=None if per_bar is None else int(per_bar),
                bar_s=None if bar_s is None else float(bar_s),
            )
        except (KeyError, OverflowError, TypeError) as error:
            raise ValueError(f"a timing is not as it should be: {error}") from error


class Rolls(NamedTuple):
    """What the network heard, as probabilities, float32 in [0, 1].

    Parameters
    ----------
    piano : ndarray, shape (n_instruments, n_pitches, n_frames)
        That this instrument sounds this pitch.
    onset : ndarray, shape (n_instruments, n_pitches, n_frames)
        That it starts to.
    instrument : ndarray, shape (n_instruments, n_frames)
        That it sounds at all.
    pitch : ndarray, shape (n_pitches, n_frames)
        That any of them sounds this pitch.
    """

    piano: FloatArray
    onset: FloatArray
    instrument: FloatArray
    pitch: FloatArray

    @classmethod
    def zeros(cls, n_frames: int, spec: FeatureSpec = SPEC) -> "Rolls":
        """Rolls in which nothing was heard."""
        return cls(
            piano=np.zeros((N_INSTRUMENTS, spec.n_pitches, n_frames), np.float32),
            onset=np.zeros((N_INSTRUMENTS, spec.n_pitches, n_frames), np.float32),
            instrument=np.zeros((N_INSTRUMENTS, n_frames), np.float32),
            pitch=np.zeros((spec.n_pitches, n_frames), np.float32),
        )

    @property
    def n_frames(self) -> int:
        """Frames, the same in each roll."""
        return int(self.piano.shape[-1])

    def between(self, first: int, end: int) -> "Rolls":
        """A view of the frames from `first` up to, not including, `end`."""
        return Rolls(*(roll[..., first:end] for roll in self))


def round_roll(roll: FloatArray) -> None:
    """Round probabilities to `RESOLUTION` steps, in place and without a copy of the whole."""
    for part in roll:
        np.multiply(part, RESOLUTION, out=part)
        np.rint(part, out=part)
        np.divide(part, RESOLUTION, out=part)


def for_all(roll: FloatArray, n_known: int) -> FloatArray:
    """A roll of the first `n_known` instruments, with a silent row for each of the others after it.

    Examples
    --------
    >>> for_all(np.ones((9, 88, 32), np.float32), 9).shape
    (11, 88, 32)
    """
    return np.pad(roll, [(0, N_INSTRUMENTS - n_known), *[(0, 0)] * (roll.ndim - 1)])


def row_shares(notes: Sequence[Note]) -> list[tuple[int, int]]:
    """Which share of its row each note is drawn in, when notes of one pitch sound together.

    Returns
    -------
    list of (int, int)
        For each note, its share counted from below and how many shares there are. Instruments take them in the order of
        the instrument table, the first on top.

    Examples
    --------
    >>> row_shares([Note(0.0, 1.0, pitch=60, instrument="violin"), Note(0.5, 2.0, pitch=60, instrument="piano")])
    [(0, 2), (1, 2)]
    >>> row_shares([Note(0.0, 1.0, pitch=60), Note(1.0, 2.0, pitch=60), Note(0.0, 2.0, pitch=61)])
    [(0, 1), (0, 1), (0, 1)]
    """
    order = {row.name: index for index, row in enumerate(INSTRUMENTS)}
    chain_of: dict[int, set[str]] = {}  # note -> the instruments of the chain of overlapping notes that it is part of
    chain_end: dict[int, tuple[float, set[str]]] = {}  # pitch -> its last chain and when that ends
    for index in sorted(range(len(notes)), key=lambda k: notes[k].onset):
        note = notes[index]
        end_s, names = chain_end.get(note.pitch, (0.0, set()))
        if note.onset > end_s - TOUCHING_S:
            names = set()
        names.add(note.instrument)
        chain_end[note.pitch] = (max(end_s, note.offset), names)
        chain_of[index] = names
    shares = []
    for index, note in enumerate(notes):
        names = chain_of[index]
        from_below = sorted(names, key=order.__getitem__, reverse=True)
        shares.append((from_below.index(note.instrument), len(names)))
    return shares


def _interpolated(
    x: ArrayLike, known: NDArray[np.float64], values: NDArray[np.float64], slope: float
) -> NDArray[np.float64]:
    """Between known points in a line, beyond them at a slope."""
    x = np.asarray(x, np.float64)
    beyond = np.minimum(x - known[0], 0) + np.maximum(x - known[-1], 0)
    result: NDArray[np.float64] = np.interp(x, known, values) + slope * beyond
    return result
