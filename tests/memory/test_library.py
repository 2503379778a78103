"""What people do with memory: rate, forget, take out, bring in, look at what was learnt."""

from datetime import UTC, datetime

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.postmortem import CaseSource, TriedAction
from aiops_agent.domain.remediation import Action, ActionKind, Recovery
from aiops_agent.memory.library import Library
from aiops_agent.memory.recall import ArchiveMemory
from tests.contracts.samples import a_case, a_report
from tests.targets import at

NOW = datetime(2026, 11, 28, tzinfo=UTC)
SCALED = TriedAction(
    action=Action(kind=ActionKind("scale_pods"), target=at("payments-api")),
    recovery=Recovery.RECOVERED,
)


@pytest.fixture
def library(store: SqlStore) -> Library:
    made = Library(ArchiveMemory(store), lambda: NOW, lambda text: text.replace("s3cret", "[x]"))
    made.memory.remember(a_case(tried=(SCALED,), ending=Ending.FIXED), a_report())
    return made


def test_a_rating_is_kept_with_its_words_and_changes_what_counts(library: Library) -> None:
    assert [one.helped for one in library.stats().remedies] == [1]

    library.rate("inc-0001", "pat", right=False, cause=CauseKind.LEAK, words="s3cret \n heap")

    kept = library.case("INC-0001")
    assert kept.report == a_report()
    assert (kept.case.ratings[0].by, kept.case.ratings[0].words) == ("pat", "[x] heap")
    made = library.stats()
    assert (made.rated_right, made.rated_wrong, made.remedies) == (0, 1, ())
    assert library.search("heap")[0].case.id == "INC-0001"
    with pytest.raises(UsageError, match="at most 500 characters"):
        library.rate("INC-0001", "pat", right=True, words="x" * 501)


def test_what_memory_does_not_hold_is_told_with_what_to_do(library: Library) -> None:
    for call in (library.case, lambda name: library.forget(name, "pat")):
        with pytest.raises(UsageError, match="Memory holds no INC-0009: it keeps incidents that"):
            call("inc-0009")
    with pytest.raises(UsageError, match="Say what to look for"):
        library.search(" ")


def test_what_is_forgotten_is_found_by_nothing(library: Library) -> None:
    assert library.forget("inc-0001", "pat") == "INC-0001"

    assert library.search("payments-api is slow") == ()
    assert list(library.taken_out()) == []
    library.memory.remember(a_case(), None)
    assert library.stats().cases == 0


def test_everything_is_taken_out_with_its_report(library: Library) -> None:
    (document,) = library.taken_out()

    assert document["case"]["id"] == "INC-0001"
    assert document["report"]["markdown"] == "# Report"


def test_what_is_brought_in_loses_its_secrets_and_counts_for_no_action(library: Library) -> None:
    told = a_case(id="TOLD-1", title="s3cret key leaked", tried=(SCALED,), source=CaseSource.OWN)

    assert library.bring_in([told]) == 1
    hit = library.search("key leaked")[0]
    assert (hit.case.title, hit.case.source) == ("[x] key leaked", CaseSource.IMPORTED)
    made = library.stats()
    assert (made.cases, made.imported, made.remedies[0].helped) == (2, 1, 1)
    assert library.tell("a.csv", "title\nit broke\nit broke again\n", told.environment) == 2
    assert library.tell("a.md", "# it broke", told.environment) == 1
