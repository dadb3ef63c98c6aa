"""Parts on disk: written by ``prepare`` and ``collect``, read by whatever trains.

A part is ten seconds of one instrument alone, or of a whole recording, as its complex CQT with its labels. The CQT is
linear, so parts are mixed by adding these. A folder of them holds ``cqt.f16`` (float16, real and imaginary, part after
part) and ``parts.npz`` (everything else).
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BufferedWriter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtinst.files import file_hash, replacing
from mtinst.grid import INSTRUMENT_INDEX, N_INSTRUMENTS, SPEC, FeatureSpec
from mtinst.hear.cqt import ComplexArray

CLIP_S = 10.0
N_SAMPLES = round(CLIP_S * SPEC.sample_rate)
N_FRAMES = SPEC.n_frames(N_SAMPLES)
# What has no pitch that anybody wants comes after the instruments.
DRUMS, NOISE = range(N_INSTRUMENTS, N_INSTRUMENTS + 2)
RECORDING = NOISE + 1  # a whole song, several instruments in one part: see train.data.collect
CLASS_INDEX = {**INSTRUMENT_INDEX, "drums": DRUMS, "noise": NOISE}

UNKNOWN = -1
"""In place of a pitch: what sounds in these frames is not known, and is neither learnt nor scored."""

FRAME_NOTE = np.dtype([("onset", np.float32), ("first", np.int16), ("end", np.int16), ("pitch", np.int16)])
"""A note on the frame grid: its onset in frames and their fractions, the frame nearest to it, the frame after its last,
and its row (0 is ``spec.lowest_pitch``) or `UNKNOWN`."""


@dataclass(frozen=True)
class RenderedPart:
    """A part alone: class index, complex CQT as of a sound at unit power, labels."""

    class_index: int
    cqt: ComplexArray
    notes: NDArray[np.void]


class PartWriter:
    """Writes what :class:`PartStore` reads."""

    def __init__(self, file: BufferedWriter) -> None:
        self._file = file
        self._classes: list[int] = []
        self._groups: list[int] = []
        self._notes: list[NDArray[np.void]] = []
        self._players: list[int] = []

    @classmethod
    @contextmanager
    def into(cls, folder: Path, spec: FeatureSpec) -> Iterator["PartWriter"]:
        """A writer of parts whose CQTs are as `spec` has it; `folder` has them once all are added, not before."""
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / "cqt.f16") as partial:
            with partial.open("wb") as file:
                writer = cls(file)
                yield writer
            arrays: dict[str, Any] = {
                "classes": np.array(writer._classes, dtype=np.int8),
                "groups": np.array(writer._groups, dtype=np.int32),
                "note_ends": np.cumsum([len(notes) for notes in writer._notes]),
                "notes": np.concatenate(writer._notes),
                "spec": json.dumps(asdict(spec)),
            }
            if writer._players:
                arrays["players"] = np.array(writer._players, dtype=np.int8)
            with replacing(folder / "parts.npz") as others, others.open("wb") as file:
                np.savez(file, **arrays)

    def __len__(self) -> int:
        return len(self._classes)

    def add(self, part: RenderedPart, group: int, players: Sequence[int] = ()) -> None:
        """Add a part of that group; `players` are those of its notes, where the part's class does not say it."""
        self._file.write(np.stack((part.cqt.real, part.cqt.imag), axis=-1).astype(np.float16).tobytes())
        self._classes.append(part.class_index)
        self._groups.append(group)
        self._notes.append(part.notes)
        self._players += players


@dataclass(frozen=True)
class PartStore:
    """The parts in a folder, memory-mapped."""

    cqts: NDArray[np.float16]  # (n_parts, n_bins, n_frames, 2)
    classes: NDArray[np.int8]  # (n_parts,)
    groups: NDArray[np.int32]  # (n_parts,), negative where a person plays
    note_ends: NDArray[np.int64]  # (n_parts,)
    notes: NDArray[np.void]  # FRAME_NOTE
    spec: FeatureSpec
    players: NDArray[np.int8] | None = None  # (n_notes,), who plays each; None: the class of its part
    digest: str = ""  # names these very parts

    @classmethod
    def open(cls, folder: Path) -> "PartStore":
        """Raises FileNotFoundError when the folder was not prepared."""
        if not (folder / "cqt.f16").is_file():
            raise FileNotFoundError(f"{folder} holds no parts: run `python -m train prepare` first.")
        with np.load(folder / "parts.npz") as arrays:
            classes = arrays["classes"]
            spec = FeatureSpec(**json.loads(str(arrays["spec"])))
            cqts = np.memmap(
                folder / "cqt.f16", dtype=np.float16, mode="r", shape=(len(classes), spec.n_bins, N_FRAMES, 2)
            )
            players = arrays.get("players")
            groups, note_ends, notes = arrays["groups"], arrays["note_ends"], arrays["notes"]
        return cls(cqts, classes, groups, note_ends, notes, spec, players, parts_digest(folder))

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def is_played(self) -> NDArray[np.bool_]:
        """(n_parts,) whether it is a recording of somebody playing one instrument, not rendered."""
        return self.groups < 0

    def notes_of(self, part: int) -> NDArray[np.void]:
        """Labels of one part."""
        return self.notes[self._rows_of(part)]

    def players_of(self, part: int) -> list[int]:
        """Who plays each of those, as instrument indices."""
        if self.players is None:
            return [int(self.classes[part])] * len(self.notes_of(part))
        players: list[int] = self.players[self._rows_of(part)].tolist()
        return players

    def is_labelled(self, part: int) -> bool:
        """Whether any of the instruments play in it."""
        return int(self.classes[part]) in (*range(N_INSTRUMENTS), RECORDING)

    def _rows_of(self, part: int) -> slice:
        return slice(int(self.note_ends[part - 1]) if part else 0, int(self.note_ends[part]))


def parts_digest(folder: Path) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of what is known of the parts in a folder, but for their sound."""
    return file_hash(folder / "parts.npz")[:16]
