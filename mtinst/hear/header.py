"""What a weights file says of itself, without its weights, and so without PyTorch."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from mtinst.errors import CheckpointError
from mtinst.files import display_name, open_regular
from mtinst.records import Thresholds

FORMAT = "mtinst/1"


def read_thresholds(path: Path) -> Thresholds:
    """Where probabilities become notes; CheckpointError when the file cannot be read or does not say so."""
    name = display_name(path)
    try:
        open_regular(path, "a weights file", CheckpointError).close()
        with safe_open(path, framework="np") as file:
            return Thresholds.from_json(json.loads(metadata_of(file, name)["thresholds"]))
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{name} does not say what its thresholds are.") from error
    except OSError as error:
        raise CheckpointError(f"{name} cannot be read: {error.strerror or error}.") from error


def metadata_of(file: Any, name: str) -> dict[str, str]:
    """Of an open ``.safetensors`` file; CheckpointError when it is of another format."""
    metadata: dict[str, str] = file.metadata() or {}
    if metadata.get("format") != FORMAT:
        found = repr(metadata.get("format", "none"))[:40]
        raise CheckpointError(f"{name} has the format {found}, {FORMAT!r} is wanted.")
    return metadata
