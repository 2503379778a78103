"""Two incidents want one service at once: the later one waits, an undo goes first, both go on."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.event import Event
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.point import Point
from aiops_agent.settings.sections import Settings
from aiops_agent.simulator.journal import effects
from aiops_agent.workflow import hold
from aiops_agent.workflow.engine import Engine
from tests import seams
from tests.kill.victim import hasty

PENDING = EventType.APPROVAL_PENDING


@dataclass
class Twins:
    """Two incidents of one shop whose first plans touch the same service and do not help.

    The later one is approved while the earlier one acts, and once more when it is asked anew; every
    other plan is rejected.
    """

    folder: Path
    names: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    holding: list[str] = field(default_factory=list)  # who held a claim while a person was asked
    _asked: set[str] = field(default_factory=set)
    _sent: bool = False

    def go(self) -> None:
        """Live both to their ends."""
        given = {"state_dir": self.folder, "policy": {"limits": {"per_service": "9/h"}}}
        parts = Overrides(name=self.folder.name, crew=hasty(), mark=self._mark)
        self.house = application(Settings.model_validate(given), parts)
        try:
            asyncio.run(self._live(self.house))
        finally:
            self.house.close()

    @property
    def done(self) -> list[str]:
        """The operations that reached the shop, in order."""
        return [one.id for one in effects(next((self.folder / "shops").iterdir()))]

    def told(self, kind: EventType, name: str) -> list[str]:
        """Return what was said of that kind about one of the two."""
        return [e.message for e in self.events if (e.type, e.incident) == (kind, name)]

    async def _live(self, house: Application) -> None:
        async with house.engine("shop") as engine, asyncio.timeout(100):
            shop = await asyncio.to_thread(house.demo.begin, "traffic-surge", 1, remember=False)
            await engine.receive.handle(shop)
            await asyncio.to_thread(self._double, shop)
            await engine.intake(shop)
            await self._follow(engine)

    def _double(self, shop: EnvironmentRef) -> None:
        with self.house.store.begin() as work:
            (first,) = work.incidents.active_ids(shop)
            incident = work.incidents.get(first)
            assert incident is not None
            second = work.incidents.new_id()
            work.incidents.put(incident.model_copy(update={"id": second}))
        self.names = [first, second]

    async def _follow(self, engine: Engine) -> None:
        over: set[str] = set()
        async for found in engine.feed.follow():
            for event in found:
                self.events.append(event)
                if event.type is PENDING:
                    await asyncio.to_thread(self._ask, event)
                if event.type is EventType.REPORT_WRITTEN:
                    over.add(event.incident)
            if over == set(self.names):
                return

    def _ask(self, event: Event) -> None:
        self._asked.add(event.incident)
        attempts = len(self.told(PENDING, event.incident))
        with self.house.store.read() as view:
            request = view.approvals.latest(event.incident)
            assert request is not None
            claims = [view.ledger.claimed(one.key) for one in request.prepared.targets]
        self.holding += [one.incident for one in claims if one and one.incident == event.incident]
        if attempts > 1:
            self._answer(event.incident, approve=(event.incident, attempts) == (self.names[1], 2))
        elif self._asked == set(self.names):
            self._answer(self.names[0])

    def _answer(self, name: str, *, approve: bool = True) -> None:
        digest = self.house.queries.approval(name).digest
        surface = Surface.COMMAND
        self.house.commands.decide(name, approve=approve, by="alex", surface=surface, plan=digest)

    def _mark(self, point: Point) -> None:
        if point is Point.AFTER_SEND and not self._sent:
            self._sent = True  # the earlier one acts now
            self._answer(self.names[1])


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Twins:
    monkeypatch.setattr(hold, "LOOK_SECONDS", 0.1)
    return Twins(tmp_path)


@pytest.mark.slow
def test_the_later_one_waits_says_for_whom_and_goes_on_behind_the_undo(twins: Twins) -> None:
    twins.go()
    first, second = twins.names
    (held,) = twins.told(EventType.ACTION_HELD, second)
    assert f"{first} is acting on mail-worker: this plan waits until it is done" in held
    assert twins.told(EventType.ACTION_HELD, first) == []
    order = [(e.incident, e.type) for e in twins.events]
    undone = order.index((first, EventType.UNDO_FINISHED))
    assert order.index((second, EventType.ACTION_HELD)) < undone
    assert undone < order.index((second, EventType.APPROVAL_ENDED)), "it was changed, and back"
    acted = [one for one in twins.done if one.startswith((first, second))]
    assert acted == [
        f"{first}.1.1.1",
        f"{first}.1.undo.1.1",
        f"{second}.2.1.1",
        f"{second}.2.undo.1.1",
    ]
    for name in twins.names:
        assert twins.house.queries.incident(name).ended
    assert twins.holding == []  # who waits for a person keeps nobody else waiting


@pytest.mark.slow
def test_two_who_do_not_wait_for_each_other_are_caught(
    twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.CLAIMED_BY.plant(monkeypatch, lambda *_: ())
    twins.go()
    assert twins.told(EventType.ACTION_HELD, twins.names[1]) == []
