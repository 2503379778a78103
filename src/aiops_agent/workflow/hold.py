"""Waits while nothing may be sent: sending is stopped, or another incident acts on the target."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from dbos import DBOS

from aiops_agent.domain.errors import OnHold
from aiops_agent.domain.value import Value
from aiops_agent.workflow.durable import step
from aiops_agent.workflow.gate import Gate

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
    told = ""
    while True:
        try:
            return await step(name, act, waiting.request)
        except OnHold as error:
            why = str(error)
        if why != told:
            await step("held", gate.held, waiting.incident, waiting.attempt, why)
        told = why
        await DBOS.recv_async("wake", timeout_seconds=LOOK_SECONDS)
