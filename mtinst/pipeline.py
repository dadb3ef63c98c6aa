"""The whole system in one place: a song in, who plays which note out.

    hear/audio.read_audio          a file or an array, to mono at 16 kHz
    hear/tuning.estimate_tuning    how high its A is
    hear/cqt.log_cqt               its spectrum, some rows a semitone, 31.25 frames a second
    hear/windows.iter_windows      the network, window by window: probabilities of instruments, pitches and onsets
    hear/players.assign_players    who plays, decided for each note as a whole
    hear/notes.rolls_to_notes      probabilities to notes
    hear/beats.find_beats          notes to beats and bars

:class:`Transcriber` runs these stages; :class:`~mtinst.transcription.Transcription` is what comes out. PyTorch takes
seconds to import, so that is done when a network is loaded, and the page and the command line are there before it.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from mtinst.files import DEFAULT_WEIGHTS
from mtinst.grid import CONCERT_HZ, FeatureSpec, FloatArray, clock
from mtinst.hear.analysis import SHORTEST_S
from mtinst.hear.audio import LONGEST_S, Recording, as_samples, read_audio, to_mono
from mtinst.hear.players import assign_players
from mtinst.hear.tuning import (
    HIGHEST_HZ,
    LOWEST_HZ,
    UNHEARD_SEMITONES,
    estimate_tuning,
    is_tuning,
    semitones_from_concert,
)
from mtinst.records import Rolls, Thresholds, round_roll
from mtinst.transcription import Transcription

__all__ = ["DEFAULT_WEIGHTS", "Progress", "Transcriber", "Transcription"]

Audio = str | os.PathLike[str] | ArrayLike | Recording
Stage = Literal["load", "cqt", "network", "notes"]

SILENCE = 1e-4
"""A clip that never leaves its mean by more than this, -80 dB of full scale, is silent."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a transcription is.

    Parameters
    ----------
    fraction : float
        Of the whole work, 0 to 1.
    stage : "load", "cqt", "network" or "notes"
        What starts now, or what goes on.
    message : str
        The same for a person.
    partial : Transcription, optional
        The song up to where the network is; its notes are decoded only when asked for. It shows what is still being
        worked on: look at it before asking for the next step.
    """

    fraction: float
    stage: Stage
    message: str
    partial: Transcription | None = None


class Transcriber:
    """A trained network, ready to transcribe. It keeps no state between songs, so threads may share it.

    Parameters
    ----------
    model : UNet or Committee
        In evaluation mode.
    thresholds : Thresholds
        Where probabilities become notes, unless told otherwise.
    digest : str
        Names the weights in a cache key: the first 16 hexadecimal digits of their file's SHA-256.

    Examples
    --------
    >>> from mtinst.hear.unet import ModelConfig, UNet
    >>> transcriber = Transcriber(UNet(ModelConfig(widths=(4, 8))).eval(), Thresholds.uniform())
    >>> transcription = transcriber.transcribe(np.zeros(16000), sample_rate=16000)
    >>> transcription.piano_roll.shape, transcription.notes
    ((11, 88, 32), [])
    >>> transcription.verdict
    'The clip is silent, or nothing in it is within the range of a piano.'
    """

    def __init__(self, model: Any, thresholds: Thresholds, *, digest: str = "") -> None:
        self.model = model
        self.thresholds = thresholds
        self.digest = digest

    @classmethod
    def load(cls, path: str | Path | None = None) -> "Transcriber":
        """Read a checkpoint, ``weights/default.safetensors`` unless told otherwise; CheckpointError when that fails."""
        from mtinst.hear.checkpoint import load_checkpoint

        model, info = load_checkpoint(DEFAULT_WEIGHTS if path is None else path)
        return cls(model, info.thresholds, digest=info.digest)

    @property
    def spec(self) -> FeatureSpec:
        """The features that the network was trained on."""
        spec: FeatureSpec = self.model.spec
        return spec

    def transcribe(
        self,
        audio: Audio,
        sample_rate: float | None = None,
        progress: Callable[[float, str], None] | None = None,
        *,
        longest_s: float = LONGEST_S,
        tuning_hz: float | None = None,
    ) -> Transcription:
        """Transcribe a song.

        Parameters
        ----------
        audio : str, path, array_like or Recording
            A file, or samples of the shape (n_samples,), (n_samples, n_channels) or (n_channels, n_samples), or what
            :func:`~mtinst.hear.audio.read_audio` made of a file.
        sample_rate : float, optional
            Of an array, in Hz; a file says its own.
        progress : callable, optional
            Called with the fraction done and what goes on.
        longest_s : float
            Longer files are refused.
        tuning_hz : float, optional
            Frequency of the song's A above middle C, 392 to 493 Hz; estimated unless given.

        Returns
        -------
        Transcription
            Without notes when the song is silent, very short, or nothing in it has a pitch; its `verdict` says so.

        Raises
        ------
        AudioError
            If the file cannot be read as audio or is too long, or the array is empty or holds NaN or infinite samples.
        ValueError
            If it is neither file nor samples, if samples come without their rate or with an absurd one, or a file with
            one, or if nothing is tuned so.
        """
        for step in self.stream(audio, sample_rate, longest_s=longest_s, tuning_hz=tuning_hz):
            fraction, message = (1.0, "Done") if isinstance(step, Transcription) else (step.fraction, step.message)
            if progress is not None:
                progress(fraction, message)
            if isinstance(step, Transcription):
                return step
        raise AssertionError("stream() ends with a Transcription")

    def stream(
        self,
        audio: Audio,
        sample_rate: float | None = None,
        *,
        longest_s: float = LONGEST_S,
        tuning_hz: float | None = None,
    ) -> Iterator[Progress | Transcription]:
        """:meth:`transcribe` step by step: a :class:`Progress` after each window, and last the Transcription.

        Closing the generator cancels.
        """
        from mtinst.hear.cqt import by_pitch, log_cqt
        from mtinst.hear.windows import iter_windows

        if tuning_hz is not None and not is_tuning(tuning_hz):
            raise ValueError(f"tuning_hz must be from {LOWEST_HZ:g} to {HIGHEST_HZ:g}, not {tuning_hz}")
        yield Progress(fraction=0.0, stage="load", message="Reading the audio")
        recording = self._recording(audio, sample_rate, longest_s)
        samples, unread_s, digest = recording.samples, recording.unread_s, recording.digest
        del audio, recording  # an hour of samples is 230 MB
        duration_s = len(samples) / self.spec.sample_rate
        n_frames = self.spec.n_frames(len(samples))
        if duration_s < SHORTEST_S or _is_silent(samples):
            levels = np.zeros((self.spec.n_pitches, n_frames), np.float32)
            rolls = Rolls.zeros(n_frames, self.spec)
            yield self._transcription(rolls, levels, duration_s, unread_s, tuning_hz or CONCERT_HZ, digest)
            return

        yield Progress(fraction=0.04, stage="cqt", message="Looking for pitches")
        tuned_hz = estimate_tuning(samples, self.spec.sample_rate) if tuning_hz is None else tuning_hz
        is_heard = tuning_hz is not None or abs(semitones_from_concert(tuned_hz)) > UNHEARD_SEMITONES
        features = log_cqt(samples, self.spec, tuning_hz=tuned_hz if is_heard else CONCERT_HZ)
        del samples
        levels = by_pitch(features, self.spec)

        yield Progress(fraction=0.1, stage="network", message="Listening")
        for done in iter_windows(self.model, features, self.spec):
            heard_s = min(done.rolls.n_frames / self.spec.frame_rate, duration_s)
            yield Progress(
                fraction=0.1 + 0.85 * done.fraction,
                stage="network",
                message=f"Listening: {clock(heard_s)} of {clock(duration_s)}",
                partial=self._transcription(done.rolls, levels[:, : done.rolls.n_frames], heard_s, unread_s, tuned_hz),
            )

        del features
        yield Progress(fraction=0.96, stage="notes", message="Writing down the notes")
        assign_players(done.rolls)
        for roll in (done.rolls.piano, done.rolls.onset, levels):
            round_roll(roll)
        transcription = self._transcription(done.rolls, levels, duration_s, unread_s, tuned_hz, digest)
        _ = transcription.notes  # decoded here, where progress is shown, not when first asked for
        yield transcription

    def _recording(self, audio: Audio, sample_rate: float | None, longest_s: float) -> Recording:
        if isinstance(audio, Recording | str | os.PathLike):
            if sample_rate is not None:
                raise ValueError("sample_rate is for arrays; a file says its own")
            if not isinstance(audio, Recording):
                return read_audio(Path(audio), self.spec.sample_rate, longest_s=longest_s)
            if audio.sample_rate == self.spec.sample_rate:
                return audio
            return replace(audio, samples=to_mono(audio.samples, audio.sample_rate, self.spec.sample_rate))
        samples = as_samples(audio)
        if sample_rate is None:
            raise ValueError("an array needs its sample_rate")
        return Recording(samples=to_mono(samples, sample_rate, self.spec.sample_rate))

    def _transcription(
        self,
        rolls: Rolls,
        levels: FloatArray,
        duration_s: float,
        unread_s: float,
        tuning_hz: float,
        audio: str = "",
    ) -> Transcription:
        return Transcription(
            rolls=rolls,
            levels=levels,
            thresholds=self.thresholds,
            duration_s=duration_s,
            spec=self.spec,
            unread_s=unread_s,
            tuning_hz=tuning_hz,
            audio=audio,
        )


def _is_silent(samples: FloatArray) -> bool:
    """Whether there is nothing but, at most, a constant offset."""
    mean = samples.mean(dtype=np.float64)
    return bool(max(samples.max() - mean, mean - samples.min()) < SILENCE)
