"""The shop as it stands: its journal, and the world that follows from it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from threading import RLock

from aiops_agent.domain.errors import TargetMissing
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.simulator.history import History, Track
from aiops_agent.simulator.journal import ClockMoved, Created, Journal, Line, Operation, opened
from aiops_agent.simulator.node import STEP, Node
from aiops_agent.simulator.operate import operate
from aiops_agent.simulator.physics import Deed, World
from aiops_agent.simulator.scenarios import Scenario, decoys, find_scenario
from aiops_agent.simulator.scribe import Scribe
from aiops_agent.simulator.shop import BY_NAME


@dataclass
class Shop:
    """A world kept in step with its journal; also what other processes wrote is seen."""

    journal: Journal
    scenario: Scenario
    seed: int
    epoch: datetime
    names: dict[str, str]
    world: World
    history: History
    scribe: Scribe
    _done: int = 0  # lines of the journal that the world has lived through
    _turn: RLock = field(default_factory=RLock)  # threads of one process share a shop
    _given: dict[str, str] = field(default_factory=dict)  # shown name -> name as built

    def catch_up(self) -> None:
        """Live through everything in the journal that the world has not lived through."""
        with self._turn:
            self.journal.refresh()
            for line in self.journal.lines[self._done :]:
                match line:
                    case ClockMoved():
                        self.world.advance(line.to)
                    case Operation():
                        self.world.advance(line.at)
                        operate(self.world, line.kind, self.built(line.target), line.wished)
                    case Created():
                        pass
                self._done += 1

    def write(self, decide: Callable[[], Line | None]) -> Line | None:
        """Let `decide` look at the world as it is now and write one line, or none, for all."""
        with self._turn:

            def decided() -> Line | None:
                self.catch_up()
                return decide()

            line = self.journal.append(decided)
            self.catch_up()
            return line

    @property
    def seconds(self) -> float:
        """How long the world has lived, as far as it has caught up."""
        clocks = (line.to for line in reversed(self.journal.lines) if isinstance(line, ClockMoved))
        return next(clocks, 0.0)

    def wait_until(self, seconds: float) -> None:
        """Let time go on to `seconds`, rounded up to a whole step; never back."""
        to = ceil(seconds / STEP) * STEP
        self.write(lambda: ClockMoved(to) if to > self.seconds else None)

    def time(self, seconds: float) -> datetime:
        """Return the shop's date and time that many seconds after it began."""
        return self.epoch + timedelta(seconds=seconds)

    def since_epoch(self, at: datetime) -> float:
        """Return how many seconds after the beginning a time is."""
        return (at - self.epoch).total_seconds()

    def shown(self, name: str) -> ServiceName:
        """Return the name under which a service of the shop is known outside."""
        return ServiceName(self.names.get(name, name))

    def built(self, shown: str) -> str:
        """Return the name as built; raises TargetMissing when there is no such service."""
        if shown not in self._given:
            raise TargetMissing(f"The shop has no service {shown!r}.")
        return self._given[shown]

    def track(self, shown: str, signal: Signal) -> Track | None:
        """Return the samples of a signal, or None when there are none of that pair."""
        return self.history.tracks.get((self._given.get(shown, ""), signal))

    def node(self, shown: str) -> Node:
        """Return the service of that outside name; raises TargetMissing."""
        return self.world.nodes[self.built(shown)]


def load(folder: Path) -> Shop:
    """Rebuild a shop from its journal; raises UsageError when there is none."""
    return lived(opened(folder))


def lived(journal: Journal, besides: tuple[Deed, ...] = ()) -> Shop:
    """Return the shop that a journal tells of; `besides` happens in addition to its scenario."""
    created = journal.lines[0]
    assert isinstance(created, Created)  # else it would not have been opened
    chosen, seed = find_scenario(created.scenario), created.seed
    fault = chosen.fault_of(seed)
    books, deeds = decoys(fault, seed)
    world = World(seed, fault.weather, (*fault.deeds, *deeds, *besides))
    world.records.extend(books)
    names = created.names
    shop = Shop(
        journal=journal,
        scenario=chosen,
        seed=seed,
        epoch=datetime.fromisoformat(created.epoch),
        names=names,
        world=world,
        history=History(world, seed),
        scribe=Scribe(world, seed, lambda name: names.get(name, name)),
        _given={names.get(name, name): name for name in BY_NAME},
    )
    shop.catch_up()
    return shop
