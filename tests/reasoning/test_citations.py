"""A sentence stands when its numbers, names, actions and direction stand in what it cites."""

import pytest

from aiops_agent.domain.inquiry import CitedFact, CitedSentence, Motion
from aiops_agent.reasoning.citations import best, facts_of, flaw_of, newest
from tests.interfaces.terminal.canned import EVENTS, RESOLVED

FACTS = {
    one.id: one
    for one in (
        CitedFact(id="E1", text="payments-api latency p95: 120 ms → 2.9 s", motion=Motion.UP),
        CitedFact(id="E2", text="payments-api cache hits: 90% → 40%", motion=Motion.DOWN),
        CitedFact(id="#7", text="03:05:00 act: scale_pods payments-api --replicas 5: applied"),
        CitedFact(id="T1", text="signal web latency: within noise"),
    )
}
NAMES = ("payments-api", "web", "mail", "scale_pods", "restart_service")


def said(text: str, *cites: str) -> str:
    return flaw_of(CitedSentence(text=text, cites=cites), FACTS, NAMES)


@pytest.mark.parametrize(
    ("text", "cites"),
    [
        ("The p95 latency of payments-api rose from 120 ms to 2.9 s.", ("E1",)),
        ("Cache hits fell to 40% while latency rose.", ("E1", "E2")),
        ("scale_pods was applied at 03:05:00 with 5 replicas.", ("#7",)),
        ("The latency of web stayed within noise.", ("T1",)),
        ("Latency grew.", ("E1",)),
    ],
)
def test_what_the_facts_show_stands(text: str, cites: tuple[str, ...]) -> None:
    assert said(text, *cites) == ""


@pytest.mark.parametrize(
    ("text", "cites", "why"),
    [
        ("Latency rose.", (), "cites nothing"),
        ("Latency rose.", ("E9",), "there is no E9"),
        ("Latency rose to 4.2 s.", ("E1",), "4.2 stands in nothing"),
        ("Latency rose 24 fold.", ("E1",), "24 stands in nothing"),
        ("The latency of mail rose.", ("E1",), "mail stands in nothing"),
        ("Use restart_service; latency rose.", ("E1",), "restart_service stands in nothing"),
        ("A hacker did it.", ("E1",), "about something else"),
        ("The latency fell.", ("E1",), "what it cites rose"),
        ("Cache hits increased.", ("E2",), "what it cites fell"),
        ("5 replicas.", ("E1",), "5 stands in nothing"),
    ],
)
def test_what_they_do_not_show_is_struck(text: str, cites: tuple[str, ...], why: str) -> None:
    assert why in said(text, *cites)


def test_findings_and_events_can_be_cited_and_questions_cannot() -> None:
    events = [event.model_copy(update={"id": n}) for n, event in enumerate(EVENTS, 1)]
    facts = {one.id: one for one in facts_of(RESOLVED, events)}

    assert "payments-api" in facts["E1"].text
    assert f"#{len(events)}" in facts
    assert newest(events) == len(events)


def test_the_best_facts_share_the_rarest_words() -> None:
    facts = tuple(FACTS.values())

    assert best("what happened to the cache of payments-api?", facts, 1)[0].id == "E2"
    assert best("who is king?", facts, 3) == ()
