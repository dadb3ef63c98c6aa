"""Unpacking what clips are made from."""

import io
import tarfile
from pathlib import Path

import pytest

from train.prepare import unpack_midi


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
