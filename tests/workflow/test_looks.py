"""How often it is looked, how long, and what is made of what is seen; no durable engine here."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from aiops_agent.agents.briefing import UNSEEN_LOOKS, UNSURE_LOOKS, Pace
from aiops_agent.domain.answer import STATISTICS, Answer, Effort
from aiops_agent.domain.diagnosis import Confidence, NotMine, TriageVerdict
from aiops_agent.domain.incident import Ending, Status
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.remediation import Recovery
from aiops_agent.workflow import questions
from aiops_agent.workflow.deps import Terms
from aiops_agent.workflow.questions import Looks
from aiops_agent.workflow.recorder import IncidentEnded, IncidentRecorder
from tests.interfaces.terminal import canned
from tests.workflow.place import HERE, Place

ID = canned.OPEN.id
BY = Effort(by=STATISTICS)
LOOK, WITHIN = timedelta(seconds=30), timedelta(seconds=60)
BLIND = timedelta(seconds=90)


@dataclass
class Scripted:
    """Answers one question after the other, the last one for ever."""

    said: Sequence[Any]
    asked: int = 0

    async def answer(self, *_: Any) -> Answer[Any]:
        self.asked += 1
        value = self.said[min(self.asked, len(self.said)) - 1]
        return Answer(value=value, missing="" if value else "it is away", effort=BY)

    triage = diagnose = verify = reason = choose = answer


@dataclass
class Steps:
    """What was checkpointed, under which name."""

    names: list[str] = field(default_factory=list)

    async def __call__(self, name: str, work: Any, *given: Any) -> Any:
        self.names.append(name)
        found = work(*given)
        return await found if name == "wait" else found


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    found = Steps()
    monkeypatch.setattr(questions, "step", found)
    return found


def looks(place: Place, *said: Any, status: Status = Status.OPEN) -> tuple[Looks, Scripted]:
    place.terms = Terms(pace=replace(Pace(), look=LOOK, within=WITHIN), blind=BLIND)
    attempt = canned.ATTEMPT.model_copy(update={"verification": None})
    given = {"environment": HERE, "status": status, "attempts": (attempt,)}
    place.put(canned.OPEN.model_copy(update=given))
    ask: Any = Scripted(said)
    return Looks(place.deps, ask, IncidentRecorder(place.deps)), ask


def verdict(of: TriageVerdict) -> Any:
    return canned.TRIAGE.model_copy(update={"verdict": of})


async def test_what_is_not_ours_is_looked_at_once(place: Place, steps: Steps) -> None:
    stranger = NotMine(why="it is about a disk", text="the disk is full")
    seen = verdict(TriageVerdict.UNSEEN).model_copy(update={"not_mine": stranger})
    found, ask = looks(place, seen)
    assert (await found.triage(ID)).not_mine == stranger
    assert (ask.asked, steps.names) == (1, ["triaged"])


def recovery(of: Recovery) -> Any:
    return canned.VERIFICATION.model_copy(update={"recovery": of})


@pytest.mark.parametrize(
    ("said", "times"),
    [
        ([TriageVerdict.CONFIRMED], 1),
        ([TriageVerdict.UNSEEN, TriageVerdict.CONFIRMED], 2),
        ([TriageVerdict.CONTRADICTED], 1 + WITHIN // LOOK),  # watched for a while first
        ([TriageVerdict.UNSEEN], UNSEEN_LOOKS),  # and longer than what is contradicted
        ([TriageVerdict.UNSEEN, TriageVerdict.UNSEEN, TriageVerdict.CONTRADICTED], 3),
    ],
)
async def test_an_alert_is_looked_at_until_it_is_known(
    place: Place, steps: Steps, said: list[TriageVerdict], times: int
) -> None:
    found, ask = looks(place, *map(verdict, said))

    seen = await found.triage(ID)

    assert (seen.verdict, ask.asked) == (said[-1], times)
    rounds = ["triaged", "taken", "wait"] * times
    assert steps.names == rounds[:-2]
    assert len({event.key for event in place.events()}) == times


@pytest.mark.parametrize(
    ("said", "times", "reopened"),
    [
        ([TriageVerdict.CONFIRMED], 1, True),
        ([TriageVerdict.CONTRADICTED], 1, False),
        ([TriageVerdict.UNSEEN, TriageVerdict.CONTRADICTED], 2, False),
        ([TriageVerdict.UNSEEN], UNSEEN_LOOKS, True),  # nobody rests on what cannot be seen
    ],
)
async def test_what_was_dismissed_and_fires_on_is_looked_at_until_it_is_known(
    place: Place, steps: Steps, said: list[TriageVerdict], times: int, *, reopened: bool
) -> None:
    found, ask = looks(place, *map(verdict, said), status=Status.DISMISSED)
    began = place.clock.now()

    assert await found.again(ID) is reopened

    assert ask.asked == times
    assert steps.names == [*["triaged", "wait"] * (times - 1), "triaged", "looked"]
    assert place.clock.now() == began + (times - 1) * LOOK


async def test_an_unsure_diagnosis_is_looked_at_again_and_then_taken(
    place: Place, steps: Steps
) -> None:
    unsure = canned.DIAGNOSIS.model_copy(update={"confidence": Confidence.LOW})
    found, ask = looks(place, unsure)

    await found.diagnose(ID, 1)

    assert ask.asked == UNSURE_LOOKS + 1
    assert steps.names == [*["unsure", "taken", "wait"] * UNSURE_LOOKS, "diagnosed"]


async def test_a_diagnosis_that_sees_nothing_ends_with_a_person(place: Place, steps: Steps) -> None:
    found, ask = looks(place, None)

    with pytest.raises(IncidentEnded, match="it is away") as end:
        await found.diagnose(ID, 1)

    assert (end.value.ending, ask.asked) == (Ending.HANDED_OVER, UNSEEN_LOOKS)
    assert steps.names.count("unsure") == UNSEEN_LOOKS


@pytest.mark.parametrize(
    ("said", "times"),
    [
        ([Recovery.RECOVERED], 1),
        ([Recovery.WORSE], 1),
        ([Recovery.NOT_RECOVERED], 1 + WITHIN // LOOK),
        ([Recovery.NOT_RECOVERED, Recovery.RECOVERED], 2),
        ([Recovery.INCONCLUSIVE], 1 + (WITHIN + BLIND) // LOOK),  # blindness gets extra time
    ],
)
async def test_recovery_is_looked_for_until_patience_is_over(
    place: Place, steps: Steps, said: list[Recovery], times: int
) -> None:
    found, ask = looks(place, *map(recovery, said), status=Status.VERIFYING)

    seen = await found.recovery(ID, 1, place.clock.now(), WITHIN)

    assert seen == (said[-1], canned.DIAGNOSIS.summary)
    assert ask.asked == times
    assert steps.names == [*["sampled", "taken", "wait"] * (times - 1), "sampled", "verified"]
    assert len(place.events(EventType.VERIFICATION_SAMPLE)) == times


@pytest.mark.parametrize(
    ("said", "healed"),
    [(recovery(Recovery.RECOVERED), True), (recovery(Recovery.WORSE), False), (None, False)],
)
async def test_healed_means_that_telemetry_says_so(
    place: Place, said: Any, *, healed: bool
) -> None:
    found, _ = looks(place, said)

    assert await found.healed(ID, 1) is healed


async def test_it_is_waited_from_a_moment_or_from_now(place: Place, steps: Steps) -> None:
    found, _ = looks(place, None)
    began = place.clock.now()
    await found.wait(ID, LOOK)
    assert place.clock.now() == began + LOOK
    await found.wait(ID, WITHIN, began)
    assert place.clock.now() == began + WITHIN
    assert steps.names == ["wait", "wait"]


async def test_whoever_takes_it_over_stops_it_at_the_next_boundary(
    place: Place, steps: Steps
) -> None:
    found, ask = looks(place, verdict(TriageVerdict.UNSEEN))
    [incident] = place.incidents()
    place.put(incident.model_copy(update={"takeover": True}))

    with pytest.raises(IncidentEnded) as end:
        await found.triage(ID)

    assert (end.value.ending, ask.asked) == (Ending.TAKEN_OVER, 1)
