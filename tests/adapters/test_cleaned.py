"""What is read of an environment comes without secrets, also what a source says when it fails."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from aiops_agent.adapters.cleaned import cleaned, told_cleanly
from aiops_agent.domain.errors import PlatformError, SourceError
from aiops_agent.domain.naming import MARK
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.telemetry import (
    AlertRule,
    Change,
    ChangeKind,
    LogLine,
    RouteErrors,
    RuleReading,
    ServiceName,
    Span,
    Window,
    Workload,
)
from aiops_agent.domain.trouble import PlatformTrouble, TroubleKind
from aiops_agent.ports.telemetry import Environment
from tests import seams
from tests.workflow.place import ABSENT, HERE, Company, HandClock

AT = datetime(2026, 11, 27, tzinfo=UTC)
PAY = ServiceName("pay")
OURS = "hunter2-of-our-own"
WINDOW = Window(start=AT, end=AT)


AWAY = Environment(
    ref=HERE,
    metrics=ABSENT,
    logs=ABSENT,
    changes=ABSENT,
    rules=ABSENT,
    workloads=ABSENT,
    spans=ABSENT,
    topology=Company(),
    clock=HandClock(),
)


class Leaky:
    """Every port at once."""

    kinds: Sequence[str] = ("one",)

    async def lines(self, *_: Any) -> tuple[LogLine, ...]:
        return (LogLine(at=AT, service=PAY, level="info", text=f"password={OURS}"),) * 2

    async def changes(self, _: Window) -> tuple[Change, ...]:
        return (
            Change(
                at=AT,
                service=PAY,
                kind=ChangeKind.CONFIG,
                title=f"set {OURS}",
                after=f"https://me:{OURS}@db",
                source="here",
                settings={"DB_PASSWORD": ("old-Secret-1", "summer"), "POOL_SIZE": ("2", "20")},
            ),
        )

    async def workloads(self, _: Any) -> tuple[Workload, ...]:
        return (Workload(service=PAY, name="pay-1", state="exited", reason=f"bad key {OURS}"),)

    async def spans(self, *_: Any) -> tuple[Span, ...]:
        span = Span(trace="t", id="1", service=PAY, name=f"GET /?token={OURS}", start=AT, length=1)
        return (span,)

    async def failing(self, *_: Any) -> tuple[RouteErrors, ...]:
        route = f"/?token={OURS}"
        return (RouteErrors(route=route, share=1, part=1, source="here", query="q"),)

    async def troubles(self) -> tuple[PlatformTrouble, ...]:
        said = f"password={OURS}"
        return (
            PlatformTrouble(
                kind=TroubleKind.CRASH_LOOP,
                service=PAY,
                what="Pod",
                name="pay-1",
                words=said,
                step=said,
                last_words=said,
            ),
        )

    async def unreadable(self) -> tuple[str, ...]:
        return (f"password={OURS}",)

    async def read(self, *_: Any) -> tuple[Any, ...]:
        raise SourceError(f"http://me:{OURS}@prometheus refused")

    async def rules(self) -> tuple[AlertRule, ...]:
        return (
            AlertRule(
                name="PayDown",
                group="pay",
                expression=f'up{{url="http://me:{OURS}@pay"}} == 0',
                labels={"severity": "page", "api_token": "Sommer2026"},
                annotations={"runbook": f"https://me:{OURS}@wiki/pay", "db_password": OURS},
            ),
        )

    async def evaluate(
        self, rule: AlertRule, _at: datetime | None = None
    ) -> tuple[RuleReading, ...]:
        if (rule,) != await self.rules():
            raise SourceError(f"no such rule: {rule.expression}")
        return (RuleReading(labels={"service": "pay", "token": OURS}, value=1.0),)

    async def send(self) -> str:
        raise PlatformError(f"tcp://me:{OURS}@docker refused")


def environment(redactor: Redactor) -> Any:
    leaky: Any = Leaky()
    names = ("metrics", "logs", "changes", "rules", "workloads", "spans", "routes", "troubles")
    ports = dict.fromkeys(names, leaky)
    return cleaned(replace(AWAY, **ports), redactor)


@pytest.mark.parametrize("known", [(OURS,), ()], ids=["configured", "by its looks"])
async def test_no_port_gives_a_secret_away(known: tuple[str, ...]) -> None:
    there = environment(Redactor(known))
    (line, again) = await there.logs.lines((PAY,), WINDOW)
    (span,) = await there.spans.spans((PAY,), WINDOW)
    (failing,) = await there.routes.failing(PAY)
    with pytest.raises(SourceError) as refused:
        await there.metrics.read((PAY,), (), WINDOW)

    assert line == again
    assert [MARK in said for said in (line.text, span.name, str(refused.value))] == [True] * 3
    assert MARK in failing.route
    assert OURS not in f"{line} {span} {failing} {refused.value!r}"


async def test_what_a_platform_says_is_wrong_comes_without_secrets() -> None:
    there = environment(Redactor())

    assert OURS not in f"{await there.troubles.troubles()} {await there.troubles.unreadable()}"


async def test_a_change_keeps_what_is_no_secret() -> None:
    there = environment(Redactor([OURS]))
    (change,) = await there.changes.changes(WINDOW)
    (workload,) = await there.workloads.workloads((PAY,))

    assert change.settings == {"DB_PASSWORD": (MARK, MARK), "POOL_SIZE": ("2", "20")}
    assert OURS not in f"{change} {workload}"


@pytest.mark.parametrize("known", [(OURS,), ()], ids=["configured", "by its looks"])
async def test_an_alerting_rule_loses_its_secrets_and_can_still_be_asked(
    known: tuple[str, ...],
) -> None:
    there = environment(Redactor(known))
    (rule,) = await there.rules.rules()
    (reading,) = await there.rules.evaluate(rule)

    assert (rule.name, rule.group, rule.labels["severity"]) == ("PayDown", "pay", "page")
    assert (reading.labels["service"], reading.value) == ("pay", 1.0)
    assert not [one for one in (OURS, "Sommer2026") if one in f"{rule} {reading}"]


async def test_a_rule_of_nobody_is_refused_without_its_secrets() -> None:
    there = environment(Redactor([OURS]))
    (rule,) = await there.rules.rules()
    with pytest.raises(SourceError, match="no such rule") as refused:
        await there.rules.evaluate(rule.model_copy(update={"name": "Other"}))
    assert OURS not in str(refused.value)


async def test_rules_that_come_in_as_they_are_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.RULES.plant(monkeypatch, lambda port, _redactor: port)
    (rule,) = await environment(Redactor([OURS])).rules.rules()
    assert OURS in str(rule)


async def test_what_is_away_says_so_still() -> None:
    there = cleaned(AWAY, Redactor())

    with pytest.raises(SourceError, match="Nothing is configured"):
        await there.logs.lines((PAY,), WINDOW)


async def test_a_platform_fails_without_the_login_of_its_address() -> None:
    there = told_cleanly(Leaky(), Redactor().clean)

    assert there.kinds == ("one",)
    with pytest.raises(PlatformError, match="refused") as failed:
        await there.send()
    assert OURS not in str(failed.value)
