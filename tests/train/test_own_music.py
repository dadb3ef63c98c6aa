"""From a folder of audio and MIDI to a network in the page: the six commands of train/README.md, as they stand."""

import re
import shlex
from pathlib import Path

import pytest

from tests.served import PROJECT, serve
from tests.train.corpora import write_music
from train.__main__ import main

# What makes the same commands small enough for a test.
SMALL = {
    "collect": "--clips 4 --test-clips 2 --features paper",
    "fit": "--set model.widths=4,8 --set epochs=1 --set clips_per_epoch=8 --workers 0 --validation-clips 1 "
    "--set mix.n_frames=64",
}


def commands() -> list[str]:
    """The lines of the section's first block, each a command."""
    section = (PROJECT / "train" / "README.md").read_text().partition("## Bring your own")[2]
    block = re.search(r"(?:^    \S.*\n)+", section, flags=re.MULTILINE)
    assert block is not None
    return [line.strip() for line in block[0].splitlines()]


@pytest.mark.slow
def test_six_commands_lead_from_a_folder_of_music_to_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = commands()
    assert len(lines) == 6
    music, run = write_music(tmp_path / "my-music", seconds=12), tmp_path / "runs" / "mine"
    monkeypatch.chdir(PROJECT)
    printed = {}
    for line in lines[:5]:
        words = shlex.split(line, comments=True)
        assert words[:3] == [".venv/bin/python", "-m", "train"], line
        verb, *rest = words[3:]
        rest = [word.replace("my-music", str(music)).replace("data/mine", str(tmp_path / "data")) for word in rest]
        rest = [word.replace("runs/mine", str(run)) for word in rest]
        if verb == "fit":
            # The shipped network is too large for a test: begin from scratch.
            at = rest.index("--init")
            assert (PROJECT / rest[at + 1]).is_file()
            del rest[at : at + 2]
        # In this process, for most of the time of so small a run would be spent on starting.
        assert main([verb, *rest, *SMALL.get(verb, "").split()]) == 0, capsys.readouterr().err
        printed[verb] = capsys.readouterr().out
    assert "| MuseScore set, or MIDI beside audio | yes | yes | synthetic | various | – | 4 |" in printed["datasets"]
    assert "| Violin | 4 | " in printed["collect"]
    assert "note F1, onset, right instrument" in printed["evaluate"]

    words = shlex.split(lines[5])
    assert words == ["MTINST_WEIGHTS=runs/mine/best.safetensors", ".venv/bin/python", "app.py"]
    with serve(tmp_path / "page", {"MTINST_WEIGHTS": str(run / "best.safetensors")}):
        pass  # it came up
