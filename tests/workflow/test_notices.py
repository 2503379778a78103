"""Whoever is told is told once, of what is so, with all that it takes to decide."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import NotifyError
from aiops_agent.domain.incident import Status
from aiops_agent.domain.notice import Link, Notice, Occasion, Receipt
from aiops_agent.domain.payload import EventType, PeopleTold
from aiops_agent.ports.people import Notifier
from aiops_agent.workflow.deps import IncidentTransaction
from aiops_agent.workflow.dispatch import Dispatch
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.notices import Notices
from aiops_agent.workflow.queries import Queries
from aiops_agent.workflow.receive import Receive
from tests.contracts.payloads import PAYLOADS, carried
from tests.safety.plans import a_plan, an_incident
from tests.workflow.place import HERE, START, Place, an_alert
from tests.workflow.test_gate import ASK


@dataclass
class Phone:
    """A notifier that fails as often as it is told to, for good or for the moment."""

    fails: int = 0
    retry: bool = True
    name: str = "phone"
    heard: list[Notice] = field(default_factory=list)
    rang: int = 0

    async def tell(self, notice: Notice) -> Receipt:
        self.rang += 1
        if self.fails:
            self.fails -= 1
            raise NotifyError("Nobody answers.", retry=self.retry)
        self.heard.append(notice)
        return Receipt(channel=self.name, id=f"call {self.rang}", at=START)


class BrokenPhone(Phone):
    """A notifier with a defect of its own."""

    async def tell(self, notice: Notice) -> Receipt:
        raise KeyError(notice.key)


def happens(
    place: Place,
    kind: EventType,
    key: str = "1",
    environment: EnvironmentRef = HERE,
    incident: str = "INC-0001",
    **facts: Any,
) -> None:
    put = an_incident(id=incident, environment=environment, **facts)
    with place.store.begin() as work:
        work.incidents.put(put)
        clock = place.clock
        t = IncidentTransaction(work, put, clock.at, clock.now, clock.at)
        t.tell(PAYLOADS[kind], "what happened", key)


def occasions(phone: Phone) -> list[Occasion]:
    return [notice.occasion for notice in phone.heard]


def telling(place: Place, phone: Notifier) -> Notices:
    """Return what tells this phone: from now on, as of a receiver that was there before."""
    if not place.events():
        happens(place, EventType.INCIDENT_OPENED)  # the first event of all is never told
    dispatch = Dispatch(place.deps, phone.name, frozenset({HERE}))
    dispatch.begin()
    return Notices(dispatch, Feed(Queries(place.store)), phone)


async def test_each_event_that_matters_is_told_once_and_in_order(place: Place) -> None:
    phone = Phone()
    told = telling(place, phone)
    for number, kind in enumerate(PAYLOADS, start=1):
        happens(place, kind, "x", incident=f"INC-{number:04}")
    for _ in range(2):
        await told.catch_up()
    assert occasions(phone) == [  # nobody was asked anything
        Occasion.FIRES_AGAIN,
        Occasion.RESOLVED,
        Occasion.DISMISSED,
        Occasion.ESCALATED,
    ]
    said = [carried(event, PeopleTold) for event in place.events(EventType.PEOPLE_TOLD)]
    assert [one.occasion for one in said if one.receipt] == occasions(phone)
    assert [one.superseded for one in said if one.superseded] == ["the question is gone by now"] * 2


async def test_one_that_was_away_hears_all_of_it_later(place: Place) -> None:
    phone = Phone()
    told = telling(place, phone)
    for number in range(3):
        happens(place, EventType.INCIDENT_ESCALATED, incident=f"INC-{number:04}")
    assert phone.heard == []
    await told.catch_up()
    assert len(phone.heard) == 3


async def test_a_receiver_that_refuses_is_not_asked_again_and_holds_up_nobody(
    place: Place,
) -> None:
    phone = Phone(fails=1, retry=False)
    told = telling(place, phone)
    happens(place, EventType.INCIDENT_RESOLVED, incident="INC-0002")
    happens(place, EventType.INCIDENT_ESCALATED)
    await told.catch_up()
    assert phone.rang == 2
    assert occasions(phone) == [Occasion.ESCALATED]
    events = place.events(EventType.PEOPLE_TOLD)
    first, second = (carried(event, PeopleTold) for event in events)
    assert (first.failed, second.failed) == ("Nobody answers.", "")
    assert "NOT told (Nobody answers.)" in events[0].message


async def test_a_notice_that_is_refused_makes_no_pause_however_much_failed_before(
    place: Place,
) -> None:
    phone = Phone(fails=3)
    told = telling(place, phone)
    for number in range(3):
        happens(place, EventType.INCIDENT_ESCALATED, incident=f"INC-{number:04}")
    await told.catch_up()
    assert (phone.rang, phone.fails) == (2, 1), "away: two in a row"
    place.clock.go(minutes=2)
    phone.retry = False
    await told.catch_up()
    assert (phone.rang, len(phone.heard)) == (5, 2)


async def test_trouble_of_another_environment_is_not_told(place: Place) -> None:
    phone = Phone()
    told = telling(place, phone)
    happens(place, EventType.INCIDENT_RESOLVED, environment=EnvironmentRef.parse("shop:demo"))
    await told.catch_up()
    assert phone.heard == []


async def test_a_question_carries_its_digest_and_how_to_answer(place: Place) -> None:
    phone, plan = Phone(), a_plan().model_copy(update={"environment": HERE})
    told = telling(place, phone)
    place.put(an_incident(environment=HERE, status=Status.DIAGNOSING))
    Gate(place.deps).ask(plan, ASK)
    await told.catch_up()
    (notice,) = phone.heard
    assert notice.plan == plan.digest
    assert notice.action.startswith(plan.steps[0].run)
    assert plan.steps[0].undo in notice.undo
    assert notice.risk in {step.risk for step in plan.steps}
    assert notice.services[0] == "payments-api"
    assert {step.action.target.name for step in plan.steps} <= set(notice.services)
    assert notice.expires_at is not None
    named = f"INC-0001 --plan {plan.digest[:12]}"
    assert (notice.approve, notice.reject) == (f"aiops approve {named}", f"aiops reject {named}")


async def test_a_plan_that_was_replaced_is_not_told_any_more(place: Place) -> None:
    phone, gate = Phone(), Gate(place.deps)
    told = telling(place, phone)
    plans = [a_plan(n).model_copy(update={"environment": HERE, "attempt": n}) for n in (1, 2)]
    for plan in plans:
        place.put(an_incident(environment=HERE, status=Status.DIAGNOSING))
        asked = gate.ask(plan, ASK)
        if plan is plans[0]:
            gate.withdraw("INC-0001", asked, "replaced")
    await told.catch_up()
    assert [notice.plan for notice in phone.heard] == [plans[1].digest]


async def test_a_notifier_with_a_defect_silences_only_itself_and_not_silently(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    broken, phone = BrokenPhone(name="broken"), Phone()
    both = [telling(place, one) for one in (broken, phone)]
    happens(place, EventType.INCIDENT_ESCALATED)
    for one in both:
        await one.catch_up()
    assert occasions(phone) == [Occasion.ESCALATED]
    failed, sent = (carried(e, PeopleTold) for e in place.events(EventType.PEOPLE_TOLD))
    assert (failed.channel, failed.failed) == ("broken", "broken failed: KeyError")
    assert sent.receipt == Receipt(channel="phone", id="call 1", at=START)
    assert "notifier failed" in caplog.messages


async def test_a_notifier_that_is_restarted_goes_on_where_it_stopped(place: Place) -> None:
    phone, beats = Phone(), list[int]()
    telling(place, phone)
    for number in range(4):
        happens(place, EventType.INCIDENT_ESCALATED, incident=f"INC-{number:04}")
        told = telling(place, phone)
        running = asyncio.create_task(told.run(partial(beats.append, number)))
        async for _ in told.feed.follow():
            if len(phone.heard) > number:
                break
        running.cancel()
        await asyncio.wait({running})
    assert len({notice.key for notice in phone.heard}) == 4
    assert set(beats) == set(range(4)), "each showed that it goes on"


async def test_what_an_alert_brought_goes_with_the_notice(place: Place) -> None:
    phone = Phone()
    told = telling(place, phone)
    urls = {"generator_url": "https://prom.example/g", "runbook": "https://wiki.example/r"}
    place.keep(an_alert(**urls))
    await Receive(place.deps).handle(HERE)
    incident = next(one for one in place.incidents() if one.alert_names == ("HighLatency",))
    with place.store.begin() as work:
        t = IncidentTransaction(work, incident, START, place.clock.now, START)
        t.tell(PAYLOADS[EventType.INCIDENT_RESOLVED], "over", "1")
    await told.catch_up()
    (notice,) = phone.heard
    assert notice.labels["alertname"] == "HighLatency"
    assert notice.links == (
        Link(name="rule", url=urls["generator_url"]),
        Link(name="runbook", url=urls["runbook"]),
    )
