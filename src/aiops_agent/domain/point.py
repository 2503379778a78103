"""The named boundaries of the story: places where a process may die and nothing may be lost.

The house calls its `Mark` at each of them. In production that does nothing; the durability tests
pass one that ends the process, and fail when a point here was not exercised.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias


class Point(StrEnum):
    """Every durable boundary, in the order of the story."""

    DELIVERY_KEPT = "delivery-kept"
    INCIDENT_OPENED = "incident-opened"
    STORY_STARTED = "story-started"
    TRIAGED = "triaged"
    DIAGNOSED = "diagnosed"
    PLANNED = "planned"
    PREPARED = "prepared"
    REVIEWED = "reviewed"
    ASKED = "asked"
    WAITING = "waiting"
    DECIDED = "decided"
    RECHECKED = "rechecked"
    ARMED = "armed"
    BEFORE_SEND = "before-send"
    SENDING = "sending"  # recorded as begun, and directly before the socket
    AFTER_SEND = "after-send"
    RECORDED = "recorded"
    EXECUTED = "executed"
    SETTLED = "settled"
    VERIFIED = "verified"
    UNDO_ARMED = "undo-armed"
    UNDONE = "undone"
    REPORTED = "reported"
    ARCHIVED = "archived"
    CLOSED = "closed"


Mark: TypeAlias = Callable[[Point], None]


def unmarked(_point: Point) -> None:
    """Do nothing: what production marks."""
