"""Parts of the page as HTML text. Whatever comes from outside, such as a file's name, goes through :func:`plain`."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from mtinst.plots import clock, instrument_colour
from mtinst.spec import INSTRUMENTS, FloatArray, Instrument, instrument_named
from mtinst.ui import texts
from mtinst.ui.examples import Example
from mtinst.ui.studio import Result

STRIP_COLUMNS = 96
# What Gradio's templates would read as their own marks.
TEMPLATE_MARKS = str.maketrans({"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;"})


def plain(text: str) -> str:
    """Text that stands for itself in HTML and in Gradio's templates.

    Examples
    --------
    >>> plain("<b>${1} & {{x}}")
    '&lt;b&gt;&#36;&#123;1&#125; &amp; &#123;&#123;x&#125;&#125;'
    """
    return html.escape(text).translate(TEMPLATE_MARKS)


def file_url(path: Path) -> str:
    """Where the page's server offers a file of the cache, relative to the page, so that it also works behind a proxy.

    Examples
    --------
    >>> file_url(Path("/tmp/cache/a song.mid"))
    'gradio_api/file=/tmp/cache/a%20song.mid'
    """
    return "gradio_api/file=" + quote(path.as_posix())


def header() -> str:
    """The page's title and what it is for."""
    dots = "".join(f'<i style="{_swatch(row)}" title="{row.label}"></i>' for row in INSTRUMENTS)
    return (
        f'<div class="mt-header"><div class="mt-mark" aria-hidden="true">{dots}</div>'
        f"<h1>{texts.HEADLINE}</h1><p>{texts.TAGLINE}</p></div>"
    )


def heading(text: str, help_text: str = "", level: int = 2) -> str:
    """A heading with a line of explanation."""
    explanation = f"<p>{help_text}</p>" if help_text else ""
    return f'<div class="mt-heading"><h{level}>{text}</h{level}>{explanation}</div>'


def example_cards(examples: Sequence[Example]) -> str:
    """One button for each example, with its title and the colours of its instruments."""
    if not examples:
        return '<p class="mt-quiet">No examples are installed with this copy.</p>'
    cards = []
    for example in examples:
        dots = "".join(f'<i style="{_swatch(instrument_named(name))}"></i>' for name in example.instruments)
        names = texts.players([instrument_named(name).label for name in example.instruments])
        small = " · ".join(filter(None, [clock(example.duration_s) if example.duration_s else "", plain(names)]))
        cards.append(
            f'<button type="button" class="mt-example" data-slug="{plain(example.slug)}">'
            f"<b>{plain(example.title)}</b><small>{small}</small>"
            f'<span class="mt-dots" aria-hidden="true">{dots}</span></button>'
        )
    return f'<div class="mt-examples">{"".join(cards)}</div>'


def empty_state() -> str:
    """What stands in the place of results before there are any."""
    bars = "".join(
        f'<i style="{_swatch(row)};left:{6 + 37 * k % 71}%;width:{11 + 7 * k % 17}%;top:{10 + 26 * k % 79}%"></i>'
        for k, row in enumerate(INSTRUMENTS)
    )
    return (
        f'<div class="mt-empty"><div class="mt-empty-roll" aria-hidden="true">{bars}</div>'
        f"<h2>{texts.EMPTY_HEADING}</h2><p>{texts.EMPTY}</p></div>"
    )


def status(kind: str, sentence: str, number: int = 0) -> str:
    """One line about how things stand; `kind` is ``done``, ``info`` or ``error``, `number` tells equal lines apart."""
    role = "alert" if kind == "error" else "status"
    return f'<div class="mt-status mt-{kind}" role="{role}" data-number="{number}"><span>{plain(sentence)}</span></div>'


def working(message: str, fraction: float, heard: FloatArray | None = None, share_heard: float = 0.0) -> str:
    """Progress: a bar, a message, and who was heard so far.

    Parameters
    ----------
    message : str
    fraction : float
        Of all the work.
    heard : ndarray of float32, shape (9, n_frames), optional
        Instrument roll of the part of the song that is finished.
    share_heard : float
        How much of the song that part is.
    """
    percent = round(100 * min(max(fraction, 0.0), 1.0))
    strip = "" if heard is None or heard.shape[1] == 0 else activity_strip(heard, share_heard)
    return (
        f'<div class="mt-status mt-working" role="status"><span>{plain(message)}</span>'
        f'<div class="mt-progress" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}" '
        f'aria-label="Progress"><i style="width:{percent}%"></i></div>{strip}</div>'
    )


def activity_strip(heard: FloatArray, share_heard: float) -> str:
    """The instrument roll in little, as far as it is known."""
    n_columns = max(1, min(heard.shape[1], round(STRIP_COLUMNS * share_heard)))
    starts = np.floor(np.arange(n_columns) * heard.shape[1] / n_columns).astype(np.int64)
    columns = np.maximum.reduceat(heard, starts, axis=1)
    rows = []
    for row, strengths in zip(INSTRUMENTS, columns, strict=True):
        cells = "".join(f'<i style="opacity:{strength:.2f}"></i>' for strength in strengths)
        rows.append(
            f'<div class="mt-strip-row" style="{_colours(row)}"><small>{row.label}</small>'
            f'<div><div style="width:{100 * min(share_heard, 1.0):.1f}%">{cells}</div></div></div>'
        )
    return f'<div class="mt-strip" aria-hidden="true">{"".join(rows)}</div>'


def summary(result: Result) -> str:
    """The song's name, what was found in it, and a warning when that is little."""
    chips = "".join(
        f'<li style="{_colours(instrument_named(part.name))}"><i></i>{instrument_named(part.name).label}'
        f"<small>{texts.n_notes(part.n_notes)}</small></li>"
        for part in result.parts
    )
    verdict = f'<p class="mt-verdict">{plain(result.verdict)}</p>' if result.verdict else ""
    total = sum(part.n_notes for part in result.parts)
    facts = f"{clock(result.duration_s)} · {texts.n_notes(total)}"
    found = f'<ul class="mt-found" aria-label="Instruments found">{chips}</ul>' if chips else ""
    return (
        f'<div class="mt-summary"><h2>{plain(result.title)}</h2><p class="mt-quiet">{facts}</p>{found}{verdict}</div>'
    )


def player_value(result: Result) -> dict[str, Any]:
    """The result as the player takes it: addresses of what to load."""
    files = None
    if result.files_folder is not None:
        parts = {part.name: file_url(result.files_folder / f"{part.name}.flac") for part in result.parts}
        files = {"original": file_url(result.source_folder / "original.flac"), "parts": parts}
    return {
        "title": result.title,
        "source": result.source_key,
        "song": file_url(result.view_folder / "song.json"),
        "files": files,
    }


def downloads(result: Result) -> str:
    """Everything to take away, each a link to a finished file."""
    if result.files_folder is None:
        return '<p class="mt-quiet">Being made…</p>'
    stem = result.title
    offers = [
        ("MIDI", "the notes, one track an instrument", "notes.mid", f"{stem}.mid"),
        ("Parts", "a zip of FLAC files, one an instrument", "parts.zip", f"{stem} - parts.zip"),
        ("Picture", "the three figures on one sheet", "overview.png", f"{stem}.png"),
        ("Data", "all rolls and notes, for NumPy", "rolls.npz", f"{stem}.npz"),
    ]
    links = "".join(
        f'<a class="mt-download" href="{file_url(result.files_folder / name)}" download="{plain(saved_as)}">'
        f"<b>{label}</b><small>{explanation}</small></a>"
        for label, explanation, name, saved_as in offers
        if (result.files_folder / name).is_file()
    )
    return f'<div class="mt-downloads">{links}</div>'


def footer() -> str:
    """How to use the page, what it cannot do, and what is behind it."""
    use = "".join(f"<li>{sentence}</li>" for sentence in texts.USE)
    limits = "".join(f"<li>{sentence}</li>" for sentence in texts.LIMITS)
    return (
        '<div class="mt-footer">'
        f"<section><h2>{texts.USE_HEADING}</h2><ul>{use}</ul></section>"
        f"<section><h2>{texts.LIMITS_HEADING}</h2><ul>{limits}</ul></section>"
        f"<section><h2>{texts.MODEL_HEADING}</h2><p>{texts.MODEL}</p><p>{texts.PRIVACY}</p></section></div>"
    )


def _colours(instrument: Instrument) -> str:
    """CSS variables with the instrument's colour in either theme; the style sheet picks one as ``--mt-colour``."""
    return (
        f"--mt-on-light:{instrument_colour(instrument, 'light')};--mt-on-dark:{instrument_colour(instrument, 'dark')}"
    )


def _swatch(instrument: Instrument) -> str:
    return _colours(instrument)
