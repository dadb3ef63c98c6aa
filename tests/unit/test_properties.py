"""What holds for every input that can be thought of: damage gives one clear sentence or something sound, never more."""

import io
import json
import os
import pickle
import zipfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mtinst.errors import AudioError, CheckpointError, MidiError, MtinstError
from mtinst.export.midi import read_midi
from mtinst.export.npz import MOST_UNPACKED
from mtinst.grid import INSTRUMENT_NAMES, N_INSTRUMENTS, SPEC
from mtinst.hear.audio import load_audio
from mtinst.hear.checkpoint import load_checkpoint, save_checkpoint
from mtinst.hear.notes import LEAST_SHARE, rolls_to_notes
from mtinst.hear.unet import ModelConfig, UNet
from mtinst.records import Note, Rolls, Thresholds
from mtinst.transcription import Transcription
from tests.abuse.hostile import FORMATS, good
from tests.abuse.hostile_bytes import zip_bomb
from tests.tiny import rolls_of

N_FRAMES = 120
PROBABILITIES = st.floats(0, 1, width=32)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.sampled_from([*INSTRUMENT_NAMES, "onset"]), inner),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("properties")


@pytest.fixture(scope="module")
def weights(folder: Path) -> bytes:
    torch.manual_seed(0)
    path = folder / "whole.safetensors"
    save_checkpoint(path, UNet(ModelConfig(widths=(4, 8))), thresholds=Thresholds.uniform(), training={"epoch": 3})
    return path.read_bytes()


@pytest.fixture(scope="module")
def transcription(folder: Path) -> bytes:
    random = np.random.default_rng(0)
    rolls = Rolls(*(random.random(roll.shape, np.float32).round(1) for roll in Rolls.zeros(20)))
    levels = random.random((SPEC.n_pitches, 20), np.float32).round(1)
    whole = Transcription(rolls=rolls, levels=levels, thresholds=Thresholds.uniform(), duration_s=0.62, spec=SPEC)
    whole.save_npz(folder / "whole.npz")
    return (folder / "whole.npz").read_bytes()


class Trap:
    """What unpickles it touches a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@st.composite
def damages(draw: st.DrawFn) -> list[tuple[float, int]]:
    """Where, as a share of the whole, and what to write there."""
    return draw(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8))


def damaged(content: bytes, damage: list[tuple[float, int]], kept: float, first: int = 0) -> bytes:
    """The content with other bytes at some places, from `first` on, and cut off."""
    changed = bytearray(content)
    for place, value in damage:
        changed[first + int(place * (len(changed) - first))] = value
    return bytes(changed[: max(1, int(kept * len(changed)))])


def assert_sentence(error: MtinstError, name: str) -> None:
    assert str(error).startswith(name)
    assert str(error).isprintable()


@given(
    n_samples=st.integers(1, 300),
    n_channels=st.integers(1, 5),
    subtype=st.sampled_from(["FLOAT", "DOUBLE", "PCM_24"]),
    data=st.data(),
)
def test_samples_come_back_as_the_mean_of_their_channels(
    folder: Path, n_samples: int, n_channels: int, subtype: str, data: st.DataObject
) -> None:
    seed = data.draw(st.integers(0, 1000))
    samples = np.random.default_rng(seed).uniform(-1, 1, (n_samples, n_channels)).astype(np.float32)
    sf.write(folder / "sound.wav", samples, SPEC.sample_rate, subtype=subtype)
    atol = 1e-6 if subtype == "PCM_24" else 1e-7
    np.testing.assert_allclose(load_audio(folder / "sound.wav"), samples.mean(axis=1), atol=atol)


@given(
    form=st.sampled_from(FORMATS),
    damage=damages(),
    kept=st.floats(0, 1),
    is_head=st.booleans(),
)
def test_a_damaged_recording_is_sound_or_one_sentence(
    folder: Path, form: str, damage: list[tuple[float, int]], kept: float, is_head: bool
) -> None:
    content = good(form)
    if is_head:  # headers are a small part of a file, and the part that matters
        content = damaged(content[:400], damage, 1.0) + content[400:]
        content = content[: max(1, int(kept * len(content)))]
    else:
        content = damaged(content, damage, kept)
    path = folder / f"damaged.{form}"
    path.write_bytes(content)
    try:
        samples = load_audio(path, longest_s=60)
    except AudioError as error:
        assert_sentence(error, path.name)
    else:
        assert samples.dtype == np.float32
        assert 0 < len(samples) <= 60 * SPEC.sample_rate
        assert np.isfinite(samples).all()


@st.composite
def any_notes(draw: st.DrawFn) -> list[Note]:
    """Notes off the grid, that may overlap, outside the keyboard too."""
    times = st.floats(0, 3.5)
    found = draw(
        st.lists(
            st.tuples(times, st.floats(1e-3, 2), st.integers(0, 127), st.sampled_from(INSTRUMENT_NAMES)), max_size=12
        )
    )
    return [Note(onset, onset + length, pitch=pitch, instrument=name) for onset, length, pitch, name in found]


@given(notes=any_notes())
def test_what_is_drawn_is_read_and_drawn_again_the_same(notes: list[Note]) -> None:
    rolls = rolls_of(notes, N_FRAMES)
    read = rolls_to_notes(rolls, Thresholds.uniform(presence=0.0, shortest_s=0.03, gap_s=0.0))
    again = rolls_of(read, N_FRAMES)
    shares = rolls.piano.sum(axis=(1, 2)) / max(1.0, rolls.piano.sum())
    for index in np.flatnonzero(shares > LEAST_SHARE):
        np.testing.assert_array_equal(again.piano[index], rolls.piano[index])
        # Where one is struck in the frame after another, both are one.
        is_apart = np.diff(rolls.onset[index], axis=1, prepend=0) == 1
        np.testing.assert_array_equal(again.onset[index] > 0, is_apart & (rolls.piano[index] > 0))
    assert read == sorted(read)


@given(seed=st.integers(0, 10_000), density=st.floats(0, 1), n_frames=st.integers(1, 80), data=st.data())
@settings(max_examples=40)
def test_any_probabilities_give_notes_that_can_be_played(
    seed: int, density: float, n_frames: int, data: st.DataObject
) -> None:
    random = np.random.default_rng(seed)
    rolls = Rolls(
        *(
            random.random(roll.shape, np.float32) * (random.random(roll.shape) < density)
            for roll in Rolls.zeros(n_frames)
        )
    )
    rolls = Rolls(*(roll.astype(np.float32) for roll in rolls))
    thresholds = Thresholds(
        onset=(data.draw(PROBABILITIES),) * N_INSTRUMENTS,
        frame=(data.draw(PROBABILITIES),) * N_INSTRUMENTS,
        presence=(data.draw(PROBABILITIES),) * N_INSTRUMENTS,
        shortest_s=data.draw(st.floats(0, 1)),
        gap_s=data.draw(st.floats(0, 1)),
        unison=data.draw(st.floats(0, 1)),
        pitch=data.draw(PROBABILITIES),
    )
    notes = rolls_to_notes(rolls, thresholds, levels=rolls.pitch)
    assert notes == sorted(notes)
    by_key = defaultdict(list)
    for note in notes:
        by_key[note.instrument, note.pitch].append(note)
        assert SPEC.lowest_pitch <= note.pitch <= SPEC.highest_pitch
        assert note.offset <= SPEC.frame_to_second(n_frames)
    for strikes in by_key.values():
        assert all(former.offset <= latter.onset for former, latter in pairwise(strikes))


@given(
    body=st.binary(max_size=200), n_tracks=st.integers(0, 3), division=st.integers(0, 0xFFFF), form=st.integers(0, 3)
)
def test_any_bytes_after_a_midi_header_are_notes_or_one_sentence(
    folder: Path, body: bytes, n_tracks: int, division: int, form: int
) -> None:
    header = b"MThd\0\0\0\6" + b"".join(value.to_bytes(2, "big") for value in (form, n_tracks, division))
    path = folder / "any.mid"
    path.write_bytes(header + b"MTrk" + len(body).to_bytes(4, "big") + body)
    try:
        notes = read_midi(path)
    except MidiError as error:
        assert_sentence(error, "any.mid cannot be read as MIDI")
    else:
        assert notes == sorted(notes)


@given(damage=damages(), kept=st.floats(0, 1), is_head=st.booleans())
def test_a_damaged_checkpoint_is_refused_by_name_or_a_network(
    folder: Path, weights: bytes, damage: list[tuple[float, int]], kept: float, is_head: bool
) -> None:
    head = int.from_bytes(weights[:8], "little") + 8
    content = damaged(weights[:head], damage, 1.0) + weights[head:] if is_head else damaged(weights, damage, kept)
    path = folder / "damaged.safetensors"
    path.write_bytes(content)
    try:
        model, info = load_checkpoint(path)
    except CheckpointError as error:
        assert_sentence(error, path.name)
    else:
        assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())
        assert len(info.digest) == 16


@given(content=st.binary(max_size=300))
def test_a_foreign_file_is_no_checkpoint(folder: Path, content: bytes) -> None:
    path = folder / "foreign.safetensors"
    for whole in (content, len(content).to_bytes(8, "little") + content):
        path.write_bytes(whole)
        with pytest.raises(CheckpointError, match=r"^foreign\.safetensors "):
            load_checkpoint(path)


@settings(max_examples=40)
@given(key=st.sampled_from(["instruments", "features", "model", "thresholds", "training"]), value=JSON, data=st.data())
def test_any_description_is_refused_by_name_or_a_network(
    folder: Path, weights: bytes, key: str, value: Any, data: st.DataObject
) -> None:
    path = folder / "described.safetensors"
    path.write_bytes(weights)
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata())
    described = json.loads(metadata[key])
    if isinstance(described, dict) and described and data.draw(st.booleans()):  # one entry of it, or all
        described[data.draw(st.sampled_from(sorted(described)))] = value
        value = described
    save_file(load_file(path), path, metadata | {key: json.dumps(value)})
    try:
        model, _ = load_checkpoint(path)
    except CheckpointError as error:
        assert_sentence(error, path.name)
    else:
        with torch.inference_mode():
            assert model(torch.zeros(1, model.spec.n_bins, 20)).piano.shape[-1] == 20


@given(damage=damages(), kept=st.floats(0, 1))
def test_a_damaged_transcription_is_refused_by_name_or_whole(
    folder: Path, transcription: bytes, damage: list[tuple[float, int]], kept: float
) -> None:
    path = folder / "damaged.npz"
    path.write_bytes(damaged(transcription, damage, kept, first=len(transcription) // 2 if damage[0][1] % 2 else 0))
    try:
        loaded = Transcription.load_npz(path)
    except MtinstError as error:
        assert_sentence(error, "damaged.npz is not a complete transcription")
    else:
        assert loaded.levels.shape == loaded.pitch_roll.shape
        assert all(np.isfinite(roll).all() for roll in loaded.rolls)


OTHER_ARRAYS = (
    np.zeros(0, np.float32),
    np.zeros((11, 88, 21), np.float32),
    np.full((11, 88, 20), np.nan, np.float32),
    np.zeros((11, 88, 20), np.int64),
    np.array("text"),
    np.array("{}"),
    np.array(-1.0),
    np.array(np.inf),
    np.array([Trap(Path("sprung"))], object),
)


@pytest.mark.parametrize("name", ["piano_roll", "levels", "duration_s", "thresholds"])
@pytest.mark.parametrize("other", OTHER_ARRAYS, ids=range(len(OTHER_ARRAYS)))
def test_a_transcription_of_other_arrays_is_refused(
    folder: Path, transcription: bytes, name: str, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with np.load(io.BytesIO(transcription)) as arrays:
        whole = dict(arrays)
    np.savez(folder / "other.npz", **(whole | {name: other}), allow_pickle=True)
    with pytest.raises(MtinstError, match=r"^other\.npz is not a complete transcription$"):
        Transcription.load_npz(folder / "other.npz")
    assert not Path("sprung").exists()


def test_nothing_is_ever_unpickled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = folder / "sprung"
    for name, content in {
        "plain": pickle.dumps(Trap(trap)),
        "torch": _saved_by_torch(trap),
        "zip": _zipped(pickle.dumps(Trap(trap))),
    }.items():
        (folder / f"{name}.bin").write_bytes(content)

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("something was unpickled")

    for place in ("pickle.load", "pickle.loads", "torch.load"):
        monkeypatch.setattr(place, refuse)
    for name in ("plain", "torch", "zip"):
        path = folder / f"{name}.bin"
        for read in (load_checkpoint, Transcription.load_npz, load_audio, read_midi):
            with pytest.raises(MtinstError, match=rf"^{name}\.bin "):
                read(path)
    assert not trap.exists()


def test_a_transcription_that_unpacks_to_too_much_is_refused_unread(folder: Path) -> None:
    content = zip_bomb(1 << 22, "piano_roll.npy")
    size = (1 << 22).to_bytes(4, "little")
    directory = content.rindex(b"PK\1\2")
    assert size in content[directory:]
    claimed = content[:directory] + content[directory:].replace(size, (0xFFFFFFF0).to_bytes(4, "little"))
    assert MOST_UNPACKED > 0xFFFFFFF0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mtinst.export.npz.MOST_UNPACKED", 1_000_000_000)
        patch.setattr("numpy.load", None)  # would be called if the sizes were not looked at first
        (folder / "bomb.npz").write_bytes(claimed)
        with pytest.raises(MtinstError, match=r"^bomb\.npz is not a complete transcription$"):
            Transcription.load_npz(folder / "bomb.npz")


def test_a_pipe_is_no_transcription(folder: Path) -> None:
    os.mkfifo(folder / "pipe.npz")
    with pytest.raises(MtinstError, match=r"^pipe\.npz is a device, not a transcription$"):
        Transcription.load_npz(folder / "pipe.npz")


def _saved_by_torch(trap: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save({"weights": torch.zeros(3), "trap": Trap(trap)}, buffer)
    return buffer.getvalue()


def _zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("piano_roll.npy", "data.pkl"):
            archive.writestr(name, content)
    return buffer.getvalue()
