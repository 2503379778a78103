"""How an action is done in Docker: the requests, what they touch, and their words."""

from dataclasses import dataclass

from aiops_agent.adapters.docker.payload import Payload


@dataclass(frozen=True)
class Way:
    """The requests, and their words."""

    payloads: tuple[Payload, ...]
    touched: int
    interrupts: bool
    words: str
    run: str
    rights: tuple[str, ...] = ()
    undo: str = ""
