"""A runbook fits by all its words, or by the alert's link; nothing else brings one up."""

import pytest

from aiops_agent.domain.alert import AlertList
from aiops_agent.domain.runbook import Runbook, RunbookHit, matching
from tests.contracts.samples import a_kept_alert, an_incident
from tests.interfaces.terminal.canned import PLAN


def a_runbook(name: str = "payments-slow", **other: object) -> Runbook:
    given = {"description": "payments is slow", "match": {"service": ("payments-api",)}}
    return Runbook.of({"name": name, **given, **other})


@pytest.mark.parametrize(
    ("match", "reasons"),
    [
        ({"service": ["payments-api"]}, ("service payments-api",)),
        ({"service": ["cart", "payments-api"], "alertname": ["HighLatency"]}, None),
        ({"service": ["cart"]}, ()),
        ({"alertname": ["Another"], "service": ["payments-api"]}, ()),
        ({"team": ["pay"]}, ("team pay",)),
        ({"team": ["other"]}, ()),
        ({"region": ["eu"]}, ()),
        ({}, ()),
    ],
)
def test_all_words_must_fit(match: dict[str, list[str]], reasons: tuple[str, ...] | None) -> None:
    wanted = ("service payments-api", "alertname HighLatency") if reasons is None else reasons
    alert = a_kept_alert(runbook="", labels={"team": "pay"})

    hits = matching([a_runbook(match=match)], an_incident(), AlertList(shown=(alert,), total=1))

    assert tuple(reason for hit in hits for reason in hit.reasons) == wanted


@pytest.mark.parametrize(
    "url",
    [
        "https://wiki.test/runbooks/slow",
        "https://wiki.test/slow.md",
        "https://wiki.test/slow/?a=b#c",
        "slow",
    ],
)
def test_an_alert_s_link_brings_its_runbook_first(url: str) -> None:
    alerts = AlertList(shown=(a_kept_alert(runbook=url),), total=1)

    hits = matching([a_runbook(), a_runbook("slow", match={})], an_incident(), alerts)

    assert [hit.runbook.name for hit in hits] == ["slow", "payments-slow"]


@pytest.mark.parametrize("url", ["", "https://wiki.test/slower", "https://slow/", "javascript:x"])
def test_another_link_brings_none(url: str) -> None:
    known = [a_runbook("wiki", match={})]

    assert matching(known, an_incident(), AlertList(shown=(a_kept_alert(runbook=url),))) == ()


def test_a_section_is_found_by_the_beginning_of_its_heading() -> None:
    book = a_runbook(text="intro\n## Checks (two)\n1. look\n### Deeper\nmore\n## Fix\nrestart\n")

    assert book.section("checks") == "1. look"
    assert book.section("Fix") == "restart"
    assert book.section("When to stop") == ""


@pytest.mark.parametrize(
    ("safe", "said"),
    [
        (("scale_pods",), "slow (pay, fits by service x): scale_pods is among its safe actions"),
        (
            ("restart_service",),
            "slow (pay, fits by service x): it does not name scale_pods as safe",
        ),
    ],
)
def test_it_says_whether_the_planned_actions_are_among_its_safe_ones(
    safe: tuple[str, ...], said: str
) -> None:
    book = a_runbook("slow", safe_actions=safe, owner="pay")

    assert RunbookHit(runbook=book, reasons=("service x",)).about(PLAN) == said
