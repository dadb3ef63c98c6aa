"""The last few songs in memory, so that adjusting them reads nothing from the disk."""

import threading
from collections import OrderedDict

from mtinst.transcription import Transcription

MOST = 3
MOST_BYTES = 400e6


class RecentSongs:
    """Transcriptions by key: at most `MOST`, and never more than `MOST_BYTES` of them. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._songs: OrderedDict[str, Transcription] = OrderedDict()

    def find(self, key: str) -> Transcription | None:
        """The song of that key, used just now."""
        with self._lock:
            if key in self._songs:
                self._songs.move_to_end(key)
            return self._songs.get(key)

    def keep(self, key: str, transcription: Transcription) -> None:
        """Remember a song, and forget those used longest ago."""
        with self._lock:
            self._songs[key] = transcription
            self._songs.move_to_end(key)
            while len(self._songs) > MOST or sum(map(_n_bytes, self._songs.values())) > MOST_BYTES:
                self._songs.popitem(last=False)


def _n_bytes(transcription: Transcription) -> int:
    return sum(roll.nbytes for roll in (*transcription.rolls, transcription.levels))
