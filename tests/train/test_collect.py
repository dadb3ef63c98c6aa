"""Scores and pairs of MIDI and audio become clips: converted, checked, selected, labelled, counted."""

import csv
import sys
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile as sf

from mtinst.grid import INSTRUMENT_INDEX, SPEC
from mtinst.hear.cqt import by_pitch, log_cqt
from tests.train.corpora import Notes, write_duet, write_midi, write_music
from tests.train.data import tone_store
from train.__main__ import main
from train.clips import ClipArrays
from train.config import MixConfig
from train.data.collect import CollectConfig, KeptTrack, collect, find_pairs
from train.data.collect.align import alignment
from train.data.collect.musescore import MuseScore, MuseScoreError
from train.data.collect.select import Excerpt, excerpts, select
from train.data.collect.sound import Voices
from train.data.corpora import CorpusError
from train.data.corpora.paired import read_parts, read_tracks
from train.data.mixtures import MixtureDataset
from train.data.sources import OFFSET, ONSET, PITCH, VELOCITY
from train.store import RECORDING, PartStore

SOUNDFONT = Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")
FEW = CollectConfig(clips=2, test_clips=1)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_program(path: Path, body: str) -> Path:
    """A program that stands in for MuseScore."""
    path.write_text(f"#!{sys.executable}\nimport shutil, sys\nfrom pathlib import Path\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def musescore(tmp_path: Path) -> Path:
    """Knows its version, and "converts" a score by looking for the files that the score names."""
    body = """
if sys.argv[1:] == ["--version"]:
    print("MuseScore4 4.5.2")
else:
    option, target, score = sys.argv[1:]
    assert option == "-o"
    source = Path(Path(score).read_text() + Path(target).suffix)
    if not source.is_file():
        sys.exit("cannot read this score")
    shutil.copy(source, target)
"""
    return write_program(tmp_path / "mscore", body)


def notes_of(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.concatenate(list(read_parts(path).values()))


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_music(tmp_path_factory.mktemp("music"))


@pytest.fixture(scope="module")
def collected(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("collected")
    collect(music, out, FEW, spec=SPEC)
    return out


def test_every_song_is_on_a_side_and_its_clips_are_there(collected: Path) -> None:
    records = rows(collected / "tracks.csv")
    assert [record["name"] for record in records] == [f"song {index}" for index in range(4)]
    assert sorted(record["split"] for record in records) == ["test", "train", "train", "valid"]
    assert {record["instruments"] for record in records} == {"violin cello"}
    assert all(abs(float(record["lag_s"])) <= 0.04 and record["left_out"] == "" for record in records)
    for name in ("valid", "same"):
        clips = ClipArrays.open(collected / f"{name}.npz")
        assert len(clips) == 1
        assert {note.instrument for note in clips.reference_notes(0)} == {"violin", "cello"}
    assert len(PartStore.open(collected / "parts")) == 2
    assert (collected / "statistics.png").read_bytes().startswith(b"\x89PNG")
    assert "| Violin | 4 | " in (collected / "statistics.md").read_text()
    assert sf.info(collected / "tracks" / "song 0.flac").samplerate == SPEC.sample_rate
    assert set(rows(collected / "tracks" / "song 0.csv")[0]) == {"onset", "offset", "pitch", "velocity", "instrument"}


def test_labels_of_the_clips_are_the_notes_of_the_song(collected: Path, music: Path) -> None:
    (name,) = (record["name"] for record in rows(collected / "tracks.csv") if record["split"] == "test")
    clips = ClipArrays.open(collected / "same.npz")
    parts = read_parts(music / f"{name}.mid")
    found = clips.reference_notes(0)
    for start in (0.0, 10.0):
        expected = {
            (who, int(note[PITCH]), round(note[ONSET] - start, 1))
            for who, notes in parts.items()
            for note in notes
            if 0.05 < note[ONSET] - start < 9.95
        }
        heard = {(note.instrument, note.pitch, round(note.onset, 1)) for note in found}
        if len(heard & expected) > 0.4 * len(expected):  # the clip that was drawn; times are rounded twice
            break
    else:
        pytest.fail("the labels are of neither clip of the song")
    assert {(who, pitch) for who, pitch, _ in heard} >= {(who, pitch) for who, pitch, _ in expected}


def test_recordings_and_single_parts_share_a_store(collected: Path) -> None:
    tones, recordings = tone_store(), PartStore.open(collected / "parts")
    store = PartStore(
        cqts=np.concatenate((tones.cqts, recordings.cqts)),
        classes=np.concatenate((tones.classes, recordings.classes)),
        groups=np.concatenate((tones.groups, 100 + recordings.groups)),
        note_ends=np.concatenate((tones.note_ends, tones.note_ends[-1] + recordings.note_ends)),
        notes=np.concatenate((tones.notes, recordings.notes)),
        spec=SPEC,
        players=np.array(
            [who for some in (tones, recordings) for part in range(len(some)) for who in some.players_of(part)], np.int8
        ),
    )
    for chance in (0.0, 0.5, 1.0):
        clips = MixtureDataset(store, MixConfig(recording=chance, noise=0.0), seed=1, epoch=0, n_clips=40)
        casts = [clips._cast(np.random.default_rng(index)) for index in range(40)]
        whole = [any(store.classes[voice.part] == RECORDING for voice in voices) for voices in casts]
        assert np.mean(whole) == pytest.approx(chance, abs=0.2)
        assert all(len(voices) == 1 for voices, is_whole in zip(casts, whole, strict=True) if is_whole)
    piano = clips[0][1]
    assert np.flatnonzero(piano.any(axis=(1, 2))).tolist() == [INSTRUMENT_INDEX["violin"], INSTRUMENT_INDEX["cello"]]


def test_whole_recordings_are_mixed_in_with_the_labels_of_all_who_play(collected: Path) -> None:
    store = PartStore.open(collected / "parts")
    assert (store.classes == RECORDING).all()
    clips = MixtureDataset(store, MixConfig(), seed=0, epoch=0, n_clips=4)
    for index in range(4):
        features, piano, onset, _ = clips[index]
        who = np.flatnonzero(piano.any(axis=(1, 2)))
        assert who.tolist() == [INSTRUMENT_INDEX["violin"], INSTRUMENT_INDEX["cello"]]
        assert onset.max() > 0.79
        assert features.max() > 0.5
        levels = by_pitch(features)
        assert levels[piano.any(axis=0)].mean() > levels[~piano.any(axis=0)].mean() + 0.1, "labels lie on the notes"


def test_the_sound_may_be_late_but_must_not_drift_nor_be_another_song(tmp_path: Path, music: Path) -> None:
    notes = notes_of(music / "song 0.mid")
    tracks: dict[int, Notes] = {
        track.program: [(float(n[ONSET]), float(n[OFFSET]), int(n[PITCH])) for n in track.notes]
        for track in read_tracks(music / "song 0.mid")
    }
    write_duet(tmp_path / "late.wav", tracks, 22, late=0.32)
    late, _ = sf.read(tmp_path / "late.wav", dtype="float32")
    found = alignment(by_pitch(log_cqt(late)), notes)
    assert found.lag_s == pytest.approx(0.32, abs=0.04)
    assert abs(found.drift_s) <= 0.04
    assert found.clarity > 12
    slow = notes.copy()
    slow[:, [ONSET, OFFSET]] *= 1.01
    assert abs(alignment(by_pitch(log_cqt(late)), slow).drift_s) > 0.06
    other = alignment(by_pitch(log_cqt(late)), notes_of(music / "song 3.mid"))
    assert other.clarity < CollectConfig().least_clarity < found.clarity
    assert alignment(np.zeros((88, 40), np.float32), notes[:3]).clarity == 0.0


def test_songs_that_cannot_be_used_are_left_out_with_the_reason(tmp_path: Path, music: Path) -> None:
    folder = write_music(tmp_path / "music", n_songs=3, seconds=12)
    long: dict[int, Notes] = {40: [(index * 0.5, index * 0.5 + 0.4, 70 + index % 7) for index in range(30)]}
    clarinets: dict[int, Notes] = {71: long[40], 40: long[40][:3]}
    for name, tracks, seconds in (
        ("short", long, 5),
        ("endless", long, 40),
        ("organ", {19: long[40]}, 15),
        ("clarinets", clarinets, 15),
    ):
        write_midi(folder / f"{name}.mid", tracks)
        write_duet(folder / f"{name}.wav", tracks, seconds)
    write_midi(folder / "few.mid", {40: long[40][:7]})
    write_duet(folder / "few.wav", {40: long[40][:7]}, 15)
    duet = {track.program: track.notes[:, [ONSET, OFFSET, PITCH]] for track in read_tracks(music / "song 0.mid")}
    write_midi(
        folder / "slow.mid",
        {
            program: [(on * 1.005, off * 1.005, int(pitch)) for on, off, pitch in notes.tolist()]
            for program, notes in duet.items()
        },
    )
    (folder / "slow.wav").write_bytes((music / "song 0.wav").read_bytes())
    write_midi(folder / "noise.mid", long)
    (folder / "noise.wav").write_bytes(b"no audio at all")
    (folder / "damage.mid").write_bytes(b"no MIDI at all")
    (folder / "damage.wav").write_bytes((music / "song 0.wav").read_bytes())
    write_midi(folder / "wrong.mid", long)
    sf.write(folder / "wrong.wav", np.random.default_rng(0).normal(0, 0.1, 15 * 16000), 16000)
    collect(folder, tmp_path / "out", CollectConfig(clips=1, test_clips=1, longest_s=30, most_drift_s=0.05), spec=SPEC)
    reasons = {record["name"]: record["left_out"] for record in rows(tmp_path / "out" / "tracks.csv")}
    assert "noise.wav" in reasons.pop("noise")
    assert {name: reason for name, reason in reasons.items() if reason} == {
        "damage": "damage.mid cannot be read as MIDI.",
        "short": "shorter than 10 s",
        "endless": "longer than 30 s",
        "organ": "none of the wanted instruments plays",
        "clarinets": "most notes are of other instruments",
        "few": "fewer than 8 notes",
        "slow": "the notes drift away from what is heard",
        "wrong": "the notes are not those that are heard",
    }
    only_piano = CollectConfig(instruments=("piano",), longest_s=30)
    with pytest.raises(CorpusError, match="Of 12 songs 0 can be used, and at least 3 are needed"):
        collect(folder, tmp_path / "none", only_piano, spec=SPEC)
    assert len(rows(tmp_path / "none" / "tracks.csv")) == 12, "which says why"


def test_scores_are_converted_by_the_program_once(tmp_path: Path, music: Path, musescore: Path) -> None:
    scores = tmp_path / "scores"
    for name, suffix in (("song 0", ".mscz"), ("song 1", ".mscx"), ("song 2", ".musicxml"), ("broken", ".mscz")):
        path = scores / "composer" / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(music / name))
    assert MuseScore.find(musescore).version == "MuseScore4 4.5.2"
    converted = tmp_path / "converted"
    pairs = find_pairs(scores, converted, musescore, needs_audio=True)
    assert [name for name, _, _ in pairs] == ["composer/song 0", "composer/song 1", "composer/song 2"]
    assert pairs[0][2] == converted / "composer" / "song 0.wav"
    before = {path: path.stat().st_mtime_ns for path in converted.rglob("*.wav")}
    find_pairs(scores, converted, musescore, needs_audio=True)
    assert {path: path.stat().st_mtime_ns for path in converted.rglob("*.wav")} == before
    with pytest.raises(MuseScoreError, match=r"broken\.mscz cannot be converted to \.mid by MuseScore4 4\.5\.2: c"):
        MuseScore.find(musescore).convert(scores / "composer" / "broken.mscz", tmp_path / "broken.mid")


def test_a_score_with_its_midi_beside_it_is_not_converted(tmp_path: Path) -> None:
    folder = write_music(tmp_path, n_songs=1)
    (folder / "song 0.mscz").touch()
    ((name, midi, audio),) = find_pairs(folder, tmp_path / "converted", Path("nonsuch"), needs_audio=True)
    assert (name, midi.name, audio and audio.name) == ("song 0", "song 0.mid", "song 0.wav")


def test_what_is_no_musescore_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("train.data.collect.musescore._PLACES", ())
    with pytest.raises(MuseScoreError, match=r"MuseScore is not installed.*--musescore"):
        MuseScore.find()
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "a.mscz").touch()
    with pytest.raises(MuseScoreError, match="is not installed"):
        collect(tmp_path / "scores", tmp_path / "out", spec=SPEC)
    with pytest.raises(MuseScoreError, match="nonsuch cannot be started"):
        MuseScore.find(tmp_path / "nonsuch")
    with pytest.raises(MuseScoreError, match="does not say that it is MuseScore"):
        MuseScore.find(write_program(tmp_path / "other", "print('Sibelius')"))
    found = write_program(tmp_path / "mscore3", "print('MuseScore3 3.6.2')")
    assert MuseScore.find() == MuseScore(path=found, version="MuseScore3 3.6.2")
    slow = write_program(tmp_path / "slow", "import time\ntime.sleep(60)")
    monkeypatch.setattr("train.data.collect.musescore._PATIENCE_S", 0.2)
    with pytest.raises(MuseScoreError, match=r"did not finish with slow in 0\.2 s"):
        MuseScore.find(slow)


def test_folders_and_settings_that_cannot_be_used_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    out = ["--out", str(tmp_path / "out")]
    assert main(["collect", str(tmp_path / "empty"), *out]) == 2
    assert "holds neither scores that can be read nor MIDI files" in capsys.readouterr().err
    assert main(["collect", str(tmp_path / "nowhere"), *out]) == 2
    assert "nowhere is not a folder" in capsys.readouterr().err
    assert main(["collect", str(tmp_path), *out, "--random-velocity"]) == 2
    assert "name a --soundfont too" in capsys.readouterr().err
    assert main(["collect", str(tmp_path), *out, "--instruments", "harp"]) == 2
    assert "harp is not one of the instruments" in capsys.readouterr().err
    write_midi(tmp_path / "lonely.mid", {0: [(0.0, 1.0, 60)]})
    assert main(["collect", str(tmp_path), *out]) == 2
    assert "lonely.mid has no audio beside it: lonely.wav or the like is missing" in capsys.readouterr().err
    assert main(["collect", str(tmp_path), *out, "--soundfont", str(tmp_path / "no.sf2")]) == 2
    assert "no.sf2 is not there" in capsys.readouterr().err
    assert (
        main(["collect", str(tmp_path), *out, "--soundfont", str(SOUNDFONT), "--singing", str(tmp_path / "empty")]) == 2
    )
    assert "holds no audio of singing" in capsys.readouterr().err


def test_notes_can_be_played_anew_at_other_velocities_and_with_singing(tmp_path: Path, music: Path) -> None:
    singing = tmp_path / "singing"
    singing.mkdir()
    sf.write(singing / "la.wav", 0.5 * np.sin(np.arange(12 * 16000) / 9), 16000)
    voices = Voices([SOUNDFONT], singing, has_random_velocity=True)
    rng = np.random.default_rng(0)
    tracks = read_tracks(music / "song 0.mid")
    revoiced = voices.revoiced(tracks, rng)
    assert len(np.unique(revoiced[0].notes[:, VELOCITY])) > 5
    np.testing.assert_array_equal(revoiced[0].notes[:, :VELOCITY], tracks[0].notes[:, :VELOCITY])
    sound = voices.sound(revoiced, None, rng)
    found = alignment(by_pitch(log_cqt(sound)), notes_of(music / "song 0.mid"))
    assert found.clarity > CollectConfig().least_clarity
    assert abs(found.lag_s) <= 0.1
    sung = [voices.with_singing(sound, np.random.default_rng(seed)) for seed in range(4)]
    assert any(np.corrcoef(mixed, sound)[0, 1] < 0.95 for mixed in sung)
    assert all(np.abs(mixed).max() <= 1 and len(mixed) == len(sound) for mixed in sung)


def test_midi_alone_is_enough_with_a_soundfont(tmp_path: Path, music: Path) -> None:
    folder = tmp_path / "midi"
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.mid").write_bytes((music / f"song {index}.mid").read_bytes())
    command = ["collect", str(folder), "--out", str(tmp_path / "out"), "--soundfont", str(SOUNDFONT), "--clips", "1"]
    assert main([*command, "--test-clips", "1", "--random-velocity", "--features", "paper"]) == 0
    assert len(PartStore.open(tmp_path / "out" / "parts")) == 1


def test_excerpts_have_who_plays_long_enough() -> None:
    def part(*notes: tuple[float, float]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return np.array([(onset, offset, 60, 80) for onset, offset in notes])

    parts = {"violin": part((0, 12)), "cello": part((9.5, 10.4), (25, 27)), "other": part((0, 30))}
    found = excerpts(3, parts, 31.0)
    assert [(one.start_s, set(one.instruments)) for one in found] == [
        (0.0, {"violin"}),
        (10.0, {"violin"}),
        (20.0, {"cello"}),
    ]
    assert excerpts(0, parts, 9.0) == []


def test_the_selection_has_as_many_of_each_instrument_as_there_are() -> None:
    rng = np.random.default_rng(0)
    sets = [frozenset({"piano"}), frozenset({"piano", "violin"}), frozenset({"flute", "violin"})]
    candidates = [Excerpt(song=i, start_s=0, instruments=sets[min(2, i % 7)]) for i in range(200)]
    chosen = select(candidates, 40, rng)
    counts = {name: sum(name in one.instruments for one in chosen) for name in ("piano", "violin", "flute", "cello")}
    assert min(counts["piano"], counts["violin"], counts["flute"]) >= 40
    assert counts["cello"] == 0
    assert len(set(chosen)) == len(chosen) < 200
    assert select(candidates, 40, np.random.default_rng(0)) == chosen
    assert select(candidates, 10_000, rng) == candidates


def test_a_set_without_clips_is_refused(tmp_path: Path, music: Path) -> None:
    with pytest.raises(CorpusError, match=r"No clip is left for valid\.npz"):
        collect(music, tmp_path, CollectConfig(clips=1, test_clips=0), spec=SPEC)


def test_a_kept_track_is_read_where_the_clip_is(tmp_path: Path) -> None:
    from train.data.collect import _read_clip

    sf.write(tmp_path / "a.flac", np.repeat([0.1, 0.2, 0.3], 160000), 16000)
    track = KeptTrack(name="a", path=tmp_path / "a.flac", duration_s=30.0, parts={})
    clip = _read_clip(track, Excerpt(song=0, start_s=20.0, instruments=frozenset()))
    assert len(clip) == 160000
    assert clip.mean() == pytest.approx(0.3, abs=1e-3)
