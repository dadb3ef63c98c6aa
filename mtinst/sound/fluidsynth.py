"""FluidSynth, as far as it is needed to play a soundfont into an array.

The library itself comes with the ``pygame-ce`` wheel, so that pip alone installs all that makes sound; one that the
system has will do too. Output is float32, so that loud chords do not clip as they would in 16 bits.
"""

import ctypes
import ctypes.util
import importlib.util
import threading
from collections.abc import Iterator
from ctypes import c_char_p, c_double, c_float, c_int, c_void_p
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from mtinst.errors import SynthesisError
from mtinst.files import display_name
from mtinst.grid import FloatArray

SLOWEST_RATE, FASTEST_RATE = 8_000, 96_000
BLOCK_SAMPLES = 64
"""Notes start and end where a block of this many samples starts."""
ALL_SOUND_OFF = 120  # MIDI controller
BEND_RANGE_SEMITONES = 2  # of General MIDI

_SHARED = threading.Lock()
"""Held while a synthesiser is made, given a sound or freed.

All synthesisers of a process share the samples that are loaded. Where one frees some while another asks for them, the
library (2.5.7) may play something else or crash; rendering side by side is safe.
"""

# The functions in use, each with the type of its result and those of its arguments.
PROTOTYPES = {
    "fluid_set_log_function": (c_void_p, c_int, c_void_p, c_void_p),
    "new_fluid_settings": (c_void_p,),
    "delete_fluid_settings": (None, c_void_p),
    "fluid_settings_setint": (c_int, c_void_p, c_char_p, c_int),
    "fluid_settings_setnum": (c_int, c_void_p, c_char_p, c_double),
    "new_fluid_synth": (c_void_p, c_void_p),
    "delete_fluid_synth": (None, c_void_p),
    "fluid_synth_sfload": (c_int, c_void_p, c_char_p, c_int),
    "fluid_synth_program_select": (c_int, c_void_p, c_int, c_int, c_int, c_int),
    "fluid_synth_noteon": (c_int, c_void_p, c_int, c_int, c_int),
    "fluid_synth_noteoff": (c_int, c_void_p, c_int, c_int),
    "fluid_synth_cc": (c_int, c_void_p, c_int, c_int, c_int),
    "fluid_synth_pitch_bend": (c_int, c_void_p, c_int, c_int),
    "fluid_synth_write_float": (c_int, c_void_p, c_int, c_void_p, c_int, c_int, c_void_p, c_int, c_int),
}


class FluidSynth:
    """One soundfont, ready to play. A context manager, for the library's memory is not Python's.

    Parameters
    ----------
    soundfont : Path
        An ``.sf2`` or ``.sf3`` file.
    sample_rate : int
        In Hz, 8000 to 96000.
    gain : float
        Factor of the output.
    has_effects : bool
        Whether FluidSynth's reverb and chorus are on.

    Raises
    ------
    SynthesisError
        If there is no FluidSynth, or the file is missing or not a soundfont.
    ValueError
        If FluidSynth cannot play at the sample rate.

    Examples
    --------
    >>> from mtinst.sound.synth import DEFAULT_SOUNDFONT
    >>> with FluidSynth(DEFAULT_SOUNDFONT, sample_rate=32000) as synth:
    ...     synth.select(program=40)
    ...     synth.note_on(69, velocity=90)
    ...     synth.render(32000).shape
    (32000, 2)
    """

    def __init__(self, soundfont: str | Path, *, sample_rate: int, gain: float = 0.2, has_effects: bool = True) -> None:
        soundfont = Path(soundfont)
        if not SLOWEST_RATE <= sample_rate <= FASTEST_RATE:
            raise ValueError(f"sample_rate must be from {SLOWEST_RATE} to {FASTEST_RATE} Hz, not {sample_rate}")
        library = find_library()
        if library is None:
            raise SynthesisError(f"{display_name(soundfont)} cannot be played, for there is no FluidSynth library")
        if not soundfont.is_file():
            raise SynthesisError(f"{display_name(soundfont)} is missing: no soundfont at that path")
        self._library = library
        self._name = display_name(soundfont)
        self._settings = library.new_fluid_settings()
        library.fluid_settings_setnum(self._settings, b"synth.sample-rate", sample_rate)
        library.fluid_settings_setnum(self._settings, b"synth.gain", gain)
        for effect in (b"synth.reverb.active", b"synth.chorus.active"):
            library.fluid_settings_setint(self._settings, effect, has_effects)
        library.fluid_settings_setint(self._settings, b"synth.dynamic-sample-loading", 1)  # only what is played
        with _SHARED:
            self._synth = library.new_fluid_synth(self._settings)
            self._font = library.fluid_synth_sfload(self._synth, bytes(soundfont), 0)
        if self._font < 0:
            self.close()
            raise SynthesisError(f"{self._name} cannot be read as a soundfont")

    def close(self) -> None:
        """Free the library's memory; nothing can be played any more."""
        with _SHARED:
            self._library.delete_fluid_synth(self._synth)
        self._library.delete_fluid_settings(self._settings)
        self._synth = self._settings = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def select(self, *, program: int, bank: int = 0, channel: int = 0) -> None:
        """Choose a sound; SynthesisError if the soundfont lacks it. Bank 128 holds drum kits."""
        with _SHARED:
            status = self._library.fluid_synth_program_select(self._synth, channel, self._font, bank, program)
        if status != 0:
            raise SynthesisError(f"{self._name} has no sound for program {program} in bank {bank}")

    def note_on(self, pitch: int, *, velocity: int, channel: int = 0) -> None:
        """Strike a key."""
        self._library.fluid_synth_noteon(self._synth, channel, pitch, velocity)

    def note_off(self, pitch: int, *, channel: int = 0) -> None:
        """Let a key go."""
        self._library.fluid_synth_noteoff(self._synth, channel, pitch)

    def all_sound_off(self, *, channel: int = 0) -> None:
        """Silence a channel at once, without letting its notes die away."""
        self._library.fluid_synth_cc(self._synth, channel, ALL_SOUND_OFF, 0)

    def bend(self, semitones: float, *, channel: int = 0) -> None:
        """Detune a channel by up to two semitones."""
        value = round(8192 * (1 + semitones / BEND_RANGE_SEMITONES))
        self._library.fluid_synth_pitch_bend(self._synth, channel, min(value, 16383))

    def render(self, n_samples: int) -> FloatArray:
        """Play on for `n_samples`: float32 of shape (n_samples, 2)."""
        stereo = np.empty((n_samples, 2), np.float32)
        start = stereo.ctypes.data
        # Left and right are interleaved: each starts at its own address and takes every second place.
        self._library.fluid_synth_write_float(self._synth, n_samples, start, 0, 2, start + ctypes.sizeof(c_float), 0, 2)
        return stereo


@cache
def find_library() -> ctypes.CDLL | None:
    """Load the FluidSynth library, or None when there is none."""
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
        except OSError:  # for another processor, or without something that it needs
            continue
        for name, (result, *arguments) in PROTOTYPES.items():
            function = getattr(library, name)
            function.restype = result
            function.argtypes = arguments
        for level in range(5):
            library.fluid_set_log_function(level, None, None)  # our own errors say what went wrong
        return library
    return None


def _candidates() -> Iterator[str]:
    """Where the library may be, best first."""
    pygame = importlib.util.find_spec("pygame")  # found, not imported: that would print a greeting
    if pygame is not None and pygame.origin is not None:
        package = Path(pygame.origin).parent
        yield from map(str, sorted((package.parent / "pygame_ce.libs").glob("libfluidsynth*")))  # Linux
        yield from map(str, sorted((package / ".dylibs").glob("libfluidsynth*")))  # macOS
        yield from map(str, sorted(package.glob("libfluidsynth*.dll")))  # Windows
    for name in ("fluidsynth", "libfluidsynth-3", "libfluidsynth"):
        if found := ctypes.util.find_library(name):
            yield found
