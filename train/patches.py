"""``python -m train patches``: the sounds of a patch set, played one by one by TiMidity++, as sample banks.

Patches in Gravis' format are what FluidSynth cannot read. FreePats, the free set of them (Debian's ``freepats``), has
trumpets, saxophones and guitars that no soundfont shares. Each note becomes a recording like those of the other banks.
"""

import csv
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import symusic
from scipy.signal import resample_poly
from tqdm import tqdm

from mtinst.spec import SPEC, FloatArray
from train.timbres import PATCH_PROGRAMS, RANGES, patch_bank

_STEP = 3  # semitones from one recording to the next
_NOTE_S, _GAP_S = 4.0, 1.0
_OVERSAMPLING = 3
_SILENCE = 1e-4  # of the loudest sample: -80 dB
# Where patches sound an octave up.
_HIGHEST = {("acoustic_guitar", 24): 71}


def sample_patches(config: Path, out_dir: Path) -> int:
    """Write ``samples/index.csv`` and the recordings it names under `out_dir`; the number of them.

    Parameters
    ----------
    config : Path
        A TiMidity++ configuration, such as ``freepats.cfg``, with absolute paths in it.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or no TiMidity++.
    ValueError
        If TiMidity++ fails, or a program that is wanted makes no sound.
    """
    if not config.is_file():
        raise FileNotFoundError(f"{config} is not there.")
    if shutil.which("timidity") is None:
        raise FileNotFoundError("The program `timidity` is not installed.")
    folder = out_dir / "samples"
    rows = []
    wanted = [(plays, program) for plays, programs in PATCH_PROGRAMS.items() for program in programs]
    for plays, program in tqdm(wanted, unit="patch"):
        bank = patch_bank(program)
        (folder / bank).mkdir(parents=True, exist_ok=True)
        limits = RANGES[plays]
        pitches = range(limits.lowest, min(limits.highest, _HIGHEST.get((plays, program), 127)) + 1, _STEP)
        for pitch, sound in zip(pitches, _play(config, program, pitches), strict=True):
            name = f"{bank}/{pitch:03d}.ogg"
            soundfile.write(folder / name, sound, SPEC.sample_rate)
            rows.append((name, bank, plays, pitch))
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "bank", "instrument", "midi"))
        writer.writerows(rows)
    return len(rows)


def _play(config: Path, program: int, pitches: range) -> list[FloatArray]:
    """Each pitch alone, from where it begins to where it has died away."""
    every_s, rate = _NOTE_S + _GAP_S, _OVERSAMPLING * SPEC.sample_rate
    track: Any = symusic.Track(program=program, ttype="second")
    for index, pitch in enumerate(pitches):
        track.notes.append(symusic.Note(index * every_s, _NOTE_S, pitch, 100, ttype="second"))
    score: Any = symusic.Score(ttype="second")
    score.tracks.append(track)
    with tempfile.TemporaryDirectory() as folder:
        midi, raw = Path(folder) / "notes.mid", Path(folder) / "notes.raw"
        score.to("tick").dump_midi(midi)
        effects = ("-EFreverb=0", "-EFchorus=0")
        command = ["timidity", "-c", str(config), "-OrMs1l", "-s", str(rate), *effects, "-o", str(raw), str(midi)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not raw.is_file():
            raise ValueError(f"TiMidity++ cannot play {config}: {done.stderr.strip() or 'it does not say why'}")
        played = np.fromfile(raw, dtype=np.int16).astype(np.float32) / 32768
    played = np.append(played, np.zeros(rate, np.float32))
    sounds = []
    for index, pitch in enumerate(pitches):
        begin = round(index * every_s * rate)
        sound = resample_poly(played[begin : begin + round(every_s * rate)], 1, _OVERSAMPLING).astype(np.float32)
        heard = np.flatnonzero(np.abs(sound) > _SILENCE * np.abs(sound).max(initial=0.0))
        if len(heard) < SPEC.sample_rate // 10:
            raise ValueError(f"Program {program} of {config} does not sound at pitch {pitch}.")
        held = sound[heard[0] : min(heard[-1] + 1, round(_NOTE_S * SPEC.sample_rate))]
        sounds.append(np.float32(0.9 / np.abs(held).max()) * held)
    return sounds
