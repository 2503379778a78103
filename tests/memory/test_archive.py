"""Memory over the store: what is kept, for whom it is recalled, and who may load it."""

import re
from pathlib import Path

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.postmortem import PersonRating
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.ports.memory import RecallQuery
from tests.contracts.samples import a_case, a_report, an_incident

SOURCE = Path(__file__).parents[2] / "src" / "aiops_agent"
NEW = an_incident(id="INC-0009", environment=EnvironmentRef.parse("docker:other"))
QUERY = RecallQuery(incident=NEW, cause=CauseKind.CAPACITY)


@pytest.fixture
def memory(store: SqlStore) -> ArchiveMemory:
    return ArchiveMemory(store)


def test_what_was_remembered_twice_is_recalled_once_with_its_reasons(
    memory: ArchiveMemory,
) -> None:
    memory.remember(a_case(), None)
    memory.remember(a_case(), a_report())

    (hit,) = memory.recall(QUERY)

    assert hit.case == a_case()
    assert "same service" in hit.reasons
    assert "same alert HighLatency" in hit.reasons


def test_a_report_stays_when_its_case_is_remembered_again_without(memory: ArchiveMemory) -> None:
    memory.remember(a_case(), a_report())
    memory.remember(a_case(), None)

    with memory.store.read() as view:
        assert view.archive.postmortem(a_case().id) == a_report()


def test_a_case_of_another_kind_of_environment_is_not_recalled(memory: ArchiveMemory) -> None:
    memory.remember(a_case(environment=EnvironmentRef.parse("shop:a")), None)

    assert memory.recall(QUERY) == ()


def test_another_process_is_seen_at_once_and_what_is_forgotten_is_gone(
    memory: ArchiveMemory,
) -> None:
    other = ArchiveMemory(memory.store)
    other.remember(a_case(), None)
    other.remember(a_case(id="INC-0002"), None)
    assert {hit.case.id for hit in memory.recall(QUERY)} == {"INC-0001", "INC-0002"}

    other.remember(a_case(id="INC-0002", service="x", alert_names=("Y",), cause="leak"), None)
    assert [hit.case.id for hit in memory.recall(QUERY)] == ["INC-0001"]
    with memory.store.begin() as work:
        work.archive.forget("INC-0001", "pat", a_case().ended_at)
    other.remember(a_case(), None)  # a repeat of its last step
    assert memory.recall(QUERY) == ()
    assert memory.search("payments-api is slow", limit=1)[0].case.id == "INC-0002"


def test_what_a_person_said_stays_when_the_case_is_remembered_again(memory: ArchiveMemory) -> None:
    said = PersonRating(by="pat", at=a_case().ended_at, right=False, cause=CauseKind.LEAK)
    memory.remember(a_case(ratings=(said,)), None)
    memory.remember(a_case(), None)

    (hit,) = memory.recall(QUERY)
    assert hit.case.ratings == (said,)
    assert hit.case.believed is CauseKind.LEAK
    assert "a person says that we were wrong there" in hit.reasons


def test_nobody_but_memory_loads_cases() -> None:
    loaders = {
        path.relative_to(SOURCE).parts[0]
        for path in SOURCE.rglob("*.py")
        if re.search(r"archive\.(?:cases|named|rows)\(", path.read_text("utf-8"))
    }
    assert loaders == {"memory"}
