"""What was put right, as a file that training reads."""

from dataclasses import replace
from pathlib import Path

import pytest

from mtinst.edits import Edit
from mtinst.errors import MtinstError
from mtinst.export.corrections import Corrections, read_corrections, to_corrections
from mtinst.files import file_hash
from mtinst.pipeline import Transcriber
from mtinst.records import Note
from mtinst.transcription import Transcription
from tests.tiny import write_song, write_weights

ADDED = Note(0.5, 0.75, pitch=72, instrument="voice", velocity=60)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_song(tmp_path_factory.mktemp("song") / "tone.wav")


@pytest.fixture(scope="module")
def found(song: Path) -> Transcription:
    return Transcriber.load(write_weights(song.with_name("tiny.safetensors"))).transcribe(song)


def test_corrections_are_the_notes_after_with_the_hash_of_the_songs_file(
    song: Path, found: Transcription, tmp_path: Path
) -> None:
    corrected = replace(found, edits=(Edit(found.notes[0], None), Edit(None, ADDED)))
    path = tmp_path / "mine.corrections.json"
    path.write_text(to_corrections(corrected, "tone"))
    read = read_corrections(path)
    assert read.audio == file_hash(song)
    assert ADDED in read.notes
    assert [note.pitch for note in read.notes] == [note.pitch for note in corrected.notes]


def test_the_hash_is_kept_with_the_rolls(song: Path, found: Transcription, tmp_path: Path) -> None:
    found.save_npz(tmp_path / "tone.npz")
    assert Transcription.load_npz(tmp_path / "tone.npz").audio == found.audio == file_hash(song)


def test_a_song_as_it_was_found_has_no_corrections(found: Transcription) -> None:
    with pytest.raises(MtinstError, match="No note of this song was changed"):
        to_corrections(found, "tone")


@pytest.mark.parametrize("text", ["x", "[]", "{}", '{"audio": "0", "after": [[0, 1, 60]]}', "[" * 100_000])
def test_other_files_are_refused_by_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "odd.corrections.json").write_text(text)
    with pytest.raises(MtinstError, match=r"^odd\.corrections\.json does not hold corrections"):
        read_corrections(tmp_path / "odd.corrections.json")


def test_corrections_without_notes_are_silence(tmp_path: Path) -> None:
    (tmp_path / "a.corrections.json").write_text('{"audio": "0", "after": []}')
    assert read_corrections(tmp_path / "a.corrections.json") == Corrections(audio="0", notes=[])
