"""Slakh2100 (Manilow, Wichern, Seetharaman & Le Roux, WASPAA 2019): Lakh MIDI played by sampled instruments.

    [<split>/]Track<number>/mix.flac, metadata.yaml, MIDI/<stem>.mid

``metadata.yaml`` says of each stem its program, whether it is drums and whether it was rendered. The folder may be the
whole dataset, with its splits, or one of them.
"""

from functools import partial
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from train.data.corpora.paired import read_tracks
from train.data.corpora.song import CorpusError, Parts, Song, parts_of_tracks, require
from train.data.sources import Track


def find_songs(folder: Path) -> list[Song]:
    """The tracks, sorted by their number within their split."""
    tracks = sorted(path for pattern in ("Track*", "*/Track*") for path in folder.glob(pattern) if path.is_dir())
    if not tracks:
        raise CorpusError(f"{folder} is not Slakh2100: folders such as train/Track00001/ are missing.")
    songs, missing = [], []
    for track in tracks:
        mixes = [track / "mix.flac", track / "mix.wav"]
        audio = next((path for path in mixes if path.is_file()), mixes[0])
        missing += [path for path in (audio, track / "metadata.yaml") if not path.is_file()]
        if not (track / "metadata.yaml").is_file():
            continue
        stems = _rendered_stems(track / "metadata.yaml")
        missing += [path for path in (track / "MIDI" / f"{stem}.mid" for stem in stems) if not path.is_file()]
        songs.append(
            Song(
                name=track.name,
                corpus="slakh",
                audio=(audio,),
                read_parts=partial(_read, track / "MIDI", stems),
            )
        )
    require("Slakh2100", folder, missing)
    return songs


def _rendered_stems(path: Path) -> dict[str, dict[str, Any]]:
    try:
        stems = yaml.safe_load(path.read_text(encoding="utf-8"))["stems"]
        return {
            name: {"program": int(stem["program_num"]), "is_drum": bool(stem["is_drum"])}
            for name, stem in stems.items()
            if stem.get("audio_rendered", True)
        }
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CorpusError(f"{path.parent.name}/{path.name} does not describe stems.") from error


def _read(midi_dir: Path, stems: dict[str, dict[str, Any]]) -> Parts:
    return parts_of_tracks(
        [
            Track(stem["program"], stem["is_drum"], track.notes)
            for name, stem in stems.items()
            for track in read_tracks(midi_dir / f"{name}.mid")
        ]
    )
