"""One incident of the past, as triage, diagnosis, plan and critic would have seen it then.

The same agents at the same pace as in a living incident (`workflow/questions.py`); nothing is
written, prepared or sent, and no memory is asked, since it would know what came later.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Never

from aiops_agent.agents.briefing import UNSEEN_LOOKS, UNSURE_LOOKS, Briefing, Pace
from aiops_agent.agents.crew import Crew
from aiops_agent.backtest.group import PastCase
from aiops_agent.backtest.pinned import OpenPast, pinned
from aiops_agent.domain.alert import AlertList
from aiops_agent.domain.backtest import PastAction, PastCause, WouldHave
from aiops_agent.domain.diagnosis import Confidence, Diagnosis, Triage, TriageVerdict
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.incident import Attempt, Incident
from aiops_agent.domain.postmortem import PastIncident, Postmortem
from aiops_agent.domain.remediation import (
    Action,
    BlastRadius,
    Criterion,
    Offer,
    Plan,
    PlanKind,
    Prepared,
    PreparedPlan,
    Risk,
)
from aiops_agent.ports.memory import Hit, RecallQuery
from aiops_agent.ports.past import PastClock
from aiops_agent.ports.telemetry import Environment
from aiops_agent.reasoning.gather import read_scene
from aiops_agent.reasoning.register import RecoveryTerms, criteria
from aiops_agent.reasoning.weigh import abstains

_WORDS = {PlanKind.WATCH: WouldHave.WATCHED, PlanKind.HANDOVER: WouldHave.HANDED_OVER}
NOT_PREPARED = "not prepared: a platform knows only its present"


@dataclass(frozen=True)
class Said:
    """All that was said of one incident by a moment; `measured` is what a recovery is known by."""

    incident: Incident
    at: datetime
    triage: Triage
    would: WouldHave
    cause: PastCause | None = None
    actions: tuple[PastAction, ...] = ()
    plan: str = ""
    objection: str = ""
    measured: tuple[Criterion, ...] = ()
    unknown: tuple[str, ...] = ()


class NotReadThen(SourceError):
    """Metrics that should be there could not be read: it is replayed another time."""


@dataclass(frozen=True)
class Replay:
    """Replays incidents. `open` gives an environment as of a clock's moment."""

    open: OpenPast
    crew: Crew
    pace: Pace
    menu: tuple[Offer, ...]

    async def said(self, case: PastCase) -> Said:
        """Return what would have been said; raises NotReadThen."""
        clock = PastClock(case.incident.opened_at)
        place, moment = pinned(self.open(clock), clock)
        said = await _Life(self, case, place, clock).live()
        if moment.failed:
            raise NotReadThen(moment.failed[0])
        return said


@dataclass
class _Life:
    replay: Replay
    case: PastCase
    place: Environment
    clock: PastClock

    def __post_init__(self) -> None:
        self.incident = self.case.incident

    async def live(self) -> Said:
        seen = await self._triage()
        if seen.not_mine is not None:
            return self._said(seen, WouldHave.HANDED_OVER, plan=seen.not_mine.why)
        if seen.verdict is TriageVerdict.CONTRADICTED:
            return self._said(seen, WouldHave.DISMISSED)
        found = await self._diagnose()
        if found is None:
            return self._said(seen, WouldHave.HANDED_OVER, plan="telemetry could not be read")
        answer = await self.replay.crew.plan(self._briefing(), found)
        if answer.value is None:
            return self._said(seen, WouldHave.HANDED_OVER, found, plan=answer.missing)
        return await self._planned(seen, found, answer.value)

    async def _planned(self, seen: Triage, found: Diagnosis, plan: Plan) -> Said:
        measured = plan.criteria or await self._measured(seen, found)
        if plan.kind is not PlanKind.ACT:
            return self._said(seen, _WORDS[plan.kind], found, plan=plan.reason, measured=measured)
        opinion = (await self.replay.crew.critique(self._briefing(), self._sketch(plan))).value
        frozen = self._frozen(plan.actions)
        return self._said(
            seen,
            WouldHave.DENIED if frozen else WouldHave.ASKED,
            found,
            plan=plan.reason,
            actions=tuple(PastAction(kind=one.kind, text=one.text) for one in plan.actions),
            objection=frozen or (opinion.reason if opinion else ""),
            measured=measured,
        )

    async def _triage(self) -> Triage:
        began, look = self.clock.now(), 0
        while True:
            answer = await self.replay.crew.triage(self._briefing())
            seen, look = answer.value or _unseen(self.incident, answer.missing), look + 1
            started = min(seen.began or self.incident.started_at, self.incident.started_at)
            facts = {"triage": seen, "severity": seen.severity, "started_at": started}
            self.incident = self.incident.model_copy(update=facts)
            passed = self.clock.now() - began
            if seen.verdict is TriageVerdict.CONFIRMED or seen.not_mine is not None:
                return seen
            if seen.verdict is TriageVerdict.CONTRADICTED and passed >= self.replay.pace.within:
                return seen
            if seen.verdict is TriageVerdict.UNSEEN and look >= UNSEEN_LOOKS:
                return seen
            await self._wait()

    async def _diagnose(self) -> Diagnosis | None:
        for look in range(UNSEEN_LOOKS):
            found = (await self.replay.crew.diagnose(self._briefing())).value
            if found and (found.confidence is not Confidence.LOW or look >= UNSURE_LOOKS):
                began = min(found.began or self.incident.started_at, self.incident.started_at)
                kept = {"started_at": began, "attempts": (Attempt(number=1, diagnosis=found),)}
                self.incident = self.incident.model_copy(update=kept)
                return found
            await self._wait()
        return None

    async def _wait(self) -> None:
        await self.clock.wait_until(self.clock.now() + self.replay.pace.look)

    async def _measured(self, seen: Triage, found: Diagnosis) -> tuple[Criterion, ...]:
        """Return by what a recovery would be known although no plan asks for it."""
        best, pace = found.best, self.replay.pace
        if best is None:
            return ()
        now, terms = self.clock.now(), RecoveryTerms(pace.hold, pace.within)
        scene = await read_scene(self.place, self.incident, pace.baseline, now)
        return criteria(scene, seen.signal, self.incident.service, best.kind, terms)

    def _briefing(self) -> Briefing:
        now = self.clock.now()
        shown = tuple(one for one in self.case.brought if one.since <= now)
        return Briefing(
            incident=self.incident,
            environment=self.place,
            memory=NoMemory(),
            now=now,
            menu=self.replay.menu,
            pace=self.replay.pace,
            alerts=AlertList(shown=shown, total=len(shown)),
        )

    def _sketch(self, plan: Plan) -> PreparedPlan:
        """Return the plan as a critic reads it; targets were not looked at."""
        return PreparedPlan(
            incident=self.incident.id,
            environment=self.incident.environment,
            attempt=1,
            plan=plan,
            steps=tuple(_sketched(action) for action in plan.actions),
        )

    def _frozen(self, actions: tuple[Action, ...]) -> str:
        now = self.clock.now()
        frozen = (
            f"{action.kind}: {freeze.reason}"
            for action in actions
            for freeze in self.place.freezes
            if freeze.covers(action.kind, now)
        )
        return next(frozen, "")

    def _said(
        self,
        seen: Triage,
        would: WouldHave,
        found: Diagnosis | None = None,
        *,
        plan: str = "",
        actions: tuple[PastAction, ...] = (),
        objection: str = "",
        measured: tuple[Criterion, ...] = (),
    ) -> Said:
        unknown = (*seen.missing, *(found.not_known[1:] if found else ()))
        return Said(
            incident=self.incident,
            at=self.clock.now(),
            triage=seen,
            would=would,
            cause=_cause(found) if found else None,
            actions=actions,
            plan=plan,
            objection=objection,
            measured=measured,
            unknown=tuple(dict.fromkeys(unknown)),
        )


def _cause(found: Diagnosis) -> PastCause | None:
    best = found.best
    if best is None:
        return None
    return PastCause(
        kind=best.kind,
        service=best.service,
        statement=best.statement,
        confidence=found.confidence,
        why=found.why_confidence,
        abstains=abstains(found),
    )


def _sketched(action: Action) -> Prepared:
    reach = BlastRadius(
        services=(action.target.service,), replicas=0, interrupts=False, words=NOT_PREPARED
    )
    return Prepared(
        action=action,
        requests=(),
        precondition={},
        inverse=None,
        blast=reach,
        run=action.text,
        do=action.text,
        risk=Risk.HIGH,
        hazard=NOT_PREPARED,
    )


def _unseen(incident: Incident, why: str) -> Triage:
    return Triage(
        verdict=TriageVerdict.UNSEEN,
        severity=incident.severity,
        service=incident.service,
        signal=None,
        impact="",
        reason=f"telemetry could not be read: {why}",
        missing=(why,),
    )


class NoMemory:
    """Remembers nothing: what people remember now may have happened behind the moment."""

    def remember(self, case: PastIncident, _report: Postmortem | None) -> Never:
        """Raise: nothing is kept of a replay."""
        raise AssertionError(f"a replay must not keep {case.id}")

    def recall(self, _query: RecallQuery) -> tuple[Hit, ...]:
        """Return nothing."""
        return ()
