"""When the Saints Go Marching In: a chorus led by the trumpet, half a chorus of saxophone solo, and home."""

from examples.piece import DRUMS, Part, Piece, Timbre

_TUNE_A = """
    C5:3.5> r:.5 | r:1 F4 A Bb | C5:3.5> r:.5 | r:1 F4 A Bb |
    C5:2> A4 | F A | G:3.5 r:.5 |
"""
_TUNE_B = """
    F4:3 F:1 | A:1.5 C5:.5 C:2> | C:1 Bb4:2.5 r:.5 | r:2 A4:1 Bb |
    C5:2> A4 | F G | F:2
"""
_TRUMPET = f"""
    !f r:1 F4 A Bb | {_TUNE_A} r:1 A4 A G | {_TUNE_B} r:2 | r:4 |
    r | r | r | r | r | r | r | !mf r:1 A4 A G |
    !f {_TUNE_B} C5:.5 D C A4 | F5:1'> r:3
"""
_COUNTER = """
    A3:1 C4 F E:.5 F | Eb:2 Eb:1 F | D4 F G F | Db4:1.5 C:.5 Db:1 F |
    A:2 F | A3 Bb | A3:1 C4:.5 D C:1
"""
_SAXOPHONE = f"""
    r:4 | !mp r:1 A3:.5 C4 D:1 F | E D C:2 | r:1 A3:.5 C4 D F A:1 | G:.5 F D:1 C:2 |
    A:2 F | C F | E:1 F:.5 E D:1 C | Bb3:.5 C4 D E E:2 |
    {_COUNTER} A3:1 | !f r:2 C4:.5 D F G |
    A4:1> A:.5 G F D C:1 | r:.5 C D F A C5 A4 F | D5:1> C:.5 A4 C5:1 A4:.5 G | F Ab A F D C r:1 |
    r:.5 F A C5 D C A4 F | Ab A F D C D F A | G Bb D5> C Bb4 G E C | D E G Bb A:1 G |
    !mf {_COUNTER} C4:.5 E | A4:1'> r:3
"""
_OFFBEATS = {name: f"r:1 {chord}:1' r {chord}' |" for name, chord in (
    ("F", "A3+C4+F"), ("C7", "Bb3+E4+G"), ("F7", "A3+C4+Eb"), ("Bb", "Bb3+D4+F"), ("Bbm", "Bb3+Db4+F"),
)}  # fmt: skip
_CHARLESTON = {name: f"{chord}:1.5 {chord}:.5' r:2 |" for name, chord in (
    ("F", "A3+C4+D+G"), ("C7", "Bb3+D4+E+A"),
)}  # fmt: skip
_TURN = "A3+C4+F:1.5 A3+C4+F:.5' Bb3+E4+G:2 |"
_SECOND_HALF = "".join(_OFFBEATS[name] for name in ("F", "F7", "Bb", "Bbm", "F")) + "A3+C4+F:2 Bb3+E4+G |"
_PIANO = f"""
    !mp r:4 | {4 * _OFFBEATS["F"]} {2 * _OFFBEATS["F"]} {2 * _OFFBEATS["C7"]} {_SECOND_HALF}
    {_OFFBEATS["F"]} {_TURN}
    {6 * _CHARLESTON["F"]} {2 * _CHARLESTON["C7"]} !mf {_SECOND_HALF} A3+C4+F:1.5 A3+C4+F:.5' Bb3+E4+G:2 |
    A3+C4+F:1'> r:3
"""
_BASS = """
    !mf r:4 | F2:2 C2 | F2 A | F2 C2 | F2:1 E D C | F2:2 C2 | F2 A | G2 C2 | C2:1 D E C |
    F2:2 C2 | F2 Eb | Bb1 D2 | Bb1:1 C2 Db D | C2:2 F2 | C2 E | F2:1 C D E | F C C2 E |
    F2:1 A C3 A2 | F E D C | F2 A C3 D | C3 A2 G F# | F A C3 D | C Bb2 A F# | G Bb C3 Bb2 | C3 Bb2 G E |
    F A C3 A2 | F Eb A Eb | Bb1 D2 F D | Bb1 Db2 F Db | C F A F | C E G E | F C D E | F:1' r:3
"""
_SWING = "R+K:1 R+H:.5 R R+K:1 R+H:.5 R |"
_FILL = "R+K:1 R+H:.5 R S:.5 S> T T> |"
_DRUMS = f"""
    !mf H:1' H' H' S:.5 S | {7 * _SWING} {_FILL} {7 * _SWING} {_FILL}
    {7 * _SWING} {_FILL} {7 * _SWING} C+K:1> r:3
"""

PIECE = Piece(
    slug="saints",
    title="When the Saints Go Marching In",
    origin="American spiritual, traditional, 19th century. The solo and the other parts are our own.",
    parts=(
        Part(instrument="trumpet", timbre=Timbre(program=56), voices=(_TRUMPET,), pan=-0.25, lag_ms=6),
        Part(instrument="saxophone", timbre=Timbre(program=65), voices=(_SAXOPHONE,), pan=0.25, lag_ms=10),
        Part(instrument="piano", timbre=Timbre(bank="splendid"), voices=(_PIANO,), pan=-0.4, level_db=-5),
        Part(instrument="bass", timbre=Timbre(bank="meatbass"), voices=(_BASS,), level_db=-2),
        Part(instrument=DRUMS, timbre=Timbre(), voices=(_DRUMS,), pan=0.1, level_db=-9),
    ),
    tempo=((0, 184), (140, 184)),
    rubato=0.004,
    swing=0.64,
    reverb_s=0.9,
    wet_db=-16,
)
