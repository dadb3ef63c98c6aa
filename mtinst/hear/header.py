"""What a weights file says of itself, without its weights, and so without PyTorch."""

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from mtinst.errors import CheckpointError
from mtinst.files import display_name, file_hash, open_regular
from mtinst.grid import FeatureSpec
from mtinst.records import Thresholds

FORMAT = "mtinst/1"

# What a description may ask for. Without limits a few bytes of it could ask for all the memory there is.
MOST_OF_FEATURES = {
    "sample_rate": 192_000,
    "hop_length": 65_536,
    "lowest_pitch": 127,
    "n_pitches": 128,
    "bins_per_semitone": 9,
    "semitones_above": 48,
    "filter_scale": 10,
    "dynamic_range_db": 400,
}


@dataclass(frozen=True, kw_only=True)
class Header:
    """What must be known of weights to use what they heard before."""

    thresholds: Thresholds
    spec: FeatureSpec
    digest: str


def read_header(path: Path) -> Header:
    """Of a weights file; CheckpointError when it cannot be read or does not say all of it."""
    name = display_name(path)
    try:
        open_regular(path, "a weights file", CheckpointError).close()
        digest = file_hash(path)
        with safe_open(path, framework="np") as file:
            metadata = metadata_of(file, name)
        thresholds = Thresholds.from_json(json.loads(metadata["thresholds"]))
        return Header(thresholds=thresholds, spec=features_of(metadata), digest=digest[:16])
    except SafetensorError as error:
        raise CheckpointError(f"{name} is not a complete .safetensors file.") from error
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise CheckpointError(f"{name} does not describe a network that this version can build.") from error
    except OSError as error:
        raise CheckpointError(f"{name} cannot be read: {error.strerror or error}.") from error


def metadata_of(file: Any, name: str) -> dict[str, str]:
    """Of an open ``.safetensors`` file; CheckpointError when it is of another format."""
    metadata: dict[str, str] = file.metadata() or {}
    if metadata.get("format") != FORMAT:
        found = repr(metadata.get("format", "none"))[:40]
        raise CheckpointError(f"{name} has the format {found}, {FORMAT!r} is wanted.")
    return metadata


def features_of(metadata: dict[str, str]) -> FeatureSpec:
    """What the network looks at; KeyError, TypeError or ValueError for what no network of ours was trained on."""
    spec = FeatureSpec(**json.loads(metadata["features"]))
    for field in fields(spec):
        value, most = getattr(spec, field.name), MOST_OF_FEATURES[field.name]
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not (is_whole or (isinstance(field.default, float) and isinstance(value, float) and math.isfinite(value))):
            raise ValueError(f"{field.name} is {value!r}")
        if not 0 <= value <= most:
            raise ValueError(f"{field.name} must be at most {most}, not {value}")
    if spec.highest_pitch > MOST_OF_FEATURES["lowest_pitch"]:
        raise ValueError(f"there is no pitch {spec.highest_pitch}")
    return spec
