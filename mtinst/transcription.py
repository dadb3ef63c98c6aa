"""What comes out of a song, with all that can be done with it: other thresholds, MIDI, files and back."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from pretty_midi import PrettyMIDI

from mtinst.export.formats import FORMATS, USUAL, write_file
from mtinst.export.midi import song_to_midi
from mtinst.export.npz import read_npz
from mtinst.grid import SPEC, FeatureSpec
from mtinst.hear.analysis import Analysis


class Transcription(Analysis):
    """An :class:`~mtinst.hear.analysis.Analysis` that can be written to files and read again."""

    def to_midi(self, *, is_tuned: bool = False) -> PrettyMIDI:
        """The notes as MIDI, see :func:`~mtinst.export.midi.song_to_midi`."""
        return song_to_midi(self, is_tuned=is_tuned)

    def save(
        self, folder: str | Path, stem: str, outputs: Sequence[str] = USUAL, *, tuned_midi: bool = False
    ) -> list[Path]:
        """Write ``<stem>.mid``, ``<stem>.npz`` and ``<stem>.png`` into `folder`, which is made when needed.

        Parameters
        ----------
        folder : str or Path
        stem : str
        outputs : sequence of str
            What to write, of :data:`~mtinst.export.formats.FORMATS`: the file is called ``<stem>.<output>``.
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
        for output in outputs:
            if output not in FORMATS:
                raise ValueError(f"{output!r} is not one of the outputs {', '.join(FORMATS)}")
        paths = [Path(folder) / f"{stem}.{output}" for output in outputs]
        for output, path in zip(outputs, paths, strict=True):
            write_file(self, path, output, title=stem, tuned_midi=tuned_midi)
        return paths

    def save_npz(self, path: str | Path) -> None:
        """Write everything as NumPy arrays, see :mod:`mtinst.export.npz`; MtinstError when that fails."""
        write_file(self, Path(path), "npz")

    @classmethod
    def load_npz(cls, path: str | Path, spec: FeatureSpec = SPEC) -> "Transcription":
        """Read what :meth:`save_npz` wrote; MtinstError for anything else."""
        read = read_npz(Path(path), spec)
        return cls(**{field.name: getattr(read, field.name) for field in fields(read)})
