"""Bach, Invention 1 in C: the right hand on the violin, the left on the cello, without ornaments."""

from examples.piece import Part, Piece, Timbre

_VIOLIN = """
    !mf r:.25 C4 D E F D E C G:.5 C5 B4 C5 | D5:.25 G4 A B C5 A4 B G D5:.5 G F G |
    E5:.25 A G F E G F A G F E D C E D F | E D C B4 A C5 B4 D5 C B4 A G F# A G B |
    A4:.5 D C5:.75 D:.25 B4 A G F# E G F# A | G B A C5 B4 D5 C E D B4:.125 C5 D:.25 G B4:.5 A:.25 G |
    G4:.5 r:1.5 r:.25 G A B C5 A4 B G | F#:.5 r:1.5 r:.25 A B C5 D B4 C5 A4 |
    !mp< B:.5 r:1.5 r:.25 D5 C B4 A C5 B4 D5 | C:.5 r:1.5 r:.25 E D C B4 D5 C# E |
    !f D:.5 C# D E F A4 B C#5 | D F#4 G# A B C5 D:1~ |
    !mf D:.25 E4 F# G# A F# G# E E5 D C E D C B4 D5 | !mf< C A G# B A E F D G#4 F5 E D C:.5 B4:.25 A |
    !f A A5 G F E G F A G:2~ | !mp G:.25 E F G A F G E F:2~ |
    !f F:.25 G F E D F E G F:2~ | !mp F:.25 D E F G E F D E:2~ |
    !mf< E:.25 C D E F D E C D E F G A F G E | F G A B C6 A5 B G C6:.5 G5 E D:.25 C |
    !f C Bb4 A G F A G Bb A B C5 E4 D C5 F4 B | C5:3
"""
_CELLO = """
    !mf r:2 r:.25 C3 D E F D E C | G:.5 G2 r:1 r:.25 G3 A B C4 A3 B G |
    C4:.5 B3 C4 D E G3 A B | C4 E3 F# G A B C4:1~ |
    C:.25 D3 E F# G E F# D G:.5 B2 C3 D | E F# G E B2:.75 C3:.25 D:.5 D2 |
    r:.25 G2 A B C3 A2 B G D3:.5 G F# G | A:.25 D E F# G E F# D A:.5 D4 C D |
    !mp< G3:.25 G4 F E D F E G F:.5 E F D | E:.25 A G F E G F A G:.5 F G E |
    !f F:.25 Bb A G F A G Bb A G F E D F E G | F E D C B3 D4 C E D C B3 A G# B A C4 |
    !mf B3:.5 E D4:.75 E:.25 C B3 A G F# A G# B | !mf< A C4 B3 D4 C E D F E:.5 A3 E4 E3 |
    !f A:.5 A2 r:1 r:.25 E4 D C B3 D4 C# E | !mp D:2~ D:.25 A3 B C4 D B3 C4 A3 |
    !f B:2~ B:.25 D4 C B3 A C4 B3 D4 | !mp C:2~ C:.25 G3 A Bb C4 A3 Bb G |
    !mf< A:.5 Bb A G F D4 C Bb3 | A F4 E D E:.25 D3 E F G E F D |
    !f E:.5 C D E F:.25 D E F G:.5 G2 | C2:3
"""

PIECE = Piece(
    slug="invention",
    title="Invention 1 in C major, BWV 772",
    origin="Johann Sebastian Bach (1685-1750), 1723. Composer dead for more than 95 years.",
    parts=(
        Part(instrument="violin", timbre=Timbre(bank="tonejs_violin"), voices=(_VIOLIN,), pan=-0.3),
        Part(instrument="cello", timbre=Timbre(bank="tonejs_cello"), voices=(_CELLO,), pan=0.3, level_db=-1),
    ),
    tempo=((0, 112), (82, 112), (84, 88)),
    rubato=0.015,
)
