"""The whole run: which alerts fired, then incident by incident, each kept once it is done."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiops_agent.agents.briefing import Pace
from aiops_agent.agents.crew import Crew
from aiops_agent.backtest.aftermath import Aftermath
from aiops_agent.backtest.group import Grouping, GroupTerms, PastCase
from aiops_agent.backtest.pinned import OpenPast
from aiops_agent.backtest.replay import NotReadThen, Replay
from aiops_agent.domain.backtest import AlertEpisode, AlertPast, BacktestRun, Healed, PastAnswer
from aiops_agent.domain.errors import LimitReached, SourceError
from aiops_agent.domain.remediation import Offer
from aiops_agent.domain.telemetry import Window
from aiops_agent.ports.past import AlertHistory, KeptAnswers, Meter

PORTION = 10  # alerts that are told apart before their incidents are replayed
MOST_TOGETHER = 200  # where alerts never cease
MOST_FAILED = 3  # incidents in a row that could not be read: then nobody answers
NOTHING = AlertPast(episodes=(), recorded=timedelta())
Told = Callable[[int, int, str], None]  # alerts done, of how many, and the incident at hand


@dataclass
class _Course:
    past: AlertPast = NOTHING
    left: int = 0  # alerts
    failed: int = 0  # incidents in a row
    unread: list[str] = field(default_factory=list)
    stopped: str = "it was interrupted"


@dataclass(frozen=True)
class Backtest:
    """Everything that a run needs. It can read and keep its answers, and nothing else.

    `open` gives the environment as of a clock's moment; `now` is wall time.
    """

    history: AlertHistory
    open: OpenPast
    kept: KeptAnswers
    meter: Meter
    crew: Crew
    terms: GroupTerms
    pace: Pace
    menu: tuple[Offer, ...]
    version: str
    now: Callable[[], datetime]
    within: timedelta = timedelta(minutes=10)

    async def run(
        self, window: Window, told: Told = lambda *_: None, *, again: bool = False
    ) -> BacktestRun:
        """Replay what is not kept yet, or with `again` all of it; return the run, which is kept.

        Raises SourceError when nobody answers, also half-way: what was done by then is kept.
        """
        course = _Course()
        try:
            course.past = await self.history.fired(window)
            await self._replay(course, told, again=again)
            course.stopped = ""
        except LimitReached as error:
            course.stopped = str(error)
        except SourceError as error:
            course.stopped = str(error)
            raise
        finally:
            run = self._run(course, window)
            if course.past is not NOTHING:
                self.kept.keep(run)
        return run

    def _run(self, course: _Course, window: Window) -> BacktestRun:
        return BacktestRun(
            at=self.now(),
            version=self.version,
            since=window.start,
            until=window.end,
            recorded=course.past.recorded,
            episodes=len(course.past.episodes),
            left=course.left,
            within=self.within,
            queries=self.meter.queries,
            read=self.meter.read,
            stopped=course.stopped,
            unread=(*course.past.unread, *course.unread),
        )

    async def _replay(self, course: _Course, told: Told, *, again: bool) -> None:
        """Go on portion by portion, so that a run that is cut off has answers, and not only plans.

        What was not over at an earlier run is replayed anew.
        """
        answers = {} if again else await asyncio.to_thread(self.kept.answers)
        known = [one for one in answers.values() if self._final(one)]
        grouping = Grouping(self.terms, self.open, known)
        total = course.left = len(course.past.episodes)
        for portion in _portions(course.past.episodes, self.terms.window):
            for case in await grouping.add(portion):
                began = f"{case.incident.opened_at:%m-%d %H:%M}"
                told(total - course.left, total, f"{began} {case.incident.title}")
                await self._keep(course, case)
            course.left -= len(portion)
        course.unread += grouping.unread
        told(total, total, "")

    def _final(self, one: PastAnswer) -> bool:
        here = one.environment == self.terms.environment
        return here and one.ended_at is not None and one.healed is not Healed.TOO_SOON

    async def _keep(self, course: _Course, case: PastCase) -> None:
        if case.kept is not None and case.grown:  # what joined later changes nothing that was said
            more = {"alerts": tuple(case.alerts), "ended_at": case.ended_at}
            case.kept, case.grown = case.kept.model_copy(update=more), False
            await asyncio.to_thread(self.kept.keep, case.kept)
        elif case.kept is None:
            try:
                case.kept = await self._answer(case)
            except NotReadThen as error:  # not kept: the next run replays it
                course.unread.append(f"{case.incident.id}: {error}")
                course.failed += 1
                if course.failed >= MOST_FAILED:
                    raise
                return
            course.failed = 0
            await asyncio.to_thread(self.kept.keep, case.kept)

    async def _answer(self, case: PastCase) -> PastAnswer:
        try:
            said = await Replay(self.open, self.crew, self.pace, self.menu).said(case)
        except SourceError as error:
            raise NotReadThen(str(error)) from error
        after = Aftermath(self.open, self.crew, self.pace, self.within, self.now())
        healed, words = await after.healed(said)
        return PastAnswer(
            id=case.incident.id,
            environment=self.terms.environment,
            version=self.version,
            service=case.incident.service,
            title=case.incident.title,
            alerts=tuple(case.alerts),
            opened_at=case.incident.opened_at,
            ended_at=case.ended_at,
            repeats=case.repeats,
            decided_at=said.at,
            verdict=said.triage.verdict,
            severity=said.triage.severity,
            reason=said.triage.impact or said.triage.reason,
            cause=said.cause,
            would=said.would,
            actions=said.actions,
            plan=said.plan,
            objection=said.objection,
            healed=healed,
            healed_words=words,
            unknown=said.unknown,
        )


def _portions(
    episodes: Sequence[AlertEpisode], window: timedelta
) -> Iterator[Sequence[AlertEpisode]]:
    """Yield some alerts at a time, cut where nothing could join what was before."""
    start = 0
    for i in range(1, len(episodes) + 1):
        last, size = i == len(episodes), i - start
        apart = not last and episodes[i].began - episodes[i - 1].began > window
        if last or (apart and size >= PORTION) or size >= MOST_TOGETHER:
            yield episodes[start:i]
            start = i
