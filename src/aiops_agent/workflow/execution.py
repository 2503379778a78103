"""The process that sends: takes what is armed, makes plans ready, and does nothing else.

What it takes lies in the store: rows of the ledger that may yet be sent, and questions of who
prepares. It opens no story, asks no model, answers no question, and tells nobody.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiops_agent.domain.approval import ApprovalRequest
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import BusyError, OnHold, PlatformError, StoreError
from aiops_agent.domain.preparation import Preparation
from aiops_agent.ports.store import View
from aiops_agent.workflow.deps import Deps, incident_of
from aiops_agent.workflow.executor_steps import ExecutorSteps
from aiops_agent.workflow.loops import Loop, LoopName, Loops

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25  # an incident waits for it
PAUSE_SECONDS = 1.0  # behind what could not go on
LONGEST_SEND_SECONDS = 20.0  # a restart takes ten; then the next executor finds out

Job = Callable[[], Coroutine[Any, Any, object]]


@dataclass
class Execution:
    """Works on what is armed, or to be prepared, in these environments; `version` is ours.

    The store of `steps.deps` is that of who holds the executor's lease: it refuses to record a send
    of anybody else, and what is not recorded is not sent.
    """

    steps: ExecutorSteps
    environments: frozenset[EnvironmentRef]
    version: str
    loops: Loops = field(default_factory=Loops)
    serves: str = "serve"  # the lease of who arms
    _under_way: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _loop: Loop | None = None
    _looking: asyncio.Task[None] | None = None

    @property
    def deps(self) -> Deps:
        """What its steps use."""
        return self.steps.deps

    def begin(self) -> None:
        """Look for work from now on."""
        loop = self._loop = self.loops.begin(LoopName.EXECUTION)
        running = loop.run(self.look, lambda: asyncio.sleep(LOOK_SECONDS))
        self._looking = asyncio.create_task(running, name="execution")

    async def end(self, *, lost: bool = False) -> None:
        """Take nothing more and let a send in flight finish; with `lost` nothing is waited for."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})
        if not lost:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.steps.busy.idle.wait(), LONGEST_SEND_SECONDS)
        tasks = set(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._loop is not None:
            self.loops.end(self._loop)

    async def look(self) -> None:
        """Begin with everything that waits, side by side; raises BusyError for what it refuses."""
        for name, job in await asyncio.to_thread(self._found):
            if name not in self._under_way:
                task = asyncio.create_task(self._tried(name, job), name=name)
                self._under_way[name] = task
                task.add_done_callback(partial(self._done, name))

    async def drain(self) -> None:
        """Return when all that was begun is done."""
        while tasks := set(self._under_way.values()):
            await asyncio.wait(tasks)

    def _done(self, name: str, _task: asyncio.Task[None]) -> None:
        del self._under_way[name]

    async def _tried(self, name: str, job: Job) -> None:
        try:
            await job()
        except OnHold as hold:
            log.info("held", extra={"what": name, "why": str(hold)})
            await asyncio.sleep(PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001 -- border: one that fails holds up no other
            if self._loop is not None:
                self._loop.tell(f"{name} failed", error)
            await asyncio.sleep(PAUSE_SECONDS)

    def _found(self) -> list[tuple[str, Job]]:
        with self.deps.store.read() as view:
            armer = view.leases.get(self.serves)
            if armer is not None and armer.version != self.version:
                raise BusyError(
                    f"The process that arms is of version {armer.version or 'an older one'} and "
                    f"this executor of {self.version}: nothing is taken until both are the same."
                )
            return [*self._armed(view), *self._asked(view)]

    def _armed(self, view: View) -> Iterator[tuple[str, Job]]:
        for one in view.ledger.unsettled():
            request = view.approvals.latest(one.incident)
            if request is None or request.digest != one.plan:
                continue  # the yes is another one's: nothing that could be compared with it
            if request.prepared.environment in self.environments:
                way = "way back of " if one.undo else ""
                yield f"{way}{request.id}", self._execute(request, undo=one.undo)

    def _asked(self, view: View) -> Iterator[tuple[str, Job]]:
        for one in view.preparations.waiting(self.environments):
            yield f"preparation of {one.incident}.{one.attempt}", self._prepare(one)

    def _execute(self, request: ApprovalRequest, *, undo: bool) -> Job:
        async def run() -> None:
            try:
                await (self.steps.send_undo if undo else self.steps.send)(request.id)
            except (OnHold, StoreError):
                raise
            except Exception as error:  # border: its own defect settles what is armed
                log.exception("execution failed", extra={"request": request.id})
                why = f"the executor itself failed ({type(error).__name__}: {error})."
                await self.deps.executor.give_up(request.prepared, why, undo=undo)

        return run

    def _prepare(self, asked: Preparation) -> Job:
        async def run() -> None:
            answer = await self._made_ready(asked)
            await asyncio.to_thread(self._answer, answer)

        return run

    async def _made_ready(self, asked: Preparation) -> Preparation:
        try:
            incident = await asyncio.to_thread(incident_of, self.deps, asked.incident)
            if incident.environment != asked.environment:
                raise PlatformError(f"{incident.id} is not of {asked.environment}.")
            with self.steps.busy.busy():
                plan = await self.deps.executor.prepare(incident, asked.attempt, asked.plan)
        except StoreError:
            raise
        except PlatformError as error:
            return asked.model_copy(update={"flaw": str(error)})
        except Exception as error:  # border: its own defect is an answer too
            log.exception("preparation failed", extra={"incident": asked.incident})
            why = f"the executor itself failed ({type(error).__name__}: {error})."
            return asked.model_copy(update={"flaw": why})
        return asked.model_copy(update={"prepared": plan})

    def _answer(self, answer: Preparation) -> None:
        """Keep the answer, unless something else is asked by now."""
        with self.deps.store.begin() as work:
            known = work.preparations.of(answer.incident)
            if known is not None and not known.answered and known.fits(answer):
                work.preparations.put(answer)
