"""Rolls and notes as matplotlib figures: who plays when, which pitches sound, and who plays each note.

Every figure is a plain :class:`matplotlib.figure.Figure`, made without pyplot, so nothing here keeps state and any
thread may draw. All of them share one time axis in minutes and seconds, from 0 to the end of the song, and one colour
for each instrument.
"""

import io
import math
from collections.abc import Sequence
from threading import Lock

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure, FigureBase
from matplotlib.font_manager import findfont, get_font
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from mtinst.grid import (
    BLACK_KEYS,
    INSTRUMENTS,
    N_INSTRUMENTS,
    SPEC,
    FloatArray,
    clock,
    instrument_named,
    pitch_name,
    pitch_range,
)
from mtinst.hear.analysis import Analysis
from mtinst.palette import THEMES, instrument_colour
from mtinst.records import Note, row_shares

MAX_COLUMNS = 2400  # more columns than a picture has pixels only cost time
WIDE_IN = 11.0  # at 100 dots each a desktop column
_LIGHT = THEMES["light"]
_PITCH_COLOURS = LinearSegmentedColormap.from_list(
    "mtinst-light", ("#ffffff", "#b8d6e6", "#4f8fb5", "#12344d")
)  # from the panel to the ink, evenly, by way of one hue
_SETTINGS = Lock()  # Matplotlib's are one set for the whole process


def plot_instrument_roll(instrument_roll: FloatArray, frame_rate: float = SPEC.frame_rate) -> Figure:
    """Who plays when: one row an instrument, the stronger its colour the surer the network.

    Parameters
    ----------
    instrument_roll : ndarray of float32, shape (11, n_frames)
        Probabilities in [0, 1]; no frames at all give an empty figure that says so.
    frame_rate : float
        Frames per second.

    Raises
    ------
    ValueError
        If `instrument_roll` does not have a row for each instrument.

    Examples
    --------
    >>> figure = plot_instrument_roll(np.zeros((11, 100), np.float32))
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()][:2]
    ['Piano', 'Acoustic guitar']
    """
    figure = _figure(height_in=3.4)
    _draw_instrument_roll(figure.add_subplot(), instrument_roll, frame_rate)
    return figure


def plot_pitch_roll(pitch_roll: FloatArray, frame_rate: float = SPEC.frame_rate) -> Figure:
    """Which pitches sound, whoever plays them: the stronger the surer.

    Parameters
    ----------
    pitch_roll : ndarray of float32, shape (n_pitches, n_frames)
        Probabilities in [0, 1].
    frame_rate
        As for :func:`plot_instrument_roll`.

    Examples
    --------
    >>> figure = plot_pitch_roll(np.zeros((88, 100), np.float32))
    >>> figure.axes[0].images[0].get_array().shape
    (88, 100)
    """
    figure = _figure(height_in=3.4)
    _draw_pitch_roll(figure.add_subplot(), pitch_roll, frame_rate)
    return figure


def plot_piano_roll(notes: Sequence[Note], duration_s: float) -> Figure:
    """Who plays which note: a bar a note, in its instrument's colour, with a legend that counts them.

    Notes of one pitch that sound together share the height of its row, so that none hides another.

    Parameters
    ----------
    notes : sequence of Note
        Times in seconds; none at all give an empty figure that says so.
    duration_s : float
        Where the time axis ends.

    Raises
    ------
    ValueError
        If `duration_s` is negative.

    Examples
    --------
    >>> figure = plot_piano_roll([Note(0.0, 1.0, pitch=69, instrument="violin")], 2.0)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['Violin (1)']
    """
    figure = _figure(height_in=4.2)
    _draw_piano_roll(figure.add_subplot(), notes, duration_s)
    _draw_legend(figure, notes)
    return figure


def plot_overview(transcription: Analysis, *, title: str) -> Figure:
    """A song on one sheet: the coloured pianoroll, the instrument roll and the pitch roll, under one another in step.

    Parameters
    ----------
    transcription : Analysis
    title : str
        Written above, usually the song's name; nothing where it is empty.
    """
    figure = _figure(height_in=10.0)
    sheet = figure.add_subfigure(GridSpec(1, 1, figure)[0])  # keeps the legend below the title
    sheet.set_facecolor(_LIGHT.page)
    heights = {"height_ratios": (4.2, 2.8, 3.0)}
    piano_axes, instrument_axes, pitch_axes = sheet.subplots(3, 1, gridspec_kw=heights)
    _draw_piano_roll(piano_axes, transcription.notes, transcription.duration_s)
    _draw_instrument_roll(instrument_axes, transcription.instrument_roll, transcription.frame_rate)
    _draw_pitch_roll(pitch_axes, transcription.pitch_roll, transcription.frame_rate)
    end_s = max(axes.get_xlim()[1] for axes in (piano_axes, instrument_axes, pitch_axes))
    headings = ("Who plays which note", "Who plays when", "Which pitches sound")
    for axes, heading in zip((piano_axes, instrument_axes, pitch_axes), headings, strict=True):
        _set_time_axis(axes, end_s)
        axes.set_title(heading, loc="left", fontsize=9.5, color=_LIGHT.quiet)
    _draw_legend(sheet, transcription.notes)
    if title:
        # A file's name may hold a dollar sign, which would otherwise start a formula.
        figure.suptitle(_drawable(title), fontsize=12, color=_LIGHT.ink, parse_math=False)
    return figure


def figure_to_png(figure: Figure) -> bytes:
    r"""The figure as a PNG, the same bytes each time.

    Examples
    --------
    >>> figure_to_png(plot_piano_roll([], 1.0))[:4]
    b'\x89PNG'
    """
    buffer = io.BytesIO()
    # Not by way of savefig, which draws everything once more to lay it out.
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def figure_to_svg(figure: Figure) -> bytes:
    """The figure as an SVG, the same bytes each time; its letters stay text.

    Examples
    --------
    >>> figure_to_svg(plot_piano_roll([], 1.0))[:5]
    b'<?xml'
    """
    FigureCanvasSVG(figure)
    buffer = io.BytesIO()
    with _SETTINGS, rc_context({"svg.hashsalt": "mtinst", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _figure(*, height_in: float) -> Figure:
    """An empty figure in the page's colour that lays itself out."""
    return Figure(figsize=(WIDE_IN, height_in), dpi=100, facecolor=_LIGHT.page, layout="constrained")


def _draw_instrument_roll(axes: Axes, instrument_roll: FloatArray, frame_rate: float) -> None:
    if instrument_roll.ndim != 2 or instrument_roll.shape[0] != N_INSTRUMENTS:
        raise ValueError(f"an instrument roll has {N_INSTRUMENTS} rows, not the shape {instrument_roll.shape}")
    n_frames = instrument_roll.shape[1]
    _style(axes)
    _set_time_axis(axes, n_frames / frame_rate)
    axes.set_ylim(N_INSTRUMENTS - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(range(N_INSTRUMENTS)))
    labels = [row.label for row in INSTRUMENTS]
    axes.set_yticklabels(labels, fontsize=9.5, color=_LIGHT.ink)
    for index, row in enumerate(INSTRUMENTS):
        colour = instrument_colour(row)
        # A swatch left of the row ties it to the legend of the pianoroll.
        swatch = Rectangle((-0.004, index - 0.34), -0.012, 0.68, transform=axes.get_yaxis_transform())
        swatch.set(facecolor=colour, clip_on=False)
        axes.add_patch(swatch)
    axes.tick_params(axis="y", length=0, pad=14)
    if n_frames == 0:
        _say(axes, "Nothing to show")
        return
    strength = _columns(np.clip(instrument_roll, 0.0, 1.0))[..., None]  # (11, n_columns, 1)
    colours = np.asarray([to_rgb(instrument_colour(row)) for row in INSTRUMENTS])[:, None, :]
    panel = np.asarray(to_rgb(_LIGHT.panel))
    axes.imshow(
        panel + (colours - panel) * strength,  # (11, n_columns, 3)
        extent=(0.0, n_frames / frame_rate, N_INSTRUMENTS - 0.5, -0.5),
        aspect="auto",
        interpolation="nearest",
    )
    for edge in range(1, N_INSTRUMENTS):
        axes.axhline(edge - 0.5, color=_LIGHT.page, linewidth=2.0)


def _draw_pitch_roll(axes: Axes, pitch_roll: FloatArray, frame_rate: float) -> None:
    if pitch_roll.ndim != 2 or pitch_roll.shape[0] == 0:
        raise ValueError(f"a pitch roll has one row a pitch and one column a frame, not the shape {pitch_roll.shape}")
    n_pitches, n_frames = pitch_roll.shape
    lowest_pitch = SPEC.lowest_pitch
    _style(axes)
    _set_time_axis(axes, n_frames / frame_rate)
    if n_frames == 0:
        _set_pitch_axis(axes, lowest_pitch, lowest_pitch + n_pitches - 1)
        _say(axes, "Nothing to show")
        return
    sounding = np.flatnonzero(pitch_roll.max(axis=1) >= 0.25) + lowest_pitch
    low, high = pitch_range(sounding.tolist(), lowest_pitch, lowest_pitch + n_pitches - 1)
    _set_pitch_axis(axes, low, high)
    axes.imshow(
        _columns(np.clip(pitch_roll, 0.0, 1.0)),
        extent=(0.0, n_frames / frame_rate, lowest_pitch - 0.5, lowest_pitch + n_pitches - 0.5),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=_PITCH_COLOURS,
        vmin=0.0,
        vmax=1.0,
    )
    axes.set_ylim(low - 0.5, high + 0.5)
    axes.set_xlim(0.0, n_frames / frame_rate)
    for pitch in range(low, high + 1):
        if pitch % 12 == 0:
            axes.axhline(pitch - 0.5, color=_LIGHT.line, linewidth=0.6)


def _draw_piano_roll(axes: Axes, notes: Sequence[Note], duration_s: float) -> None:
    if duration_s < 0:
        raise ValueError(f"duration_s must not be negative, got {duration_s}")
    end_s = max([duration_s, *(note.offset for note in notes)])
    _style(axes)
    _set_time_axis(axes, end_s)
    low, high = pitch_range([note.pitch for note in notes], SPEC.lowest_pitch, SPEC.highest_pitch)
    _set_pitch_axis(axes, low, high)
    axes.grid(axis="x", color=_LIGHT.line, linewidth=0.6)
    axes.set_axisbelow(True)
    for pitch in range(low, high + 1):
        if pitch % 12 in BLACK_KEYS:
            axes.axhspan(pitch - 0.5, pitch + 0.5, color=_LIGHT.shade, linewidth=0, zorder=0)
        if pitch % 12 == 0:
            axes.axhline(pitch - 0.5, color=_LIGHT.line, linewidth=0.8, zorder=0.5)
    if not notes:
        _say(axes, "No notes found")
        return
    # The gap between two bars may not swallow a short note of a long song, so it is a share of the note.
    bars = []
    colours = []
    for note, (share, n_shares) in zip(notes, row_shares(notes), strict=True):
        gap = min(0.02, 0.12 * (note.offset - note.onset))
        height = 0.9 / n_shares
        bottom = note.pitch - 0.45 + share * height
        left, right, top = note.onset, note.offset - gap, bottom + height
        bars.append([(left, bottom), (left, top), (right, top), (right, bottom)])
        colours.append(instrument_colour(instrument_named(note.instrument)))
    axes.add_collection(PolyCollection(bars, facecolors=colours, edgecolors=colours, linewidths=0.4, zorder=2))


def _draw_legend(figure: FigureBase, notes: Sequence[Note]) -> None:
    """One swatch for each instrument that has notes, in table order, with its number of notes."""
    handles = []
    for row in INSTRUMENTS:
        count = sum(note.instrument == row.name for note in notes)
        if count:
            label = f"{row.label} ({count})"
            handles.append(Rectangle((0, 0), 1, 1, facecolor=instrument_colour(row), label=label))
    if handles:
        figure.legend(
            handles=handles,
            loc="outside upper left",
            ncols=min(len(handles), 6),
            frameon=False,
            fontsize=9.5,
            labelcolor=_LIGHT.ink,
            handlelength=1.0,
            handleheight=1.0,
            columnspacing=1.4,
        )


def _style(axes: Axes) -> None:
    axes.set_facecolor(_LIGHT.panel)
    for spine in axes.spines.values():
        spine.set(color=_LIGHT.line, linewidth=0.8)
    axes.tick_params(colors=_LIGHT.quiet, labelsize=8.5, length=3, width=0.8)


def _set_time_axis(axes: Axes, end_s: float) -> None:
    """Minutes and seconds from 0 to `end_s`, at round times and never crowded."""
    end_s = max(end_s, 1 / SPEC.frame_rate)
    room = 12
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
    step = next((step for step in steps if end_s / step <= room), steps[-1])
    axes.set_xlim(0.0, end_s)
    axes.xaxis.set_major_locator(FixedLocator([k * step for k in range(math.floor(end_s / step) + 1)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: clock(second, tenths=step < 1)))
    axes.xaxis.set_minor_locator(NullLocator())
    for label in axes.get_xticklabels():
        label.set_color(_LIGHT.quiet)


def _set_pitch_axis(axes: Axes, low: int, high: int) -> None:
    """Note names at every C, and at every A flanked by them when there is room."""
    wanted = {0} if high - low > 40 else {0, 5, 9} if high - low > 20 else {0, 2, 4, 5, 7, 9, 11}
    pitches = [pitch for pitch in range(low, high + 1) if pitch % 12 in wanted]
    axes.set_ylim(low - 0.5, high + 0.5)
    axes.yaxis.set_major_locator(FixedLocator(pitches))
    axes.set_yticklabels([pitch_name(pitch) for pitch in pitches], color=_LIGHT.quiet)


def _columns(roll: FloatArray) -> FloatArray:
    """At most `MAX_COLUMNS`, each the maximum of the frames it stands for, so that short notes of long songs stay.

    Frames are shared out to the nearest one, so the columns keep step with the time axis to half a column.
    """
    n_frames = roll.shape[1]
    if n_frames <= MAX_COLUMNS:
        return roll
    starts = np.floor(np.arange(MAX_COLUMNS) * n_frames / MAX_COLUMNS).astype(np.int64)
    columns: FloatArray = np.maximum.reduceat(roll, starts, axis=1)
    return columns


def _say(axes: Axes, sentence: str) -> None:
    axes.text(0.5, 0.5, sentence, transform=axes.transAxes, ha="center", va="center", color=_LIGHT.quiet, fontsize=11)


def _drawable(text: str) -> str:
    """The text with a box for each letter that matplotlib's own font lacks, such as Chinese ones."""
    known = get_font(findfont("DejaVu Sans")).get_charmap()
    return "".join(letter if ord(letter) in known else "□" for letter in text)
