"""Make the examples again: ``python -m examples.make --soundfont FILE --samples DIR --out DIR``.

This is for the machine that has the soundfont and the recorded notes; the songs that it makes are shipped, so nobody
needs to run it to use or to test the project. The timbres are ones that the network was never trained on.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from examples.perform import perform, reference_midi
from examples.piece import DRUMS, Part, Piece
from examples.render import SAMPLE_RATE, render, write_ogg
from examples.scores import PIECES
from mtinst.grid import instrument_named

_BANK_CREDITS = {
    "karoryfer_green": "Karoryfer Lecolds' electric guitar samples, CC0",
    "meatbass": "Karoryfer Lecolds' Meatbass (double bass, plucked), CC0",
    "splendid": "Splendid Grand Piano (AKAI), public domain",
    "tonejs_bass_electric": "tonejs-instruments bass-electric (Karoryfer)",
    "tonejs_cello": "tonejs-instruments cello (Freesound pack 12408 by flcellogrl)",
    "tonejs_flute": "tonejs-instruments flute (VSCO 2 Community Edition)",
    "tonejs_guitar_electric": "tonejs-instruments guitar-electric (Karoryfer)",
    "tonejs_guitar_nylon": "tonejs-instruments guitar-nylon (Freesound pack 11573 by quartertone)",
    "tonejs_trumpet": "tonejs-instruments trumpet (VSCO 2 Community Edition)",
    "tonejs_violin": "tonejs-instruments violin (VSCO 2 Community Edition)",
}
_SOURCES_HEAD = """# Where the examples come from

Every song is rendered from a score in `examples/scores/`, written and arranged for this project, by
`python -m examples.make`, which also writes this page. The compositions are in the public domain or our own. Each
`<song>.mid` holds exactly the notes that were rendered, to the millisecond: the truth that a transcription can be held
against. Drums, where there are any, are synthesised and stand on channel 10; they are none of the nine instruments.

None of these soundfonts and sample banks was used in training, though GeneralUser's cello and jazz guitar turned out to
be the recordings of others that were. Sounds:

- GeneralUser GS by S. Christian Collins, a soundfont that may be used freely, also in published music.
- tonejs-instruments by Nicholaus P. Brosowsky, CC BY 3.0 (packaged for npm under MIT), from the sources named below;
  resampled, shifted in pitch and cut to the notes.
- Samples by Karoryfer Lecolds, CC0.
- Splendid Grand Piano, recorded by AKAI, public domain.

The recordings of these performances, their reference notes and the arrangements are released under the project's
licence.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Render the pieces named, or all of them, and write ``SOURCES.md``."""
    parser = argparse.ArgumentParser(prog="python -m examples.make", description="Render the example songs.")
    parser.add_argument("pieces", nargs="*", metavar="PIECE", help="only these, by name")
    parser.add_argument("--soundfont", type=Path, required=True, help="sf2 or sf3 file with the nine instruments")
    parser.add_argument(
        "--samples", type=Path, required=True, help="folder with index.csv and its banks of single notes"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--stems", action="store_true", help="also write each player's sound, for checking")
    options = parser.parse_args(arguments)

    unknown = sorted(set(options.pieces) - {piece.slug for piece in PIECES})
    if unknown:
        parser.error(f"no such piece: {', '.join(unknown)}")
    options.out.mkdir(parents=True, exist_ok=True)
    for piece in PIECES:
        if not options.pieces or piece.slug in options.pieces:
            make_piece(piece, options.soundfont, options.samples, options.out, stems=options.stems)
    (options.out / "SOURCES.md").write_text(sources(PIECES), encoding="utf-8")


def make_piece(piece: Piece, soundfont: Path, samples: Path, out: Path, *, stems: bool = False) -> None:
    """Write one piece's ``.ogg`` and ``.mid``, and its stems when asked."""
    performance = perform(piece)
    mix, part_sounds = render(piece, performance, soundfont, samples)
    write_ogg(out / f"{piece.slug}.ogg", mix)
    reference_midi(piece).write(str(out / f"{piece.slug}.mid"))
    if stems:
        for index, (part, sound) in enumerate(zip(piece.parts, part_sounds, strict=True)):
            write_ogg(out / f"{piece.slug}_{index}_{part.instrument}.ogg", sound / np.abs(sound).max() * 0.9)
    print(f"{piece.slug}: {len(mix) / SAMPLE_RATE:.1f} s, {sum(map(len, performance))} notes")


def sources(pieces: Sequence[Piece]) -> str:
    """``SOURCES.md``: what each piece is, whose it is, and what rendered it."""
    sections = [_SOURCES_HEAD]
    for piece in pieces:
        timbres = "\n".join(f"- {_part_name(part)}: {_credit(part)}" for part in piece.parts)
        sections.append(
            f"## {piece.title}\n\n`{piece.slug}.ogg`, `{piece.slug}.mid`\n\n"
            f"{piece.origin} Arranged for this project, see `scores/{piece.slug}.py`.\n\n{timbres}\n"
        )
    return "\n".join(sections)


def _part_name(part: Part) -> str:
    return "Drums" if part.instrument == DRUMS else instrument_named(part.instrument).label


def _credit(part: Part) -> str:
    timbre = part.timbre
    if part.instrument == DRUMS:
        return "synthesised by `render.py`"
    if timbre.bank is not None:
        return _BANK_CREDITS[timbre.bank] + (", through an amplifier's distortion" if timbre.drive else "")
    return f"GeneralUser GS, General MIDI program {timbre.program} (0-based)"


if __name__ == "__main__":
    main()
