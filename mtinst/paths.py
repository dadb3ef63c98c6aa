"""Where the project keeps what it ships, and how its files are written."""

import hashlib
from pathlib import Path

DEFAULT_WEIGHTS = Path(__file__).resolve().parents[1] / "weights" / "default.safetensors"


def replace_file(path: Path, content: bytes) -> None:
    """Write `path` by way of ``<path>.partial``: whoever looks finds the old file or the new one, never half of it."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
