"""Notes of a song as CSV by the ONNX graph, without PyTorch: it takes NumPy, onnxruntime, soundfile and soxr.

``python -m train.export.example mtinst.onnx song.flac > song.csv``
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
import soxr

from mtinst.grid import CONCERT_HZ, SPEC, FloatArray
from mtinst.hear.notes import rolls_to_notes
from mtinst.hear.players import assign_players
from mtinst.hear.tuning import UNHEARD_SEMITONES, estimate_tuning, semitones_from_concert
from mtinst.records import Note, Rolls, Thresholds, round_roll


def transcribe(session: onnxruntime.InferenceSession, samples: FloatArray, sample_rate: float) -> list[Note]:
    """The notes of a song, samples of the shape (n_samples,)."""
    metadata = session.get_modelmeta().custom_metadata_map
    model_rate = json.loads(metadata["sample_rate"])

    # A song that is tuned to another A is played so fast that it has that of 440 Hz.
    at_model_rate = soxr.resample(samples, sample_rate, model_rate)
    tuning_hz = estimate_tuning(at_model_rate, model_rate)
    pace = CONCERT_HZ / tuning_hz if abs(semitones_from_concert(tuning_hz)) > UNHEARD_SEMITONES else 1.0
    if pace != 1.0:
        at_model_rate = soxr.resample(samples, sample_rate * pace, model_rate)

    piano, onset, instrument, pitch, levels = session.run(None, {"samples": at_model_rate[np.newaxis]})
    rolls = Rolls(piano, onset, instrument, pitch)
    assign_players(rolls)
    for roll in (piano, onset, levels):
        round_roll(roll)
    thresholds = Thresholds.from_json(json.loads(metadata["thresholds"]))
    notes = rolls_to_notes(rolls, thresholds, SPEC, levels=levels)
    return [replace(note, onset=note.onset * pace, offset=note.offset * pace) for note in notes]


def main(arguments: list[str]) -> None:
    """Print a line a note."""
    model, song = map(Path, arguments)
    channels, sample_rate = soundfile.read(song, dtype="float32", always_2d=True)
    print("onset_s,offset_s,pitch,instrument,velocity")
    for note in transcribe(onnxruntime.InferenceSession(model), channels.mean(axis=1), sample_rate):
        print(f"{note.onset:.3f},{note.offset:.3f},{note.pitch},{note.instrument},{note.velocity}")


if __name__ == "__main__":
    main(sys.argv[1:])
