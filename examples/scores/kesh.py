"""The Kesh, an Irish jig: each half twice on the fiddle, over guitar and bass."""

from fractions import Fraction

from examples.piece import Part, Piece, Timbre

_FIDDLE_A = """
    G4:1.5> G:.5 A B | A:1.5> A:.5 B D5 | E:.5> D D G> D D | E> D B4 D5> B4 A |
    G> A G G> A B | A> B A A> B D5 | E> D D G> D B4 | A> G F# G:1.5 |
"""
_FIDDLE_B = """
    B4:.5> A B D5> B4 D5 | E> G E D> B4 G | B> A B D5> B4 G | A> B A A> G A |
    B> A B D5> B4 D5 | E> G E D> B4 D5 | G> F# G A> G A | B> G F# G:1.5 |
"""
_FIDDLE = f"r:3 | r | !f {2 * _FIDDLE_A} {2 * _FIDDLE_B} G4:3"

# A bar is two halves, each with its own chord.
_CHORDS_A = "GG DD GG ED GG DD GG DG"
_CHORDS_B = "GG CG GG DD GG CG CD DG"
_STRUM = {
    "G": "G2:.5> B3+D4+G B3+D4+G'",
    "D": "D3:.5> A3+D4+F# A3+D4+F#'",
    "C": "C3:.5> G3+C4+E G3+C4+E'",
    "E": "E3:.5> G3+B+E4 G3+B+E4'",
}
_ROOT = {"G": "G1:1 D2:.5", "D": "D2:1 A1:.5", "C": "C2:1 G1:.5", "E": "E2:1 B1:.5"}


def _bars(chords: str, pattern: dict[str, str]) -> str:
    """The pattern of each half bar in turn."""
    return " ".join(" ".join(pattern[half] for half in bar) + " |" for bar in chords.split())


_TUNE_CHORDS = " ".join((_CHORDS_A, _CHORDS_A, _CHORDS_B, _CHORDS_B))
_GUITAR = f"!mf {_bars('GG GD', _STRUM)} {_bars(_TUNE_CHORDS, _STRUM)} {{G2:.1 D3 G B D4 G:2.5}}"
_BASS = f"!mf r:3 | r | {_bars(_TUNE_CHORDS, _ROOT)} G1:3"

PIECE = Piece(
    slug="kesh",
    title="The Kesh",
    origin="Irish jig, traditional, printed in the 19th century. The accompaniment is our own.",
    parts=(
        Part(instrument="violin", timbre=Timbre(program=40), voices=(_FIDDLE,), pan=-0.2, legato=0.9),
        Part(instrument="acoustic_guitar", timbre=Timbre(program=25), voices=(_GUITAR,), pan=0.35, level_db=-3),
        Part(instrument="bass", timbre=Timbre(program=32), voices=(_BASS,), pan=0.05, level_db=-3),
    ),
    tempo=((0, 159), (99, 159), (104, 140)),
    bar_beats=Fraction(3),
    rubato=0.008,
    reverb_s=0.9,
)
