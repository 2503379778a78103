"""Everything that a process needs, built once from its settings."""

# limit: the one place where everything is joined; a second one would have to know the first.

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy import Engine as Database

from aiops_agent.adapters.approval_file import ApprovalFiles
from aiops_agent.adapters.models.opening import Wiring, reasoning
from aiops_agent.adapters.otel.sink import sink
from aiops_agent.adapters.sql.calls import SqlCallLog
from aiops_agent.adapters.sql.engine import our_errors
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.adapters.sql.upkeep import look_through
from aiops_agent.agents.asking import Desk
from aiops_agent.agents.crew import Crew, without_llm
from aiops_agent.bootstrap.arenas import few_arenas
from aiops_agent.bootstrap.casebook import casebook, remembering
from aiops_agent.bootstrap.controls import sending_checkups, waiting_checkups
from aiops_agent.bootstrap.copying import memory_checkups
from aiops_agent.bootstrap.demo import Demo
from aiops_agent.bootstrap.desk import desk_of, own_pages
from aiops_agent.bootstrap.environments import OpenEnvironments, checked
from aiops_agent.bootstrap.executing import executing, executor_of
from aiops_agent.bootstrap.leadership import Leadership
from aiops_agent.bootstrap.proof import unproven
from aiops_agent.bootstrap.records import Records, wall_time
from aiops_agent.bootstrap.terms import terms_of
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SettingsError, SourceError
from aiops_agent.domain.point import Mark, unmarked
from aiops_agent.domain.routing import Claim, Routes
from aiops_agent.domain.survey import ServiceSurvey
from aiops_agent.domain.value import Value, build_all
from aiops_agent.domain.watch import WatchMode
from aiops_agent.ports.model import Around, Reasoner
from aiops_agent.ports.people import Notifier
from aiops_agent.ports.plug import AnyChannel
from aiops_agent.ports.store import Store
from aiops_agent.safety.execute import Executor
from aiops_agent.settings.runbooks import Shelf, read_runbooks
from aiops_agent.settings.sections import Settings
from aiops_agent.simulator.scenarios import SCENARIOS, Scenario
from aiops_agent.workflow.alarm import TroubleAlarm
from aiops_agent.workflow.commands import Commands
from aiops_agent.workflow.copying import CopyUpkeep
from aiops_agent.workflow.deps import Deps
from aiops_agent.workflow.dispatch import Dispatch
from aiops_agent.workflow.durable import Durable
from aiops_agent.workflow.engine import Engine, StalledWorkflowMonitor
from aiops_agent.workflow.execution import Execution
from aiops_agent.workflow.executor_steps import Busy, ExecutorSteps
from aiops_agent.workflow.feed import Feed
from aiops_agent.workflow.gate import Gate
from aiops_agent.workflow.inquiries import Inquiries
from aiops_agent.workflow.intake import Intake
from aiops_agent.workflow.lease import FencedNotifier, FencedStore, Tenure
from aiops_agent.workflow.loops import Loops
from aiops_agent.workflow.notices import Notices
from aiops_agent.workflow.pruning import Pruning
from aiops_agent.workflow.ready import Readiness
from aiops_agent.workflow.receive import Receive
from aiops_agent.workflow.regroup import Regroup
from aiops_agent.workflow.releases import ReleaseWatch
from aiops_agent.workflow.resolve import ResolveIncident
from aiops_agent.workflow.signals import SignalWatch
from aiops_agent.workflow.traces import Traces
from aiops_agent.workflow.watching import AlertWatch

log = logging.getLogger(__name__)

STORY = "aiops"  # waiting incidents are found again by this name: never change it


@dataclass(frozen=True)
class Overrides:
    """What a test may put in place of what the application would build."""

    crew: Crew | None = None
    executor: Callable[[Executor], Executor] = lambda executor: executor
    now: Callable[[], datetime] = wall_time
    mark: Mark = unmarked
    name: str = STORY
    reasoner: Reasoner | None = None  # asked about every environment
    around: Around | None = None


class Application:  # limit: joins everything, and opens and closes it in one order
    """The built application. Reading and answering need no engine; stories do."""

    _running: Engine | None = None

    def __init__(  # limit: joins every part, once
        self, settings: Settings, overrides: Overrides, records: Records, *, executes: bool
    ) -> None:
        self._settings, self._overrides, self.records = settings, overrides, records
        self._database: Database = records.database
        self._durable = Durable(self._database)
        store = SqlStore(self._database, self._durable.wake, own_clock=records.own_clock)
        self.redactor = records.redactor
        self.clean = self.redactor.clean
        sends = executes or not settings.executor.separate
        self.places = OpenEnvironments(settings, self.redactor, store, sends=sends)
        wiring = Wiring(SqlCallLog(store), overrides.now, overrides.around, self.redactor)
        self.reasoning = reasoning(settings.models, settings.keys, wiring)
        self._shelf, self._pages = _shelf(settings), own_pages(settings)
        self.memory = remembering(settings, records, store)
        self._deps = self._built(store)
        self.store, self.queries = store, records.queries
        self.loops = Loops()
        self.feed = Feed(self.queries, self.loops)
        self.lead = lead = Leadership.on(settings.store.url, records, self.loops)
        self.readiness = Readiness(store, self.loops, lambda: lead.opened, lambda: lead.words)
        self.inquiries = Inquiries(self._deps)
        self.commands = Commands(
            store=store,
            now=overrides.now,
            answer=Gate(self._deps).answer,
            stop=Gate(self._deps).take_over,
            remark=Gate(self._deps).note,
            again=Gate(self._deps).reopen,
            apart=Regroup(self._deps).split,
            together=Regroup(self._deps).merge,
        )
        claims = (Claim(environment=o.ref, labels=dict(o.labels)) for o in settings.resolved)
        self.intake = Intake(
            store=store,
            routes=Routes(tuple(claims)),
            decoders=settings.registry.decoders,
            now=overrides.now,
            heard=self._heard,
            mark=overrides.mark,
            redactor=self.redactor,
        )
        self.demo = Demo(settings.state_dir / "shops", self.places, self.intake, self.memory)

    @property
    def scenarios(self) -> Sequence[Scenario]:
        """The ways to break the shop; the first is the default."""
        return tuple(SCENARIOS.values())

    def reasoner(self, environment: EnvironmentRef) -> Reasoner | None:
        """Return the language models that may be asked about an environment, or None."""
        return self._overrides.reasoner or self.reasoning.of(environment)

    @asynccontextmanager
    async def engine(self, role: str, *, stand_by: bool = False) -> AsyncIterator[Engine]:
        """Open the engine as "shop" (simulated environments) or "serve" (the configured one).

        Raises BusyError when another process runs that role on this store. With `stand_by`, where
        the store is a server's, it waits inside until that one is gone. Raises LeaseLost, and what
        is under way inside is cancelled, when another process took over.
        """
        # Told when work begins: who answers or looks is held up by none.
        if flaws := (*self._shelf.flaws, *self._pages.flaws):
            raise SettingsError("\n".join(flaws))
        few_arenas()
        with self.lead.alone(role):
            leading = self.lead.begin(role)
            engine = self._engine(leading.tenure)
            await self._prepare()
            engine.begin_door()

            async def lead() -> None:
                with our_errors():
                    self._durable.launch(role, leading.tenure.owner)
                self._running = engine
                engine.begin_loops()

            try:
                async with leading.led(lead, stand_by=stand_by):
                    yield engine
            finally:
                self._running = None
                await engine.end(lost=bool(leading.tenure.gone))
                await self.reasoning.close()
                await asyncio.to_thread(self._close)

    def execution(self) -> AbstractAsyncContextManager[Execution]:
        """Open what takes armed rows and sends them; raises as `bootstrap.executing` says."""
        return executing(self._settings, self.places, self.lead, self.store, self._built)

    def _close(self) -> None:
        self._durable.close()  # the loop's threads end with it
        self.lead.end()

    async def survey(self) -> Sequence[ServiceSurvey]:
        """Return what can be seen of each service; raises SourceError when nothing can be."""
        found: list[ServiceSurvey] = []
        away: list[SourceError] = []
        for place in self.places.configured:
            try:
                found += await place.survey()
            except SourceError as error:  # the other environments are shown all the same
                log.warning("environment not seen", extra={"why": str(error)})
                away.append(error)
        if away and not found:
            raise away[0]
        return found

    async def doctor(self) -> Sequence[Checkup]:
        """Look at the store and at everything that is configured."""
        refused = await asyncio.to_thread(self.readiness.refused)
        health = Health.PROBLEM if refused else Health.OK
        address = self._database.url.render_as_string(hide_password=True)
        words = f"{address}: {refused or 'ready'}"
        store = Checkup(group="core", name="store", health=health, words=words)
        look = partial(sending_checkups, self.queries, self._overrides.now())
        models = (*await asyncio.to_thread(look), *await self.reasoning.doctor())
        found = [one for place in self.places.configured for one in await place.doctor()]
        for channel, section in self._channels():
            found.append(await checked("notify", channel.name, _channel_check, channel, section))
        if (where := sink(self._settings.telemetry)) is not None:
            found.append(await where.check())
        if not refused:
            found += await asyncio.to_thread(memory_checkups, self.memory)
        look = partial(waiting_checkups, self._settings, self.queries, self._overrides.now())
        waiting = () if refused else await asyncio.to_thread(look)
        alone = () if refused else await asyncio.to_thread(self.unproven)
        return (store, *waiting, *models, *found, *alone)

    def unproven(self) -> Sequence[Checkup]:
        """Say which actions may be done without a person although nothing stands behind them."""
        return unproven(self._settings, self.queries)

    def close(self) -> None:
        """Give the database back, and connections."""
        if self.memory.copy is not None:
            self.memory.copy.server.close()
        self.records.close()
        self.lead.close()

    async def _prepare(self) -> None:
        await asyncio.to_thread(self._settings.state_dir.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(build_all)
        if not await asyncio.to_thread(look_through, self._database):
            log.warning("the store is too large to be looked through at a start")
        if not gc.get_freeze_count():
            gc.freeze()  # what is loaded by now stays; to look through it again costs 70 ms

    def _built(self, store: Store, *, apart: bool = False) -> Deps:
        overrides, places = self._overrides, self.places
        executor = executor_of(
            self._settings, places, self.records, store, now=overrides.now, apart=apart
        )
        return Deps(
            store=store,
            environments=places.environment,
            executor=overrides.executor(replace(executor, mark=overrides.mark)),
            memory=replace(self.memory, store=store),
            crew=overrides.crew or without_llm(),
            rules=self._settings.registry.rules,
            now=overrides.now,
            terms=terms_of(self._settings),
            mark=overrides.mark,
            runbooks=self._shelf.runbooks,
            clean=lambda text: self.clean(text).text,
            desk=self._desk,
        )

    def _desk(self, environment: EnvironmentRef) -> Desk | None:
        reasoner = None if self._overrides.crew else self.reasoner(environment)
        return desk_of(reasoner, self._pages) if reasoner else None

    def _heard(self) -> None:
        if self._running is not None:
            self._running.ring()

    def _engine(self, tenure: Tenure) -> Engine:
        busy, serving = Busy(), tenure.name == "serve"
        store = FencedStore(self.store, tenure)
        deps = self._built(store, apart=serving and self._settings.executor.separate)
        refs = tuple(one.ref for one in self._settings.resolved if serving)
        notifiers = tuple(self._notifiers()) if refs else ()
        to = partial(Dispatch, deps, environments=frozenset(refs))
        fenced = [FencedNotifier(one, tenure) for one in notifiers]
        now, keep = self._overrides.now, self._settings.store.keep
        story = ResolveIncident(self._overrides.name, deps, ExecutorSteps(deps, busy))
        return Engine(
            deps=deps,
            gate=Gate(self._deps),
            queries=self.queries,
            feed=self.feed,
            story=story,
            monitor=StalledWorkflowMonitor(deps, story, time.monotonic),
            receive=Receive(deps),
            busy=busy,
            answers=ApprovalFiles(self._settings.state_dir / "approvals"),
            notices=[Notices(to(one.name), self.feed, one) for one in fenced],
            loops=self.loops,
            alarm=TroubleAlarm(self.loops, notifiers, refs[0], now) if notifiers else None,
            traces=self._traces(store, serving=serving),
            watches=tuple(self._watches(deps)) if refs else (),
            kept=self.places.kept if refs else (),
            releases=tuple(ReleaseWatch(deps, one) for one in refs),
            pruning=Pruning(deps, keep.checkpoints, keep.bodies, keep.events, self._compact(store)),
            copying=CopyUpkeep(self.memory.keep_up) if self.memory.kept_up else None,
            environments=refs,
        )

    def _compact(self, store: Store) -> Callable[[], object]:
        book = casebook(self.records, self._settings, store)
        return partial(book.compact, self._settings.memory.keep.limits())

    def _watches(self, deps: Deps) -> Iterator[AlertWatch | SignalWatch]:
        for place in self.places.configured:
            one = place.configured
            if place.senders:
                yield AlertWatch(deps, self.intake, one.ref, place.senders)
            mode, platform = one.watch.mode(one.ref), one.watch.kubernetes
            if one.sources.any and {mode, platform} != {WatchMode.NONE}:
                yield SignalWatch(deps, one.ref, mode, self._heard, platform)

    def _traces(self, store: Store, *, serving: bool) -> Traces | None:
        where = sink(self._settings.telemetry)
        return Traces(store, self.feed, where, not serving) if where else None

    def _notifiers(self) -> Iterator[Notifier]:
        for channel, section in self._channels():
            try:
                yield channel.open(section)
            except Exception:  # border: a channel's own defect silences no other channel
                log.exception("notifier cannot be opened", extra={"channel": channel.name})

    def _channels(self) -> Iterator[tuple[AnyChannel, Value]]:
        for channel in self._settings.registry.notifiers:
            if (section := self._settings.notify.section(channel.name)) is not None:
                yield channel, section


def application(
    settings: Settings,
    overrides: Overrides | None = None,
    records: Records | None = None,
    *,
    executes: bool = False,
) -> Application:
    """Build the application; raises StoreError or SettingsError when a part cannot be used.

    With `executes` it may send where `executor.separate` lets nobody else.
    """
    overrides = overrides or Overrides()
    opened = records or Records(settings, overrides.now)
    return Application(settings, overrides, opened, executes=executes)


def _shelf(settings: Settings) -> Shelf:
    folder = settings.runbooks.folder
    actions = [str(spec.kind) for spec in settings.registry.actions]
    return read_runbooks(folder, actions) if folder else Shelf()


async def _channel_check(channel: AnyChannel, section: Value) -> Checkup:
    channel.open(section)  # one that cannot be opened is a failed check
    return await channel.check(section)
