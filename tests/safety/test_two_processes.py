"""One approval and two processes that act on it in the same moment: the effect is there once."""

import asyncio
import multiprocessing
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

import pytest

from aiops_agent.actions.platform import Accepted, Begin, Landing, Sight, at_once
from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Action, ActionKind, Draft, Request
from aiops_agent.registry import CATALOGUE
from aiops_agent.safety.execute import Executor
from aiops_agent.safety.send import Sender
from tests import seams
from tests.safety.plans import NOW, a_plan, a_request, asks, stored

LONGEST_SECONDS = 60
PLAN = a_plan(1, 1, repeatable=False)  # no law of the platform makes a second send harmless


@dataclass(frozen=True)
class Counted:
    """A target that every send changes once more: one line in a file per effect.

    A send is under way until the other process has looked at it.
    """

    effects: Path
    looked: Event

    @property
    def kinds(self) -> Sequence[ActionKind]:
        return CATALOGUE.kinds

    async def prepare(self, action: Action, operation: str) -> Draft:
        raise NotImplementedError

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        return True

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        await begin()
        assert self.looked.wait(LONGEST_SECONDS)
        with os.fdopen(os.open(self.effects, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "w") as file:
            file.write(f"{request.operation}\n")
        return Accepted(words="accepted")

    async def take_back(
        self, step: Draft, applied: Sequence[Intent], operation: str
    ) -> tuple[Request, ...]:
        raise NotImplementedError

    async def look(self, request: Request, armed_at: datetime) -> Sight:
        done = self.effects.exists() and request.operation in self.effects.read_text()
        self.looked.set()
        landing = Landing.LANDED if done else Landing.NOT_LANDED
        return Sight(landing=landing, note=landing.value)


def act(url: str, target: Counted, both: Barrier, defect: bool) -> None:
    """Execute the approved plan as soon as the other process is as far."""

    def together(point: Point) -> None:
        if point is Point.ARMED:
            both.wait(LONGEST_SECONDS)

    engine = make_engine(url)
    executor = Executor(
        platforms=lambda _environment: target,
        store=SqlStore(engine),
        catalogue=CATALOGUE,
        bounds=lambda _environment: {},
        now=lambda: NOW + timedelta(minutes=2),
        mark=together,
    )
    with pytest.MonkeyPatch.context() as patch:
        if defect:
            seams.CLAIMED.plant(patch, claimed_by_both)
            target.looked.set()
        asyncio.run(executor.execute(a_request(PLAN, ApprovalState.APPROVED), asks))
    engine.dispose()


def claimed_by_both(sender: Sender, sending: Intent, _first: bool) -> bool:
    """Write the claim down without asking whether somebody else was faster."""
    with sender.store.begin() as work:
        work.ledger.change(sending, was=IntentState.ARMED)
    return True


def race(store: SqlStore, url: str, folder: Path, *, defect: bool = False) -> Counter[str]:
    """Let two processes act at once; return how often each request had its effect."""
    stored(store, a_request(PLAN, ApprovalState.APPROVED))
    spawn = multiprocessing.get_context("spawn")
    target, both = Counted(folder / "effects", spawn.Event()), spawn.Barrier(2)
    pair = [spawn.Process(target=act, args=(url, target, both, defect)) for _ in range(2)]
    for process in pair:
        process.start()
    for process in pair:
        process.join(2 * LONGEST_SECONDS)
    assert [process.exitcode for process in pair] == [0, 0]
    return Counter(target.effects.read_text().split())


@pytest.mark.slow
def test_two_processes_at_once_use_a_yes_once(
    store: SqlStore, store_url: str, tmp_path: Path
) -> None:
    effects = race(store, store_url, tmp_path)

    assert effects[PLAN.steps[0].requests[0].operation] == 1
    assert set(effects.values()) == {1}


@pytest.mark.slow
def test_two_processes_that_do_not_claim_are_caught(
    store: SqlStore, store_url: str, tmp_path: Path
) -> None:
    """A planted defect: what the target is for."""
    assert 2 in race(store, store_url, tmp_path, defect=True).values()
