"""Alerts of the past open and join incidents as they would have when they came."""

from datetime import timedelta

from aiops_agent.backtest.group import Grouping, GroupTerms, past_id
from aiops_agent.domain.backtest import AlertEpisode
from aiops_agent.domain.telemetry import AlertRule, Service, ServiceName
from tests.backtest.past import FIRED, PastWorld, episode
from tests.reasoning.world import World

MINUTE = timedelta(minutes=1)


def shop() -> PastWorld:
    names = ("web", "api", "db", "mail")
    services = tuple(Service(name=ServiceName(name)) for name in names)
    return PastWorld(world=World(services=services, calls=(("web", "api"), ("api", "db"))))


async def groups(past: PastWorld, *episodes: AlertEpisode, **terms: object) -> list[list[str]]:
    """The names of the alerts of each incident."""
    ref = past.world.environment().ref
    grouping = Grouping(GroupTerms(environment=ref, **terms), past.open)  # type: ignore[arg-type]  # a test's
    ordered = sorted(episodes, key=lambda one: one.began)
    return [[one.name for one in case.alerts] for case in await grouping.add(ordered)]


async def test_what_calls_or_is_called_joins_within_the_window() -> None:
    found = await groups(
        shop(),
        episode("DbSlow", "db"),
        episode("WebSlow", "web", FIRED + MINUTE),
        episode("MailLate", "mail", FIRED + MINUTE),
        episode("ApiSlow", "api", FIRED + 7 * MINUTE),
    )
    assert found == [["DbSlow", "WebSlow"], ["MailLate"], ["ApiSlow"]] or sorted(found) == [
        ["ApiSlow"], ["DbSlow", "WebSlow"], ["MailLate"],
    ]  # fmt: skip


async def test_of_what_came_together_the_deepest_opens() -> None:
    past = shop()
    grouping = Grouping(GroupTerms(environment=past.world.environment().ref), past.open)
    [case] = await grouping.add([episode("WebSlow", "web"), episode("DbSlow", "db")])
    assert case.incident.service == "db"


async def test_a_deadman_opens_nothing() -> None:
    past = shop()
    past.world.listed = (AlertRule(name="Heart", expression="vector(1)"),)
    assert await groups(past, episode("Heart", "", length=timedelta(days=2))) == []


async def test_alerts_of_another_environment_are_left_to_it() -> None:
    ours, theirs = episode(cluster="eu"), episode("Other", cluster="us")
    assert await groups(shop(), ours, theirs, labels=(("cluster", "eu"),)) == [["HighLatency"]]


async def test_what_fires_again_within_the_hour_is_no_notice_more() -> None:
    past = shop()
    grouping = Grouping(GroupTerms(environment=past.world.environment().ref), past.open)
    later = [FIRED, FIRED + 30 * MINUTE, FIRED + 300 * MINUTE]
    cases = await grouping.add([episode("MailLate", "mail", began=at) for at in later])
    assert [case.repeats for case in cases] == [False, True, False]


async def test_two_replicas_of_a_sender_send_one_alert() -> None:
    two = [episode(prometheus="a"), episode(prometheus="b")]
    assert await groups(shop(), *two, replica_labels=frozenset({"prometheus"})) == [
        ["HighLatency", "HighLatency"]
    ]


async def test_the_names_stay_the_same_whatever_the_window() -> None:
    past = shop()
    grouping = Grouping(GroupTerms(environment=past.world.environment().ref), past.open)
    [case] = await grouping.add([episode("DbSlow", "db")])
    assert case.incident.id == past_id(case.alerts[0].key, FIRED)


async def test_services_that_cannot_be_read_are_told_and_asked_again() -> None:
    past = shop()
    past.world.broken.add("topology")
    grouping = Grouping(GroupTerms(environment=past.world.environment().ref), past.open)
    assert await grouping.add([episode("DbSlow", "db")]) == []
    assert len(grouping.unread) == 1
