"""Greensleeves: the tune on the flute over broken chords on the guitar."""

from fractions import Fraction

from examples.piece import Part, Piece, Timbre

_FLUTE = """
    !mp r:.5 | r:3 | r:2.5 A4:.5 |
    C5:1 D:.5 E:.75 F#:.25 E:.5 | D:1 B4:.5 G:.75 A:.25 B:.5 | C5:1 A4:.5 A:.75 G#:.25 A:.5 | B:1 G#:.5 E:1 A:.5 |
    C5:1 D:.5 E:.75 F#:.25 E:.5 | D:1 B4:.5 G:.75 A:.25 B:.5 | C5:.75 B4:.25 A:.5 G#:.75 F#:.25 G#:.5 | A:2.5 r:.5 |
    !f G5:1.5 G:.75 F#:.25 E:.5 | D:1 B4:.5 G:.75 A:.25 B:.5 | !mf C5:1 A4:.5 A:.75 G#:.25 A:.5 | B:1 G#:.5 E:1.5 |
    !f G5:1.5 G:.75 F#:.25 E:.5 | D:1 B4:.5 G:.75 A:.25 B:.5 |
    !mf C5:.75 B4:.25 A:.5 !mp G#:.75 F#:.25 G#:.5 | A:3 | r:3
"""
_AM, _G, _C = "{A2:.5 E3 A C4 A3 E} |", "{G2:.5 D3 G B G D} |", "{C3:.5 G C4 E C G3} |"
_E, _AM_E = "{E2:.5 B E3 G# E B2} |", "{A2:.5 E3 C4} {E2:.5 B3 G#} |"
_VERSE = _AM + _G + _AM + _E + _AM + _G + _AM_E + _AM
_CHORUS = _C + _G + _AM + _E + _C + _G + _AM_E
_GUITAR = f"!p r:.5 | {_AM} {_AM} !mp {_VERSE} !mf {_CHORUS} !mp {_AM} {{A2:.25 E3 A C4 E A:1.75}}"

PIECE = Piece(
    slug="greensleeves",
    title="Greensleeves",
    origin="English, traditional, known since 1580.",
    parts=(
        Part(instrument="flute", timbre=Timbre(bank="tonejs_flute"), voices=(_FLUTE,), pan=-0.2),
        Part(instrument="acoustic_guitar", timbre=Timbre(program=24), voices=(_GUITAR,), pan=0.25, level_db=-2),
    ),
    tempo=((0, 76), (48, 76), (54, 66), (58, 54)),
    bar_beats=Fraction(3),
    pickup_beats=Fraction(1, 2),
    rubato=0.03,
    reverb_s=1.5,
)
