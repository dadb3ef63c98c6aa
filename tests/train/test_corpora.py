"""Published datasets: miniatures of each are read, and folders that are wrong or not complete are refused by name."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mtinst.files import file_hash
from mtinst.grid import INSTRUMENT_INDEX, SPEC
from tests.train.corpora import CELLO, SECONDS, VIOLA, VIOLIN, WRITERS, Notes
from train.__main__ import main
from train.data.corpora import CORPORA, CorpusError, Song, corpus_of, find_songs
from train.data.sources import OFFSET, ONSET, PITCH

WITH_NOTES = ("musicnet", "bach10", "urmp", "slakh", "paired")


def song_of(name: str, folder: Path) -> Song:
    return find_songs(name, WRITERS[name](folder))[0]


@pytest.mark.parametrize("name", WITH_NOTES)
def test_notes_are_read_by_instrument_in_seconds(name: str, tmp_path: Path) -> None:
    song = song_of(name, tmp_path)
    parts = song.parts()
    wanted: dict[str, Notes] = {"violin": VIOLIN, "cello": CELLO, "other": VIOLA}
    if name == "bach10":
        wanted = {"violin": VIOLIN, "saxophone": CELLO, "other": VIOLA + VIOLA}  # clarinet and bassoon
    assert set(parts) == set(wanted)
    tolerance = 0.03 if name == "bach10" else 0.003
    for instrument, notes in wanted.items():
        expected = np.array(sorted(notes))
        np.testing.assert_allclose(parts[instrument][:, [ONSET, OFFSET]], expected[:, :2], atol=tolerance)
        assert parts[instrument][:, PITCH].tolist() == expected[:, 2].tolist()


@pytest.mark.parametrize("name", WRITERS)
def test_the_audio_is_as_long_as_the_song_and_who_plays_is_on_its_frames(name: str, tmp_path: Path) -> None:
    song = song_of(name, tmp_path)
    samples = song.samples()
    assert len(samples) == pytest.approx(SECONDS * SPEC.sample_rate, abs=2)
    activity = song.activity(SPEC.n_frames(len(samples)))
    there = [who for who, index in INSTRUMENT_INDEX.items() if activity[index].any()]
    wanted = {"mixing_secrets": ["violin"], "bach10": ["saxophone", "violin"]}
    assert there == wanted.get(name, ["violin", "cello"])
    if name != "mixing_secrets":
        violin = activity[INSTRUMENT_INDEX["violin"]]
        assert [violin[SPEC.second_to_frame(second)] for second in (0.3, 1.0, 1.7, 2.5)] == [False, True, False, True]


def test_medleydb_says_the_same_by_name_and_by_stem(tmp_path: Path) -> None:
    by_name, by_stem = find_songs("medleydb", WRITERS["medleydb"](tmp_path))
    assert not by_name.has_notes
    for who, spans in by_name.spans().items():
        np.testing.assert_allclose(by_stem.spans()[who], spans, atol=0.05)
    with pytest.raises(ValueError, match="the notes of Band_ByName are not labelled"):
        by_name.parts()


def test_a_paired_song_is_found_in_subfolders_whatever_the_suffix_looks_like(tmp_path: Path) -> None:
    songs = find_songs("paired", WRITERS["paired"](tmp_path))
    assert [(song.name, song.audio[0].name) for song in songs] == [("more/two", "two.wav"), ("one", "one.flac")]


def test_what_was_put_right_on_the_page_is_a_song_whatever_its_files_are_called(tmp_path: Path) -> None:
    WRITERS["paired"](tmp_path)
    notes = [[0.5, 1.0, 60, "cello", 80], [0.0, 1.5, 72, "voice", 90]]
    record = {"audio": file_hash(tmp_path / "one.flac"), "after": notes}
    (tmp_path / "more" / "Song (1).corrections.json").write_text(json.dumps(record))
    assert corpus_of(tmp_path) == "paired"
    song = next(song for song in find_songs("paired", tmp_path) if song.name == "more/Song (1)")
    assert song.audio == (tmp_path / "one.flac",)
    assert {name: rows.tolist() for name, rows in song.parts().items()} == {
        "voice": [[0.0, 1.5, 72, 90]],
        "cello": [[0.5, 1.0, 60, 80]],
    }
    (tmp_path / "more" / "lost.corrections.json").write_text(json.dumps(record | {"audio": "another song"}))
    with pytest.raises(CorpusError, match="missing"):
        find_songs("paired", tmp_path)


@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_is_told_by_what_is_in_it(name: str, tmp_path: Path) -> None:
    assert corpus_of(WRITERS[name](tmp_path)) == name


@pytest.mark.parametrize("name", CORPORA)
def test_a_wrong_folder_is_refused_in_a_sentence_that_says_what_is_missing(name: str, tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").touch()
    with pytest.raises(CorpusError, match=r"(missing|is wanted)\.$"):
        find_songs(name, tmp_path)
    with pytest.raises(CorpusError, match="is not a folder"):
        find_songs(name, tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="holds none of the datasets"):
        corpus_of(tmp_path)


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("medleydb", "Audio/Band_ByName/Band_ByName_MIX.wav"),
        ("medleydb", "Audio/Band_ByName/Band_ByName_METADATA.yaml"),
        ("medleydb", "Annotations/Instrument_Activations/ACTIVATION_CONF/Band_ByStem_ACTIVATION_CONF.lab"),
        ("mixing_secrets", "Medley_Format/Audio/Trio_Song/Trio_Song_MIX.wav"),
        ("mixing_secrets", "annotations/Trio_Song_ACTIVATION_CONF.lab"),
        ("musicnet", "train_data/1727.wav"),
        ("musicnet", "test_labels/2303.csv"),
        ("bach10", "01-AchGottundHerr/01-AchGottundHerr-GTNotes.mat"),
        ("urmp", "01_Jupiter_vn_vc_va/Notes_2_vc_01_Jupiter.txt"),
        ("urmp", "01_Jupiter_vn_vc_va/AuMix_01_Jupiter_vn_vc_va.wav"),
        ("slakh", "train/Track00001/mix.flac"),
        ("slakh", "train/Track00001/metadata.yaml"),
        ("slakh", "train/Track00001/MIDI/S01.mid"),
        ("paired", "one.flac"),
    ],
)
def test_half_a_download_is_refused_by_naming_what_is_missing(name: str, gone: str, tmp_path: Path) -> None:
    folder = WRITERS[name](tmp_path)
    (folder / gone).unlink()
    with pytest.raises(CorpusError, match="is not complete") as refusal:
        find_songs(name, folder)
    assert Path(gone).stem in str(refusal.value)
    assert str(refusal.value).endswith("is missing.")


@pytest.mark.parametrize(
    ("name", "broken", "use"),
    [
        ("medleydb", "Annotations/Instrument_Activations/SOURCEID/Band_ByName_SOURCEID.lab", Song.spans),
        ("musicnet", "test_labels/2303.csv", Song.parts),
        ("bach10", "01-AchGottundHerr/01-AchGottundHerr-GTNotes.mat", Song.parts),
        ("urmp", "01_Jupiter_vn_vc_va/Notes_2_vc_01_Jupiter.txt", Song.parts),
        ("slakh", "train/Track00001/MIDI/S01.mid", Song.parts),
        ("paired", "one.mid", Song.parts),
    ],
)
def test_a_damaged_label_file_is_named(name: str, broken: str, use: Callable[[Song], object], tmp_path: Path) -> None:
    folder = WRITERS[name](tmp_path)
    (folder / broken).write_text("nothing,of\nthe,kind\n")
    with pytest.raises(CorpusError) as refusal:
        [use(song) for song in find_songs(name, folder)]
    assert Path(broken).name in str(refusal.value)


@pytest.mark.parametrize("content", ["stems: 3\n", "[1, 2\n", "x\n"])
def test_damaged_metadata_are_named(content: str, tmp_path: Path) -> None:
    folder = WRITERS["slakh"](tmp_path / "slakh")
    (folder / "train" / "Track00001" / "metadata.yaml").write_text(content)
    with pytest.raises(CorpusError, match=r"Track00001/metadata\.yaml does not describe stems"):
        find_songs("slakh", folder)
    folder = WRITERS["medleydb"](tmp_path / "medleydb")
    (folder / "Audio" / "Band_ByName" / "Band_ByName_METADATA.yaml").write_text("[1, 2\n")
    with pytest.raises(CorpusError, match=r"Band_ByName_METADATA\.yaml is not YAML"):
        find_songs("medleydb", folder)
    (folder / "Audio" / "Band_ByName" / "Band_ByName_METADATA.yaml").write_text("words\n")
    with pytest.raises(CorpusError, match=r"Band_ByName_METADATA\.yaml has no fields"):
        find_songs("medleydb", folder)


@pytest.mark.parametrize("content", ["stems,of\nnothing,here\n", "S01,S02\n0.1,0.2\n", "time,S01\n0.1,0.2,0.3\n"])
def test_damaged_confidences_are_named(content: str, tmp_path: Path) -> None:
    folder = WRITERS["mixing_secrets"](tmp_path)
    (folder / "annotations" / "Trio_Song_ACTIVATION_CONF.lab").write_text(content)
    (song,) = find_songs("mixing_secrets", folder)
    with pytest.raises(CorpusError, match=r"Trio_Song_ACTIVATION_CONF\.lab is not a table of confidences"):
        song.spans()


def test_empty_folders_of_a_dataset_are_no_dataset(tmp_path: Path) -> None:
    for name in ("train_data", "train_labels", "test_data", "test_labels"):
        (tmp_path / name).mkdir()
    with pytest.raises(CorpusError, match=r"train_data/ holds no \.wav files"):
        find_songs("musicnet", tmp_path)


def test_datasets_are_found_in_the_folders_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, writer in WRITERS.items():
        writer(tmp_path / f"my {name}")
    (tmp_path / "letters").mkdir()
    assert main(["datasets", "--in", str(tmp_path)]) == 0
    here = [line.split(" | ")[-1].strip(" |") for line in capsys.readouterr().out.splitlines()[2:]]
    assert here == ["2", "2", "1", "1", "1", "1", "2"]
    assert main(["datasets", "--in", str(tmp_path / "nowhere")]) == 2
    assert "nowhere is not a folder" in capsys.readouterr().err


def test_the_table_says_what_is_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = WRITERS["urmp"](tmp_path / "urmp")
    (tmp_path / "empty").mkdir()
    assert main(["datasets", "--folder", f"urmp={folder}", "--folder", f"bach10={tmp_path / 'empty'}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| dataset | pitch | instrument | real | genre | songs | here |"
    assert "| URMP | yes | yes | real | classical | 44 | 1 |" in lines
    assert "| MedleyDB | melody | yes | real | various | 122 | – |" in lines
    assert any(line.startswith("| Bach10 ") and "01-AchGottundHerr/ are missing" in line for line in lines)
    assert main(["datasets", "--folder", f"nonsuch={folder}"]) == 2
    assert "nonsuch is not a dataset" in capsys.readouterr().err
