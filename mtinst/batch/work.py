"""How a song is done: transcribed, its files written, and the record of that."""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from platform import node
from typing import Any

from mtinst.batch.jobs import VERSION, Job, Outcome, Settings, find_record, record_path, state_of
from mtinst.errors import AudioError, CheckpointError, MidiError, MtinstError
from mtinst.export.midi import is_signed
from mtinst.files import display_name, replace_file
from mtinst.pipeline import Transcriber
from mtinst.transcription import Transcription


def load_transcriber(settings: Settings) -> Transcriber:
    """The network with the thresholds of the settings; CheckpointError when it cannot be loaded."""
    loaded = Transcriber.load(settings.checkpoint)
    return Transcriber(loaded.model, settings.applied_to(loaded.thresholds), digest=loaded.digest)


def transcribe_song(
    transcriber: Transcriber,
    job: Job,
    settings: Settings,
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, Any]:
    """Transcribe one song and write its files; returns what ``--json`` prints.

    Raises
    ------
    MtinstError
        If the song cannot be read, its files cannot be written, or one of them would replace what is not ours.
    """
    _spare_right_notes(job, settings)
    start = time.perf_counter()
    try:
        transcription = transcriber.transcribe(
            job.path, progress=progress, longest_s=settings.longest_s, tuning_hz=settings.tuning_hz
        )
        transcription = replace(transcription, timing=settings.timing)
        paths = transcription.save(settings.folder, job.stem, settings.outputs, tuned_midi=settings.tuned_midi)
    except MemoryError as error:
        raise AudioError(f"{display_name(job.path)} needs more memory than there is") from error
    return _line(job.path, transcription, paths, seconds=time.perf_counter() - start)


def _spare_right_notes(job: Job, settings: Settings) -> None:
    """MidiError where a MIDI file stands beside its song that was not transcribed from it."""
    midi = settings.folder / f"{job.stem}.mid"
    is_beside = midi.exists() and os.path.realpath(midi.parent) == os.path.realpath(job.path.parent)
    if is_beside and not settings.overwrites and not is_signed(midi):
        raise MidiError(
            f"{display_name(midi)} beside {display_name(job.path)} may hold its right notes and would be replaced: "
            "name another folder by --out, or say --overwrite"
        )


def work(job: Job, settings: Settings, facts: dict[str, Any]) -> Outcome:
    """Do one job in a process that does many, unless it was done before.

    Parameters
    ----------
    job : Job
    settings : Settings
    facts : dict
        ``settings.facts()`` of when the run began.
    """
    name = display_name(job.path)
    if (line := find_record(job, settings, facts)) is not None:
        return Outcome(status="done", record=line)
    try:
        record_path(job, settings).unlink(missing_ok=True)  # while files are replaced, nothing says that they are whole
        found = state_of(job.path)
        line = transcribe_song(_transcriber(settings, facts["weights"]), job, settings)
        _write_record(job, settings, facts, found, line)
    except CheckpointError as error:
        return Outcome(status="failed", sentence=str(error), stops_all=True)
    except MtinstError as error:
        return Outcome(status="failed", sentence=str(error))
    except OSError as error:
        return Outcome(status="failed", sentence=f"{name} cannot be done: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001 - one song of thousands; what it was stands in the summary
        return Outcome(status="failed", sentence=f"{name} met a fault of mtinst, {type(error).__name__}: {error}")
    return Outcome(status="done", record=line)


@lru_cache(maxsize=1)
def _transcriber(settings: Settings, weights: str) -> Transcriber:
    """By the digest of its weights too: a worker may outlive the file's content."""
    transcriber = load_transcriber(settings)
    if not weights.startswith(transcriber.digest):
        name = display_name(settings.checkpoint)
        raise CheckpointError(f"{name} is not the one that this run began with; start it again")
    return transcriber


def _write_record(
    job: Job, settings: Settings, facts: dict[str, Any], found: dict[str, Any], line: dict[str, Any]
) -> None:
    sizes = {output: (settings.folder / f"{job.stem}.{output}").stat().st_size for output in settings.outputs}
    record = {"version": VERSION, "song": found, "settings": facts, "sizes": sizes, "line": line}
    path = record_path(job, settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(record | {"by": f"{node()}:{os.getpid()}"}, indent=1).encode())


def _line(path: Path, transcription: Transcription, outputs: Sequence[Path], *, seconds: float) -> dict[str, Any]:
    return {
        "file": str(path),
        "duration_s": round(transcription.duration_s, 3),
        "seconds": round(seconds, 3),
        "realtime_factor": round(seconds / transcription.duration_s, 4),
        "instruments": list(transcription.instruments),
        "n_notes": len(transcription.notes),
        "note_counts": transcription.note_counts,
        "verdict": transcription.verdict,
        "damage": transcription.damage,
        "tuning_hz": round(transcription.tuning_hz, 1),
        "tempo": None if transcription.beats is None else round(transcription.beats.tempo, 1),
        "outputs": [str(output) for output in outputs],
    }
