"""Storms of alerts through the whole intake: how many incidents, and do they name the first alert?

Systems of three floors are drawn; trouble at one service reaches those that call it, each after a
while and not always, and every one sends many alerts in any order, as rules of different hold do.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.correlate import kin
from aiops_agent.domain.alert import Alert
from aiops_agent.domain.payload import IncidentOpened
from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceName
from aiops_agent.evaluation.goals import Goal
from aiops_agent.workflow.receive import Receive
from bench.told import tell
from tests.workflow.place import HERE, Company, Place, an_alert

FLOORS = (3, 15, 8)  # services: doors, what works, stores
REACHES = 0.85  # of the callers
SENDS_ITSELF = 0.95  # the service where it began; of a pair both do, else nobody can tell
PUSHES = 0.15  # a callee, by asking it more
NOTHING = ServiceGraph(services=())
RULES = ("HighLatency", "HighErrorRate", "PodUnhealthy", "QueueGrows", "Saturated")


def main(arguments: list[str]) -> int:
    """Measure; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench storms", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=200, help="storms of each kind")
    parser.add_argument("--pairs", type=int, default=1000)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'store.db'}")
        upgrade(engine)
        try:
            storms = Storms(Place(SqlStore(engine)), random.Random(f"storms {given.seed}"))
            return tell(storms.goals(given.n, given.pairs))
        finally:
            engine.dispose()


@dataclass(frozen=True)
class Drawn(Company):
    """A system that was drawn."""

    drawn: ServiceGraph = NOTHING

    async def graph(self) -> ServiceGraph:
        """Return it."""
        return self.drawn


@dataclass
class Storms:
    """Storms on one store, one after another, hours apart."""

    place: Place
    dice: random.Random
    number: int = 0

    def goals(self, n: int, pairs: int) -> Iterator[Goal]:
        """Yield the rows."""
        one = [self.lived(1, 200) for _ in range(n)]
        two = [self.lived(2, 200) for _ in range(n)]
        many = [self.lived(2, 20, 1.0) for _ in range(pairs)]
        alone = _share(o.incidents == 1 for o in one)
        yield Goal("one cause, 200 alerts: one incident", n, alone, ">= 0.95")
        yield Goal("one cause: its root named", n, _share(o.right for o in one), ">= 0.9")
        yield Goal("two causes: two incidents", n, _share(o.incidents == 2 for o in two), ">= 0.9")
        yield Goal("two causes: both roots named", n, _share(o.right for o in two))
        yield Goal("pairs: wrongly merged", pairs, _share(o.merged for o in many), "<= 0.01")

    def lived(self, causes: int, alerts: int, sends: float = SENDS_ITSELF) -> "Outcome":
        """Let one storm come in, and say what became of it."""
        self.number += 1
        self.place.clock.go(hours=3)
        graph, roots = self._drawn(causes)
        self.place.topology = Drawn(drawn=graph)
        sent = [one for root in roots for one in self._alerts(graph, root, alerts // causes, sends)]
        self.dice.shuffle(sent)
        return asyncio.run(self._sent(sent, roots))

    async def _sent(self, sent: list[Alert], roots: tuple[ServiceName, ...]) -> "Outcome":
        with self.place.store.read() as view:
            before = view.events.last()
        self.place.keep(*sent)
        await Receive(self.place.deps).handle(HERE)
        with self.place.store.read() as view:
            events = view.events.after(before, limit=5000)
        opened = [e.payload.service for e in events if isinstance(e.payload, IncidentOpened)]
        outcome = Outcome(
            incidents=len(opened),
            right=set(roots) <= set(opened),
            merged=len(opened) < len(roots),
        )
        if len(opened) != len(roots) or not outcome.right:
            print(f"storm {self.number}: {roots} opened {opened}", file=sys.stderr)
        return outcome

    def _drawn(self, causes: int) -> tuple[ServiceGraph, tuple[ServiceName, ...]]:
        """Return a system, and services of which none needs the other."""
        dice = self.dice
        floors = [
            [ServiceName(f"f{floor}-{n}") for n in range(count)]
            for floor, count in enumerate(FLOORS)
        ]
        doors, inner, stores = floors
        calls = {(door, one) for door in doors for one in dice.sample(inner, dice.randint(3, 8))}
        calls |= {(dice.choice(doors), one) for one in inner if dice.random() < 0.7}
        for place, one in enumerate(inner):
            below = inner[place + 1 :]
            calls |= {
                (one, callee) for callee in dice.sample(below, min(len(below), dice.randint(0, 2)))
            }
            calls |= {(one, store) for store in dice.sample(stores, dice.randint(0, 2))}
        names = [name for floor in floors for name in floor]
        dice.shuffle(names)
        graph = ServiceGraph(
            services=tuple(Service(name=name) for name in names), calls=tuple(sorted(calls))
        )
        while True:
            roots = tuple(dice.sample([*inner, *stores], causes))
            if causes == 1 or roots[1] not in kin(roots[0], graph):
                return graph, roots

    def _alerts(
        self, graph: ServiceGraph, root: ServiceName, count: int, sends: float
    ) -> list[Alert]:
        """Return the alerts of one cause."""
        dice = self.dice
        began = {root: self.place.clock.at - timedelta(minutes=dice.uniform(5, 9))}
        reached = [root]
        for one in reached:
            for caller in graph.callers(one):
                if caller not in began and dice.random() < REACHES:
                    began[caller] = began[one] + timedelta(seconds=dice.uniform(2, 40))
                    reached.append(caller)
        callees = graph.callees(root)
        if callees and dice.random() < PUSHES:
            pushed = dice.choice(callees)
            began[pushed] = began[root] + timedelta(seconds=dice.uniform(60, 240))
        if dice.random() >= sends and len(began) > 1:
            del began[root]
        alerts = []
        for number in range(count):
            service = list(began)[number % len(began)]
            labels = {
                "alertname": RULES[number // len(began) % len(RULES)],
                "service": service,
                "instance": f"{service}-{number // len(began)}",
                "storm": f"{self.number}",
            }
            starts = began[service] + timedelta(seconds=dice.uniform(0, 90))
            alerts.append(an_alert(labels=labels, starts_at=starts))
        return alerts


def _share(flags: Iterable[bool]) -> float:
    known = list(flags)
    return sum(known) / len(known)


@dataclass(frozen=True)
class Outcome:
    """How many incidents a storm opened, whether they name the roots, whether two are one."""

    incidents: int
    right: bool
    merged: bool
