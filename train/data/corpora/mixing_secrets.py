"""Mixing Secrets (Gururani & Lerch, ISMIR 2017 late-breaking): multitrack recordings annotated as MedleyDB's are.

    Medley_Format/Audio/<song>/<song>_MIX.wav, <song>_METADATA.yaml
    annotations/<song>_ACTIVATION_CONF.lab       time,S01,S02,…: confidence that each stem sounds

The authors hand out annotations and metadata; the audio is fetched from the "Mixing Secrets" library.
"""

from pathlib import Path

from train.data.corpora.medleydb import multitrack_songs
from train.data.corpora.song import Song


def find_songs(folder: Path) -> list[Song]:
    """Every song of ``Medley_Format/Audio/``, sorted by name."""
    return multitrack_songs("Mixing Secrets", "mixing_secrets", folder, folder / "Medley_Format" / "Audio")
