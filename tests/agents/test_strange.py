"""What is not ours is given to a person within one look, with all that is known of it."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from aiops_agent.adapters.off import Absent
from aiops_agent.agents import strange
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.strange import triage_or_leave
from aiops_agent.domain.alert import AlertList, IncidentAlert
from aiops_agent.domain.diagnosis import NotMine, Triage, TriageVerdict
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import (
    AlertRule,
    RuleReading,
    Service,
    ServiceGraph,
    ServiceName,
)
from tests.contracts.samples import NOW
from tests.safety.plans import an_incident
from tests.workflow.place import HERE

DISK = "node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.1"
LABELS = {
    "alertname": "NodeDiskFull",
    "instance": "node-3:9100",
    "mountpoint": "/",
    "severity": "critical",
    "team": "storage",
}
AWAY = Absent("Nobody is there.")


@dataclass
class Book:
    """The rules of a Prometheus, and what was asked of it."""

    listed: tuple[AlertRule, ...] = (
        AlertRule(name="NodeDiskFull", expression=DISK, labels={"severity": "critical"}),
    )
    values: tuple[float | None, ...] = (0.031, 0.052, 0.07, None)
    asked: list[tuple[str, datetime | None]] = field(default_factory=list)

    async def rules(self) -> tuple[AlertRule, ...]:
        return self.listed

    async def evaluate(
        self, rule: AlertRule, at: datetime | None = None
    ) -> tuple[RuleReading, ...]:
        self.asked.append((rule.expression, at))
        value = self.values[len(self.asked) - 1]
        other = RuleReading(labels={"instance": "node-4:9100", "mountpoint": "/"}, value=0.09)
        own = {"instance": "node-3:9100", "mountpoint": "/"}
        mine = () if value is None else (RuleReading(labels=own, value=value),)
        return (other, *mine)


@dataclass(frozen=True)
class Town:
    """Who calls whom."""

    names: tuple[str, ...] = ("web", "pay")

    async def graph(self) -> ServiceGraph:
        return ServiceGraph(services=tuple(Service(name=ServiceName(n)) for n in self.names))


def a_briefing(rules: Any, labels: dict[str, str], topology: Any = None, **alert: Any) -> Briefing:
    given: dict[str, Any] = {
        "source": "alertmanager",
        "labels": labels,
        "annotations": {"summary": "/ on node-3 is nearly full"},
        "state": "firing",
        "received_at": NOW,
        "runbook": "https://wiki.test/disk",
        "generator_url": "http://evil.test/graph?g0.expr=drop_everything",
        "key": "k1",
        "incident": "INC-0001",
        "since": NOW,
        "last_seen": NOW,
    }
    shown = IncidentAlert.model_validate(given | alert)
    place: Any = replace(
        _ENVIRONMENT, rules=rules, topology=Town() if topology is None else topology
    )
    return Briefing(
        incident=an_incident(environment=HERE),
        environment=place,
        memory=Any,  # type: ignore[arg-type] # not asked
        now=NOW,
        alerts=AlertList(shown=(shown,), total=1),
    )


@dataclass(frozen=True)
class _Place:
    rules: Any = AWAY
    topology: Any = AWAY
    metrics: Any = AWAY
    logs: Any = AWAY
    changes: Any = AWAY
    workloads: Any = AWAY
    spans: Any = AWAY


_ENVIRONMENT = _Place()


def left(seen: Triage) -> NotMine:
    assert seen.verdict is TriageVerdict.UNSEEN
    assert seen.not_mine is not None
    return seen.not_mine


async def test_a_full_disk_is_told_with_its_words_value_course_runbook_and_owner() -> None:
    book = Book()
    found = left(await triage_or_leave(a_briefing(book, LABELS)))
    for words in (
        "not ours to fix: it is about a disk, which no action of ours changes",
        "the alert says: / on node-3 is nearly full",
        "its expression: 0.031 now, 0.052 15m ago, 0.07 1h ago, did not hold 6h ago",
        "owner: storage",
        "runbook: https://wiki.test/disk",
        "mountpoint=/",
        "not read:",
    ):
        assert words in found.words
    assert {asked for asked, _ in book.asked} == {DISK}, "the link of an alert is never run"


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("CertificateExpiresSoon", {"instance": "https://shop.example"}),
        ("KubeQuotaExceeded", {"namespace": "shop"}),
        ("PrometheusTSDBCompactionsFailing", {"job": "prometheus"}),
        ("BackupFailed", {"job": "backup"}),
        ("TargetDown", {"job": "mail-gateway"}),
    ],
)
async def test_what_no_action_of_ours_changes_is_left_at_once(
    name: str, labels: dict[str, str]
) -> None:
    seen = await triage_or_leave(a_briefing(Book(()), {"alertname": name, **labels}))
    assert left(seen).why


@pytest.mark.parametrize(
    "labels",
    [
        {"alertname": "HighLatency", "service": "web"},
        {"alertname": "InstanceDown", "job": "pay"},
        {"alertname": "HighErrorRate", "app": "pay"},
    ],
)
async def test_what_may_be_ours_is_looked_at_on(labels: dict[str, str]) -> None:
    seen = await triage_or_leave(a_briefing(Book(()), labels))
    assert seen.not_mine is None


async def test_where_nobody_knows_what_is_ours_nothing_is_left() -> None:
    labels = {"alertname": "HighLatency", "service": "unheard-of"}
    for topology in (AWAY_TOPOLOGY, Town(names=())):
        assert (await triage_or_leave(a_briefing(Book(()), labels, topology))).not_mine is None


class _AwayTopology:
    async def graph(self) -> ServiceGraph:
        raise SourceError("The topology does not answer.")


AWAY_TOPOLOGY = _AwayTopology()


async def test_rules_that_cannot_be_read_are_named() -> None:
    found = left(await triage_or_leave(a_briefing(AWAY, LABELS)))
    assert "the alerting rules: Nobody is there." in found.words
    assert found.value == ""


async def test_a_value_that_nobody_answers_holds_up_no_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow(Book):
        async def evaluate(self, *_: Any) -> tuple[RuleReading, ...]:
            await asyncio.Event().wait()
            return ()

    monkeypatch.setattr(strange, "_PATIENCE", 0.01)
    found = left(await triage_or_leave(a_briefing(Slow(), LABELS)))
    assert "not answered within 0.01 s" in found.words
