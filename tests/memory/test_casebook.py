"""What people do with memory: rate, forget, take out, bring in, look at what was learnt."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aiops_agent.adapters.cold_storage import ColdFile
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.postmortem import CaseSource, TriedAction
from aiops_agent.domain.remediation import Action, ActionKind, Recovery
from aiops_agent.memory.casebook import Casebook
from aiops_agent.memory.recall import ArchiveMemory
from tests.contracts.samples import a_case, a_report
from tests.targets import at

NOW = datetime(2026, 11, 28, tzinfo=UTC)
SCALED = TriedAction(
    action=Action(kind=ActionKind("scale_pods"), target=at("payments-api")),
    recovery=Recovery.RECOVERED,
)


@pytest.fixture
def casebook(store: SqlStore, tmp_path: Path) -> Casebook:
    made = Casebook(
        memory=ArchiveMemory(store),
        now=lambda: NOW,
        clean=lambda text: text.replace("s3cret", "[x]"),
        cold=ColdFile(tmp_path / "cold.jsonl"),
    )
    made.memory.remember(a_case(tried=(SCALED,), ending=Ending.FIXED), a_report())
    return made


def test_a_rating_is_kept_with_its_words_and_changes_what_counts(casebook: Casebook) -> None:
    assert [one.helped for one in casebook.stats().remedies] == [1]

    casebook.rate("inc-0001", "pat", right=False, cause=CauseKind.LEAK, words="s3cret \n heap")

    kept = casebook.case("INC-0001")
    assert kept.report == a_report()
    assert (kept.case.ratings[0].by, kept.case.ratings[0].words) == ("pat", "[x] heap")
    made = casebook.stats()
    assert (made.rated_right, made.rated_wrong, made.remedies) == (0, 1, ())
    assert casebook.search("heap")[0].case.id == "INC-0001"
    with pytest.raises(UsageError, match="at most 500 characters"):
        casebook.rate("INC-0001", "pat", right=True, words="x" * 501)


def test_what_memory_does_not_hold_is_told_with_what_to_do(casebook: Casebook) -> None:
    for call in (casebook.case, lambda name: casebook.forget(name, "pat")):
        with pytest.raises(UsageError, match="Memory holds no INC-0009: it keeps incidents that"):
            call("inc-0009")
    with pytest.raises(UsageError, match="Say what to look for"):
        casebook.search(" ")


def test_what_is_forgotten_is_found_by_nothing(casebook: Casebook) -> None:
    assert casebook.forget("inc-0001", "pat") == "INC-0001"

    assert casebook.search("payments-api is slow") == ()
    assert list(casebook.taken_out()) == []
    casebook.memory.remember(a_case(), None)
    assert casebook.stats().cases == 0


def test_everything_is_taken_out_with_its_report(casebook: Casebook) -> None:
    (document,) = casebook.taken_out()

    assert document["case"]["id"] == "INC-0001"
    assert document["report"]["markdown"] == "# Report"


def test_what_is_brought_in_loses_its_secrets_and_counts_for_no_action(casebook: Casebook) -> None:
    told = a_case(id="TOLD-1", title="s3cret key leaked", tried=(SCALED,), source=CaseSource.OWN)

    assert casebook.bring_in([told]) == 1
    hit = casebook.search("key leaked")[0]
    assert (hit.case.title, hit.case.source) == ("[x] key leaked", CaseSource.IMPORTED)
    made = casebook.stats()
    assert (made.cases, made.imported, made.remedies[0].helped) == (2, 1, 1)
    assert casebook.tell("a.csv", "title\nit broke\nit broke again\n", told.environment) == 2
    assert casebook.tell("a.md", "# it broke", told.environment) == 1
