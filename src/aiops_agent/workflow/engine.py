"""The running engine: starts stories, resumes them after a crash, watches inbox and answers."""

# limit: everything that runs in the background of a process is begun and ended here

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from dbos import DBOS, SetWorkflowID, WorkflowHandleAsync
from dbos import error as dbos_error

from aiops_agent.domain.approval import Decision
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import ApprovalError, UsageError
from aiops_agent.domain.event import Event
from aiops_agent.domain.incident import IncidentId
from aiops_agent.ports.plug import Keep
from aiops_agent.workflow.alarm import TroubleAlarm
from aiops_agent.workflow.copying import CopyUpkeep
from aiops_agent.workflow.deps import Deps, incident_of, note_time
from aiops_agent.workflow.durable import adopt
from aiops_agent.workflow.executor_steps import Busy
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.loops import Loop, LoopName, Loops, each
from aiops_agent.workflow.notices import Notices
from aiops_agent.workflow.pruning import Pruning
from aiops_agent.workflow.queries import Queries
from aiops_agent.workflow.receive import Receive
from aiops_agent.workflow.recorder import IncidentRecorder
from aiops_agent.workflow.releases import LOOK_SECONDS as RELEASE_SECONDS
from aiops_agent.workflow.releases import ReleaseWatch
from aiops_agent.workflow.resolve import ResolveIncident, failed
from aiops_agent.workflow.signals import SignalWatch
from aiops_agent.workflow.traces import Traces
from aiops_agent.workflow.watching import AlertWatch

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25  # a person waits for it
SLOW_POLL_SECONDS = 1.0  # nobody does
LONGEST_SEND_SECONDS = 20.0  # a restart takes ten; then the next start finds out
RETURN_SECONDS = 5.0  # all that is left to do is to write down the end
LAST_TRACES_SECONDS = 6.0  # what a collector does not take by then, it gets after the next start
MONITOR_SECONDS = 5.0  # one query each
GRACE_SECONDS = 10.0  # a workflow that is just being started or recovered is not dead
UNDER_WAY = ("PENDING", "ENQUEUED", "DELAYED")


@dataclass
class StalledWorkflowMonitor:
    """Looks after the workflows of this process; `clock` is monotonic, in seconds.

    A workflow can die without its process when the durable engine itself cannot write, as on a
    full disk. Then it is resumed, or its incident ended with a person.
    """

    deps: Deps
    story: ResolveIncident
    clock: Callable[[], float]
    _missed: dict[str, float] = field(default_factory=dict)

    async def check(self, unended: Iterable[IncidentId]) -> None:
        """Resume or end the workflows of these incidents that have been dead for a while."""
        now = self.clock()
        dead = (name for name in unended if name not in self.story.alive)
        self._missed = {name: self._missed.get(name, now) for name in dead}
        late = [name for name, since in self._missed.items() if now - since >= GRACE_SECONDS]
        await each(late, self._mend)

    async def _mend(self, incident_id: str) -> None:
        name = (await asyncio.to_thread(incident_of, self.deps, incident_id)).story
        status = await DBOS.get_workflow_status_async(name)
        if status is None:
            return  # not begun: the intake starts it
        log.warning("workflow died", extra={"incident": incident_id, "status": status.status})
        if status.status in UNDER_WAY:
            await DBOS.resume_workflow_async(name)
        else:
            await asyncio.to_thread(self._end, incident_id, str(status.error))
        self._missed.pop(incident_id, None)

    def _end(self, incident_id: str, why: str) -> None:
        record = IncidentRecorder(self.deps)
        record.ended(incident_id, None, failed(RuntimeError(why)))
        record.archived(incident_id, None, why, None)


class Answers(Protocol):
    """Answers that people leave as files."""

    def waiting(self) -> Sequence[str]:
        """Return the ids of requests for which a file lies there."""
        ...

    def take(self, request_id: str, at: Any) -> Decision | None:
        """Consume a file and return its answer; raises ApprovalError when it does not count."""
        ...


@dataclass
class Engine:  # limit: all that runs in the background
    """Runs the stories of this process. Use it inside `async with bootstrap's engine(...)`.

    The store of `deps` is that of who leads; `gate` takes answers also where another one does.
    """

    deps: Deps
    gate: Gate
    queries: Queries
    feed: Feed
    story: ResolveIncident
    receive: Receive
    busy: Busy
    answers: Answers
    notices: Sequence[Notices]
    monitor: StalledWorkflowMonitor
    loops: Loops = field(default_factory=Loops)
    adopt: Callable[[], Awaitable[None]] = adopt  # goes on with what others left
    alarm: TroubleAlarm | None = None  # where there is somebody to be told
    traces: Traces | None = None  # when they are sent anywhere
    watches: Sequence[AlertWatch | SignalWatch] = ()  # of what fires, and of what does not yet
    kept: Sequence[tuple[str, Keep]] = ()  # platforms that are followed, by their environments
    releases: Sequence[ReleaseWatch] = ()  # which images run well is remembered
    pruning: Pruning | None = None  # of what nobody asks for any more
    copying: CopyUpkeep | None = None  # where a server finds near vectors
    environments: Sequence[EnvironmentRef] = ()  # whose inboxes are read all the time
    _loops: dict[asyncio.Task[None], Loop] = field(default_factory=dict)
    _rang: asyncio.Event = field(default_factory=asyncio.Event)
    _waits: Loop = field(default_factory=lambda: Loop(LoopName.INBOX, time.monotonic))
    _stuck: dict[str, str] = field(default_factory=dict)  # files that stay, and why they do
    _leads: bool = False

    def begin_door(self) -> None:
        """Start looking for answers in files; a stand-by does so too."""
        self._loop(LoopName.ANSWERS, self._take_answers, POLL_SECONDS)

    def begin_loops(self) -> None:
        """Start looking for deliveries, for stories that stand still, and for people to be told."""
        self._leads = True
        for about, keep in self.kept:  # first: whoever reads then waits for its first look
            self._stream(LoopName.PLATFORM, keep, about)
        self._loop(LoopName.STORIES, self._check_stalled, MONITOR_SECONDS)
        if self.environments:
            self._loop(LoopName.INBOX, self._take_deliveries, SLOW_POLL_SECONDS)
        else:
            self._loop(LoopName.LEFT_BEHIND, self._take_left_behind, SLOW_POLL_SECONDS, once=True)
        self._begin_watches()
        self._begin_upkeep(self.pruning)
        self._begin_upkeep(self.copying)
        for notices in self.notices:
            self._stream(LoopName.NOTICES, notices.run, notices.notifier.name)
        if self.traces is not None:
            self._stream(LoopName.TRACES, self.traces.run)
        if self.alarm is not None:
            self._loop(LoopName.ALARM, self.alarm.look, MONITOR_SECONDS)

    def _begin_upkeep(self, one: Pruning | CopyUpkeep | None) -> None:
        if one is not None:
            loop = self.loops.begin(one.loop, silent=None)
            self._begin(loop, loop.run(one.look, partial(asyncio.sleep, one.pause)))

    def _begin_watches(self) -> None:
        for watch in self.watches:
            loop = self.loops.begin(watch.loop, watch.environment.name, silent=None)
            self._begin(loop, loop.run(watch.look, partial(asyncio.sleep, watch.pause)))
        for seen in self.releases:
            loop = self.loops.begin(LoopName.RELEASES, seen.environment.name, silent=None)
            self._begin(loop, loop.run(seen.look, partial(asyncio.sleep, RELEASE_SECONDS)))

    async def end(self, *, lost: bool = False) -> None:
        """Stop the loops and let a send in flight finish; the rest is resumed by the next start.

        With `lost` another process goes on with it already: nothing is waited for.
        """
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self.loops.end(*self._loops.values())
        if self.traces is not None and self._leads and not lost:
            last = self.loops.begin(LoopName.TRACES)
            await last.tried(partial(self._last_traces, self.traces))
            self.loops.end(last)
        if lost:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.busy.idle.wait(), LONGEST_SEND_SECONDS)

    def ring(self) -> None:
        """Say that something was put into the inbox; safe from any thread."""
        if self._loops and self.environments:  # else nobody would clear the bell
            next(iter(self._loops)).get_loop().call_soon_threadsafe(self._rang.set)

    async def intake(self, environment: EnvironmentRef) -> tuple[IncidentId, ...]:
        """Handle the inbox of an environment and start the stories of its open incidents."""
        alive = partial(self.loops.alive, LoopName.INBOX)
        await self.receive.handle(environment, alive)

        async def begin(incident_id: IncidentId) -> None:
            alive()
            await self.start(incident_id)

        unended = await asyncio.to_thread(self.queries.active, environment)
        await each((one for one in unended if one not in self.story.alive), begin)
        return unended

    async def start(self, incident_id: IncidentId) -> None:
        """Start the present story of an incident, at most once ever."""
        with SetWorkflowID(await self._story(incident_id)):
            await DBOS.start_workflow_async(self.story.run, incident_id)

    async def broken(self, incident_id: str) -> str:
        """Return why the story of an incident died, or ""; it never should."""
        status = await DBOS.get_workflow_status_async(await self._story(incident_id))
        if status is None or status.status in (*UNDER_WAY, "SUCCESS"):
            return ""
        return f"{status.status}: {status.error}"

    async def _story(self, incident_id: str) -> str:
        return (await asyncio.to_thread(incident_of, self.deps, incident_id)).story

    async def follow(self, incident_id: str) -> AsyncIterator[Event]:
        """Yield the events of an incident until it has ended; then its workflow has returned."""
        async for event in self.feed.incident(incident_id):
            yield event
        # Closing the engine then cuts off nothing.
        name = await self._story(incident_id)
        with contextlib.suppress(
            TimeoutError, dbos_error.DBOSNonExistentWorkflowError
        ):  # of long ago
            story: WorkflowHandleAsync[str] = await DBOS.retrieve_workflow_async(name)
            await asyncio.wait_for(story.get_result(polling_interval_sec=0.02), RETURN_SECONDS)

    def _loop(
        self,
        name: LoopName,
        turn: Callable[[], Coroutine[Any, Any, object]],
        pause: float,
        *,
        once: bool = False,
    ) -> None:
        loop = self.loops.begin(name)
        wait = self._bell if name is LoopName.INBOX else asyncio.sleep
        self._begin(loop, loop.run(turn, partial(wait, pause), once=once))

    def _stream(
        self,
        name: LoopName,
        follow: Callable[[Callable[[], None]], Coroutine[Any, Any, object]],
        about: str = "",
    ) -> None:
        """Run what follows the bus or a platform for ever, and may wait long for others."""
        loop = self.loops.begin(name, about, silent=None)
        pause = partial(asyncio.sleep, SLOW_POLL_SECONDS)
        self._begin(loop, loop.run(partial(follow, loop.well), pause))

    def _begin(self, loop: Loop, running: Coroutine[Any, Any, None]) -> None:
        self._loops[asyncio.create_task(running, name=f"{loop.name} {loop.about}".strip())] = loop

    async def _bell(self, pause: float) -> None:
        # Not `wait_for`: in Python 3.11 it may swallow a cancellation of that moment.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._rang.wait()

    async def _last_traces(self, traces: Traces) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(traces.catch_up(), LAST_TRACES_SECONDS)

    async def _take_deliveries(self) -> None:
        self._rang.clear()
        await self._work_on(self.environments)

    async def _take_left_behind(self) -> None:
        """Go on where a process died between keeping a shop's alert and starting its story."""
        await self._work_on(await asyncio.to_thread(self._unfinished_shops))

    async def _work_on(self, environments: Iterable[EnvironmentRef]) -> None:
        await each(environments, self._worked_on)

    async def _worked_on(self, environment: EnvironmentRef) -> None:
        try:
            await self.intake(environment)
        except UsageError as error:  # it has no sources, or was removed: its alerts wait
            self._waits.tell("inbox waits", error)

    def _unfinished_shops(self) -> list[EnvironmentRef]:
        with self.deps.store.read() as view:
            found = {*view.inbox.environments(), *view.incidents.environments()}
        return sorted((one for one in found if one.simulated), key=str)

    async def _check_stalled(self) -> None:
        await self.adopt()  # each time: one that was stopped and wakes may begin something yet
        await asyncio.to_thread(note_time, self.deps)
        await self.monitor.check(await asyncio.to_thread(self._unended))

    def _unended(self) -> list[IncidentId]:
        with self.deps.store.read() as view:
            known = view.incidents.environments()
            ours = self.environments or [one for one in known if one.simulated]
            return [name for one in ours for name in view.incidents.active_ids(one)]

    async def _take_answers(self) -> None:
        waiting = await asyncio.to_thread(self.answers.waiting)
        await each(waiting, lambda name: asyncio.to_thread(self._take_answer, name))

    def _take_answer(self, request_id: str) -> None:
        try:
            decision = self.answers.take(request_id, self.gate.deps.now())
        except ApprovalError as error:
            why = str(error)
            if self._stuck.get(request_id) == why:
                return  # recorded once, however long a file lies there that cannot be consumed
            log.warning("approval file refused", extra={"id": request_id, "why": why})
            self.gate.refuse(request_id, why)
            self._stuck.pop(request_id, None)
            if request_id in self.answers.waiting():
                self._stuck[request_id] = why
            return
        if decision is not None:
            with contextlib.suppress(ApprovalError):  # refused and recorded by the gate
                self.gate.answer(request_id, decision)
