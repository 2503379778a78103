"""Four processes of sixteen threads answer, end and arm the same questions: one outcome each?"""

import argparse
import multiprocessing
import os
import random
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.approval import ApprovalState, Decision, Ruling, Verdict
from aiops_agent.domain.errors import ApprovalError, OnHold, StoreError
from aiops_agent.domain.incident import Status
from aiops_agent.domain.payload import ApprovalEnded
from aiops_agent.domain.remediation import PreparedPlan
from aiops_agent.evaluation.goals import Goal
from aiops_agent.safety import approve
from aiops_agent.workflow.gate import Gate
from bench.told import tell
from tests.safety.plans import a_decision, a_plan, an_incident
from tests.targets import at
from tests.workflow.place import START, HandClock, Place

ASK = Verdict(ruling=Ruling.ASK, reason="a person decides")
STEP = a_plan(1, 1).steps[0]
BLOCK = 64  # questions that are open at once
JUMPS = (-1200, -60, 0, 0, 0, 0, 0, 0, 120, 1000)  # seconds, twice while a block is attacked
MOVES = ("yes", "yes", "yes", "no", "no", "look", "withdraw", "arm", "arm")
LATE = 600.0  # seconds after which somebody who does not come is missed
FLAWS = ("two outcomes", "no outcome", "an answer that was lost", "armed without a yes")
Answer: TypeAlias = Callable[[Gate, str, Decision], object]


class Meeting(Protocol):
    """Where those who attack a block wait for each other and for who puts it."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the others."""
        ...


@dataclass(frozen=True)
class Scene:
    """What they share; `ahead` is how far the clock of their machine stands from START, seconds.

    `said` is a file: a line for each answer that counted.
    """

    url: str
    seed: int
    blocks: int
    threads: int
    ahead: Any
    meeting: Meeting
    said: Path
    answer: Answer


def main(arguments: list[str]) -> int:
    """Count; exit 1 when a question had two outcomes, or some kind of outcome never came."""
    parser = argparse.ArgumentParser(prog="python -m bench crowd", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=10_000, help="questions")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--store", default="", help="an empty database; a new SQLite file if none")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        url = given.store or f"sqlite:///{Path(folder) / 'store.db'}"
        found = by_processes(
            url, Path(folder), given.seed, given.n, (given.processes, given.threads)
        )
        return tell(goals(found))


def goals(found: Counter[str]) -> Iterator[Goal]:
    """Yield the rows."""
    n = found["questions"]
    for flaw in FLAWS:
        yield Goal(flaw, n, found[flaw], "<= 0")
    for told in ("moves", "jumps", "approved", "rejected", "expired", "withdrawn", "armed"):
        yield Goal(told, n, found[told], ">= 1")


def by_processes(
    url: str, folder: Path, seed: int, n: int, crews: tuple[int, int], answer: Answer = Gate.answer
) -> Counter[str]:
    """Count what becomes of `n` questions, or a few more; `crews` are processes of threads."""
    spawn = multiprocessing.get_context("spawn")
    meeting, ahead = spawn.Barrier(crews[0] + 1), spawn.Value("d", 0.0)
    blocks, said = -(-n // BLOCK), folder / "said"
    scene = Scene(url, seed, blocks, crews[1], ahead, meeting, said, answer)
    return _counted(scene, [spawn.Process(target=attack, args=(scene, i)) for i in range(crews[0])])


def by_threads(
    url: str, folder: Path, seed: int, n: int, crews: tuple[int, int], answer: Answer = Gate.answer
) -> Counter[str]:
    """Count the same with a thread, and an engine of its own, in the place of each process."""
    ahead = multiprocessing.get_context("spawn").Value("d", 0.0)
    meeting, blocks = threading.Barrier(crews[0] + 1), -(-n // BLOCK)
    scene = Scene(url, seed, blocks, crews[1], ahead, meeting, folder / "said", answer)
    return _counted(
        scene, [threading.Thread(target=attack, args=(scene, i)) for i in range(crews[0])]
    )


def _counted(scene: Scene, workers: Sequence[Any]) -> Counter[str]:
    engine = make_engine(scene.url)
    upgrade(engine)
    place = Place(SqlStore(engine), clock=_OneClock(scene))
    rng, found = random.Random(f"crowd {scene.seed}"), Counter[str]()
    for worker in workers:
        worker.start()
    plans: list[PreparedPlan] = []
    for block in range(scene.blocks):
        plans += _put(place, block)
        scene.meeting.wait(LATE)  # they begin
        for _ in range(2):
            moved = rng.choice(JUMPS)
            found["jumps"] += moved != 0
            scene.ahead.value += moved
        scene.meeting.wait(LATE)  # they have ended
    for worker in workers:
        worker.join()
    found["moves"] = scene.blocks * len(workers) * (scene.threads + BLOCK - 1)
    said = Counter(scene.said.read_text().split())
    for plan in plans:
        _judge(place, plan, said, found)
    engine.dispose()
    return found


def _put(place: Place, block: int) -> Iterator[PreparedPlan]:
    """Open an incident for each question of a block, and put its question."""
    for number in _numbers(block):
        plan = plan_of(number)
        place.put(an_incident(id=plan.incident, status=Status.DIAGNOSING))
        Gate(place.deps).ask(plan, ASK)
        yield plan


def _numbers(block: int) -> range:
    return range(block * BLOCK + 1, (block + 1) * BLOCK + 1)


def plan_of(number: int) -> PreparedPlan:
    """Return the plan of an incident: one action on a service of its own."""
    name = f"INC-{number:05}"
    action = STEP.action.model_copy(update={"target": at(f"s{number}")})
    request = STEP.requests[0].model_copy(update={"operation": f"{name}.1.1.1"})
    step = STEP.model_copy(update={"action": action, "requests": (request,), "inverse": action})
    return a_plan(1, 1).model_copy(update={"incident": name, "steps": (step,)})


class _OneClock(HandClock):
    """The clock of the machine on which all of them run."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self._scene = scene

    def now(self) -> datetime:
        """Return the time that all of them see."""
        return START + timedelta(seconds=self._scene.ahead.value)


def attack(scene: Scene, number: int) -> None:
    """Attack block after block as one process: the first question by all threads at once."""
    engine = make_engine(scene.url)
    place = Place(SqlStore(engine), clock=_OneClock(scene))
    with ThreadPoolExecutor(scene.threads) as crew:
        for block in range(scene.blocks):
            rng = random.Random(f"crowd {scene.seed} {block} {number}")
            first, *others = _numbers(block)
            rng.shuffle(others)
            moves = [(plan_of(n), rng.choice(MOVES)) for n in (*[first] * scene.threads, *others)]
            scene.meeting.wait(LATE)
            list(crew.map(partial(_move, scene, place), moves))
            scene.meeting.wait(LATE)
    engine.dispose()


def _move(scene: Scene, place: Place, move: tuple[PreparedPlan, str]) -> None:
    (plan, kind), gate = move, Gate(place.deps)
    # Another was quicker, its time was over, or the store was too busy to be asked.
    with suppress(ApprovalError, OnHold, StoreError):
        if kind == "look":
            gate.look(plan.incident, plan.approval)
        elif kind == "withdraw":
            gate.withdraw(plan.incident, plan.approval, "the world moved on")
        elif kind == "arm":
            with place.store.begin() as work:
                approve.arm(work, plan.approval, plan, place.clock.now())
        else:
            given = a_decision(plan, at=place.clock.now(), approve=kind == "yes")
            scene.answer(gate, plan.approval, given)
            _say(scene.said, f"{plan.incident}:{kind}")


def _say(said: Path, line: str) -> None:
    file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(file, f"{line}\n".encode())
    os.close(file)


def _judge(place: Place, plan: PreparedPlan, said: Counter[str], found: Counter[str]) -> None:
    """Compare what those were told who answered with what the store says in the end."""
    gate = Gate(place.deps)
    if gate.get(plan.approval).state is ApprovalState.PENDING:  # nobody happened to decide it
        gate.withdraw(plan.incident, plan.approval, "over")
    last = gate.get(plan.approval)
    with place.store.read() as view:
        armed = view.ledger.of_plan(plan.incident, plan.digest, undo=False)
        told = [one.payload for one in view.events.after(0, incident=plan.incident)]
    ends = [one for one in told if isinstance(one, ApprovalEnded)]
    yes, no = said[f"{plan.incident}:yes"], said[f"{plan.incident}:no"]
    approved = last.decision is not None and last.decision.approve
    found["questions"] += 1
    found["approved"] += yes
    found["rejected"] += no
    found["armed"] += bool(armed)
    found[last.state.value] += last.state in (ApprovalState.EXPIRED, ApprovalState.WITHDRAWN)
    found["two outcomes"] += yes + no + len(ends) > 1 + (approved and not armed)
    found["no outcome"] += not (yes or no or ends)
    found["an answer that was lost"] += (yes + no > 0) != (last.decision is not None) or (
        yes + no == 1 and approved != bool(yes)
    )
    found["armed without a yes"] += bool(armed) and not (
        last.state is ApprovalState.USED and yes == 1
    )
