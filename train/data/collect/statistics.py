"""How much a collected set has of each instrument, as a table and as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mtinst.export.picture import figure_to_png
from mtinst.grid import INSTRUMENTS
from train.data.collect.select import Excerpt
from train.data.corpora import Parts
from train.data.sources import OFFSET, ONSET, PITCH, Split


def write_statistics(out_dir: Path, songs: Sequence[Parts], chosen: Mapping[Split, Sequence[Excerpt]]) -> str:
    """Write ``statistics.md`` and ``statistics.png``; the table."""
    table = statistics_table(songs, chosen)
    (out_dir / "statistics.md").write_text(table + "\n")
    (out_dir / "statistics.png").write_bytes(figure_to_png(plot_statistics(songs, chosen)))
    return table


def statistics_table(songs: Sequence[Parts], chosen: Mapping[Split, Sequence[Excerpt]]) -> str:
    """A line an instrument: songs, notes and hours of it, and the clips selected for each set."""
    lines = [
        "| instrument | songs | notes | hours of notes | training clips | validation | test |",
        "|---|---|---|---|---|---|---|",
    ]
    for instrument in INSTRUMENTS:
        played = [parts[instrument.name] for parts in songs if len(parts.get(instrument.name, ()))]
        hours = sum(float((notes[:, OFFSET] - notes[:, ONSET]).sum()) for notes in played) / 3600
        clips = [_n_clips(chosen[split], instrument.name) for split in ("train", "valid", "test")]
        cells = [f"{len(played):,}", f"{sum(map(len, played)):,}", f"{hours:.2f}", *(f"{n:,}" for n in clips)]
        lines.append(f"| {instrument.label} | {' | '.join(cells)} |")
    totals = [f"{len(songs):,}", "", "", *(f"{len(chosen[split]):,}" for split in ("train", "valid", "test"))]
    lines.append(f"| in all | {' | '.join(totals)} |")
    return "\n".join(lines)


def plot_statistics(songs: Sequence[Parts], chosen: Mapping[Split, Sequence[Excerpt]]) -> Figure:
    """Training clips of each instrument, how many play at once in them, and which pitches each plays."""
    figure = Figure(figsize=(13, 4), layout="constrained")
    clips, crowd, pitches = figure.subplots(1, 3)
    labels = [instrument.label for instrument in INSTRUMENTS]
    colours = [instrument.colour for instrument in INSTRUMENTS]
    clips.barh(labels, [_n_clips(chosen["train"], instrument.name) for instrument in INSTRUMENTS], color=colours)
    clips.invert_yaxis()
    clips.xaxis.set_major_locator(MaxNLocator(integer=True))
    clips.set_title("Training clips with each instrument")
    sizes = [len(excerpt.instruments) for excerpt in chosen["train"]]
    crowd.bar(range(1, 10), [sizes.count(size) for size in range(1, 10)], color="#777777")
    crowd.set_xticks(range(1, 10))
    crowd.yaxis.set_major_locator(MaxNLocator(integer=True))
    crowd.set_title("Instruments in a clip")
    for instrument in INSTRUMENTS:
        played = [parts[instrument.name][:, PITCH] for parts in songs if len(parts.get(instrument.name, ()))]
        if played:
            counts, _ = np.histogram(np.concatenate(played), bins=np.arange(20.5, 109.5))
            pitches.plot(range(21, 109), counts, color=instrument.colour, label=instrument.label)
    if pitches.lines:
        pitches.legend(fontsize="x-small")
    pitches.set_title("Notes by MIDI pitch")
    return figure


def _n_clips(chosen: Sequence[Excerpt], name: str) -> int:
    return sum(name in excerpt.instruments for excerpt in chosen)
