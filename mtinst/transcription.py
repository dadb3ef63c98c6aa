"""What comes out of a song: the probabilities, the notes they decode to, and the files that hold them.

The probabilities are kept, so that other thresholds give other notes at once, without the network.
"""

import json
import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mtinst import __version__
from mtinst.audio import display_name, open_regular, unread
from mtinst.errors import MtinstError
from mtinst.notes import Note, Thresholds, rolls_to_notes
from mtinst.paths import replacing
from mtinst.rolls import Rolls, for_all
from mtinst.spec import CONCERT_HZ, INSTRUMENT_INDEX, INSTRUMENT_NAMES, NINE, SPEC, FeatureSpec, FloatArray
from mtinst.tuning import is_tuning

if TYPE_CHECKING:
    from pretty_midi import PrettyMIDI

Output = Literal["mid", "npz", "png", "svg", "csv", "activations.csv", "jams"]
OUTPUTS: tuple[Output, ...] = ("mid", "npz", "png")
"""What is written unless told otherwise."""

SHORTEST_S = 0.1
"""Clips shorter than this are too short to say anything about."""
LITTLE = 0.1
"""A transcription that sounds during less than this part of the song says so."""
MOST_UNPACKED = 8_000_000_000
"""Bytes of a ``.npz`` file, unpacked: ten hours."""
# What zipfile, zlib and NumPy's reader say to a damaged or a foreign file.
SILENT = "The clip is silent, or nothing in it is within the range of a piano."
_NOT_A_TRANSCRIPTION = (
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,  # a header that claims more than there is
    NotImplementedError,  # a way to pack that Python does not know
    OSError,
    OverflowError,
    RecursionError,
    RuntimeError,  # a password
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Transcription:
    """What was heard in one song.

    Parameters
    ----------
    rolls : Rolls
        Probabilities, as :attr:`piano_roll`, :attr:`onset_roll`, :attr:`instrument_roll` and :attr:`pitch_roll`.
    levels : ndarray of float32, shape (n_pitches, n_frames)
        The log-CQT in [0, 1], from which velocities are estimated.
    thresholds : Thresholds
        By which :attr:`notes` are decoded.
    duration_s : float
        Of the audio, in seconds.
    spec : FeatureSpec
        Says which pitches the rows are, and when the frames.
    unread_s : float
        About how much of the file was damaged and could not be read, in seconds.
    tuning_hz : float
        Frequency of the song's A above middle C.
    """

    rolls: Rolls
    levels: FloatArray
    thresholds: Thresholds
    duration_s: float
    spec: FeatureSpec
    unread_s: float = 0.0
    tuning_hz: float = CONCERT_HZ

    def __eq__(self, other: object) -> bool:
        """Whether all that was heard is the same, number by number, and is to be decoded by the same thresholds."""
        if not isinstance(other, Transcription):
            return NotImplemented
        return all(_are_equal(getattr(self, field.name), getattr(other, field.name)) for field in fields(self))

    __hash__ = None  # type: ignore[assignment]  # arrays have none

    @property
    def piano_roll(self) -> FloatArray:
        """Probability that an instrument sounds a pitch, shape (11, 88, n_frames)."""
        return self.rolls.piano

    @property
    def onset_roll(self) -> FloatArray:
        """Probability that an instrument starts to sound a pitch, shape (11, 88, n_frames)."""
        return self.rolls.onset

    @property
    def instrument_roll(self) -> FloatArray:
        """Probability that an instrument sounds, shape (11, n_frames)."""
        return self.rolls.instrument

    @property
    def pitch_roll(self) -> FloatArray:
        """Probability that a pitch sounds, shape (88, n_frames)."""
        return self.rolls.pitch

    @property
    def frame_rate(self) -> float:
        """Frames per second of every roll."""
        return self.spec.frame_rate

    @cached_property
    def notes(self) -> list[Note]:
        """The notes, sorted; decoded when first asked for."""
        return rolls_to_notes(self.rolls, self.thresholds, self.spec, levels=self.levels)

    @property
    def note_counts(self) -> dict[str, int]:
        """Notes of each instrument that has any, in table order."""
        counts = Counter(note.instrument for note in self.notes)
        return {name: counts[name] for name in INSTRUMENT_NAMES if counts[name]}

    @property
    def instruments(self) -> tuple[str, ...]:
        """Names of the instruments that have notes, in table order."""
        return tuple(self.note_counts)

    @property
    def verdict(self) -> str | None:
        """One sentence when little or nothing was heard, else None."""
        if self.duration_s < SHORTEST_S:
            return f"The clip lasts only {self.duration_s:.2f} s, too short to tell instruments apart."
        if not self.levels.any():
            return SILENT
        if not self.notes:
            if self.thresholds.instruments != INSTRUMENT_NAMES:
                return "None of the chosen instruments was heard."
            return "No notes were heard. Drums, speech and noise are not transcribed."
        if _covered_s(self.notes) < LITTLE * self.duration_s:
            n_notes = "one note was" if len(self.notes) == 1 else f"{len(self.notes)} notes were"
            return (
                f"Only {n_notes} heard, so most of this song is silence or something that is not transcribed, "
                "such as drums or speech."
            )
        return None

    @property
    def damage(self) -> str | None:
        """One sentence about what of the file could not be read, else None."""
        return unread(self.unread_s)

    def decode(self, thresholds: Thresholds) -> "Transcription":
        """The same song with its notes decoded by other thresholds, without the network."""
        return replace(self, thresholds=thresholds)

    def to_midi(self, *, is_tuned: bool = False) -> "PrettyMIDI":
        """The notes as MIDI, one track an instrument, with a text that says where they come from.

        Unless `is_tuned`, which bends each track to the song's tuning, it plays at 440 Hz.
        """
        from mtinst.midi import notes_to_midi, sign

        return sign(notes_to_midi(self.notes, tuning_hz=self.tuning_hz if is_tuned else CONCERT_HZ))

    def save(
        self, folder: str | Path, stem: str, outputs: Sequence[Output] = OUTPUTS, *, tuned_midi: bool = False
    ) -> list[Path]:
        """Write ``<stem>.mid``, ``<stem>.npz`` and ``<stem>.png`` into `folder`, which is made when needed.

        Parameters
        ----------
        folder : str or Path
        stem : str
        outputs : sequence of "mid", "npz", "png", "svg", "csv", "activations.csv" or "jams"
            What to write: the file is called ``<stem>.<output>``.
        tuned_midi : bool
            Whether the MIDI file bends its tracks to the song's tuning.

        Returns
        -------
        list of Path
            The files, in the order of `outputs`.

        Raises
        ------
        MtinstError
            If a file cannot be written; files appear whole or not at all.
        ValueError
            If an output is none of these; nothing is written then.
        """
        writers: dict[Output, Callable[[Path], None]] = {
            "mid": lambda path: self.save_midi(path, is_tuned=tuned_midi),
            "npz": self.save_npz,
            "png": lambda path: self.save_png(path, title=stem),
            "svg": lambda path: self.save_svg(path, title=stem),
            "csv": self.save_csv,
            "activations.csv": self.save_activations_csv,
            "jams": lambda path: self.save_jams(path, title=stem),
        }
        for output in outputs:
            if output not in writers:
                raise ValueError(f"{output!r} is not one of the outputs {', '.join(writers)}")
        paths = [Path(folder) / f"{stem}.{output}" for output in outputs]
        for output, path in zip(outputs, paths, strict=True):
            writers[output](path)
        return paths

    def save_midi(self, path: str | Path, *, is_tuned: bool = False) -> None:
        """Write the notes as a MIDI file, see :meth:`to_midi`; MtinstError when that fails."""

        def write(partial: Path) -> None:
            with partial.open("wb") as file:
                self.to_midi(is_tuned=is_tuned).write(file)

        _write(path, write)

    def save_png(self, path: str | Path, title: str | None = None) -> None:
        """Draw the pianoroll, the instrument roll and the pitch roll on one sheet; MtinstError when that fails."""
        from mtinst.plots import figure_to_png, plot_overview

        _write(path, lambda partial: partial.write_bytes(figure_to_png(plot_overview(self, title=title))))

    def save_svg(self, path: str | Path, title: str | None = None) -> None:
        """:meth:`save_png` as a drawing that stays sharp at any size; MtinstError when that fails."""
        from mtinst.plots import figure_to_svg, plot_overview

        _write(path, lambda partial: partial.write_bytes(figure_to_svg(plot_overview(self, title=title))))

    def save_csv(self, path: str | Path) -> None:
        """Write the notes as a table, see :func:`~mtinst.exchange.notes_to_csv`; MtinstError when that fails."""
        from mtinst.exchange import notes_to_csv

        _write(path, lambda partial: partial.write_text(notes_to_csv(self), "utf-8", newline=""))

    def save_activations_csv(self, path: str | Path) -> None:
        """Write who plays when, see :func:`~mtinst.exchange.activations_to_csv`; MtinstError when that fails."""
        from mtinst.exchange import activations_to_csv

        _write(path, lambda partial: partial.write_text(activations_to_csv(self), "utf-8", newline=""))

    def save_jams(self, path: str | Path, title: str = "") -> None:
        """Write notes and activations as JAMS, see :func:`~mtinst.exchange.to_jams`; MtinstError when that fails."""
        from mtinst.exchange import to_jams

        _write(path, lambda partial: partial.write_text(to_jams(self, title), "utf-8", newline=""))

    def save_npz(self, path: str | Path) -> None:
        """Write everything as compressed NumPy arrays, for :meth:`load_npz` or :func:`numpy.load`.

        ``piano_roll``, ``onset_roll``, ``instrument_roll`` and ``pitch_roll``
            Probabilities, float32, in the shapes above.
        ``notes``
            float64 (n_notes, 5): onset and offset in seconds, MIDI pitch, instrument index, velocity.
        ``frame_rate``, ``duration_s``, ``instruments``
            Frames per second, seconds, and the eleven names that the first axis of the rolls stands for.
        ``unread_s``, ``tuning_hz``
            See above.
        ``levels``, ``thresholds``
            What :meth:`decode` needs besides: the log-CQT, and as JSON the thresholds of ``notes``.
        ``version``
            Of mtinst.

        Raises
        ------
        MtinstError
            If the file cannot be written.
        """
        notes = [
            (note.onset, note.offset, note.pitch, INSTRUMENT_INDEX[note.instrument], note.velocity)
            for note in self.notes
        ]
        arrays: dict[str, Any] = {
            "piano_roll": self.piano_roll,
            "instrument_roll": self.instrument_roll,
            "pitch_roll": self.pitch_roll,
            "notes": np.array(notes, np.float64).reshape(-1, 5),
            "frame_rate": self.frame_rate,
            "instruments": np.array(INSTRUMENT_NAMES),
            "onset_roll": self.onset_roll,
            "levels": self.levels,
            "duration_s": self.duration_s,
            "unread_s": self.unread_s,
            "tuning_hz": self.tuning_hz,
            "thresholds": json.dumps(self.thresholds.to_json()),
            "version": __version__,
        }

        def write(partial: Path) -> None:
            # numpy.savez_compressed at level 6 would take four times as long for a tenth less.
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for name, array in arrays.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                        np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)

        _write(path, write)

    @classmethod
    def load_npz(cls, path: str | Path, spec: FeatureSpec = SPEC) -> "Transcription":
        """Read what :meth:`save_npz` wrote; MtinstError for anything else.

        In files of the time when there were nine instruments, the others are silent.
        """
        path = Path(path)
        with open_regular(path, "a transcription", MtinstError) as file:
            try:
                with zipfile.ZipFile(file) as archive:
                    unpacked = sum(member.file_size for member in archive.infolist())
                if unpacked > MOST_UNPACKED:
                    raise ValueError(f"{unpacked} bytes are more than any transcription")
                file.seek(0)
                with np.load(file, allow_pickle=False) as arrays:
                    return cls._from_arrays(arrays, spec)
            except _NOT_A_TRANSCRIPTION as error:
                raise MtinstError(f"{display_name(path)} is not a complete transcription") from error

    @classmethod
    def _from_arrays(cls, arrays: Mapping[str, Any], spec: FeatureSpec) -> "Transcription":
        names = tuple(arrays["instruments"].tolist())
        piano, onset, instrument = (
            for_all(arrays[f"{name}_roll"], len(names)) for name in ("piano", "onset", "instrument")
        )
        rolls = Rolls(piano, onset, instrument, arrays["pitch_roll"])
        levels = arrays["levels"]
        duration_s = float(arrays["duration_s"])
        shapes = tuple(roll.shape for roll in Rolls.zeros(rolls.piano.shape[-1], spec))
        if tuple(roll.shape for roll in rolls) != shapes or levels.shape != rolls.pitch.shape:
            raise ValueError("the rolls have different shapes")
        if any(roll.dtype != np.float32 or not np.isfinite(roll).all() for roll in (*rolls, levels)):
            raise ValueError("a roll does not hold finite numbers")
        if any(roll.min(initial=0) < 0 or roll.max(initial=0) > 1 for roll in (*rolls, levels)):
            raise ValueError("a roll holds more or less than probabilities do")
        if float(arrays["frame_rate"]) != spec.frame_rate or names not in (NINE, INSTRUMENT_NAMES):
            raise ValueError("it is of another frame rate, or for other instruments")
        unread_s = float(arrays.get("unread_s", 0.0))  # these two are not in files of earlier versions
        tuning_hz = float(arrays.get("tuning_hz", CONCERT_HZ))
        if not (0 <= duration_s < math.inf and 0 <= unread_s < math.inf):
            raise ValueError(f"a song does not last {duration_s} s, or miss {unread_s} s")
        if not is_tuning(tuning_hz):
            raise ValueError(f"no song is tuned to {tuning_hz} Hz")
        return cls(
            rolls=rolls,
            levels=levels,
            thresholds=Thresholds.from_json(json.loads(str(arrays["thresholds"]))),
            duration_s=duration_s,
            spec=spec,
            unread_s=unread_s,
            tuning_hz=tuning_hz,
        )


def _are_equal(one: Any, other: Any) -> bool:
    """The same for arrays, for rolls of them, and for what can be compared anyhow."""
    if isinstance(one, Rolls):
        return all(map(np.array_equal, one, other))
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else bool(one == other)


def _covered_s(notes: Sequence[Note]) -> float:
    """Seconds in which at least one of the sorted notes sounds."""
    covered, end = 0.0, 0.0
    for note in notes:
        covered += max(0.0, note.offset - max(end, note.onset))
        end = max(end, note.offset)
    return covered


def _write(path: str | Path, write: Callable[[Path], object]) -> None:
    """Have `write` make a file, whole or not at all, in a folder made when needed."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            write(partial)
    except OSError as error:
        raise MtinstError(f"{display_name(path)} cannot be written: {error.strerror or error}") from error
