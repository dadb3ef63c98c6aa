"""``python -m train beats``: how well beats and bars are found in rendered pieces whose tempo and metre are known.

Each piece is played twice: as it is written, and with a tempo that drifts and notes that are a little off the beat.
What is scored are the beats that the page would show. F-measures allow 70 ms, halves and doubles count as wrong; a
tempo is right within 4 per cent of the written beats' median.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import mir_eval
import numpy as np
import pretty_midi
from numpy.typing import NDArray
from tqdm import tqdm

from mtinst.grid import INSTRUMENT_INDEX, INSTRUMENTS, NINE, SPEC
from mtinst.hear.beats import find_beats
from mtinst.pipeline import Transcriber
from mtinst.records import Beats, Note
from train.data.recordings import levelled
from train.data.render import SoundfontPlayer
from train.data.sources import OFFSET, ONSET, PITCH, Track, find_pieces, read_piece
from train.data.timbres import CLASS_OF_PROGRAM

LENGTH_S = 60.0
LEAST_NOTES, LEAST_BEATS = 60, 24
WITH_METRE = ("lied", "sq", "nottingham", "mma", "openmsx", "mutopia", "freedoom")
"""Corpora whose files say where beats are: what people played freely has no bars in its MIDI."""
TEMPO_WITHIN = 0.04
DRIFT_S, DRIFT, JITTER_S = 2.0, 0.03, 0.012
COLUMNS = ("beat F", "tempo right", "downbeat F", "beat F, right notes")


@dataclass(frozen=True)
class Metred:
    """The first minute of a piece without drums, for the nine to play, with its beats and downbeats in seconds."""

    name: str
    tracks: list[Track]
    beats: NDArray[np.float64]
    downbeats: NDArray[np.float64]

    def humanised(self, rng: np.random.Generator) -> "Metred":
        """At a tempo that drifts by some per cent, each note some milliseconds early or late."""
        knots = np.arange(0, LENGTH_S + 2 * DRIFT_S, DRIFT_S)
        pace, paces = 0.0, []
        for _ in knots:
            pace = 0.8 * pace + rng.normal(0, DRIFT)
            paces.append(DRIFT_S * (1 + pace))
        times = np.cumsum(paces) - paces[0]
        tracks = []
        for track in self.tracks:
            notes = track.notes.copy()
            late = rng.normal(0, JITTER_S, len(notes))[:, None]
            notes[:, [ONSET, OFFSET]] = np.maximum(0, np.interp(notes[:, [ONSET, OFFSET]], knots, times) + late)
            tracks.append(Track(track.program, track.is_drum, notes))
        beats, downbeats = (np.interp(seconds, knots, times) for seconds in (self.beats, self.downbeats))
        return Metred(self.name, tracks, beats, downbeats)

    def notes(self) -> list[Note]:
        """What its instruments play."""
        rows = (row for track in self.tracks for row in track.notes.tolist())
        return sorted(Note(row[ONSET], row[OFFSET], pitch=int(row[PITCH])) for row in rows)


def run_beats(midi_dir: Path, weights: Path, soundfont: Path, *, n_pieces: int, seed: int) -> str:
    """Render, transcribe and score pieces of the test side; the table as Markdown, with a line a corpus.

    Raises FileNotFoundError when there is none.
    """
    pieces = _draw(midi_dir, n_pieces, np.random.default_rng(seed))
    if not pieces:
        raise FileNotFoundError(f"{midi_dir} holds no pieces: run `python -m train prepare` first.")
    transcriber, player, rng = Transcriber.load(weights), SoundfontPlayer(soundfont), np.random.default_rng(seed)
    lines = ["| pieces | played | " + " | ".join(COLUMNS) + " |", "|---" * (2 + len(COLUMNS)) + "|"]
    scores: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for piece in tqdm(pieces, desc="pieces", mininterval=5):
        for played, version in (("as written", piece), ("freely", piece.humanised(rng))):
            n_samples = round((LENGTH_S + 2) * SPEC.sample_rate)
            sound = np.zeros(n_samples, np.float32)
            for track in version.tracks:
                sound += player.play(track.notes, track.program, n_samples, is_drum=False, detune=0.0)
            found = transcriber.transcribe(levelled(sound), SPEC.sample_rate)
            row = (*score_beats(found.beats, version), score_beats(find_beats(version.notes()), version)[0])
            for group in (piece.name.split("/")[0], "all"):
                scores.setdefault((group, played), []).append(row)
    for (group, played), rows in sorted(scores.items()):
        cells = " | ".join(f"{mean(column):.3f}" for column in zip(*rows, strict=True))
        lines.append(f"| {group}, {len(rows)} | {played} | {cells} |")
    return "\n".join(lines)


def score_beats(found: Beats | None, truth: Metred) -> tuple[float, float, float]:
    """F-measure of the beats, 1 or 0 for the tempo, F-measure of the downbeats; all 0 where nothing was found.

    Examples
    --------
    >>> beats = np.arange(0, 30, 0.5)
    >>> waltz = Metred("waltz", [], beats, beats[::3])
    >>> score_beats(Beats(times=tuple(beats.tolist()), per_bar=3), waltz)
    (1.0, 1.0, 1.0)
    >>> score_beats(Beats(times=tuple(beats[::2].tolist()), per_bar=3), waltz)[1]
    0.0
    """
    if found is None:
        return 0.0, 0.0, 0.0
    times = np.array(found.times)
    tempo = 60 / float(np.median(np.diff(truth.beats)))
    return (
        _f_measure(truth.beats, times),
        float(abs(found.tempo / tempo - 1) <= TEMPO_WITHIN),
        _f_measure(truth.downbeats, np.array(found.downbeats)),
    )


def _f_measure(truth: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """Between the first and the last beat that both have: a song's silent ends have no beats that one could hear."""
    last = min(truth[-1], found[-1]) + 0.1 if len(found) else 0.0
    first = max(truth[0], found[0]) - 0.1 if len(found) else 0.0
    inside = [times[(times >= first) & (times <= last)] for times in (truth, found)]
    return float(mir_eval.beat.f_measure(*inside))


def _draw(midi_dir: Path, n_pieces: int, rng: np.random.Generator) -> list[Metred]:
    """As many pieces of each corpus as of the next, while there are some."""
    files = [file for file in find_pieces(midi_dir) if file.split == "test" and file.corpus in WITH_METRE]
    rng.shuffle(files)
    drawn: dict[str, Iterator[Metred]] = {
        corpus: _read(midi_dir, [file.path for file in files if file.corpus == corpus]) for corpus in WITH_METRE
    }
    pieces: list[Metred] = []
    while drawn and len(pieces) < n_pieces:
        for corpus, left in list(drawn.items()):
            piece = next(left, None)
            if piece is None:
                del drawn[corpus]
            elif len(pieces) < n_pieces:
                pieces.append(piece)
    return pieces


def _read(midi_dir: Path, paths: Sequence[Path]) -> Iterator[Metred]:
    """Those of the files that say their metre and hold enough notes."""
    for path in paths:
        midi = pretty_midi.PrettyMIDI(str(path))
        tracks = []
        for track in read_piece(path):
            notes = track.notes[track.notes[:, ONSET] < LENGTH_S].copy()
            notes[:, OFFSET] = notes[:, OFFSET].clip(max=LENGTH_S)
            player = CLASS_OF_PROGRAM.get(track.program, "piano")
            if len(notes) and not track.is_drum:
                tracks.append(
                    Track(INSTRUMENTS[INSTRUMENT_INDEX[player if player in NINE else "piano"]].program, False, notes)
                )
        beats, downbeats = (times[times < LENGTH_S] for times in (midi.get_beats(), midi.get_downbeats()))
        n_notes = sum(len(track.notes) for track in tracks)
        if midi.time_signature_changes and n_notes >= LEAST_NOTES and len(beats) >= LEAST_BEATS:
            yield Metred(str(path.relative_to(midi_dir)), tracks, beats, downbeats)
