"""Recordings of people playing: read, strung together, cut and moved, labels with them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from mtinst.grid import INSTRUMENT_INDEX, SPEC
from train.data.prepare import as_clip, render_recording
from train.data.recordings import Recording, moved, pieces_of, read_recordings
from train.store import N_FRAMES, N_SAMPLES, UNKNOWN

RATE = SPEC.sample_rate


def tone(pitch: float, seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time)).astype(np.float32)


def recording(seconds: float = 3.0, *, name: str = "a.ogg", performer: str = "she") -> Recording:
    """A silent second, a note, and a second of which nothing is known."""
    samples = np.concatenate((np.zeros(RATE, np.float32), tone(60, seconds - 1)))
    notes = np.array([[1.0, seconds - 1, 60], [seconds - 1, seconds, UNKNOWN]])
    return Recording(name=name, performer=performer, plays="flute", samples=samples, notes=notes)


def write_corpus(folder: Path) -> None:
    rows = (
        ("one", "flute", "f0", "train"),
        ("two", "clarinet", "f0", "test"),
        ("three", "drums", "none", "train"),
        ("four", "violin", "none", "train"),
        ("five", "violin+viola", "f0", "train"),
    )
    lines = ["file,corpus,performer,instruments,seconds,labels,split,licence,note"]
    for name, instrument, labels, split in rows:
        lines.append(f"{name}.wav,c,her,{instrument},2,{labels},{split},CC0,")
        soundfile.write(folder / f"{name}.wav", tone(60, 2.0), RATE)
        (folder / f"{name}.csv").write_text(
            "onset_s,offset_s,midi_pitch,instrument\n1.5,2.0,-1,ignore\n0.25,1.5,60,flute\n"
        )
    (folder / "index.csv").write_text("\n".join(lines) + "\n")


def test_recordings_whose_notes_are_known_are_read(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    flute, drums = read_recordings(tmp_path, "train")
    assert (flute.plays, drums.plays) == ("flute", "drums")
    assert flute.notes.tolist() == [[0.25, 1.5, 60], [1.5, 2.0, UNKNOWN]]
    assert len(drums.notes) == 0
    (clarinet,) = read_recordings(tmp_path, "test")
    assert clarinet.plays == "other"
    clip = as_clip(clarinet)
    assert clip.notes.tolist() == [[INSTRUMENT_INDEX["other"], 0.25, 1.5, 60], [10, 1.5, 2.0, UNKNOWN]]
    assert np.abs(clip.samples).max() == pytest.approx(1.0)


def test_a_recording_at_another_rate_is_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    soundfile.write(tmp_path / "one.wav", tone(60, 2.0), 44100)
    with pytest.raises(ValueError, match="has a rate of 44100 Hz, 16000 Hz is wanted"):
        read_recordings(tmp_path, "train")


def test_short_recordings_of_a_performer_are_strung_together_and_long_ones_cut() -> None:
    short = [recording(name=f"{index}.ogg") for index in range(4)]
    long = recording(24.0, name="long.ogg", performer="he")
    strung, last, *cut = pieces_of([*short, long], n_samples=10 * RATE)
    assert strung.duration_s == pytest.approx(9.2)
    assert strung.notes[2, 0] == pytest.approx(1.0 + 3.1)
    assert last.duration_s == 3.0
    assert [piece.duration_s for piece in cut] == [8.0] * 3
    assert [piece.name for piece in cut] == ["long.ogg", f"long.ogg@{8 * RATE}", f"long.ogg@{16 * RATE}"]
    assert cut[0].notes.tolist() == [[1.0, 8.0, 60]]
    assert cut[1].notes.tolist() == [[0.0, 8.0, UNKNOWN]], "its beginning is not here"


@pytest.mark.parametrize("semitones", [-3, 0, 4])
def test_a_moved_recording_sounds_where_and_as_its_labels_say(semitones: int) -> None:
    higher = moved(recording(4.0), semitones, detune=0.0, n_samples=N_SAMPLES)
    assert len(higher.samples) == N_SAMPLES
    onset, offset, pitch = higher.notes[0].tolist()
    assert pitch == 60 + semitones
    assert higher.notes[1, 2] == UNKNOWN
    heard = np.flatnonzero(np.abs(higher.samples) > 0.1) / RATE
    assert heard[0] == pytest.approx(onset, abs=0.005)
    assert heard[-1] == pytest.approx(higher.notes[1, 1], abs=0.005)
    part = render_recording(higher, np.random.default_rng(0), is_changed=False)
    assert part.cqt.shape[1] == N_FRAMES
    middle = SPEC.second_to_frame((onset + offset) / 2)
    assert int(np.abs(part.cqt)[:, middle].argmax()) == int(part.notes["pitch"][0]) == pitch - SPEC.lowest_pitch
    assert part.notes["onset"][0] == pytest.approx(onset * SPEC.frame_rate, abs=0.01)
    assert part.notes["pitch"][1] == UNKNOWN


def test_a_changed_recording_keeps_its_labels_in_step() -> None:
    part = render_recording(recording(4.0), np.random.default_rng(3))
    row, first, end = (int(part.notes[name][0]) for name in ("pitch", "first", "end"))
    loudest = np.abs(part.cqt)[:, first + 2 : end - 2].argmax(axis=0)
    assert (np.abs(loudest - row) <= 1).mean() > 0.9
