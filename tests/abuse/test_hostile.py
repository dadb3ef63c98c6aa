"""A part of the hostile files, through the command line, Python and the page; ``make fuzz`` tries all of them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from mtinst.errors import AudioError
from mtinst.hear.audio import load_audio
from tests.abuse import hostile_bytes as craft
from tests.abuse.hard_use import WAYS
from tests.abuse.hostile import corpus, sample

PROJECT = Path(__file__).parents[2]


def test_there_are_three_hundred_hostile_files_and_the_same_in_every_run() -> None:
    first, second = corpus(), corpus()
    assert len(first) >= 300
    assert len({(one.kind, one.name, one.wanted) for one in first}) == len(first)
    assert [(one.kind, one.name, one.wanted) for one in first] == [(one.kind, one.name, one.wanted) for one in second]
    assert {one.kind for one in sample()} == {one.kind for one in first} - {"bombs"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limits of each attempt are those of Linux")
def test_a_sample_of_hostile_files_ends_in_results_and_sentences() -> None:
    command = [sys.executable, "-m", "tests.abuse.hard_use", "files", "--sample", "--verbose"]
    finished = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-1000:]
    tried = [way for line in finished.stdout.splitlines() if " MB " in line for way in WAYS if f" {way} " in line]
    assert len(tried) == len(sample())
    assert set(tried) == set(WAYS)


def test_a_bomb_is_what_it_says(tmp_path: Path) -> None:
    """Otherwise it would prove nothing that bombs are refused."""
    (tmp_path / "bomb.flac").write_bytes(craft.flac_bomb(60.0, n_channels=2))
    found = sf.info(tmp_path / "bomb.flac")
    assert found.duration == pytest.approx(60.0, abs=1.0)
    samples = load_audio(tmp_path / "bomb.flac", longest_s=100.0)
    assert len(samples) / 16_000 == pytest.approx(found.duration, abs=0.01)
    assert (tmp_path / "bomb.flac").stat().st_size < 2000
    with pytest.raises(AudioError, match=r"^bomb\.flac lasts longer than 0\.5 minutes, the longest that is taken$"):
        load_audio(tmp_path / "bomb.flac", longest_s=30.0)


def test_a_file_that_unpacks_to_many_channels_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "bomb.flac").write_bytes(craft.flac_bomb(20.0, n_channels=8, rate=96_000))
    with pytest.raises(AudioError, match=r"^bomb\.flac unpacks to more than 12 million samples$"):
        load_audio(tmp_path / "bomb.flac", longest_s=30.0)


def test_a_header_that_promises_days_gives_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "promise.flac").write_bytes(craft.flac_bomb(3.0, promised=(1 << 36) - 1))
    assert len(load_audio(tmp_path / "promise.flac")) / 16_000 == pytest.approx(2.97, abs=0.01)
    (tmp_path / "promise.wav").write_bytes(craft.wav(bytes(32_000), data_size=0xFFFFFFFF))
    np.testing.assert_array_equal(load_audio(tmp_path / "promise.wav"), np.zeros(16_000, np.float32))
