"""Rolls and notes as matplotlib figures: who plays when, which pitches sound, and who plays each note.

Every figure is a plain :class:`matplotlib.figure.Figure`, made without pyplot, so nothing here keeps state and any
thread may draw. All of them share one time axis in minutes and seconds, from 0 to the end of the song, and one colour
for each instrument. A figure comes in a light and in a dark theme, and wide for a screen or narrow for a phone.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure, FigureBase
from matplotlib.font_manager import findfont, get_font
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from mtinst.clock import clock
from mtinst.notes import Note
from mtinst.spec import INSTRUMENTS, N_INSTRUMENTS, SPEC, FloatArray, Instrument, instrument_named

if TYPE_CHECKING:
    from mtinst.pipeline import Transcription

ThemeName = Literal["light", "dark"]

PITCH_CLASSES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
BLACK_KEYS = frozenset({1, 3, 6, 8, 10})
MAX_COLUMNS = 2400  # more columns than a picture has pixels only cost time
WIDE_IN, NARROW_IN = 11.0, 3.9  # inches at 100 dots each: a desktop column and a phone
# Least luminance contrast (WCAG 2.2) of an instrument's colour against the panel it is drawn on; more on white would
# make the pale colours too alike.
CONTRAST: dict[ThemeName, float] = {"light": 2.4, "dark": 3.2}
TOUCHING_S = 0.5 / SPEC.frame_rate
"""Notes that overlap by less follow each other: one may end on the frame grid, and the other begin between frames."""
_SETTINGS = Lock()  # Matplotlib's are one set for the whole process


@dataclass(frozen=True, kw_only=True)
class Theme:
    """The colours of a figure that are not an instrument's."""

    page: str
    panel: str
    shade: str
    ink: str
    quiet: str
    line: str


THEMES: dict[ThemeName, Theme] = {
    "light": Theme(page="#ffffff", panel="#ffffff", shade="#f3f4f7", ink="#1d2433", quiet="#5b6478", line="#dfe2ea"),
    "dark": Theme(page="#171a21", panel="#11141a", shade="#191d25", ink="#eceff5", quiet="#a3abbd", line="#2b313d"),
}


def plot_instrument_roll(
    instrument_roll: FloatArray,
    frame_rate: float = SPEC.frame_rate,
    *,
    theme: ThemeName = "light",
    narrow: bool = False,
) -> Figure:
    """Who plays when: one row an instrument, the stronger its colour the surer the network.

    Parameters
    ----------
    instrument_roll : ndarray of float32, shape (11, n_frames)
        Probabilities in [0, 1]; no frames at all give an empty figure that says so.
    frame_rate : float
        Frames per second.
    theme : {"light", "dark"}
        Colours for a light or a dark page.
    narrow : bool
        Draw for a phone: same height, a third of the width, shorter labels.

    Returns
    -------
    Figure

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
    figure = _figure(height_in=3.4, theme=theme, narrow=narrow)
    _draw_instrument_roll(figure.add_subplot(), instrument_roll, frame_rate, theme, narrow)
    return figure


def plot_pitch_roll(
    pitch_roll: FloatArray,
    frame_rate: float = SPEC.frame_rate,
    lowest_pitch: int = SPEC.lowest_pitch,
    *,
    theme: ThemeName = "light",
    narrow: bool = False,
) -> Figure:
    """Which pitches sound, whoever plays them: the stronger the surer.

    Parameters
    ----------
    pitch_roll : ndarray of float32, shape (n_pitches, n_frames)
        Probabilities in [0, 1].
    lowest_pitch : int
        MIDI number of row 0.
    frame_rate, theme, narrow
        As for :func:`plot_instrument_roll`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = plot_pitch_roll(np.zeros((88, 100), np.float32))
    >>> figure.axes[0].images[0].get_array().shape
    (88, 100)
    """
    figure = _figure(height_in=3.4, theme=theme, narrow=narrow)
    _draw_pitch_roll(figure.add_subplot(), pitch_roll, frame_rate, lowest_pitch, theme, narrow)
    return figure


def plot_piano_roll(
    notes: Sequence[Note],
    duration_s: float,
    *,
    theme: ThemeName = "light",
    narrow: bool = False,
) -> Figure:
    """Who plays which note: a bar a note, in its instrument's colour, with a legend that counts them.

    Notes of one pitch that sound together share the height of its row, so that none hides another.

    Parameters
    ----------
    notes : sequence of Note
        Times in seconds; none at all give an empty figure that says so.
    duration_s : float
        Where the time axis ends.
    theme, narrow
        As for :func:`plot_instrument_roll`.

    Returns
    -------
    Figure

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
    figure = _figure(height_in=4.2, theme=theme, narrow=narrow)
    _draw_piano_roll(figure.add_subplot(), notes, duration_s, theme, narrow)
    _draw_legend(figure, notes, theme, narrow)
    return figure


def plot_overview(
    transcription: "Transcription",
    *,
    title: str | None = None,
    theme: ThemeName = "light",
) -> Figure:
    """A song on one sheet: the coloured pianoroll, the instrument roll and the pitch roll, under one another in step.

    Parameters
    ----------
    transcription : Transcription
        What the network heard.
    title : str, optional
        Written above, usually the song's name.
    theme : {"light", "dark"}
        Colours for a light or a dark page.

    Returns
    -------
    Figure
    """
    figure = _figure(height_in=10.0, theme=theme, narrow=False)
    sheet = figure.add_subfigure(GridSpec(1, 1, figure)[0])  # keeps the legend below the title
    sheet.set_facecolor(THEMES[theme].page)
    heights = {"height_ratios": (4.2, 2.8, 3.0)}
    piano_axes, instrument_axes, pitch_axes = sheet.subplots(3, 1, gridspec_kw=heights)
    _draw_piano_roll(piano_axes, transcription.notes, transcription.duration_s, theme, narrow=False)
    _draw_instrument_roll(instrument_axes, transcription.instrument_roll, transcription.frame_rate, theme, narrow=False)
    _draw_pitch_roll(
        pitch_axes, transcription.pitch_roll, transcription.frame_rate, SPEC.lowest_pitch, theme, narrow=False
    )
    end_s = max(axes.get_xlim()[1] for axes in (piano_axes, instrument_axes, pitch_axes))
    headings = ("Who plays which note", "Who plays when", "Which pitches sound")
    for axes, heading in zip((piano_axes, instrument_axes, pitch_axes), headings, strict=True):
        _set_time_axis(axes, end_s, theme, narrow=False)
        axes.set_title(heading, loc="left", fontsize=9.5, color=THEMES[theme].quiet)
    _draw_legend(sheet, transcription.notes, theme, narrow=False)
    if title:
        # A file's name may hold a dollar sign, which would otherwise start a formula.
        figure.suptitle(_drawable(title), fontsize=12, color=THEMES[theme].ink, parse_math=False)
    return figure


def figure_to_png(figure: Figure, *, dots_per_inch: int = 100) -> bytes:
    r"""The figure as a PNG, the same bytes each time.

    Examples
    --------
    >>> figure_to_png(plot_piano_roll([], 1.0))[:4]
    b'\x89PNG'
    """
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots_per_inch, metadata={"Software": None})
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


@cache
def instrument_colour(instrument: Instrument, theme: ThemeName = "light") -> str:
    """The instrument's colour, moved just far enough to be seen on that theme's panel.

    Pale ones are darkened on white and dark ones are lightened on black; the hue stays.

    Examples
    --------
    >>> instrument_colour(instrument_named("trumpet"), "light")  # stands out as it is
    '#999933'
    >>> instrument_colour(instrument_named("bass"), "dark") == instrument_named("bass").colour
    False
    """
    panel = THEMES[theme].panel
    colour = np.asarray(to_rgb(instrument.colour))
    towards = np.zeros(3) if _luminance(panel) > 0.5 else np.ones(3)
    for step in range(51):
        moved = colour + (towards - colour) * step / 50
        if _contrast(to_hex(tuple(moved)), panel) >= CONTRAST[theme]:
            break
    return to_hex(tuple(moved))


def pitch_name(pitch: int) -> str:
    """The name of a MIDI pitch, with middle C as C4.

    Examples
    --------
    >>> pitch_name(60), pitch_name(21), pitch_name(70)
    ('C4', 'A0', 'A♯4')
    """
    return f"{PITCH_CLASSES[pitch % 12]}{pitch // 12 - 1}"


def _figure(*, height_in: float, theme: ThemeName, narrow: bool) -> Figure:
    """An empty figure in the theme's page colour that lays itself out."""
    size = (NARROW_IN if narrow else WIDE_IN, height_in)
    return Figure(figsize=size, facecolor=THEMES[theme].page, layout="constrained")


def _draw_instrument_roll(
    axes: Axes, instrument_roll: FloatArray, frame_rate: float, theme: ThemeName, narrow: bool
) -> None:
    if instrument_roll.ndim != 2 or instrument_roll.shape[0] != N_INSTRUMENTS:
        raise ValueError(f"an instrument roll has {N_INSTRUMENTS} rows, not the shape {instrument_roll.shape}")
    n_frames = instrument_roll.shape[1]
    _style(axes, theme)
    _set_time_axis(axes, n_frames / frame_rate, theme, narrow=narrow)
    axes.set_ylim(N_INSTRUMENTS - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(range(N_INSTRUMENTS)))
    labels = [short_label(row) if narrow else row.label for row in INSTRUMENTS]
    axes.set_yticklabels(labels, fontsize=8.5 if narrow else 9.5, color=THEMES[theme].ink)
    for index, row in enumerate(INSTRUMENTS):
        colour = instrument_colour(row, theme)
        # A swatch left of the row ties it to the legend of the pianoroll.
        swatch = Rectangle((-0.004, index - 0.34), -0.012, 0.68, transform=axes.get_yaxis_transform())
        swatch.set(facecolor=colour, clip_on=False)
        axes.add_patch(swatch)
    axes.tick_params(axis="y", length=0, pad=14 if not narrow else 8)
    if n_frames == 0:
        _say(axes, "Nothing to show", theme)
        return
    strength = _columns(np.clip(instrument_roll, 0.0, 1.0))[..., None]  # (11, n_columns, 1)
    colours = np.asarray([to_rgb(instrument_colour(row, theme)) for row in INSTRUMENTS])[:, None, :]
    panel = np.asarray(to_rgb(THEMES[theme].panel))
    axes.imshow(
        panel + (colours - panel) * strength,  # (11, n_columns, 3)
        extent=(0.0, n_frames / frame_rate, N_INSTRUMENTS - 0.5, -0.5),
        aspect="auto",
        interpolation="nearest",
    )
    for edge in range(1, N_INSTRUMENTS):
        axes.axhline(edge - 0.5, color=THEMES[theme].page, linewidth=2.0)


def _draw_pitch_roll(
    axes: Axes, pitch_roll: FloatArray, frame_rate: float, lowest_pitch: int, theme: ThemeName, narrow: bool
) -> None:
    if pitch_roll.ndim != 2 or pitch_roll.shape[0] == 0:
        raise ValueError(f"a pitch roll has one row a pitch and one column a frame, not the shape {pitch_roll.shape}")
    n_pitches, n_frames = pitch_roll.shape
    _style(axes, theme)
    _set_time_axis(axes, n_frames / frame_rate, theme, narrow=narrow)
    if n_frames == 0:
        _set_pitch_axis(axes, lowest_pitch, lowest_pitch + n_pitches - 1, theme)
        _say(axes, "Nothing to show", theme)
        return
    sounding = np.flatnonzero(pitch_roll.max(axis=1) >= 0.25) + lowest_pitch
    low, high = pitch_range(sounding.tolist(), lowest_pitch, lowest_pitch + n_pitches - 1)
    _set_pitch_axis(axes, low, high, theme)
    axes.imshow(
        _columns(np.clip(pitch_roll, 0.0, 1.0)),
        extent=(0.0, n_frames / frame_rate, lowest_pitch - 0.5, lowest_pitch + n_pitches - 0.5),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=_pitch_colours(theme),
        vmin=0.0,
        vmax=1.0,
    )
    axes.set_ylim(low - 0.5, high + 0.5)
    axes.set_xlim(0.0, n_frames / frame_rate)
    for pitch in range(low, high + 1):
        if pitch % 12 == 0:
            axes.axhline(pitch - 0.5, color=THEMES[theme].line, linewidth=0.6)


def _draw_piano_roll(axes: Axes, notes: Sequence[Note], duration_s: float, theme: ThemeName, narrow: bool) -> None:
    if duration_s < 0:
        raise ValueError(f"duration_s must not be negative, got {duration_s}")
    end_s = max([duration_s, *(note.offset for note in notes)])
    _style(axes, theme)
    _set_time_axis(axes, end_s, theme, narrow=narrow)
    low, high = pitch_range([note.pitch for note in notes], SPEC.lowest_pitch, SPEC.highest_pitch)
    _set_pitch_axis(axes, low, high, theme)
    axes.grid(axis="x", color=THEMES[theme].line, linewidth=0.6)
    axes.set_axisbelow(True)
    for pitch in range(low, high + 1):
        if pitch % 12 in BLACK_KEYS:
            axes.axhspan(pitch - 0.5, pitch + 0.5, color=THEMES[theme].shade, linewidth=0, zorder=0)
        if pitch % 12 == 0:
            axes.axhline(pitch - 0.5, color=THEMES[theme].line, linewidth=0.8, zorder=0.5)
    if not notes:
        _say(axes, "No notes found", theme)
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
        colours.append(instrument_colour(instrument_named(note.instrument), theme))
    axes.add_collection(PolyCollection(bars, facecolors=colours, edgecolors=colours, linewidths=0.4, zorder=2))


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


def _draw_legend(figure: FigureBase, notes: Sequence[Note], theme: ThemeName, narrow: bool) -> None:
    """One swatch for each instrument that has notes, in table order, with its number of notes."""
    handles = []
    for row in INSTRUMENTS:
        count = sum(note.instrument == row.name for note in notes)
        if count:
            label = f"{short_label(row) if narrow else row.label} ({count})"
            handles.append(Rectangle((0, 0), 1, 1, facecolor=instrument_colour(row, theme), label=label))
    if handles:
        figure.legend(
            handles=handles,
            loc="outside upper left",
            ncols=2 if narrow else min(len(handles), 6),
            frameon=False,
            fontsize=8.5 if narrow else 9.5,
            labelcolor=THEMES[theme].ink,
            handlelength=1.0,
            handleheight=1.0,
            columnspacing=1.4,
        )


def _style(axes: Axes, theme: ThemeName) -> None:
    axes.set_facecolor(THEMES[theme].panel)
    for spine in axes.spines.values():
        spine.set(color=THEMES[theme].line, linewidth=0.8)
    axes.tick_params(colors=THEMES[theme].quiet, labelsize=8.5, length=3, width=0.8)


def _set_time_axis(axes: Axes, end_s: float, theme: ThemeName, *, narrow: bool) -> None:
    """Minutes and seconds from 0 to `end_s`, at round times and never crowded."""
    end_s = max(end_s, 1 / SPEC.frame_rate)
    room = 4 if narrow else 12
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
    step = next((step for step in steps if end_s / step <= room), steps[-1])
    axes.set_xlim(0.0, end_s)
    axes.xaxis.set_major_locator(FixedLocator([k * step for k in range(math.floor(end_s / step) + 1)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: clock(second, tenths=step < 1)))
    axes.xaxis.set_minor_locator(NullLocator())
    for label in axes.get_xticklabels():
        label.set_color(THEMES[theme].quiet)


def _set_pitch_axis(axes: Axes, low: int, high: int, theme: ThemeName) -> None:
    """Note names at every C, and at every A flanked by them when there is room."""
    wanted = {0} if high - low > 40 else {0, 5, 9} if high - low > 20 else {0, 2, 4, 5, 7, 9, 11}
    pitches = [pitch for pitch in range(low, high + 1) if pitch % 12 in wanted]
    axes.set_ylim(low - 0.5, high + 0.5)
    axes.yaxis.set_major_locator(FixedLocator(pitches))
    axes.set_yticklabels([pitch_name(pitch) for pitch in pitches], color=THEMES[theme].quiet)


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


def _columns(roll: FloatArray, limit: int = MAX_COLUMNS) -> FloatArray:
    """At most `limit` columns, each the maximum of the frames it stands for, so that short notes of long songs stay.

    Frames are shared out to the nearest one, so the columns keep step with the time axis to half a column.
    """
    n_frames = roll.shape[1]
    if n_frames <= limit:
        return roll
    starts = np.floor(np.arange(limit) * n_frames / limit).astype(np.int64)
    columns: FloatArray = np.maximum.reduceat(roll, starts, axis=1)
    return columns


def _say(axes: Axes, sentence: str, theme: ThemeName) -> None:
    axes.text(
        0.5, 0.5, sentence, transform=axes.transAxes, ha="center", va="center", color=THEMES[theme].quiet, fontsize=11
    )


def _drawable(text: str) -> str:
    """The text with a box for each letter that matplotlib's own font lacks, such as Chinese ones."""
    known = get_font(findfont("DejaVu Sans")).get_charmap()
    return "".join(letter if ord(letter) in known else "□" for letter in text)


def short_label(instrument: Instrument) -> str:
    """The label for a phone, such as ``Ac. guitar``."""
    return instrument.label.replace("Acoustic", "Ac.").replace("Electric", "El.")


@cache
def _pitch_colours(theme: ThemeName) -> LinearSegmentedColormap:
    """From the panel to the ink, evenly, by way of one hue."""
    stops = {
        "light": ("#ffffff", "#b8d6e6", "#4f8fb5", "#12344d"),
        "dark": ("#11141a", "#1d4a66", "#4aa3cf", "#e6f6ff"),
    }
    return LinearSegmentedColormap.from_list(f"mtinst-{theme}", stops[theme])


def _luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2, 0 (black) to 1 (white)."""
    channels = np.asarray(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.asarray([0.2126, 0.7152, 0.0722]))


def _contrast(one: str, other: str) -> float:
    """Luminance contrast by WCAG 2.2, 1 (none) to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


__all__ = [
    "THEMES",
    "Theme",
    "ThemeName",
    "figure_to_png",
    "figure_to_svg",
    "instrument_colour",
    "pitch_name",
    "pitch_range",
    "plot_instrument_roll",
    "plot_overview",
    "plot_piano_roll",
    "plot_pitch_roll",
    "row_shares",
    "short_label",
]
