"""Beats are scored on pieces of known metre."""

from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from mtinst.sound.synth import DEFAULT_SOUNDFONT
from tests.tiny import write_weights
from train.__main__ import main
from train.data.sources import ONSET, Track
from train.evaluation.beats import Metred


def write_march(path: Path) -> None:
    """Half a minute at 100 beats a minute: the bass on one and three, chords on each beat."""
    midi = pretty_midi.PrettyMIDI(initial_tempo=100)
    midi.time_signature_changes.append(pretty_midi.TimeSignature(4, 4, 0))
    piano = pretty_midi.Instrument(0)
    for beat in range(50):
        pitches = (60, 64, 67, 36 + beat % 4) if beat % 2 == 0 else (60, 64, 67)
        piano.notes += [pretty_midi.Note(80, pitch, 0.6 * beat, 0.6 * beat + 0.5) for pitch in pitches]
    midi.instruments.append(piano)
    path.parent.mkdir(parents=True, exist_ok=True)
    midi.write(str(path))


def test_a_march_is_played_and_scored_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b", "c"):
        write_march(tmp_path / "midi" / "nottingham" / f"{name}.mid")
    weights = write_weights(tmp_path / "tiny.safetensors")
    options = ["--prepared", str(tmp_path), "--soundfont", str(DEFAULT_SOUNDFONT), "--pieces", "1"]
    assert main(["beats", str(weights), *options]) == 0
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert [row[:2] for row in rows[2:]] == [
        [name, played] for name in ("all, 1", "nottingham, 1") for played in ("as written", "freely")
    ]
    assert float(rows[2][-1]) == 1.0  # from the right notes


def test_without_pieces_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = write_weights(tmp_path / "tiny.safetensors")
    options = ["--prepared", str(tmp_path), "--soundfont", str(DEFAULT_SOUNDFONT)]
    assert main(["beats", str(weights), *options]) == 2
    assert "holds no pieces" in capsys.readouterr().err


def test_who_plays_freely_keeps_each_note_near_its_beat() -> None:
    beats = np.arange(0, 50, 0.5)
    notes = np.stack((beats, beats + 0.4, np.full(100, 60.0), np.full(100, 80.0)), axis=1)
    piece = Metred("steady", [Track(0, False, notes)], beats, beats[::4])
    free = piece.humanised(np.random.default_rng(0))
    np.testing.assert_allclose(free.tracks[0].notes[:, ONSET], free.beats, atol=0.06)
    assert np.diff(free.beats).std() > 0.005
    assert set(free.downbeats) <= set(free.beats)
