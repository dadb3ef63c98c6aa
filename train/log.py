"""The log of a run: ``log.csv`` with a line an epoch, and the picture of it."""

import csv
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from mtinst.files import replacing

_LOSS = "loss_"
_OTHERS = ("epoch", "minutes", "clips_per_s")  # columns that are neither losses nor scores


def add_row(path: Path, row: dict[str, float]) -> None:
    """Add an epoch's line to the log, in place of what an interrupted run may have written of it."""
    rows: list[dict[str, Any]] = []
    if path.is_file():
        with path.open(newline="") as file:
            rows = [line for line in csv.DictReader(file) if _is_before(line, row["epoch"])]
    with replacing(path) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys([*(rows[0] if rows else {}), *row])), restval="")
        writer.writeheader()
        writer.writerows([*rows, row])
    print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)


def _is_before(line: dict[str, Any], epoch: float) -> bool:
    """Whether a line of the log is whole and of an earlier epoch."""
    try:
        return None not in (*line, *line.values()) and int(line["epoch"]) < epoch
    except (KeyError, TypeError, ValueError):
        return False


def plot_log(log: Path) -> Figure:
    """Losses, validation scores and clips a second over the epochs."""
    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}
    losses = {name.removeprefix(_LOSS): values for name, values in columns.items() if name.startswith(_LOSS)}
    scores = {
        name.replace("_", ""): values
        for name, values in columns.items()
        if name not in _OTHERS and not name.startswith(_LOSS)
    }
    heads = {name: values for name, values in losses.items() if any(values)}  # not those that the network lacks
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    panels = {"Training losses": heads, "Validation scores": scores, "Clips a second": {"": columns["clips_per_s"]}}
    for axes, (title, curves) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        for label, values in curves.items():
            axes.plot(columns["epoch"], values, marker=".", label=label)
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        if len(curves) > 1:
            axes.legend(fontsize="small")
    figure.axes[0].set_yscale("log")
    figure.axes[1].set_ylim(0, 1)
    figure.axes[2].set_ylim(bottom=0)
    return figure
