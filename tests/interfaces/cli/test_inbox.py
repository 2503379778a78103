"""Does a person see every body that no incident came of, why, and what to do?"""

from pathlib import Path

import pytest

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.interfaces.cli import inbox
from aiops_agent.workflow.queries import Queries
from tests import seams
from tests.contracts.samples import NOW, a_delivery
from tests.interfaces.cli.conftest import Aiops
from tests.interfaces.cli.played import PlayedHouse

HERE, GONE = EnvironmentRef.parse("docker:local"), EnvironmentRef.parse("docker:gone")
SEEN = "sources: {prometheus: {url: 'http://127.0.0.1:1'}}"
HOSTILE = '{"x": "\x1b[2J\u202e"}\nnext'
NOBODY = "No environment claims it."


@pytest.mark.parametrize(
    ("settings", "worker", "given", "told"),
    [
        (SEEN, "7", {"rejected": "The body is not JSON."}, ("rejected", "not JSON", "sends it")),
        (SEEN, "7", {"environment": None, "unclaimed": NOBODY}, ("unclaimed", NOBODY, "labels")),
        (SEEN, "7", {"environment": GONE}, ("waiting", "not configured any more", "Add it")),
        ("", "7", {}, ("waiting", "no source", "sources.prometheus in aiops.yaml")),
        (SEEN, "", {}, ("waiting", "Nobody works on it", "aiops serve")),
        (SEEN, "7", {}, ("under way", "", "")),
        (
            SEEN,
            "7",
            {"environment": EnvironmentRef.parse("shop:a")},
            ("waiting", "played by aiops demo", "aiops demo"),
        ),
    ],
)
def test_a_body_is_told_with_its_reason_and_what_to_do(
    aiops: Aiops,
    house: PlayedHouse,
    tmp_path: Path,
    settings: str,
    worker: str,
    given: dict[str, object],
    told: tuple[str, str, str],
) -> None:
    (tmp_path / "aiops.yaml").write_text(settings)
    house.worker = worker
    house.service.nobodys.append(a_delivery(id=3, body=HOSTILE, **given))

    (listed,) = aiops("inbox", "list", "-o", "json").data
    one, drawn = aiops("inbox", "show", "3", "-o", "json").data, aiops("inbox", "show", "3")
    noted = aiops("incident", "list").err

    for said in (listed, one):
        assert said["stands"] == told[0]
        assert told[1] in said["why"]
        assert told[2] in said["do"]
    assert one["body"] == HOSTILE
    assert drawn.code == 0
    assert "next" in drawn.out
    assert not {"\x1b", "\u202e"} & set(drawn.out + aiops("inbox", "list").out)
    assert ("inbox list" in noted) is bool(told[1])


def test_an_empty_inbox_is_said(aiops: Aiops) -> None:
    assert "Nothing was rejected and nothing waits." in aiops("inbox", "list").out
    assert "inbox" not in aiops("incident", "list").err


def test_a_body_that_is_not_told_is_missed(
    aiops: Aiops, house: PlayedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.service.nobodys.append(a_delivery(id=3))
    assert "1 alert waits" in aiops("incident", "list").err
    seams.STANDING.plant(monkeypatch, lambda _call, _one: inbox.InboxStanding("under way"))

    assert "wait" not in aiops("incident", "list").err


def test_what_waits_or_was_rejected_is_found_and_what_was_handled_is_not(store: SqlStore) -> None:
    queries = Queries(store)
    with store.begin() as work:
        done, waits, wrong = (
            work.inbox.keep(a_delivery(digest=name, received_at=NOW, **more))
            for name, more in (("a", {}), ("b", {}), ("c", {"rejected": "no", "alerts": ()}))
        )
        work.inbox.handled(done.id)

    assert [one.id for one in queries.inbox()] == [wrong.id, waits.id]
    assert [one.id for one in queries.inbox(1)] == [wrong.id]
    assert queries.delivery(done.id).digest == "a"
    for number in (0, -1, 99, 2**63, 10**30):
        with pytest.raises(UsageError, match=f"There is no body {number}"):
            queries.delivery(number)
