"""Files that are there whole or not at all, and a folder for numba."""

import os
from pathlib import Path

import pytest

import mtinst
from mtinst.files import replace_file, replacing


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    replace_file(path, b"the old one")
    with pytest.raises(TypeError), replacing(path) as partial:
        partial.write_bytes("not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    with replacing(path) as first, replacing(path) as second:
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert path.read_bytes() == b"first", "whose writer was the last to end"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def no_numba_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has said where numba is to write; afterwards nobody will have, or what runs later would compile anew."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")  # first, as what is not there is not put back
    monkeypatch.delenv("NUMBA_CACHE_DIR")


@pytest.mark.usefixtures("no_numba_folder")
def test_numba_gets_a_folder_only_where_it_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mtinst._let_numba_cache()
    assert "NUMBA_CACHE_DIR" not in os.environ
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    mtinst._let_numba_cache()
    assert Path(os.environ["NUMBA_CACHE_DIR"]).parent == tmp_path


@pytest.mark.usefixtures("no_numba_folder")
def test_numba_gets_a_folder_where_there_is_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # what it does without a home
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("atexit.register", lambda *_, **__: None)
    mtinst._let_numba_cache()
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("mtinst-numba-")
