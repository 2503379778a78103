"""Waits while nothing may be done: sending is stopped, a target is taken, the executor is away."""

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from dbos import DBOS

from aiops_agent.domain.errors import OnHold
from aiops_agent.domain.value import Value
from aiops_agent.workflow.durable import step
from aiops_agent.workflow.gate import Gate

P = ParamSpec("P")
R = TypeVar("R")

LOOK_SECONDS = 10.0  # wall time between two looks whether something may be sent by now


class Waiting(Value):
    """A plan that waits for a person: all that the rest of the attempt needs to know.

    These are ids only, so the question may end one workflow and its answer begin the next.
    """

    incident: str
    attempt: int
    request: str


async def unheld(
    gate: Gate, waiting: Waiting, name: str, act: Callable[[str], Coroutine[Any, Any, R]]
) -> R:
    """Act on the request as soon as nothing holds it up; say what does, each change once."""
    place = (waiting.incident, waiting.attempt)
    return await released(gate, place, name, act, waiting.request)


async def released(
    gate: Gate,
    place: tuple[str, int],
    name: str,
    act: Callable[P, Coroutine[Any, Any, R]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Do the same for any work of an attempt; `place` is its incident and its number."""
    told = ""
    while True:
        try:
            return await step(name, act, *args, **kwargs)
        except OnHold as error:
            why = str(error)
        if why != told:
            await step("held", gate.held, *place, why)
        told = why
        await DBOS.recv_async("wake", timeout_seconds=LOOK_SECONDS)
