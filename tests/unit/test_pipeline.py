"""A song in, notes out. A network made by hand stands in for a trained one, so that what must come out is known."""

import json
import os
import re
import subprocess
import sys
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import soundfile as sf
import torch
from torch import Tensor, nn
from torch.nn import functional

import mtinst
from mtinst.batch.jobs import Job, Settings
from mtinst.batch.work import transcribe_song
from mtinst.errors import AudioError, CheckpointError, MtinstError
from mtinst.grid import INSTRUMENT_INDEX, INSTRUMENT_NAMES, N_INSTRUMENTS, NINE, SPEC, FeatureSpec, FloatArray
from mtinst.hear.analysis import SILENT
from mtinst.hear.audio import Recording, to_mono
from mtinst.hear.checkpoint import save_checkpoint
from mtinst.hear.notes import rolls_to_notes
from mtinst.hear.unet import Logits, ModelConfig, UNet
from mtinst.pipeline import DEFAULT_WEIGHTS, Progress, Transcriber, Transcription
from mtinst.records import Note, Thresholds
from tests.tiny import rolls_of

GOLDEN = Path(__file__).parent / "golden" / "pipeline.npz"
RATE = SPEC.sample_rate
THRESHOLDS = Thresholds.uniform()


class LoudestBins(nn.Module):
    """Takes every loud bin of the CQT that is louder than the bins beside it for a violin."""

    spec = SPEC

    def __init__(self) -> None:
        super().__init__()
        self.n_windows = 0

    def forward(self, log_cqt: Tensor) -> Logits:  # noqa: D102
        self.n_windows += len(log_cqt)
        piano = torch.full((len(log_cqt), N_INSTRUMENTS, *log_cqt.shape[1:]), -9.0)
        is_peak = log_cqt == functional.max_pool1d(log_cqt.mT, 3, stride=1, padding=1).mT
        piano[:, INSTRUMENT_INDEX["violin"]] = torch.where(is_peak, 100 * (log_cqt - 0.9), -9.0)
        return Logits(piano, None, piano.amax(dim=2), piano.amax(dim=1))


def loudest_bins() -> Transcriber:
    return Transcriber(cast(UNet, LoudestBins()), THRESHOLDS)


def tiny_unet() -> UNet:
    """An untrained network whose probabilities are all over the place, however networks are initialised."""
    model = UNet(ModelConfig(widths=(4, 8), harmonics=(0, 12), has_onset_head=True))
    random = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3, generator=random)
    return model.eval()


def tones(notes: Sequence[Note], duration_s: float, rate: int = RATE) -> FloatArray:
    """Sines with short fades."""
    samples = np.zeros(round(duration_s * rate), np.float32)
    for note in notes:
        seconds = np.arange(round(note.duration * rate)) / rate
        fade = np.minimum(1.0, np.minimum(seconds, seconds[::-1]) / 0.01)
        first = round(note.onset * rate)
        tone = 0.3 * fade * np.sin(2 * np.pi * 440 * 2 ** ((note.pitch - 69) / 12) * seconds)
        samples[first : first + len(tone)] += tone[: max(0, len(samples) - first)]
    return samples


MELODY = [
    Note(0.5 + 0.75 * step, 1.0 + 0.75 * step, pitch=pitch, instrument="violin")
    for step, pitch in enumerate((69, 76, 72, 81, 79))
]
MELODY_S = 5.0


def assert_is_melody(notes: Sequence[Note]) -> None:
    assert [(note.pitch, note.instrument) for note in notes] == [(note.pitch, "violin") for note in MELODY]
    np.testing.assert_allclose([note.onset for note in notes], [note.onset for note in MELODY], atol=0.05)
    np.testing.assert_allclose([note.offset for note in notes], [note.offset for note in MELODY], atol=0.08)


def transcription_of(notes: Sequence[Note], duration_s: float, thresholds: Thresholds = THRESHOLDS) -> Transcription:
    """A transcription whose rolls say exactly `notes`."""
    n_frames = SPEC.n_frames(round(duration_s * RATE))
    rolls = rolls_of(notes, n_frames)
    levels = np.full((SPEC.n_pitches, n_frames), 0.9, np.float32)
    return Transcription(rolls=rolls, levels=levels, thresholds=thresholds, duration_s=duration_s, spec=SPEC)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_a_melody_comes_back_at_any_rate(rate: int) -> None:
    transcription = loudest_bins().transcribe(tones(MELODY, MELODY_S, rate), rate)
    assert_is_melody(transcription.notes)
    assert transcription.instruments == ("violin",)
    assert transcription.duration_s == pytest.approx(MELODY_S)
    assert transcription.verdict is None


def test_a_melody_becomes_midi_with_onsets_in_seconds(tmp_path: Path) -> None:
    pretty_midi = pytest.importorskip("pretty_midi")
    sf.write(tmp_path / "melody.wav", tones(MELODY, MELODY_S), RATE)
    loudest_bins().transcribe(tmp_path / "melody.wav").to_midi().write(str(tmp_path / "melody.mid"))
    (violin,) = pretty_midi.PrettyMIDI(str(tmp_path / "melody.mid")).instruments
    assert violin.program == 40
    np.testing.assert_allclose([note.start for note in violin.notes], [note.onset for note in MELODY], atol=0.05)


def test_files_and_arrays_give_the_same(tmp_path: Path) -> None:
    samples = tones(MELODY, MELODY_S)
    sf.write(tmp_path / "melody.wav", samples, RATE, subtype="FLOAT")
    from_file = loudest_bins().transcribe(str(tmp_path / "melody.wav"))
    from_stereo = loudest_bins().transcribe(np.stack([samples, samples]), RATE)
    np.testing.assert_array_equal(from_file.piano_roll, loudest_bins().transcribe(samples, RATE).piano_roll)
    np.testing.assert_array_equal(from_file.piano_roll, from_stereo.piano_roll)


def test_rolls_have_the_documented_shapes() -> None:
    transcription = loudest_bins().transcribe(tones(MELODY, MELODY_S), RATE)
    n_frames = SPEC.n_frames(round(MELODY_S * RATE))
    assert transcription.frame_rate == 31.25
    for roll, shape in (
        (transcription.piano_roll, (11, 88, n_frames)),
        (transcription.onset_roll, (11, 88, n_frames)),
        (transcription.instrument_roll, (11, n_frames)),
        (transcription.pitch_roll, (88, n_frames)),
    ):
        assert roll.shape == shape
        assert roll.dtype == np.float32
        assert 0 <= roll.min() <= roll.max() <= 1


def test_a_stream_shows_the_song_as_it_grows() -> None:
    progress, shown = [], []
    for step in loudest_bins().stream(tones(MELODY, 31.0), RATE):
        if isinstance(step, Transcription):
            break
        progress.append(step)
        if step.partial is not None:
            shown.append((step.partial.piano_roll.copy(), step.partial.notes, step.partial.duration_s))
    last = step
    assert isinstance(last, Transcription)
    assert [step.fraction for step in progress] == sorted(step.fraction for step in progress)
    assert list(dict.fromkeys(step.stage for step in progress)) == ["load", "cqt", "network", "notes"]
    assert len(shown) == 3
    assert shown[-1][-1] == last.duration_s
    for piano_roll, notes, _ in shown:
        assert_is_melody(notes)
        off = np.abs(piano_roll - last.piano_roll[..., : piano_roll.shape[-1]])
        assert off.mean() < 1e-3  # players are assigned at the end


def test_a_stream_lets_go_of_the_samples_once_they_were_looked_at() -> None:
    samples = np.sin(np.arange(3 * SPEC.sample_rate) / 9).astype(np.float32)
    held = weakref.ref(samples)
    steps = loudest_bins().stream(samples, SPEC.sample_rate)
    del samples
    for step in steps:
        if isinstance(step, Progress) and step.stage == "network":
            assert held() is None
            return
    raise AssertionError("the network was never reached")


def test_closing_a_stream_cancels() -> None:
    transcriber = loudest_bins()
    stream = transcriber.stream(tones(MELODY, 60.0), RATE)
    while not (isinstance(step := next(stream), Progress) and step.partial):
        pass
    heard = cast(LoudestBins, transcriber.model).n_windows
    stream.close()  # type: ignore[attr-defined]
    assert cast(LoudestBins, transcriber.model).n_windows == heard < 7


def test_progress_is_reported_and_ends_at_one() -> None:
    reported: list[tuple[float, str]] = []
    loudest_bins().transcribe(tones(MELODY, 25.0), RATE, progress=lambda *step: reported.append(step))
    assert reported[0] == (0.0, "Reading the audio")
    assert "Listening: 0:25 of 0:25" in [message for _, message in reported]
    assert reported[-1][0] == 1.0


@pytest.mark.parametrize("n_samples", [1, 100, 480, 1599])
def test_a_very_short_clip_has_no_notes_and_says_so(n_samples: int) -> None:
    transcription = loudest_bins().transcribe(tones(MELODY, MELODY_S)[RATE : RATE + n_samples], RATE)
    assert transcription.notes == []
    assert "too short" in str(transcription.verdict)
    assert transcription.piano_roll.shape == (11, 88, SPEC.n_frames(n_samples))


def test_a_tenth_of_a_second_is_enough() -> None:
    samples = tones([Note(0.0, 1.0, pitch=69)], 1.0)
    transcription = loudest_bins().transcribe(samples[:1600], RATE)
    assert transcription.piano_roll.shape == (11, 88, 4)
    assert "too short" not in str(transcription.verdict)


@pytest.mark.parametrize("level", [0.0, 0.5, -1.0])
def test_silence_has_no_notes_and_says_so(level: float) -> None:
    transcription = loudest_bins().transcribe(np.full(3 * RATE, level, np.float32), RATE)
    assert transcription.notes == []
    assert transcription.verdict == SILENT
    assert not transcription.piano_roll.any()


def test_a_faint_recording_is_not_silence() -> None:
    assert_is_melody(loudest_bins().transcribe(0.001 * tones(MELODY, MELODY_S), RATE).notes)


def test_unusable_audio_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError):
        loudest_bins().transcribe(np.zeros(0, np.float32), RATE)
    with pytest.raises(AudioError):
        loudest_bins().transcribe(np.full(RATE, np.nan, np.float32), RATE)
    with pytest.raises(AudioError, match=r"nowhere\.wav"):
        loudest_bins().transcribe(tmp_path / "nowhere.wav")


def test_a_callers_mistakes_are_refused() -> None:
    with pytest.raises(ValueError, match="needs its sample_rate"):
        loudest_bins().transcribe(np.zeros(RATE, np.float32))
    with pytest.raises(ValueError, match="a file says its own"):
        loudest_bins().transcribe("song.wav", 44100)


@pytest.mark.parametrize(
    ("audio", "sample_rate", "sentence"),
    [
        (None, RATE, "audio must be the path of a file or an array of samples, not NoneType"),
        (b"song.wav", RATE, "audio must be the path of a file or an array of samples, not bytes"),
        (3.0, RATE, "audio must be the path of a file or an array of samples, not float"),
        ([[1.0], [1.0, 2.0]], RATE, "audio must be the path of a file or an array of samples, not list"),
        (["song.wav"], RATE, "samples must be floats or integers, not <U8"),
        (np.zeros(9, bool), RATE, "samples must be floats or integers, not bool"),
        ([0.0, 0.1], None, "an array needs its sample_rate"),
        (np.zeros(9), 44.1, "sample_rate must be a number of Hz from 1000 to 1000000, not 44.1"),
        (np.zeros(9), -RATE, "sample_rate must be a number of Hz from 1000 to 1000000, not -16000"),
        (np.zeros(9), float("nan"), "sample_rate must be a number of Hz from 1000 to 1000000, not nan"),
        (np.zeros(9), True, "sample_rate must be a number of Hz from 1000 to 1000000, not True"),
        (np.zeros(9), "16 kHz", "sample_rate must be a number of Hz from 1000 to 1000000, not '16 kHz'"),
        (Recording(samples=np.zeros(9, np.float32)), RATE, "sample_rate is for arrays"),
    ],
)
def test_a_wrong_type_or_rate_gets_a_sentence_about_itself(audio: Any, sample_rate: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        loudest_bins().transcribe(audio, sample_rate)


def test_whatever_numpy_takes_for_an_array_is_one() -> None:
    samples = tones([Note(0.5, 1.5, pitch=60)], 2.0)
    wanted = loudest_bins().transcribe(samples, RATE)
    for audio in (samples.tolist(), torch.tensor(samples), torch.tensor(samples).requires_grad_()):
        assert loudest_bins().transcribe(audio, np.float64(RATE)) == wanted
    assert loudest_bins().transcribe(Recording(samples=samples, unread_s=3.0)) == replace(wanted, unread_s=3.0)
    twice = Recording(samples=to_mono(samples, RATE, 2 * RATE), sample_rate=2 * RATE)
    assert loudest_bins().transcribe(twice).duration_s == wanted.duration_s


def test_transcriptions_can_be_compared() -> None:
    one, same = (transcription_of([Note(0.32, 0.64, pitch=60)], 2.0) for _ in range(2))
    assert one == same
    assert one != transcription_of([Note(0.32, 0.64, pitch=61)], 2.0)
    assert one != transcription_of([Note(0.32, 0.64, pitch=60)], 3.0)
    assert one != replace(one, tuning_hz=442.0)
    assert one != "song"


def test_an_unknown_output_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'midi' is not one of the outputs mid, npz, png, svg, csv, "):
        transcription_of([], 1.0).save(tmp_path, "song", ("mid", "midi"))
    assert list(tmp_path.iterdir()) == []


def test_damage_and_tuning_are_kept(tmp_path: Path) -> None:
    heard = replace(transcription_of([Note(0.32, 0.64, pitch=60)], 2.0), unread_s=4.2, tuning_hz=415.0)
    assert heard.damage == "0:04 of the file could not be read."
    assert transcription_of([], 2.0).damage is None
    heard.save_npz(tmp_path / "song.npz")
    assert Transcription.load_npz(tmp_path / "song.npz") == heard
    with np.load(tmp_path / "song.npz") as arrays:
        kept = dict(arrays)
    for name in ("unread_s", "tuning_hz"):
        np.savez(tmp_path / "wrong.npz", **kept | {name: np.array(-1.0)})
        with pytest.raises(MtinstError, match="is not a complete transcription"):
            Transcription.load_npz(tmp_path / "wrong.npz")
        np.savez(tmp_path / "before.npz", **{key: array for key, array in kept.items() if key != name})
        assert getattr(Transcription.load_npz(tmp_path / "before.npz"), name) in (0.0, 440.0)


def test_another_default_type_of_pytorchs_changes_nothing() -> None:
    program = (
        "import numpy as np, torch; from mtinst import Transcriber\n"
        "noise = np.random.default_rng(0).standard_normal(32000).astype(np.float32)\n"
        "transcriber = Transcriber.load(); before = transcriber.transcribe(noise, 16000)\n"
        "torch.set_default_dtype(torch.float64)\n"
        "print(before == transcriber.transcribe(noise, 16000) == Transcriber.load().transcribe(noise, 16000))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "True"


def test_other_thresholds_give_other_notes_without_the_network() -> None:
    transcriber = loudest_bins()
    transcription = transcriber.transcribe(tones(MELODY, MELODY_S), RATE)
    heard = cast(LoudestBins, transcriber.model).n_windows
    without_violin = replace(THRESHOLDS, instruments=("piano",))
    decoded = transcription.decode(without_violin)
    assert decoded.notes == []
    assert decoded.thresholds == without_violin
    assert decoded.decode(THRESHOLDS).notes == transcription.notes
    assert transcription.notes == rolls_to_notes(transcription.rolls, THRESHOLDS, levels=transcription.levels)
    assert cast(LoudestBins, transcriber.model).n_windows == heard


def test_instruments_are_counted_in_table_order() -> None:
    notes = [Note(0.32 * k, 0.32 * k + 0.32, pitch=60, instrument=name) for k, name in enumerate(("flute", "piano"))]
    transcription = transcription_of([*notes, Note(0.96, 1.28, pitch=60)], 2.0)
    assert transcription.note_counts == {"piano": 2, "flute": 1}
    assert transcription.instruments == ("piano", "flute")


def test_the_verdict_says_when_little_was_heard() -> None:
    note = Note(0.32, 1.28, pitch=60)
    assert transcription_of([note], 5.0).verdict is None
    assert str(transcription_of([note], 12.0).verdict).startswith("Only one note was found")
    assert str(transcription_of([note, replace(note, pitch=64)], 12.0).verdict).startswith("Only 2 notes were found")
    assert str(transcription_of([], 5.0).verdict).startswith("No notes were found.")
    chosen = replace(THRESHOLDS, instruments=("flute",))
    assert transcription_of([note], 5.0, chosen).verdict == "None of the chosen instruments was found."


def test_an_old_transcription_of_nine_instruments_is_read_with_the_others_silent(tmp_path: Path) -> None:
    transcription = transcription_of([Note(0.32, 1.28, pitch=60, instrument="flute")], 5.0)
    transcription.save_npz(tmp_path / "song.npz")
    with np.load(tmp_path / "song.npz") as arrays:
        old = {name: array[:9] if len(array.shape) and len(array) == 11 else array for name, array in arrays.items()}
    thresholds = json.loads(str(old["thresholds"]))
    for field in ("onset", "frame", "presence"):
        thresholds[field] = {name: thresholds[field][name] for name in NINE}
    thresholds["instruments"] = NINE
    del old["version"]
    np.savez(tmp_path / "old.npz", **old | {"thresholds": json.dumps(thresholds)})
    read = Transcription.load_npz(tmp_path / "old.npz")
    assert read.notes == transcription.notes
    assert read.thresholds.instruments == INSTRUMENT_NAMES
    for roll, other in zip(read.rolls, transcription.rolls, strict=True):
        np.testing.assert_array_equal(roll, other)
    np.savez(tmp_path / "older.npz", **old | {"piano_roll": old["piano_roll"][:8]})
    with pytest.raises(MtinstError, match="not a complete transcription"):
        Transcription.load_npz(tmp_path / "older.npz")


def test_save_writes_the_three_files(tmp_path: Path) -> None:
    transcription = loudest_bins().transcribe(tones(MELODY, MELODY_S), RATE)
    paths = transcription.save(tmp_path / "new" / "folder", "Größe 1.5 ✓")
    assert [path.name for path in paths] == ["Größe 1.5 ✓.mid", "Größe 1.5 ✓.npz", "Größe 1.5 ✓.png"]
    assert sorted(paths) == sorted((tmp_path / "new" / "folder").iterdir())
    assert paths[2].read_bytes().startswith(b"\x89PNG")
    assert f"Transcribed by mtinst {mtinst.__version__}".encode() in paths[0].read_bytes()
    with np.load(paths[1]) as arrays:
        for name in ("piano_roll", "instrument_roll", "pitch_roll"):
            np.testing.assert_array_equal(arrays[name], getattr(transcription, name))
            assert arrays[name].dtype == np.float32
        assert arrays["frame_rate"] == 31.25
        assert arrays["version"] == mtinst.__version__
        assert arrays["instruments"].tolist() == list(INSTRUMENT_NAMES)
        assert arrays["notes"].dtype == np.float64
        np.testing.assert_allclose(arrays["notes"][:, 0], [note.onset for note in transcription.notes])
        assert arrays["notes"][:, 3].tolist() == [INSTRUMENT_INDEX["violin"]] * len(MELODY)


def test_midi_and_npz_agree_on_onsets(tmp_path: Path) -> None:
    midi = pytest.importorskip("mtinst.export.midi")
    transcription = loudest_bins().transcribe(tones(MELODY, MELODY_S), RATE)
    midi_path, npz_path = transcription.save(tmp_path, "song", ("mid", "npz"))
    with np.load(npz_path) as arrays:
        np.testing.assert_allclose([note.onset for note in midi.read_midi(midi_path)], arrays["notes"][:, 0], atol=1e-6)


def test_a_song_without_notes_is_saved_too(tmp_path: Path) -> None:
    paths = loudest_bins().transcribe(np.zeros(RATE, np.float32), RATE).save(tmp_path, "silence")
    assert all(path.stat().st_size for path in paths)
    with np.load(paths[1]) as arrays:
        assert arrays["notes"].shape == (0, 5)


def test_a_saved_song_loads_as_it_was(tmp_path: Path) -> None:
    transcription = loudest_bins().transcribe(tones(MELODY, MELODY_S), RATE)
    transcription.save_npz(tmp_path / "song.npz")
    loaded = Transcription.load_npz(tmp_path / "song.npz")
    assert loaded.notes == transcription.notes
    assert (loaded.thresholds, loaded.duration_s) == (transcription.thresholds, transcription.duration_s)
    for roll, other in zip(loaded.rolls, transcription.rolls, strict=True):
        np.testing.assert_array_equal(roll, other)


def test_a_song_of_another_grid_is_refused(tmp_path: Path) -> None:
    transcription = loudest_bins().transcribe(tones(MELODY, MELODY_S), RATE)
    transcription.save_npz(tmp_path / "song.npz")
    with pytest.raises(MtinstError, match="not a complete transcription"):
        Transcription.load_npz(tmp_path / "song.npz", FeatureSpec(hop_length=256))
    replace(transcription, rolls=transcription.rolls._replace(piano=2 * transcription.piano_roll)).save_npz(
        tmp_path / "song.npz"
    )
    with pytest.raises(MtinstError, match="not a complete transcription"):
        Transcription.load_npz(tmp_path / "song.npz")


def test_want_of_memory_in_the_network_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transcriber = loudest_bins()

    def forward(_: torch.Tensor) -> Logits:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(transcriber.model, "forward", forward)
    sf.write(tmp_path / "song.wav", tones(MELODY, MELODY_S), RATE)
    with pytest.raises(AudioError, match=r"song\.wav needs more memory than there is"):
        transcribe_song(transcriber, Job(path=tmp_path / "song.wav", stem="song"), Settings(folder=tmp_path))


@pytest.mark.parametrize("content", [b"P", b"PK\x03\x04 not a zip", b"\x93NUMPY"])
def test_other_files_are_no_transcription(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "song.npz").write_bytes(content)
    with pytest.raises(MtinstError, match=r"song\.npz is not a complete transcription"):
        Transcription.load_npz(tmp_path / "song.npz")
    np.savez(tmp_path / "song.npz", piano_roll=np.zeros(3))
    with pytest.raises(MtinstError, match="not a complete"):
        Transcription.load_npz(tmp_path / "song.npz")


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MtinstError, match=r"song\.npz cannot be written"):
        transcription_of([], 1.0).save(tmp_path / "file", "song", ("npz",))
    (tmp_path / "song.npz").mkdir()
    with pytest.raises(MtinstError, match=r"song\.npz cannot be written"):
        transcription_of([], 1.0).save(tmp_path, "song", ("npz",))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "song.npz"]


def test_saved_files_are_small(tmp_path: Path) -> None:
    transcription = Transcriber(tiny_unet(), THRESHOLDS).transcribe(tones(MELODY, MELODY_S), RATE)
    transcription.save_npz(tmp_path / "song.npz")
    assert (tmp_path / "song.npz").stat().st_size < 0.5 * (
        transcription.piano_roll.nbytes + transcription.onset_roll.nbytes
    )


def test_load_takes_a_checkpoint_and_names_it(tmp_path: Path) -> None:
    thresholds = replace(THRESHOLDS, gap_s=0.1)
    save_checkpoint(tmp_path / "tiny.safetensors", tiny_unet(), thresholds=thresholds, training={})
    transcriber = Transcriber.load(tmp_path / "tiny.safetensors")
    assert transcriber.thresholds == thresholds
    assert len(transcriber.digest) == 16
    assert not transcriber.model.training
    assert transcriber.transcribe(tones(MELODY, 1.0), RATE).thresholds == thresholds


def test_load_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent\.safetensors"):
        Transcriber.load(tmp_path / "absent.safetensors")


@pytest.mark.skipif(not DEFAULT_WEIGHTS.is_file(), reason="weights/default.safetensors is not there")
def test_the_shipped_weights_hear_a_piano() -> None:
    from mtinst.sound.synth import mix, synthesise

    notes = [
        Note(0.5 + 0.4 * k, 0.9 + 0.4 * k, pitch=pitch) for k, pitch in enumerate((60, 64, 67, 72, 67, 64, 60, 55))
    ]
    samples = mix(synthesise(notes, duration_s=5.0, sample_rate=RATE))
    transcription = mtinst.Transcriber.load().transcribe(samples, RATE)
    found = {(round(note.onset / 0.1), note.pitch) for note in transcription.notes}
    wanted = {(round(note.onset / 0.1), note.pitch) for note in notes}
    assert "piano" in transcription.instruments
    assert len(found & wanted) >= 6


def test_a_tiny_network_still_gives_its_golden_rolls() -> None:
    """``make golden`` rewrites what this compares with."""
    transcriber = Transcriber(tiny_unet(), THRESHOLDS)
    transcription = transcriber.transcribe(tones(MELODY, MELODY_S), RATE)
    golden = {
        "levels": transcription.levels,
        "instrument_roll": transcription.instrument_roll,
        "pitch_roll": transcription.pitch_roll,
        "onset_roll_of_cello": transcription.onset_roll[INSTRUMENT_INDEX["cello"]],
    }
    if os.environ.get("MTINST_REWRITE_GOLDEN"):
        np.savez_compressed(GOLDEN, **{name: (roll * 1000).round().astype(np.int16) for name, roll in golden.items()})
    with np.load(GOLDEN) as expected:
        for name, roll in golden.items():
            np.testing.assert_allclose(roll, expected[name] / 1000, atol=3e-3, err_msg=name)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("mtinst", ("torch", "numpy")),
        ("mtinst.cli", ("torch", "matplotlib")),
        ("mtinst.pipeline", ("torch", "matplotlib")),
        ("mtinst.page.app", ("torch", "matplotlib")),
    ],
)
def test_what_is_slow_to_import_waits_until_it_is_needed(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, json, {module}; print(json.dumps([name for name in {absent} if name in sys.modules]))"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert json.loads(output) == []


def test_the_package_exports_the_transcriber_and_nothing_unknown() -> None:
    assert mtinst.Transcriber is Transcriber
    assert mtinst.Transcription is Transcription
    with pytest.raises(AttributeError, match="no attribute 'Transcribe'"):
        _ = mtinst.Transcribe  # type: ignore[attr-defined]


def test_gradio_is_imported_without_writing_stubs() -> None:
    code = (
        "import inspect, mtinst.page.app; from gradio import component_meta;"
        "print(component_meta.create_or_modify_pyi.__module__, 'def create_or_modify_pyi' in "
        "inspect.getsource(component_meta))"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output.split() == ["mtinst.page.stubs", "True"]  # or there is nothing left to be switched off
