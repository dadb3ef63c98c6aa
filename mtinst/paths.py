"""Where the project keeps what it ships, and how its files are written."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_data"
SHIPPED = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent
"""The folder of ``weights`` and ``examples``: within the package where it is installed, beside it in a checkout."""
DEFAULT_WEIGHTS = SHIPPED / "weights" / "default.safetensors"
EXAMPLES = SHIPPED / "examples"

PARTIAL = ".????????.partial"
"""What follows the name of a file while it is written, as a pattern."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place beside `path` to write to, which becomes `path` when all went well and is removed when not.

    Whoever looks finds the old file or the new one, never half of it; of two writers at a time the later one's stays.
    """
    partial = path.with_name(f"{path.name}.{uuid4().hex[:8]}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, see :func:`replacing`."""
    with replacing(path) as partial:
        partial.write_bytes(content)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
