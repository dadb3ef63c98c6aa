"""Where the project keeps what it ships, and how files are opened, named in messages, and written."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from uuid import uuid4

from mtinst.errors import MtinstError

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_data"
SHIPPED = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent
"""The folder of ``weights`` and ``examples``: within the package where it is installed, beside it in a checkout."""
DEFAULT_WEIGHTS = SHIPPED / "weights" / "default.safetensors"
EXAMPLES = SHIPPED / "examples"

PARTIAL = ".????????.partial"
"""What follows the name of a file while it is written, as a pattern."""


LONGEST_NAME = 255
"""Characters of a name that a message repeats; no file system takes longer ones."""


def display_name(path: Path) -> str:
    r"""Name a file in a message: without its folders, printable, and cut where no file has so long a name.

    Examples
    --------
    >>> display_name(Path("songs/two\nlines.mp3"))
    'two�lines.mp3'
    """
    name = path.name or str(path)
    return printable(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…")


def printable(text: str) -> str:
    """Text on one line that a terminal shows as it is: a mark for each character that would break it or not print."""
    return "".join(character if character.isprintable() else "�" for character in text)


def open_regular(path: Path, wanted: str, error_type: type[MtinstError]) -> BufferedReader:
    """Open a regular file that is not empty, and nothing that one could wait for, such as a pipe.

    Parameters
    ----------
    path : Path
    wanted : str
        What it should be, for the message: ``an audio file``.
    error_type : type
        Of the error that says in one sentence what else is there.
    """
    name = display_name(path)
    try:
        _check_kind(path.stat().st_mode, name, wanted, error_type)  # first, for to open a device can be to act on it
        file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115 - the caller closes it
    except FileNotFoundError as error:
        raise error_type(f"{name} does not exist") from error
    except OSError as error:
        raise error_type(f"{name} cannot be opened: {error.strerror}") from error
    except ValueError as error:  # a name that no file can have
        raise error_type(f"{name} does not exist") from error
    try:
        found = os.fstat(file.fileno())
        _check_kind(found.st_mode, name, wanted, error_type)  # again, should it have been replaced meanwhile
        if found.st_size == 0:
            raise error_type(f"{name} is an empty file")
    except MtinstError:
        file.close()
        raise
    return file


def _check_kind(mode: int, name: str, wanted: str, error_type: type[MtinstError]) -> None:
    if stat.S_ISDIR(mode):
        raise error_type(f"{name} is a folder, not {wanted}")
    if not stat.S_ISREG(mode):
        raise error_type(f"{name} is a device, not {wanted}")


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a pipe without waiting for somebody to write to it; files are not affected."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


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
        return digest_of(file)


def digest_of(file: BufferedReader) -> str:
    """The same of a file that is open, from where it is to its end."""
    return hashlib.file_digest(file, "sha256").hexdigest()
