"""Unpacking what clips are made from."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from mtinst.grid import FINE, SPEC, FeatureSpec
from mtinst.hear.cqt import cqt
from train.data.prepare import CLIP_SETS, at_unit_power, render_clip, render_fast_clip, unpack_midi


def write_archive(path: Path, *names: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:xz") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())


def test_songs_of_all_archives_and_nothing_else_are_unpacked(tmp_path: Path) -> None:
    write_archive(tmp_path / "midi" / "a.tar.xz", "midi/one/song.mid", "midi/one/script.py")
    write_archive(tmp_path / "midi" / "b.tar.xz", "midi/two/song.midi")
    folder = unpack_midi(tmp_path, tmp_path / "out")
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    assert found == ["one/song.mid", "two/song.midi"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["midi"]


def test_an_unpacking_that_broke_off_begins_anew(tmp_path: Path) -> None:
    write_archive(tmp_path / "midi" / "a.tar.xz", "midi/one/song.mid")
    (tmp_path / "midi" / "b.tar.xz").write_bytes(b"cut short")
    with pytest.raises(tarfile.ReadError):
        unpack_midi(tmp_path, tmp_path / "out")
    write_archive(tmp_path / "midi" / "b.tar.xz", "midi/two/song.mid")
    assert len(list(unpack_midi(tmp_path, tmp_path / "out").rglob("*.mid"))) == 2


def test_no_archive_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no \.tar\.xz archive of MIDI files"):
        unpack_midi(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("spec", [SPEC, FINE])
def test_parts_of_the_same_power_stay_so_whatever_their_pitch(spec: FeatureSpec) -> None:
    seconds = np.arange(2 * SPEC.sample_rate) / SPEC.sample_rate
    factors = []
    for hertz, level in ((55.0, 1.0), (440.0, 1.0), (1760.0, 1.0), (440.0, 0.01)):
        sound = level * np.sin(2 * np.pi * hertz * seconds).astype(np.float32)
        before = cqt(sound, spec)
        factors.append(level * float(np.abs(at_unit_power(before, spec)).max() / np.abs(before).max()))
    assert np.ptp(20 * np.log10(factors)) < 0.5


def test_a_fixed_set_tells_another_process_what_renders_it() -> None:
    sets = {clip_set.name: pickle.loads(pickle.dumps(clip_set)) for clip_set in CLIP_SETS}
    assert sets["fast"].render is render_fast_clip
    assert all(sets[name].render.func is render_clip for name in ("valid", "same", "unseen"))
    assert [sets[name].render.keywords["has_distractors"] for name in ("valid", "same", "unseen")] == [
        True,
        False,
        True,
    ]
