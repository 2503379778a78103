"""What becomes of alerts that repeat, fire again, come together, or are not ours?

Each judged alert of public rules is received by the real intake on a store of its own: handed over
and repeated, fired anew, sent in one body with one of another service, and asked about once in a
world that has its service and no telemetry.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

from aiops_agent.adapters.off import Absent
from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.strange import triage_or_leave
from aiops_agent.domain.alert import Alert, AlertList
from aiops_agent.domain.diagnosis import TriageVerdict
from aiops_agent.domain.incident import Ending, Incident
from aiops_agent.domain.telemetry import AlertRule, RuleReading, Service, ServiceGraph, ServiceName
from aiops_agent.evaluation.goals import Goal, share
from aiops_agent.workflow.receive import Receive
from aiops_agent.workflow.recorder import IncidentRecorder
from tests.workflow.place import HERE, START, Place

AWAY = Absent("Nothing is measured here.")
# Claims that no action of ours changes, as the judged truth writes them.
STRANGE = frozenset(
    {"disk", "certificate", "quota", "job_failed", "replication", "clock", "config"}
    | {"monitoring", "cost"}
)
REPEATS = 5
STEPS = ("a repetition opens an incident", "a new firing is not linked", "a group split wrong")


@dataclass(frozen=True)
class Fired:
    """A judged alert; `names` are the right answers of whom it speaks."""

    alert: Alert
    rule: AlertRule
    claim: str
    names: frozenset[str]


@dataclass(frozen=True)
class World:
    """The services of the judged alerts, which call nobody, and the rules that are listed."""

    names: Sequence[str]
    listed: Sequence[AlertRule]

    async def graph(self) -> ServiceGraph:
        """Return them."""
        return ServiceGraph(services=tuple(Service(name=ServiceName(one)) for one in self.names))

    async def rules(self) -> tuple[AlertRule, ...]:
        """Return the rules."""
        return tuple(self.listed)

    async def evaluate(self, *_given: object) -> tuple[RuleReading, ...]:
        """Return one value, which is enough for the message."""
        return (RuleReading(labels={}, value=1.0),)


@dataclass
class Counted:
    """What was looked at, and what of it was wrong, with the failing cases in words."""

    flags: dict[str, list[bool]] = field(default_factory=lambda: {name: [] for name in STEPS})
    faults: list[str] = field(default_factory=list)

    def note(self, step: str, who: str, *, wrong: bool) -> None:
        """Count a case."""
        self.flags[step].append(wrong)
        if wrong:
            self.faults.append(f"firing: {step}: {who}")


def rows(cases: Sequence[Fired], known: Sequence[str]) -> tuple[list[Goal], list[str]]:
    """Return the rows, and the failing cases in words."""
    return asyncio.run(_rows(cases, known))


async def _rows(cases: Sequence[Fired], known: Sequence[str]) -> tuple[list[Goal], list[str]]:
    counted = Counted()
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/firing.db")
        upgrade(engine)
        place = Place(SqlStore(engine), topology=cast("Any", World(known, ())))
        # Those that fire always, or over other alerts, open nothing and are measured elsewhere.
        lives = [one for one in cases if one.claim not in ("deadman", "monitoring")]
        for number, one in enumerate(lives):
            await _repeated(place, one, number, counted)
        for one, other in _pairs(lives):
            await _together(place, one, other, counted)
        left = [(one, *await _left(place, one, known)) for one in cases]
        engine.dispose()
    made = [Goal(f"firing: {step}", *share(flags), "<= 0") for step, flags in counted.flags.items()]
    strange = [(one.alert.name, told) for one, told, _ in left if one.claim in STRANGE]
    counted.faults += [f"not mine: looked at longer: {name}" for name, told in strange if not told]
    # Of whom nobody can tell whose alert it is, it is rightly a person's.
    ours = [
        (one.alert.name, told)
        for one, told, service in left
        if one.claim not in STRANGE and service in one.names & {*known}
    ]
    counted.faults += [f"not mine: ours was handed over: {name}" for name, told in ours if told]
    told_at_once, given_away = share(t for _, t in strange), share(t for _, t in ours)
    made.append(Goal("not mine: handed over in one look", *told_at_once, ">= 0.9"))
    made.append(Goal("not mine: ours handed over", *given_away, "<= 0"))
    return [one for one in made if one.n], counted.faults  # of a few cases some rows have none


async def _fires(place: Place, *alerts: Alert) -> list[Incident]:
    """Let alerts arrive in one body; return the incidents that are new."""
    before = {one.id for one in place.incidents()}
    moment = place.clock.at.isoformat()
    place.keep(*alerts, digest=f"{moment}{alerts[0].identity(())}")
    await Receive(place.deps).handle(HERE)
    return [one for one in place.incidents() if one.id not in before]


def _ends(place: Place, incident: Incident) -> None:
    record = IncidentRecorder(place.deps)
    record.ended(incident.id, Ending.HANDED_OVER, "why")
    record.archived(incident.id, None, "none", None)


async def _repeated(place: Place, one: Fired, number: int, counted: Counted) -> None:
    """Fire, hand over, repeat for hours, then fire anew within the flap window."""
    # Each life has a series of its own, long after the one before.
    place.clock.at = START + timedelta(days=number)
    own = {**one.alert.labels, "pod_template_hash": f"life-{number}"}
    alert = one.alert.model_copy(update={"labels": own, "starts_at": place.clock.at})
    first = await _fires(place, alert)
    for incident in first:
        _ends(place, incident)
    again = False
    for _ in range(REPEATS):
        place.clock.go(minutes=10)
        again = again or bool(await _fires(place, alert))
    counted.note(STEPS[0], one.alert.name, wrong=again or len(first) != 1)
    anew = await _fires(place, alert.model_copy(update={"starts_at": place.clock.at}))
    linked = [incident.after for incident in anew] == [incident.id for incident in first]
    counted.note(STEPS[1], one.alert.name, wrong=not linked)
    for incident in anew:
        _ends(place, incident)


def _pairs(cases: Sequence[Fired]) -> Iterator[tuple[Fired, Fired]]:
    """Yield each alert that names a service with the next one that names another."""
    named = [one for one in cases if one.names]
    for place, one in enumerate(named):
        others = (*named[place + 1 :], *named[:place])
        other = next((o for o in others if not o.names & one.names), None)
        if other is not None:
            yield one, other


async def _together(place: Place, one: Fired, other: Fired, counted: Counted) -> None:
    """Send both in one body: two causes, unless nobody can tell of whom one speaks."""
    place.clock.go(days=1)
    alerts = [
        fired.alert.model_copy(update={"starts_at": place.clock.at}) for fired in (one, other)
    ]
    opened = await _fires(place, *alerts)
    counted.note(STEPS[2], f"{one.alert.name} + {other.alert.name}", wrong=len(opened) != 2)
    for incident in opened:
        _ends(place, incident)


async def _left(place: Place, one: Fired, known: Sequence[str]) -> tuple[bool, str]:
    """Whether one look gives an alert to a person, with text and labels, and whose it is."""
    place.clock.go(days=1)
    opened = await _fires(place, one.alert.model_copy(update={"starts_at": place.clock.at}))
    if not opened:
        return True, ""  # a deadman's alert opens nothing
    shown = place.alerts(opened[0])
    environment = replace(place.deps.environments(HERE), rules=World(known, (one.rule,)))
    briefing = Briefing(
        incident=opened[0],
        environment=environment,
        now=place.clock.at,
        memory=place.deps.memory,
        alerts=AlertList(shown=shown, total=len(shown)),
    )
    seen = await triage_or_leave(briefing)
    _ends(place, opened[0])
    told = seen.not_mine
    whole = told is not None and bool(told.text) and bool(told.labels)
    return whole and seen.verdict is TriageVerdict.UNSEEN, opened[0].service
