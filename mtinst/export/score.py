"""Notes on the grid of beats, and as a score: MusicXML (https://www.w3.org/2021/06/musicxml40/).

Key, spelling, measures and ties are partitura's. What makes a page readable is ours: notes begin on the grid and end
with the beat or the next note, whatever begins together in a voice is a chord, notes and rests are cut so that the beat
is seen, and short ones are beamed by it.
"""

import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import partitura
import verovio
from partitura import score as ps
from partitura.musicanalysis import estimate_key, estimate_spelling
from partitura.utils.music import key_name_to_fifths_mode

from mtinst.errors import MtinstError
from mtinst.grid import INSTRUMENTS
from mtinst.hear.analysis import Analysis
from mtinst.hear.beats import grid_of, on_grid
from mtinst.records import Beats, Note

METRONOME = Beats(times=(0.0, 0.5))
FONTS = str(Path(verovio.__file__).with_name("data"))
PAGE_WIDTH = 2100
LONGEST_PAGE = 60_000  # the most that verovio takes, about two hundred staves
TICKS = 12
"""Of a beat, in scores: all grids fit."""
NOTE_VALUES = (1 / 4, 1 / 2, 3 / 4, 1, 3 / 2, 2, 3, 4, 6)
"""Quarters of a note that is written as one: sixteenth to whole, or dotted."""
FEWEST_THIRDS = 0.25
"""Of the notes, in compound time."""
FLAGS = {"eighth": 1, "16th": 2}
BEAMS = {(False, True): "begin", (True, True): "continue", (True, False): "end"}
"""By whether the note before, and the one after, has a beam of that level."""
DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC '
    '"-//Recordare//DTD MusicXML 3.1 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
SPLIT = 60  # middle C, between the staves of a piano
BASS_STRINGS = 52  # below, a guitar's notes are a voice of their own
_CLEFS = {"treble": ("G", 2, 0), "guitar": ("G", 2, -1), "bass": ("F", 4, 0), "bass guitar": ("F", 4, -1)}
_CLEF_OF = {"acoustic_guitar": "guitar", "electric_guitar": "guitar", "bass": "bass guitar", "cello": "bass"}


def to_musicxml(song: Analysis, title: str = "") -> bytes:
    """A song's score; MtinstError where there is no note. Where too few tell the beat it is 120 a minute."""
    if not song.notes:
        raise MtinstError("there are no notes, and so there is no score")
    beats = song.beats or METRONOME
    metre = _metre_of(song.notes, beats)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of partitura: what it infers, step by step
        score = ps.Score(_parts(song.notes, beats, metre))
        root = ElementTree.fromstring(partitura.save_musicxml(score))
    root.set("version", "3.1")
    for part in root.iter("part"):
        for measure in part.iter("measure"):
            _mark_whole_rests(measure, metre)
            _beam(measure, metre)
    _mark_tempo(root, beats, metre)
    if title := "".join(filter(str.isprintable, title)):
        work = ElementTree.Element("work")
        ElementTree.SubElement(work, "work-title").text = title
        root.insert(0, work)
    ElementTree.indent(root)
    return (DOCTYPE + ElementTree.tostring(root, "unicode")).encode()


def to_svg(song: Analysis, title: str = "") -> str:
    """The score engraved by verovio, one page below the other."""
    drawn = _pages(_engraver(song, title, pageHeight=LONGEST_PAGE))
    heights = [float(re.findall(r'viewBox="0 0 \S+ (\S+)"', page)[0]) for page in drawn]
    tops = [0.0, *accumulate(heights)]
    placed = (
        f'<svg y="{top:g}" width="{PAGE_WIDTH}" height="{height:g}"{page[4:]}'
        for top, height, page in zip(tops, heights, drawn, strict=False)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {PAGE_WIDTH} {tops[-1]:g}">{"".join(placed)}</svg>'


def to_pages(song: Analysis) -> dict[str, Any]:
    """The engraved score, and when its notes sound.

    Returns
    -------
    dict
        ``pages``, each an SVG; ``notes``, ``[id, onset_s, offset_s]`` by onset, and ``bars``, ``[id, start_s, page]``:
        their elements in the SVG, the time in the song, and for bars which page they are on, from 0.
    """
    toolkit = _engraver(song, header="none", svgFormatRaw=True)
    beats = song.beats or METRONOME
    metre = _metre_of(song.notes, beats)
    times = toolkit.renderToTimemap({"includeMeasures": True})
    places = metre.first_bar + metre.quarter / TICKS * np.array([time["qstamp"] for time in times])
    begun: dict[str, float] = {}
    notes, bars = [], []
    for second, time in zip(beats.second(places).round(3).tolist(), times, strict=True):
        notes += [(name, begun.pop(name), second) for name in time.get("off", ()) if name in begun]
        begun |= dict.fromkeys(time.get("on", ()), second)
        if "measureOn" in time:
            bars.append((time["measureOn"], second, toolkit.getPageWithElement(time["measureOn"]) - 1))
    return {"pages": _pages(toolkit), "notes": sorted(notes, key=lambda note: note[1]), "bars": bars}


def _engraver(song: Analysis, title: str = "", **options: Any) -> verovio.toolkit:
    toolkit = verovio.toolkit(False)
    toolkit.setResourcePath(FONTS)  # or it would have none in threads other than the first
    toolkit.setOptions(
        {"pageWidth": PAGE_WIDTH, "adjustPageHeight": True, "svgViewBox": True, "footer": "none"} | options
    )
    toolkit.loadData(to_musicxml(song, title).decode())
    return toolkit


def _pages(toolkit: verovio.toolkit) -> list[str]:
    return [toolkit.renderToSVG(page) for page in range(1, toolkit.getPageCount() + 1)]


@dataclass(frozen=True, kw_only=True)
class _Metre:
    """How beats are written, in ticks.

    Parameters
    ----------
    signature : tuple of int
        Such as 3 and 4.
    quarter, pulse, bar : int
        How long these are; a pulse is what is beamed together.
    parts : int
        Of a beat: the grid.
    first_bar : int
        The beat at which the first bar begins.
    """

    signature: tuple[int, int]
    quarter: int
    pulse: int
    bar: int
    parts: int
    first_bar: int

    def spans(self, start: int, end: int, *, is_rest: bool = False) -> Iterator[tuple[int, int]]:
        """A time cut into what can be written as one note: at bars, and so that the pulse is seen."""
        values = [round(self.quarter * value) for value in NOTE_VALUES]
        while start < end:
            until = min(end, start + self.bar - start % self.bar)
            whole = is_rest and until - start == self.bar
            if not whole:
                until = start + max(v for v in values if v <= until - start and self._fits(start, v, is_rest=is_rest))
            yield start, until
            start = until

    def end_of(self, onset: int, offset: int, following: int) -> int:
        """Where a chord ends that can be read: on a pulse, or with the next chord."""
        over = offset % self.pulse
        end = offset - over if over <= self.pulse // 4 and offset - over > onset else offset + -offset % self.pulse
        return following if end > following - TICKS // 2 else end

    def _fits(self, start: int, value: int, *, is_rest: bool) -> bool:
        """Whether it is within a pulse, or begins on one and ends on one, or halfway, or goes from halfway to there."""
        at, half = start % self.pulse, self.pulse // 2
        if at + value <= self.pulse:
            return True
        if is_rest:
            return at == 0 and value % self.pulse == 0 and start % self.bar % value == 0
        return (at == 0 and value % half == 0) or (at == half and value in (2 * half, 3 * half))


def _metre_of(notes: Sequence[Note], beats: Beats) -> _Metre:
    """Where many notes are on thirds of beats these are dotted quarters; where few are, it is a swing, in eighths."""
    parts = grid_of(notes, beats)
    if parts == 3 and np.mean(on_grid(notes, beats, 3)[0] % 3 > 0) < FEWEST_THIRDS:
        parts = 2
    first_bar = beats.first_downbeat - beats.per_bar * -(-beats.first_downbeat // beats.per_bar)
    if beats.unit == 8:
        signature, quarter, pulse = (beats.per_bar, 8), 2 * TICKS, 3 * TICKS
    elif parts == 3:
        signature, quarter, pulse = (3 * beats.per_bar, 8), 2 * TICKS // 3, TICKS
    else:
        signature, quarter, pulse = (beats.per_bar, 4), TICKS, TICKS
    return _Metre(
        signature=signature,
        quarter=quarter,
        pulse=pulse,
        bar=TICKS * beats.per_bar,
        parts=parts,
        first_bar=first_bar,
    )


def _parts(notes: Sequence[Note], beats: Beats, metre: _Metre) -> list[ps.Part]:
    onsets, offsets = (
        np.rint(TICKS * (grid / metre.parts - metre.first_bar)).astype(int).tolist()
        for grid in on_grid(notes, beats, metre.parts)
    )
    rows = [
        (max(0, onset), offset, note.pitch, note.instrument)
        for note, onset, offset in zip(notes, onsets, offsets, strict=True)
    ]
    end = metre.bar * -(-max(offset for _, offset, *_ in rows) // metre.bar)
    array = np.array(
        [
            (onset, offset - onset, onset / TICKS, (offset - onset) / TICKS, pitch, 1)
            for onset, offset, pitch, _ in rows
        ],
        dtype=[
            ("onset_div", "i4"),
            ("duration_div", "i4"),
            ("onset_beat", "f4"),
            ("duration_beat", "f4"),
            ("pitch", "i4"),
            ("voice", "i4"),
        ],
    )
    fifths, mode = key_name_to_fifths_mode(estimate_key(array))
    spelt = estimate_spelling(array)
    played = defaultdict(list)
    for (onset, offset, pitch, instrument), (step, alter, octave) in zip(rows, spelt.tolist(), strict=True):
        played[instrument].append((onset, offset, pitch, (step, alter, octave)))
    scored = []
    for row in INSTRUMENTS:
        if row.name not in played:
            continue
        part = ps.Part(row.name, row.label, quarter_duration=metre.quarter)
        part.add(ps.TimeSignature(*metre.signature), 0)
        part.add(ps.KeySignature(fifths, mode), 0)
        n_staves = 2 if row.name == "piano" else 1
        for staff in range(1, n_staves + 1):
            clef = "bass" if staff == 2 else _CLEF_OF.get(row.name, "treble")
            sign, line, octave = _CLEFS[clef]
            part.add(ps.Clef(staff, sign, line, octave), 0)
        for (staff, voice), line_ in _voices(row.name, played[row.name]).items():
            _write_voice(part, line_, staff, voice, metre, end)
        for number, bar in enumerate(range(0, end, metre.bar), 1):
            part.add(ps.Measure(number, str(number)), bar, bar + metre.bar)
        scored.append(part)
    return scored


_Written = tuple[int, int, int, tuple[str, int, int]]  # onset and offset in ticks, pitch, its spelling


def _voices(instrument: str, notes: list[_Written]) -> dict[tuple[int, int], list[_Written]]:
    """The notes of each staff and voice: a piano has two staves, a guitar its bass strings apart."""
    if instrument == "piano":
        split, low = SPLIT, (2, 5)
    elif instrument in ("acoustic_guitar", "electric_guitar"):
        split, low = BASS_STRINGS, (1, 2)
    else:
        return {(1, 1): notes}
    return {
        (1, 1): [note for note in notes if note[2] >= split],
        low: [note for note in notes if note[2] < split],
    }


def _write_voice(part: ps.Part, notes: list[_Written], staff: int, voice: int, metre: _Metre, end: int) -> None:
    """Chords, each until the next one at the latest, and rests between them."""
    chords: dict[int, list[_Written]] = defaultdict(list)
    for note in notes:
        chords[note[0]].append(note)

    def rest(start: int, until: int) -> None:
        for span in metre.spans(start, until, is_rest=True):
            part.add(ps.Rest(voice=voice, staff=staff), *span)

    written = 0
    for onset, following in pairwise([*sorted(chords), end]):
        rest(written, onset)
        written = metre.end_of(onset, max(offset for _, offset, *_ in chords[onset]), following)
        for step, alter, octave in {pitch: spelling for *_, pitch, spelling in chords[onset]}.values():
            tied = None
            for span in metre.spans(onset, written):
                note = ps.Note(step, octave, alter or None, voice=voice, staff=staff)
                note.tie_prev = tied
                if tied is not None:
                    tied.tie_next = note
                part.add(note, *span)
                tied = note
    rest(written, end)


def _mark_whole_rests(measure: ElementTree.Element, metre: _Metre) -> None:
    """Have a rest that lasts a bar look so, whatever the bar; that of a second voice is not seen."""
    for note in measure.iter("note"):
        rest = note.find("rest")
        if rest is not None and note.findtext("duration") == str(metre.bar):
            rest.set("measure", "yes")
            if note.findtext("voice") == "2":
                note.set("print-object", "no")
            for element in (*note.findall("type"), *note.findall("dot")):
                note.remove(element)


def _beam(measure: ElementTree.Element, metre: _Metre) -> None:
    """Join what is shorter than a quarter, where it follows each other within a pulse."""
    groups: dict[tuple[str | None, int, int], list[ElementTree.Element]] = defaultdict(list)
    at = n_broken = 0
    for element in measure:
        length = int(element.findtext("duration", "0"))
        if element.tag == "backup":
            at -= length
        if element.tag != "note" or element.find("chord") is not None:
            continue
        if element.find("rest") is not None or element.findtext("type") not in FLAGS:
            n_broken += 1
        else:
            groups[element.findtext("voice"), at // metre.pulse, n_broken].append(element)
        at += length
    for group in groups.values():
        flags = [0, *(FLAGS[note.findtext("type", "")] for note in group), 0]
        for note, before, own, after in zip(group, flags, flags[1:], flags[2:], strict=False):
            for level in range(1, 1 + (own if len(group) > 1 else 0)):
                hook = "backward hook" if before else "forward hook"
                beam = ElementTree.Element("beam", number=str(level))
                beam.text = BEAMS.get((before >= level, after >= level), hook)
                # Of all that comes later in a note there are only notations here.
                place = next((k for k, one in enumerate(note) if one.tag == "notations"), len(note))
                note.insert(place, beam)


def _mark_tempo(root: ElementTree.Element, beats: Beats, metre: _Metre) -> None:
    """Write the tempo, in pulses a minute, over the first bar."""
    measure = root.find("part/measure")
    assert measure is not None
    direction = ElementTree.Element("direction", placement="above")
    metronome = ElementTree.SubElement(ElementTree.SubElement(direction, "direction-type"), "metronome")
    ElementTree.SubElement(metronome, "beat-unit").text = "quarter"
    if metre.pulse > metre.quarter:
        ElementTree.SubElement(metronome, "beat-unit-dot")
    ElementTree.SubElement(metronome, "per-minute").text = str(round(beats.tempo * TICKS / metre.pulse))
    ElementTree.SubElement(direction, "sound", tempo=str(round(beats.tempo * TICKS / metre.quarter, 2)))
    measure.insert(1, direction)  # after its attributes
