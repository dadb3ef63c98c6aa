"""Pictures of scoring: who is taken for whom, rolls beside the truth."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtinst.grid import INSTRUMENTS
from mtinst.records import Note


def plot_confusion(taken_for: Sequence[Sequence[float]], title: str) -> Figure:
    """A heatmap: of the cells where an instrument sounds alone (rows), the shares given to each (columns)."""
    shares = np.array(taken_for)
    labels = [instrument.label for instrument in INSTRUMENTS]
    figure = Figure(figsize=(7.5, 6.2), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, vmin=0, vmax=1, cmap="magma_r")
    for row, column in np.ndindex(shares.shape):
        share = shares[row, column]
        axes.text(
            column, row, f"{share:.2f}", ha="center", va="center", fontsize=8, color="white" if share > 0.5 else "black"
        )
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("given to")
    axes.set_ylabel("sounds alone")
    axes.set_title(title)
    figure.colorbar(image, label="share of the cells")
    return figure


def plot_beside(found: Sequence[Note], played: Sequence[Note], duration_s: float, title: str) -> Figure:
    """Three rolls in step: the notes that were found, those that were played, and who plays when according to either.

    Parameters
    ----------
    found, played : sequence of Note
    duration_s : float
    title : str
    """
    figure = Figure(figsize=(float(np.clip(duration_s / 4, 10, 60)), 9), layout="constrained")
    above, below, players = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 2))
    below.sharey(above)
    for axes, heading, notes in ((above, "found", found), (below, "played", played)):
        axes.set_title(heading, loc="left", fontsize=10)
        axes.set_ylabel("MIDI pitch")
        axes.grid(alpha=0.3)
        for instrument in INSTRUMENTS:
            _bars(axes, [note for note in notes if note.instrument == instrument.name], instrument.colour)
    pitches = [note.pitch for note in (*found, *played)]
    above.set_ylim(min(pitches, default=60) - 2, max(pitches, default=60) + 2)
    for row, instrument in enumerate(INSTRUMENTS):
        for notes, offset in ((found, 0.05), (played, -0.4)):
            spans = [(note.onset, note.duration) for note in notes if note.instrument == instrument.name]
            players.broken_barh(
                spans, (row + offset, 0.35), color=instrument.colour, alpha=1 if notes is found else 0.5, lw=0
            )
    players.set_yticks(range(len(INSTRUMENTS)), [instrument.label for instrument in INSTRUMENTS])
    players.set_ylim(len(INSTRUMENTS) - 0.5, -0.5)
    players.set_title("who plays: as played above in pale, as found below", loc="left", fontsize=10)
    players.set_xlabel("seconds")
    players.set_xlim(0, max(duration_s, 1e-3))
    figure.suptitle(title, parse_math=False)
    return figure


def _bars(axes: Axes, notes: Sequence[Note], colour: str) -> None:
    """A bar a note."""
    axes.barh(
        [note.pitch for note in notes],
        [note.duration for note in notes],
        left=[note.onset for note in notes],
        height=0.9,
        color=colour,
    )
