"""What the cache's entries hold: the files of each stage, as players, downloads and links find them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mtinst.compare import Comparison
from mtinst.hear.audio import iter_audio
from mtinst.page.player.song import PROBABILITIES, song_record, write_probabilities
from mtinst.page.results import Part, Scores
from mtinst.sound.synth import PLAYBACK_RATE, write_audio
from mtinst.transcription import Transcription

ORIGINAL = "original.flac"
ROLLS = "rolls.npz"
SONG = "song.json"
SUMMARY = "summary.json"
REFERENCE = "reference.mid"
ALL_PARTS = "all-parts.flac"


def write_source(folder: Path, transcription: Transcription, audio: Path, *, longest_s: float) -> None:
    """What the network heard, and the song to play, which may last so long."""
    transcription.save_npz(folder / ROLLS)
    write_probabilities(transcription, folder / PROBABILITIES)
    write_audio(folder / ORIGINAL, iter_audio(audio, PLAYBACK_RATE, longest_s=longest_s), PLAYBACK_RATE)


def write_view(
    folder: Path, transcription: Transcription, comparison: Comparison | None, asked: Mapping[str, Any]
) -> None:
    """What the player shows, and what the page says; `asked` is what the result was made from."""
    write_song(folder, transcription, comparison)
    (folder / SUMMARY).write_text(json.dumps(dict(asked) | _summary(transcription, comparison)))


def write_song(folder: Path, transcription: Transcription, comparison: Comparison | None = None) -> None:
    """What the player shows."""
    (folder / SONG).write_text(json.dumps(song_record(transcription, comparison)))


def _summary(transcription: Transcription, comparison: Comparison | None) -> dict[str, Any]:
    return {
        "duration_s": transcription.duration_s,
        "parts": [asdict(Part(name=name, n_notes=count)) for name, count in transcription.note_counts.items()],
        "verdict": transcription.verdict,
        "damage": transcription.damage,
        "tuning_hz": transcription.tuning_hz,
        "scores": None if comparison is None else asdict(Scores.of(comparison)),
    }
