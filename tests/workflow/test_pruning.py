"""Pages of ended stories: what is removed is counted, what stays is passed over."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from dbos import DBOS

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Status
from aiops_agent.domain.model import ModelCall, ModelRef
from aiops_agent.workflow import pruning
from aiops_agent.workflow.pruning import Pruning
from tests.safety.plans import an_incident
from tests.workflow.place import Place, an_alert

WEEK = timedelta(days=7)


async def test_pages_of_stories_that_stay_hold_up_none_behind_them(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A story may return long before its incident is over: as one that people split."""
    for number in range(1, 4):
        status = Status.OPEN if number == 2 else Status.RESOLVED
        place.put(an_incident(id=f"INC-000{number}", status=status, closed=True))
    stories = ["INC-0001", "INC-0002~1", "INC-0003", "INC-0003~1", "INC-0099"]
    asked: list[dict[str, Any]] = []

    async def listed(*, limit: int, offset: int, **given: Any) -> list[Any]:
        asked.append(given)
        return [SimpleNamespace(workflow_id=name) for name in stories[offset : offset + 2]]

    async def deleted(found: list[str], *, delete_children: bool) -> None:
        assert delete_children
        stories[:] = [name for name in stories if name not in found]

    monkeypatch.setattr(DBOS, "list_workflows_async", listed)
    monkeypatch.setattr(DBOS, "delete_workflows_async", deleted)

    assert await Pruning(place.deps, WEEK, WEEK, WEEK).look() == 4

    assert stories == ["INC-0002~1"]  # it goes on; the last is of an incident that was forgotten
    then = datetime.fromisoformat(asked[0]["completed_before"])
    assert place.clock.at - then == WEEK
    assert asked[0]["has_parent"] is False
    assert set(asked[0]["status"]) == {"SUCCESS", "ERROR", "CANCELLED"}


async def test_handled_bodies_are_counted_page_by_page(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(**_given: Any) -> list[Any]:
        return []

    monkeypatch.setattr(DBOS, "list_workflows_async", none)
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    told: list[str] = []
    for number in range(3):
        kept = place.keep(an_alert(), digest=f"{number:064x}")
        with place.store.begin() as work:
            work.inbox.handled(kept.id, kept.progress)
    found = Pruning(place.deps, WEEK, WEEK, WEEK, lambda: told.append("compacted"))
    assert await found.look() == 0, "not old enough"
    place.clock.go(days=7, seconds=1)

    assert await found.look() == 3
    assert told == ["compacted"] * 2


async def test_what_models_were_sent_for_nobody_s_incident_goes_with_its_age(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searches of memory and cases that were brought in; of an incident its cost stays."""

    async def none(**_given: Any) -> list[Any]:
        return []

    monkeypatch.setattr(DBOS, "list_workflows_async", none)
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    place.put(an_incident(id="INC-0001", status=Status.OPEN))
    found = Pruning(place.deps, WEEK, WEEK, WEEK)

    def ask(*names: str) -> None:
        with place.store.begin() as work:
            for name in names:
                work.calls.keep(_call(name, place.clock.at))

    ask("memory", "memory", "memory", "TOLD-1", "INC-0001")
    place.clock.go(days=7, seconds=1)
    ask("memory")

    assert await found.look() == 4
    with place.store.read() as view:
        left = {name: len(view.calls.of_incident(name)) for name in ("memory", "INC-0001")}
    assert left == {"memory": 1, "INC-0001": 1}


def _call(incident: str, at: datetime) -> ModelCall:
    return ModelCall(
        incident=incident,
        environment=EnvironmentRef(kind="memory", name="questions"),
        agent="memory",
        ordinal=1,
        model=ModelRef(provider="gemini", name="any"),
        place="http://127.0.0.1:80",
        sent={"text": "checkout is slow"},
        started_at=at,
        took=0.1,
    )
