"""MIDI files to pieces, and the split by composition."""

from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from train.data.sources import OFFSET, ONSET, PITCH, end_before_restrike, find_pieces, read_piece, split_works


def write_song(path: Path, *, pedal: bool = False) -> None:
    song = pretty_midi.PrettyMIDI()
    piano = pretty_midi.Instrument(0)
    piano.notes += [pretty_midi.Note(80, 60, 0.5, 1.0), pretty_midi.Note(90, 64, 0.0, 0.5)]
    if pedal:
        piano.control_changes += [pretty_midi.ControlChange(64, 127, 0.1), pretty_midi.ControlChange(64, 0, 2.0)]
    drums = pretty_midi.Instrument(0, is_drum=True)
    drums.notes.append(pretty_midi.Note(100, 36, 0.0, 0.1))
    song.instruments += [piano, drums]
    path.parent.mkdir(parents=True, exist_ok=True)
    song.write(str(path))


def test_read_piece_gives_notes_in_seconds_in_order(tmp_path: Path) -> None:
    write_song(tmp_path / "song.mid")
    piano, drums = read_piece(tmp_path / "song.mid")
    assert (piano.is_drum, drums.is_drum) == (False, True)
    np.testing.assert_allclose(piano.notes, [[0.0, 0.5, 64, 90], [0.5, 1.0, 60, 80]], atol=1e-3)


def test_the_pedal_lengthens_notes(tmp_path: Path) -> None:
    write_song(tmp_path / "song.mid", pedal=True)
    piano = read_piece(tmp_path / "song.mid")[0]
    np.testing.assert_allclose(piano.notes[:, OFFSET], [2.0, 2.0], atol=1e-3)


def test_a_note_ends_where_its_pitch_is_struck_again() -> None:
    notes = np.array([[0.0, 2.0, 60, 80], [0.5, 3.0, 64, 80], [1.0, 3.0, 60, 80], [1.0, 1.5, 60, 80]])
    cut = end_before_restrike(notes)
    for pitch in (60, 64):
        of_pitch = cut[cut[:, PITCH] == pitch]
        assert (of_pitch[1:, ONSET] >= of_pitch[:-1, OFFSET]).all()
    assert (cut[:, OFFSET] > cut[:, ONSET]).all()


@pytest.mark.parametrize("n_works", [3, 25, 200])
def test_every_side_of_the_split_has_works_and_none_is_on_two(n_works: int) -> None:
    keys = {f"corpus/{index}" for index in range(n_works)}
    splits = split_works(keys)
    assert set(splits) == keys
    sizes = {side: sum(split == side for split in splits.values()) for side in ("train", "valid", "test")}
    assert min(sizes.values()) >= 1
    assert sizes["train"] >= 0.85 * n_works or n_works < 20


def test_movements_of_one_work_stay_on_one_side(tmp_path: Path) -> None:
    for index in range(48):
        write_song(tmp_path / "sq" / f"{index:04}.mid")
    pieces = find_pieces(tmp_path)
    assert len(pieces) == 48
    sides = [{piece.split for piece in pieces if int(piece.path.stem) // 8 == work} for work in range(6)]
    assert all(len(side) == 1 for side in sides)
    assert len({side.pop() for side in sides}) == 3
