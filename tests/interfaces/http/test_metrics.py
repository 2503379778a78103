"""Do our counts say what the bus says, also after a restart?"""

from datetime import timedelta

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.answer import Author, AuthorKind, Effort, Usage
from aiops_agent.domain.incident import Status
from aiops_agent.domain.model import Trouble
from aiops_agent.domain.notice import Occasion
from aiops_agent.domain.payload import EventType, PeopleTold, Unreadable
from aiops_agent.domain.sending import Switch
from aiops_agent.interfaces.http.metrics import MetricsExporter
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.queries import Queries
from tests.contracts.payloads import PAYLOADS
from tests.contracts.samples import (
    NOW,
    a_delivery,
    an_alert,
    an_approval,
    an_entry,
    an_event,
    an_incident,
)
from tests.interfaces.terminal.canned import LITE, a_call

STORY = tuple(
    PAYLOADS[kind]
    for kind in (
        EventType.INCIDENT_OPENED,
        EventType.POLICY_DECIDED,
        EventType.APPROVAL_REFUSED,
        EventType.APPROVAL_DECIDED,
        EventType.APPROVAL_ENDED,
        EventType.ACTION_FINISHED,
        EventType.VERIFICATION_DONE,
        EventType.INCIDENT_RESOLVED,
    )
)


def lived(store: SqlStore) -> None:
    with store.begin() as work:
        for number, payload in enumerate(STORY):
            at = NOW + timedelta(seconds=40 * number)
            work.events.append(an_event(f"e{number}", payload=payload, written_at=at))


def counting(store: SqlStore) -> MetricsExporter:
    queries = Queries(store)
    return MetricsExporter(queries, Feed(queries), "1.2.3")


async def values(metrics: MetricsExporter) -> dict[str, float]:
    lines = (await metrics.render()).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if line.startswith("aiops_"))
    return {name: float(value) for name, _, value in pairs}


async def test_a_story_is_counted_by_its_events(store: SqlStore) -> None:
    lived(store)
    found = await values(counting(store))

    assert found['aiops_incidents_total{outcome="fixed",severity="SEV2"}'] == 1
    assert found['aiops_policy_decisions_total{decision="ask",rule="propose_asks"}'] == 1
    assert found['aiops_approvals_total{decision="approved",surface="terminal"}'] == 1
    assert found['aiops_approvals_total{decision="refused",surface="file"}'] == 1
    assert found['aiops_approvals_total{decision="expired",surface="none"}'] == 1
    actions = 'aiops_actions_total{action="scale_pods",outcome="applied",risk="low"}'
    assert found[actions] == 1
    assert found['aiops_verifications_total{outcome="recovered"}'] == 1
    assert found['aiops_phase_duration_seconds_sum{phase="approve"}'] == 120
    assert any(name.startswith('aiops_build_info{python="3.') for name in found)


async def test_a_restart_changes_no_count_of_the_story(store: SqlStore) -> None:
    lived(store)
    before = counting(store)
    first = await values(before)

    assert await values(before) == first == await values(counting(store))


async def test_what_comes_later_is_added(store: SqlStore) -> None:
    metrics = counting(store)
    name = 'aiops_incidents_total{outcome="fixed",severity="SEV2"}'
    assert name not in await values(metrics)
    lived(store)

    assert (await values(metrics))[name] == 1


async def test_gauges_say_what_is_so_now(store: SqlStore) -> None:
    metrics = counting(store)
    waiting = an_incident(status=Status.AWAITING_APPROVAL)
    with store.begin() as work:
        work.incidents.put(waiting)
        work.approvals.ask(an_approval())
    phase = 'aiops_incidents_open{phase="awaiting_approval"}'
    found = await values(metrics)
    with store.begin() as work:
        work.incidents.put(waiting.move(Status.ESCALATED, "no", at=NOW))

    assert (found[phase], found["aiops_approvals_pending"]) == (1, 1)
    assert (await values(metrics))[phase] == 0


async def test_what_became_of_notices_is_counted_and_what_waits_is_shown(store: SqlStore) -> None:
    told = PeopleTold(channel="phone", occasion=Occasion.RESOLVED)
    became = (told, *(told.model_copy(update={way: "why"}) for way in ("failed", "superseded")))
    with store.begin() as work:
        for number, payload in enumerate(became):
            work.events.append(an_event(f"e{number}", payload=payload))
        work.outbox.add(an_entry("k1"))
    found = await values(counting(store))

    name = 'aiops_notifications_total{{channel="phone",outcome="{}"}}'
    assert [found[name.format(way)] for way in ("sent", "failed", "superseded")] == [1, 1, 1]
    assert found['aiops_notifications_waiting{channel="phone"}'] == 1


async def test_alerts_are_counted_by_their_state_and_rejected_bodies_as_such(
    store: SqlStore,
) -> None:
    metrics = counting(store)
    metrics.received(a_delivery(alerts=(an_alert(), an_alert(state="resolved"), an_alert())))
    metrics.received(a_delivery(alerts=(), rejected="no JSON"))
    found = await values(metrics)

    total = 'aiops_alerts_received_total{{source="alertmanager",status="{}"}}'
    kinds = [found[total.format(kind)] for kind in ("firing", "resolved", "rejected")]
    assert kinds == [2, 1, 1]
    last = 'aiops_last_alert_received_timestamp_seconds{source="alertmanager"}'
    assert found[last] == NOW.timestamp()


async def test_an_event_of_another_version_holds_up_nobody(store: SqlStore) -> None:
    with store.begin() as work:
        work.events.append(an_event("old", payload=Unreadable(was="future.thing")))
    lived(store)

    found = await values(counting(store))
    assert found['aiops_incidents_total{outcome="fixed",severity="SEV2"}'] == 1


async def test_no_label_ever_names_an_incident(store: SqlStore) -> None:
    lived(store)

    assert "INC-" not in (await counting(store).render()).decode()


async def test_what_an_answer_cost_is_counted_by_agent_and_author(store: SqlStore) -> None:
    model, person = (
        Author(kind=AuthorKind.MODEL, name="large-1"),
        Author(kind=AuthorKind.PERSON, name="alex"),
    )
    plan = PAYLOADS[EventType.PLAN_PROPOSED]
    efforts = (
        Effort(by=model, took=3.0),
        Effort(by=model.model_copy(update={"name": "other"}), took=1.0),
        Effort(by=person, took=2.0),
    )
    with store.begin() as work:
        for number, effort in enumerate(efforts):
            work.events.append(an_event(f"e{number}", payload=plan, effort=effort))

    found = await values(counting(store))
    by = 'agent="plan",author="model"'
    assert found[f"aiops_answers_total{{{by}}}"] == 2
    assert found[f"aiops_work_seconds_total{{{by}}}"] == 4
    assert found['aiops_answers_total{agent="plan",author="person"}'] == 1
    assert not any("alex" in name or "large-1" in name for name in found)


async def test_model_calls_are_counted_by_agent_and_model_once(store: SqlStore) -> None:
    used = Usage(requests=1, input=900, cached_input=300, output=100, reasoning=40, cost=0.5)
    sent = (
        a_call(agent="plan", usage=used, took=2.0),
        a_call(agent="plan", usage=Usage(requests=1, cost=None), trouble=Trouble.OVERLOAD),
        a_call(agent="triage", usage=used, answered_by="whatever it likes"),
    )
    metrics = counting(store)
    for call in sent:
        with store.begin() as work:
            work.calls.keep(call)
        await metrics.render()  # each scrape counts on from the last

    found = await values(metrics)
    of = 'agent="plan",{}model="gemini-3.5-flash-lite",{}provider="gemini"'

    def got(name: str, before: str = "", between: str = "") -> float:
        return found[f"aiops_model_{name}{{{of.format(before, between)}}}"]

    assert got("requests_total", between='outcome="answered",') == 1
    assert got("requests_total", between='outcome="overload",') == 1
    kinds = ("input", "cached_input", "output", "reasoning")
    tokens = [got("tokens_total", before=f'kind="{kind}",') for kind in kinds]
    assert tokens == [600, 300, 60, 40]
    assert sum(tokens) == used.tokens  # no token is counted twice
    assert got("cost_usd_total") == 0.5
    assert got("unpriced_total") == 1
    assert not any("likes" in name for name in found)


async def test_an_open_breaker_is_a_gauge(store: SqlStore) -> None:
    broken = {LITE: True}
    queries = Queries(store)
    metrics = MetricsExporter(queries, Feed(queries), "1.2.3", lambda: broken)
    name = 'aiops_model_breaker_open{model="gemini-3.5-flash-lite",provider="gemini"}'

    before = (await values(metrics))[name]
    broken[LITE] = False

    assert (before, (await values(metrics))[name]) == (1, 0)


async def test_a_stop_by_switch_or_by_file_is_a_count(store: SqlStore) -> None:
    assert (await values(counting(store)))["aiops_sending_stopped"] == 0
    queries = Queries(store, lambda: "a file")
    by_file = MetricsExporter(queries, Feed(queries), "1.2.3")
    assert (await values(by_file))["aiops_sending_stopped"] == 1
    with store.begin() as work:
        work.sending.switch(Switch(stopped=True, by="alex", at=NOW))
    assert (await values(counting(store)))["aiops_sending_stopped"] == 1


async def test_standing_by_is_a_gauge(store: SqlStore) -> None:
    queries = Queries(store)
    second = MetricsExporter(queries, Feed(queries), "1.2.3", leads=lambda: False)
    gauge = "aiops_leader"
    assert ((await values(counting(store)))[gauge], (await values(second))[gauge]) == (1, 0)
