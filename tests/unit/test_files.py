"""Files that are there whole or not at all."""

from pathlib import Path

import pytest

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
