"""Scores: what is written can be read, by people and by programs."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import partitura
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from partitura.io.importmusicxml import validate_musicxml

from mtinst.errors import MtinstError
from mtinst.export import score
from mtinst.export.score import to_musicxml, to_pages, to_svg
from mtinst.records import Note, Timing
from mtinst.transcription import Transcription
from tests.unit.test_beats import song_of, waltz


def triplets(n_beats: int = 24) -> list[Note]:
    """A tune in thirds of a beat over a bass on the beat, 90 beats a minute."""
    third = 60 / 90 / 3
    tune = [Note(k * third, k * third + 0.2, pitch=72 + k % 5) for k in range(3 * n_beats)]
    return sorted(tune + [Note(k * 3 * third, k * 3 * third + 0.6, pitch=40 + k % 2) for k in range(n_beats)])


def measures(song: Transcription) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(to_musicxml(song)).iter("measure"))


def is_valid(written: bytes, folder: Path) -> bool:
    path = folder / "song.musicxml"
    path.write_bytes(written)
    return bool(validate_musicxml(str(path)))


def length_of(measure: ElementTree.Element) -> dict[str | None, int]:
    """The length of each voice in a bar."""
    lengths: dict[str | None, int] = {}
    for note in measure.iter("note"):
        if note.find("chord") is None:
            voice = note.findtext("voice")
            lengths[voice] = lengths.get(voice, 0) + int(note.findtext("duration", "0"))
    return lengths


def test_a_score_has_whole_bars_every_pitch_and_its_title(tmp_path: Path) -> None:
    song = song_of(waltz(90))
    written = to_musicxml(song, "A waltz & <more>")
    assert is_valid(written, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (part,) = partitura.load_musicxml(tmp_path / "song.musicxml").parts
    assert set(part.note_array()["pitch"]) == {note.pitch for note in song.notes}
    root = ElementTree.fromstring(written)
    assert root.findtext("work/work-title") == "A waltz & <more>"
    assert root.findtext(".//per-minute") == "90"
    for measure in root.iter("measure"):
        assert set(length_of(measure).values()) == {3 * score.TICKS}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda onset, length, pitch, instrument: Note(
                onset / 20, (onset + length) / 20, pitch=pitch, instrument=instrument
            ),
            st.integers(0, 400),
            st.integers(1, 100),
            st.integers(21, 108),
            st.sampled_from(("piano", "acoustic_guitar", "bass", "other")),
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from((None, 45.0, 120.0, 400.0)),
    st.sampled_from((None, 2, 3, 4, 5, 6)),
)
def test_whatever_is_played_bars_add_up_and_notes_have_values(
    notes: list[Note], tempo: float | None, per_bar: int | None
) -> None:
    song = song_of(sorted(notes), Timing(tempo=tempo, per_bar=per_bar))
    root = ElementTree.fromstring(to_musicxml(song))
    for part in root.iter("part"):
        bar = {length for measure in part.iter("measure") for length in length_of(measure).values()}
        assert len(bar) == 1
    assert all(note.find("type") is not None for note in root.iter("note") if note.find("rest") is None)


def test_a_title_that_cannot_be_written_is_written_as_far_as_it_can(tmp_path: Path) -> None:
    written = to_musicxml(song_of(waltz(90)), "\x00Wal\udcfftz")
    assert is_valid(written, tmp_path)
    assert b"<work-title>Waltz</work-title>" in written


def test_eighths_are_beamed_within_the_beat() -> None:
    notes = [Note(k / 4, k / 4 + 0.25, pitch=60 + k % 3, instrument="flute") for k in range(64)]
    second = measures(song_of(notes, Timing(tempo=120, per_bar=4, bar_s=0)))[1]
    beams = [note.findtext("beam") for note in second.iter("note")]
    assert beams == ["begin", "end"] * 4


def test_a_short_note_beside_a_longer_one_has_a_hook() -> None:
    notes = [
        Note(k / 2 + at, k / 2 + at + length, pitch=60, instrument="flute")
        for k in range(32)
        for at, length in ((0.0, 0.375), (0.375, 0.125))
    ]
    second = measures(song_of(notes, Timing(tempo=120, per_bar=4, bar_s=0)))[1]
    first_two = list(second.iter("note"))[:2]
    assert [[beam.text for beam in note.iter("beam")] for note in first_two] == [["begin"], ["end", "backward hook"]]


def test_thirds_of_beats_are_compound_time(tmp_path: Path) -> None:
    song = song_of(triplets(), Timing(tempo=90))
    first = measures(song)[0]
    assert first.findtext(".//beat-type") == "8"
    assert first.find(".//beat-unit-dot") is not None
    assert first.find(".//time-modification") is None
    assert is_valid(to_musicxml(song), tmp_path)


def test_six_beats_a_bar_are_beamed_in_threes(tmp_path: Path) -> None:
    notes = [Note(k / 5, k / 5 + 0.2, pitch=60 + k % 3, instrument="flute") for k in range(60)]
    song = song_of(notes, Timing(tempo=300, per_bar=6, bar_s=0))
    first, second = measures(song)[:2]
    assert (first.findtext(".//beats"), first.findtext(".//beat-type"), first.findtext(".//per-minute")) == (
        "6",
        "8",
        "100",
    )
    assert [note.findtext("beam") for note in second.iter("note")] == 2 * ["begin", "continue", "end"]
    assert is_valid(to_musicxml(song), tmp_path)


def test_a_few_thirds_are_a_swing_and_written_in_eighths() -> None:
    beats = [Note(k / 2, k / 2 + 0.4, pitch=48 + k % 2) for k in range(48)]
    swung = [Note(k / 2 + 1 / 3, k / 2 + 0.45, pitch=72) for k in range(0, 48, 6)]
    first = measures(song_of(sorted(beats + swung), Timing(tempo=120, per_bar=4)))[0]
    assert first.findtext(".//beat-type") == "4"


def test_a_bar_of_rest_is_one_rest_and_a_second_voices_is_not_seen() -> None:
    notes = [Note(0.5 * k, 0.5 * k + 0.4, pitch=64, instrument="acoustic_guitar") for k in range(16)]
    notes.append(Note(0.0, 0.4, pitch=40, instrument="acoustic_guitar"))
    last = measures(song_of(sorted(notes), Timing(tempo=120, per_bar=5, bar_s=0)))[1]
    (rest,) = [note for note in last.iter("note") if note.findtext("voice") == "2"]
    assert rest.get("print-object") == "no"
    mark = rest.find("rest")
    assert mark is not None
    assert mark.get("measure") == "yes"


@pytest.mark.parametrize(
    "notes",
    [
        [Note(0.0, 1.0, pitch=60)],
        [Note(3.21, 3.25, pitch=108, instrument="bass")],
        sorted(Note(k * 0.006, k * 0.006 + 0.04, pitch=40 + k % 40) for k in range(10_000 // 10)),
        [
            Note(t, t + 0.1, pitch=60 + k % 7)
            for k, t in enumerate(np.cumsum(1.5 + np.sin(np.arange(40.0) ** 2)).tolist())
        ],
    ],
    ids=["one", "late", "dense", "rubato"],
)
def test_odd_songs_have_scores_too(notes: list[Note], tmp_path: Path) -> None:
    song = song_of(notes)
    assert is_valid(to_musicxml(song), tmp_path)
    assert "measure" in to_svg(song)


def test_without_notes_there_is_no_score() -> None:
    with pytest.raises(MtinstError, match="no score"):
        to_musicxml(song_of([]))


def test_the_score_is_engraved_in_any_thread() -> None:
    with ThreadPoolExecutor(1) as threads:
        drawn = threads.submit(to_svg, song_of(waltz(90)), "A waltz").result()
    assert drawn.startswith("<svg")
    assert drawn.count('class="measure"') > 12


def test_a_long_score_goes_on_on_pages_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score, "LONGEST_PAGE", 500)
    song = song_of(waltz(90))
    pages = list(ElementTree.fromstring(to_svg(song)))
    assert len(pages) > 2
    tops, heights = ([float(page.get(name, "")) for page in pages] for name in ("y", "height"))
    np.testing.assert_allclose(tops[1:], np.cumsum(heights)[:-1])
    assert to_svg(song).count('class="measure"') == len(measures(song))


def test_pages_say_when_their_notes_sound() -> None:
    song = song_of(waltz(90))
    record = to_pages(song)
    drawn = "".join(record["pages"])
    assert all(f'id="{name}"' in drawn for name, *_ in record["notes"] + record["bars"])
    onsets = np.array([onset for _, onset, _ in record["notes"]])
    assert list(onsets) == sorted(onsets)
    assert max(np.abs(onsets - note.onset).min() for note in song.notes) < 0.02
    assert song.beats is not None
    starts = [start for _, start, _ in record["bars"]]
    np.testing.assert_allclose(
        starts[1:5], song.beats.downbeats[1:5] if starts[0] >= 0 else song.beats.downbeats[:4], atol=0.01
    )
    assert {page for *_, page in record["bars"]} == set(range(len(record["pages"])))
