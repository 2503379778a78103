"""A process that dies while a model is asked: the provider outlives it and counts the requests."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Queue

import aiops_agent.adapters.models.reasoner  # noqa: F401 -- loaded once, before processes are forked
from aiops_agent.domain.value import Document
from aiops_agent.ports.model import Around, Asking
from aiops_agent.simulator.provider.server import ScriptedProvider, Stage
from tests.kill.job import Job
from tests.kill.lives import Nursery
from tests.kill.run import Ended, run

# Where a process may die, each with the number of the request or of the tool's use, from 1.
BEFORE = f"provider-{Stage.ASKED}-"  # the request is there, nothing is answered
DURING = f"provider-{Stage.WITHIN}-"  # half of the body was sent
AFTER = f"provider-{Stage.ANSWERED}-"  # the whole body was sent
ANSWERED = "model-answered-"  # the answer was read; its checkpoint is not there yet
CALLED = "tool-called-"  # between the call and its tool
LOOKED_UP = "tool-answered-"  # the tool has answered; its checkpoint is not there yet


@dataclass(frozen=True)
class Counted:
    """What became of one job, and how often the provider was asked in all its processes."""

    ended: Ended
    requests: int
    defects: list[str]


def run_counted(jobs: Sequence[Job], nurseries: int = 2) -> list[Counted]:
    """Run every job against a provider of its own, two at a time."""
    free: Queue[Nursery] = Queue()

    def one(job: Job) -> Counted:
        nursery = free.get()
        try:
            with ScriptedProvider() as provider:
                asking = replace(job, provider=provider.gemini)
                provider.watch = killing(asking)
                ended = run(asking, nursery)
                defects = [repr(e) for e in provider.broken if not isinstance(e, OSError)]
                return Counted(ended, provider.requests, defects)
        finally:
            free.put(nursery)

    with ExitStack() as stack:
        for _ in range(min(nurseries, len(jobs))):
            free.put(stack.enter_context(Nursery()))
        with ThreadPoolExecutor(nurseries) as pool:
            return list(pool.map(one, jobs))


def killing(job: Job) -> Callable[[Stage, int], None]:
    """Return a watch of the provider that kills the process which asks, at the job's next point."""

    def watch(stage: Stage, number: int) -> None:
        left = job.kills[len(job.died) :]
        point = f"provider-{stage}-{number}"
        if left and point == left[0]:
            job.die(point)
            os.kill(int((Path(job.folder) / "pid.txt").read_text()), signal.SIGKILL)

    return watch


def named(job: Job) -> None:
    """Leave this process's number where the provider finds it."""
    (Path(job.folder) / "pid.txt").write_text(str(os.getpid()))


def dying(mark: Callable[[str], None]) -> Around:
    """Return what stands around each request and tool of a process, and passes its points."""
    begun: Counter[str] = Counter()

    @contextmanager
    def around(_asking: Asking, kind: str, _name: str) -> Iterator[Document]:
        begun[kind] += 1
        if kind == "tool":
            mark(f"{CALLED}{begun[kind]}")
        yield {}
        mark(f"{kind}-answered-{begun[kind]}")

    return around
