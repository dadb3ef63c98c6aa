"""Notes and activations as CSV and JAMS."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from mtinst.export.jams import to_jams
from mtinst.export.tables import activations_to_csv, notes_to_csv
from mtinst.grid import INSTRUMENT_INDEX, INSTRUMENT_NAMES, SPEC
from mtinst.records import Note, Rolls
from mtinst.transcription import Transcription
from tests.tiny import transcription_with

NOTES = [Note(0.0, 0.32, pitch=60, instrument="cello", velocity=70), Note(0.16, 0.64, pitch=72, instrument="flute")]


@pytest.fixture
def transcription() -> Transcription:
    rolls = Rolls.zeros(64)
    rolls.piano[INSTRUMENT_INDEX["cello"], 60 - SPEC.lowest_pitch, :10] = 0.75
    rolls.instrument[INSTRUMENT_INDEX["cello"], 3] = 0.5
    return transcription_with(NOTES, rolls, 2.0)


def test_the_table_of_notes_holds_each_note(transcription: Transcription) -> None:
    rows = list(csv.DictReader(io.StringIO(notes_to_csv(transcription))))
    assert [
        Note(
            float(row["onset_s"]),
            float(row["offset_s"]),
            pitch=int(row["pitch"]),
            instrument=row["instrument"],
            velocity=int(row["velocity"]),
        )
        for row in rows
    ] == NOTES
    assert [float(row["confidence"]) for row in rows] == [0.75, 0.0]


def test_the_table_of_activations_holds_each_frame(transcription: Transcription) -> None:
    header, *rows = csv.reader(io.StringIO(activations_to_csv(transcription)))
    assert header == ["time_s", *INSTRUMENT_NAMES]
    table = np.array(rows, float)
    np.testing.assert_allclose(table[:, 0], np.arange(64) * 0.032, atol=1e-9)
    np.testing.assert_allclose(table[:, 1:].T, transcription.instrument_roll, atol=1e-4)


def test_jams_has_what_its_schema_requires(transcription: Transcription) -> None:
    document = json.loads(to_jams(transcription, "Größe “4”"))
    assert set(document) <= {"file_metadata", "annotations", "sandbox"}
    assert document["file_metadata"]["title"] == "Größe “4”"
    assert document["file_metadata"]["duration"] == 2.0
    for annotation in document["annotations"]:
        assert {"annotation_metadata", "data", "namespace"} <= set(annotation)
        assert annotation["time"] >= 0
        assert annotation["duration"] == 2.0
        assert set(annotation["annotation_metadata"]["curator"]) == {"name", "email"}
        for observation in annotation["data"]:
            assert set(observation) == {"value", "time", "duration", "confidence"}
            assert observation["time"] >= 0
            assert observation["duration"] >= 0


def test_jams_holds_notes_players_and_activations(transcription: Transcription) -> None:
    cello, flute, players, activations = json.loads(to_jams(transcription, ""))["annotations"]
    assert (cello["namespace"], cello["sandbox"]["instrument"], cello["sandbox"]["velocities"]) == (
        "note_midi",
        "cello",
        [70],
    )
    assert cello["data"] == [{"time": 0.0, "duration": 0.32, "value": 60, "confidence": 0.75}]
    assert flute["data"] == [{"time": 0.16, "duration": 0.48, "value": 72, "confidence": 0.0}]
    assert [tag["value"] for tag in players["data"]] == ["cello", "flute"]
    assert activations["namespace"] == "vector"
    assert len(activations["data"]) == 64
    assert activations["data"][3]["value"][INSTRUMENT_INDEX["cello"]] == 0.5


def test_every_output_can_be_saved(transcription: Transcription, tmp_path: Path) -> None:
    paths = transcription.save(tmp_path, "song", ("svg", "csv", "activations.csv", "jams"))
    assert [path.name for path in paths] == ["song.svg", "song.csv", "song.activations.csv", "song.jams"]
    assert b"<svg" in paths[0].read_bytes()
    assert paths[1].read_bytes().count(b"\r") == 0
    before = paths[0].read_bytes()
    transcription.save(tmp_path, "song", ("svg",))
    assert paths[0].read_bytes() == before, "the same picture has the same bytes"
