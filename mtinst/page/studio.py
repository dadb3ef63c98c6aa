"""What happens when somebody brings a song: transcribe it step by step, keep the result, and show it again at once.

A result is made in three stages, each an entry of the cache that the next one builds on, so that what is slow is done
once: the *source* (what the network heard, and the song to play; by audio and weights), the *view* (notes and rolls as
the page shows them; by source, title, thresholds and reference) and the *files* (each part as audio; by source,
thresholds and synthesiser). Previews of a song that is being heard, and references to compare with, are entries too.
Nothing here knows Gradio.
"""

import json
import logging
import re
import shutil
import threading
import time
from collections.abc import Generator, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mtinst.compare import compare_notes
from mtinst.errors import AudioError, MidiError, MtinstError
from mtinst.export.midi import read_midi
from mtinst.files import DEFAULT_WEIGHTS, display_name, file_hash
from mtinst.hear.audio import read_audio
from mtinst.hear.header import Header, read_header
from mtinst.page import entries, texts
from mtinst.page.adjustment import Adjustment
from mtinst.page.cache import ResultCache, key_of, usable_folder
from mtinst.page.examples import Example, heard_beside
from mtinst.page.line import Line
from mtinst.page.recent import RecentSongs
from mtinst.page.results import Part, Preview, Result, Scores, Working, adjustment_from_json
from mtinst.page.settings import PageSettings
from mtinst.pipeline import Progress, Transcriber
from mtinst.records import Note
from mtinst.sound.synth import PLAYBACK_RATE, synthesise, synthesiser_name, write_stems
from mtinst.transcription import Transcription

LOG = logging.getLogger(__name__)

VERSION = 7  # of what the entries hold; an entry of another version is never found
WAIT_S = 1.0  # between two looks at how many are before one
PACE_S = 0.3  # after which a step that takes longer is said again, so that who waits for it can leave
# Threads for steps: one for the song that is worked on, the others for steps whose songs were left in the middle, which
# cannot be interrupted and end by themselves after some seconds.
N_THREADS = 3
# Shares of the whole work: on two cores the synthesiser takes longer than the network and all around it.
HEARD, PLAYED = 0.35, 0.87
PREVIEW_EVERY_S = 1.0
PREVIEW_SHARE = 5.0  # a preview may take one part in this many of the time
OWN_BYTES_A_MINUTE = 60 * PLAYBACK_RATE * 2 * 1.01  # two a sample, and somewhat more where FLAC cannot save any
SHORTEST_S = 0.06  # where no checkpoint says otherwise
VIEW_KEY = re.compile(r"view-[0-9a-f]{32}")


class Studio:
    """Transcribes songs for the page and keeps the results. Threads may share it.

    Parameters
    ----------
    settings : PageSettings
    """

    def __init__(self, settings: PageSettings) -> None:
        self.settings = settings
        self.cache = ResultCache(usable_folder(settings.cache), settings.cache_mb * 1e6)
        self.line = Line(settings.max_waiting, settings.max_waiting_each)
        self._recent = RecentSongs()
        self._loading = threading.Lock()
        self._transcriber: Transcriber | None = None
        self._threads = ThreadPoolExecutor(N_THREADS, "song")

    @property
    def transcriber(self) -> Transcriber:
        """The network, loaded when first needed; CheckpointError when it cannot be."""
        with self._loading:
            if self._transcriber is None:
                self._transcriber = Transcriber.load(self.settings.weights)
            return self._transcriber

    @property
    def header(self) -> Header:
        """What the network's file says of it, before it is loaded too; CheckpointError when it cannot be read."""
        if self._transcriber is None:
            return read_header(self.settings.weights or DEFAULT_WEIGHTS)
        loaded = self._transcriber
        return Header(thresholds=loaded.thresholds, spec=loaded.spec, digest=loaded.digest)

    @property
    def shortest_s(self) -> float:
        """The shortest note by the checkpoint, in seconds."""
        try:
            return self.header.thresholds.shortest_s
        except MtinstError:  # the page says so when somebody asks for a song
            return SHORTEST_S

    def warm_up(self) -> None:
        """Do now what would make the first song wait: load the network, start the synthesiser."""
        started = time.perf_counter()
        try:
            noise = np.random.default_rng(0).standard_normal(self.transcriber.spec.sample_rate, np.float32)
            self.transcriber.transcribe(noise, self.transcriber.spec.sample_rate)
            synthesise([Note(0.0, 0.1, pitch=60)], duration_s=0.1)
        except MtinstError as error:  # the page says so when somebody asks for a song
            LOG.error("%s", error)
        LOG.info("warm after %.1f s", time.perf_counter() - started)

    def prepare(self, examples: Iterable[Example]) -> None:
        """Transcribe the examples while nobody needs the processor, so that a click shows them at once."""
        started = time.perf_counter()
        for example in examples:
            try:
                while not self._prepare(example):
                    time.sleep(WAIT_S)
            except MtinstError as error:  # the others may do
                LOG.error("%s", error)
        LOG.info("examples ready after %.1f s", time.perf_counter() - started)

    def transcribe(
        self,
        path: Path,
        title: str,
        reference: Path | None = None,
        who: Hashable = None,
        *,
        tuning_hz: float | None = None,
        is_background: bool = False,
    ) -> Generator[Working | Result, None, None]:
        """All of a song, by the checkpoint's thresholds: steps, then the notes, then the same with its parts.

        Closing the iterator cancels; a stage that was finished is kept.

        Parameters
        ----------
        path : Path
        title : str
            Of the song, for people.
        reference : Path, optional
            A MIDI file with the right notes.
        who : hashable, optional
            Tells visitors apart, who take turns and may have so many songs waiting each.
        tuning_hz : float, optional
            Frequency of the song's A above middle C; estimated unless given.
        is_background : bool
            Whether everybody else's songs come first.

        Raises
        ------
        MtinstError
            If the song is not audio, or beyond the limits of the settings, the reference is not MIDI or has no notes,
            too many songs wait, or a result cannot be kept.
        """
        yield Working(message=texts.READING, fraction=0.0)
        self.check_limits(path)
        reference_key = None if reference is None else self.keep_reference(reference)
        source_key = self.source_key(path, tuning_hz)
        if self.cache.find(source_key) is None:
            work = self._hear(path, title, source_key, tuning_hz)
            yield from self._alone(work, who, is_song=not is_background, is_background=is_background)
            yield Working(message=texts.WRITING, fraction=HEARD)
        result = self.view(source_key, title, Adjustment(), reference_key)
        yield result
        if result.files_folder is None:
            yield from self.make_files(result, who, is_background=is_background)

    def source_key(self, path: Path, tuning_hz: float | None = None) -> str:
        """What the entry of a song that is tuned so is called; AudioError when the file is gone."""
        heard = {"weights": self.header.digest, "tuning": tuning_hz}
        try:
            return key_of("source", version=VERSION, audio=file_hash(path), **heard)
        except OSError as error:
            raise AudioError(f"{display_name(path)} is no longer there; please bring it again") from error

    def keep_reference(self, path: Path) -> str:
        """Keep a MIDI file to compare with; returns its key.

        Raises
        ------
        MidiError
            If it is not MIDI, or none of its notes has a pitch.
        """
        if not read_midi(path):
            raise MidiError(f"{display_name(path)} has no notes that have a pitch")
        key = key_of("reference", version=VERSION, midi=file_hash(path))
        if self.cache.find(key) is None:
            with self.cache.write(key) as folder:
                shutil.copyfile(path, folder / entries.REFERENCE)
        return key

    def view(self, source_key: str, title: str, adjustment: Adjustment, reference_key: str | None = None) -> Result:
        """The notes of a song that was heard before; its parts too when they are there.

        Raises
        ------
        MtinstError
            If the song is no longer kept.
        """
        source_folder = self._source_folder(source_key)
        reference_folder = None if reference_key is None else self.cache.find(reference_key)
        if reference_folder is None:
            reference_key = None
        asked = {"source": source_key, "title": title, "reference": reference_key, "adjustment": adjustment.to_json()}
        view_key = key_of("view", version=VERSION, **asked)
        view_folder = self.cache.find(view_key)
        if view_folder is None:
            transcription = self.transcription(source_key, adjustment)
            comparison = None
            if reference_folder is not None:
                comparison = compare_notes(transcription.notes, _reference_notes(reference_folder / entries.REFERENCE))
            with self.cache.write(view_key) as folder:
                entries.write_view(folder, transcription, comparison, asked | {"version": VERSION})
            view_folder = self.cache.folder / view_key
        found = json.loads((view_folder / entries.SUMMARY).read_text())
        return Result(
            title=title,
            source_key=source_key,
            source_folder=source_folder,
            view_folder=view_folder,
            files_folder=self.cache.find(_files_key(source_key, adjustment)),
            adjustment=adjustment,
            reference_key=reference_key,
            duration_s=found["duration_s"],
            parts=tuple(Part(**part) for part in found["parts"]),
            verdict=found["verdict"],
            damage=found["damage"],
            tuning_hz=found["tuning_hz"],
            scores=None if found["scores"] is None else Scores(**found["scores"]),
        )

    def open(self, key: str) -> Result:
        """The result whose link names `key`.

        Raises
        ------
        MtinstError
            If it is no longer kept, or never was.
        """
        folder = self.cache.find(key) if VIEW_KEY.fullmatch(key) else None
        if folder is None:
            raise MtinstError(texts.LINK_GONE)
        asked = json.loads((folder / entries.SUMMARY).read_text())
        if asked.get("version") != VERSION:
            raise MtinstError(texts.LINK_GONE)
        adjustment = adjustment_from_json(asked["adjustment"])
        return self.view(asked["source"], asked["title"], adjustment, asked["reference"])

    def make_files(
        self, result: Result, who: Hashable = None, *, is_background: bool = False
    ) -> Generator[Working | Result, None, None]:
        """Play every part: steps, then the result with its files."""
        key = _files_key(result.source_key, result.adjustment)
        if self.cache.find(key) is None:
            yield from self._alone(self._make_files(result, key), who, is_background=is_background)
        yield replace(result, files_folder=self.cache.folder / key)

    def with_parts(self, result: Result) -> Result:
        """The same, with its parts if they were played since."""
        files_folder = result.files_folder or self.cache.find(_files_key(result.source_key, result.adjustment))
        return replace(result, files_folder=files_folder)

    def transcription(self, source_key: str, adjustment: Adjustment) -> Transcription:
        """What the network heard, with its notes by other thresholds; MtinstError when it is no longer kept."""
        heard = self._recent.find(source_key)
        if heard is None:
            heard = Transcription.load_npz(self._source_folder(source_key) / entries.ROLLS, self.header.spec)
            self._recent.keep(source_key, heard)
        # The thresholds of its own weights, which may not be today's.
        return replace(
            heard, edits=adjustment.edits, timing=adjustment.timing, thresholds=adjustment.of(heard.thresholds)
        )

    def check_limits(self, path: Path) -> None:
        """AudioError for a file that is too large, or gone; how long it is shows when it is decoded."""
        name = display_name(path)
        try:
            n_bytes = path.stat().st_size
        except OSError as error:
            raise AudioError(f"{name} is no longer there; please bring it again") from error
        # What the page decoded for a visitor may be larger than the file that was brought, and the limit is for that.
        if n_bytes > max(self.settings.max_mb * 1e6, self.settings.max_minutes * OWN_BYTES_A_MINUTE):
            raise AudioError(texts.too_large(name, n_bytes, self.settings.max_mb))

    def _prepare(self, example: Example) -> bool:
        """Transcribe an example, unless somebody needs the processor; whether it is done."""
        steps = self.transcribe(example.path, example.title, example.reference, is_background=True)
        with closing(steps):
            for _ in steps:
                if self.line.is_wanted:
                    return False
        return True

    def _alone(
        self,
        work: Generator[Working, None, None],
        who: Hashable,
        *,
        is_song: bool = False,
        is_background: bool = False,
    ) -> Iterator[Working]:
        """Do a piece of work once nobody else's is being done, since each would use the whole processor."""
        ticket = self.line.join(who, is_song=is_song, is_background=is_background)
        try:
            while not ticket.wait(WAIT_S):
                yield Working(message=texts.waiting(max(1, ticket.ahead)), fraction=0.0)
            yield from self._paced(work)
        finally:
            ticket.leave()

    def _paced(self, work: Generator[Working, None, None]) -> Iterator[Working]:
        """The steps of a piece of work, each said again until the next one is there.

        So whoever leaves in the middle of a long step makes room at once; the step ends by itself, and the work with
        it.
        """
        latest = Working(message=texts.READING, fraction=0.0)
        step: Future[Working | None] | None = None
        try:
            while True:
                step = self._threads.submit(next, work, None)
                while not wait_for([step], PACE_S).done:
                    yield latest
                done = step.result()
                if done is None:
                    return
                latest = replace(done, preview=None)
                yield done
        finally:
            if step is None or step.done() or step.cancel():
                work.close()
            else:
                step.add_done_callback(lambda _: work.close())

    def _make_files(self, result: Result, key: str) -> Generator[Working, None, None]:
        if self.cache.find(key) is not None:  # made while this visitor waited
            return
        yield Working(message=texts.PLAYING, fraction=HEARD)
        notes = self.transcription(result.source_key, result.adjustment).notes
        n_parts = max(1, len(result.parts))
        with self.cache.write(key) as folder:
            playing = write_stems(
                folder, notes, duration_s=result.duration_s, mix=entries.ALL_PARTS, tuning_hz=result.tuning_hz
            )
            with closing(playing):
                for n_played, _ in enumerate(playing, 1):
                    share = n_played / n_parts
                    yield Working(message=texts.PLAYING, fraction=HEARD + (PLAYED - HEARD) * share)

    def _hear(self, path: Path, title: str, source_key: str, tuning_hz: float | None) -> Generator[Working, None, None]:
        """Run the network over a song and keep what it heard, with the song itself for players."""
        if self.cache.find(source_key) is not None:  # somebody else brought the same song meanwhile
            return
        if (shipped := self._shipped(path, tuning_hz)) is not None:
            found = self._preview(shipped, shipped, title, source_key)
            yield Working(message=texts.WRITING, fraction=HEARD, preview=found)
            self._keep(source_key, shipped, path)
            return
        spec = self.transcriber.spec
        recording = read_audio(path, spec.sample_rate, longest_s=60 * self.settings.max_minutes)
        duration_s = len(recording.samples) / spec.sample_rate
        next_preview = 0.0
        steps = self.transcriber.stream(recording, tuning_hz=tuning_hz)
        del recording  # an hour of it is 230 MB
        for step in steps:
            if isinstance(step, Transcription):
                self._keep(source_key, step, path)
                continue
            preview = None
            if step.partial is not None and time.monotonic() >= next_preview:
                started = time.monotonic()
                preview = self._preview(replace(step.partial, duration_s=duration_s), step.partial, title, source_key)
                took = time.monotonic() - started
                next_preview = time.monotonic() + max(PREVIEW_EVERY_S, PREVIEW_SHARE * took)
            yield _working(step, duration_s, preview)

    def _shipped(self, path: Path, tuning_hz: float | None) -> Transcription | None:
        """What these very weights heard of an example, where that lies beside it."""
        header = self.header
        heard = heard_beside(path, header.digest)
        if tuning_hz is not None or not heard.is_file():
            return None
        try:
            return Transcription.load_npz(heard, header.spec)
        except MtinstError as error:  # it can be heard again
            LOG.warning("%s", error)
            return None

    def _keep(self, source_key: str, transcription: Transcription, path: Path) -> None:
        with self.cache.write(source_key) as folder:
            entries.write_source(folder, transcription, path, longest_s=60 * self.settings.max_minutes)
        self._recent.keep(source_key, transcription)

    def _preview(self, partial: Transcription, heard: Transcription, title: str, source_key: str) -> Preview:
        key = key_of("preview", version=VERSION, source=source_key, frames=partial.rolls.n_frames)
        if self.cache.find(key) is None:
            with self.cache.write(key) as folder:
                entries.write_song(folder, partial)
        return Preview(
            title=title,
            source_key=source_key,
            folder=self.cache.folder / key,
            heard_s=heard.duration_s,
            duration_s=partial.duration_s,
            n_notes=len(partial.notes),
        )

    def _source_folder(self, source_key: str) -> Path:
        folder = self.cache.find(source_key)
        if folder is None:
            raise MtinstError(texts.SONG_GONE)
        return folder


def _files_key(source_key: str, adjustment: Adjustment) -> str:
    heard = adjustment.heard.to_json()
    return key_of("files", version=VERSION, source=source_key, synthesiser=synthesiser_name(), adjustment=heard)


@lru_cache(maxsize=8)
def _reference_notes(path: Path) -> list[Note]:
    """Of an entry of the cache, whose name changes with its content."""
    return read_midi(path)


def _working(step: Progress, duration_s: float, preview: Preview | None) -> Working:
    heard = None if step.partial is None else step.partial.instrument_roll.copy()  # drawn while the next step works
    heard_s = 0.0 if step.partial is None else step.partial.duration_s
    return Working(
        message=step.message,
        fraction=HEARD * step.fraction,
        heard=heard,
        share_heard=heard_s / max(duration_s, 1e-6),
        preview=preview,
    )
