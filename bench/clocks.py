"""Asking, answering and arming in any order while clocks are set: does a dead yes ever count?"""

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.approval import ApprovalState, Ruling, Verdict
from aiops_agent.domain.errors import ApprovalError
from aiops_agent.domain.incident import Status
from aiops_agent.domain.remediation import PreparedPlan
from aiops_agent.evaluation.goals import Goal
from aiops_agent.safety import approve
from aiops_agent.workflow.gate import Gate
from bench.told import tell
from tests.safety.plans import a_decision, a_plan, an_incident
from tests.workflow.place import Place

ASK = Verdict(ruling=Ruling.ASK, reason="a person decides")
SLACK = timedelta(seconds=5)
MOVES = 14  # of one interleaving
PLAN = a_plan(1, 1)


def main(arguments: list[str]) -> int:
    """Count; exit 1 when a dead yes counted, or when nearly none that lived did."""
    parser = argparse.ArgumentParser(prog="python -m bench clocks", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=3_000, help="interleavings")
    parser.add_argument("--store", default="", help="an empty database; a new SQLite file if none")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        url = given.store or f"sqlite:///{Path(folder) / 'store.db'}"
        return tell(goals(given.seed, given.n, url))


def goals(seed: int, n: int, url: str) -> Iterator[Goal]:
    """Yield the rows."""
    engine = make_engine(url)
    upgrade(engine)
    found = counted(SqlStore(engine), seed, n)
    engine.dispose()
    for flaw in ("yes to a dead question", "armed without a living yes", "two outcomes"):
        yield Goal(flaw, n, found[flaw], "<= 0")
    for told in ("moves", "clock set back", "questions", "withdrawn", "expired", "yes", "armed"):
        yield Goal(told, n, found[told], ">= 1")


def counted(store: SqlStore, seed: int, n: int) -> Counter[str]:
    """Return what happened in `n` interleavings, and how often it should not have."""
    rng = random.Random(f"clocks {seed}")
    place, found = Place(store), Counter[str]()
    for number in range(n):
        _Interleaving(place, f"INC-{number:05}", rng, found).run()
    return found


@dataclass
class _Question:
    """What an observer outside the store knows of a question: every reading since it was put."""

    plan: PreparedPlan
    expires: datetime
    peak: datetime
    torn: bool = False  # a reading lay more than the slack before an earlier one
    yes: datetime | None = None
    ends: set[str] = field(default_factory=set)

    def read(self, now: datetime) -> None:
        self.torn = self.torn or now < self.peak - SLACK
        self.peak = max(self.peak, now)


@dataclass
class _Interleaving:
    """One incident whose questions are put, answered, looked at and armed by two processes."""

    place: Place
    incident: str
    rng: random.Random
    found: Counter[str]
    asked: list[_Question] = field(default_factory=list)

    def run(self) -> None:
        self.place.put(an_incident(id=self.incident, status=Status.DIAGNOSING))
        moves = (self.answer, self.answer, self.look, self.arm, self.arm, self.jump, self.swing)
        self.ask()
        for _ in range(MOVES):
            self.found["moves"] += 1
            self.rng.choice(moves)()
            if self._over():
                self.ask()
        for question in self.asked:
            self.found["two outcomes"] += len(question.ends) > 1

    def ask(self) -> None:
        """Put a question, or put it anew."""
        number = len(self.asked) + 1
        plan = PLAN.model_copy(update={"incident": self.incident, "attempt": number})
        self._read()
        self._gate().ask(plan, ASK)
        kept = self._gate().get(f"{self.incident}.{number}")
        self.asked.append(_Question(plan, kept.expires_at, self.place.clock.at))
        self.found["questions"] += 1

    def answer(self) -> None:
        question = self.rng.choice(self.asked)
        approve_it = self.rng.random() < 0.8
        self._read()
        decision = a_decision(question.plan, at=self.place.clock.at, approve=approve_it)
        try:
            self._gate().answer(_id(question), decision)
        except ApprovalError:
            return
        if not approve_it:
            question.ends.add("rejected")
            return
        self.found["yes"] += 1
        question.yes = question.peak
        self.found["yes to a dead question"] += question.torn or question.peak >= question.expires

    def arm(self) -> None:
        """Arm a plan that was answered, or seldom one that was not; a refusal ends it."""
        question = self.rng.choice(self.asked)
        if "armed" in question.ends or (question.yes is None and self.rng.random() < 0.9):
            return
        self._read()
        try:
            with self.place.store.begin() as work:
                approve.arm(work, _id(question), question.plan, self.place.clock.at)
        except ApprovalError as error:
            self._gate().withdraw(self.incident, _id(question), str(error))
            return
        self.found["armed"] += 1
        question.ends.add("armed")
        late = question.yes is None or question.peak >= question.yes + timedelta(minutes=10)
        self.found["armed without a living yes"] += question.torn or late

    def look(self) -> None:
        self._read()
        self._gate().look(self.incident, _id(self.rng.choice(self.asked)))

    def glance(self) -> None:
        """Another process does something with the incident."""
        self._read()
        Gate(replace(self.place.deps)).note(self.incident, "kim", "still slow")

    def jump(self) -> None:
        """Set the clock, or let it drift; nobody has read it yet."""
        seconds = self.rng.choice((6, 120, 1200, 1200, 86_400)) * self.rng.uniform(-1, 1)
        self.found["clock set back"] += seconds < -SLACK.total_seconds()
        self.place.clock.go(seconds=seconds)

    def swing(self) -> None:
        """Go about the length of a question's life forward, be seen, and come about so far back."""
        away = self.rng.uniform(5, 25)
        self.place.clock.go(minutes=away)
        self.glance()
        self.place.clock.go(minutes=-away * self.rng.uniform(0, 1))

    def _gate(self) -> Gate:
        return Gate(self.place.deps)

    def _read(self) -> None:
        for question in self.asked:
            question.read(self.place.clock.at)

    def _over(self) -> bool:
        state = self._gate().get(_id(self.asked[-1])).state
        self.found[state.value] += state in (ApprovalState.WITHDRAWN, ApprovalState.EXPIRED)
        return state not in (ApprovalState.PENDING, ApprovalState.APPROVED)


def _id(question: _Question) -> str:
    return f"{question.plan.incident}.{question.plan.attempt}"
