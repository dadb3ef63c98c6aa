"""Beethoven, Bagatelle in A minor, the rondo's theme: bars 1 to 22 with the first repeat."""

from fractions import Fraction

from examples.piece import Part, Piece, Timbre

_OPENING_RIGHT = """
    E5:.25 D# E B4 D5 C | {A4:.5 r:.25 C E A} | {B4:.5 r:.25 E G# B} | {C5:.5 r:.25 E4} E5 D# |
    E D# E B4 D5 C | {A4:.5 r:.25 C E A} | {B4:.5 r:.25 E C5 B4} |
"""
_OPENING_LEFT = """
    r:1.5 | {A2:.25 E3 A r:.75} | {E2:.25 E3 G# r:.75} | {A2:.25 E3 A r:.25} r:.5 |
    r:1.5 | {A2:.25 E3 A r:.75} | {E2:.25 E3 G# r:.75} |
"""

_RIGHT = f"""
    !p E5:.25 D# | {_OPENING_RIGHT} A4:1 E5:.25 D# |
    !pp {_OPENING_RIGHT} A4:.5 r:.25 !mp< B4 C5 D |
    {{E5:.75 G4:.25}} F5 E | {{D:.75 F4:.25}} E5 D | {{C:.75 E4:.25}} D5 C | !mf B4:.5 r:.25 !p E E5 r |
    r E E6 r r D#5 | E:.5 r:.25 D# E D# |
    {_OPENING_RIGHT} A4:1.5
"""
_LEFT = f"""
    !p r:.5 | {_OPENING_LEFT} {{A2:.25 E3 A r:.25}} r:.5 |
    !pp {_OPENING_LEFT} {{A2:.25 E3 A r:.25}} r:.5 |
    !mp {{C3:.25 G C4 r:.75}} | {{G2:.25 G3 B r:.75}} | {{A2:.25 E3 A r:.75}} | !p {{E2:.25 E3 E4}} r r E |
    E5 r r D# E r | r D# E r:.75 |
    {_OPENING_LEFT} {{A2:.25 E3 A r:.75}}
"""

PIECE = Piece(
    slug="fur_elise",
    title="Für Elise (Bagatelle in A minor, WoO 59), opening",
    origin="Ludwig van Beethoven (1770-1827), 1810, printed 1867. Composer dead for more than 95 years.",
    parts=(Part(instrument="piano", timbre=Timbre(bank="splendid"), voices=(_RIGHT, _LEFT)),),
    tempo=((0, 70), (40, 72), (46, 68), (47, 72)),
    bar_beats=Fraction(3, 2),
    pickup_beats=Fraction(1, 2),
    rubato=0.05,
)
