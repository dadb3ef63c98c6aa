"""Grieg, In the Hall of the Mountain King, shortened: all nine instruments, coming in by ones and twos."""

from examples.piece import Part, Piece, Timbre


def _minor(octave: int) -> str:
    """The theme in B minor, four bars, from the B of that octave."""
    low, high = octave, octave + 1
    return f"""
        B{low}:.5' C#{high}' D' E' F#'> D' F#:1 | F:.5'> C#' F:1 E:.5'> C' E:1 |
        B{low}:.5' C#{high}' D' E' F#'> D' F#' B' | A' F#' D' F#' A:2> |
    """


def _dominant(octave: int) -> str:
    """The first two bars of the theme on F sharp, from that of that octave."""
    low, high = octave, octave + 1
    return f"""
        F#{low}:.5' G#' A#' B' C#{high}'> A#{low}' C#{high}:1 | D:.5'> A#{low}' D{high}:1 C#:.5'> A#{low}' C#{high}:1 |
    """


def _dominant_close(octave: int) -> str:
    """Its last two."""
    low, high = octave, octave + 1
    return f"""
        F#{low}:.5' G#' A#' B' C#{high}'> A#{low}' C#{high}:1 | D:.5'> A#{low}' D{high}:1 C#:2> |
    """


def _scale(octave: int) -> str:
    """The coda's run to the cadence, two bars."""
    low, high = octave, octave + 1
    return f"B{low}:.5' C#{high}' D' E' F#' D' F#' B' | A#' F#' A#' C#{high + 1}' B{high}:2> |"


def _hits(chord: str) -> str:
    """The coda's two bars with a stroke on the second beat."""
    return f"r:1 {chord}:.5'> r:2.5 | r:1 {chord}:.5'> r:2.5 |"


def _rest(bars: int) -> str:
    return bars * "r:4 | "


_MINOR_BASS = "B1:1' F#2' B1' F#2' | B1' F#2' B1' F#2' | B1' F#2' B1' F#2' | D2' A2' D2' A2' |"
_DOMINANT_BASS = "F#2:1' C#3' F#2' C#3' | D2' A#2' F#2' C#3' |"
_MINOR_OFF = (
    "r:1 B3+D4+F#' r B3+D4+F#' | r F#3+C#4+F' r F#3+C4+E' | r B3+D4+F#' r B3+D4+F#' | r A3+D4+F#' r A3+D4+F#' |"
)
_DOMINANT_OFF = "r:1 A#3+C#4+F#' r A#3+C#4+F#' | r A#3+D4+F#' r A#3+C#4+F#' |"
_RUN_B, _RUN_D = "B1+B2:.5> A2 G F# B1+B2> A2 G F# |", "D2+D3:.5> C#3 B2 A D2+D3> C#3 B2 A |"
_MINOR_RUN = 3 * _RUN_B + _RUN_D
_PIANO_TUTTI = 3 * "B3+D4+F#:2 B3+D4+F# |" + "A3+D4+F#:2 A3+D4+F# |"
_POWER = 3 * "B2+F#3:1> B2+F#3 B2+F#3> B2+F#3 |" + "D3+A3:1> D3+A3 D3+A3> D3+A3 |"

_FLUTE_SCALE = "B5:.5' C#6' D' E' F#' D' F#' B' | A#' F#' A#' F#' B:2> |"
_FLUTE = f"""
    {_rest(12)} !mf {_minor(5)} !mf< {_dominant(5)} {_dominant_close(5)}
    !f {_minor(5)} {_hits("B6")} {_FLUTE_SCALE} {_hits("B6")} B6:1>
"""
_VIOLIN = f"""
    {_rest(12)} !mf {_minor(4)} !mf< {_dominant(4)} {_dominant_close(4)}
    !f {_minor(4)} {_hits("B5")} {_scale(4)} {_hits("B5")} B5:1>
"""
_TRUMPET = f"""
    {_rest(8)} r:4 | r | !mf {_dominant_close(4)} {_rest(4)} !mf< r:4 | r | {_dominant_close(4)}
    !f {_minor(4)} {_hits("D5")} {_scale(3)} {_hits("D5")} D5:1>
"""
_SAXOPHONE = f"""
    {_rest(4)} !mf {_minor(3)} {_dominant(3)} r:4 | r | {_rest(4)} !mf< {_dominant(3)} r:4 | r |
    !f B3:2> B | C#4 C | B3 B | D4 A3 | {_hits("F4")} D4:2> F# | E D | {_hits("F4")} F#4:1>
"""
_CELLO = f"""
    !mf {_minor(2)} {_minor(2)} {_dominant(3)} {_dominant_close(3)}
    F#3:2 F# | F# F# | F# F# | A A | !mf< F#:2 F# | F# F# | F# F# | F# F# |
    !f {_minor(2)} {_hits("B2")} {_scale(2)} {_hits("B2")} B2:1>
"""
_BASS = f"""
    !mf {_MINOR_BASS} {_MINOR_BASS} {_DOMINANT_BASS} {_DOMINANT_BASS}
    !mf {_MINOR_BASS} !mf< {_DOMINANT_BASS} {_DOMINANT_BASS}
    !f {3 * "B1:.5> A2 G F# B1> A2 G F# |"} D2:.5> C#3 B2 A D2> C#3 B2 A |
    {2 * "B1:1'> r:3 |"} G1:1 G F# F# | F#1 F# B1:2 | {2 * "B1:1'> r:3 |"} B1:1>
"""
_ACOUSTIC = f"""
    {_rest(4)} !mf {_MINOR_OFF} {_DOMINANT_OFF} {_DOMINANT_OFF}
    {_MINOR_OFF} !mf< {_DOMINANT_OFF} {_DOMINANT_OFF}
    !f {_MINOR_OFF} {_hits("D3+G#+B+F4")} {_rest(2)} {_hits("D3+G#+B+F4")} B2+F#3+B+D4+F#:1>
"""
_ELECTRIC = f"""
    {_rest(12)} {_rest(4)} !mf< r:4 | r | {_dominant_close(3)}
    !f {_POWER} {_hits("B2+F3+B")} {_scale(2)} {_hits("B2+F3+B")} B2+F#3+B:1>
"""
_PIANO_RIGHT = f"""
    {_rest(12)} !mf {_MINOR_OFF} !mf< {_DOMINANT_OFF} {_DOMINANT_OFF}
    !f {_PIANO_TUTTI} {_hits("D4+F4+G#4+B4")} r:1 D4+G+B:1 r D4+F#+B | r C#4+F#+A# r D4+F#+B | {_hits("D4+F4+G#4+B4")}
    D4+F#+B:1>
"""
_PIANO_LEFT = f"""
    {_rest(12)} {_rest(8)}
    !f {_MINOR_RUN} {2 * "B1+B2:1'> r:3 |"} G1+G2:1 r F#1+F#2 r | F#1+F#2 r B1+B2 r | {2 * "B1+B2:1'> r:3 |"} B1+B2:1>
"""

PIECE = Piece(
    slug="mountain_king",
    title="In the Hall of the Mountain King (Peer Gynt, Op. 46 No. 4), shortened",
    origin="Edvard Grieg (1843-1907), 1875. Composer dead for more than 95 years.",
    parts=(
        Part(
            instrument="piano",
            timbre=Timbre(program=0),
            voices=(_PIANO_RIGHT, _PIANO_LEFT),
            pan=-0.15,
            level_db=-3,
        ),
        Part(instrument="acoustic_guitar", timbre=Timbre(program=25), voices=(_ACOUSTIC,), pan=-0.5, level_db=-3),
        Part(
            instrument="electric_guitar",
            timbre=Timbre(bank="tonejs_guitar_electric", drive=0.8),
            voices=(_ELECTRIC,),
            pan=0.5,
            level_db=-4,
        ),
        Part(instrument="trumpet", timbre=Timbre(bank="tonejs_trumpet"), voices=(_TRUMPET,), pan=0.3, level_db=-2),
        Part(instrument="saxophone", timbre=Timbre(program=65), voices=(_SAXOPHONE,), pan=0.15, level_db=-2),
        Part(instrument="bass", timbre=Timbre(program=33), voices=(_BASS,), level_db=-3),
        Part(instrument="violin", timbre=Timbre(bank="tonejs_violin"), voices=(_VIOLIN,), pan=-0.4, level_db=-2),
        Part(instrument="cello", timbre=Timbre(program=42), voices=(_CELLO,), pan=0.35, level_db=-2),
        Part(instrument="flute", timbre=Timbre(program=73), voices=(_FLUTE,), pan=-0.25, level_db=-3),
    ),
    tempo=((0, 142), (48, 152), (80, 178), (96, 200), (117, 204), (124, 190)),
    rubato=0.004,
    reverb_s=1.4,
)
