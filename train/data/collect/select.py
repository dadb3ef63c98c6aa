"""Which ten-second clips of which songs: as many as are wanted of each instrument, rare ones first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtinst.grid import INSTRUMENT_NAMES
from train.data.corpora import Parts
from train.data.corpora.song import OTHER
from train.data.sources import OFFSET, ONSET
from train.store import CLIP_S

_LEAST_S = 1.0  # an instrument that plays for less in a clip does not make it one of its clips


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """Ten seconds of a song, and who of the nine plays in them."""

    song: int
    start_s: float
    instruments: frozenset[str]


def excerpts(song: int, parts: Parts, duration_s: float) -> list[Excerpt]:
    """The whole tens of seconds of a song in which any of the nine plays."""
    result = []

    def plays(notes: NDArray[np.float64], start: float) -> bool:
        heard = np.minimum(notes[:, OFFSET], start + CLIP_S) - np.maximum(notes[:, ONSET], start)
        return float(np.maximum(heard, 0).sum()) >= _LEAST_S

    for start in np.arange(0.0, duration_s - CLIP_S + 1e-6, CLIP_S).tolist():
        who = frozenset(name for name, notes in parts.items() if name != OTHER and plays(notes, start))
        if who:
            result.append(Excerpt(song=song, start_s=start, instruments=who))
    return result


def select(candidates: Sequence[Excerpt], per_instrument: int, rng: np.random.Generator) -> list[Excerpt]:
    """Draw until each instrument is in `per_instrument` clips, or in all there are.

    A clip counts for everybody in it, and the rarest instrument draws first, so that common ones mostly come with it.

    Examples
    --------
    >>> songs = [Excerpt(song=n, start_s=0, instruments=frozenset({"piano"})) for n in range(5)]
    >>> songs += [Excerpt(song=9, start_s=0, instruments=frozenset({"piano", "cello"}))]
    >>> chosen = select(songs, 2, np.random.default_rng(0))
    >>> sum("piano" in one.instruments for one in chosen), sum("cello" in one.instruments for one in chosen)
    (2, 1)
    """
    having = {name: [i for i, one in enumerate(candidates) if name in one.instruments] for name in INSTRUMENT_NAMES}
    chosen: set[int] = set()
    for name in sorted(INSTRUMENT_NAMES, key=lambda name: len(having[name])):
        n_wanted = per_instrument - sum(name in candidates[i].instruments for i in chosen)
        left = [i for i in having[name] if i not in chosen]
        if n_wanted > 0 and left:
            chosen.update(rng.permutation(left)[:n_wanted].tolist())
    return [candidates[i] for i in sorted(chosen)]
