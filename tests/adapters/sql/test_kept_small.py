"""What is long is packed, what is old is condensed, and both databases say what it takes."""

import random
import zlib
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.model import ModelCall, ModelRef
from aiops_agent.domain.payload import EvidenceAdded
from tests.contracts.samples import NOW, a_case, a_report, an_event, an_incident

LONG = "What was seen, believed, tried and learnt. " * 200
LATER = NOW + timedelta(days=200)


def a_call(**other: Any) -> ModelCall:
    given: dict[str, Any] = {
        "incident": "INC-0001",
        "environment": EnvironmentRef.parse("docker:local"),
        "agent": "plan",
        "ordinal": 1,
        "model": ModelRef(provider="openai", name="m"),
        "place": "http://127.0.0.1:80",
        "started_at": NOW,
        "took": 2.0,
    }
    return ModelCall(**{**given, **other})


def test_a_long_value_is_packed_and_a_plain_one_is_read(engine: sa.Engine) -> None:
    store = SqlStore(engine)
    with store.begin() as work:
        work.events.append(an_event("e1", message=LONG))
        work.archive.add(a_case(), a_report(markdown=LONG))
    with engine.begin() as connection:
        raw = sa.text("SELECT document FROM events")
        (stored,) = connection.execute(raw).scalars()
        if engine.dialect.name == "sqlite":
            assert len(stored) < len(LONG) / 10
            plain = zlib.decompress(stored).decode()
            connection.execute(sa.text("UPDATE events SET document = :text"), {"text": plain})
    with store.read() as view:
        assert view.events.after(0)[0].message == LONG
        assert view.archive.postmortem("INC-0001") == a_report(markdown=LONG)
        (size,) = view.archive.sizes()
    assert (size.id, 300 < size.size < len(LONG)) == ("INC-0001", True)


@pytest.mark.parametrize("size", [1, 399, 400, 4090, 4096, 4097, 70_000])
def test_values_of_every_length_come_back(store: SqlStore, size: int) -> None:
    text = "".join(random.Random(size).choices("abcdefgh ", k=size))
    with store.begin() as work:
        work.events.append(an_event("e1", message=text))
    with store.read() as view:
        assert view.events.after(0)[0].message == text


def test_hostile_text_survives_packing(store: SqlStore) -> None:
    with store.begin() as work:
        work.events.append(an_event("e1", message=f"\0 \ud800 x {LONG}"))
    with store.read() as view:
        assert view.events.after(0)[0].message == f"\ufffd \ufffd x {LONG}"


def test_only_what_has_ended_long_ago_is_old(store: SqlStore) -> None:
    opened = {"opened_at": NOW, "ended_at": NOW}
    with store.begin() as work:
        work.incidents.put(an_incident(id="INC-0001", status="resolved", **opened))
        work.incidents.put(an_incident(id="INC-0002", status="diagnosing", opened_at=NOW))
        work.incidents.put(an_incident(id="INC-0003", status="resolved", **opened))
        work.events.append(an_event("e1", incident="INC-0001", written_at=NOW))
        work.events.append(an_event("e3", incident="INC-0003", written_at=LATER))
    with store.begin() as work:
        assert work.incidents.old(LATER, 9) == ("INC-0001",)
        found = work.incidents.get("INC-0001")
        assert found is not None
        work.incidents.put(found.condense())
        assert work.incidents.old(LATER, 9) == ()
        assert work.incidents.old(NOW, 9) == ()


def test_of_a_call_its_cost_stays_and_it_answers_nothing_again(store: SqlStore) -> None:
    with store.begin() as work:
        work.calls.keep(a_call(about="q", answered_by="m", sent={"text": LONG}))
        spent = work.calls.spending(incident="INC-0001")
        work.events.append(an_event("e1", payload=EvidenceAdded(attempt=1)))
        work.events.append(an_event("e2"))
        for condense in (work.calls.condense, work.events.condense):
            condense("INC-0001")
    with store.read() as view:
        (call,) = view.calls.of_incident("INC-0001")
        assert (call.sent, call.received) == ({"condensed": True}, None)
        assert view.calls.answered("INC-0001", "q") is None
        assert view.calls.spending(incident="INC-0001") == spent
        assert [one.key for one in view.events.after(0)] == ["e2"]


def test_of_many_calls_the_newest_are_told_the_oldest_first(store: SqlStore) -> None:
    with store.begin() as work:
        for ordinal in (1, 2, 3):
            work.calls.keep(a_call(ordinal=ordinal, sent={}))
    with store.read() as view:
        assert [one.ordinal for one in view.calls.of_incident("INC-0001", limit=2)] == [2, 3]


@pytest.mark.parametrize("name", ["INC-0002", "INC-00010"])
def test_what_is_forgotten_takes_no_other_with_it(store: SqlStore, name: str) -> None:
    with store.begin() as work:
        for one in ("INC-0001", name):
            work.incidents.put(an_incident(id=one))
            work.events.append(an_event(f"of {one}", incident=one))
            work.archive.add(a_case(id=one), None)
        work.archive.forget("INC-0001", "pat", NOW)
        assert work.incidents.get("INC-0001") is None
        assert work.incidents.get(name) is not None
        assert [one.incident for one in work.events.after(0)] == [name]
        assert [one.id for one in work.archive.named(("INC-0001", name))] == [name]
