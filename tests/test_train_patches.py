"""A patch set becomes sample banks; TiMidity++ itself is played by a stand-in that knows sines."""

import csv
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mtinst.spec import SPEC
from train.__main__ import main
from train.patches import sample_patches
from train.timbres import PATCH_PROGRAMS, patch_bank

STAND_IN = """#!{python}
import sys
import numpy as np, symusic
rate, out, midi = int(sys.argv[sys.argv.index("-s") + 1]), sys.argv[sys.argv.index("-o") + 1], sys.argv[-1]
track = symusic.Score(midi, ttype="second").tracks[0]
sound = np.zeros(int((track.notes[-1].time + 5) * rate))
for note in track.notes if track.program != {silent} else ():
    seconds = np.arange(int(note.duration * rate)) / rate
    first = int(note.time * rate)
    sound[first : first + len(seconds)] = 0.5 * np.sin(2 * np.pi * 440 * 2 ** ((note.pitch - 69) / 12) * seconds)
(sound * 32767).astype(np.int16).tofile(out)
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_stand_in(tmp_path, monkeypatch, silent=-1)
    monkeypatch.setattr("train.patches.PATCH_PROGRAMS", {"trumpet": (56,), "acoustic_guitar": (24,)})
    path = tmp_path / "set.cfg"
    path.write_text("bank 0\n")
    return path


def use_stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *, silent: int) -> None:
    program = folder / "bin" / "timidity"
    program.parent.mkdir(exist_ok=True)
    program.write_text(STAND_IN.format(python=sys.executable, silent=silent))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def test_each_note_is_a_recording_of_its_pitch(config: Path, tmp_path: Path) -> None:
    assert sample_patches(config, tmp_path / "more") == 22
    with (tmp_path / "more" / "samples" / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["bank"], row["instrument"]) for row in rows} == {
        ("freepats_056", "trumpet"),
        ("freepats_024", "acoustic_guitar"),
    }
    assert max(int(row["midi"]) for row in rows if row["instrument"] == "acoustic_guitar") < 72  # higher are octaves up
    for row in rows[::7]:
        sound, rate = soundfile.read(tmp_path / "more" / "samples" / row["file"])
        assert rate == SPEC.sample_rate
        assert len(sound) == pytest.approx(4 * rate, rel=0.01)
        spectrum = np.abs(np.fft.rfft(sound))
        loudest = float(spectrum.argmax()) * rate / len(sound)
        assert 12 * np.log2(loudest / 440) + 69 == pytest.approx(int(row["midi"]), abs=0.2)


def test_a_program_without_sound_is_named(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_stand_in(tmp_path, monkeypatch, silent=24)
    assert main(["patches", str(config), "--out", str(tmp_path / "more")]) == 2
    assert "Program 24 of" in capsys.readouterr().err


def test_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["patches", str(tmp_path / "gone.cfg"), "--out", str(tmp_path)]) == 2
    assert "gone.cfg is not there" in capsys.readouterr().err
    (tmp_path / "set.cfg").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["patches", str(tmp_path / "set.cfg"), "--out", str(tmp_path)]) == 2
    assert "timidity" in capsys.readouterr().err


def test_no_bank_is_one_that_tests_hold_out() -> None:
    from train.timbres import MORE_SOUNDFONTS, SAMPLE_BANKS, UNSEEN_SOUNDFONTS

    more = {patch_bank(program) for programs in PATCH_PROGRAMS.values() for program in programs}
    held_out = {bank for banks in SAMPLE_BANKS["unseen"].values() for bank in banks}
    assert not (more | set(MORE_SOUNDFONTS)) & (held_out | set(UNSEEN_SOUNDFONTS))
