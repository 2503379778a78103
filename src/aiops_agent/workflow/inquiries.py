"""Questions of people about an incident: each is kept with its answer, and with what was corrected.

A question changes nothing of the incident. It is asked beside the workflow, also when the incident
has ended or another process works on it.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from aiops_agent.agents.ask import CheckedAnswer
from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.answer import STATISTICS, Answer, Effort
from aiops_agent.domain.errors import AiopsError, UsageError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.inquiry import (
    LONGEST_QUESTION,
    CitedFact,
    CitedSentence,
    Inquiry,
)
from aiops_agent.domain.payload import (
    AnswerCorrected,
    EventType,
    QuestionAnswered,
    QuestionAsked,
)
from aiops_agent.domain.runbook import matching
from aiops_agent.reasoning.citations import best, facts_of, newest
from aiops_agent.workflow.deps import Deps, transaction
from aiops_agent.workflow.queries import Queries

_WHY = {"why", "cause", "caused", "causes", "reason"}
MOST_QUOTED = 6  # facts, when no model answers
MOST_EARLIER = 6  # questions that a model is shown again
NO_MODEL = "no language model is configured"


@dataclass(frozen=True)
class Inquiries:
    """Asks about incidents, and keeps what people say of the answers."""

    deps: Deps

    async def ask(self, incident_id: str, question: str, by: str) -> Inquiry:
        """Answer a question and keep both; raises UsageError.

        The same question about a story that has not gone on gets the answer that is kept.
        """
        asked = self.deps.clean(" ".join(question.split()))
        if not asked or len(asked) > LONGEST_QUESTION:
            raise UsageError(f"A question has 1 to {LONGEST_QUESTION} characters.")
        incident, events = await asyncio.to_thread(self._read, incident_id)
        known = _answers(events)
        for one in reversed(known):
            same = one.question.casefold() == asked.casefold() and one.story == newest(events)
            if same and not one.missing and not one.corrections:
                return one
        number = await asyncio.to_thread(self._asked, incident.id, asked, by)
        facts = facts_of(incident, events)
        answer = await self._answer(incident, asked, facts, _earlier(events))
        first = _causes(asked, events)
        facts = tuple(sorted(facts, key=lambda fact: fact.id != first)) if first else facts
        made = _inquiry(number, asked, by, facts, answer)
        made = made.model_copy(update={"story": newest(events)})
        await asyncio.to_thread(self._answered, incident.id, made)
        return made

    def correct(self, incident_id: str, number: int, text: str, by: str) -> None:
        """Keep what a person says of an answer; raises UsageError when there is none."""
        said = self.deps.clean(" ".join(text.split()))
        if not said or len(said) > LONGEST_QUESTION:
            raise UsageError(f"A correction has 1 to {LONGEST_QUESTION} characters.")
        incident, events = self._read(incident_id)
        if number not in [one.number for one in _answers(events)]:
            raise UsageError(f"{incident.id} has no answer {number}; see: aiops ask {incident.id}.")
        with transaction(self.deps, incident.id) as t:
            told = AnswerCorrected(number=number, by=by, text=said)
            # A key by what is said: the same correction again changes nothing.
            t.tell(told, f"answer {number} corrected: {said}", f"{number}-{by}-{said}"[:300])

    def answers(self, incident_id: str) -> tuple[Inquiry, ...]:
        """Return all questions of an incident with their answers, oldest first."""
        return _answers(self._read(incident_id)[1])

    async def _answer(
        self,
        incident: Incident,
        question: str,
        facts: tuple[CitedFact, ...],
        earlier: Sequence[str],
    ) -> Answer[CheckedAnswer]:
        ask = self.deps.crew_of(incident.environment).ask
        if ask is None:
            return Answer(missing=NO_MODEL, effort=Effort(by=STATISTICS))
        try:
            briefing = await asyncio.to_thread(self._briefing, incident)
        except AiopsError as error:  # its environment is gone: what is recorded is still there
            return Answer(missing=str(error), effort=Effort(by=STATISTICS))
        return await ask(briefing, question, facts, earlier)

    def _briefing(self, incident: Incident) -> Briefing:
        deps = self.deps
        environment = deps.environments(incident.environment)
        alerts = Queries(deps.store).alerts(incident.id, limit=100)
        return Briefing(
            incident=incident,
            environment=environment,
            memory=deps.memory,
            # What is looked up about an ended incident is what was seen at its end.
            now=incident.ended_at or environment.clock.now(),
            menu=deps.executor.menu(incident.environment),
            pace=deps.terms.pace,
            alerts=alerts,
            runbooks=matching(deps.runbooks, incident, alerts),
        )

    def _read(self, incident_id: str) -> tuple[Incident, tuple[Event, ...]]:
        queries = Queries(self.deps.store)
        incident = queries.incident(incident_id)
        return incident, queries.history(incident.id)

    def _asked(self, incident_id: str, question: str, by: str) -> int:
        """Keep a question and return its number, in one transaction: two may ask at once."""
        with transaction(self.deps, incident_id) as t:
            number, cursor = 1, 0
            while found := t.work.events.after(cursor, incident=incident_id):
                number += sum(isinstance(event.payload, QuestionAsked) for event in found)
                cursor = found[-1].id
            asked = QuestionAsked(number=number, question=question, by=by)
            t.tell(asked, f"question {number} by {by}: {question}", str(number))
            return number

    def _answered(self, incident_id: str, made: Inquiry) -> None:
        with transaction(self.deps, incident_id) as t:
            words = " ".join(one.text for one in made.supported) or "nothing recorded answers it"
            message = f"answer {made.number} ({made.effort.by}): {words}"
            cites = dict.fromkeys(cite for one in made.supported for cite in one.cites)
            told = QuestionAnswered(inquiry=made)
            t.tell(told, message, str(made.number), refs=tuple(cites), effort=made.effort)


def _inquiry(
    number: int,
    question: str,
    by: str,
    facts: tuple[CitedFact, ...],
    answer: Answer[CheckedAnswer],
) -> Inquiry:
    """Return the question with its answer: a model's, else the facts that fit best."""
    given = answer.value
    gaps: tuple[str, ...] = given.not_known if given else ()
    if given is None:
        found = best(question, facts, MOST_QUOTED)
        sentences = tuple(CitedSentence(text=fact.text, cites=(fact.id,)) for fact in found)
        gaps = () if found else ("nothing that is recorded shares a word with the question",)
    else:
        sentences, facts = given.sentences, given.facts
    cited = {cite for one in sentences for cite in one.cites}
    return Inquiry(
        number=number,
        question=question,
        by=by,
        sentences=sentences,
        not_known=gaps,
        facts=tuple(fact for fact in facts if fact.id in cited),
        recorded=given is None,
        missing=answer.missing,
        effort=answer.effort,
    )


def _answers(events: Sequence[Event]) -> tuple[Inquiry, ...]:
    """Return the answers, each with what people say is wrong with it."""
    told = [event.payload for event in events]
    made = [one.inquiry for one in told if isinstance(one, QuestionAnswered)]
    wrong = [one for one in told if isinstance(one, AnswerCorrected)]
    return tuple(
        one.model_copy(
            update={
                "corrections": tuple(f"{w.by}: {w.text}" for w in wrong if w.number == one.number)
            }
        )
        for one in made
    )


def _causes(question: str, events: Sequence[Event]) -> str:
    """Return the id of the fact that says why, when that is what is asked; else ""."""
    if not _WHY & set(re.findall(r"[a-z]+", question.lower())):
        return ""
    told = [event.id for event in events if event.type is EventType.DIAGNOSIS_READY]
    return f"#{told[-1]}" if told else ""


def _earlier(events: Sequence[Event]) -> list[str]:
    """Return the last questions, answers and corrections as a model is shown them."""
    lines = []
    for event in events:
        match event.payload:
            case QuestionAnswered(inquiry=one):
                said = " ".join(sentence.text for sentence in one.supported) or "not known"
                lines.append(f"{one.number}. {one.question} — {said}")
            case AnswerCorrected(number=number, by=by, text=text):
                lines.append(f"{by} says that answer {number} is wrong: {text}")
    return lines[-MOST_EARLIER:]
