"""Clarke, The Prince of Denmark's March: the rondo's theme, the first episode, and the theme's second half."""

from examples.piece import Part, Piece, Timbre

# Trills are written out as the turn that ends them.
_THEME_A = "D5:2 E:1.5 D:.25 E | F#:1.5> G:.5 F#:1 E | D E F# E:.5 D | E:1> A4' A' A' |"
_THEME_B = "D5:2 E:1.5 D:.25 E | F#:1.5> G:.5 F#:1 E | D:.5 E D E E:1.5 D:.5 | D:3 r:1 |"
_EPISODE_A = "F#5:2 G#:1.5 F#:.25 G# | A:1.5> B:.5 A:1 G | F# D' D' A4' | D5' A4' F#' D' |"
_EPISODE_B = "F#5:2 G#:1.5 F#:.25 G# | A:1.5> B:.5 A:1 G | F#:1 E:.5 D D E F# G | E:3> r:1 |"
_TRUMPET = f"!f {_THEME_A} {_THEME_B} !mf {_EPISODE_A} !mf< {_EPISODE_B} !ff {_THEME_B}"

_RIGHT_A = """
    D4+F#+A:2 C#4+E+A | D+F#+A D4+F#+A:1 C#+E+A | D+F#+A C#+E+A D+F#+A D+G+B | C#+E+A:2 E4+A:1 G+A |
"""
_RIGHT_B = """
    D4+F#+A:2 C#4+E+A | D+F#+A D4+F#+A:1 C#+E+A | D+F#+B D+G+B E+A:1 C#+G+A | D+F#+A:3 r:1 |
"""
_RIGHT_C = """
    D4+F#+A:2 E+G#+B | C#+E+A D+F#+A:1 C#+G+A | D+F#+A:2 r | r:4 |
    D+F#+A:2 E+G#+B | C#+E+A D+F#+A:1 C#+G+A | D+F#+A D+F#+B D+G+B:2 | C#+E+A:3 r:1 |
"""
_LEFT_A = "D2+D3:2 C#2+C#3 | D2+D3 D2+D3:1 A1+A2 | D2+D3 C#2+C#3 B1+B2 G1+G2 | A1+A2:1 A2 B2 C#3 |"
_LEFT_B = "D2+D3:2 C#2+C#3 | D2+D3 D2+D3:1 A1+A2 | B1+B2 G1+G2 A1+A2:2 | D2+D3:1 A2 D2 r |"
_LEFT_C = """
    D2+D3:2 E2+E3 | A2+A3 D2+D3:1 A1+A2 | D2+D3:2 r | r:2 F#2+F#3:1 E2+E3 |
    D2+D3:2 E2+E3 | A2+A3 D2+D3:1 A1+A2 | D2+D3 B1+B2 G1+G2:2 | A1+A2:1 A2 B2 C#3 |
"""
_RIGHT = f"!mf {_RIGHT_A} {_RIGHT_B} {_RIGHT_C} !f {_RIGHT_B}"
_LEFT = f"!mf {_LEFT_A} {_LEFT_B} {_LEFT_C} !f {_LEFT_B}"

PIECE = Piece(
    slug="trumpet_voluntary",
    title="The Prince of Denmark's March (Trumpet Voluntary)",
    origin="Jeremiah Clarke (1674-1707), printed 1700. Composer dead for more than 95 years.",
    parts=(
        Part(instrument="trumpet", timbre=Timbre(bank="tonejs_trumpet"), voices=(_TRUMPET,), pan=0.15, legato=0.9),
        Part(instrument="piano", timbre=Timbre(bank="splendid"), voices=(_RIGHT, _LEFT), pan=-0.15, level_db=-2),
    ),
    tempo=((0, 108), (72, 108), (79, 84)),
    reverb_s=1.6,
    wet_db=-12,
)
