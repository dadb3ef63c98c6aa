"""What the browser shows of a visit's record: a function of it, and of nothing else."""

from typing import Any
from urllib.parse import quote

from mtinst.grid import INSTRUMENT_NAMES
from mtinst.page import render, texts
from mtinst.page.adjustment import Adjustment
from mtinst.page.layout import SHORTEST_MS
from mtinst.page.visit import File, Said, Visit


def snapshot(visit: Visit, shortest_s: float) -> dict[str, Any]:
    """All that browser/page.js shows.

    Parameters
    ----------
    visit : Visit
    shortest_s : float
        The shortest note by default.

    Returns
    -------
    dict
        Plain values. ``song``, ``notes`` and ``sliders``, which visitors change themselves, are pairs: the number at
        which the page put them there, and what it put.
    """
    song = None if visit.song is None else visit.song.file
    return {
        "number": visit.number,
        "status": _line(visit),
        **_result(visit),
        "aside": None if visit.aside is None else texts.bring_back(visit.aside[0].title),
        "can_transcribe": not visit.is_run,
        "can_stop": visit.is_run or visit.wish is not None,
        "has_recorder": visit.has_recorder,
        "song": (visit.song_put, _file(song)),
        "notes": (visit.notes_put, _file(visit.notes)),
        "sliders": (visit.adjustment_put, slider_values(visit.adjustment, shortest_s)),
    }


def slider_values(adjustment: Adjustment, shortest_s: float) -> list[Any]:
    """Where the sliders and boxes are, in the page's order."""
    instruments = INSTRUMENT_NAMES if adjustment.instruments is None else adjustment.instruments
    shortest_ms = shown_ms(shortest_s if adjustment.shortest_s is None else adjustment.shortest_s)
    return [adjustment.onset, adjustment.frame, shortest_ms, list(instruments), *adjustment.sensitivity]


def shown_ms(seconds: float) -> int:
    """Where the slider for the shortest note is."""
    least, most = SHORTEST_MS
    return min(max(round(1000 * seconds), least), most)


def _line(visit: Visit) -> str:
    line = visit.line
    if line is None:
        return ""
    if isinstance(line, Said):
        return render.status(line.kind, line.sentence, line.number)
    step = line.step
    return render.working(
        step.message, step.fraction, step.heard, step.share_heard, line.seconds_left, is_heard=line.is_heard
    )


def _result(visit: Visit) -> dict[str, Any]:
    if visit.preview is not None:
        preview = visit.preview
        return {
            "summary": render.preview_summary(preview),
            "player": render.preview_value(preview),
            "downloads": "",
        }
    if visit.shown is None:
        return {"summary": "", "player": None, "downloads": ""}
    return {
        "summary": render.summary(visit.shown),
        "player": render.player_value(visit.shown, has_sound=visit.has_sound),
        "downloads": render.downloads(visit.shown),
    }


def _file(file: File | None) -> dict[str, Any] | None:
    """A file as Gradio's components take it."""
    if file is None:
        return None
    return {
        "path": str(file.path),
        "url": f"gradio_api/file={quote(str(file.path))}",
        "orig_name": file.name,
        "size": file.n_bytes,
        "meta": {"_type": "gradio.FileData"},
    }
