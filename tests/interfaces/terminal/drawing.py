"""Draw pieces as plain text at a width."""

import io

from rich.console import Console, RenderableType

from aiops_agent.domain.approval import ApprovalRequest
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.interfaces.terminal.blocks import Blocks
from aiops_agent.interfaces.terminal.follow import Follower
from tests.interfaces.terminal import canned

WIDTHS = (60, 72, 80, 104, 120)


def terminal(width: int) -> Console:
    """Return a console of a terminal that takes no colour."""
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=True,
        color_system=None,
        markup=False,
        highlight=False,
        emoji=False,
    )


def drawn(piece: RenderableType, width: int) -> list[str]:
    """Return the lines of a piece."""
    console = terminal(width)
    console.print(piece)
    return written(console)


def written(console: Console) -> list[str]:
    """Return the lines that a console was given."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def blocks(
    incident: Incident | None = canned.RESOLVED, request: ApprovalRequest | None = canned.REQUEST
) -> Blocks:
    """Return blocks that always find this incident and this request."""
    return Blocks(lambda _: incident, lambda _: request)


def followed(
    console: Console,
    events: tuple[Event, ...] = canned.EVENTS,
    incident: Incident = canned.RESOLVED,
) -> list[str]:
    """Feed a whole story and return the lines."""
    with Follower(console, blocks(incident)) as follower:
        for event in events:
            follower.feed(event)
    return written(console)
