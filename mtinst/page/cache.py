"""A folder of finished results that stays small: an entry is whole or absent, and the least used go first."""

import atexit
import errno
import hashlib
import json
import logging
import os
import shutil
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from mtinst.errors import MtinstError
from mtinst.page import texts

LOG = logging.getLogger(__name__)
PARTIAL = ".partial"
CONTENTS = "contents.json"
# A result is left alone for as long as somebody may still be listening to it, even when the folder is over its limit.
IN_USE_S = 600.0
# Not so when there is twice as much as there should be, or no room on the disk.
JUST_USED_S = 60.0
ABANDONED_S = 3600.0
RESERVE_BYTES = 256e6
"""Room on the disk that is left to others, and to what is written next."""
LEAST_BYTES = 1e5
"""With less room than this, whatever failed failed because of that; libsndfile does not say so."""
TIDY_EVERY_S = 60.0
TIDY_EVERY_SHARE = 0.05
"""Looking through all entries takes longer than writing one, so it is done now and then: in time, or in what was
written, as a share of the limit."""
READ_BYTES = 1 << 20
MOST_CHECKED = 10_000
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What says nothing about the entry: too many open files, no memory, a server of files that was started anew. Not EIO:
# what cannot be read must make room for what is written in its place.
_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE)

Signature = tuple[tuple[str, int, int], ...]  # name, size and time of each file


class CacheError(MtinstError):
    """The folder for results cannot be written."""


class ResultCache:
    """Entries are folders of plain files below `folder`, named by their key.

    An entry is written beside its place as ``<key>.<unique>.partial`` and then renamed, so a crash or two writers at
    once, in one process or in several, never leave half an entry under its name. It lists its own files with their
    sizes and checksums, so that one which lost some of them, as happens in temporary folders, or was damaged on the
    disk, or is of another make, is found out and forgotten.

    Parameters
    ----------
    folder : Path
        Made when needed.
    limit_bytes : float
        When entries hold more than this, those used longest ago are removed; none used in the last ten minutes, unless
        they hold twice as much or the disk is full.

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
        self._tidied_at = -float("inf")
        self._written_bytes = 0  # since then
        self._checked: dict[str, Signature] = {}  # files that were as they should be, as long as they look the same

    def find(self, key: str) -> Path | None:
        """The folder of the entry called `key`, marked as used just now; None when there is none, or not all of it."""
        entry = self.folder / key
        if not os.path.lexists(entry):  # and nothing is removed: a writer may put it there just now
            return None
        try:
            self._check(key)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            if isinstance(error, OSError) and error.errno in _PASSING:
                LOG.warning("%s cannot be looked at just now: %s", key, error)
            else:
                LOG.warning("removing %s, which is damaged: %s", key, error)
                self.remove(key)
            return None
        with suppress(OSError):  # a folder that may only be read
            os.utime(entry)
        return entry

    @contextmanager
    def write(self, key: str) -> Iterator[Path]:
        """A new folder to fill, which becomes the entry when the block ends without an error.

        When another writer was first, its entry stays and this one goes. CacheError when it cannot be written; what is
        needed least is removed then, so that it may be possible the next time.
        """
        partial = self.folder / f"{key}.{uuid4().hex[:8]}{PARTIAL}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if _free_bytes(self.folder) < RESERVE_BYTES:
                self.tidy()
            partial.mkdir()
            yield partial
            listed = {path.name: (path.stat().st_size, _checksum(path)) for path in partial.iterdir()}
            (partial / CONTENTS).write_text(json.dumps(listed))
            self._rename(partial, self.folder / key)
            n_bytes = sum(size for size, _ in listed.values())
        except (OSError, MtinstError) as error:
            if _is_full(error) or _free_bytes(self.folder) < LEAST_BYTES:
                self.tidy(is_full=True)
                raise CacheError(texts.DISK_FULL) from error
            if isinstance(error, MtinstError):
                raise
            raise CacheError(f"Results cannot be kept in {self.folder}: {error.strerror or error}.") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        self._tidy_now_and_then(n_bytes)

    def remove(self, key: str) -> None:
        """Forget an entry, for example a damaged one."""
        self._checked.pop(key, None)
        _remove(self.folder / key)

    def tidy(self, now: float | None = None, *, is_full: bool = False) -> None:
        """Remove what crashed writers left behind, and over the limit or on a full disk what was used longest ago."""
        now = time.time() if now is None else now
        with self._lock:
            self._tidied_at, self._written_bytes = time.monotonic(), 0
            entries: list[tuple[float, int, Path]] = []
            for entry in self.folder.iterdir() if self.folder.is_dir() else []:
                try:
                    used, size = entry.stat().st_mtime, _size(entry)
                except OSError:  # another process removed it just now
                    continue
                if entry.name.endswith(PARTIAL):
                    if now - used > ABANDONED_S:
                        _remove(entry)
                elif entry.is_dir():
                    entries.append((used, size, entry))
            total = sum(size for _, size, _ in entries)
            missing = max(0.0, RESERVE_BYTES - _free_bytes(self.folder))
            if is_full:
                missing = max(missing, RESERVE_BYTES)
            for used, size, entry in sorted(entries):
                is_urgent = missing > 0 or total > 2 * self.limit_bytes
                if not (is_urgent or total > self.limit_bytes) or now - used < (JUST_USED_S if is_urgent else IN_USE_S):
                    break
                LOG.info("removing %s, used longest ago, to keep the cache small", entry.name)
                _remove(entry)
                total -= size
                missing -= size

    def _tidy_now_and_then(self, n_bytes: int) -> None:
        with self._lock:
            self._written_bytes += n_bytes
            is_due = (
                self._written_bytes >= TIDY_EVERY_SHARE * self.limit_bytes
                or time.monotonic() - self._tidied_at >= TIDY_EVERY_S
            )
        if is_due:
            self.tidy()

    def _check(self, key: str) -> None:
        """OSError, ValueError or TypeError when an entry is not what was written."""
        entry = self.folder / key
        listed: dict[str, tuple[int, int]] = dict(json.loads((entry / CONTENTS).read_text("utf-8")))
        looks = []
        for name, (size, _) in listed.items():
            if Path(name).name != name:
                raise ValueError(f"{name!r} is no name of a file")
            status = (entry / name).stat()
            if status.st_size != size:
                raise ValueError(f"{name} has {status.st_size} bytes and should have {size}")
            looks.append((name, size, status.st_mtime_ns))
        signature = tuple(looks)
        if self._checked.get(key) == signature:
            return
        for name, (_, checksum) in listed.items():
            if _checksum(entry / name) != checksum:
                raise ValueError(f"{name} has other content than was written")
        if len(self._checked) >= MOST_CHECKED:
            self._checked.clear()
        self._checked[key] = signature

    def _rename(self, partial: Path, entry: Path) -> None:
        with self._lock:
            try:
                if not entry.exists():
                    partial.rename(entry)
            except OSError:
                if not entry.is_dir():  # else another process was first
                    raise


def usable_folder(folder: Path) -> Path:
    """The folder, made when needed; one for this process alone where that cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"a try")
    except OSError as error:
        try:
            other = Path(tempfile.mkdtemp(prefix="mtinst-"))
        except OSError:
            return folder  # nowhere at all: each write will say why
        atexit.register(shutil.rmtree, other, ignore_errors=True)
        LOG.warning("%s cannot be used (%s); %s is, until this page ends", folder, error.strerror or error, other)
        return other
    return folder


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


def _checksum(path: Path) -> int:
    """CRC-32 of a file's bytes, which finds every short damage and most long ones."""
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            checksum = zlib.crc32(block, checksum)
    return checksum


def _remove(path: Path) -> None:
    """Remove a folder with all in it, or whatever else lies there; as far as that can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _free_bytes(folder: Path) -> float:
    """Room on a folder's disk; boundless where that cannot be told."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return float("inf")


def _is_full(error: BaseException | None) -> bool:
    """Whether an error comes from a disk, or a person's share of it, that is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__
    return False
