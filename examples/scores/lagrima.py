"""Tárrega, Lágrima: the major section, the minor one, and the major one's last four bars to end."""

from fractions import Fraction

from examples.piece import Part, Piece, Timbre

# Bars 5 to 8 of the major section, in its three voices.
_CLOSE_TOP = "E5:1 D# C# | B4:.5 G# C# E F# A | {G#:.5 E C# F#:1 D#:.5} | E:2 r:1 |"
_CLOSE_MIDDLE = "r:.5 E4:1 E:1 F#:.5 | r:3 | r:2.5 A3:.5 | G#:2 r:1 |"
_CLOSE_BASS = "C#4:1 B3 A | B:1 {C#4:2} | B3:1 A# B2 | {E3:1 E2:2} |"

_TOP = f"""
    !mp< G#4:1 A B | !mf F#:3 | !mp< G#:1 A B | !mf F#:3 | {_CLOSE_TOP}
    !mf G4:.5 C5 B4 E F# G | E:3 | r:.5 E5:1 C A4:.5 | F#:2 r:.5 F# |
    !mp< G:1 A B | !f D5:.5 C B4 !mf A G F# | E:1 F# B3 | E4+G3:2 r:1 |
    !mp {_CLOSE_TOP}
"""
_MIDDLE = f"""
    !p r:.5 B3:1 B B:.5 | {{r:.5 B3 A B r B}} | r:.5 B:1 B B:.5 | {{r:.5 B3 A B r B}} | {_CLOSE_MIDDLE}
    r:2 D#4:1 | r:.5 A3+C4 G3+B F#3+A E3+G F#3+A | B:1 r:2 | D#4:2 r:1 |
    r:.5 B3:1 B B:.5 | r:3 | r:.5 B3:1 C4 A3:.5 | r:3 |
    {_CLOSE_MIDDLE}
"""
_BASS = f"""
    !mp E3:1 F# G# | {{D#:2 B2:1}} | E3:1 F# G# | {{D#:2 B2:1}} | {_CLOSE_BASS}
    B3+E2:2 A3+B2:1 | E2:3 | G3+E2:1 A3 F# | {{B2:.5 B3 C4 B3:.5 B:1}} |
    E3:1 F# G | A2:3 | G2:.5 G3 A2 A3 B2 D#3 | {{E3:1 E2:2}} |
    {_CLOSE_BASS}
"""

PIECE = Piece(
    slug="lagrima",
    title="Lágrima, shortened",
    origin="Francisco Tárrega (1852-1909), before 1909. Composer dead for more than 95 years.",
    parts=(
        Part(
            instrument="acoustic_guitar",
            timbre=Timbre(bank="tonejs_guitar_nylon"),
            voices=(_TOP, _MIDDLE, _BASS),
            legato=1.0,
        ),
    ),
    tempo=((0, 84), (20, 86), (24, 76), (25, 88), (44, 88), (48, 74), (49, 84), (55, 80), (60, 58)),
    bar_beats=Fraction(3),
    rubato=0.05,
)
