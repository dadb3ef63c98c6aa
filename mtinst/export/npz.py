"""A transcription as compressed NumPy arrays, from which it can be had again.

``piano_roll``, ``onset_roll``, ``instrument_roll`` and ``pitch_roll``
    Probabilities, float32, in the shapes above.
``notes``
    float64 (n_notes, 5): onset and offset in seconds, MIDI pitch, instrument index, velocity.
``frame_rate``, ``duration_s``, ``instruments``
    Frames per second, seconds, and the eleven names that the first axis of the rolls stands for.
``beats``, ``downbeats``
    Seconds of each, none where there are too few notes.
``unread_s``, ``tuning_hz``
    See above.
``audio``
    SHA-256 of the song's file.
``edits``, ``timing``
    What was changed by hand, and said of the beats, as JSON (:mod:`mtinst.edits`, `Timing`).
``levels``, ``thresholds``
    What other notes can be decoded from: the log-CQT, and as JSON the thresholds of ``notes``.
``version``
    Of mtinst.
"""

import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mtinst.edits import edits_from_json, edits_to_json
from mtinst.errors import MtinstError
from mtinst.files import display_name, open_regular
from mtinst.grid import CONCERT_HZ, INSTRUMENT_INDEX, INSTRUMENT_NAMES, NINE, SPEC, FeatureSpec
from mtinst.hear.analysis import Analysis
from mtinst.hear.beats import ESTIMATED
from mtinst.hear.tuning import is_tuning
from mtinst.records import Rolls, Thresholds, Timing, for_all
from mtinst.version import __version__

MOST_UNPACKED = 8_000_000_000
"""Bytes of a ``.npz`` file, unpacked: ten hours."""
# What zipfile, zlib and NumPy's reader say to a damaged or a foreign file.
_NOT_A_TRANSCRIPTION = (
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,  # a header that claims more than there is
    NotImplementedError,  # a way to pack that Python does not know
    OSError,
    OverflowError,
    RecursionError,
    RuntimeError,  # a password
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def write_npz(song: Analysis, path: Path) -> None:
    """Write the arrays above, for :func:`read_npz` or :func:`numpy.load`."""
    notes = [
        (note.onset, note.offset, note.pitch, INSTRUMENT_INDEX[note.instrument], note.velocity) for note in song.notes
    ]
    arrays: dict[str, Any] = {
        "piano_roll": song.piano_roll,
        "instrument_roll": song.instrument_roll,
        "pitch_roll": song.pitch_roll,
        "notes": np.array(notes, np.float64).reshape(-1, 5),
        "frame_rate": song.frame_rate,
        "instruments": np.array(INSTRUMENT_NAMES),
        "beats": np.array(song.beats.times if song.beats else ()),
        "downbeats": np.array(song.beats.downbeats if song.beats else ()),
        "onset_roll": song.onset_roll,
        "levels": song.levels,
        "duration_s": song.duration_s,
        "unread_s": song.unread_s,
        "tuning_hz": song.tuning_hz,
        "audio": song.audio,
        "edits": json.dumps(edits_to_json(song.edits)),
        "timing": json.dumps(song.timing.to_json()),
        "thresholds": json.dumps(song.thresholds.to_json()),
        "version": __version__,
    }
    # numpy.savez_compressed at level 6 would take four times as long for a tenth less.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


def read_npz(path: Path, spec: FeatureSpec = SPEC) -> Analysis:
    """Read what :func:`write_npz` wrote; MtinstError for anything else.

    In files of the time when there were nine instruments, the others are silent.
    """
    with open_regular(path, "a transcription", MtinstError) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > MOST_UNPACKED:
                raise ValueError(f"{unpacked} bytes are more than any transcription")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return _from_arrays(arrays, spec)
        except _NOT_A_TRANSCRIPTION as error:
            raise MtinstError(f"{display_name(path)} is not a complete transcription") from error


def _from_arrays(arrays: Mapping[str, Any], spec: FeatureSpec) -> Analysis:
    names = tuple(arrays["instruments"].tolist())
    piano, onset, instrument = (
        for_all(arrays[f"{name}_roll"], len(names)) for name in ("piano", "onset", "instrument")
    )
    rolls = Rolls(piano, onset, instrument, arrays["pitch_roll"])
    levels = arrays["levels"]
    duration_s = float(arrays["duration_s"])
    shapes = tuple(roll.shape for roll in Rolls.zeros(rolls.piano.shape[-1], spec))
    if tuple(roll.shape for roll in rolls) != shapes or levels.shape != rolls.pitch.shape:
        raise ValueError("the rolls have different shapes")
    if any(roll.dtype != np.float32 or not np.isfinite(roll).all() for roll in (*rolls, levels)):
        raise ValueError("a roll does not hold finite numbers")
    if any(roll.min(initial=0) < 0 or roll.max(initial=0) > 1 for roll in (*rolls, levels)):
        raise ValueError("a roll holds more or less than probabilities do")
    if float(arrays["frame_rate"]) != spec.frame_rate or names not in (NINE, INSTRUMENT_NAMES):
        raise ValueError("it is of another frame rate, or for other instruments")
    unread_s = float(arrays.get("unread_s", 0.0))  # these two are not in files of earlier versions
    tuning_hz = float(arrays.get("tuning_hz", CONCERT_HZ))
    if not (0 <= duration_s < math.inf and 0 <= unread_s < math.inf):
        raise ValueError(f"a song does not last {duration_s} s, or miss {unread_s} s")
    if not is_tuning(tuning_hz):
        raise ValueError(f"no song is tuned to {tuning_hz} Hz")
    timing = arrays.get("timing")
    return Analysis(
        rolls=rolls,
        levels=levels,
        thresholds=Thresholds.from_json(json.loads(str(arrays["thresholds"]))),
        duration_s=duration_s,
        spec=spec,
        unread_s=unread_s,
        tuning_hz=tuning_hz,
        audio=str(arrays.get("audio", "")),
        timing=ESTIMATED if timing is None else Timing.from_json(json.loads(str(timing))),
        edits=edits_from_json(json.loads(str(arrays.get("edits", "[]")))),
    )
