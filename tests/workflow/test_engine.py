"""What the engine does around its stories: finds what was left behind, and is rung."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from dbos import DBOS

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import ApprovalError, StoreError, UsageError
from aiops_agent.domain.incident import IncidentId
from aiops_agent.workflow import engine as running
from aiops_agent.workflow.engine import Engine, StalledWorkflowMonitor
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.loops import LoopName
from aiops_agent.workflow.queries import Queries
from tests.safety.plans import an_incident
from tests.workflow.place import Place, an_alert

SHOP, OTHER = EnvironmentRef.parse("shop:a"), EnvironmentRef.parse("shop:b")
DOCKER = EnvironmentRef.parse("docker:local")


@dataclass
class Inboxes:
    """Takes note of whose inbox was handled; `trouble` is raised for one of them."""

    trouble: dict[EnvironmentRef, Exception] = field(default_factory=dict)
    handled: list[EnvironmentRef] = field(default_factory=list)

    async def handle(self, environment: EnvironmentRef, alive: Callable[[], None]) -> None:
        self.handled.append(environment)
        alive()
        if environment in self.trouble:
            raise self.trouble[environment]


@dataclass
class Monitored:
    """Takes note of the incidents that were checked."""

    checked: list[str] = field(default_factory=list)

    async def check(self, unended: Sequence[str]) -> None:
        self.checked += unended


async def nobodys() -> None:
    """Find nothing that another process left."""


def an_engine(place: Place, *environments: EnvironmentRef, **other: Any) -> Engine:
    nothing: Any = None
    parts: dict[str, Any] = {
        "deps": place.deps,
        "gate": Gate(place.deps),
        "adopt": nobodys,
        "queries": Queries(place.store),
        "feed": nothing,
        "story": SimpleNamespace(alive=set()),
        "receive": Inboxes(),
        "busy": nothing,
        "answers": SimpleNamespace(waiting=tuple),
        "notices": (),
        "monitor": Monitored(),
        "environments": environments,
        **other,
    }
    return Engine(**parts)


def put(place: Place, name: str, environment: EnvironmentRef) -> None:
    subject = an_incident().subject.model_copy(update={"environment": environment})
    place.put(an_incident(id=name, environment=environment, subject=subject))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The incidents whose stories were started."""
    found: list[str] = []

    async def start(_self: Engine, incident: str) -> None:
        found.append(incident)

    monkeypatch.setattr(Engine, "start", start)
    return found


async def test_only_shops_that_have_something_are_gone_on_with(
    place: Place, started: list[str]
) -> None:
    """A demo goes on where another one died; what a server serves is the server's."""
    put(place, "INC-0001", OTHER)
    put(place, "INC-0002", DOCKER)
    place.keep(an_alert(), environment=SHOP)
    inboxes = Inboxes()

    await an_engine(place, receive=inboxes)._take_left_behind()

    assert inboxes.handled == [SHOP, OTHER]
    assert started == ["INC-0001"]


async def test_a_server_looks_after_its_own_and_a_demo_after_shops(place: Place) -> None:
    put(place, "INC-0001", SHOP)
    put(place, "INC-0002", DOCKER)

    for environments, ours in (((), ["INC-0001"]), ((DOCKER,), ["INC-0002"])):
        monitor: Any = Monitored()
        await an_engine(place, *environments, monitor=monitor)._check_stalled()
        assert monitor.checked == ours


async def test_a_story_that_lives_is_not_begun_again(place: Place, started: list[str]) -> None:
    put(place, "INC-0001", DOCKER)
    put(place, "INC-0002", DOCKER)
    engine = an_engine(place, DOCKER, story=SimpleNamespace(alive={"INC-0001"}))

    assert await engine.intake(DOCKER) == ("INC-0001", "INC-0002")
    assert started == ["INC-0002"]


async def test_an_environment_without_sources_holds_up_no_other(
    place: Place, started: list[str]
) -> None:
    put(place, "INC-0001", DOCKER)
    inboxes = Inboxes({SHOP: UsageError("shop:a has no sources.")})

    await an_engine(place, SHOP, DOCKER, receive=inboxes)._take_deliveries()

    assert inboxes.handled == [SHOP, DOCKER]
    assert started == ["INC-0001"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (None, ""),
        ("PENDING", ""),
        ("ENQUEUED", ""),
        ("SUCCESS", ""),
        ("ERROR", "ERROR: it broke"),
        ("CANCELLED", "CANCELLED: it broke"),
    ],
)
async def test_only_a_story_that_died_is_called_broken(
    place: Place, monkeypatch: pytest.MonkeyPatch, status: str | None, said: str
) -> None:
    async def known(_name: str) -> Any:
        return status and SimpleNamespace(status=status, error="it broke")

    monkeypatch.setattr(DBOS, "get_workflow_status_async", known)
    place.put(an_incident(id="INC-0001"))

    assert await an_engine(place).broken("INC-0001") == said


@dataclass
class Engines:
    """What the durable engine knows of workflows, and what was asked of it."""

    status: str | None
    resumed: list[str] = field(default_factory=list)

    async def known(self, _name: str) -> Any:
        return self.status and SimpleNamespace(status=self.status, error="it broke")

    async def resume(self, name: str) -> None:
        self.resumed.append(name)


@pytest.mark.parametrize(
    ("status", "resumed", "ended"),
    [
        (None, False, False),
        ("PENDING", True, False),
        ("DELAYED", True, False),
        ("ERROR", False, True),
    ],
)
async def test_what_died_is_resumed_or_ended_after_a_while(
    place: Place, monkeypatch: pytest.MonkeyPatch, status: str | None, resumed: bool, ended: bool
) -> None:
    put(place, "INC-0001", DOCKER)
    durable, clock = Engines(status), [0.0]
    monkeypatch.setattr(DBOS, "get_workflow_status_async", durable.known)
    monkeypatch.setattr(DBOS, "resume_workflow_async", durable.resume)
    story: Any = SimpleNamespace(alive=set())
    monitor = StalledWorkflowMonitor(place.deps, story, lambda: clock[0])

    for clock[0] in (0.0, running.GRACE_SECONDS - 0.1):
        await monitor.check([IncidentId("INC-0001")])
        assert (durable.resumed, place.incidents()[0].ended) == ([], False)
    story.alive.add("INC-0001")
    clock[0] = running.GRACE_SECONDS
    await monitor.check([IncidentId("INC-0001")])  # it came back: it is missed no longer
    story.alive.clear()
    for clock[0] in (running.GRACE_SECONDS + 1, 2 * running.GRACE_SECONDS + 1):
        await monitor.check([IncidentId("INC-0001")])
    clock[0] += 1
    await monitor.check([IncidentId("INC-0001")])  # whatever was done gets its time first

    assert durable.resumed == (["INC-0001"] if resumed else [])
    (incident,) = place.incidents()
    assert incident.ended is incident.closed is ended
    assert ("it broke" in incident.note) is ended


@dataclass
class Files:
    """Answers that lie there as files; `why` is why the next one cannot be taken."""

    lie: set[str] = field(default_factory=set)
    why: str = ""

    def waiting(self) -> list[str]:
        return sorted(self.lie)

    def take(self, _request: str, _at: object) -> None:
        if self.why:
            raise ApprovalError(self.why)


async def test_a_file_that_cannot_be_taken_away_is_recorded_once_for_each_reason(
    place: Place,
) -> None:
    files, refused = Files({"INC-0001.1"}), list[str]()
    gate = SimpleNamespace(
        deps=place.deps,
        refuse=lambda _name, why: refused.append(why),
        answer=lambda *_: pytest.fail("there is no answer"),
    )
    engine = an_engine(place, answers=files, gate=gate)
    await engine._take_answers()  # it went away meanwhile
    for files.why in ("It is a folder.", "It is a folder.", "It is too long.", "It is a folder."):
        await engine._take_answers()
    assert refused == ["It is a folder.", "It is too long.", "It is a folder."]

    for _ in range(2):
        engine._take_answer("INC-0001.2")
    assert refused[3:] == ["It is a folder."] * 2, "each was taken away: they are two files"


async def turned(engine: Engine, reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110 -- a test that looks from outside
            await asyncio.sleep(0.001)


async def test_a_ring_wakes_the_inbox_at_once_and_only_of_a_server(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SLOW_POLL_SECONDS", 3600)
    inboxes = Inboxes()
    engine = an_engine(place, DOCKER, receive=inboxes)
    engine.ring()  # before it runs: nobody is there, and nothing breaks
    engine.begin_door()
    engine.begin_loops()
    try:
        assert {loop.name for loop in engine.loops} == {
            LoopName.ANSWERS,
            LoopName.STORIES,
            LoopName.INBOX,
        }
        await turned(engine, lambda: len(inboxes.handled) == 1)
        await asyncio.to_thread(engine.ring)
        await turned(engine, lambda: len(inboxes.handled) == 2)
        assert not engine._rang.is_set(), "or it would look without a pause"
    finally:
        engine.busy = SimpleNamespace(idle=asyncio.Event())  # type: ignore[assignment] # of it only that
        engine.busy.idle.set()
        await engine.end()
    assert list(engine.loops) == []
    assert all(task.done() for task in engine._loops), "what still runs would use a closed store"


async def test_a_ring_is_for_nobody_where_no_inbox_is_read_all_the_time(place: Place) -> None:
    engine = an_engine(place)
    engine.begin_door()
    engine.ring()
    await asyncio.sleep(0)
    await engine.end(lost=True)
    assert not engine._rang.is_set(), "nobody would clear it"


@pytest.mark.parametrize(
    ("leads", "lost", "waits", "traces"),
    [
        (True, False, True, ["sent"]),
        (True, True, False, []),  # another process goes on with it
        (False, False, True, []),  # a stand-by
    ],
)
async def test_at_the_end_everything_stops_first_and_only_an_own_send_is_waited_for(
    place: Place, leads: bool, lost: bool, waits: bool, traces: list[str]
) -> None:
    told, sent = list[str](), list[str]()

    async def dawdles(well: Callable[[], None] = lambda: None) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(20):  # turns of the event loop until it has ended
                await asyncio.sleep(0)
            told.append("stopped")

    async def waited() -> None:
        told.append("waited")

    async def catch_up() -> None:
        sent.append("sent")

    notices = SimpleNamespace(notifier=SimpleNamespace(name="webhook"), run=dawdles)
    exports = SimpleNamespace(run=dawdles, catch_up=catch_up)
    busy = SimpleNamespace(idle=SimpleNamespace(wait=waited))
    engine = an_engine(place, DOCKER, notices=[notices], traces=exports, busy=busy)
    engine.begin_door()
    if leads:
        engine.begin_loops()
    await asyncio.sleep(0)
    await engine.end(lost=lost)

    assert told == ["stopped"] * 2 * leads + ["waited"] * waits
    assert sent == traces
    assert list(engine.loops) == []


async def test_each_loop_is_begun_that_has_something_to_do(place: Place) -> None:
    told: list[str] = []

    def subscriber(name: str) -> Any:
        async def run(well: Callable[[], None] = lambda: None) -> None:
            well()
            told.append(name)
            await asyncio.Event().wait()

        return run

    notices = SimpleNamespace(notifier=SimpleNamespace(name="webhook"), run=subscriber("notices"))

    async def looked() -> None:
        told.append("alarm")

    last: list[str] = []

    async def catch_up() -> None:
        last.append("traces")

    traces = SimpleNamespace(run=subscriber("traces"), catch_up=catch_up)
    engine = an_engine(place, notices=[notices], traces=traces, alarm=SimpleNamespace(look=looked))
    engine.kept = [("prod", subscriber("platform"))]
    engine.busy = SimpleNamespace(idle=asyncio.Event())  # type: ignore[assignment] # of it only that
    engine.busy.idle.set()
    engine.begin_loops()
    await turned(engine, lambda: len(told) >= 4)
    names = {(loop.name, loop.about) for loop in engine.loops}
    await engine.end()

    assert set(told) == {"notices", "platform", "traces", "alarm"}
    assert names >= {
        (LoopName.PLATFORM, "prod"),
        (LoopName.NOTICES, "webhook"),
        (LoopName.TRACES, ""),
        (LoopName.ALARM, ""),
        (LoopName.LEFT_BEHIND, ""),
    }
    assert last == ["traces"]


async def test_what_was_left_behind_is_gone_on_with_once_and_tried_until_it_went_well(
    place: Place, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later alerts of a shop are the business of the demo that sends them."""
    monkeypatch.setattr(running, "SLOW_POLL_SECONDS", 0.0)
    put(place, "INC-0001", SHOP)
    inboxes, tries = Inboxes(), list[int]()

    def unfinished(engine: Engine) -> list[EnvironmentRef]:
        tries.append(1)
        if len(tries) < 3:
            raise StoreError("The store is locked.")
        return whole(engine)

    whole = Engine._unfinished_shops
    monkeypatch.setattr(Engine, "_unfinished_shops", unfinished)
    engine = an_engine(place, receive=inboxes)
    engine.busy = SimpleNamespace(idle=asyncio.Event())  # type: ignore[assignment] # of it only that
    engine.busy.idle.set()
    engine.begin_loops()
    (left,) = (task for task, loop in engine._loops.items() if loop.name is LoopName.LEFT_BEHIND)
    await turned(engine, left.done)
    await engine.end()

    assert (len(tries), inboxes.handled, started) == (3, [SHOP], ["INC-0001"])
