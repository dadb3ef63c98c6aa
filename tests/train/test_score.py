"""Datasets are scored: against small cases and mir_eval, with rolls and MIDI beside the truth."""

import json
from pathlib import Path

import mir_eval
import numpy as np
import pretty_midi
import pytest

from mtinst.grid import SPEC
from mtinst.records import Note
from tests.tiny import write_weights
from tests.train.corpora import CELLO, VIOLA, VIOLIN, WRITERS, Notes
from train.__main__ import main
from train.data.corpora import Parts
from train.evaluation.score import score_notes, score_table


def rows(notes: Notes) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([(onset, offset, pitch, 80) for onset, offset, pitch in notes])


PLAYED: Parts = {"violin": rows(VIOLIN), "cello": rows(CELLO), "other": rows(VIOLA)}


def notes(instrument: str, played: Notes) -> list[Note]:
    return [Note(onset, offset, pitch=pitch, instrument=instrument) for onset, offset, pitch in played]


def test_finding_everything_scores_one_and_nothing_zero() -> None:
    everything = notes("violin", VIOLIN) + notes("cello", CELLO)
    score = score_notes("song", everything, {key: PLAYED[key] for key in ("violin", "cello")}, 4.0)
    assert (score.pitch_accuracy, score.piano_roll_accuracy, score.note_f1, score.note_instrument_f1) == (1, 1, 1, 1)
    score = score_notes("song", [], PLAYED, 4.0)
    assert (score.pitch_accuracy, score.piano_roll_accuracy, score.note_f1, score.note_instrument_f1) == (0, 0, 0, 0)


def test_others_are_an_instrument_too() -> None:
    found = notes("violin", VIOLIN) + notes("cello", CELLO)
    taken_for_violin = score_notes("song", found + notes("violin", VIOLA), PLAYED, 4.0)
    assert (taken_for_violin.note_f1, taken_for_violin.pitch_accuracy) == (1.0, 1.0)
    assert taken_for_violin.note_instrument_f1 == pytest.approx(3 / 4)
    right = score_notes("song", found + notes("other", VIOLA), PLAYED, 4.0)
    assert (right.note_instrument_f1, right.piano_roll_accuracy) == (1.0, 1.0)


def test_a_table_has_a_line_a_song_and_their_mean() -> None:
    scores = [
        score_notes(name, notes("other", VIOLA), {"other": rows(played)}, 4.0)
        for name, played in (("one", VIOLA), ("two", CELLO))
    ]
    table = score_table(scores, "w.safetensors").splitlines()
    assert table[-3] == "| one | 1.000 | 1.000 | 1.000 | 1.000 |"
    assert table[-1].startswith("| **2 songs, w.safetensors** |")


def test_frame_accuracy_is_mir_eval_s() -> None:
    found = notes("violin", [(0.6, 1.4, 69), (2.0, 2.5, 72)]) + notes("cello", CELLO)
    score = score_notes("song", found, PLAYED, 4.0)
    times = np.array([SPEC.frame_to_second(frame) for frame in range(126)])

    def hertz(played: list[Note]) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
        spans = [(SPEC.second_to_frame(n.onset), SPEC.second_to_frame(n.offset), n.pitch) for n in played]
        sounding = [{pitch for first, end, pitch in spans if first <= frame < end} for frame in range(126)]
        return [mir_eval.util.midi_to_hz(np.array(sorted(pitches), dtype=float)) for pitches in sounding]

    truth = notes("violin", VIOLIN) + notes("cello", CELLO) + notes("other", VIOLA)
    expected = mir_eval.multipitch.evaluate(times, hertz(truth), times, hertz(found))["Accuracy"]
    assert score.pitch_accuracy == pytest.approx(expected)


@pytest.mark.parametrize("name", ["bach10", "musicnet", "urmp", "paired"])
def test_a_dataset_is_scored_by_one_command(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = WRITERS[name](tmp_path / name)
    weights = write_weights(tmp_path / "tiny.safetensors")
    out = tmp_path / "out"
    assert main(["score", str(folder), str(weights), "--out", str(out), "--first", "1"]) == 0
    table = (out / "scores.md").read_text()
    assert table in capsys.readouterr().out
    (score,) = json.loads((out / "scores.json").read_text())
    assert 0 <= score["note_instrument_f1"] <= 1
    assert score["duration_s"] == 4.0
    song = out / score["name"]
    assert song.with_name(song.name + ".png").read_bytes().startswith(b"\x89PNG")
    truth = pretty_midi.PrettyMIDI(str(song.with_name(song.name + ".truth.mid")))
    assert [track.name for track in truth.instruments][-1] == "Other"
    assert pretty_midi.PrettyMIDI(str(song.with_name(song.name + ".mid"))).instruments


def test_what_cannot_be_scored_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = WRITERS["medleydb"](tmp_path / "medleydb")
    weights = write_weights(tmp_path / "tiny.safetensors")
    assert main(["score", str(folder), str(weights), "--out", str(tmp_path)]) == 2
    assert "None of the songs has notes" in capsys.readouterr().err
    assert main(["score", str(tmp_path / "nowhere"), str(weights)]) == 2
    assert "holds none of the datasets" in capsys.readouterr().err
