"""Parts of the page as HTML text. Whatever comes from outside, such as a file's name, goes through :func:`plain`."""

import html
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mtinst.grid import INSTRUMENTS, FloatArray, Instrument, clock, instrument_named
from mtinst.page import entries, texts
from mtinst.page.examples import Example
from mtinst.page.player.song import PROBABILITIES
from mtinst.page.results import Preview, Result
from mtinst.page.routes import kept_url, take_url
from mtinst.palette import instrument_colour

STRIP_COLUMNS = 96
_PART_FILES = (("mid", "MIDI"), ("flac", "FLAC"), ("wav", "WAV"))
_SHEETS = (
    (texts.NOTES_HEADING, "notes"),
    (texts.ACTIVITY_HEADING, "instruments"),
    (texts.PITCH_HEADING, "pitches"),
)
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


def header() -> str:
    """The page's title and what it is for."""
    dots = "".join(f'<i style="{_colours(row)}" title="{row.label}"></i>' for row in INSTRUMENTS)
    return (
        f'<div class="mt-header"><div class="mt-mark" aria-hidden="true">{dots}</div>'
        f"<h1>{texts.HEADLINE}</h1><p>{texts.TAGLINE}</p></div>"
    )


def heading(text: str, help_text: str = "") -> str:
    """A heading with a line of explanation."""
    explanation = f"<p>{help_text}</p>" if help_text else ""
    return f'<div class="mt-heading"><h2>{text}</h2>{explanation}</div>'


def example_cards(examples: Sequence[Example]) -> str:
    """One button for each example, with its title and the colours of its instruments."""
    if not examples:
        return '<p class="mt-quiet">No examples are installed with this copy.</p>'
    cards = []
    for example in examples:
        dots = "".join(f'<i style="{_colours(instrument_named(name))}"></i>' for name in example.instruments)
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
        f'<i style="{_colours(row)};left:{6 + 37 * k % 71}%;width:{11 + 7 * k % 17}%;top:{10 + 26 * k % 79}%"></i>'
        for k, row in enumerate(INSTRUMENTS)
    )
    return (
        f'<div class="mt-empty"><div class="mt-empty-roll" aria-hidden="true">{bars}</div>'
        f"<h2>{texts.EMPTY_HEADING}</h2><p>{texts.EMPTY}</p></div>"
    )


def status(kind: str, sentence: str, number: int = 0) -> str:
    """One line about how things stand; `kind` is ``done``, ``info`` or ``error``, `number` tells equal lines apart."""
    role = "alert" if kind == "error" else "status"
    # Gradio changes what is there in place, and equal text in an equal element would not be read out again.
    element = ("span", "bdi")[number % 2]
    sentence = f"<{element}>{plain(sentence)}</{element}>"
    return f'<div class="mt-status mt-{kind}" role="{role}" data-number="{number}">{sentence}</div>'


def working(
    message: str,
    fraction: float,
    heard: FloatArray | None = None,
    share_heard: float = 0.0,
    seconds_left: float | None = None,
    *,
    is_heard: bool = True,
) -> str:
    """Progress: a bar, a message, how long it may still take, and who was heard so far.

    Parameters
    ----------
    message : str
    fraction : float
        Of all the work.
    heard : ndarray of float32, shape (11, n_frames), optional
        Instrument roll of the part of the song that is finished.
    share_heard : float
        How much of the song that part is.
    seconds_left : float, optional
        As far as that can be said.
    is_heard : bool
        Whether the network is done with the song; until then style.css lets nobody adjust what is still on the page.
    """
    percent = round(100 * min(max(fraction, 0.0), 1.0))
    left = texts.seconds_left(seconds_left) if seconds_left is not None else ""
    if left:  # not read out: it would be, each second
        left = f'<small class="mt-left" aria-hidden="true">{left}</small>'
    strip = "" if heard is None or heard.shape[1] == 0 else activity_strip(heard, share_heard)
    kind = "mt-working" if is_heard else "mt-working mt-listening"
    return (
        f'<div class="mt-status {kind}" role="status"><span>{plain(message)}</span>{left}'
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
    """The song's name, what was found in it, how right that is where that is known, and a warning when it is little."""
    chips = "".join(
        f'<li style="{_colours(instrument_named(part.name))}"><i></i>{instrument_named(part.name).label}'
        f"<small>{texts.n_notes(part.n_notes)}</small></li>"
        for part in result.parts
    )
    remarks = filter(None, (result.verdict, result.damage))
    verdict = "".join(f'<p class="mt-verdict">{plain(remark)}</p>' for remark in remarks)
    total = sum(part.n_notes for part in result.parts)
    facts = f"{clock(result.duration_s)} · {texts.n_notes(total)} · {texts.tuned_to(result.tuning_hz)}"
    found = f'<ul class="mt-found" aria-label="Instruments found">{chips}</ul>' if chips else ""
    scores = f'<p class="mt-scores">{texts.scores(**asdict(result.scores))}</p>' if result.scores else ""
    link = (
        f'<a class="mt-link" href="?song={result.key}" data-song="{result.key}" '
        f'data-copied="{texts.LINK_COPIED}">{texts.LINK}</a>'
    )
    return (
        f'<div class="mt-summary"><h2>{plain(result.title)}</h2><p class="mt-quiet">{facts} · {link}</p>'
        f"{found}{scores}{verdict}</div>"
    )


def preview_summary(preview: Preview) -> str:
    """The song's name, and how much of it was heard so far."""
    facts = f"{clock(preview.heard_s)} of {clock(preview.duration_s)} heard · {texts.n_notes(preview.n_notes)} so far"
    title = plain(preview.title)
    return f'<div class="mt-summary mt-partial"><h2>{title}</h2><p class="mt-quiet">{plain(facts)}</p></div>'


def player_value(result: Result, *, has_sound: bool = True) -> str:
    """The result as the player takes it: addresses of what to load, as JSON.

    Unless it `has_sound`, now or soon, only the song itself is heard.
    """
    files = None
    if result.files_folder is not None or not has_sound:
        folder = result.files_folder
        parts = {} if folder is None else {part.name: kept_url(folder / f"{part.name}.flac") for part in result.parts}
        files = {"original": kept_url(result.source_folder / entries.ORIGINAL), "parts": parts}
    return _as_text(
        title=result.title,
        source=result.source_key,
        song=kept_url(result.view_folder / entries.SONG),
        probabilities=kept_url(result.source_folder / PROBABILITIES),
        score=take_url(result.key, "score") if result.parts else None,
        ghosts=take_url(result.key, "ghosts.json"),
        files=files,
    )


def preview_value(preview: Preview) -> str:
    """The notes so far as the player takes them."""
    return _as_text(
        title=preview.title,
        source=preview.source_key,
        song=kept_url(preview.folder / entries.SONG),
        files=None,
        partial=True,
    )


def _as_text(**value: Any) -> str:
    """JSON, as Gradio may make one step's object into the next one's before the browser has looked at it.

    Signs that HTML could take for its own are left out.
    """
    return json.dumps(value).replace("<", "\\u003c")


def downloads(result: Result) -> str:
    """Everything to take away, each a link to a file that is made when it is asked for."""
    offers = [
        ("midi", "MIDI", "the notes, one track an instrument"),
        ("parts.flac", "Parts", "a zip of FLAC files, one an instrument"),
        ("mix.flac", "All parts", "the notes as they sound together, FLAC"),
        ("musicxml", "Score", "MusicXML, for notation programs"),
        ("overview.png", "Picture", "the three figures on one sheet, PNG"),
        ("npz", "Data", "all rolls and notes, for NumPy"),
        ("notes.csv", "Table", "the notes as CSV, one a line"),
    ]
    if not result.parts:  # nothing to play, nothing to list
        offers = [offer for offer in offers if offer[0] not in ("parts.flac", "mix.flac", "musicxml")]
    cards = "".join(
        f'<a class="mt-download" href="{take_url(result.key, slug)}" download><b>{label}</b>'
        f"<small>{explanation}</small></a>"
        for slug, label, explanation in offers
    )
    return f'<div class="mt-downloads">{cards}</div>{_more_downloads(result)}'


def _more_downloads(result: Result) -> str:
    rows: list[tuple[str, str, list[tuple[str, str]]]] = [
        (texts.MORE_PICTURE, "", [("overview.svg", "SVG")]),
        *((heading, "", [(f"{sheet}.{kind}", kind.upper()) for kind in ("png", "svg")]) for heading, sheet in _SHEETS),
        (texts.ACTIVITY_HEADING, "", [("activations.csv", "CSV")]),
        (texts.MORE_BEATS, "", [("quantised.mid", "MIDI"), ("beats.csv", "CSV")]),
        (texts.SCORE_HEADING, "", [("score.svg", "SVG")]),
        (texts.MORE_JAMS, "", [("jams", "JAMS")]),
    ]
    if result.adjustment.edits:
        rows.append((texts.MORE_CORRECTIONS, "", [("corrections", "JSON")]))
    if result.parts:
        rows.append((texts.MORE_PARTS, "", [("parts.wav", "WAV, zip")]))
        rows.append((texts.MORE_MIX, "", [("mix.wav", "WAV")]))
    for part in result.parts:
        instrument = instrument_named(part.name)
        files = [(f"{part.name}.{suffix}", label) for suffix, label in _PART_FILES]
        rows.append((instrument.label, _colours(instrument), files))
    lines = "".join(
        f'<li style="{style}"><span>{"<i></i>" if style else ""}{label}</span>'
        + "".join(
            f'<a class="mt-take" href="{take_url(result.key, slug)}" download aria-label="{label}, {kind}">{kind}</a>'
            for slug, kind in files
        )
        + "</li>"
        for label, style, files in rows
    )
    return f'<details class="mt-more"><summary>{texts.MORE_DOWNLOADS}</summary><ul>{lines}</ul></details>'


def how_to_read() -> str:
    """What the pictures and numbers of a result mean, folded up."""
    points = "".join(f"<li>{sentence}</li>" for sentence in texts.READ)
    return f'<details class="mt-more mt-read"><summary>{texts.READ_HEADING}</summary><ul>{points}</ul></details>'


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
