"""One broken shop seen in many ways: what triage, diagnosis and plan make of it, look by look.

The shop is lived through once; every condition looks at it through telemetry of its own, as often
and as long as the workflow would. Nothing is sent, so none sees what another one did.
"""

# limit: one shop, from its faults to the judged run

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random

from aiops_agent.agents.briefing import UNSEEN_LOOKS, UNSURE_LOOKS, Briefing, Pace
from aiops_agent.agents.diagnose import diagnose
from aiops_agent.agents.plan import plan
from aiops_agent.agents.strange import triage_or_leave
from aiops_agent.domain.alert import Alert, AlertList, IncidentAlert
from aiops_agent.domain.diagnosis import CauseKind, Confidence, Diagnosis, Triage, TriageVerdict
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.remediation import Plan, PlanKind, Target
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.evaluation.degrade import Loss, degraded
from aiops_agent.ports.memory import Memory
from aiops_agent.ports.telemetry import Environment
from aiops_agent.registry import CATALOGUE
from aiops_agent.simulator.alarms import GROUPING, HELD, PROMISES, Alarm, alarms, alert
from aiops_agent.simulator.faults import Fault, FaultKind
from aiops_agent.simulator.history import TICK
from aiops_agent.simulator.journal import Created, Journal, Line
from aiops_agent.simulator.physics import Deed
from aiops_agent.simulator.plug import PATIENCE, environment_of
from aiops_agent.simulator.replay import Shop, lived
from aiops_agent.simulator.scenarios import SCENARIOS, find_scenario
from tests.reasoning.world import Remembered

PACE = Pace()
MENU = CATALOGUE.offers("shop", CATALOGUE.kinds, {})
LATE = 5 * TICK  # seconds: five samples
TWO_WITHIN = 60.0  # seconds between two faults at once, either first
NO_CURE = (FaultKind.NOTHING, FaultKind.OUTAGE, FaultKind.COLD_CACHE)  # whatever is done is harm


@dataclass(frozen=True)
class Condition:
    """How the shop is seen; `late` is the seconds by which its alert comes too late."""

    name: str
    lost: tuple[Loss, ...] = ()
    late: float = 0.0
    two: bool = False  # a second fault strikes at about the same time


_TOGETHER = (
    Loss.DROPPED, Loss.LOUD, Loss.CLOCKS, Loss.NEIGHBOUR, Loss.SATURATION, Loss.GRAPH,
)  # fmt: skip
PLAIN = Condition("plain")
DEGRADED = (
    Condition("30 % of samples dropped", (Loss.DROPPED,)),
    Condition("noise x 3", (Loss.LOUD,)),
    Condition("alert 5 samples late", late=LATE),
    Condition("no saturation", (Loss.SATURATION,)),
    Condition("clocks ± 30 s", (Loss.CLOCKS,)),
    Condition("noisy neighbour", (Loss.NEIGHBOUR,)),
)
TWO = Condition("two faults", two=True)
NO_GRAPH = Condition("no graph", (Loss.GRAPH,))
TOGETHER = Condition("everything together", _TOGETHER, LATE)
CONDITIONS = (PLAIN, *DEGRADED, TWO, NO_GRAPH, TOGETHER)
HEALTHY = (PLAIN, *DEGRADED, NO_GRAPH)


@dataclass(frozen=True)
class Run:
    """How one shop in one condition came out; the truths are services as the outside sees them."""

    scenario: str
    seed: int
    condition: str
    verdict: str  # of triage
    named: str  # the service on top, "" when none is named
    kind: str
    confidence: str
    plan: str  # the kind of plan
    right: bool
    both: bool  # of two faults: both among the first two
    curable: bool  # something could be done
    harmful: bool  # the plan changes what is not to blame

    @property
    def high(self) -> bool:
        """Whether it was believed with HIGH."""
        return self.confidence == Confidence.HIGH

    @property
    def planned(self) -> bool:
        """Whether a plan was made that people could approve, or wait for."""
        return self.plan in (PlanKind.ACT, PlanKind.WATCH)


@dataclass
class PaperJournal(Journal):
    """A journal of a shop that nobody else opens, which no file keeps."""

    def refresh(self) -> None:
        """There is nobody else to write."""

    def append(self, decide: object) -> Line | None:
        """Keep the line that `decide` returns."""
        assert callable(decide)
        line: Line | None = decide()
        self.lines += [line] if line is not None else []
        return line


def shop_of(scenario: str, seed: int, besides: tuple[Deed, ...] = ()) -> Shop:
    """Found a shop in memory."""
    created = Created(seed, scenario, {}, find_scenario(scenario).start.isoformat())
    return lived(PaperJournal(Path("bench"), [created]), besides)


def second_fault(first: Fault, seed: int, shows: float) -> Fault:
    """Draw another fault for another service that strikes at about when `first` shows."""
    dice = Random(f"{seed}/second/{first.kind}")
    slow = (FaultKind.NOTHING, FaultKind.LEAK)  # nothing shows; it shows half an hour later
    kinds = [one for one in SCENARIOS.values() if one.fault not in slow]
    found = (dice.choice(kinds).fault_of(dice.randrange(10**6)) for _ in count())
    other = next(one for one in found if one.service != first.service)
    moved = 5.0 * round((shows + dice.uniform(-TWO_WITHIN, TWO_WITHIN) - other.at) / 5.0)
    return replace(
        other,
        at=other.at + moved,
        deeds=tuple(replace(deed, at=deed.at + moved) for deed in other.deeds),
    )


@dataclass
class Story:
    """One incident in one condition: triage until it is clear, diagnosis until it is sure, a plan.

    The rhythm is that of the workflow (`Looks`), without its store.
    """

    condition: Condition
    environment: Environment
    incident: Incident
    alerts: AlertList
    due: float  # seconds since the shop began
    looks: int = 0
    first: float | None = None
    triage: Triage | None = None
    diagnosis: Diagnosis | None = None
    plan: Plan | None = None
    over: bool = False
    memory: Memory = field(default_factory=Remembered)

    async def look(self) -> None:
        """Look once; afterwards it is over, or due again."""
        if self.diagnosis is None and not await self._triaged():
            return
        while not self.over:  # the same look, until one must wait
            found = await diagnose(self.briefing)
            self.diagnosis, self.looks = found, self.looks + 1
            if found.confidence is not Confidence.LOW or self.looks > UNSURE_LOOKS:
                self.plan, self.over = await plan(self.briefing, found), True
            else:
                self.due += PACE.look.total_seconds()
                return

    async def _triaged(self) -> bool:
        seen = await triage_or_leave(self.briefing)
        self.looks += 1
        self.triage = seen
        self.incident = self.incident.model_copy(update={"triage": seen})
        self.first = self.due if self.first is None else self.first
        waited = self.due - self.first
        settled = seen.verdict is TriageVerdict.CONTRADICTED and waited >= (
            PACE.within.total_seconds()
        )
        unseen = seen.verdict is TriageVerdict.UNSEEN and self.looks >= UNSEEN_LOOKS
        if seen.not_mine is not None or settled:
            self.over = True
        elif seen.verdict is TriageVerdict.CONFIRMED or unseen:
            self.looks = 0
            return True
        else:
            self.due += PACE.look.total_seconds()
        return False

    @property
    def briefing(self) -> Briefing:
        """What the agents are given now."""
        now = self.environment.clock.now()
        return Briefing(self.incident, self.environment, self.memory, now, MENU, PACE, self.alerts)


def story(shop: Shop, condition: Condition, told: Sequence[Alarm], at: float, seed: int) -> Story:
    """Begin an incident from alarms that are sent at `at` seconds, first ones first."""
    ready = at + condition.late
    heard = [alert(replace(one, at=one.at + condition.late), shop.time, shop.shown, ready)
             for one in told]  # fmt: skip
    first, ref = heard[0], environment_of(shop).ref
    service = ServiceName(first.labels["service"])
    began, opened = first.starts_at or shop.time(ready), shop.time(ready)
    incident = Incident(
        id=IncidentId("INC-0001"),
        environment=ref,
        title=first.summary,
        subject=Target(environment=ref, name=service),
        alert_names=tuple(dict.fromkeys(one.name for one in heard)),
        summary=first.summary,
        severity=min(one.claimed for one in heard),
        started_at=began,
        opened_at=opened,
    )
    shown = tuple(_of_incident(one, incident) for one in heard)
    since = began - timedelta(seconds=condition.late)
    seen = degraded(environment_of(shop), condition.lost, seed, service, since)
    return Story(condition, seen, incident, AlertList(shown=shown, total=len(shown)), ready)


def _of_incident(one: Alert, incident: Incident) -> IncidentAlert:
    told = one.model_dump()
    since = one.starts_at or incident.opened_at
    return IncidentAlert(
        **told, key=one.identity(()), incident=incident.id, since=since, last_seen=one.received_at
    )


async def lived_through(shop: Shop, stories: Sequence[Story]) -> None:
    """Let all stories look whenever they are due; time only goes on."""
    order = count()
    waiting = [(one.due, next(order), one) for one in stories]
    heapq.heapify(waiting)
    while waiting:
        due, _, one = heapq.heappop(waiting)
        shop.wait_until(due)
        await one.look()
        if not one.over:
            heapq.heappush(waiting, (one.due, next(order), one))


async def runs(scenario: str, seed: int) -> list[Run]:
    """Break one shop with that seed and judge what is made of it in every condition."""
    fault = find_scenario(scenario).fault_of(seed)
    shop = shop_of(scenario, seed)
    told, at = first_alarms(shop, fault)
    found = await _runs(shop, (told, at), (fault,), seed, [c for c in CONDITIONS if not c.two])
    if fault.kind is FaultKind.NOTHING:
        return found
    # Memory fills for long before a leak hurts: what hurts has hurt since the alarm's first sample.
    shows = told[0].at - HELD * TICK if fault.kind is FaultKind.LEAK else fault.at
    faults = (fault, second_fault(fault, seed, shows))
    both = shop_of(scenario, seed, faults[1].deeds)
    return found + await _runs(both, first_alarms(both, fault), faults, seed, [TWO])


async def _runs(
    shop: Shop,
    alarmed: tuple[Sequence[Alarm], float],
    faults: tuple[Fault, ...],
    seed: int,
    conditions: Sequence[Condition],
) -> list[Run]:
    stories = [story(shop, one, *alarmed, seed) for one in conditions]
    await lived_through(shop, stories)
    return [judged(shop.scenario.name, seed, one, faults) for one in stories]


def first_alarms(shop: Shop, fault: Fault) -> tuple[Sequence[Alarm], float]:
    """Let the shop live until its alerting sends; return what it sends, and when."""
    if fault.false_alarm is not None:
        shop.wait_until(fault.at + GROUPING)
        return [Alarm(fault.at, fault.service, fault.false_alarm)], fault.at + GROUPING
    at = 0.0
    while at < PATIENCE:
        at += TICK
        shop.wait_until(at)
        if alarms(shop.history, at):
            break
    at += GROUPING
    shop.wait_until(at)
    return alarms(shop.history, at), at


async def healthy(seed: int, times: int) -> list[Run]:
    """Let a shop live in which nothing is wrong, and judge alerts about it, `times` in a row."""
    dice = Random(f"{seed}/healthy")
    shop, found = shop_of("false-alarm", seed), []
    fault = shop.scenario.fault_of(seed)
    for number in range(times):
        at = fault.at + 900.0 * number  # no look of one reaches into the next
        condition = dice.choice(HEALTHY)
        shop.wait_until(at + GROUPING)
        alarm = Alarm(at, *dice.choice(sorted(PROMISES)))
        one = story(shop, condition, [alarm], at + GROUPING, seed * 100 + number)
        await lived_through(shop, [one])
        found.append(judged(f"healthy {number}", seed, one, (fault,)))
    return found


def judged(scenario: str, seed: int, one: Story, faults: tuple[Fault, ...]) -> Run:
    """Say how a story came out."""
    best = one.diagnosis.best if one.diagnosis else None
    named = "" if best is None or best.kind is CauseKind.UNKNOWN else str(best.service)
    truths = [str(each.service) for each in faults if each.kind is not FaultKind.NOTHING]
    curable = [str(each.service) for each in faults if each.kind not in NO_CURE]
    shown = list(dict.fromkeys(str(h.service) for h in one.diagnosis.hypotheses))[:2] if (
        one.diagnosis) else []  # fmt: skip
    touched = {action.target.name for action in one.plan.actions} if one.plan else set()
    return Run(
        scenario=scenario,
        seed=seed,
        condition=one.condition.name,
        verdict=str(one.triage.verdict) if one.triage else "",
        named=named,
        kind=str(best.kind) if best else "",
        confidence=str(one.diagnosis.confidence) if one.diagnosis else "",
        plan=str(one.plan.kind) if one.plan else "",
        right=named in truths if truths else not named,
        both=len(truths) > 1 and set(truths) <= set(shown),
        curable=any(each.kind not in (FaultKind.NOTHING, FaultKind.OUTAGE) for each in faults),
        harmful=bool(touched - set(curable)),
    )


def every(seeds: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Yield each scenario with each seed, a seed after the other."""
    for seed in seeds:
        for scenario in SCENARIOS:
            yield scenario, seed
