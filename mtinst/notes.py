"""Rolls of probabilities to notes, and notes back to rolls.

A roll has the shape (instrument, pitch, frame). A note that sounds in the frames ``first`` to ``last`` has the onset
``spec.frame_to_second(first)`` and the offset ``spec.frame_to_second(last + 1)``, so that notes which touch share that
time, and what is drawn is what the MIDI file plays, to the frame.
"""

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from functools import total_ordering
from typing import Any

from mtinst.spec import INSTRUMENT_INDEX, INSTRUMENT_NAMES, N_INSTRUMENTS, instrument_named

DEFAULT_VELOCITY = 80


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
        An instrument whose smoothed instrument roll never reaches this is not reported.
    shortest_s : float
        Notes shorter than this many seconds are dropped.
    gap_s : float
        Gaps inside a note of at most this many seconds are bridged.
    instruments : tuple of str
        Only these instruments are reported.

    Raises
    ------
    ValueError
        If a tuple does not have nine probabilities, a time is negative, or an instrument is unknown or named twice.

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
    ) -> "Thresholds":
        """The same values for every instrument."""
        return cls(
            onset=(onset,) * N_INSTRUMENTS,
            frame=(frame,) * N_INSTRUMENTS,
            presence=(presence,) * N_INSTRUMENTS,
            shortest_s=shortest_s,
            gap_s=gap_s,
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
            "instruments": list(self.instruments),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Thresholds":
        """The inverse of :meth:`to_json`; ValueError for anything else."""
        try:
            per_instrument = {
                field: tuple(float(record[field][name]) for name in INSTRUMENT_NAMES)
                for field in ("onset", "frame", "presence")
            }
            return cls(
                shortest_s=float(record["shortest_s"]),
                gap_s=float(record["gap_s"]),
                instruments=tuple(record["instruments"]),
                **per_instrument,
            )
        except KeyError as error:
            raise ValueError(f"thresholds lack the entry {error}") from error
        except TypeError as error:
            raise ValueError(f"thresholds hold an entry of the wrong type: {error}") from error
