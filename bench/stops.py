"""Pulls the stop at random moments while processes send and take back: is any send begun late?"""

import argparse
import asyncio
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from aiops_agent.actions.platform import Accepted, Begin, Sight, at_once
from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.errors import NotPermitted, OnHold
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Draft, Request
from aiops_agent.domain.sending import Limits, Switch, limit
from aiops_agent.evaluation.goals import Goal
from aiops_agent.ports.store import Store
from aiops_agent.registry import CATALOGUE
from aiops_agent.safety.execute import Executor
from bench.told import tell
from tests.safety.plans import NOW, asks
from tests.safety.test_arming import approved

FREE = Limits(per_service=limit("1000/1ms"), per_environment=limit("1000/1ms"))
LATE = 1.0  # seconds after the commit of a stop
SHORT, LONG = 0.06, 1.3  # seconds for which a stop holds; each tenth is a long one
LATER = NOW + timedelta(minutes=2)
Finished = Callable[[], bool]


def main(arguments: list[str]) -> int:
    """Count; exit 1 when a send began too late, or when none was made at all."""
    parser = argparse.ArgumentParser(prog="python -m bench stops", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=1000, help="how often it is stopped")
    parser.add_argument("--processes", type=int, default=4)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        return tell(goals(given.seed, given.n, given.processes, Path(folder)))


def goals(seed: int, n: int, processes: int, folder: Path) -> Iterator[Goal]:
    """Yield the rows."""
    url = f"sqlite:///{folder / 'store.db'}"
    engine = make_engine(url)
    upgrade(engine)
    spawn = multiprocessing.get_context("spawn")
    over = spawn.Event()
    workers = [
        spawn.Process(target=_process, args=(url, folder / "sent", number, over))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    stops = pulled(SqlStore(engine), folder / "sent", seed, n)
    over.set()
    for worker in workers:
        worker.join(60)
    engine.dispose()
    found = judged(stops, folder / "sent")
    yield Goal(f"sends begun more than {LATE:g} s after a stop", n, found.late, "<= 0")
    yield Goal("latest send begun after a stop, s", n, found.latest, f"<= {LATE:g}")
    yield Goal("sends and undos", n, found.sends, ">= 100")
    yield Goal("processes that ended well", n, sum(not w.exitcode for w in workers), ">= 1")


@dataclass(frozen=True)
class Found:
    """How many sends there were, how many began late, and the latest, in seconds after a stop."""

    sends: int
    late: int
    latest: float


def judged(stops: Sequence[tuple[float, float]], sent: Path) -> Found:
    """Compare the moments at which sends began with those at which a stop held."""
    times = [float(line) for line in sent.read_text().split()]
    after = [at - held for at in times for held, freed in stops if held < at < freed]
    return Found(len(times), sum(delay > LATE for delay in after), max(after, default=0.0))


def pulled(store: Store, sent: Path, seed: int, n: int) -> list[tuple[float, float]]:
    """Stop and start `n` times; return since when and until when each stop held."""
    rng, stops = random.Random(f"stops {seed}"), []
    while not sent.exists():  # somebody sends
        time.sleep(0.01)
    for number in range(n):
        time.sleep(rng.uniform(0.01, 0.1))
        _switch(store, stopped=True)
        held = time.monotonic()
        time.sleep(SHORT if number % 10 else LONG)
        freed = time.monotonic()
        _switch(store, stopped=False)
        stops.append((held, freed))
    return stops


def worked(url: str, sent: Path, number: int, over: Finished) -> None:
    """Send plan after plan, and take each back, until it is over."""
    engine = make_engine(url)
    asyncio.run(_work(SqlStore(engine), sent, number, over))
    engine.dispose()


def _process(url: str, sent: Path, number: int, over: Any) -> None:
    worked(url, sent, number, over.is_set)


async def _work(store: Store, sent: Path, number: int, over: Finished) -> None:
    executor = Executor(
        platforms=lambda _name: _Timed(sent),
        store=store,
        catalogue=CATALOGUE,
        bounds=lambda _name: {},
        now=lambda: LATER,
        allowance=lambda _ref: (LATER, FREE),
    )
    for made in count(1):
        if over():
            return
        request = approved(store, number * 1_000_000 + made, f"web-{number}-{made}")
        await _insist(lambda: executor.execute(request, asks), over)  # noqa: B023 -- awaited here
        await _insist(lambda: executor.undo(request.prepared), over)  # noqa: B023 -- awaited here


async def _insist(act: Callable[[], Any], over: Finished) -> None:
    while not over():
        try:
            await act()
            return
        except OnHold:
            await asyncio.sleep(0.005)
        except NotPermitted:
            return


@dataclass(frozen=True)
class _Timed:
    """A platform that writes down when each send began, one line each."""

    sent: Path
    kinds = CATALOGUE.kinds

    async def prepare(self, action: object, operation: str) -> Draft:
        raise NotImplementedError

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:  # noqa: ARG002 -- the port
        return True

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        await begin()
        line = f"{time.monotonic()}\n".encode()
        file = os.open(self.sent, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(file, line)
        os.close(file)
        return Accepted(words="accepted", made=request.operation)

    async def take_back(
        self,
        step: Draft,  # noqa: ARG002 -- the port
        applied: Sequence[Intent],
        operation: str,
    ) -> tuple[Request, ...]:
        return tuple(
            one.request.model_copy(update={"operation": f"{operation}.{one.request.operation}"})
            for one in applied
        )

    async def look(self, request: Request, armed_at: datetime) -> Sight:
        raise NotImplementedError


def _switch(store: Store, *, stopped: bool) -> None:
    with store.begin() as work:
        work.sending.switch(Switch(stopped=stopped, by="bench", at=LATER))
