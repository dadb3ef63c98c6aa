"""The command line, in this process with a small network, and once as a program of its own."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import torch
from torch import nn

from mtinst.batch.jobs import plan_jobs
from mtinst.cli import describe, find_songs, main
from mtinst.errors import MtinstError
from mtinst.grid import INSTRUMENT_NAMES
from mtinst.hear.analysis import SILENT
from mtinst.hear.checkpoint import save_checkpoint
from mtinst.hear.unet import ModelConfig, UNet
from mtinst.pipeline import DEFAULT_WEIGHTS
from mtinst.records import Thresholds
from tests.abuse import odd_files

PROJECT = Path(__file__).parents[2]
RATE = 16000


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a tiny untrained network, which hears all sorts of things."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    model = UNet(ModelConfig(widths=(4, 8), has_onset_head=True))
    random = torch.Generator().manual_seed(0)
    for parameter in model.parameters():  # all over the place, however networks are initialised
        nn.init.normal_(parameter, std=0.3, generator=random)
    save_checkpoint(path, model, thresholds=Thresholds.uniform(presence=0.0), training={})
    return path


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_song(path: Path, duration_s: float = 1.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    seconds = np.arange(round(duration_s * RATE)) / RATE
    sf.write(path, 0.3 * np.sin(2 * np.pi * 440 * seconds), RATE, format="WAV")
    return path


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("many", [(), ("--jobs", "2")])
def test_right_notes_beside_a_song_are_not_replaced(
    inside: Path, weights: Path, capsys: pytest.CaptureFixture[str], many: tuple[str, ...]
) -> None:
    write_song(inside / "song.wav")
    write_song(inside / "other.wav")
    (inside / "song.mid").write_bytes(b"right notes")
    assert run("song.wav", "other.wav", "--midi-only", "--weights", weights, *many) == 2
    assert "song.mid beside song.wav may hold its right notes" in "".join(capsys.readouterr())
    assert (inside / "song.mid").read_bytes() == b"right notes"
    assert (inside / "other.mid").is_file()
    assert run("song.wav", "--out", "out", "--weights", weights, *many) == 0
    assert run("song.wav", "--overwrite", "--weights", weights, *many) == 0
    assert (inside / "song.mid").read_bytes() != b"right notes"
    assert run("song.wav", "--weights", weights, "--onset-threshold", "0.9", *many) == 0, "now it is ours"


def test_a_song_gives_three_files_and_one_json_line(
    inside: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_song(inside / "song.wav")
    assert run("song.wav", "--out", "out", "--json", "--weights", weights) == 0
    captured = capsys.readouterr()
    (line,) = captured.out.splitlines()
    record = json.loads(line)
    assert captured.err == ""
    assert record["file"] == "song.wav"
    assert record["duration_s"] == 1.5
    assert record["realtime_factor"] == pytest.approx(record["seconds"] / 1.5, abs=1e-3)
    assert set(record["instruments"]) <= set(INSTRUMENT_NAMES)
    assert record["n_notes"] == sum(record["note_counts"].values())
    assert [Path(path).name for path in record["outputs"]] == ["song.mid", "song.npz", "song.png"]
    assert sorted(path.name for path in (inside / "out").iterdir()) == ["song.mid", "song.npz", "song.png"]
    with np.load(inside / "out" / "song.npz") as arrays:
        assert len(arrays["notes"]) == record["n_notes"]


def test_a_song_gives_one_plain_line(inside: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_song(inside / "song.wav")
    assert run("song.wav", "--weights", weights, "--midi-only") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("song.wav: 1.5 s in ")
    assert sorted(path.name for path in inside.iterdir()) == ["song.mid", "song.wav"]


def test_bad_files_are_named_and_the_others_are_done(
    inside: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_song(inside / "good one.wav")
    (inside / "text.mp3").write_text("not a song")
    (inside / "empty.wav").touch()
    (inside / "hollow").mkdir()
    songs = ("text.mp3", "missing.ogg", "empty.wav", "hollow", "good one.wav", "n" * 300)
    assert run(*songs, "--out", "out", "--weights", weights, "--midi-only") == 2
    captured = capsys.readouterr()
    assert [line.split(":")[0] for line in captured.out.splitlines()] == ["good one.wav"]
    errors = captured.err.splitlines()
    assert len(errors) == 5
    for name in ("text.mp3", "missing.ogg", "empty.wav", "hollow", "n" * 254):
        assert sum(name in line for line in errors) == 1
    assert (inside / "out" / "good one.mid").is_file()


def test_silence_and_a_moment_are_songs_too(inside: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sf.write("silence.wav", np.zeros(RATE), RATE)
    write_song(inside / "moment.wav", 0.03)
    assert run("silence.wav", "moment.wav", "--weights", weights, "--json") == 0
    silence, moment = map(json.loads, capsys.readouterr().out.splitlines())
    assert silence["verdict"] == SILENT
    assert "too short" in moment["verdict"]
    assert silence["n_notes"] == moment["n_notes"] == 0
    assert (inside / "moment.npz").is_file()


def test_a_folder_that_cannot_be_read_is_named_and_the_rest_is_done(
    inside: Path, weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("music/open", "music/private"):
        (inside / folder).mkdir(parents=True)
        write_song(inside / folder / "song.wav", 0.5)
    look = os.scandir

    def may_look(folder: str) -> Any:
        if "private" in str(folder):
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return look(folder)

    monkeypatch.setattr(os, "scandir", may_look)
    assert run("music", "--weights", weights, "--midi-only", "--out", "out") == 2
    captured = capsys.readouterr()
    assert captured.err == "mtinst: music/private cannot be searched: Permission denied\n"
    assert captured.out.startswith("music/open/song.wav: ")


def test_lines_that_nobody_can_keep_are_one_line_on_the_other_stream(
    inside: Path, weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_song(inside / "song.wav", 0.5)
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert run("song.wav", "--weights", weights, "--midi-only") == 2
    said = capsys.readouterr().err
    assert said == "mtinst: the lines about the songs cannot be written: No space left on device\n"


def test_who_has_closed_the_place_for_errors_gets_songs_all_the_same(
    inside: Path, weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_song(inside / "song.wav", 0.5)
    monkeypatch.setattr(sys, "stderr", None)
    assert run("song.wav", "--weights", weights, "--midi-only") == 0
    assert "song.wav" in capsys.readouterr().out


def test_missing_weights_are_one_line(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_song(inside / "song.wav")
    assert run("song.wav", "--weights", "nowhere.safetensors") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert "nowhere.safetensors" in captured.err


def test_an_output_folder_that_is_a_file_is_one_line(
    inside: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_song(inside / "song.wav")
    (inside / "out").touch()
    assert run("song.wav", "--out", "out", "--weights", weights) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "song.mid cannot be written" in line


def test_folders_are_walked_for_audio(inside: Path) -> None:
    for name in ("b/2.WAV", "b/1.flac", "a.mp3", "b/c/3.m4a", "b/notes.txt", "b/.hidden/4.wav", "b/._5.wav"):
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        (inside / name).touch()
    errors: list[MtinstError] = []
    assert list(find_songs([Path("b"), Path("a.mp3"), Path("b/1.flac")], errors.append)) == [
        Path("b/1.flac"),
        Path("b/2.WAV"),
        Path("b/c/3.m4a"),
        Path("a.mp3"),
    ]
    assert errors == []


def test_a_folder_without_audio_is_an_error(inside: Path) -> None:
    (inside / "notes.txt").touch()
    errors: list[MtinstError] = []
    assert list(find_songs([inside], errors.append)) == []
    assert "without audio files" in str(errors[0])


def test_songs_of_one_name_get_outputs_of_their_own() -> None:
    paths = [Path(name) for name in ("a/x.mp3", "b/x.mp3", "c/X.wav", "x-2.wav", "d/x", ".mp3", "y.1.wav")]
    stems = [job.stem for job in plan_jobs(paths)]
    assert stems == ["x", "x-3", "X-4", "x-2", "x-5", ".mp3", "y.1"]


def test_songs_of_one_name_are_both_kept(inside: Path, weights: Path) -> None:
    write_song(inside / "a" / "song.wav", 1.0)
    write_song(inside / "b" / "song.wav", 2.0)
    assert run("a", "b", "--out", "out", "--weights", weights) == 0
    lengths = [np.load(inside / "out" / f"{stem}.npz")["pitch_roll"].shape[1] for stem in ("song", "song-2")]
    assert lengths == [32, 63]


def test_instruments_and_thresholds_can_be_chosen(
    inside: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_song(inside / "song.wav")
    arguments = ("song.wav", "--json", "--midi-only", "--weights", weights)
    assert run(*arguments, "--frame-threshold", "0", "--onset-threshold", "0.3") == 0
    assert run(*arguments, "--frame-threshold", "0", "--onset-threshold", "0.3", "--instruments", "flute,bass") == 0
    assert run(*arguments, "--frame-threshold", "1") == 0
    everything, chosen, nothing = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert len(everything["instruments"]) > 2
    assert chosen["instruments"] == ["bass", "flute"]
    assert nothing["n_notes"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "required: SONG"),
        (("song.wav", "--instruments", "kazoo"), "'kazoo' is not one of the instruments"),
        (("song.wav", "--frame-threshold", "1.5"), "1.5 is not a probability"),
        (("song.wav", "--onset-threshold", "high"), "high is not a probability"),
        (("song.wav", "--tempo", "19"), "19 is not a tempo from 20 to 400 beats a minute"),
        (("song.wav", "--tempo", "allegro"), "allegro is not a tempo from 20 to 400 beats a minute"),
        (("song.wav", "--beats-a-bar", "0"), "0 is not a number of beats from 1 to 12"),
        (("song.wav", "--tuning", "300"), "300 is not a frequency from 392 to 493 Hz"),
        (("song.wav", "--tuning", "flat"), "flat is not a frequency from 392 to 493 Hz"),
    ],
)
def test_wrong_options_are_refused(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        run(*arguments)
    assert exit_info.value.code == 2
    assert message in capsys.readouterr().err


def test_what_could_not_be_read_is_said_on_stderr_and_the_song_is_done(
    inside: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    music = np.random.default_rng(0).standard_normal((9 * odd_files.RATE, 1)).astype(np.float32) * np.float32(0.1)
    (inside / "hole.flac").write_bytes(odd_files.holed(odd_files.flac(music), 0.3))
    assert run("hole.flac", "--json", "--midi-only", "--weights", str(weights)) == 0
    printed = capsys.readouterr()
    record = json.loads(printed.out)
    assert record["damage"] == "0:03 of the file could not be read."
    assert printed.err == "mtinst: hole.flac: 0:03 of the file could not be read.\n"


def test_a_line_mentions_the_verdict() -> None:
    record = {"file": "a.wav", "duration_s": 1.0, "seconds": 0.1, "realtime_factor": 0.1, "n_notes": 0}
    record |= {"note_counts": {}, "verdict": SILENT, "tuning_hz": 440.0}
    assert describe(record) == f"a.wav: 1.0 s in 0.1 s (0.100 of real time), A = 440 Hz, 0 notes. {SILENT}"


def test_progress_is_shown_to_a_person_and_wiped(
    inside: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    write_song(inside / "song.wav")
    assert run("song.wav", "--weights", weights, "--midi-only") == 0
    shown = capsys.readouterr().err
    assert "100% Done" in shown
    assert shown.endswith("\r\x1b[K")
    assert "\n" not in shown


def test_the_program_takes_any_file_name(tmp_path: Path, weights: Path) -> None:
    names = ['it\'s "quoted" & spaced.wav', "Größe – 音楽.wav", os.fsdecode(b"not unicode \xff.wav"), "-dash.wav"]
    for name in names:
        write_song(tmp_path / "song.wav", 0.5).rename(tmp_path / name)
    options = ["--midi-only", "--jams", "--json", "--weights", str(weights), "--out", str(tmp_path / "out"), "--"]
    command = [sys.executable, "-m", "mtinst", *options, *(str(tmp_path / name) for name in names)]
    finished = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert [json.loads(line)["file"] for line in finished.stdout.splitlines()] == [
        str(tmp_path / name) for name in names
    ]
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {Path(name).stem for name in names}


@pytest.mark.skipif(not DEFAULT_WEIGHTS.is_file(), reason="weights/default.safetensors is not there")
def test_the_shipped_weights_transcribe(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_song(inside / "song.wav")
    assert run("song.wav", "--json") == 0
    assert json.loads(capsys.readouterr().out)["duration_s"] == 1.5


def test_other_formats_are_written_on_wish(inside: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_song(inside / "song.wav")
    assert run("song.wav", "--weights", weights, "--midi-only", "--csv", "--jams", "--svg", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    wanted = ["song.mid", "song.svg", "song.csv", "song.activations.csv", "song.jams"]
    assert record["outputs"] == wanted
    assert all((inside / name).stat().st_size > 0 for name in wanted)
