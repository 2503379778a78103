"""A file answers exactly the plan that it names, while its question stands."""

from pathlib import Path
from typing import Any

import pytest

from aiops_agent.adapters.approval_file import ApprovalFiles
from aiops_agent.domain.approval import ApprovalState, RefusedAnswer
from aiops_agent.domain.incident import Status
from aiops_agent.domain.payload import EventType
from aiops_agent.workflow.engine import Engine
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.queries import Queries
from tests.safety.plans import a_plan, an_incident
from tests.workflow.place import Place
from tests.workflow.test_gate import ASK, everything

PLAN = a_plan()
NEWER = a_plan(2).model_copy(update={"attempt": 2})
OF_ANOTHER = a_plan(3).model_copy(update={"incident": "INC-0002"})
ID = "INC-0001.1"


@pytest.fixture
def files(place: Place, tmp_path: Path) -> ApprovalFiles:
    """The folder of a place at which two incidents wait for an answer each."""
    folder = ApprovalFiles(tmp_path / "approvals")
    folder.open_folder()
    for plan in (PLAN, OF_ANOTHER):
        place.put(an_incident(id=plan.incident, status=Status.DIAGNOSING))
        Gate(place.deps).ask(plan, ASK)
    return folder


def taken(place: Place, files: ApprovalFiles, line: str, request: str = ID) -> ApprovalState:
    """Put a line into the file of a request, let the engine take it, and return the state."""
    files.path(request).write_text(line)
    files.path(request).chmod(0o600)
    nothing: Any = None
    engine = Engine(
        deps=place.deps,
        gate=Gate(place.deps),
        queries=Queries(place.store),
        feed=nothing,
        story=nothing,
        receive=nothing,
        busy=nothing,
        answers=files,
        notices=(),
        monitor=nothing,
    )
    engine._take_answer(request)
    return Gate(place.deps).get(request).state


def audit(place: Place) -> tuple[RefusedAnswer, ...]:
    return Queries(place.store).refused()


def test_a_file_answers_the_plan_that_it_names(place: Place, files: ApprovalFiles) -> None:
    assert taken(place, files, f"approve {PLAN.digest}\n") is ApprovalState.APPROVED
    assert audit(place) == ()


OTHERS = {
    "eight digits": PLAN.digest[:8],
    "twelve digits": PLAN.digest[:12],  # enough in a command, whose writer is told at once
    "all but one": PLAN.digest[:63],
    "one too many": PLAN.digest + "0",
    "capitals": "F" * 64,
    "another incident's": OF_ANOTHER.digest,
    "another plan's": NEWER.digest,
    "two plans": f"{OF_ANOTHER.digest} {PLAN.digest}",
    "a second line": f"{PLAN.digest}\nreject {PLAN.digest}",
    "no digest": "",
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_file_that_names_another_plan_decides_nothing(
    place: Place, files: ApprovalFiles, verb: str, name: str
) -> None:
    assert taken(place, files, f"{verb} {OTHERS[name]}\n") is ApprovalState.PENDING
    assert len(audit(place)) == len(place.events(EventType.APPROVAL_REFUSED)) == 1
    assert Gate(place.deps).get("INC-0002.1").state is ApprovalState.PENDING
    assert list(files.folder.iterdir()) == []


@pytest.mark.parametrize("line", [f"approve {PLAN.digest}\n", f"approve {NEWER.digest}\n", "yes\n"])
def test_a_file_for_a_plan_that_was_replaced_changes_nothing(
    place: Place, files: ApprovalFiles, line: str
) -> None:
    gate = Gate(place.deps)
    gate.withdraw("INC-0001", ID, "replaced")
    place.put(an_incident(status=Status.DIAGNOSING))
    newer = gate.ask(NEWER, ASK)
    before = everything(place)

    assert taken(place, files, line) is ApprovalState.WITHDRAWN
    assert gate.get(newer).state is ApprovalState.PENDING
    assert everything(place) == before
    assert [one.request for one in audit(place)] == [ID]


def test_a_file_for_no_request_leaves_no_trace(place: Place, files: ApprovalFiles) -> None:
    before = everything(place)
    with pytest.raises(Exception, match="no approval"):
        taken(place, files, f"approve {PLAN.digest}\n", "INC-0009.1")
    assert everything(place) == before
    assert audit(place) == ()
