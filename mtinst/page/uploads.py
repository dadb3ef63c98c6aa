"""What visitors uploaded is deleted after an hour, whatever became of the process that took it."""

import logging
import threading
import time
from pathlib import Path

LOG = logging.getLogger(__name__)
KEEP_S = 3600.0
LOOK_EVERY_S = 300.0


def keep_tidy(folder: Path, limit_bytes: float) -> threading.Thread:
    """Look after the folder, now and from time to time, for as long as the process lives."""

    def look() -> None:
        while True:
            tidy(folder, limit_bytes)
            time.sleep(LOOK_EVERY_S)

    thread = threading.Thread(target=look, name="tidy-uploads", daemon=True)
    thread.start()
    return thread


def tidy(folder: Path, limit_bytes: float, now: float | None = None) -> None:
    """Delete files older than an hour, the oldest of the others where they are too many, and empty folders.

    Parameters
    ----------
    folder : Path
        Of uploads; need not be there.
    limit_bytes : float
        How much may stay.
    now : float, optional
        Seconds since 1970.
    """
    now = time.time() if now is None else now
    files: list[tuple[float, int, Path]] = []
    folders: list[Path] = []
    for path in folder.rglob("*"):
        try:
            status = path.lstat()
        except OSError:  # gone meanwhile
            continue
        if path.is_dir() and not path.is_symlink():
            if now - status.st_mtime > KEEP_S:
                folders.append(path)
        else:
            files.append((max(status.st_mtime, status.st_ctime), status.st_size, path))
    total = sum(size for _, size, _ in files)
    for written, size, path in sorted(files):
        if now - written <= KEEP_S and total <= limit_bytes:
            break
        total -= size
        try:
            path.unlink()
        except OSError as error:
            LOG.warning("%s cannot be deleted: %s", path.name, error.strerror)
    for path in sorted(folders, reverse=True):  # the inner ones first
        try:
            path.rmdir()
        except OSError:  # not empty
            continue
