"""One incident of the shop with a provider that behaves in a given way, and what became of it."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from aiops_agent.adapters.models.reasoner import Models, Outside
from aiops_agent.adapters.models.section import Lineup, ModelSettings
from aiops_agent.adapters.models.sender import Timing
from aiops_agent.adapters.sql.calls import SqlCallLog
from aiops_agent.agents.asking import Desk
from aiops_agent.agents.crew import with_models, without_llm
from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.approval import ApprovalState, Ruling, Surface
from aiops_agent.domain.incident import Ending, Incident
from aiops_agent.domain.model import Budget
from aiops_agent.domain.payload import EventType
from aiops_agent.ports.model import Asking, ModelQuestion, Reasoner
from aiops_agent.settings.sections import Settings
from aiops_agent.simulator.journal import effects
from aiops_agent.simulator.provider.behaviours import BEHAVIOURS, Behaviour, Sent, right, wrong
from aiops_agent.simulator.provider.server import KEY, MODELS, ScriptedProvider
from aiops_agent.simulator.provider.wire import Asked
from aiops_agent.simulator.scenarios import SCENARIOS
from aiops_agent.workflow.engine import Engine

T = TypeVar("T")
BUDGET = Budget(tokens=60_000, usd=1.0, seconds=120.0, requests=20)
TIMEOUT, SHORT = 10.0, 0.3  # seconds for one request; short where every answer is slow anyway
LONGEST = 300.0  # seconds of wall time for one incident, on the busiest machine; then it hangs
SLOW = "slow-body"
WIRES = ("gemini", "openai")
SECONDS = ("same", "sensible", "none")  # the fallback model: as bad, good, or not there
TRUTH = {
    "surge": "capacity",
    "hang": "hang",
    "slow_release": "release",
    "leak": "leak",
    "pool_cut": "config",
    "slow_query": "release",
    "outage": "dependency",
    "cold_cache": "cold_cache",
    "nothing": "not known",
}
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Treated:
    """What is done to whom."""

    behaviour: str
    scenario: str
    wire: str = "gemini"
    second: str = "same"

    def behave(self) -> Behaviour:
        """Return how the provider answers both models."""
        fault = SCENARIOS[self.scenario].fault_of(1)
        truth = (TRUTH[fault.kind], fault.service)
        known = {**BEHAVIOURS, "right": right(truth), "wrong": wrong(truth)}
        first = known[self.behaviour]
        second = first if self.second == "same" else known["sensible"]

        def behaves(asked: Asked) -> Sent:
            return first(asked) if asked.model == MODELS[0] else second(asked)

        return behaves

    def section(self, provider: ScriptedProvider) -> ModelSettings:
        """Return the models of this run."""
        names = [f"{self.wire}:{name}" for name in MODELS]
        return ModelSettings.model_validate(
            {
                "default": names[0],
                "fallback": names[0] if self.second == "none" else names[1],
                "base_url": provider.gemini if self.wire == "gemini" else provider.openai,
                "api_key": KEY,
                "timeout": SHORT if self.behaviour == SLOW else TIMEOUT,
                "budget": BUDGET,
            }
        )


@dataclass
class Later:
    """ports.model.Reasoner that is built after the application whose store it writes to."""

    inner: Reasoner | None = None

    async def ask(self, question: ModelQuestion[T], asking: Asking) -> Answer[T]:
        """Pass the question on."""
        assert self.inner is not None
        return await self.inner.ask(question, asking)


@dataclass
class VirtualTime:
    """Wall time that waiting moves on without waiting."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        """Return the time that the models see."""
        return datetime.now(UTC) + self.ahead

    async def sleep(self, seconds: float) -> None:
        """Be there at once."""
        self.ahead += timedelta(seconds=seconds)


@dataclass
class Lived:
    """What one incident left behind."""

    incident: Incident | None = None  # None: it did not end in time
    reported: bool = False
    asked: int = 0  # requests that the provider counted
    recorded: int = 0  # requests on record
    tokens: int = 0
    unapproved: list[str] = field(default_factory=list)  # operations nobody said yes to
    approvals: int = 0
    rulings: tuple[Ruling, ...] = ()
    broken: list[str] = field(default_factory=list)  # defects of the provider itself

    @property
    def fixed(self) -> bool:
        """Whether telemetry says that an action helped."""
        return self.incident is not None and self.incident.ending is Ending.FIXED


def live(treated: Treated | None, scenario: str, folder: Path) -> Lived:
    """Live one incident to its end, everything approved; without a treatment, without a model."""
    if treated is None:
        return live_with(None, scenario, folder)
    with ScriptedProvider(treated.behave()) as provider:
        lived = live_with(treated.section(provider), scenario, folder)
        lived.asked = provider.requests
        lived.broken = [repr(one) for one in provider.broken if not isinstance(one, OSError)]
        return lived


def live_with(
    section: ModelSettings | None, scenario: str, folder: Path, longest: float = LONGEST
) -> Lived:
    """Live one incident with these models, or with none."""
    later, time = Later(), VirtualTime()
    crew = with_models(Desk(later)) if section else without_llm()
    name = f"treated-{next(_NUMBERS)}"
    built = application(Settings(state_dir=folder), Overrides(crew=crew, name=name))
    if section is not None:
        outside = Outside(SqlCallLog(built.store), Timing(time.now, sleep=time.sleep))
        later.inner = Models(Lineup(section, {}), outside)
    try:
        return asyncio.run(_lived(built, scenario, longest))
    finally:
        built.close()


async def _lived(built: Application, scenario: str, longest: float) -> Lived:
    lived = Lived()
    async with built.engine("shop") as engine:
        shop = await asyncio.to_thread(built.demo.begin, scenario, 1, remember=True)
        [incident] = await engine.intake(shop)
        try:
            await asyncio.wait_for(_told(built, engine, incident), longest)
        except TimeoutError:
            return lived
        _look_back(built, incident, lived)
    return lived


async def _told(built: Application, engine: Engine, incident: str) -> None:
    async for event in engine.follow(incident):
        if event.type is EventType.APPROVAL_PENDING:
            request = await asyncio.to_thread(built.queries.approval, incident)
            built.commands.decide(
                request.id, approve=True, by="bench", surface=Surface.FLAG, plan=request.digest
            )


def _look_back(built: Application, incident: str, lived: Lived) -> None:
    lived.incident = found = built.queries.incident(incident)
    lived.rulings = tuple(a.verdict.ruling for a in found.attempts if a.verdict)
    with built.store.read() as view:
        lived.reported = view.archive.postmortem(found.id) is not None
        spent = view.calls.spent(incident=incident)
        used = [r for r in view.approvals.listed() if r.state is ApprovalState.USED]
        full = [view.approvals.get(one.id) for one in used]
        lived.approvals = len(used)
        lived.asked = lived.recorded = spent.requests
        lived.tokens = spent.tokens
    yes = {one.prepared.digest for one in full if one and one.decision and one.decision.approve}
    with built.store.begin() as work:
        allowed = {
            intent.operation
            for digest in yes
            for undo in (False, True)
            for intent in work.ledger.of_plan(found.id, digest, undo=undo)
        }
    shops = built.demo.folder / found.environment.name
    lived.unapproved = [one.id for one in effects(shops) if one.id not in allowed]


def flaws(lived: Lived, alone: Lived, budget: Budget = BUDGET) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a run: the promise that was broken, and how."""
    if lived.incident is None or not lived.incident.ended or not lived.reported:
        yield "ended", "no end with a report"
        return
    if lived.asked > budget.requests or lived.tokens > budget.tokens:
        yield "limits", f"{lived.asked} requests, {lived.tokens} tokens"
    if lived.recorded < lived.asked:  # one that was given up may not have reached the provider
        yield "recorded", f"{lived.recorded} requests on record, {lived.asked} were made"
    if lived.unapproved:
        yield "approved", f"nobody approved {lived.unapproved}"
    if alone.fixed and not lived.fixed:
        yield "worse", f"ended as {lived.incident.ending}: {lived.incident.note}"
    yield from (("loosened", words) for words in _loosened(lived, alone))
    yield from (("provider", words) for words in lived.broken)


def _loosened(lived: Lived, alone: Lived) -> Iterator[str]:
    """Compare with the engine alone: nobody may need a person less, or be told less."""
    one, other = lived.incident, alone.incident
    assert one is not None
    assert other is not None
    order = [Ruling.ALLOW, Ruling.ASK, Ruling.DENY]
    for number, (now, then) in enumerate(zip(lived.rulings, alone.rulings, strict=False), 1):
        if order.index(now) < order.index(then):
            yield f"verdict {number} is {now}, was {then}"
    if one.severity != other.severity and str(one.severity) > str(other.severity):
        yield f"severity {one.severity}, was {other.severity}"
    if one.ending is Ending.DISMISSED and other.ending is not Ending.DISMISSED:
        yield "dismissed"
    if one.ending is other.ending and one.recovery != other.recovery:
        yield f"recovery {one.recovery}, was {other.recovery}"
