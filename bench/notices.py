"""Hours in which receivers fail, hang and refuse, and we die: what are people told?"""

import argparse
import asyncio
import logging
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.notice import Occasion
from aiops_agent.evaluation.goals import Goal
from bench.told import tell
from tests.workflow.place import Place
from tests.workflow.town import FLAWS, Receiver, Town, audited, entries

LIFE = 4.0  # hours on one store
TICK = timedelta(seconds=5)
DELAYED, LEFT = "one receiver delayed by another", "left waiting"


def main(arguments: list[str]) -> int:
    """Count; exit 1 when a notice was lost, untrue, doubled, late, or told of nowhere."""
    parser = argparse.ArgumentParser(prog="python -m bench notices", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hours", type=float, default=24.0, help="simulated")
    given = parser.parse_args(arguments)
    logging.disable(logging.WARNING)  # of what fails here on purpose
    return tell(goals(given.seed, given.hours))


def goals(seed: int, hours: float) -> Iterator[Goal]:
    """Yield the rows."""
    found = Counter[str]()
    for number in range(max(1, round(hours / LIFE))):
        with tempfile.TemporaryDirectory() as folder:
            found += asyncio.run(counted(Path(folder), seed * 1000 + number, min(hours, LIFE)))
    notices = found["notices"]
    for flaw in (*FLAWS, LEFT, DELAYED):
        yield Goal(flaw, notices, found[flaw], "<= 0")
    for told in ("told", "superseded", "given_up", "digests", "outages", "hung", "lost answers"):
        yield Goal(told, notices, found[told], ">= 1")


async def counted(folder: Path, seed: int, hours: float) -> Counter[str]:
    """Return what happened in one life, and what should not have."""
    both = _Life(folder / "both", seed, ("phone", "bell"))
    alone = _Life(folder / "alone", seed, ("bell",))
    for life in (both, alone):
        await life.lives(timedelta(hours=hours))
    found = both.told()
    heard = [
        [(at, notice.key) for at, notice in life.receivers["bell"].heard] for life in (both, alone)
    ]
    found[DELAYED] = sum(one != other for one, other in zip(*heard, strict=False))
    found[DELAYED] += abs(len(heard[0]) - len(heard[1]))
    return found


@dataclass
class _Life:
    """A town and its receivers; the same seed is the same life, whoever else is told of it."""

    folder: Path
    seed: int
    names: tuple[str, ...]
    receivers: dict[str, Receiver] = field(default_factory=dict)
    found: Counter[str] = field(default_factory=Counter)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _until: dict[str, datetime] = field(default_factory=dict)  # of a receiver's trouble

    async def lives(self, length: timedelta) -> None:
        """Let the town live, and then come to rest."""
        self.folder.mkdir()
        engine = make_engine(f"sqlite:///{self.folder / 'store.db'}")
        upgrade(engine)
        place = Place(SqlStore(engine))
        self.town = Town(place)
        moves = random.Random(f"town {self.seed}")
        dice = {name: random.Random(f"{name} {self.seed}") for name in self.names}
        self.receivers = {name: Receiver(place, name) for name in self.names}
        for one in self.receivers.values():
            one.notices.dispatch.begin()
        end = place.clock.at + length
        while place.clock.at < end + timedelta(minutes=25):
            place.clock.at += TICK
            rests = place.clock.at >= end
            if not rests:
                self._moves(moves)
            self.town.looks()
            for name, one in self.receivers.items():
                self._fares(one, dice[name], rests=rests)
            await self._turns()
        self._count()
        engine.dispose()

    def told(self) -> Counter[str]:
        """Return what was counted."""
        return self.found

    def _moves(self, rng: random.Random) -> None:
        """Move the town on by a tick."""
        town = self.town
        if rng.random() < 0.02:
            town.asks(severity=rng.choice([Severity.SEV1, *[Severity.SEV2, Severity.SEV3] * 4]))
        if town.waiting and rng.random() < 0.01:
            town.answers(rng.choice(sorted(town.waiting)), yes=rng.random() < 0.7)
        if town.waiting and rng.random() < 0.004:
            town.withdraws(rng.choice(sorted(town.waiting)))
        if town.waiting and rng.random() < 0.006:
            town.ends(rng.choice(sorted(town.waiting)))
        if rng.random() < 0.003:
            kinds = [Severity.SEV1, *[Severity.SEV3] * 9]
            town.storms([rng.choice(kinds) for _ in range(rng.randint(10, 150))])
        if rng.random() < 0.003:  # questions come in crowds too
            for _ in range(rng.randint(5, 12)):
                town.asks()

    def _fares(self, one: Receiver, rng: random.Random, *, rests: bool) -> None:
        """Let a receiver fall into trouble or out of it."""
        now = self.town.place.clock.at
        if now < self._until.get(one.name, now) and not rests:  # at rest all trouble is over
            one.well_since = now
        elif not one.up or one.dislikes or one.hangs:
            one.up, one.dislikes, one.well_since = True, set(), now
            if one.hangs is not None:
                one.hangs.set()
            one.hangs = None
        elif not rests:
            self._strikes(one, rng, now)
        one.dies = one.dies or (not rests and rng.random() < 0.002)
        one.loses = one.loses or (not rests and rng.random() < 0.002)
        one.refuses = one.refuses or (not rests and rng.random() < 0.0005)

    def _strikes(self, one: Receiver, rng: random.Random, now: datetime) -> None:
        kind, minutes = rng.random(), rng.expovariate(1 / 8)
        if kind < 0.004:
            one.up = False
            self.found["outages"] += 1
        elif kind < 0.006:
            one.dislikes = set(self.town.waiting)
        elif kind < 0.008 and one.name == "phone":
            one.hangs, minutes = asyncio.Event(), min(minutes, 1.0)
            self.found["hung"] += 1
        else:
            return
        self._until[one.name] = now + timedelta(minutes=minutes)

    async def _turns(self) -> None:
        """Let each receiver's loop take its turn; one that hangs is left hanging."""
        for name, one in self.receivers.items():
            if name not in self._tasks or self._tasks[name].done():
                self._tasks[name] = asyncio.create_task(one.turn())
        for name, one in self.receivers.items():
            task = self._tasks[name]
            if one.hangs is None:
                await task
                continue
            inside = asyncio.create_task(one.inside.wait())
            await asyncio.wait({task, inside}, return_when=asyncio.FIRST_COMPLETED)
            inside.cancel()

    def _count(self) -> None:
        for one in self.receivers.values():
            kept = entries(self.town.place, one.name)
            self.found += audited(one)
            self.found["notices"] += len(kept)
            self.found[LEFT] += sum(entry.state.value == "waiting" for entry in kept)
            self.found.update(entry.state.value for entry in kept)
            self.found["digests"] += sum(n.occasion is Occasion.DIGEST for _, n in one.heard)
            self.found["lost answers"] += len(one.deaths)
