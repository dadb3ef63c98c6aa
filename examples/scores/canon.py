"""Pachelbel, Canon in D: the ground and its first five variations, for two violins, cello and piano."""

from examples.piece import Part, Piece, Timbre

_GROUND = "D3:1 A2 B F# | G2 D G A |"
_VARIATIONS = (
    "F#5:1 E D C# | B4 A B C#5 |",
    "D5:1 C# B4 A | G F# G E |",
    "D4:.5 F# A G F# D F# E | D B3 D4 A G B A G |",
    "F#4:.5 D E C#5 D F# A A4 | B4 G A F# D D5 D:.75 C#:.25 |",
    "D5:.25 C# D D4 C# A E F# D D5 C# B4 C#5 F# A B | G F# E G F# E D C# B4 A G F# E G F# E |",
)
_REST = "r:4 | r |"
_CHORDS = """
    {F#3+A:.5 D4} {E3+A:.5 C#4} {F#3+B:.5 D4} {F#3+A:.5 C#4} | {G3+B:.5 D4} {F#3+A:.5 D4} {G3+B:.5 D4} {A3+C#4:.5 E} |
"""

PIECE = Piece(
    slug="canon",
    title="Canon in D, opening",
    origin="Johann Pachelbel (1653-1706), about 1690. Composer dead for more than 95 years.",
    parts=(
        Part(
            instrument="violin",
            timbre=Timbre(bank="tonejs_violin"),
            voices=("!mp< " + _REST + "".join(_VARIATIONS[:4]) + "!f " + _VARIATIONS[4] + "F#5:3",),
            pan=-0.5,
        ),
        Part(
            instrument="violin",
            timbre=Timbre(program=40),
            voices=("!mp< " + 2 * _REST + "".join(_VARIATIONS[:3]) + "!f " + _VARIATIONS[3] + "D5:3",),
            pan=0.5,
            level_db=-1,
        ),
        Part(
            instrument="cello",
            timbre=Timbre(program=42),
            voices=("!mp< " + 5 * _GROUND + "!f " + _GROUND + "D3:3",),
            pan=0.2,
            level_db=-1,
        ),
        Part(
            instrument="piano",
            timbre=Timbre(program=0),
            voices=("!p< " + 5 * _CHORDS + "!mf " + _CHORDS + "D3+A+D4+F#:3",),
            pan=-0.1,
            level_db=-5,
        ),
    ),
    tempo=((0, 69), (44, 69), (48, 58)),
    rubato=0.02,
    reverb_s=1.8,
    wet_db=-12,
)
