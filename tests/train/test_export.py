"""The ONNX graph against PyTorch, at any length, and what runs it."""

import json
import os
import subprocess
import sys
import zlib
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from mtinst.grid import FINE, INSTRUMENT_NAMES, N_INSTRUMENTS, SPEC, FloatArray
from mtinst.hear.checkpoint import CheckpointInfo, load_checkpoint, save_checkpoint
from mtinst.hear.cqt import by_pitch, log_cqt
from mtinst.hear.notes import note_confidences, rolls_to_notes
from mtinst.hear.players import assign_players
from mtinst.hear.unet import DEFAULT, Committee, ModelConfig, Network, UNet
from mtinst.hear.windows import predict_rolls
from mtinst.records import Rolls, Thresholds, round_roll
from tests.tiny import two_tones, write_song, write_weights
from train.__main__ import main
from train.export.graph import FORMAT, metadata_of

GOLDEN = Path(__file__).parents[1] / "browser/golden/notes.json"

# Nothing, less than a frame, and around where a window, the padding of the network or an octave's rate would show.
LENGTHS = (1, 511, 512, 513, 2001, 5001, 33_333, 239_999, 240_000, 240_001, 460_007, 700_001)


def tiny_network(seed: int = 0, **settings: object) -> UNet:
    torch.manual_seed(seed)
    network = UNet(ModelConfig(**{**vars(DEFAULT), "widths": (4, 8, 8), **settings}), FINE)
    for parameter in network.parameters():  # also those that begin without an opinion
        torch.nn.init.normal_(parameter, std=0.3)
    return network.eval()


def exported(folder: Path, network: Network) -> tuple[Network, onnxruntime.InferenceSession]:
    """What the checkpoint has kept of a network, and its graph."""
    weights, graph = folder / "tiny.safetensors", folder / "tiny.onnx"
    save_checkpoint(weights, network, thresholds=Thresholds.uniform(), training={})
    assert main(["export", str(weights), "--onnx", str(graph)]) == 0
    return load_checkpoint(weights)[0], onnxruntime.InferenceSession(graph)


def song(n_samples: int) -> FloatArray:
    noise = np.random.default_rng(n_samples).standard_normal(n_samples, np.float32)
    return two_tones(n_samples / SPEC.sample_rate)[:n_samples] + np.float32(0.01) * noise


def assert_agrees(session: onnxruntime.InferenceSession, network: Network, samples: FloatArray) -> None:
    *rolls, levels = session.run(None, {"samples": samples[np.newaxis]})
    features = log_cqt(samples, network.spec)
    np.testing.assert_allclose(levels, by_pitch(features, network.spec), atol=1e-3)
    for name, roll, expected in zip(Rolls._fields, rolls, predict_rolls(network, features, network.spec), strict=True):
        np.testing.assert_allclose(roll, expected, atol=1e-3, err_msg=name)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, onnxruntime.InferenceSession]:
    return exported(tmp_path_factory.mktemp("export"), tiny_network())


@pytest.mark.parametrize("n_samples", LENGTHS)
def test_the_graph_agrees_with_pytorch_at_any_length(
    pair: tuple[Network, onnxruntime.InferenceSession], n_samples: int
) -> None:
    network, session = pair
    assert_agrees(session, network, song(n_samples))


def test_silence_has_levels_of_zero(pair: tuple[Network, onnxruntime.InferenceSession]) -> None:
    network, session = pair
    assert_agrees(session, network, np.zeros(20_000, np.float32))


def test_a_committee_and_networks_of_other_heads_and_instruments_are_exported_too(tmp_path: Path) -> None:
    for network in (
        Committee([tiny_network(1), tiny_network(2)]),
        tiny_network(has_onset_head=False, has_ensemble_head=False, derivation="mean", n_instruments=9),
        tiny_network(frames_at_once=2),
    ):
        reloaded, session = exported(tmp_path, network)
        assert_agrees(session, reloaded, song(250_003))


def test_the_graph_says_what_it_is(pair: tuple[Network, onnxruntime.InferenceSession]) -> None:
    said = pair[1].get_modelmeta().custom_metadata_map
    assert said["format"] == FORMAT
    assert len(said["weights"]) == 16
    assert [one["name"] for one in json.loads(said["instruments"])] == list(INSTRUMENT_NAMES)
    assert Thresholds.from_json(json.loads(said["thresholds"])) == Thresholds.uniform()
    numbers = [json.loads(said[name]) for name in ("sample_rate", "frame_seconds", "lowest_pitch", "dynamic_range_db")]
    assert numbers == [16000, 0.032, 21, 80.0]
    shapes = [output.shape for output in pair[1].get_outputs()]
    assert shapes[0] == [N_INSTRUMENTS, SPEC.n_pitches, "n_frames"]


def test_weights_that_cannot_be_read_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path / "none.safetensors"), "--onnx", str(tmp_path / "none.onnx")]) == 2
    assert "none.safetensors" in capsys.readouterr().err


def golden_song() -> tuple[Rolls, FloatArray]:
    """Made-up probabilities, in steps of 1/255, of 250 frames: notes, rivals that claim them too, gaps, and noise."""
    rng = np.random.default_rng(7)
    n_frames = 250
    rolls, levels = Rolls.zeros(n_frames), np.zeros((SPEC.n_pitches, n_frames), np.float32)
    frames = np.arange(n_frames)
    for _ in range(700):
        row, first, length = rng.integers(10, 80), rng.integers(0, n_frames), rng.integers(1, 30)
        sounds = np.clip(np.minimum(frames - first + 1, first + length - frames), 0, 1) * rng.uniform(0.2, 1)
        begins = np.exp(-(((frames - first - rng.uniform(-0.5, 0.5)) / 0.8) ** 2)) * rng.uniform(0.2, 1)
        for player in rng.choice(8, rng.integers(0, 3), replace=False):
            share = rng.uniform(0.3, 1)
            np.maximum(rolls.piano[player, row], share * sounds, out=rolls.piano[player, row])
            np.maximum(rolls.onset[player, row], share * begins, out=rolls.onset[player, row])
        np.maximum(rolls.pitch[row], sounds, out=rolls.pitch[row])
        np.maximum(levels[row], sounds * rng.uniform(0.5, 1), out=levels[row])
    for roll in (rolls.piano, rolls.onset):
        roll *= rng.random(roll.shape) > 0.02
    np.maximum(rolls.pitch, rolls.piano.max(axis=0), out=rolls.pitch)
    rolls.instrument[:] = rolls.piano.max(axis=1)
    for roll in (*rolls, levels):
        np.divide(np.rint(roll * 255), 255, out=roll)
    return rolls, levels


def test_golden_notes_are_what_javascript_is_held_to() -> None:
    thresholds = replace(Thresholds.uniform(frame=0.4, onset=0.4, presence=0.3), unison=0.95, pitch=0.6)
    rolls, levels = golden_song()
    song = {
        name: b64encode(zlib.compress(np.rint(roll * 255).astype(np.uint8).tobytes(), 9)).decode()
        for name, roll in (*rolls._asdict().items(), ("levels", levels))
    }
    assign_players(rolls)
    for roll in (rolls.piano, rolls.onset, levels):
        round_roll(roll)
    notes = rolls_to_notes(rolls, thresholds, levels=levels)
    rows = [
        [round(one.onset, 5), round(one.offset, 5), one.pitch, one.instrument, one.velocity, round(float(sure), 3)]
        for one, sure in zip(notes, note_confidences(notes, rolls), strict=True)
    ]
    info = CheckpointInfo(thresholds=thresholds, training={}, digest="0" * 16)
    metadata = {**metadata_of(SPEC, info), "version": "any"}
    golden = {"nFrames": rolls.n_frames, "metadata": metadata, "notes": rows, "rolls": song}
    if os.environ.get("MTINST_REWRITE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(golden) + "\n")
    assert json.loads(GOLDEN.read_text()) == golden


WITHOUT_PYTORCH = "import sys; sys.modules['torch'] = None; from train.export.example import main; main(sys.argv[1:])"


@pytest.mark.slow
def test_the_example_prints_the_notes_without_pytorch(tmp_path: Path) -> None:
    weights, graph = write_weights(tmp_path / "tiny.safetensors"), tmp_path / "tiny.onnx"
    assert main(["export", str(weights), "--onnx", str(graph)]) == 0
    printed = subprocess.run(
        [sys.executable, "-c", WITHOUT_PYTORCH, graph, write_song(tmp_path / "song.wav")],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.splitlines()
    assert printed[0] == "onset_s,offset_s,pitch,instrument,velocity"
    assert len(printed) > 10
    assert {line.split(",")[3] for line in printed[1:]} <= {"violin", "cello", "flute"}
