"""Figures: right axes, right colours, no state, and every odd song drawn."""

import io
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import _pylab_helpers
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from mtinst import palette
from mtinst.export import picture as plots
from mtinst.grid import INSTRUMENT_NAMES, INSTRUMENTS, N_INSTRUMENTS, SPEC, clock
from mtinst.hear.analysis import Analysis
from mtinst.records import TOUCHING_S, Note, row_shares


class Song:
    """What `plot_overview` reads of a transcription."""

    def __init__(self, notes: list[Note], n_frames: int) -> None:
        rng = np.random.default_rng(7)
        self.notes = notes
        self.duration_s = n_frames / SPEC.frame_rate
        self.frame_rate = SPEC.frame_rate
        self.instrument_roll = rng.random((N_INSTRUMENTS, n_frames), dtype=np.float32)
        self.pitch_roll = rng.random((SPEC.n_pitches, n_frames), dtype=np.float32)


def ensemble() -> list[Note]:
    return [
        Note(0.32 * k, 0.32 * k + 0.3, pitch=40 + 5 * k, instrument=name) for k, name in enumerate(INSTRUMENT_NAMES)
    ]


def image(figure: Figure) -> Image.Image:
    return Image.open(io.BytesIO(plots.figure_to_png(figure))).convert("RGB")


def test_instrument_roll_shows_a_row_in_its_colour_where_it_plays() -> None:
    roll = np.zeros((N_INSTRUMENTS, 100), np.float32)
    violin = INSTRUMENT_NAMES.index("violin")
    roll[violin, 50:] = 1.0
    shown = plots.plot_instrument_roll(roll).axes[0].images[0].get_array()
    assert shown is not None
    np.testing.assert_allclose(shown[violin, 75], to_rgb(palette.instrument_colour(INSTRUMENTS[violin])), atol=1e-6)
    np.testing.assert_allclose(shown[violin, 25], to_rgb(palette.THEMES["light"].panel), atol=1e-6)


def test_rows_of_the_instrument_roll_are_labelled_in_table_order() -> None:
    axes = plots.plot_instrument_roll(np.zeros((N_INSTRUMENTS, 10), np.float32)).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [row.label for row in INSTRUMENTS]


def test_piano_roll_draws_each_note_at_its_time_and_pitch() -> None:
    notes = ensemble()
    axes = plots.plot_piano_roll(notes, 10.0).axes[0]
    (bars,) = [item for item in axes.collections if isinstance(item, PolyCollection)]
    assert len(bars.get_paths()) == len(notes)
    for path, note in zip(bars.get_paths(), notes, strict=True):
        corners = path.get_extents()
        assert corners.x0 == pytest.approx(note.onset)
        assert corners.x1 == pytest.approx(note.offset, abs=0.021)
        assert abs(corners.y0 - note.pitch) <= 0.5
        assert abs(corners.y1 - note.pitch) <= 0.5


def test_legend_counts_the_notes_of_the_instruments_found_only() -> None:
    notes = [Note(0, 1, pitch=60), Note(1, 2, pitch=60), Note(0, 1, pitch=80, instrument="flute")]
    (legend,) = plots.plot_piano_roll(notes, 2.0).legends
    assert [text.get_text() for text in legend.get_texts()] == ["Piano (2)", "Flute (1)"]


def test_pitch_axis_holds_every_pitch_that_sounds() -> None:
    roll = np.zeros((SPEC.n_pitches, 50), np.float32)
    roll[[0, 87], 10] = 1.0
    assert plots.plot_pitch_roll(roll).axes[0].get_ylim() == (20.5, 108.5)


@pytest.mark.parametrize("n_frames", [0, 1, 40, 900])
def test_every_length_is_drawn(n_frames: int) -> None:
    song = Song([note for note in ensemble() if note.offset < n_frames / SPEC.frame_rate], n_frames)
    for figure in (
        plots.plot_instrument_roll(song.instrument_roll),
        plots.plot_pitch_roll(song.pitch_roll),
        plots.plot_piano_roll(song.notes, song.duration_s),
    ):
        picture = image(figure)
        assert picture.width == round(plots.WIDE_IN * 100)
        corner = picture.getpixel((picture.width - 1, 0))
        assert isinstance(corner, tuple)
        np.testing.assert_allclose(np.asarray(corner) / 255, to_rgb(palette.THEMES["light"].page), atol=0.01)


def test_a_note_beyond_the_end_is_still_inside_the_picture() -> None:
    assert plots.plot_piano_roll([Note(0, 9, pitch=60)], 4.0).axes[0].get_xlim() == (0.0, 9.0)


def test_ten_minutes_keep_their_shortest_note() -> None:
    roll = np.zeros((SPEC.n_pitches, 18_750), np.float32)
    roll[40, 9_000] = 1.0
    shown = plots.plot_pitch_roll(roll).axes[0].images[0].get_array()
    assert shown is not None
    assert shown.shape[1] <= plots.MAX_COLUMNS
    assert shown[40].max() == 1.0
    assert shown[40].argmax() / shown.shape[1] == pytest.approx(9_000 / 18_750, abs=1e-3)


def test_overview_has_three_panels_on_one_time_axis() -> None:
    figure = plots.plot_overview(cast(Analysis, Song(ensemble(), 300)), title="a $ong_^\\frac 歌")
    assert len(figure.axes) == 3
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert image(figure).size == (1100, 1000)


def test_figures_are_the_same_bytes_each_time_and_leave_no_pyplot_state() -> None:
    first, second = (plots.figure_to_png(plots.plot_piano_roll(ensemble(), 4.0)) for _ in range(2))
    assert first == second
    assert not _pylab_helpers.Gcf.figs


@pytest.mark.parametrize("theme", palette.THEMES)
def test_every_instrument_stands_out_and_apart_in_both_themes(theme: palette.ThemeName) -> None:
    colours = [palette.instrument_colour(row, theme) for row in INSTRUMENTS]
    assert len(set(colours)) == N_INSTRUMENTS
    for colour in colours:
        assert palette._contrast(colour, palette.THEMES[theme].panel) >= palette.CONTRAST[theme]


@given(
    st.lists(
        st.builds(
            lambda first, length, pitch, name: Note(first, first + length, pitch=pitch, instrument=name),
            st.integers(0, 20),
            st.integers(1, 8),
            st.integers(60, 62),
            st.sampled_from(INSTRUMENT_NAMES[:4]),
        ),
        max_size=12,
    )
)
@settings(deadline=None)
def test_notes_of_different_instruments_never_cover_each_other(notes: list[Note]) -> None:
    spans = [(Fraction(share, n), Fraction(share + 1, n)) for share, n in row_shares(notes)]
    for a, first in zip(notes, spans, strict=True):
        assert 0 <= first[0] < first[1] <= 1
        for b, second in zip(notes, spans, strict=True):
            together = a.pitch == b.pitch and a.onset < b.offset and b.onset < a.offset
            if together and a.instrument != b.instrument:
                assert first[1] <= second[0] or second[1] <= first[0]


def test_a_note_that_takes_over_between_two_frames_has_its_row_for_itself() -> None:
    def shares_after(onset: float) -> list[tuple[int, int]]:
        return row_shares([Note(0.0, 0.64, pitch=60), Note(onset, 1.0, pitch=60, instrument="flute")])

    assert shares_after(0.64 - TOUCHING_S + 0.001) == [(0, 1), (0, 1)]
    assert shares_after(0.64 - TOUCHING_S - 0.001) == [(1, 2), (0, 2)]


@pytest.mark.parametrize(
    ("second", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3_599.9, "1:00:00"), (-1, "0:00")]
)
def test_clock(second: float, text: str) -> None:
    assert clock(second) == text


def test_wrong_shapes_and_durations_are_refused() -> None:
    with pytest.raises(ValueError, match="11 rows"):
        plots.plot_instrument_roll(np.zeros((8, 10), np.float32))
    with pytest.raises(ValueError, match="one row a pitch"):
        plots.plot_pitch_roll(np.zeros(10, np.float32))
    with pytest.raises(ValueError, match="must not be negative"):
        plots.plot_piano_roll([], -1.0)


def test_drawings_made_at_once_are_those_made_alone() -> None:
    figure = plots.plot_piano_roll([Note(0.1, 0.5, pitch=60)], 1.0)
    alone = plots.figure_to_svg(figure)
    figures = [plots.plot_piano_roll([Note(0.1, 0.5, pitch=60)], 1.0) for _ in range(6)]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(plots.figure_to_svg, figures))
    assert together == [alone] * len(figures)
