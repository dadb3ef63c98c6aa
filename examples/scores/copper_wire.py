"""Copper Wire: a rock tune of our own on a two-bar riff, with a chorus, for two guitars, bass and drums."""

from examples.piece import DRUMS, Part, Piece, Timbre

_RIFF = """
    E2+B:.5> E2' E' G2+D3:1 E2:.5' A2+E3:1> | E2+B:.5> E2' E' Bb2+F3:.5 A2+E3:1 G2+D3:1 |
"""
_STRUM = {name: f"{chord}:1.5> {chord}:1 {chord}:.5 {chord}:1 |" for name, chord in (
    ("C", "C3+G+C4"), ("G", "G2+D3+G"), ("D", "D3+A+D4"), ("Em", "E2+B+E3"), ("B", "B2+F#3+B"),
)}  # fmt: skip
_RHYTHM = f"""
    !f {2 * _RIFF} {4 * _RIFF} !ff {"".join(_STRUM[name] for name in ("C", "G", "D", "Em", "C", "G", "D", "B"))}
    {2 * _RIFF} E2+B+E3:4>
"""
_LEAD = """
    r:4 | r | r | r |
    !f r:1 B4:.5 D5 E:1.5> D:.5 | B4:1 A:.5 G A:2 | r:1 B:.5 D5 E:1 G> | F#:.5 E D B4 E5:2 |
    r:.5 G G F# E:1> D | E:.5 D B4 A B:2 | r:1 E:.5 G A B D5 E> | D B4 A G E:2 |
    !ff E5:2 G | D:1.5 B4:.5 D5:2 | F#:2 A | G:1 F# E:2 |
    E:2 G | B4:1.5 A:.5 G:2 | F#5:1 A F# D | D#:2 F# |
    E:4~ | E:2 r:2 | r:1 B4:.5 D5 E:1.5 D:.5 | E:.5 D B4 A G A B D5 | E:4>
"""
_RIFF_BASS = "E1:.5> E E G:1 E:.5 A:1 | E1:.5> E E Bb A:1 G |"
_ROOT = {name: f"{root}:.5> {7 * (root + ' ')} |" for name, root in (
    ("C", "C2"), ("G", "G1"), ("D", "D2"), ("Em", "E1"), ("B", "B1"),
)}  # fmt: skip
_BASS = f"""
    r:4 | r | !f {_RIFF_BASS} {4 * _RIFF_BASS}
    !ff {"".join(_ROOT[name] for name in ("C", "G", "D", "Em", "C", "G", "D", "B"))} {2 * _RIFF_BASS} E1:4
"""
_BEAT = "H+K:.5 H H+S> H H+K H+K H+S> H |"
_BEAT_OPEN = "O+K:.5 O O+S> O O+K O+K O+S> O |"
_CRASH = "C+K:.5> H H+S> H H+K H+K H+S> H |"
_FILL = "H+K:.5 H H+S H S:.25 S S S T> T T T |"
_DRUMS = f"""
    !mf H:1 H H H | H H S:.25 S S S T T T T | !f {_CRASH} {_FILL} {_CRASH} {6 * _BEAT} {_FILL}
    !ff C+K:.5> O O+S> O O+K O+K O+S> O | {6 * _BEAT_OPEN} {_FILL} {_CRASH} {2 * _BEAT} {_FILL} C+K:4>
"""

PIECE = Piece(
    slug="copper_wire",
    title="Copper Wire",
    origin="Written for this project, released under the project's licence.",
    parts=(
        Part(
            instrument="electric_guitar",
            timbre=Timbre(bank="karoryfer_green", drive=1.5),
            voices=(_RHYTHM,),
            pan=-0.5,
            level_db=-1,
        ),
        Part(
            instrument="electric_guitar",
            timbre=Timbre(program=29),
            voices=(_LEAD,),
            pan=0.4,
            level_db=-1,
            legato=0.98,
        ),
        Part(instrument="bass", timbre=Timbre(bank="tonejs_bass_electric"), voices=(_BASS,), level_db=-1),
        Part(instrument=DRUMS, timbre=Timbre(), voices=(_DRUMS,), level_db=-3),
    ),
    tempo=((0, 132), (100, 132)),
    rubato=0.003,
    reverb_s=0.7,
    wet_db=-18,
)
