"""What holds a plan up is said when it changes, and looked at until it is over."""

from typing import Any

import pytest
from dbos import DBOS

from aiops_agent.domain.errors import OnHold
from aiops_agent.workflow import hold
from aiops_agent.workflow.hold import Waiting, unheld


async def test_each_reason_is_said_once_and_what_was_held_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stands = ["stopped", "stopped", "INC-0002 acts there", "stopped"]
    told: list[str] = []
    pauses: list[float] = []

    class Gate:
        def held(self, incident: str, number: int, why: str) -> None:
            assert (incident, number) == ("INC-0001", 1)
            told.append(why)

    async def step(name: str, work: Any, *given: Any) -> Any:
        return work(*given) if name == "held" else await work(*given)

    async def wait(_topic: str, timeout_seconds: float) -> None:
        pauses.append(timeout_seconds)

    async def act(request: str) -> str:
        if stands:
            raise OnHold(stands.pop(0))
        return f"{request} was sent"

    monkeypatch.setattr(hold, "step", step)
    monkeypatch.setattr(DBOS, "recv_async", wait)
    gate: Any = Gate()
    waiting = Waiting(incident="INC-0001", attempt=1, request="INC-0001.1")

    assert await unheld(gate, waiting, "execute", act) == "INC-0001.1 was sent"

    assert told == ["stopped", "INC-0002 acts there", "stopped"]
    assert pauses == [hold.LOOK_SECONDS] * 4
