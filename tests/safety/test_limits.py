"""The stop, the limits and the breakers, on an open transaction."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import Attempt, Ending
from aiops_agent.domain.remediation import Outcome, Prepared, PreparedPlan
from aiops_agent.domain.sending import Limits, Switch, limit
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.safety import limits
from tests import seams
from tests.safety.memory import MemoryStore
from tests.safety.plans import NOW, a_plan, an_incident
from tests.targets import at as target

FREE = Limits(per_service=limit("1000/h"), per_environment=limit("1000/h"))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HERE = EnvironmentRef.parse("shop:a")


def plan_on(*services: str) -> PreparedPlan:
    """A plan with one action on each of these services."""
    plan = a_plan(1, max(len(services), 1))

    def on(step: Prepared, service: str) -> Prepared:
        action = step.action.model_copy(update={"target": target(ServiceName(service))})
        return step.model_copy(update={"action": action})

    steps = tuple(on(step, name) for step, name in zip(plan.steps, services, strict=True))
    return plan.model_copy(update={"steps": steps})


def a_store(service: str = "web") -> Any:
    store = MemoryStore()
    subject = target(ServiceName(service))
    store.incidents.put(an_incident(environment=HERE, subject=subject))
    return store


def armed(store: Any, plan: PreparedPlan, at: datetime, given: Limits) -> bool:
    """Arm a plan as the executor does; say whether it was allowed."""
    if limits.held(store, plan, at, given):
        return False
    limits.count(store, plan, at)
    return True


def test_whoever_stopped_last_says_whether_anything_is_sent() -> None:
    store = a_store()
    assert limits.stopped(store) == ""
    store.sending.switch(Switch(stopped=True, by="alex", at=NOW, reason="bad release"))
    said = "sending is stopped by alex at 2026-11-24 09:30:00 UTC: bad release"
    assert limits.stopped(store) == said
    # A clock set back makes the later move no older.
    store.sending.switch(Switch(stopped=False, by="kim", at=NOW - HOUR))
    assert limits.stopped(store) == ""


def test_the_fourth_action_on_a_service_within_the_hour_is_held() -> None:
    store, plan = a_store(), plan_on("web")
    assert [armed(store, plan, NOW + n * MINUTE, Limits()) for n in range(5)] == [True] * 3 + [
        False
    ] * 2
    words = limits.held(store, plan, NOW + 5 * MINUTE, Limits())
    assert words == "web had 3 actions within 1h; policy.limits.per_service allows 3/h"
    assert armed(store, plan, NOW + HOUR, Limits())  # the first is an hour ago
    assert not armed(store, plan, NOW + HOUR, Limits())


def test_services_are_told_apart_by_their_whole_name() -> None:
    store, given = a_store(), Limits(per_service=limit("1/h"))
    names = ("web", "web-1", "we", "WEB", "web ", "w_b", "web%")
    assert all(armed(store, plan_on(name), NOW, given) for name in names)
    assert not any(armed(store, plan_on(name), NOW, given) for name in names)


def test_a_plan_that_alone_is_too_much_is_held_and_leaves_no_count() -> None:
    store, given = a_store(), Limits(per_service=limit("1/h"))
    assert not armed(store, plan_on("web", "web"), NOW, given)
    words = limits.held(store, plan_on("web", "web"), NOW, given)
    assert "this plan has 2" in words
    assert armed(store, plan_on("web"), NOW, given)


def test_the_environment_has_a_limit_of_its_own_over_all_services() -> None:
    store, given = a_store(), Limits(per_environment=limit("2/h"))
    assert armed(store, plan_on("a", "b"), NOW, given)
    assert not armed(store, plan_on("c"), NOW + MINUTE, given)
    elsewhere = plan_on("c").model_copy(update={"environment": EnvironmentRef.parse("shop:b")})
    assert armed(store, elsewhere, NOW + MINUTE, given)


def test_none_at_all_is_a_limit_too() -> None:
    assert not armed(a_store(), plan_on("web"), NOW, Limits(per_service=limit("0/h")))
    assert not armed(a_store(), plan_on("web"), NOW, Limits(per_environment=limit("0/h")))


@pytest.mark.parametrize("back", [MINUTE, HOUR, 48 * HOUR])
def test_a_clock_set_back_frees_nothing(back: timedelta) -> None:
    store, plan = a_store(), plan_on("web")
    assert [armed(store, plan, NOW, Limits()) for _ in range(3)] == [True] * 3
    assert not armed(store, plan, NOW - back, Limits())


def test_summer_time_does_not_shift_the_hour() -> None:
    store, plan = a_store(), plan_on("web")
    summer, winter = timezone(2 * HOUR), timezone(HOUR)
    first = datetime(2026, 10, 25, 2, 30, tzinfo=summer)  # the same reading half an hour later
    second = datetime(2026, 10, 25, 2, 30, tzinfo=winter)
    assert second - first == HOUR
    assert [armed(store, plan, first + MINUTE, Limits()) for _ in range(3)] == [True] * 3
    assert not armed(store, plan, second, Limits())
    assert armed(store, plan, second + MINUTE, Limits())


def test_actions_that_send_nothing_are_not_counted() -> None:
    store, plan = a_store(), plan_on("web")
    idle = plan.model_copy(
        update={"steps": tuple(s.model_copy(update={"requests": ()}) for s in plan.steps)}
    )
    assert all(armed(store, idle, NOW, Limits()) for _ in range(9))


def storm(seed: int) -> int:
    """Arm at random times, also backwards, with an always-approving person; count what is over."""
    draw, store = random.Random(seed), a_store()
    given = Limits(per_service=limit("3/h"), per_environment=limit("10/h"))
    done: list[tuple[datetime, str]] = []
    now = NOW
    for _ in range(40):
        now += draw.uniform(-2, 12) * MINUTE
        services = draw.choices(
            ("web", "web-1", "orders", "cart", "payments"), k=draw.choice((1, 1, 2))
        )
        if armed(store, plan_on(*services), now, given):
            done += [(now, name) for name in services]
    over = 0
    for at, name in done:
        within = [(t, n) for t, n in done if at - HOUR < t <= at]
        over += len(within) > 10 or sum(n == name for _, n in within) > 3
    return over


@pytest.mark.slow
def test_no_storm_gets_over_the_limits(record_property: Callable[[str, object], None]) -> None:
    storms = 300
    assert sum(storm(seed) for seed in range(storms)) == 0
    record_property("count", f"storms of 40 approvals: {storms}, actions over a limit: 0")


def test_limits_that_are_not_counted_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.COUNT_ARMED.plant(monkeypatch, lambda *_given: None)
    assert sum(storm(seed) for seed in range(20)) > 0


def ended(store: Any, number: int, ending: Ending, *acted_on: str, at: datetime = NOW) -> None:
    """End an incident of `web` that acted on these services, one attempt each."""
    outcome = Outcome(effects=(), started=NOW, finished=NOW)
    attempts = tuple(
        Attempt(number=n, prepared=plan_on(name), outcome=outcome)
        for n, name in enumerate(acted_on, 1)
    )
    subject = target(ServiceName("web"))
    incident = an_incident(
        id=f"INC-{number:04}", environment=HERE, subject=subject, attempts=attempts
    )
    limits.note_end(store, incident, ending, at)


BAD, GOOD = (Ending.FAILED, Ending.UNKNOWN), Ending.FIXED


@pytest.mark.parametrize("first", BAD)
@pytest.mark.parametrize("second", BAD)
def test_after_two_failures_in_a_row_a_service_is_closed_for_an_hour(
    first: Ending, second: Ending
) -> None:
    store, plan = a_store(), plan_on("web")
    ended(store, 1, first, "web")
    ended(store, 1, first, "web")  # told again after a crash
    assert armed(store, plan, NOW, FREE)
    ended(store, 2, second, "web", at=NOW + MINUTE)
    words = limits.held(store, plan, NOW + MINUTE, FREE)
    assert words == (
        "web is closed until 2026-11-24 10:31:00 UTC: INC-0001, INC-0002 failed in a row "
        "(`aiops sending reset web` opens it)"
    )
    assert not armed(store, plan, NOW + HOUR, FREE)
    assert armed(store, plan, NOW + HOUR + MINUTE, FREE)


@pytest.mark.parametrize("between", [e for e in Ending if e not in BAD])
def test_only_what_was_fixed_ends_a_row(between: Ending) -> None:
    store = a_store()
    ended(store, 1, Ending.FAILED, "web")
    ended(store, 2, between, "web")
    ended(store, 3, Ending.FAILED, "web")
    assert armed(store, plan_on("web"), NOW, FREE) is (between is GOOD)


def test_failures_count_for_what_was_acted_on_and_for_what_the_incident_is_about() -> None:
    store = a_store("other")
    ended(store, 1, Ending.FAILED, "db", "cache")
    ended(store, 2, Ending.FAILED, "db")
    closed = {name: not armed(store, plan_on(name), NOW, FREE) for name in ("web", "db", "cache")}
    assert closed == {"web": True, "db": True, "cache": False}
    # An incident of the closed service acts on nothing else either.
    store.incidents.put(an_incident(environment=HERE, subject=target(ServiceName("web"))))
    assert not armed(store, plan_on("lb"), NOW, FREE)


def test_a_fix_opens_what_it_acted_on_last_only() -> None:
    store = a_store("other")
    ended(store, 1, Ending.FAILED, "db", "cache")
    ended(store, 2, Ending.FIXED, "db", "cache")  # the first of it did not help
    ended(store, 3, Ending.FAILED, "db", "cache")
    assert not armed(store, plan_on("db"), NOW, FREE)
    assert armed(store, plan_on("cache"), NOW, FREE)


def test_what_was_planned_and_not_sent_says_nothing_of_a_service() -> None:
    store, plan = a_store("other"), plan_on("db")
    incident = an_incident(environment=HERE, subject=target(ServiceName("other")))
    incident = incident.amend(Attempt(number=1, prepared=plan))
    for number in (1, 2):
        failed = incident.model_copy(update={"id": f"INC-000{number}"})
        limits.note_end(store, failed, Ending.FAILED, NOW)
    assert armed(store, plan, NOW, FREE) is False, "the incident is about a closed service"
    store.incidents.put(an_incident(environment=HERE, subject=target(ServiceName("lb"))))
    assert armed(store, plan, NOW, FREE)


def test_a_plan_of_which_the_incident_is_unknown_is_counted_all_the_same() -> None:
    store, given = MemoryStore(), Limits(per_service=limit("1/h"))
    found: Any = store
    assert [armed(found, plan_on("web"), NOW, given) for _ in range(2)] == [True, False]


def test_a_breaker_of_another_environment_or_a_longer_name_closes_nothing_here() -> None:
    store = a_store("other")
    ended(store, 1, Ending.FAILED, "web")
    ended(store, 2, Ending.FAILED, "web")
    elsewhere = plan_on("web").model_copy(update={"environment": EnvironmentRef.parse("shop:b")})
    assert armed(store, elsewhere, NOW, FREE)
    assert armed(store, plan_on("web-1"), NOW, FREE)
    assert not armed(store, plan_on("web"), NOW, FREE)


def test_a_breaker_that_is_not_asked_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store()
    ended(store, 1, Ending.FAILED, "web")
    ended(store, 2, Ending.FAILED, "web")
    seams.CLOSED.plant(monkeypatch, lambda _breaker, _at: False)
    assert armed(store, plan_on("web"), NOW, FREE)
