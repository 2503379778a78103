"""How much of what comes in is held at once: a number of bodies, and of bytes of all of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException

MAX_AT_ONCE = 256  # bodies held in memory; beyond it a sender is asked to come again
MAX_THROWN_AWAY_AT_ONCE = 32  # bodies that are read for their sender's sake only
MAX_BYTES = 32 * 1024 * 1024  # of all bodies together, while they arrive and are kept
ALWAYS = 64 * 1024  # bytes of a body that need no room: usual alerts come in beside huge bodies
LARGE = 1024 * 1024  # bytes; decoded one takes many times as much, so one at a time


@dataclass
class Hall:
    """The room for bodies of one server; it belongs to one loop."""

    bodies: int = 0
    taken: int = 0  # bytes beyond ALWAYS of each body
    thrown_away: int = 0  # at once
    one: asyncio.Lock = field(default_factory=asyncio.Lock)  # held while a large body is decoded

    @contextmanager
    def place(self) -> Iterator["Place"]:
        """Hold a place for one body; raises 503 when there is none."""
        if self.bodies >= MAX_AT_ONCE:
            raise full()
        place = Place(self)
        self.bodies += 1
        try:
            yield place
        finally:
            self.bodies -= 1
            self.taken -= place.held

    @contextmanager
    def waste(self) -> Iterator[bool]:
        """Say whether one more body may be read for nothing."""
        free = self.thrown_away < MAX_THROWN_AWAY_AT_ONCE
        self.thrown_away += free
        try:
            yield free
        finally:
            self.thrown_away -= free


@dataclass
class Place:
    """The room that one body has."""

    room: Hall
    held: int = 0

    def fits(self, size: int) -> bool:
        """Take room for a body of `size` bytes; False when there is not so much."""
        more = max(size - ALWAYS - self.held, 0)
        if self.room.taken + more > MAX_BYTES:
            return False
        self.held += more
        self.room.taken += more
        return True


def full() -> HTTPException:
    """Return what a sender is told who must come again."""
    return HTTPException(503, "Too much comes in at once; send it again.", {"Retry-After": "5"})
