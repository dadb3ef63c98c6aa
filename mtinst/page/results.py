"""What the studio hands to the page: steps on the way, and results."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtinst.compare import Comparison
from mtinst.edits import edits_from_json
from mtinst.grid import CONCERT_HZ, FloatArray
from mtinst.page.adjustment import Adjustment
from mtinst.records import Timing


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one instrument plays."""

    name: str
    n_notes: int


@dataclass(frozen=True, kw_only=True)
class Scores:
    """How well the notes agree with a reference, of :class:`~mtinst.compare.Comparison`."""

    note_f1: float
    note_instrument_f1: float
    n_hit: int
    n_missed: int
    n_extra: int

    @classmethod
    def of(cls, comparison: Comparison) -> "Scores":
        """The numbers of a comparison."""
        n_hit = sum(comparison.hit)
        return cls(
            note_f1=comparison.note_f1,
            note_instrument_f1=comparison.note_instrument_f1,
            n_hit=n_hit,
            n_missed=len(comparison.reference) - n_hit,
            n_extra=sum(comparison.extra),
        )


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The notes of a song as far as it was heard.

    Parameters
    ----------
    title : str
    source_key : str
        Of the song, the same as that of its result.
    folder : Path
        Entry of the cache with ``song.json``.
    heard_s, duration_s : float
        How much of the song it holds, and how long that is.
    n_notes : int
    """

    title: str
    source_key: str
    folder: Path
    heard_s: float
    duration_s: float
    n_notes: int


@dataclass(frozen=True, kw_only=True)
class Working:
    """A step on the way: what goes on, how far it is, who was heard so far, and now and then the notes so far."""

    message: str
    fraction: float
    heard: FloatArray | None = None
    share_heard: float = 0.0
    preview: Preview | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """A song on the page.

    The folders are entries of the cache. The name of `view_folder` is the key by which :meth:`Studio.open` finds the
    result again; `files_folder` is None while the parts are being played; `reference_key` names the right notes that
    were brought, and `scores` says how well those were found.
    """

    title: str
    source_key: str
    source_folder: Path
    view_folder: Path
    files_folder: Path | None
    adjustment: Adjustment
    reference_key: str | None = None
    duration_s: float
    parts: tuple[Part, ...]
    verdict: str | None
    damage: str | None = None
    tuning_hz: float = CONCERT_HZ
    scores: Scores | None = None

    @property
    def key(self) -> str:
        """Names the result in links."""
        return self.view_folder.name


def adjustment_from_json(record: Mapping[str, Any]) -> Adjustment:
    """An adjustment that went through JSON, where tuples become lists."""
    instruments = record["instruments"]
    return Adjustment(
        onset=record["onset"],
        frame=record["frame"],
        shortest_s=record["shortest_s"],
        sensitivity=tuple(record["sensitivity"]),
        instruments=None if instruments is None else tuple(instruments),
        edits=edits_from_json(record["edits"]),
        timing=Timing.from_json(record["timing"]),
    )
