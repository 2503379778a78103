"""Whoever is told misses nothing: neither by being away nor by a crash."""

import asyncio
from dataclasses import dataclass, field

import pytest

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import NotifyError
from aiops_agent.domain.incident import Status
from aiops_agent.domain.notice import Link, Notice, Occasion, Receipt
from aiops_agent.domain.payload import EventType, PeopleTold
from aiops_agent.workflow import notices
from aiops_agent.workflow.deps import IncidentTransaction
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.notices import Notices
from aiops_agent.workflow.queries import Queries
from aiops_agent.workflow.receive import Receive
from tests import seams
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


def telling(place: Place, phone: Phone) -> Notices:
    return Notices(place.deps, Feed(Queries(place.store)), phone, HERE)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "FIRST_PAUSE_SECONDS", 0)


def happens(
    place: Place, kind: EventType, key: str = "1", environment: EnvironmentRef = HERE
) -> None:
    incident = an_incident(environment=environment)
    with place.store.begin() as work:
        work.incidents.put(incident)
        clock = place.clock
        t = IncidentTransaction(work, incident, clock.at, clock.now, clock.at)
        t.tell(PAYLOADS[kind], "what happened", key)


def occasions(phone: Phone) -> list[Occasion]:
    return [notice.occasion for notice in phone.heard]


async def test_each_event_that_matters_is_told_once_and_in_order(place: Place) -> None:
    phone = Phone()
    for kind in PAYLOADS:
        happens(place, kind)
    for _ in range(2):
        await telling(place, phone).catch_up()
    wanted = [Occasion.APPROVAL_NEEDED, Occasion.REMINDER, Occasion.RESOLVED, Occasion.ESCALATED]
    assert occasions(phone) == wanted
    told = place.events(EventType.PEOPLE_TOLD)
    assert [
        carried(event, PeopleTold).occasion for event in told[1:]
    ] == wanted  # the first one happened


async def test_one_that_was_away_hears_all_of_it_later(place: Place) -> None:
    phone = Phone()
    for number in range(3):
        happens(place, EventType.INCIDENT_ESCALATED, str(number))
    assert phone.heard == []
    await telling(place, phone).catch_up()
    assert len(phone.heard) == 3


async def test_a_call_that_failed_for_the_moment_is_made_again(place: Place) -> None:
    phone = Phone(fails=3)
    happens(place, EventType.INCIDENT_RESOLVED)
    await telling(place, phone).catch_up()
    assert (phone.rang, len(phone.heard)) == (4, 1)


@pytest.mark.parametrize(("retry", "rang"), [(True, notices.TRIES), (False, 1)])
async def test_a_call_that_cannot_be_made_is_said_and_holds_up_nobody(
    place: Place, retry: bool, rang: int
) -> None:
    phone = Phone(fails=rang, retry=retry)
    happens(place, EventType.INCIDENT_RESOLVED)
    happens(place, EventType.INCIDENT_ESCALATED)
    await telling(place, phone).catch_up()
    assert phone.rang == rang + 1
    assert occasions(phone) == [Occasion.ESCALATED]
    events = place.events(EventType.PEOPLE_TOLD)
    first, second = (carried(event, PeopleTold) for event in events)
    assert (first.failed, second.failed) == ("Nobody answers.", "")
    assert "NOT told (Nobody answers.)" in events[0].message


async def test_a_death_between_telling_and_noting_it_tells_again_under_the_same_key(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Phone()
    happens(place, EventType.INCIDENT_RESOLVED)

    class Died(BaseException):
        pass

    def dies(*_: object) -> None:
        raise Died

    with monkeypatch.context() as planted:
        seams.DONE.plant(planted, dies)
        with pytest.raises(Died):
            await telling(place, phone).catch_up()
    await telling(place, phone).catch_up()
    assert len(phone.heard) == 2
    assert len({notice.key for notice in phone.heard}) == 1
    assert len(place.events(EventType.PEOPLE_TOLD)) == 1


async def test_trouble_of_another_environment_is_not_told(place: Place) -> None:
    phone = Phone()
    happens(place, EventType.INCIDENT_RESOLVED, environment=EnvironmentRef.parse("shop:demo"))
    await telling(place, phone).catch_up()
    assert phone.heard == []


async def test_two_notifiers_have_a_cursor_each(place: Place) -> None:
    phone, bell = Phone(), Phone(name="bell")
    happens(place, EventType.INCIDENT_RESOLVED)
    await telling(place, phone).catch_up()
    await telling(place, bell).catch_up()
    assert len(phone.heard) == len(bell.heard) == 1


async def test_a_question_carries_its_digest_and_how_to_answer(place: Place) -> None:
    phone, plan = Phone(), a_plan().model_copy(update={"environment": HERE})
    place.put(an_incident(environment=HERE, status=Status.DIAGNOSING))
    Gate(place.deps).ask(plan, ASK)
    await telling(place, phone).catch_up()
    (notice,) = phone.heard
    assert notice.plan == plan.digest
    assert notice.action == plan.steps[0].run
    assert (notice.undo, notice.risk) == (plan.steps[0].undo, plan.steps[0].risk)
    assert notice.expires_at is not None


async def test_a_notice_names_the_plan_that_it_is_about_and_not_a_newer_one(place: Place) -> None:
    """The one that was away hears of both; each carries the digest to answer with."""
    phone, gate = Phone(), Gate(place.deps)
    plans = [a_plan(n).model_copy(update={"environment": HERE, "attempt": n}) for n in (1, 2)]
    for plan in plans:
        place.put(an_incident(environment=HERE, status=Status.DIAGNOSING))
        asked = gate.ask(plan, ASK)
        if plan is plans[0]:
            gate.withdraw("INC-0001", asked, "replaced")
    await telling(place, phone).catch_up()
    assert [notice.plan for notice in phone.heard] == [plan.digest for plan in plans]


async def test_a_notifier_with_a_defect_silences_only_itself_and_not_silently(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    broken, phone = BrokenPhone(name="broken"), Phone()
    happens(place, EventType.INCIDENT_ESCALATED)
    await telling(place, broken).catch_up()
    await telling(place, phone).catch_up()
    assert occasions(phone) == [Occasion.ESCALATED]
    failed, sent = (carried(e, PeopleTold) for e in place.events(EventType.PEOPLE_TOLD))
    assert (failed.channel, failed.failed) == ("broken", "broken failed: KeyError")
    assert sent.receipt == Receipt(channel="phone", id="call 1", at=START)
    assert "notifier failed" in caplog.messages


async def test_a_notifier_that_is_restarted_goes_on_where_it_stopped(place: Place) -> None:
    phone = Phone()
    for number in range(4):
        happens(place, EventType.INCIDENT_ESCALATED, str(number))
        told = telling(place, phone)
        running = asyncio.create_task(told.run())
        async for _ in told.feed.follow():
            if told._stopped() == told.feed._bus.newest_event():
                break
        running.cancel()
        await asyncio.wait({running})
    assert len({notice.key for notice in phone.heard}) == len(phone.heard) == 4


async def test_what_an_alert_brought_goes_with_the_notice(place: Place) -> None:
    phone = Phone()
    urls = {"generator_url": "https://prom.example/g", "runbook": "https://wiki.example/r"}
    place.keep(an_alert(**urls))
    await Receive(place.deps).handle(HERE)
    (incident,) = place.incidents()
    with place.store.begin() as work:
        t = IncidentTransaction(work, incident, START, place.clock.now, START)
        t.tell(PAYLOADS[EventType.INCIDENT_RESOLVED], "over", "1")
    await telling(place, phone).catch_up()
    (notice,) = phone.heard
    assert notice.labels["alertname"] == "HighLatency"
    assert notice.links == (
        Link(name="rule", url=urls["generator_url"]),
        Link(name="runbook", url=urls["runbook"]),
    )
