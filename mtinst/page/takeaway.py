"""What a person can take away from a result: which files there are, what they are called, and how they are made.

A file is made when somebody asks for it, from the same notes as the page shows, and kept like all results.
"""

import json
import re
import shutil
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path

import soundfile as sf

from mtinst.errors import MtinstError
from mtinst.export.corrections import SUFFIX, to_corrections
from mtinst.export.formats import write_file
from mtinst.export.midi import song_to_midi
from mtinst.grid import INSTRUMENTS
from mtinst.page import texts
from mtinst.page.cache import key_of
from mtinst.page.player.ghosts import ghost_records
from mtinst.page.results import Result
from mtinst.page.studio import VERSION, Studio
from mtinst.sound.synth import PLAYBACK_RATE, synthesiser_name, write_audio
from mtinst.transcription import Transcription

LONGEST_STEM = 80
NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')  # what Windows, the strictest, does not take
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
SHEETS = ("notes", "instruments", "pitches")


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One file to take away.

    Parameters
    ----------
    slug : str
        Names it in addresses.
    suffix : str
        What its name has after the song's.
    write : callable
        Makes it from the transcription, the folder with the parts as audio, and the song's title, at a path.
    needs_audio : bool
        Whether it is made of the parts as audio.
    """

    slug: str
    suffix: str
    write: Callable[[Transcription, Path, str, Path], object]
    needs_audio: bool = False


def safe_stem(title: str) -> str:
    """A song's title as a file's name without its ending, fit for every system.

    Examples
    --------
    >>> safe_stem('AC/DC: "Back?" '), safe_stem("..."), safe_stem("con"), safe_stem("Für Elise")
    ('AC DC Back', 'song', 'con song', 'Für Elise')
    """
    stem = NOT_IN_NAMES.sub(" ", unicodedata.normalize("NFC", title))
    stem = " ".join(stem.split())[:LONGEST_STEM].strip(" .")
    while len(stem.encode()) > 2 * LONGEST_STEM:  # letters of many bytes count too
        stem = stem[:-1].strip(" .")
    if not stem:
        return "song"
    return f"{stem} song" if RESERVED.fullmatch(stem) else stem


def offers() -> dict[str, Offer]:
    """All there are, by slug."""
    return {offer.slug: offer for offer in _offers()}


def make(studio: Studio, result: Result, offer: Offer, who: Hashable = None) -> Path:
    """The file for that visitor, made now or before; MtinstError when it cannot be, as when the song is gone."""
    synthesiser = {"synthesiser": synthesiser_name()} if offer.needs_audio else {}
    key = key_of("take", version=VERSION, view=result.key, offer=offer.slug, **synthesiser)
    name = f"file.{offer.suffix.rpartition('.')[2]}"  # what it is written as depends on its ending
    folder = studio.cache.find(key)
    if folder is None:
        transcription = studio.transcription(result.source_key, result.adjustment)
        audio = _audio_folder(studio, result, who) if offer.needs_audio else Path()
        with studio.cache.write(key) as partial:
            offer.write(transcription, audio, result.title, partial / name)
        folder = studio.cache.folder / key
    return folder / name


def _audio_folder(studio: Studio, result: Result, who: Hashable) -> Path:
    *_, last = studio.make_files(result, who)
    assert isinstance(last, Result)
    assert last.files_folder is not None
    return last.files_folder


def _offers() -> Iterator[Offer]:
    yield Offer(slug="midi", suffix=".mid", write=_file("mid"))
    for kind in ("png", "svg"):
        yield Offer(slug=f"overview.{kind}", suffix=f".{kind}", write=_file(kind))
        for sheet in SHEETS:
            yield Offer(slug=f"{sheet}.{kind}", suffix=f" - {sheet}.{kind}", write=_picture(sheet))
    yield Offer(slug="npz", suffix=".npz", write=_file("npz"))
    yield Offer(slug="musicxml", suffix=".musicxml", write=_file("musicxml"))
    yield Offer(slug="score.svg", suffix=" - score.svg", write=_file("score.svg"))
    yield Offer(slug="score", suffix=" - score.json.z", write=_pages)
    yield Offer(slug="quantised.mid", suffix=" - quantised.mid", write=_file("quantised.mid"))
    yield Offer(slug="beats.csv", suffix=" - beats.csv", write=_file("beats.csv"))
    yield Offer(slug="corrections", suffix=SUFFIX, write=_corrections)
    yield Offer(slug="jams", suffix=".jams", write=_file("jams"))
    yield Offer(slug="notes.csv", suffix=" - notes.csv", write=_file("csv"))
    yield Offer(slug="activations.csv", suffix=" - activations.csv", write=_file("activations.csv"))
    yield Offer(slug="ghosts.json", suffix=" - ghosts.json", write=_ghosts)  # for the player
    for format_ in ("flac", "wav"):
        yield Offer(slug=f"parts.{format_}", suffix=f" - parts ({format_}).zip", write=_zip(format_), needs_audio=True)
        yield Offer(
            slug=f"mix.{format_}", suffix=f" - all parts.{format_}", write=_sound("all-parts"), needs_audio=True
        )
    for row in INSTRUMENTS:
        tail = f" - {row.label.lower()}"
        yield Offer(slug=f"{row.name}.mid", suffix=f"{tail}.mid", write=_midi_of(row.name))
        for format_ in ("flac", "wav"):
            yield Offer(
                slug=f"{row.name}.{format_}", suffix=f"{tail}.{format_}", write=_sound(row.name), needs_audio=True
            )


def _file(output: str) -> Callable[[Transcription, Path, str, Path], object]:
    return lambda song, _, title, path: write_file(song, path, output, title=title)


def _ghosts(song: Transcription, _: Path, __: str, path: Path) -> None:
    path.write_text(json.dumps(ghost_records(song)))


def _corrections(song: Transcription, _: Path, title: str, path: Path) -> None:
    path.write_text(to_corrections(song, title), "utf-8", newline="")


def _pages(song: Transcription, _: Path, __: str, path: Path) -> None:
    """What the player shows of the score, compressed by zlib."""
    from mtinst.export.score import to_pages  # and with it partitura and verovio

    path.write_bytes(zlib.compress(json.dumps(to_pages(song)).encode()))


def _picture(sheet: str) -> Callable[[Transcription, Path, str, Path], object]:
    def write(song: Transcription, _: Path, __: str, path: Path) -> None:
        from mtinst.export import picture  # which brings Matplotlib: not before somebody wants one

        if sheet == "notes":
            figure = picture.plot_piano_roll(song.notes, song.duration_s)
        elif sheet == "instruments":
            figure = picture.plot_instrument_roll(song.instrument_roll, song.frame_rate)
        else:
            figure = picture.plot_pitch_roll(song.pitch_roll, song.frame_rate)
        path.write_bytes((picture.figure_to_png if path.suffix == ".png" else picture.figure_to_svg)(figure))

    return write


def _midi_of(instrument: str) -> Callable[[Transcription, Path, str, Path], object]:
    def write(heard: Transcription, _: Path, __: str, path: Path) -> None:
        if instrument not in heard.instruments:
            raise MtinstError(texts.NOT_PLAYED)
        with path.open("wb") as file:
            song_to_midi(heard, instrument=instrument).write(file)

    return write


def _sound(name: str) -> Callable[[Transcription, Path, str, Path], object]:
    def write(_: Transcription, audio: Path, __: str, path: Path) -> None:
        source = audio / f"{name}.flac"
        if not source.is_file():
            raise MtinstError(texts.NOT_PLAYED)
        if path.suffix == source.suffix:
            shutil.copyfile(source, path)
        else:
            write_audio(path, sf.blocks(source, PLAYBACK_RATE, dtype="float32"), PLAYBACK_RATE)

    return write


def _zip(format_: str) -> Callable[[Transcription, Path, str, Path], object]:
    def write(heard: Transcription, audio: Path, title: str, path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:  # FLAC does not get any smaller
            for name in heard.instruments:
                sound = path.with_name(f"{name}.{format_}")
                _sound(name)(heard, audio, title, sound)
                archive.write(sound, sound.name)
                sound.unlink()

    return write
