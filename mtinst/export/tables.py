"""Notes, beats and activations as tables: CSV.

Times are in seconds. Confidences are the mean probability of a note's frames.
"""

import csv
import io

from mtinst.grid import INSTRUMENT_NAMES
from mtinst.hear.analysis import Analysis


def notes_to_csv(transcription: Analysis) -> str:
    """One line a note: onset, offset, pitch, instrument, velocity, confidence; the first line names these.

    Returns
    -------
    str
        Lines end in a line feed; numbers have a point.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("onset_s", "offset_s", "pitch", "instrument", "velocity", "confidence"))
    for note, confidence in zip(transcription.notes, transcription.confidences, strict=True):
        table.writerow(
            (f"{note.onset:.3f}", f"{note.offset:.3f}", note.pitch, note.instrument, note.velocity, confidence)
        )
    return text.getvalue()


def activations_to_csv(transcription: Analysis) -> str:
    """One line a frame: its time, and the probability that each instrument sounds."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("time_s", *INSTRUMENT_NAMES))
    spec = transcription.spec
    for frame, column in enumerate(transcription.instrument_roll.T):
        table.writerow((f"{spec.frame_to_second(frame):.3f}", *(f"{value:.4f}" for value in column)))
    return text.getvalue()


def beats_to_csv(song: Analysis) -> str:
    """One line a beat: its time, and which beat of its bar it is, from 1; no lines where there are no beats."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("time_s", "beat"))
    if song.beats is not None:
        for index, second in enumerate(song.beats.times, -song.beats.first_downbeat):
            table.writerow((f"{second:.3f}", index % song.beats.per_bar + 1))
    return text.getvalue()
