"""The colours of pictures and page: two themes, and for each the instruments' colours."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mtinst.grid import Instrument

ThemeName = Literal["light", "dark"]

# Least luminance contrast (WCAG 2.2) of an instrument's colour against the panel it is drawn on; more on white would
# make the pale colours too alike.
CONTRAST: dict[ThemeName, float] = {"light": 2.4, "dark": 3.2}


@dataclass(frozen=True, kw_only=True)
class Theme:
    """The colours of a figure that are not an instrument's."""

    page: str
    panel: str
    shade: str
    ink: str
    quiet: str
    line: str


THEMES: dict[ThemeName, Theme] = {
    "light": Theme(page="#ffffff", panel="#ffffff", shade="#f3f4f7", ink="#1d2433", quiet="#5b6478", line="#dfe2ea"),
    "dark": Theme(page="#171a21", panel="#11141a", shade="#191d25", ink="#eceff5", quiet="#a3abbd", line="#2b313d"),
}


@cache
def instrument_colour(instrument: Instrument, theme: ThemeName = "light") -> str:
    """The instrument's colour, moved just far enough to be seen on that theme's panel.

    Pale ones are darkened on white and dark ones are lightened on black; the hue stays.

    Examples
    --------
    >>> from mtinst.grid import instrument_named
    >>> instrument_colour(instrument_named("trumpet"), "light")  # stands out as it is
    '#999933'
    >>> instrument_colour(instrument_named("bass"), "dark") == instrument_named("bass").colour
    False
    """
    panel = THEMES[theme].panel
    colour = _rgb(instrument.colour)
    towards = np.zeros(3) if _luminance(panel) > 0.5 else np.ones(3)
    for step in range(51):
        moved = colour + (towards - colour) * step / 50
        if _contrast(_hex(moved), panel) >= CONTRAST[theme]:
            break
    return _hex(moved)


def _luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2, 0 (black) to 1 (white)."""
    channels = _rgb(colour)
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.asarray([0.2126, 0.7152, 0.0722]))


def _contrast(one: str, other: str) -> float:
    """Luminance contrast by WCAG 2.2, 1 (none) to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _rgb(colour: str) -> NDArray[np.float64]:
    return np.frombuffer(bytes.fromhex(colour[1:]), np.uint8) / 255


def _hex(channels: NDArray[np.float64]) -> str:
    return f"#{np.rint(255 * channels).astype(np.uint8).tobytes().hex()}"
