"""The shop's incidents under other names: is the one of the same mechanism found by its shape?"""

import asyncio
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from aiops_agent.adapters.off import Absent
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.diagnose import diagnose
from aiops_agent.agents.triage import triage
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.incident import Attempt, Incident, IncidentId, Status
from aiops_agent.domain.postmortem import PastIncident
from aiops_agent.domain.remediation import Target
from aiops_agent.domain.signature import Signature
from aiops_agent.evaluation.goals import Goal, share
from aiops_agent.evaluation.staging import MENU
from aiops_agent.memory.index import CaseIndex
from aiops_agent.memory.recall import asked, case_of
from aiops_agent.memory.terms import CaseTerms, terms_of, word_terms
from aiops_agent.ports.archive import CaseRow
from aiops_agent.ports.memory import Hit, RecallQuery
from aiops_agent.simulator.faults import FaultKind
from aiops_agent.simulator.plug import OpenShop, create_shop
from aiops_agent.simulator.scenarios import find_scenario
from aiops_agent.simulator.shop import BY_NAME

SCENARIOS = (
    *("busy-corner", "hung-process", "slow-release", "memory-leak"),
    *("pool-cut", "slow-query", "third-party-outage", "cache-flush"),
)
OTHER_NAMES = {name: f"unit-{number}" for number, name in enumerate(BY_NAME)}
WRONG = 0.2  # share of stored diagnoses that are wrong
AMONG = 500  # incidents of other mechanisms
KINDS = tuple(kind for kind in CauseKind if kind is not CauseKind.UNKNOWN)


@dataclass(frozen=True)
class Lived:
    """One incident of a shop as it stands when a plan is made, and what was broken."""

    fault: FaultKind
    incident: Incident
    case: PastIncident


def goals(shops: int, questions: int, seed: int, rng: random.Random) -> Iterator[Goal]:
    """Yield recall@1 by shape, by shape as it is before a diagnosis, and by words alone."""
    kept = list(asyncio.run(lived(shops, 1000 * seed, {})))
    asking = list(asyncio.run(lived(questions, 1000 * seed + 500, OTHER_NAMES)))
    whole = [_right(one, kept, rng, blind=False) for one in asking]
    blind = [_right(one, kept, rng, blind=True) for one in asking]
    words = [_by_words(one, kept, rng) for one in asking]
    among = min(AMONG, len(kept))
    n, found = share(whole)
    yield Goal(f"signature recall@1 among {among}, services renamed", n, found, ">= 0.9")
    n, found = share(blind)
    row = "the same without mechanism and trigger, 20 % of stored diagnoses wrong"
    yield Goal(row, n, found, ">= 0.75")
    n, found = share(words)
    yield Goal("the same by words alone", n, found)


async def lived(count: int, first: int, names: dict[str, str]) -> list[Lived]:
    """Return so many shops' incidents, diagnosed; a seed that hurts nobody is left out."""
    found: list[Lived] = []
    seed = first
    while len(found) < count:
        scenario = SCENARIOS[seed % len(SCENARIOS)]
        seed += 1
        with TemporaryDirectory(prefix="aiops-memory-") as folder:
            try:
                shop = create_shop(Path(folder) / "shop", scenario, seed, names)
            except UsageError:
                continue
            briefing = briefing_of(shop, seed)
            incident = await diagnosed(briefing)
        fault = find_scenario(scenario).fault
        found.append(Lived(fault, incident, case_of(incident)))
        if len(found) % 50 == 0:
            print(f"memory: {len(found)} of {count} incidents lived", file=sys.stderr)
    return found


def briefing_of(shop: OpenShop, number: int) -> Briefing:
    """Return what the agents are given behind a shop's first alert."""
    environment, alert = shop.environment, shop.alerts[0]
    now = environment.clock.now()
    service = alert.labels["service"]
    incident = Incident(
        id=IncidentId(f"INC-{number:05}"),
        environment=environment.ref,
        title=alert.annotations.get("summary", alert.name),
        subject=Target(environment=environment.ref, name=service),
        alert_names=(alert.name,),
        summary=alert.annotations.get("description", ""),
        severity=Severity.SEV3,
        status=Status.OPEN,
        started_at=alert.starts_at or now,
        opened_at=now,
    )
    return Briefing(incident, environment, Nothing(), now, MENU)


async def diagnosed(briefing: Briefing) -> Incident:
    """Return the incident with triage and diagnosis."""
    seen = await triage(briefing)
    diagnosis = await diagnose(briefing)
    return briefing.incident.model_copy(update={"triage": seen}).amend(
        Attempt(number=1, diagnosis=diagnosis)
    )


class Nothing(Absent):
    """A memory of nothing."""

    def __init__(self) -> None:
        super().__init__("nothing is remembered")

    def remember(self, *_: object) -> None:
        """Keep nothing."""

    def recall(self, _query: RecallQuery) -> tuple[Hit, ...]:
        """Return nothing."""
        return ()


def _stage(one: Lived, kept: list[Lived], rng: random.Random) -> list[Lived]:
    """Return one right precedent among others; what stands later is newer."""
    others = [other for other in kept if other.fault is not one.fault]
    right = rng.choice([other for other in kept if other.fault is one.fault])
    chosen = [*rng.sample(others, min(AMONG, len(others))), right]
    rng.shuffle(chosen)
    return chosen


def _right(one: Lived, kept: list[Lived], rng: random.Random, *, blind: bool) -> bool:
    chosen = _stage(one, kept, rng)
    index = CaseIndex()
    index.take(_row(n, other, rng, blind=blind) for n, other in enumerate(chosen, start=1))
    query = _query(one.incident, blind=blind)
    found = index.alike(asked(query), "shop", str(one.incident.id), 1)
    return _told(one, chosen, found[0].id if found else "", blind=blind)


def _row(number: int, one: Lived, rng: random.Random, *, blind: bool) -> CaseRow:
    case = one.case
    if blind and rng.random() < WRONG:
        wrong = rng.choice([kind for kind in KINDS if kind is not case.cause])
        case = case.model_copy(update={"cause": wrong})
    return CaseRow(number, f"{number}", "shop", "shop:x", terms_of(case).text)


def _query(incident: Incident, *, blind: bool) -> RecallQuery:
    diagnosis = incident.diagnosis
    assert diagnosis is not None
    assert diagnosis.best is not None
    if not blind:
        return RecallQuery(incident=incident, cause=diagnosis.best.kind)
    without: Signature = diagnosis.signature.model_copy(update={"blamed": None, "changes": ()})
    return RecallQuery(incident=incident, signature=without)


def _by_words(one: Lived, kept: list[Lived], rng: random.Random) -> bool:
    chosen = _stage(one, kept, rng)
    index = CaseIndex()
    index.take(_row(n, other, rng, blind=False) for n, other in enumerate(chosen, start=1))
    lines = [line.template for line in one.case.signature.lines]
    words = tuple(word_terms((one.incident.title, one.incident.summary, *lines)))
    found = index.search(CaseTerms(words=words), (), 1)
    return bool(found) and chosen[int(found[0].id) - 1].fault is one.fault


def _told(one: Lived, chosen: list[Lived], found: str, *, blind: bool) -> bool:
    taken = chosen[int(found) - 1].fault if found else None
    if taken is not one.fault:
        how = "blind" if blind else "whole"
        print(f"missed ({how}): {one.fault} was taken for {taken}", file=sys.stderr)
    return taken is one.fault
