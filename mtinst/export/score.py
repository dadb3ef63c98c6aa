"""Notes on the grid of beats, and as a score: MusicXML (https://www.w3.org/2021/06/musicxml40/).

Key, spelling, measures and ties are partitura's. What makes a page readable is ours: notes begin and end on the grid,
small gaps close, and whatever sounds together in a voice is a chord.
"""

import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

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
LONGEST_PAGE = 60_000  # the most that verovio takes, about two hundred staves
TICKS = 12
"""Of a beat, in scores: both grids fit."""
NOTE_VALUES = frozenset({3, 4, 6, 8, 9, 12, 18, 24, 36, 48})
"""Ticks of a note that is written as one: sixteenth to whole, dotted or of a triplet."""
SPLIT = 60  # middle C, between the staves of a piano
BASS_STRINGS = 52  # below, a guitar's notes are a voice of their own
_CLEFS = {"treble": ("G", 2, 0), "guitar": ("G", 2, -1), "bass": ("F", 4, 0)}
_CLEF_OF = {"acoustic_guitar": "guitar", "electric_guitar": "guitar", "bass": "bass", "cello": "bass"}


def to_musicxml(song: Analysis, title: str = "") -> bytes:
    """A song's score; MtinstError where there is no note. Where too few tell the beat it is 120 a minute."""
    if not song.notes:
        raise MtinstError("there are no notes, and so there is no score")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of partitura: what it infers, step by step
        score = ps.Score(_parts(song.notes, song.beats or METRONOME), title=title)
        written: bytes = partitura.save_musicxml(score)
    return written


def to_svg(song: Analysis, title: str = "") -> str:
    """The score engraved by verovio, all of it on one long page."""
    toolkit = verovio.toolkit()
    toolkit.setOptions({"pageHeight": LONGEST_PAGE, "adjustPageHeight": True, "svgViewBox": True, "footer": "none"})
    toolkit.loadData(to_musicxml(song, title).decode())
    drawn: str = toolkit.renderToSVG(1)
    return drawn


def _parts(notes: Sequence[Note], beats: Beats) -> list[ps.Part]:
    parts = grid_of(notes, beats)
    first_bar = beats.first_downbeat - beats.per_bar * -(-beats.first_downbeat // beats.per_bar)
    onsets, offsets = (
        np.rint(TICKS * (grid / parts - first_bar)).astype(int).tolist() for grid in on_grid(notes, beats, parts)
    )
    rows = [
        (max(0, onset), offset, note.pitch, note.instrument)
        for note, onset, offset in zip(notes, onsets, offsets, strict=True)
    ]
    ticks_a_bar = TICKS * beats.per_bar
    end = ticks_a_bar * -(-max(offset for _, offset, *_ in rows) // ticks_a_bar)
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
        part = ps.Part(row.name, row.label, quarter_duration=TICKS)
        part.add(ps.TimeSignature(beats.per_bar, 4), 0)
        part.add(ps.KeySignature(fifths, mode), 0)
        n_staves = 2 if row.name == "piano" else 1
        for staff in range(1, n_staves + 1):
            clef = "bass" if staff == 2 else _CLEF_OF.get(row.name, "treble")
            sign, line, octave = _CLEFS[clef]
            part.add(ps.Clef(staff, sign, line, octave), 0)
        for (staff, voice), line_ in _voices(row.name, played[row.name]).items():
            _write_voice(part, line_, staff, voice, ticks_a_bar, end)
        for bar in range(0, end, ticks_a_bar):
            number = 1 + bar // ticks_a_bar
            part.add(ps.Measure(number, str(number)), bar, bar + ticks_a_bar)
        ps.find_tuplets(part)
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


def _write_voice(part: ps.Part, notes: list[_Written], staff: int, voice: int, ticks_a_bar: int, end: int) -> None:
    """Chords, each until the next one at the latest, and on to it where little is missing; rests between them."""
    chords: dict[int, list[_Written]] = defaultdict(list)
    for note in notes:
        chords[note[0]].append(note)

    def rest(start: int, until: int) -> None:
        for span in _spans(start, until, ticks_a_bar):
            part.add(ps.Rest(voice=voice, staff=staff), *span)

    written = 0
    for onset, following in pairwise([*sorted(chords), end]):
        rest(written, onset)
        longest = max(offset for _, offset, *_ in chords[onset])
        written = following if longest > following - TICKS // 2 else longest
        for step, alter, octave in {pitch: spelling for *_, pitch, spelling in chords[onset]}.values():
            tied = None
            for span in _spans(onset, written, ticks_a_bar):
                note = ps.Note(step, octave, alter or None, voice=voice, staff=staff)
                note.tie_prev = tied
                if tied is not None:
                    tied.tie_next = note
                part.add(note, *span)
                tied = note
    rest(written, end)


def _spans(start: int, end: int, ticks_a_bar: int) -> Iterator[tuple[int, int]]:
    """A time cut at bar lines, and at beats where no single note value would do."""
    while start < end:
        until = min(end, start + ticks_a_bar - start % ticks_a_bar)
        if until - start not in NOTE_VALUES:
            until = min(until, start + TICKS - start % TICKS)
        yield start, until
        start = until
