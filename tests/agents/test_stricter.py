"""Triage and verify with a model: only stricter, asked once; a story without numbers of its own."""

from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.agents.asking import Desk
from aiops_agent.agents.crew import Crew, with_models
from aiops_agent.agents.report import report
from aiops_agent.agents.report_appendix import Material
from aiops_agent.agents.report_story import recorded, untold
from aiops_agent.agents.triage import triage
from aiops_agent.agents.verify import verify
from aiops_agent.domain.alert import NO_ALERTS
from aiops_agent.domain.answer import STATISTICS
from aiops_agent.domain.diagnosis import TriageVerdict
from aiops_agent.domain.incident import Attempt, Incident
from aiops_agent.domain.reasoning import Doubt
from aiops_agent.domain.remediation import Comparison, Criterion, Outcome, Recovery
from aiops_agent.domain.telemetry import Signal
from tests import seams
from tests.agents.test_diagnose import API, FRONT, overload
from tests.agents.thinking import Thinker, silent
from tests.reasoning.world import BEGAN, World, step


def crew(agent: str, script: Any) -> tuple[Crew, Thinker]:
    thinker = Thinker({agent: script})
    return with_models(Desk(thinker)), thinker


def calm() -> World:
    made = overload()
    made.courses = {key: step(0.1, 0.1) for key in made.courses}
    return made


def thinks(*, look: bool) -> Any:
    return lambda _question: {"look": look}


@pytest.mark.parametrize("look", [True, False])
async def test_whatever_a_model_says_triage_is_no_milder(*, look: bool) -> None:
    for made in (overload(), calm()):
        briefing = made.briefing()
        alone = await triage(briefing)
        team, thinker = crew("triage", thinks(look=look))
        beside = (await team.triage(briefing)).value
        assert beside is not None
        assert beside.severity <= alone.severity
        if alone.verdict is TriageVerdict.CONTRADICTED:
            assert (beside.verdict is TriageVerdict.CONTRADICTED) is not look
            # What is looked into is as bad as its sender says.
            said = briefing.incident.severity if look else alone.severity
            assert beside.severity is said
        else:
            assert beside == alone
            assert thinker.asked == [], "nobody waits for a model before the diagnosis"


async def test_a_model_is_asked_about_an_alert_once_and_its_doubt_stays() -> None:
    made = calm()
    team, thinker = crew("triage", thinks(look=True))
    first = (await team.triage(made.briefing())).value
    again = made.incident().model_copy(update={"triage": first})
    second = (await team.triage(made.briefing(incident=again))).value
    assert first is not None
    assert second is not None
    assert len(thinker.asked) == 1
    assert second.verdict is TriageVerdict.UNSEEN
    assert "a model would not dismiss it" in second.reason


async def test_a_silent_model_leaves_triage_as_it_is_and_is_not_asked_again() -> None:
    made = calm()
    alone = await triage(made.briefing())
    team, thinker = crew("triage", silent)
    answer = await team.triage(made.briefing())
    assert answer.value == alone.model_copy(update={"asked": "no model answered"})
    assert answer.effort.by == STATISTICS
    assert answer.effort.notes[-1] == "no model answered; statistics go on alone"
    again = made.incident().model_copy(update={"triage": answer.value})
    assert (await team.triage(made.briefing(incident=again))).value == answer.value
    assert len(thinker.asked) == 1


CRITERION = Criterion(
    service=API,
    signal=Signal.LATENCY,
    comparison=Comparison.BELOW,
    level=0.3,
    hold=timedelta(seconds=60),
    within=timedelta(minutes=5),
)


def mended(*, front: float) -> World:
    """Return a world in which api is well again, and the service before it is as told."""
    made = overload()
    made.courses[API, Signal.LATENCY] = step(0.05, 0.05)
    made.courses[FRONT, Signal.LATENCY] = step(0.1, front)
    return made


def acted(made: World, **more: Any) -> Incident:
    done = Outcome(effects=(), started=BEGAN, finished=BEGAN)
    return made.incident().amend(Attempt(number=1, outcome=done, **more))


def doubts(service: str, signal: str, *, recovered: bool = False) -> Any:
    return lambda _question: {"recovered": recovered, "service": service, "signal": signal}


@pytest.mark.parametrize(
    ("front", "script", "expected"),
    [
        (1.1, doubts("front", "latency"), Recovery.INCONCLUSIVE),  # code sees it too
        (0.1, doubts("front", "latency"), Recovery.RECOVERED),  # it is not so
        (1.1, doubts("api", "latency"), Recovery.RECOVERED),  # its criterion has spoken
        (1.1, doubts("front", "latency", recovered=True), Recovery.RECOVERED),
        (1.1, silent, Recovery.RECOVERED),
    ],
)
async def test_a_doubt_counts_only_where_telemetry_shows_it(
    front: float, script: Any, expected: Recovery
) -> None:
    made = mended(front=front)
    briefing = made.briefing(incident=acted(made))
    assert (await verify(briefing, (CRITERION,), BEGAN)).recovery is Recovery.RECOVERED
    team, _ = crew("verify", script)
    seen = (await team.verify(briefing, (CRITERION,), BEGAN)).value
    assert seen is not None
    assert seen.recovery is expected


async def test_a_doubt_is_looked_at_again_by_code_and_the_model_is_not_asked_again() -> None:
    team, thinker = crew("verify", doubts("front", "latency"))
    doubt = Doubt(by="model x", service=FRONT, signal=Signal.LATENCY)
    for front, expected in ((1.1, Recovery.INCONCLUSIVE), (0.1, Recovery.RECOVERED)):
        made = mended(front=front)
        alone = await verify(made.briefing(), (CRITERION,), BEGAN)
        before = alone.model_copy(update={"doubt": doubt})
        briefing = made.briefing(incident=acted(made, verification=before))
        seen = (await team.verify(briefing, (CRITERION,), BEGAN)).value
        assert seen is not None
        assert seen.recovery is expected
    assert thinker.asked == []


async def test_what_has_not_recovered_stays_so_and_no_model_is_asked() -> None:
    made = overload()
    team, thinker = crew("verify", doubts("front", "latency", recovered=True))
    answer = await team.verify(made.briefing(incident=acted(made)), (CRITERION,), BEGAN)
    assert answer.value is not None
    assert answer.value.recovery is not Recovery.RECOVERED
    assert thinker.asked == []


def writes(*sentences: str) -> Any:
    return lambda _question: {"sentences": list(sentences)}


FACTS = {"service": "api", "cause": "api is asked 90/s", "took": "3:00"}


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("At {service} the cause was that {cause}; it took {took}.", True),
        ("It took 3 minutes at {service}.", False),
        ("All went well.", False),
        ("The {secret} of {service} leaked.", False),
        ("Call alex@example.com about {service}.", False),
        ("See https and {service}.", False),
        ("Run `rm` on {service}.", False),
        ("<b>{service}</b> is fine.", False),
        ("{service} " + "x" * 300, False),
    ],
)
def test_a_sentence_tells_recorded_facts_and_no_number_of_its_own(
    sentence: str, *, told: bool
) -> None:
    assert (untold(sentence, FACTS) == "") is told


async def test_a_story_stands_in_the_report_with_the_record_s_facts_and_as_a_model_s() -> None:
    made = overload()
    team, thinker = crew("report", writes("It hurt {service} since {began}.", "9 were lost."))
    answer = await team.report(made.briefing(), ())
    assert answer.value is not None
    text = answer.value.markdown
    assert "### In a model's words" in text
    assert "Written by model scripted" in text
    assert "It hurt api since 03:01:00 UTC." in text
    assert "9 were lost" not in text
    assert "1 of its sentences were struck" in text
    assert "no placeholder" in thinker.sent_back[0][0]


async def test_a_check_that_believes_every_sentence_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seams.UNTOLD.plant(monkeypatch, lambda *_: "")
    team, _ = crew("report", writes("9 were lost."))
    answer = await team.report(overload().briefing(), ())
    assert answer.value is not None
    assert "9 were lost" in answer.value.markdown, "the planted defect must show"


async def test_without_an_answer_the_report_is_the_same_bytes() -> None:
    team, _ = crew("report", silent)
    briefing = overload().briefing()
    beside = (await team.report(briefing, ())).value
    assert beside == await report(briefing, ())


def test_what_is_unknown_is_no_fact() -> None:
    facts = recorded(Material(overload().incident(), (), NO_ALERTS))
    assert "action" not in facts
    assert facts["service"] == "api"
