"""Files are heard whole and on time, whatever their headers say; what is missing is named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mtinst.errors import AudioError
from mtinst.grid import SPEC, FloatArray
from mtinst.hear.audio import load_audio, read_audio, unread
from tests.abuse import odd_files as odd
from tests.abuse.odd_files import OddFile

MUSIC_S = 6.0
BURSTS_S = (0.5, 2.0, 3.5, 5.0)
BURST_S = 0.25


def bursts() -> FloatArray:
    """Short tones at known times, the same in both channels, over a little noise."""
    seconds = np.arange(round(MUSIC_S * odd.RATE)) / odd.RATE
    is_loud = np.any([(start <= seconds) & (seconds < start + BURST_S) for start in BURSTS_S], axis=0)
    noise = np.random.default_rng(0).standard_normal((len(seconds), 2)) * 0.002
    tone = 0.4 * np.sin(2 * np.pi * 700 * seconds) * is_loud
    result: FloatArray = (tone[:, np.newaxis] + noise).astype(np.float32)
    return result


def starts_of_bursts(samples: FloatArray) -> NDArray[np.float64]:
    """When it becomes loud, in seconds."""
    step = SPEC.sample_rate // 1000
    level = np.abs(samples[: len(samples) // step * step]).reshape(-1, step).max(axis=1)
    is_loud = np.convolve(level > 0.1, np.ones(50))[: len(level)] > 0  # for 50 ms after the last loud sample
    return np.flatnonzero(np.diff(is_loud.astype(np.int8), prepend=0) == 1) / 1000


@pytest.mark.parametrize("kind", [*odd.odd_files()], ids=lambda kind: kind.name)
def test_odd_files_are_heard_whole_and_on_time(tmp_path: Path, kind: OddFile) -> None:
    path = tmp_path / kind.name
    path.write_bytes(kind.make(bursts()))
    recording = read_audio(path)
    wanted = [
        start + number * MUSIC_S + kind.pause_s * (start >= kind.pause_at * MUSIC_S)
        for number in range(kind.repeats)
        for start in BURSTS_S
    ]
    heard = starts_of_bursts(recording.samples)
    duration_s = len(recording.samples) / recording.sample_rate
    assert duration_s == pytest.approx(kind.repeats * MUSIC_S + kind.pause_s, abs=0.06 * kind.repeats)
    if kind.missing_share:
        assert recording.unread_s == pytest.approx(kind.missing_share * MUSIC_S, abs=2.0)  # whole pages of Ogg
        assert all(np.abs(np.array(wanted) - start).min() < 0.03 for start in heard)
    else:
        assert unread(recording.unread_s) is None or "rubbish" in kind.name
        # An encoder's delay is known only from its index; each join moves what comes after it by a block at most.
        assert heard == pytest.approx(wanted, abs=0.03 + 0.03 * kind.repeats)


@pytest.mark.parametrize("write", [odd.flac, lambda music: odd.film(music, container="mp4", codec="aac", gap_at=0.0)])
def test_what_a_file_that_was_cut_off_lacks_is_named(tmp_path: Path, write: Callable[[FloatArray], bytes]) -> None:
    content = write(bursts())
    if b"moov" in content:  # the list of contents stands at the end
        content = content[: len(content) // 3] + bytes(len(content) // 3) + content[2 * (len(content) // 3) :]
    else:
        content = content[: len(content) // 2]
    (tmp_path / "cut").write_bytes(content)
    recording = read_audio(tmp_path / "cut")
    assert 1.0 < recording.unread_s < 5.0
    assert str(unread(recording.unread_s)).startswith("0:0")


def test_a_promise_of_days_is_not_missed(tmp_path: Path) -> None:
    content = bytearray(odd.flac(bursts()))
    content[21] |= 0x0F  # the upper bits of how many samples there are
    (tmp_path / "days.flac").write_bytes(content)
    recording = read_audio(tmp_path / "days.flac")
    assert (len(recording.samples), recording.unread_s) == (MUSIC_S * SPEC.sample_rate, 0.0)


def test_a_gap_longer_than_the_limit_is_a_clock_that_was_set_anew(tmp_path: Path) -> None:
    (tmp_path / "late.mkv").write_bytes(odd.film(bursts(), container="mkv", codec="aac", gap_at=0.5))
    assert len(load_audio(tmp_path / "late.mkv", longest_s=8.0)) / SPEC.sample_rate == pytest.approx(7.5, abs=0.06)
    with pytest.raises(AudioError, match="lasts longer"):
        load_audio(tmp_path / "late.mkv", longest_s=7.0)
    (tmp_path / "late.mkv").write_bytes(odd.film(bursts()[: odd.RATE], container="mkv", codec="aac", gap_at=0.5))
    assert len(load_audio(tmp_path / "late.mkv", longest_s=1.4)) / SPEC.sample_rate == pytest.approx(1.0, abs=0.06)


def test_a_damaged_link_of_an_ogg_chain_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    good = odd.ogg(bursts(), "VORBIS")
    bad = b"OggS\0\2" + bytes(5000)
    (tmp_path / "chain.ogg").write_bytes(good + bad + good)
    recording = read_audio(tmp_path / "chain.ogg")
    assert len(recording.samples) / SPEC.sample_rate == pytest.approx(2 * MUSIC_S, abs=0.1)
    assert recording.unread_s > 0
    (tmp_path / "chain.ogg").write_bytes(bad + bad)
    with pytest.raises(AudioError, match="cannot be read as audio"):
        read_audio(tmp_path / "chain.ogg")
    (tmp_path / "chain.ogg").write_bytes(1500 * bad[:6])
    with pytest.raises(AudioError, match="cannot be read as audio"):
        read_audio(tmp_path / "chain.ogg")
