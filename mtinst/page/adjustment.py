"""How a person moved what counts as a note."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from mtinst.edits import Edit, edits_to_json
from mtinst.grid import N_INSTRUMENTS
from mtinst.hear.beats import ESTIMATED
from mtinst.records import Thresholds, Timing

NEUTRAL = (0.0,) * N_INSTRUMENTS


@dataclass(frozen=True, kw_only=True)
class Adjustment:
    """How far a person moved the thresholds away from the checkpoint's.

    Parameters
    ----------
    onset, frame : float
        Log-odds by which the thresholds of that kind are lowered: above 0, more counts as a note.
    shortest_s : float, optional
        Notes shorter than this are dropped; None leaves it to the checkpoint.
    sensitivity : tuple of float, one for each instrument in table order
        Log-odds by which all its thresholds are lowered besides.
    instruments : tuple of str, optional
        Only these are reported; None leaves it to the checkpoint. In table order, so that one choice is one key of the
        cache.
    edits : tuple of Edit
        Notes changed by hand since.
    timing : Timing
        What is said of the beats.

    Examples
    --------
    >>> defaults = Thresholds.uniform(frame=0.5)
    >>> Adjustment(frame=1.0).of(defaults).frame[0]
    0.2689
    >>> Adjustment().of(defaults) == defaults
    True
    """

    onset: float = 0.0
    frame: float = 0.0
    shortest_s: float | None = None
    sensitivity: tuple[float, ...] = NEUTRAL
    instruments: tuple[str, ...] | None = None
    edits: tuple[Edit, ...] = ()
    timing: Timing = ESTIMATED

    @property
    def heard(self) -> "Adjustment":
        """What of it changes the notes, and so the sound of the parts."""
        return replace(self, timing=ESTIMATED)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the cache's keys and records."""
        return asdict(self) | {"edits": edits_to_json(self.edits)}

    def of(self, thresholds: Thresholds) -> Thresholds:
        """The thresholds moved so."""
        return replace(
            thresholds,
            onset=self._lowered(thresholds.onset, self.onset),
            frame=self._lowered(thresholds.frame, self.frame),
            presence=self._lowered(thresholds.presence, self.frame),
            pitch=_lowered(thresholds.pitch, self.frame),
            shortest_s=thresholds.shortest_s if self.shortest_s is None else self.shortest_s,
            instruments=thresholds.instruments if self.instruments is None else self.instruments,
        )

    def _lowered(self, thresholds: tuple[float, ...], log_odds: float) -> tuple[float, ...]:
        return tuple(
            _lowered(threshold, log_odds + own) for threshold, own in zip(thresholds, self.sensitivity, strict=True)
        )


def _lowered(threshold: float, log_odds: float) -> float:
    """A threshold with that much taken off its log-odds; those of 0 and 1, which say never and always, stay."""
    if log_odds == 0 or not 0 < threshold < 1:
        return threshold
    return round(1 / (1 + math.exp(log_odds) * (1 - threshold) / threshold), 4)
