"""The MuseScore program: found, asked for its version, and had turn scores into MIDI and audio."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mtinst.errors import MtinstError

SCORE_SUFFIXES = (".mscz", ".mscx", ".musicxml", ".mxl")
# What the program is called: by version, by distribution, and on macOS and Windows where it is not on the path.
NAMES = ("mscore", "musescore", "mscore4", "musescore4", "MuseScore4", "mscore3", "musescore3", "MuseScore3")
_PLACES = (
    Path("/Applications/MuseScore 4.app/Contents/MacOS/mscore"),
    Path("C:/Program Files/MuseScore 4/bin/MuseScore4.exe"),
)
_PATIENCE_S = 600


class MuseScoreError(MtinstError):
    """The program is not there, or cannot do what it was asked to."""


@dataclass(frozen=True, kw_only=True)
class MuseScore:
    """An installed MuseScore.

    Parameters
    ----------
    path : Path
        The program.
    version : str
        As it says itself, such as ``MuseScore4 4.5.2``.
    """

    path: Path
    version: str

    @classmethod
    def find(cls, path: Path | None = None) -> "MuseScore":
        """The program at `path`, or wherever programs are; MuseScoreError when there is none."""
        if path is None:
            found = next(filter(None, map(shutil.which, NAMES)), None)
            path = Path(found) if found else next((place for place in _PLACES if place.is_file()), None)
        if path is None:
            raise MuseScoreError(
                "MuseScore is not installed, and scores are converted by it: get it from musescore.org, "
                "name the program with --musescore, or bring MIDI files with their audio beside them."
            )
        lines = _run([str(path), "--version"], path).split("\n")
        version = next((line.strip() for line in lines if "MuseScore" in line), "")
        if not version:
            raise MuseScoreError(f"{path} does not say that it is MuseScore.")
        return cls(path=path, version=version)

    def convert(self, score: Path, target: Path) -> None:
        """Write `score` in the format of `target`'s suffix, ``.mid`` or ``.wav``; MuseScoreError when that fails."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent) as folder:  # the program goes by the suffix
            made = Path(folder, target.name)
            message = _run([str(self.path), "-o", str(made), str(score)], score)
            if not made.is_file():
                reason = message.strip().split("\n")[-1] or "no reason given"
                raise MuseScoreError(
                    f"{score.name} cannot be converted to {target.suffix} by {self.version}: {reason}."
                )
            made.replace(target)


def find_scores(folder: Path) -> list[Path]:
    """Every score in MuseScore's formats, sorted by path."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SCORE_SUFFIXES)


def _run(command: Sequence[str], about: Path) -> str:
    """What the program says, on either stream; it needs no screen."""
    try:
        run = subprocess.run(
            command,
            env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    except OSError as error:
        raise MuseScoreError(f"{command[0]} cannot be started: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        raise MuseScoreError(f"{command[0]} did not finish with {about.name} in {_PATIENCE_S} s.") from error
    return run.stdout + run.stderr
