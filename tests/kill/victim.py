"""The process that dies: runs the house on the shop and kills itself at the next point of a job."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from dbos import DBOS, WorkflowHandleAsync

from aiops_agent import __version__
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.crew import Crew, without_llm
from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.diagnosis import Diagnosis
from aiops_agent.domain.lease import EXECUTOR
from aiops_agent.domain.remediation import Action, ActionKind, Plan, Target
from aiops_agent.ports.durable import uncheckpointed
from aiops_agent.ports.store import Work
from aiops_agent.safety.execute import Executor
from aiops_agent.safety.separate import SeparateExecutor
from aiops_agent.workflow import hold, leading, lease
from aiops_agent.workflow.engine import Engine
from aiops_agent.workflow.execution import Execution
from aiops_agent.workflow.executor_steps import ExecutorSteps
from aiops_agent.workflow.lease import FencedStore
from tests import seams
from tests.kill.job import COMMIT, HELPS, REASONED, TAKEN_BACK, Job
from tests.kill.planted import RecordsAfterActing, permits_all
from tests.kill.reasoned import dying, named

SCENARIOS = {
    HELPS: "hung-process",  # a restart: done twice, it would be seen twice
    REASONED: "hung-process",
    TAKEN_BACK: "traffic-surge",
}
EXECUTORS: dict[str, Callable[[Executor], Executor]] = {
    "ours": lambda executor: executor,
    "records after acting": RecordsAfterActing.of,
    "permits all": permits_all,
}


def live(job: Job) -> bool:
    """Work on the job's incident until its story is over; False when it was asked to stop."""
    stop = Stop()
    mark = request(job, stop) if job.politely else death(job)
    crews: dict[str, Callable[[], Crew]] = {HELPS: without_llm, TAKEN_BACK: hasty}
    crew = crews[job.plot]() if job.plot in crews else None
    named(job)
    if job.once == "forgets":
        seams.ONCE.plant(pytest.MonkeyPatch(), lambda: uncheckpointed)
        seams.ANSWERED.plant(pytest.MonkeyPatch(), lambda _self, _incident, _about: None)
    die_at_a_commit(job)
    hands = apart if job.executors and not job.sends else EXECUTORS[job.executor]
    parts = Overrides(crew=crew, executor=hands, mark=mark, around=dying(mark), now=job.now)
    hold.LOOK_SECONDS = 0.3  # for good: this process is ours alone
    lease.TERM, leading.RENEW_SECONDS = timedelta(seconds=2), 0.5
    built = application(job.settings(), parts)
    if job.sends:
        asyncio.run(executes(built, job.folder))
    ended = asyncio.run(work(built, job, stop))
    built.close()
    return ended


async def work(built: Application, job: Job, stop: "Stop") -> bool:
    """The first process breaks a shop; the later ones go on with what they find."""
    stop.loop, stop.asked = asyncio.get_running_loop(), asyncio.Event()
    # Who is stopped ends for its lost lease alone, not because the other one has told the story.
    ends_with_it = not job.stopped or bool(job.died)
    async with built.engine("shop", stand_by=job.stopped) as engine:
        while not built.lead.leads():  # noqa: ASYNC110 -- a test that looks from outside
            await asyncio.sleep(0.05)
        if not await asyncio.to_thread(heard, engine):
            begin = partial(built.demo.begin, SCENARIOS[job.plot], 1, remember=False)
            shop = await asyncio.to_thread(begin)
            await engine.intake(shop)
        asked = asyncio.ensure_future(stop.asked.wait())
        over = asyncio.ensure_future(told(engine))
        awaited = {asked, over} if ends_with_it else {asked}
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        for task in (asked, over):
            task.cancel()
        return over.done() and not over.cancelled()


async def executes(built: Application, folder: str) -> None:
    """Be the executor of the job's shop until somebody ends this process.

    It is what `bootstrap.executing` opens, for a shop: which no configuration names.
    """
    (Path(folder) / f"executor-{os.getpid()}").touch()
    while not (found := await asyncio.to_thread(built.queries.incidents)):  # noqa: ASYNC110 -- a store
        await asyncio.sleep(0.05)
    shop = found[0].environment
    leading = built.lead.begin(EXECUTOR, serves=(str(shop),))
    deps = built._built(FencedStore(built.store, leading.tenure))
    one = Execution(ExecutorSteps(deps), frozenset({shop}), __version__, serves="shop")

    async def lead() -> None:
        one.begin()

    await leading.begin(lead, stand_by=True)
    await asyncio.Event().wait()


def apart(right: Executor) -> Executor:
    """Return hands that leave all sending to another process."""
    return SeparateExecutor(**vars(right), version=__version__)


def heard(engine: Engine) -> bool:
    """Whether an alert was ever kept in this store."""
    with engine.deps.store.begin() as work:
        return bool(work.inbox.waiting(1) or work.incidents.listed(limit=1))


async def told(engine: Engine) -> None:
    """Return when the story is over."""
    story: WorkflowHandleAsync[object] = await DBOS.retrieve_workflow_async(await opened(engine))
    await story.get_result(polling_interval_sec=0.05)


async def opened(engine: Engine) -> str:
    """Return the incident as soon as it is there; it is not started here."""
    while not (found := await asyncio.to_thread(engine.queries.incidents)):  # noqa: ASYNC110 -- a store
        await asyncio.sleep(0.02)
    while await DBOS.get_workflow_status_async(found[0].id) is None:  # noqa: ASYNC110 -- a store
        await asyncio.sleep(0.02)
    return found[0].id


def death(job: Job) -> Callable[[str], None]:
    """Return a mark that kills this process, as `kill -9` does, at the next point of the job."""
    left = job.kills[len(job.died) :]

    def mark(point: str) -> None:
        if job.executors:  # the other process may have died since
            left[:] = job.kills[len(job.died) :]
        if left and point == left[0]:
            if job.stopped:
                left.clear()
                (Path(job.folder) / "process.txt").write_text(str(os.getpid()))
            job.die(point)
            os.kill(os.getpid(), signal.SIGSTOP if job.stopped else signal.SIGKILL)

    return mark


def die_at_a_commit(job: Job) -> None:
    """Count the commits of this process, and kill it after so many when the job says `commit:N`."""
    left = [kill for kill in job.kills[len(job.died) :] if kill.startswith(COMMIT)]
    commits, right = count(1), SqlStore.begin

    @contextmanager
    def begin(self: SqlStore) -> Iterator[Work]:
        with right(self) as work:
            yield work
        job.committed()
        if left and next(commits) == int(left[0].removeprefix(COMMIT)):
            job.die(left[0])
            os.kill(os.getpid(), signal.SIGKILL)

    seams.BEGIN.plant(pytest.MonkeyPatch(), begin)  # for good: this process is ours alone


@dataclass
class Stop:
    """A polite request to end, such as SIGTERM; `loop` and `asked` are the running engine's."""

    loop: asyncio.AbstractEventLoop | None = None
    asked: asyncio.Event | None = None

    def ask(self) -> None:
        """Ask, from any thread."""
        assert self.loop is not None
        assert self.asked is not None
        self.loop.call_soon_threadsafe(self.asked.set)


def request(job: Job, stop: Stop) -> Callable[[str], None]:
    """Return a mark that asks this process to stop at the next point of the job."""
    left = job.kills[len(job.died) :]

    def mark(point: str) -> None:
        if left and point == left[0]:
            left.clear()
            job.die(point)
            stop.ask()

    return mark


def hasty() -> Crew:
    """Return a crew whose first plan touches a service that has nothing to do with it."""
    sober = without_llm()

    async def plan(briefing: Briefing, diagnosis: Diagnosis) -> Answer[Plan]:
        found = await sober.plan(briefing, diagnosis)
        tried = [attempt for attempt in briefing.incident.attempts if attempt.outcome]
        if tried or found.value is None:
            return found
        helpless = Action(
            kind=ActionKind("scale_pods"),
            target=Target(environment=briefing.incident.environment, name="mail-worker"),
            wished={"replicas": 5},
        )
        chosen = {"actions": (helpless,), "hypothesis": ""}
        return found.model_copy(update={"value": found.value.model_copy(update=chosen)})

    return replace(sober, plan=plan)
