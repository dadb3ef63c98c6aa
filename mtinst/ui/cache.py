"""A folder of finished results that stays small: an entry is whole or absent, and the least used go first."""

import hashlib
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from mtinst.errors import MtinstError

LOG = logging.getLogger(__name__)
PARTIAL = ".partial"
CONTENTS = "contents.json"
# A result is left alone for as long as somebody may still be listening to it, even when the folder is over its limit.
IN_USE_S = 600.0
ABANDONED_S = 24 * 3600.0


class CacheError(MtinstError):
    """The folder for results cannot be written."""


class ResultCache:
    """Entries are folders of plain files below `folder`, named by their key.

    An entry is written beside its place as ``<key>.<unique>.partial`` and then renamed, so a crash or two writers at
    once never leave half an entry under its name. It lists its own files, so that one which lost some of them, as
    happens in temporary folders, is found out.

    Parameters
    ----------
    folder : Path
        Made when needed.
    limit_bytes : float
        When entries hold more than this, those used longest ago are removed, but none used in the last ten minutes.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     cache = ResultCache(Path(folder), limit_bytes=1e6)
    ...     with cache.write("song") as entry:
    ...         _ = (entry / "notes.txt").write_text("C D E")
    ...     (cache.find("song") / "notes.txt").read_text(), cache.find("other")
    ('C D E', None)
    """

    def __init__(self, folder: Path, limit_bytes: float) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()

    def find(self, key: str) -> Path | None:
        """The folder of the entry called `key`, marked as used just now; None when there is none, or not all of it."""
        entry = self.folder / key
        try:
            listed: dict[str, int] = json.loads((entry / CONTENTS).read_text())
            if any((entry / name).stat().st_size != size for name, size in listed.items()):
                raise FileNotFoundError(f"a file of {key} was cut off")
            os.utime(entry)
        except (OSError, ValueError):
            self.remove(key)
            return None
        return entry

    @contextmanager
    def write(self, key: str) -> Iterator[Path]:
        """A new folder to fill, which becomes the entry when the block ends without an error.

        When another writer was first, its entry stays and this one goes. CacheError when it cannot be
        written.
        """
        partial = self.folder / f"{key}.{uuid4().hex[:8]}{PARTIAL}"
        try:
            partial.mkdir(parents=True)
            yield partial
            listed = {path.name: path.stat().st_size for path in partial.iterdir()}
            (partial / CONTENTS).write_text(json.dumps(listed))
            with self._lock:
                if not (self.folder / key).exists():
                    partial.rename(self.folder / key)
        except OSError as error:
            raise CacheError(f"Results cannot be kept in {self.folder}: {error.strerror or error}.") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        self.tidy()

    def remove(self, key: str) -> None:
        """Forget an entry, for example a damaged one."""
        shutil.rmtree(self.folder / key, ignore_errors=True)

    def tidy(self, now: float | None = None) -> None:
        """Remove what crashed writers left behind and, when over the limit, the entries used longest ago."""
        now = time.time() if now is None else now
        with self._lock:
            entries: list[tuple[float, int, Path]] = []
            for entry in self.folder.iterdir() if self.folder.is_dir() else []:
                try:
                    used, size = entry.stat().st_mtime, _size(entry)
                except OSError:  # another process removed it just now
                    continue
                if entry.name.endswith(PARTIAL):
                    if now - used > ABANDONED_S:
                        shutil.rmtree(entry, ignore_errors=True)
                elif entry.is_dir():
                    entries.append((used, size, entry))
            total = sum(size for _, size, _ in entries)
            for used, size, entry in sorted(entries):
                if total <= self.limit_bytes or now - used < IN_USE_S:
                    break
                LOG.info("removing %s, used longest ago, to keep the cache small", entry.name)
                shutil.rmtree(entry, ignore_errors=True)
                total -= size


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key_of(kind: str, **facts: Any) -> str:
    """A name for an entry that changes with any of the facts it depends on, which must be plain JSON values.

    Examples
    --------
    >>> key_of("rolls", audio="ab12", weights="cd34") == key_of("rolls", weights="cd34", audio="ab12")
    True
    >>> key_of("rolls", audio="ab12") == key_of("rolls", audio="ab13")
    False
    """
    text = json.dumps(facts, sort_keys=True, allow_nan=False)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
