"""Every error that bad input from outside can raise.

Each message is one sentence that names the thing, what was found and what was wanted, ready to be shown to a person.
A caller's own mistake is a plain :class:`ValueError` instead.
"""


class MtinstError(Exception):
    """Something from outside cannot be used; the message is one sentence for a person."""


class AudioError(MtinstError):
    """A file or array that cannot be read as audio."""


class MidiError(MtinstError):
    """A file that cannot be read as MIDI, or notes that cannot be written as MIDI."""


class CheckpointError(MtinstError):
    """A weights file that is missing, damaged, or of another format."""


class SynthesisError(MtinstError):
    """No synthesiser or soundfont can play the notes."""
