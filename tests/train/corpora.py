"""Miniatures of published datasets, in the folder layouts that they are handed out in."""

from pathlib import Path

import numpy as np
import pretty_midi
import soundfile as sf
from scipy.io import savemat

SECONDS = 4
Notes = list[tuple[float, float, int]]  # onset, offset, MIDI pitch

VIOLIN: Notes = [(0.5, 1.5, 69), (2.0, 3.0, 71)]
CELLO: Notes = [(1.0, 3.5, 48)]
VIOLA: Notes = [(0.25, 0.75, 60)]


def write_tones(path: Path, notes: Notes, rate: int = 22050) -> None:
    """Notes as sine tones."""
    time = np.arange(SECONDS * rate) / rate
    sound = np.zeros_like(time)
    for onset, offset, pitch in notes:
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        sound += 0.2 * np.sin(2 * np.pi * hertz * time) * ((time >= onset) & (time < offset))
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, sound, rate)


def write_midi(path: Path, tracks: dict[int, Notes], *, drums: bool = False) -> None:
    """One track for each 0-based program; drums as one more."""
    midi = pretty_midi.PrettyMIDI()
    for program, notes in tracks.items():
        track = pretty_midi.Instrument(program)
        track.notes = [pretty_midi.Note(80, pitch, onset, offset) for onset, offset, pitch in notes]
        midi.instruments.append(track)
    if drums:
        kit = pretty_midi.Instrument(0, is_drum=True)
        kit.notes = [pretty_midi.Note(100, 36, 0.0, 0.1)]
        midi.instruments.append(kit)
    path.parent.mkdir(parents=True, exist_ok=True)
    midi.write(str(path))


def write_medleydb(folder: Path) -> Path:
    """Two songs, one annotated by name and one by stem."""
    metadata = """genre: "Jazz"
has_bleed: "no"
stems:
  S01:
    instrument: violin section
    raw:
      R01:
        instrument: flute
  S02:
    instrument: cello
  S03:
    instrument:
      - viola
"""
    for song in ("Band_ByName", "Band_ByStem"):
        write_tones(folder / "Audio" / song / f"{song}_MIX.wav", VIOLIN + CELLO)
        (folder / "Audio" / song / f"{song}_METADATA.yaml").write_text(metadata)
    labels = folder / "Annotations" / "Instrument_Activations"
    (labels / "SOURCEID").mkdir(parents=True)
    (labels / "SOURCEID" / "Band_ByName_SOURCEID.lab").write_text(
        "start_time,end_time,instrument_label\n0.5000,1.5000,violin section\n2.0000,3.0000,violin\n"
        "1.0000,3.5000,cello\n0.2500,0.7500,viola\n"
    )
    times = np.arange(0, SECONDS, 0.0464)

    def confident(notes: Notes) -> list[float]:
        return [0.9 if any(onset <= time < offset for onset, offset, _ in notes) else 0.05 for time in times]

    rows = zip(times, confident(VIOLIN), confident(CELLO), confident(VIOLA), strict=True)
    (labels / "ACTIVATION_CONF").mkdir()
    (labels / "ACTIVATION_CONF" / "Band_ByStem_ACTIVATION_CONF.lab").write_text(
        "time,S01,S02,S03\n" + "".join(",".join(f"{value:.4f}" for value in row) + "\n" for row in rows)
    )
    return folder


def write_mixing_secrets(folder: Path) -> Path:
    """One song: a violin all along, a cello never."""
    song = folder / "Medley_Format" / "Audio" / "Trio_Song"
    write_tones(song / "Trio_Song_MIX.wav", VIOLIN)
    (song / "Trio_Song_METADATA.yaml").write_text(
        "genre: ''\nstems:\n  S01:\n    instrument: Violin\n  S02:\n    instrument: Cello\n"
    )
    (folder / "annotations").mkdir()
    (folder / "annotations" / "Trio_Song_ACTIVATION_CONF.lab").write_text(
        "time,S01,S02\n0.0000,0.9,0.1\n0.0464,0.9,0.1\n"
    )
    return folder


def write_musicnet(folder: Path) -> Path:
    """One song on each side; programs are counted from 1, times in samples at 44.1 kHz."""
    for side, name in (("train", "1727"), ("test", "2303")):
        write_tones(folder / f"{side}_data" / f"{name}.wav", VIOLIN + CELLO + VIOLA)
        lines = [
            f"{round(onset * 44100)},{round(offset * 44100)},{program},{pitch},0.0,1.0,Quarter"
            for program, notes in ((41, VIOLIN), (43, CELLO), (42, VIOLA))
            for onset, offset, pitch in notes
        ]
        (folder / f"{side}_labels").mkdir()
        (folder / f"{side}_labels" / f"{name}.csv").write_text(
            "start_time,end_time,instrument,note,start_beat,end_beat,note_value\n" + "\n".join(lines) + "\n"
        )
    return folder


def write_bach10(folder: Path) -> Path:
    """One chorale; frames are 10 ms apart, counted from 1."""
    name = "01-AchGottundHerr"
    write_tones(folder / name / f"{name}.wav", VIOLIN + VIOLA)
    voices = np.empty((4, 1), dtype=object)
    for voice, notes in enumerate((VIOLIN, VIOLA, CELLO, VIOLA)):
        cells = np.empty((len(notes), 1), dtype=object)
        for index, (onset, offset, pitch) in enumerate(notes):
            frames = np.arange(round(onset * 100), round(offset * 100)) + 1.0
            cells[index, 0] = np.stack((frames, pitch + 0.2 * np.sin(frames)))
        voices[voice, 0] = cells
    savemat(folder / name / f"{name}-GTNotes.mat", {"GTNotes": voices})
    return folder


def write_urmp(folder: Path) -> Path:
    """One duet and a viola."""
    name = "01_Jupiter_vn_vc_va"
    write_tones(folder / name / f"AuMix_{name}.wav", VIOLIN + CELLO + VIOLA)
    for index, (player, notes) in enumerate((("vn", VIOLIN), ("vc", CELLO), ("va", VIOLA)), start=1):
        lines = [f"{onset:.3f}\t{440 * 2 ** ((p - 69) / 12):.3f}\t{offset - onset:.3f}" for onset, offset, p in notes]
        (folder / name / f"Notes_{index}_{player}_01_Jupiter.txt").write_text("\n".join(lines) + "\n")
    return folder


def write_slakh(folder: Path) -> Path:
    """One track with a stem that was not rendered, and drums."""
    track = folder / "train" / "Track00001"
    write_tones(track / "mix.flac", VIOLIN + CELLO + VIOLA)
    stems = {"S00": (40, VIOLIN, False), "S01": (42, CELLO, False), "S02": (41, VIOLA, False), "S03": (128, [], True)}
    lines = ["UUID: 1a", "stems:"]
    for stem, (program, notes, is_drum) in stems.items():
        write_midi(track / "MIDI" / f"{stem}.mid", {} if is_drum else {program: notes}, drums=is_drum)
        lines += [f"  {stem}:", "    audio_rendered: true", f"    is_drum: {str(is_drum).lower()}"]
        lines += ["    inst_class: x", f"    program_num: {program}"]
    lines += ["  S04:", "    audio_rendered: false", "    is_drum: false", "    program_num: 0"]
    (track / "metadata.yaml").write_text("\n".join(lines) + "\n")
    return folder


def write_paired(folder: Path) -> Path:
    """Two songs, one in a subfolder and with drums."""
    tracks = {40: VIOLIN, 42: CELLO, 41: VIOLA}
    write_midi(folder / "one.mid", tracks)
    write_tones(folder / "one.flac", VIOLIN + CELLO + VIOLA)
    write_midi(folder / "more" / "two.MID", tracks, drums=True)
    write_tones(folder / "more" / "two.wav", VIOLIN + CELLO + VIOLA)
    return folder


WRITERS = {
    "medleydb": write_medleydb,
    "mixing_secrets": write_mixing_secrets,
    "musicnet": write_musicnet,
    "bach10": write_bach10,
    "urmp": write_urmp,
    "slakh": write_slakh,
    "paired": write_paired,
}


def write_music(folder: Path, n_songs: int = 4, seconds: int = 21) -> Path:
    """MIDI beside audio, as somebody may bring it: duets whose notes have partials and die away."""
    rng = np.random.default_rng(0)
    for song in range(n_songs):
        tracks: dict[int, Notes] = {}
        for program, lowest in ((40, 62), (42, 40)):
            onsets = np.arange(0.3, seconds - 1.0, 0.5) + rng.uniform(-0.1, 0.1)
            tracks[program] = [
                (onset, onset + 0.45, pitch)
                for onset, pitch in zip(
                    onsets.tolist(), rng.integers(lowest, lowest + 17, len(onsets)).tolist(), strict=True
                )
            ]
        write_midi(folder / f"song {song}.mid", tracks)
        write_duet(folder / f"song {song}.wav", tracks, seconds)
    return folder


def write_duet(path: Path, tracks: dict[int, Notes], seconds: float, *, late: float = 0.0, rate: int = 16000) -> None:
    """Notes with a few partials, each instrument its own, the sound `late` by so many seconds."""
    sound = np.zeros(round(seconds * rate))
    for program, notes in tracks.items():
        for onset, offset, pitch in notes:
            first, end = round((onset + late) * rate), min(len(sound), round((offset + late) * rate))
            time = np.arange(max(0, end - first)) / rate
            hertz = 440 * 2 ** ((pitch - 69) / 12)
            for partial in (1, 2, 3) if program == 40 else (1, 3, 5):
                sound[first:end] += 0.1 / partial * np.sin(2 * np.pi * partial * hertz * time) * np.exp(-2 * time)
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, sound, rate)
