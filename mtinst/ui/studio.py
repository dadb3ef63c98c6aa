"""What happens when somebody brings a song: transcribe it step by step, keep the result, and show it again at once.

A result is made in three stages, each an entry of the cache that the next one builds on, so that what is slow is done
once: the *source* (what the network heard, and the song to play; by audio and weights), the *view* (notes and rolls as
the page shows them; by source and thresholds) and the *files* (each part as audio, and the downloads; by view).
Nothing here knows Gradio.
"""

import json
import logging
import math
import threading
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import soundfile as sf

from mtinst.audio import display_name, load_audio
from mtinst.errors import AudioError, MtinstError
from mtinst.notes import Note, Thresholds, notes_to_roll
from mtinst.pipeline import Progress, Transcriber, warm_up
from mtinst.spec import INSTRUMENT_INDEX, FloatArray
from mtinst.synth import PLAYBACK_RATE, mix, synthesise, write_audio
from mtinst.transcription import Transcription
from mtinst.ui import texts
from mtinst.ui.cache import ResultCache, file_hash, key_of
from mtinst.ui.player.song import song_record
from mtinst.ui.settings import PageSettings

LOG = logging.getLogger(__name__)

VERSION = 1  # of what the entries hold; an entry of another version is never found
WAIT_S = 0.5  # between two looks whether it is one's turn
RECENT = 3  # songs whose rolls stay in memory, so that adjusting them reads nothing from the disk
RECENT_BYTES = 400e6
# Shares of the whole work, from measurements: the network takes most of it, then the synthesiser.
HEARD, DRAWN = 0.75, 0.8


@dataclass(frozen=True, kw_only=True)
class Adjustment:
    """How far a person moved the thresholds away from the checkpoint's.

    Parameters
    ----------
    onset, frame : float
        Log-odds by which the thresholds of that kind are lowered: above 0, more counts as a note.
    instruments : tuple of str
        Only these are reported; in table order, so that one choice is one key of the cache.

    Examples
    --------
    >>> defaults = Thresholds.uniform(frame=0.5)
    >>> Adjustment(frame=1.0).of(defaults).frame[0]
    0.2689
    >>> Adjustment().of(defaults) == defaults
    True
    """

    onset: float = 0.0
    frame: float = 0.0
    instruments: tuple[str, ...] | None = None

    def of(self, thresholds: Thresholds) -> Thresholds:
        """The thresholds moved so."""
        instruments = thresholds.instruments if self.instruments is None else self.instruments
        return replace(
            thresholds,
            onset=_lowered(thresholds.onset, self.onset),
            frame=_lowered(thresholds.frame, self.frame),
            presence=_lowered(thresholds.presence, self.frame),
            instruments=instruments,
        )


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one instrument plays: how many notes, and during which share of the song."""

    name: str
    n_notes: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Working:
    """A step on the way: what goes on, how far it is, and who was heard so far."""

    message: str
    fraction: float
    heard: FloatArray | None = None
    share_heard: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """A song on the page. The folders are entries of the cache; `files_folder` is None while that is being made."""

    title: str
    source_key: str
    source_folder: Path
    view_folder: Path
    files_folder: Path | None
    adjustment: Adjustment
    duration_s: float
    parts: tuple[Part, ...]
    verdict: str | None


class Studio:
    """Transcribes songs for the page and keeps the results. Threads may share it.

    Parameters
    ----------
    settings : PageSettings
    """

    def __init__(self, settings: PageSettings) -> None:
        self.settings = settings
        self.cache = ResultCache(settings.cache, settings.cache_mb * 1e6)
        self._lock = threading.Lock()  # guards the two below
        self._transcriber: Transcriber | None = None
        self._recent: OrderedDict[str, Transcription] = OrderedDict()
        self._work = threading.Lock()  # held by whoever uses the processor; steps of one song come from many threads

    @property
    def transcriber(self) -> Transcriber:
        """The network, loaded when first needed; CheckpointError when it cannot be."""
        with self._lock:
            if self._transcriber is None:
                self._transcriber = Transcriber.load(self.settings.weights)
            return self._transcriber

    def warm_up(self) -> None:
        """Do now what would make the first song wait: load the network, compile the CQT, start the synthesiser."""
        started = time.perf_counter()
        try:
            warm_up()
            noise = np.random.default_rng(0).standard_normal(self.transcriber.spec.sample_rate, np.float32)
            self.transcriber.transcribe(noise, self.transcriber.spec.sample_rate)
            synthesise([Note(0.0, 0.1, pitch=60)], duration_s=0.1)
        except MtinstError as error:  # the page says so when somebody asks for a song
            LOG.error("%s", error)
        LOG.info("warm after %.1f s", time.perf_counter() - started)

    def transcribe(self, path: Path, title: str) -> Generator[Working | Result, None, None]:
        """All of a song, by the checkpoint's thresholds: steps, then the notes, then the same with its files.

        Closing the iterator cancels; a stage that was finished is kept.

        Raises
        ------
        MtinstError
            If the file is not audio, or beyond the limits of the settings, or a result cannot be kept.
        """
        yield Working(message=texts.READING, fraction=0.0)
        self.check_limits(path)
        source_key = key_of("source", version=VERSION, audio=file_hash(path), weights=self.transcriber.digest)
        if self.cache.find(source_key) is None:
            yield from self._alone(lambda: self._hear(path, source_key))
            yield Working(message="Writing down the notes", fraction=HEARD)
        result = self.view(source_key, title, Adjustment())
        yield result
        if result.files_folder is None:
            yield from self.make_files(result)

    def view(self, source_key: str, title: str, adjustment: Adjustment) -> Result:
        """The notes of a song that was heard before; its files too when they are there.

        Raises
        ------
        MtinstError
            If the song is no longer kept.
        """
        source_folder = self._source_folder(source_key)
        view_key = key_of("view", version=VERSION, source=source_key, **asdict(adjustment))
        view_folder = self.cache.find(view_key)
        if view_folder is None:
            transcription = self._transcription(source_key).decode(adjustment.of(self.transcriber.thresholds))
            with self.cache.write(view_key) as folder:
                (folder / "song.json").write_text(json.dumps(song_record(transcription)))
                (folder / "summary.json").write_text(json.dumps(_summary(transcription)))
            view_folder = self.cache.folder / view_key
        found = json.loads((view_folder / "summary.json").read_text())
        return Result(
            title=title,
            source_key=source_key,
            source_folder=source_folder,
            view_folder=view_folder,
            files_folder=self.cache.find(_files_key(source_key, title, adjustment)),
            adjustment=adjustment,
            duration_s=found["duration_s"],
            parts=tuple(Part(**part) for part in found["parts"]),
            verdict=found["verdict"],
        )

    def make_files(self, result: Result) -> Generator[Working | Result, None, None]:
        """Play every part and write the downloads: steps, then the result with its files."""
        key = _files_key(result.source_key, result.title, result.adjustment)
        if self.cache.find(key) is None:
            yield from self._alone(lambda: self._make_files(result, key))
        yield replace(result, files_folder=self.cache.folder / key)

    def check_limits(self, path: Path) -> None:
        """AudioError for a file that is beyond the limits, as far as can be told without decoding it."""
        name = display_name(path)
        try:
            n_bytes = path.stat().st_size
        except OSError as error:
            raise AudioError(f"{name} is no longer there; please bring it again") from error
        if n_bytes > self.settings.max_mb * 1e6:
            raise AudioError(texts.too_large(name, n_bytes, self.settings.max_mb))
        try:
            duration_s = sf.info(path).duration
        except (sf.LibsndfileError, TypeError):  # a format that has to be decoded first, or no audio at all
            return
        self._check_duration(name, duration_s)

    def _check_duration(self, name: str, duration_s: float) -> None:
        if duration_s > self.settings.max_minutes * 60:
            raise AudioError(texts.too_long(name, duration_s, self.settings.max_minutes))

    def _alone(self, work: Callable[[], Iterator[Working]]) -> Iterator[Working]:
        """Do a piece of work once nobody else's is being done, since each would use the whole processor."""
        while not self._work.acquire(timeout=WAIT_S):
            yield Working(message=texts.WAITING, fraction=0.0)
        try:
            yield from work()
        finally:
            self._work.release()

    def _make_files(self, result: Result, key: str) -> Iterator[Working]:
        yield Working(message="Playing the parts", fraction=DRAWN)
        heard = self._transcription(result.source_key)
        transcription = heard.decode(result.adjustment.of(self.transcriber.thresholds))
        with self.cache.write(key) as folder:
            stems = synthesise(transcription.notes, duration_s=transcription.duration_s, sample_rate=PLAYBACK_RATE)
            for name, samples in stems.items():
                write_audio(folder / f"{name}.flac", samples, PLAYBACK_RATE)
            if stems:
                write_audio(folder / "all-parts.flac", mix(stems), PLAYBACK_RATE)
                with zipfile.ZipFile(folder / "parts.zip", "w") as archive:  # FLAC does not get any smaller
                    for name in stems:
                        archive.write(folder / f"{name}.flac", f"{name}.flac")
            yield Working(message="Writing the downloads", fraction=0.95)
            transcription.save_midi(folder / "notes.mid")
            transcription.save_npz(folder / "rolls.npz")
            transcription.save_png(folder / "overview.png", title=result.title)

    def _hear(self, path: Path, source_key: str) -> Iterator[Working]:
        """Run the network over a song and keep what it heard, with the song itself for players."""
        spec = self.transcriber.spec
        samples = load_audio(path, spec.sample_rate)
        duration_s = len(samples) / spec.sample_rate
        self._check_duration(display_name(path), duration_s)
        for step in self.transcriber.stream(samples, spec.sample_rate):
            if isinstance(step, Transcription):
                with self.cache.write(source_key) as folder:
                    step.save_npz(folder / "rolls.npz")
                    write_audio(folder / "original.flac", load_audio(path, PLAYBACK_RATE), PLAYBACK_RATE)
                self._remember(source_key, step)
            else:
                yield _working(step, duration_s)

    def _source_folder(self, source_key: str) -> Path:
        folder = self.cache.find(source_key)
        if folder is None:
            raise MtinstError("This song is no longer kept here; please transcribe it again.")
        return folder

    def _transcription(self, source_key: str) -> Transcription:
        """What the network heard, from memory or from the cache."""
        with self._lock:
            if source_key in self._recent:
                self._recent.move_to_end(source_key)
                return self._recent[source_key]
        path = self._source_folder(source_key) / "rolls.npz"
        transcription = Transcription.load_npz(path, self.transcriber.spec)
        self._remember(source_key, transcription)
        return transcription

    def _remember(self, source_key: str, transcription: Transcription) -> None:
        """Keep a few songs in memory, and never more than `RECENT_BYTES` of them."""
        with self._lock:
            self._recent[source_key] = transcription
            while len(self._recent) > RECENT or sum(map(_n_bytes, self._recent.values())) > RECENT_BYTES:
                self._recent.popitem(last=False)


def _files_key(source_key: str, title: str, adjustment: Adjustment) -> str:
    return key_of("files", version=VERSION, source=source_key, title=title, **asdict(adjustment))


def _working(step: Progress, duration_s: float) -> Working:
    heard = None if step.partial is None else step.partial.instrument_roll
    heard_s = 0.0 if step.partial is None else step.partial.duration_s
    return Working(
        message=step.message, fraction=HEARD * step.fraction, heard=heard, share_heard=heard_s / max(duration_s, 1e-6)
    )


def _summary(transcription: Transcription) -> dict[str, object]:
    """What the page says about a song in words."""
    sounding = notes_to_roll(transcription.notes, transcription.rolls.n_frames, transcription.spec)
    parts = []
    for name, count in transcription.note_counts.items():
        share = float(sounding[INSTRUMENT_INDEX[name]].any(axis=0).mean())
        parts.append(asdict(Part(name=name, n_notes=count, share=share)))
    return {"duration_s": transcription.duration_s, "parts": parts, "verdict": transcription.verdict}


def _lowered(thresholds: tuple[float, ...], log_odds: float) -> tuple[float, ...]:
    """Thresholds with that much taken off their log-odds; those of 0 and 1, which say never and always, stay."""
    if log_odds == 0:
        return thresholds
    return tuple(
        round(1 / (1 + math.exp(log_odds) * (1 - value) / value), 4) if 0 < value < 1 else value for value in thresholds
    )


def _n_bytes(transcription: Transcription) -> int:
    return sum(roll.nbytes for roll in (*transcription.rolls, transcription.levels))
