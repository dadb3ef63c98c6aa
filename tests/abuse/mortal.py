"""A process that some songs end; in a module of its own, which a new process loads at once."""

import os
import signal
from typing import Any

from mtinst.batch.jobs import Outcome, Settings


def die_on_one(pipe: Any, settings: Settings, facts: dict[str, Any]) -> None:
    """Ended by "once" the first time, by "twice" each time, and by "quits" with an exit status of its own."""
    while True:
        job = pipe.recv()
        is_new = not (settings.folder / job.stem).exists()
        (settings.folder / job.stem).touch()
        if job.stem == "twice" or (job.stem == "once" and is_new):
            os.kill(os.getpid(), signal.SIGKILL)
        if job.stem == "quits":
            os._exit(3)
        pipe.send(Outcome(status="done", record={"stem": job.stem, "threads": os.environ["OMP_NUM_THREADS"]}))
