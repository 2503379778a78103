"""Each way in which a real alert might be dismissed, planted: the tests of triage would notice."""

import pytest

from aiops_agent.domain.alert import AlertList
from aiops_agent.domain.diagnosis import TriageVerdict
from aiops_agent.domain.telemetry import Signal
from aiops_agent.reasoning.harm import look as look_only
from tests import seams
from tests.agents.test_refuted import P95, P99, UP, an_alert, look
from tests.reasoning.world import Course
from tests.seams import Seam

Signals = dict[Signal, Course | None]
PROXY = "rate(haproxy_http_responses_total{code=~'5..'}[1m]) / haproxy_http_responses_total > 0.1"
CASES: list[tuple[Seam, object, str, Signals]] = [
    (seams.OUR_QUANTILE, 1.0, P99, {}),
    (seams.NEVER_REFUTED, lambda _expression: None, P95.replace("rate(", "changes("), {}),
    (seams.ELSEWHERE, False, PROXY, {}),
    (seams.STALE, lambda _seen, _now: False, UP,
     {Signal.LATENCY: lambda t: 0.1 if t < -300 else None}),
    (seams.CALM, lambda seen, _wanted, *rest: look_only(seen, *rest),
     "http_requests:burnrate1h > 0.01", {Signal.ERRORS: lambda t: 0.015 if t < 0 else 0.0}),
    (seams.SAME_SERIES, lambda _text, _query: True, "redis_up == 0", {}),
]  # fmt: skip


@pytest.mark.parametrize(("seam", "defect", "text", "courses"), CASES)
async def test_a_planted_defect_would_dismiss_it(
    seam: Seam, defect: object, text: str, courses: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await look(courses, text)
    seam.plant(monkeypatch, defect)
    after = await look(courses, text)
    assert before.verdict is not TriageVerdict.CONTRADICTED
    assert after.verdict is TriageVerdict.CONTRADICTED


async def test_the_signals_of_all_would_dismiss_the_alert_of_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = AlertList(shown=(an_alert(P95, instance="api-2:8080"),), total=1)
    assert (await look({}, alerts=one)).verdict is TriageVerdict.UNSEEN
    seams.ALONE.plant(monkeypatch, lambda *_: True)
    assert (await look({}, alerts=one)).verdict is TriageVerdict.CONTRADICTED
