"""Can a person look into memory, rate, take out, bring in and forget, by the command line?"""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aiops_agent.adapters.cold_storage import ColdFile
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.diagnosis import Confidence
from aiops_agent.domain.incident import Ending
from aiops_agent.domain.postmortem import TriedAction
from aiops_agent.domain.remediation import Action, ActionKind, Recovery
from aiops_agent.memory.casebook import Casebook
from aiops_agent.memory.recall import ArchiveMemory
from tests.contracts.samples import a_case, a_report
from tests.interfaces.cli.conftest import Aiops
from tests.interfaces.cli.played import PlayedHouse
from tests.targets import at

NOW = datetime(2026, 11, 28, tzinfo=UTC)
SCALED = TriedAction(
    action=Action(kind=ActionKind("scale_pods"), target=at("payments-api")),
    recovery=Recovery.RECOVERED,
)
PAGE = "# Outage of web\n\nOn 2026-03-01 web answered slowly.\n\n## Root cause\n\nThe pool.\n"


@pytest.fixture(autouse=True)
def casebook(house: PlayedHouse, store: SqlStore, tmp_path: Path) -> Casebook:
    house.casebook = Casebook(
        memory=ArchiveMemory(store),
        now=lambda: NOW,
        clean=lambda text: house.clean(text).text,
        cold=ColdFile(tmp_path / "cold.jsonl"),
    )
    house.casebook.memory.remember(a_case(tried=(SCALED,), ending=Ending.FIXED), a_report())
    return house.casebook


def test_a_confidence_that_promises_too_much_is_told(aiops: Aiops, casebook: Casebook) -> None:
    failed = TriedAction(action=SCALED.action, recovery=Recovery.NOT_RECOVERED)
    for number in range(2, 12):
        case = a_case(id=f"INC-{number:04}", tried=(failed,), confidence=Confidence.HIGH)
        casebook.memory.remember(case, None)
    told = " ".join(aiops("memory", "stats").out.split())
    assert "high was right in 0 of 10: less often than the 75% that it promises" in told
    (one,) = aiops("memory", "stats", "-o", "json").data["confidence"]
    assert (one["confidence"], one["right"], one["wrong"]) == ("high", 0, 10)


def test_a_rehearsed_compaction_says_what_it_would_do(aiops: Aiops) -> None:
    told = aiops("memory", "compact", "--dry-run", "--records", "0")
    assert told.out == ("Of 1 kept (0.0 MB) 0 are beyond the limits: nothing would change.\n")
    made = aiops("memory", "compact", "--records", "0", "-o", "json").data
    assert made.pop("size") > 500
    assert made == {"cases": 1, "over": 0, "merged": 0, "patterns": 0}
    told = aiops("memory", "compact", "--dry-run", "--mb", "0.0001", "--days", "14")
    assert told.out.endswith("nothing would change.\n")


def test_what_is_kept_is_found_shown_and_added_up(aiops: Aiops) -> None:
    (found,) = aiops("memory", "search", "payments-api", "-o", "json").data
    assert found["case"]["id"] == "INC-0001"
    assert "scale_pods payments-api" in aiops("memory", "search", "payments-api").out
    assert aiops("memory", "search", "nothing-like-it").out.strip() == (
        "Nothing like it is remembered."
    )
    assert "INC-0001" in aiops("memory", "show", "inc-0001").out
    assert "1 of 1" in aiops("memory", "stats").out


def test_a_rating_is_kept_and_says_what_it_changes(aiops: Aiops, casebook: Casebook) -> None:
    told = aiops("incident", "rate", "INC-0001", "wrong", "--cause", "leak", "--reason", "heap")

    assert told.code == 0
    assert "what was tried there is no longer counted for or against an action" in told.err
    (rating,) = casebook.case("INC-0001").case.ratings
    assert (rating.right, rating.cause, rating.words) == (False, "leak", "heap")
    assert aiops("memory", "stats", "-o", "json").data["remedies"] == []


def test_what_is_brought_in_counts_for_no_action_and_replaces_nothing(
    aiops: Aiops, casebook: Casebook, tmp_path: Path
) -> None:
    (tmp_path / "kept.jsonl").write_text(aiops("memory", "export").out)
    (tmp_path / "page.md").write_text(PAGE)
    assert json.loads((tmp_path / "kept.jsonl").read_text())["case"]["id"] == "INC-0001"

    told = aiops("memory", "import", str(tmp_path / "page.md"))

    assert "1 incident is kept as told" in told.err
    assert "aiops memory search WORDS" in told.err
    assert {one.source for one in casebook.kept()} == {"own", "imported"}
    aiops("memory", "import", str(tmp_path / "kept.jsonl"))  # what is there stays as it is
    assert [one.helped for one in casebook.stats().remedies] == [1]


def test_what_is_forgotten_is_gone_and_stays_away(aiops: Aiops, casebook: Casebook) -> None:
    assert "INC-0001 is forgotten" in aiops("memory", "forget", "INC-0001").err
    casebook.memory.remember(a_case(), None)
    assert list(casebook.kept()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("memory", "show", "INC-9"), "Memory holds no INC-9"),
        (("memory", "forget", "INC-9"), "Memory holds no INC-9"),
        (("incident", "rate", "INC-9", "right"), "Memory holds no INC-9"),
        (("memory", "import", "nowhere.md"), "nowhere.md cannot be read: No such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    aiops: Aiops, words: tuple[str, ...], said: str
) -> None:
    ran = aiops(*words)
    assert (ran.code, said in ran.err) == (2, True), ran.err
