"""Many people at once: ``python -m tests.abuse.soak`` serves the page and has clients bring songs all the time.

Each client is Gradio's own, uploads a new song every time, waits in the queue for its result, and looks whether it is
its own: title, length, the MIDI file, the link a second time. Printed is a Markdown table: latencies at the 50th and
95th percentile, failures, how evenly turns were given, and the page's memory at the start, the middle and the end.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile as sf
from gradio_client import Client, handle_file

from tests.served import Server, serve
from tests.tiny import RATE, two_tones, write_weights

MEMORY_EVERY_S = 1.0


@dataclass
class Phase:
    """What happened while so many clients were there.

    Parameters
    ----------
    n_clients : int
    latencies_s : list of float
        From the start of each upload to its result.
    failures : list of str
        Why a song had no result.
    mixed_up : list of str
        Results that were not those of the song that was brought.
    songs_each : list of int
    memory_mb : list of float
        Of the page, once a second.
    seconds : float
    """

    n_clients: int
    latencies_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    mixed_up: list[str] = field(default_factory=list)
    songs_each: list[int] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    seconds: float = 0.0


def soak(server: Server, n_clients: int, folder: Path, *, minutes: float, rounds: int | None = None) -> Phase:
    """Have so many clients bring songs at once, for some minutes or, if given, each that many songs.

    Parameters
    ----------
    server : Server
    n_clients : int
    folder : Path
        Where their songs are made.
    minutes : float
        No song is begun later.
    rounds : int, optional
        Songs of each client; as many as there is time for when None.
    """
    phase = Phase(n_clients, songs_each=[0] * n_clients)
    began = time.monotonic()
    until = began + 60 * minutes
    lock = threading.Lock()
    is_over = threading.Event()

    def bring(number: int) -> None:
        address = f"203.0.113.{number + 1}"
        client = Client(server.url, verbose=False, headers={"X-Forwarded-For": address}, download_files=False)
        # The server closes what was idle for five seconds; a request at that very moment would be lost.
        limits = httpx.Limits(keepalive_expiry=2)
        with httpx.Client(
            base_url=server.url, timeout=600, headers={"X-Forwarded-For": address}, limits=limits
        ) as http:
            while time.monotonic() < until and (rounds is None or phase.songs_each[number] < rounds):
                song = _song(folder, n_clients, number, phase.songs_each[number])
                started = time.monotonic()
                try:
                    result: dict[str, Any] = client.predict(handle_file(song), api_name="/transcribe")
                    took = time.monotonic() - started
                    wrong = _not_of(song, result, http)
                except Exception as error:  # noqa: BLE001 - whatever it is goes into the table
                    with lock:
                        phase.failures.append(f"{type(error).__name__}: {error}")
                else:
                    with lock:
                        phase.latencies_s.append(took)
                        phase.mixed_up += wrong
                phase.songs_each[number] += 1
                song.unlink()

    def look() -> None:
        while not is_over.is_set():
            phase.memory_mb.append(server.memory_mb())
            is_over.wait(MEMORY_EVERY_S)

    looking = threading.Thread(target=look)
    looking.start()
    clients = [threading.Thread(target=bring, args=(number,)) for number in range(n_clients)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    is_over.set()
    looking.join()
    phase.seconds = time.monotonic() - began
    return phase


def table(phases: Sequence[Phase]) -> str:
    """The phases as Markdown."""
    lines = [
        "| clients | minutes | songs | failures | another's | p50, s | p95, s | songs each | MB: start, middle, end |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for phase in phases:
        p50, p95 = np.percentile(phase.latencies_s or [np.nan], (50, 95))
        memory = phase.memory_mb
        some = ", ".join(f"{memory[index]:.0f}" for index in (0, len(memory) // 2, -1))
        each = f"{min(phase.songs_each)}–{max(phase.songs_each)}"
        lines.append(
            f"| {phase.n_clients} | {phase.seconds / 60:.1f} | {sum(phase.songs_each)} | {len(phase.failures)} | "
            f"{len(phase.mixed_up)} | {p50:.1f} | {p95:.1f} | {each} | {some} |"
        )
    return "\n".join(lines)


def _song(folder: Path, n_clients: int, number: int, turn: int) -> Path:
    """A song that nobody brought before, of a length that tells whose it is."""
    path = folder / f"song {n_clients}-{number}-{turn}.wav"
    samples = two_tones(_duration_s(number, turn))
    samples += np.random.default_rng((n_clients, number, turn)).normal(0, 0.001, len(samples)).astype(np.float32)
    sf.write(path, samples, RATE)
    return path


def _duration_s(number: int, turn: int) -> float:
    return 5 + 0.25 * number + turn % 5


def _not_of(song: Path, result: dict[str, Any], http: httpx.Client) -> list[str]:
    """What in a result is not that song's; its files are asked for twice, as by who loads the page again."""
    wrong = []
    _, number, turn = song.stem.removeprefix("song ").split("-")
    wanted_s = _duration_s(int(number), int(turn))
    if result["title"] != song.stem:
        wrong.append(f"{song.stem} was called {result['title']}")
    if abs(result["duration_s"] - wanted_s) > 0.01:
        wrong.append(f"{song.stem} lasts {wanted_s} s, not {result['duration_s']} s")
    first, second = (http.get(result["files"]["midi"]).raise_for_status() for _ in range(2))
    if song.stem not in httpx.Headers(first.headers)["content-disposition"].replace("%20", " "):
        wrong.append(f"the MIDI file of {song.stem} came as another's")
    if not first.content.startswith(b"MThd") or first.content != second.content:
        wrong.append(f"the MIDI file of {song.stem} changed")
    return wrong


def main() -> int:
    """1 when anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.abuse.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for each number of clients")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 5, 20])
    parser.add_argument("--tiny", action="store_true", help="with a network that costs next to nothing")
    options = parser.parse_args()
    phases = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {"MTINST_MAX_WAITING": str(2 * max(options.clients))}
        if options.tiny:
            settings["MTINST_WEIGHTS"] = str(write_weights(folder / "tiny.safetensors"))
        with serve(folder / "page", settings) as server:
            for n_clients in options.clients:
                phases.append(soak(server, n_clients, folder, minutes=options.minutes))
                for sentence in sorted({*phases[-1].failures, *phases[-1].mixed_up}):
                    sys.stderr.write(f"{sentence}\n")
    sys.stdout.write(f"{table(phases)}\n")
    return int(any(phase.failures or phase.mixed_up for phase in phases))


if __name__ == "__main__":
    sys.exit(main())
