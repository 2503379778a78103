"""A question, its answer and its correction stay with the incident; nothing is paid twice."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from aiops_agent.agents.ask import CheckedAnswer
from aiops_agent.agents.asking import Desk
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.crew import with_models
from aiops_agent.domain.answer import STATISTICS, Answer, Effort
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.timing import by_phase
from aiops_agent.ports.model import ModelQuestion
from aiops_agent.workflow.inquiries import Inquiries
from tests.agents.thinking import Thinker
from tests.safety.plans import an_incident
from tests.workflow.place import START, Place
from tests.workflow.test_notices import happens

INC = an_incident().id


def desk(place: Place, script: Any = None) -> tuple[Inquiries, Thinker]:
    thinker = Thinker({"ask": script} if script else {})
    deps = place.deps
    if script:
        crew = with_models(Desk(thinker))
        deps = replace(deps, crew=replace(deps.crew, ask=crew.ask))
    return Inquiries(deps), thinker


def says(text: str) -> Any:
    """Return a script that cites the first event, whatever number its store gave it."""

    def script(question: ModelQuestion[Any]) -> dict[str, Any]:
        [cite, *_] = re.findall(r"#\d+", question.material)
        return {"sentences": [{"text": text, "cites": [cite]}], "not_known": []}

    return script


async def test_without_a_model_the_best_facts_are_quoted_and_it_says_so(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    made = await desk(place)[0].ask(INC, "what happened?", "alex")

    assert made.recorded
    assert made.missing == "no language model is configured"
    assert [one.cites for one in made.sentences] == [(f"#{place.events()[0].id}",)]


async def test_question_answer_and_correction_are_events_of_the_incident(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    asking, _ = desk(place, says("What happened is known."))
    made = await asking.ask(INC, "  what   happened? ", "alex")
    asking.correct(INC, 1, "it is not", "sam")
    asking.correct(INC, 1, "it is not", "sam")

    kinds = (EventType.QUESTION_ASKED, EventType.QUESTION_ANSWERED, EventType.ANSWER_CORRECTED)
    assert [len(place.events(kind)) for kind in kinds] == [1, 1, 1]
    [kept] = asking.answers(INC)
    assert kept == made.model_copy(update={"corrections": ("sam: it is not",)})
    assert (kept.number, kept.question, kept.by) == (1, "what happened?", "alex")


async def test_the_same_question_about_the_same_story_is_not_paid_twice(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    asking, thinker = desk(place, says("What happened is known."))
    first = await asking.ask(INC, "what happened?", "alex")
    again = await asking.ask(INC, "What  happened?", "sam")
    paid = len(thinker.asked)
    happens(place, EventType.TRIAGE_DONE)
    await asking.ask(INC, "what happened?", "alex")

    assert again == first
    assert (paid, len(thinker.asked)) == (1, 2)


async def test_a_corrected_answer_is_asked_again_and_the_correction_is_shown(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    asking, thinker = desk(place, says("What happened is known."))
    await asking.ask(INC, "what happened?", "alex")
    asking.correct(INC, 1, "nobody knows", "sam")
    await asking.ask(INC, "what happened?", "alex")

    assert len(thinker.asked) == 2
    assert "sam says that answer 1 is wrong: nobody knows" in thinker.asked[1].material


async def test_a_later_question_is_shown_what_was_answered_before(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    asking, _ = desk(place, says("What happened is known."))
    struck, _ = desk(place, says("What happened cost 900 dollars."))
    later, thinker = desk(place, says("What happened is known."))
    await asking.ask(INC, "what happened?", "alex")
    await struck.ask(INC, "what did it cost?", "alex")
    await later.ask(INC, "and then?", "alex")

    assert "1. what happened? — What happened is known." in thinker.asked[0].material
    assert "2. what did it cost? — not known" in thinker.asked[0].material


async def test_an_unsupported_sentence_is_kept_as_struck(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    made = await desk(place, says("What happened cost 900 dollars."))[0].ask(INC, "cost?", "a")

    assert made.supported == ()
    assert "900 stands in nothing" in made.struck[0].wrong


async def test_a_model_that_does_not_answer_leaves_the_facts(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    made = await desk(place, lambda _question: None)[0].ask(INC, "what happened?", "alex")

    assert made.recorded
    assert made.missing == "no model answered"
    assert made.effort.usage.requests == 1  # what was paid in vain is still counted


async def test_no_phase_waits_for_a_question(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    place.clock.go(minutes=5)
    await desk(place)[0].ask(INC, "what happened?", "alex")

    spent = by_phase(place.events())
    assert [one.name for one in spent] == ["alert"]


@pytest.mark.parametrize("question", ["", "  ", "x" * 1001])
async def test_a_question_has_a_size(place: Place, question: str) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    with pytest.raises(UsageError, match="1 to 1000"):
        await desk(place)[0].ask(INC, question, "alex")


async def test_a_thousand_characters_can_be_asked_and_corrected(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    asking, _ = desk(place)

    asked = await asking.ask(INC, "x" * 1000, "alex")
    asking.correct(INC, asked.number, "y" * 1000, "alex")
    asking.correct(INC, asked.number, "y" * 1000, "alex")  # once more is the same

    (answer,) = asking.answers(INC)
    assert len(answer.corrections) == 1
    for text in ("", "y" * 1001):
        with pytest.raises(UsageError, match="1 to 1000"):
            asking.correct(INC, asked.number, text, "alex")


async def test_what_is_not_there_cannot_be_asked_or_corrected(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    asking, _ = desk(place)

    with pytest.raises(UsageError, match="no incident"):
        await asking.ask("INC-9", "why?", "alex")
    with pytest.raises(UsageError, match="has no answer 4"):
        asking.correct(INC, 4, "no", "alex")


async def test_questions_are_numbered_and_corrected_apart(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    asking, _ = desk(place, says("What happened is known."))
    await asking.ask(INC, "what happened?", "alex")
    await asking.ask(INC, "what happened then?", "alex")
    asking.correct(INC, 2, "no", "sam")

    told = [(one.number, one.corrections) for one in asking.answers(INC)]
    assert told == [(1, ()), (2, ("sam: no",))]
    with pytest.raises(UsageError, match="1 to 1000"):
        asking.correct(INC, 1, "  ", "sam")


@pytest.mark.parametrize("word", ["Why", "what cause", "what caused", "which reason", "causes of"])
async def test_why_is_answered_by_the_newest_diagnosis_first(place: Place, word: str) -> None:
    for kind in (EventType.INCIDENT_OPENED, EventType.DIAGNOSIS_READY, EventType.TRIAGE_DONE):
        happens(place, kind)
    (diagnosis,) = place.events(EventType.DIAGNOSIS_READY)
    first = f"#{diagnosis.id}"

    made = await desk(place)[0].ask(INC, f"{word} it happened?", "alex")
    other = await desk(place)[0].ask(INC, "what happened?", "alex")

    assert made.sentences[0].cites == (first,)
    assert other.sentences[0].cites != (first,)


async def test_why_is_asked_before_there_is_a_diagnosis(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    made = await desk(place)[0].ask(INC, "why did it happen?", "alex")
    assert (made.recorded, made.sentences) == (True, ())


@pytest.mark.parametrize("ended", [START - timedelta(minutes=5), None])
async def test_of_an_ended_incident_is_looked_up_what_was_seen_at_its_end(
    place: Place, ended: datetime | None
) -> None:
    happens(place, EventType.INCIDENT_OPENED, ended_at=ended)
    seen: list[datetime] = []

    async def ask(briefing: Briefing, *_: object) -> Answer[CheckedAnswer]:
        seen.append(briefing.now)
        return Answer(missing="it is away", effort=Effort(by=STATISTICS))

    deps = place.deps
    asking = Inquiries(replace(deps, crew=replace(deps.crew, ask=ask)))
    await asking.ask(INC, "what happened?", "alex")
    assert seen == [ended or place.clock.at]


async def test_only_cited_facts_stay_and_an_answer_without_any_says_so(place: Place) -> None:
    for kind in (EventType.INCIDENT_OPENED, EventType.TRIAGE_DONE):
        happens(place, kind)
    asking, _ = desk(place, says("What happened is known."))
    cited = await asking.ask(INC, "what happened?", "alex")
    struck, _ = desk(place, says("What happened cost 900 dollars."))
    await struck.ask(INC, "what did it cost?", "alex")

    assert [one.id for one in cited.facts] == list(cited.sentences[0].cites)
    told = place.events(EventType.QUESTION_ANSWERED)[-1].message
    assert told.endswith("nothing recorded answers it")


async def test_an_answer_that_a_model_failed_to_give_is_asked_for_again(place: Place) -> None:
    happens(place, EventType.INCIDENT_OPENED)
    asking, thinker = desk(place, lambda _question: None)
    await asking.ask(INC, "what happened?", "alex")
    await asking.ask(INC, "what happened?", "alex")

    assert len(thinker.asked) == 2
