"""The page in a process of its own, for tests that want to hurt it: started, killed, asked as programs ask it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from gradio_client.utils import apply_diff

PROJECT = Path(__file__).resolve().parents[1]
START_PATIENCE_S = 600  # a machine may be busy with something else
PATIENCE_S = 120


@dataclass
class Server:
    """A page that serves; a context manager that ends it."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """End it as a cable pulled out would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def memory_mb(self) -> float:
        """What it holds of the machine's memory; Linux only."""
        fields = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in fields if line.startswith("VmRSS")) / 1000

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def serve(folder: Path, environment: Mapping[str, str], hold: Path | None = None) -> Server:
    """Serve the page on a free port.

    Parameters
    ----------
    folder : Path
        Where its results, uploads and examples are.
    environment : mapping of str to str
        Variables of the page's settings.
    hold : Path, optional
        While that file exists, songs stand still (see :mod:`tests.e2e.serve`).
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log.txt"
    variables = {
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "MTINST_CACHE": str(folder / "cache"),
        "MTINST_EXAMPLES": str(folder / "examples"),
        "MTINST_PREPARE": "0",
        **environment,
    }
    program = ["app.py"] if hold is None else ["-m", "tests.e2e.serve", str(hold)]
    with log.open("a") as output:
        process = subprocess.Popen(
            [sys.executable, *program], cwd=PROJECT, env=os.environ | variables, stdout=output, stderr=output
        )
    server = Server(f"http://127.0.0.1:{port}/", process, log)
    deadline = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the page ended by itself:\n{log.read_text()}")
        try:
            urllib.request.urlopen(server.url, timeout=30).close()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
        else:
            return server
    process.kill()
    raise TimeoutError(f"the page did not come up in {START_PATIENCE_S} s:\n{log.read_text()}")


class Visitor:
    """Somebody with a program and an address of their own, who speaks the page's queue over plain HTTP.

    Gradio's own client does the same; this one can also vanish in the middle, as a closed tab does.
    """

    def __init__(self, url: str, name: str, address: str = "") -> None:
        self.url = url
        self.name = name
        self.client = httpx.Client(
            base_url=url, timeout=PATIENCE_S, headers={"X-Forwarded-For": address} if address else None
        )

    def close(self) -> None:
        """Go away."""
        self.client.close()

    def upload(self, path: Path, name: str | None = None) -> httpx.Response:
        """Send a file as browsers do."""
        with path.open("rb") as file:
            return self.client.post("gradio_api/upload", files={"files": (name or path.name, file)})

    def join(self, uploaded: str) -> str:
        """Ask for a transcription of what was uploaded; returns the event's name."""
        data = [{"path": uploaded, "meta": {"_type": "gradio.FileData"}}]
        answer = self.client.post(
            "gradio_api/queue/join",
            json={"fn_index": self._function(), "session_hash": self.name, "data": data},
        )
        answer.raise_for_status()
        event: str = answer.json()["event_id"]
        return event

    @contextmanager
    def listen(self) -> Iterator[Iterator[dict[str, Any]]]:
        """The queue's messages as they come; leaving the block hangs up."""
        query = {"session_hash": self.name}
        with self.client.stream("GET", "gradio_api/queue/data", params=query) as answer:
            yield (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))

    def cancel(self, event: str) -> None:
        """What Stop does."""
        body = {"fn_index": self._function(), "session_hash": self.name, "event_id": event}
        self.client.post("gradio_api/cancel", json=body).raise_for_status()

    def transcribe(self, path: Path, name: str | None = None) -> dict[str, Any]:
        """From the upload to the result; RuntimeError with the page's sentence when it fails."""
        (uploaded,) = self.upload(path, name).raise_for_status().json()
        self.join(uploaded)
        with self.listen() as messages:
            return ended(messages)

    def get(self, address: str) -> httpx.Response:
        """A file of a result."""
        return self.client.get(address)

    def _function(self) -> int:
        config = self.client.get("config").json()
        return next(int(one["id"]) for one in config["dependencies"] if one["api_name"] == "transcribe")


def ended(messages: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
    """The result that comes last; RuntimeError when it is a failure."""
    value: list[Any] = []  # of the outputs: whole at first, then what changed
    for message in messages:
        if message["msg"] == "process_completed" and not message["success"]:
            raise RuntimeError(message["output"]["error"])
        if message["msg"] in ("process_generating", "process_completed"):
            value = _taken_in(value, message["output"].get("data") or [])
        if message["msg"] == "process_completed":
            result: dict[str, Any] = value[0]
            return result
    raise RuntimeError("the page hung up")


def _taken_in(value: list[Any], data: list[Any]) -> list[Any]:
    if len(value) != len(data):
        return data
    return [
        apply_diff(old, new) if isinstance(new, list) else old if new is None else new
        for old, new in zip(value, data, strict=True)
    ]
