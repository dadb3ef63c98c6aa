"""Whose song is next: one is worked on at a time, since each would use the whole processor, and the others wait."""

import threading
import time
from collections.abc import Hashable
from itertools import count

from mtinst.errors import MtinstError
from mtinst.page import texts

ASLEEP_S = 5.0
"""Whoever has not asked for so long whether the turn has come is passed over until then."""


class LineFullError(MtinstError):
    """Too many songs wait already."""


class Line:
    """Tickets, served one after the other: first come, first served, but in rounds.

    In each round everybody has one turn, so that who brings ten songs does not keep the others waiting for all ten;
    whoever comes joins in the next round, so that those who come later do not keep them waiting either. A turn counts
    once it was taken; whoever leaves before loses nothing. Threads may share it.

    Parameters
    ----------
    most : int
        Songs that may wait or be worked on.
    most_each : int
        The same of one visitor.

    Examples
    --------
    >>> line = Line(most=5, most_each=2)
    >>> first, second, other = line.join("me"), line.join("me"), line.join("you")
    >>> first.wait(0), other.wait(0), second.ahead, other.ahead
    (True, False, 2, 1)
    >>> first.leave()
    >>> second.wait(0), other.wait(0)
    (False, True)
    """

    def __init__(self, most: int, most_each: int) -> None:
        self.most = most
        self.most_each = most_each
        self._changed = threading.Condition()
        self._numbers = count()
        self._waiting: list[Ticket] = []  # as they came
        self._served: Ticket | None = None
        self._round = 0  # of the latest turn
        self._next_round: dict[Hashable, int] = {}  # the first one in which somebody may have a turn again

    def join(self, who: Hashable, *, is_song: bool = False, is_background: bool = False) -> "Ticket":
        """Wait behind the others.

        Parameters
        ----------
        who : hashable
            Tells visitors apart.
        is_song : bool
            Whether this is a song that was brought just now, and so counts against the limits.
        is_background : bool
            Whether everybody who comes later goes first.

        Raises
        ------
        LineFullError
            If too many songs wait, or too many of that visitor's.
        """
        with self._changed:
            if is_song:
                songs = [ticket for ticket in (self._served, *self._waiting) if ticket is not None and ticket.is_song]
                own = sum(ticket.who == who for ticket in songs)
                if own >= self.most_each:
                    raise LineFullError(texts.too_many_of_yours(own))
                if len(songs) >= self.most:
                    raise LineFullError(texts.too_many(len(songs)))
            ticket = Ticket(self, who, is_song, is_background, self._round + 1, next(self._numbers))
            self._waiting.append(ticket)
            return ticket

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits, work in the background left aside."""
        with self._changed:
            return any(not ticket.is_background for ticket in self._waiting)

    def _order(self) -> list[tuple[bool, int, bool, int, "Ticket"]]:
        """Those who wait, with the round of each, as they will be served."""
        rounds = dict(self._next_round)
        order = []
        latest = time.monotonic() - ASLEEP_S
        for ticket in self._waiting:
            if ticket.asked < latest:
                continue
            turn = max(ticket.arrived, rounds.get(ticket.who, 0))
            rounds[ticket.who] = turn + 1
            has_had_one = turn > ticket.arrived
            order.append((ticket.is_background, turn, has_had_one, ticket.number, ticket))
        return sorted(order, key=lambda entry: entry[:-1])

    def _take(self, ticket: "Ticket") -> bool:
        """Give that ticket its turn if it has come."""
        if self._served is None:
            _, turn, _, _, first = self._order()[0]
            if first is ticket:
                self._waiting.remove(ticket)
                self._served = ticket
                self._round = turn
                self._next_round[ticket.who] = turn + 1
                # Whoever had no turn lately has nothing to wait for, and need not be remembered.
                self._next_round = {who: turn for who, turn in self._next_round.items() if turn > self._round}
        return self._served is ticket


class Ticket:
    """A place in a :class:`Line`; made by :meth:`Line.join`."""

    def __init__(
        self, line: Line, who: Hashable, is_song: bool, is_background: bool, arrived: int, number: int
    ) -> None:
        self.who = who
        self.is_song = is_song
        self.is_background = is_background
        self.arrived = arrived  # in which round
        self.number = number
        self.asked = time.monotonic()
        self._line = line

    @property
    def ahead(self) -> int:
        """How many are served before this one, the one being served now included; 0 for that one itself."""
        line = self._line
        with line._changed:
            if line._served is self:
                return 0
            tickets = [entry[-1] for entry in line._order()]
            return (tickets.index(self) if self in tickets else 0) + (line._served is not None)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the turn, that long at most; whether it has come."""
        line = self._line
        with line._changed:
            self.asked = time.monotonic() + timeout_s
            return line._changed.wait_for(lambda: line._take(self), timeout_s)

    def leave(self) -> None:
        """Make room for the next, whether there was a turn or not."""
        line = self._line
        with line._changed:
            if line._served is self:
                line._served = None
            elif self in line._waiting:
                line._waiting.remove(self)
            line._changed.notify_all()
