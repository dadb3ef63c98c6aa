"""A network too small to be any good, but with thresholds at which it hears notes: what tests of the page work with."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile as sf
import torch

from mtinst.grid import INSTRUMENT_NAMES, SPEC, FloatArray
from mtinst.hear.checkpoint import save_checkpoint
from mtinst.hear.cqt import log_cqt
from mtinst.hear.notes import notes_to_roll
from mtinst.hear.unet import ModelConfig, UNet
from mtinst.hear.windows import predict_rolls
from mtinst.page.adjustment import Adjustment
from mtinst.page.results import Part, Result
from mtinst.records import Note, Rolls, Thresholds
from mtinst.transcription import Transcription

RATE = 16_000
HEARD = ("violin", "cello", "flute")


def rolls_of(notes: Sequence[Note], n_frames: int) -> Rolls:
    """Rolls that say exactly `notes`: 1 where one sounds, and in the frame where one begins."""
    piano = notes_to_roll(notes, n_frames).astype(np.float32)
    beginnings = [replace(note, offset=note.onset + 1e-6) for note in notes]  # of which each has a frame
    onset = notes_to_roll(beginnings, n_frames).astype(np.float32)
    return Rolls(piano, onset, piano.max(axis=1), piano.max(axis=0))


def two_tones(seconds: float) -> FloatArray:
    """A low tone, and after a second a high one."""
    t = np.arange(round(seconds * RATE)) / RATE
    low, high = np.sin(2 * np.pi * 220 * t), np.sin(2 * np.pi * 659 * t) * (t > 1)
    return (0.2 * low + 0.2 * high).astype(np.float32)


def write_song(path: Path, seconds: float = 3.0) -> Path:
    """:func:`two_tones` as a file; its suffix says which format."""
    sf.write(path, two_tones(seconds), RATE)
    return path


def write_weights(path: Path) -> Path:
    """A seeded network of two widths that in :func:`two_tones` hears some tens of notes of `HEARD`, and nobody else."""
    torch.manual_seed(1)
    model = UNet(ModelConfig(widths=(4, 8))).eval()
    rolls = predict_rolls(model, log_cqt(two_tones(3.0)))

    def thresholds(roll: FloatArray, quantile: float) -> tuple[float, ...]:
        rows = zip(INSTRUMENT_NAMES, roll, strict=True)
        return tuple(float(np.quantile(row, quantile)) if name in HEARD else 1.0 for name, row in rows)

    save_checkpoint(
        path,
        model,
        thresholds=Thresholds(
            onset=thresholds(rolls.onset, 0.995),
            frame=thresholds(rolls.piano, 0.7),
            presence=tuple(0.0 if name in HEARD else 1.0 for name in INSTRUMENT_NAMES),
            shortest_s=0.06,
            gap_s=0.04,
        ),
        training={},
    )
    return path


def transcription_with(notes: list[Note], rolls: Rolls, duration_s: float) -> Transcription:
    """One that holds just these notes and rolls, as if the notes had been decoded."""
    transcription = Transcription(
        rolls=rolls,
        levels=np.zeros((SPEC.n_pitches, rolls.n_frames), np.float32),
        thresholds=Thresholds.uniform(),
        duration_s=duration_s,
        spec=SPEC,
    )
    transcription.__dict__["notes"] = notes
    return transcription


def result_named(name: str) -> Result:
    """A result as the page shows it, of a violin; its title and its verdict are that name."""
    return Result(
        title=name,
        source_key="source-1",
        source_folder=Path("/c/source-1"),
        view_folder=Path("/c/view-1"),
        files_folder=None,
        adjustment=Adjustment(),
        duration_s=61.0,
        parts=(Part(name="violin", n_notes=1),),
        verdict=name,
    )
