"""One look at a made-up environment: what is asked, what is answered, and what nobody knows."""

import dataclasses
from datetime import datetime, timedelta

import pytest

from aiops_agent.agents.briefing import Briefing, Pace
from aiops_agent.domain.alert import Alert, AlertState
from aiops_agent.domain.answer import STATISTICS, Answer, Author, AuthorKind, Effort
from aiops_agent.domain.diagnosis import CauseKind, Confidence, Diagnosis, TriageVerdict
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.investigated import Investigated
from aiops_agent.domain.reasoning import SecondOpinion, Stand, Suspect
from aiops_agent.domain.telemetry import Service, ServiceName, Signal
from aiops_agent.readonly.investigate import LookRequest, investigate
from tests.reasoning.world import BEGAN, World, step

SHOP = ServiceName("shopfront")


def overloaded() -> World:
    """Three times the requests, full, slow: since BEGAN."""
    return World(
        courses={
            ("shopfront", Signal.TRAFFIC): step(100.0, 300.0),
            ("shopfront", Signal.SATURATION): step(0.4, 0.99),
            ("shopfront", Signal.LATENCY): step(0.1, 2.0),
            ("shopfront", Signal.ERRORS): step(0.001, 0.001),
        },
        services=(Service(name=SHOP), Service(name=ServiceName("other"))),
        calls=(("shopfront", "other"),),
    )


def alert(name: str = "HighLatency", service: str = "shopfront", **more: object) -> Alert:
    labels = {"alertname": name, "service": service, "severity": "critical"}
    given = {"source": "alertmanager", "labels": labels, "received_at": BEGAN, **more}
    return Alert.model_validate({"state": AlertState.FIRING, "starts_at": BEGAN, **given})


async def look(world: World, question: LookRequest) -> Investigated:
    return await investigate(world.environment(), question, Pace())


async def test_a_service_is_looked_at_without_any_alert() -> None:
    found = await look(overloaded(), LookRequest("shopfront"))

    assert found.alerts.total == 0
    assert found.diagnosis is not None
    assert found.diagnosis.best is not None
    assert found.diagnosis.best.kind is CauseKind.CAPACITY
    assert not any("alert" in step for step in found.diagnosis.sequence)
    assert not found.quiet


async def test_an_alert_is_confirmed_and_its_cause_named() -> None:
    found = await look(overloaded(), LookRequest(alerts=(alert(), alert("Else", "elsewhere"))))

    assert found.triage is not None
    assert found.triage.verdict is TriageVerdict.CONFIRMED
    assert found.left_out == ("Else (elsewhere)",)
    assert [one.name for one in found.alerts.shown] == ["HighLatency"]


async def test_a_service_that_is_well_is_told_to_be_so() -> None:
    world = overloaded()
    world.courses = {key: step(0.1, 0.1) for key in world.courses}

    found = await look(world, LookRequest("shopfront"))

    assert found.quiet
    assert found.told()["quiet"] is True


async def test_trouble_elsewhere_does_not_make_a_service_ill() -> None:
    world = overloaded()
    well = {key[1]: step(0.1, 0.1) for key in world.courses}
    world.courses |= {("other", signal): course for signal, course in well.items()}

    found = await look(world, LookRequest("other"))

    assert found.quiet
    assert {one.service for one in found.elsewhere} <= {SHOP}


async def test_a_service_of_which_nothing_is_seen_is_never_said_to_be_well() -> None:
    found = await look(overloaded(), LookRequest("other"))

    assert not found.quiet
    assert "neither latency nor errors of other are seen" in found.missing[0]


async def test_an_alert_that_telemetry_contradicts_gets_no_cause() -> None:
    world = overloaded()
    world.courses = {key: step(0.1, 0.1) for key in world.courses}
    world.courses["shopfront", Signal.ERRORS] = step(0.001, 0.001)

    found = await look(world, LookRequest(alerts=(alert(),)))

    assert found.triage is not None
    assert (found.triage.verdict, found.diagnosis) == (TriageVerdict.CONTRADICTED, None)


async def test_metrics_that_do_not_answer_are_said_to_be_missing_and_never_quiet() -> None:
    world = overloaded()
    world.broken = {"metrics"}

    found = await look(world, LookRequest("shopfront"))

    assert found.diagnosis is None
    assert found.missing == ("The metrics are away.",)
    assert not found.quiet


async def test_a_graph_that_is_away_does_not_stop_the_look() -> None:
    world = overloaded()
    world.broken = {"topology", "rules", "logs", "changes"}

    found = await look(world, LookRequest("shopfront"))

    assert found.diagnosis is not None
    assert any("call graph" in gap for gap in found.diagnosis.not_known)


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (LookRequest("shopfrnt"), "Did you mean shopfront"),
        (LookRequest("zzz"), "There are: other, shopfront"),
        (LookRequest(), "name a service with --service"),
        (LookRequest(alerts=(alert(state="resolved"),)), "None of these alerts fires"),
    ],
)
async def test_what_is_not_there_is_told_in_a_sentence(question: LookRequest, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        await look(overloaded(), question)


async def test_a_beginning_is_looked_for_as_far_back_as_is_wished() -> None:
    read: list[datetime] = []
    world = overloaded()
    place = world.environment()

    class Noting:
        async def read(self, services: object, signals: object, window: object) -> object:
            read.append(window.start)  # type: ignore[attr-defined]  # a Window
            return await world.read(services, signals, window)  # type: ignore[arg-type]  # the same

    noted = dataclasses.replace(place, metrics=Noting())  # type: ignore[arg-type]  # a Metrics
    await investigate(noted, LookRequest("shopfront", since=timedelta(hours=3)), Pace())

    assert min(read) <= world.now - timedelta(hours=3)


async def test_a_model_that_disagrees_lowers_the_confidence_and_is_shown() -> None:
    asked: list[str] = []

    async def reason(briefing: Briefing, diagnosis: Diagnosis) -> Answer[SecondOpinion]:
        asked.append(briefing.incident.id)
        other = Suspect(kind=CauseKind.LEAK, service=SHOP)
        said = SecondOpinion(by="m", first=other, after=other, stand=Stand.DISAGREES)
        effort = Effort(by=Author(kind=AuthorKind.MODEL, name="m"))
        return Answer(value=said, effort=effort)

    question = LookRequest("shopfront")
    alone = await look(overloaded(), question)
    found = await investigate(overloaded().environment(), question, Pace(), reason)

    levels = [one.diagnosis.confidence for one in (alone, found) if one.diagnosis]
    assert asked == ["INC-0"]
    assert levels[0] is not levels[1]
    assert Confidence.HIGH not in levels[1:]
    assert found.opinion is not None


async def test_a_model_that_is_silent_is_told_and_the_answer_stays() -> None:
    async def reason(briefing: Briefing, diagnosis: Diagnosis) -> Answer[SecondOpinion]:
        return Answer(missing="it is away", effort=Effort(by=STATISTICS))

    found = await investigate(overloaded().environment(), LookRequest("shopfront"), Pace(), reason)

    assert found.diagnosis is not None
    assert found.missing == ("it is away; statistics go on alone",)
