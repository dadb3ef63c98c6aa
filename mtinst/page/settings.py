"""What a person may set about the page, all of it by environment variables with defaults that suit a laptop."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

from mtinst.errors import MtinstError
from mtinst.files import EXAMPLES


class SettingsError(MtinstError):
    """An environment variable that holds something else than it should."""


@dataclass(frozen=True, kw_only=True)
class PageSettings:
    """Where the page is served, what it loads and keeps, and how much it takes on.

    Parameters
    ----------
    host, port : str, int
        Address to serve; the port is from 1 to 65535.
    weights : Path, optional
        Checkpoint to load, the shipped one when None.
    examples : Path
        Folder of songs that the page offers.
    cache : Path
        Folder that keeps results, so that a song is on screen at once the second time.
    cache_mb : float
        The oldest results go when the folder holds more than this.
    max_minutes : float
        Longer songs are refused.
    max_mb : float
        Larger files are refused.
    max_waiting : int
        Songs that wait or are worked on at a time; more are refused.
    max_waiting_each : int
        The same from one address.
    prepare : bool
        Whether the examples are transcribed when the page starts, while nobody else needs the processor.

    Raises
    ------
    ValueError
        If a limit is not positive, or the port out of its range.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    weights: Path | None = None
    examples: Path = EXAMPLES
    cache: Path
    cache_mb: float = 1000.0
    max_minutes: float = 15.0
    max_mb: float = 100.0
    max_waiting: int = 30
    max_waiting_each: int = 5
    prepare: bool = True

    def __post_init__(self) -> None:
        for name in ("cache_mb", "max_minutes", "max_mb", "max_waiting", "max_waiting_each"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")
        if not 1 <= self.port <= 65535:
            raise ValueError(f"port must be from 1 to 65535, not {self.port}")

    @property
    def uploads(self) -> Path:
        """Folder for what was uploaded, beside that for results."""
        return self.cache.with_name(f"{self.cache.name}-uploads")


def settings_from_environment(environment: Mapping[str, str] = os.environ) -> PageSettings:
    """The page's settings as the environment gives them.

    Read are ``HOST``, ``PORT``, ``MTINST_WEIGHTS``, ``MTINST_EXAMPLES``, ``MTINST_CACHE``, ``MTINST_CACHE_MB``,
    ``MTINST_MAX_MINUTES``, ``MTINST_MAX_MB``, ``MTINST_MAX_WAITING``, ``MTINST_MAX_WAITING_EACH`` and
    ``MTINST_PREPARE`` (1 or 0); in place of the first two, where they are
    not given, Gradio's own ``GRADIO_SERVER_NAME`` and ``GRADIO_SERVER_PORT``, by which hosts of Gradio pages say where
    to serve. An empty variable counts as absent.

    Raises
    ------
    SettingsError
        If a number is not one, or out of its range.

    Examples
    --------
    >>> settings_from_environment({"PORT": "8080", "MTINST_CACHE": "/tmp/songs"}).port
    8080
    >>> settings_from_environment({"PORT": "high"})
    Traceback (most recent call last):
    mtinst.page.settings.SettingsError: PORT must be a whole number from 1 to 65535, not 'high'
    """
    given = {name: value for name, value in environment.items() if value.strip()}
    port_name = "PORT" if "PORT" in given else "GRADIO_SERVER_PORT"
    port = _number(given, port_name, PageSettings.port, "a whole number from 1 to 65535")
    if not (1 <= port <= 65535 and port.is_integer()):
        raise SettingsError(f"{port_name} must be a whole number from 1 to 65535, not {given[port_name]!r}")
    prepare = given.get("MTINST_PREPARE", "1")
    if prepare not in ("0", "1"):
        raise SettingsError(f"MTINST_PREPARE must be 1 or 0, not {prepare!r}")
    return PageSettings(
        host=given.get("HOST", given.get("GRADIO_SERVER_NAME", PageSettings.host)),
        port=int(port),
        weights=Path(given["MTINST_WEIGHTS"]) if "MTINST_WEIGHTS" in given else None,
        examples=Path(given.get("MTINST_EXAMPLES", PageSettings.examples)).resolve(),
        cache=Path(given["MTINST_CACHE"]).resolve() if "MTINST_CACHE" in given else default_cache_folder(given),
        cache_mb=_positive(given, "MTINST_CACHE_MB", PageSettings.cache_mb),
        max_minutes=_positive(given, "MTINST_MAX_MINUTES", PageSettings.max_minutes),
        max_mb=_positive(given, "MTINST_MAX_MB", PageSettings.max_mb),
        max_waiting=_count(given, "MTINST_MAX_WAITING", PageSettings.max_waiting),
        max_waiting_each=_count(given, "MTINST_MAX_WAITING_EACH", PageSettings.max_waiting_each),
        prepare=prepare == "1",
    )


def default_cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's cache folder, or the machine's temporary one where there is no home to write to.

    Examples
    --------
    >>> default_cache_folder({"XDG_CACHE_HOME": "/tmp/caches"}).as_posix()
    '/tmp/caches/mtinst'
    """
    candidates = [environment.get("XDG_CACHE_HOME"), environment.get("LOCALAPPDATA")]
    if home := environment.get("HOME") or environment.get("USERPROFILE"):
        candidates.append(str(Path(home) / ".cache"))
    for candidate in filter(None, candidates):
        folder = Path(candidate)
        nearest = next((parent for parent in (folder, *folder.parents) if parent.exists()), None)
        if nearest is not None and os.access(nearest, os.W_OK):
            return folder.resolve() / "mtinst"
    return Path(gettempdir()).resolve() / "mtinst"


def _number(given: Mapping[str, str], name: str, default: float, wanted: str) -> float:
    try:
        return float(given.get(name, default))
    except ValueError as error:
        raise SettingsError(f"{name} must be {wanted}, not {given[name]!r}") from error


def _positive(given: Mapping[str, str], name: str, default: float) -> float:
    value = _number(given, name, default, "a positive number")
    if not 0 < value < float("inf"):
        raise SettingsError(f"{name} must be a positive number, not {given[name]!r}")
    return value


def _count(given: Mapping[str, str], name: str, default: int) -> int:
    value = _number(given, name, default, "a whole number above 0")
    if not (0 < value < float("inf") and value.is_integer()):
        raise SettingsError(f"{name} must be a whole number above 0, not {given[name]!r}")
    return int(value)
