"""Runs jobs: restarts what was killed until the story is over, then has the end judged."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Thread

from tests.kill.checker import violations
from tests.kill.hands import Hands
from tests.kill.job import STOPPED, Job
from tests.kill.lives import Nursery
from tests.kill.person import Person
from tests.kill.then import Then, happens, sent_under_stop, wrong_sends


@dataclass(frozen=True)
class Ended:
    """What became of one job; `wrong` is empty when all promises were kept."""

    job: Job
    died: list[str]
    wrong: list[str]


def run_all(jobs: Sequence[Job], nurseries: int = 2) -> list[Ended]:
    """Run every job, two at a time, and return what became of each, in order."""
    free: Queue[Nursery] = Queue()

    def one(job: Job) -> Ended:
        nursery = free.get()
        try:
            return run(job, nursery)
        finally:
            free.put(nursery)

    with ExitStack() as stack:
        for _ in range(min(nurseries, len(jobs))):
            free.put(stack.enter_context(Nursery()))
        with ThreadPoolExecutor(nurseries) as pool:
            return list(pool.map(one, jobs))


def run(job: Job, nursery: Nursery) -> Ended:
    """Run one job to its end, with a person near, and judge what is left behind."""
    Path(job.folder).mkdir(parents=True)
    code = 0
    with Person(job), Hands(job):
        for _ in range(len(job.kills) + 1):
            code = nursery.run(job)
            if code not in (-9, STOPPED) or job.then:
                break
        if job.then and code == -9:
            return _goes_on(job, nursery)
    if code:
        return _failed(job, code)
    return Ended(job, job.died, violations(job))


def _goes_on(job: Job, nursery: Nursery) -> Ended:
    """Let happen what is to happen after a death, live on, and judge what was sent since."""
    then, codes = Then(job.then), list[int]()
    seen, wrong = happens(job, then), list[str]()
    live = Thread(target=lambda: codes.append(nursery.run(job)))
    live.start()
    if then is Then.STOPPED:
        wrong += sent_under_stop(job, seen, live)
    live.join()
    if codes != [0]:
        return _failed(job, codes[0] if codes else 1)
    return Ended(job, job.died, wrong + wrong_sends(job, then, seen))


def _failed(job: Job, code: int) -> Ended:
    stderr = Path(job.folder) / "stderr.txt"
    said = stderr.read_text()[-2000:] if stderr.exists() else ""
    return Ended(job, job.died, [f"the last process ended with {code}: {said}"])
