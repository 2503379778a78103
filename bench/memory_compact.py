"""How much room compaction saves, how long it takes, and whether the precedent is still found.

Incidents of some hundred stories: a service, a cause and a shape each, of which every incident
shows most moves and some of its own, with a report as long as ours are.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from string import ascii_lowercase
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from aiops_agent.adapters.cold_storage import ColdFile
from aiops_agent.adapters.sql.archive import SqlArchive
from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import Ending, Incident, IncidentId, Status
from aiops_agent.domain.postmortem import PastIncident, Postmortem, TriedAction
from aiops_agent.domain.remediation import Action, ActionKind, Recovery, Target
from aiops_agent.domain.signature import MoveSize, Onset, Role, SignalMove, Signature
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.evaluation.goals import Goal, share
from aiops_agent.memory.casebook import Casebook
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.ports.archive import KeepLimits
from aiops_agent.ports.memory import RecallQuery
from bench.alerts import AT
from bench.memory_words import PLACE, told

STORIES, KEPT, QUESTIONS = 120, 500, 200
CAUSES = [one for one in CauseKind if one is not CauseKind.UNKNOWN]
WORDS, REPORTS = 1100, 60  # as many as make a report of ours when it is packed: 4 kB


def goals(count: int, rng: random.Random) -> Iterator[Goal]:
    """Yield the share of bytes that is left, the recall before and after, and the seconds."""
    stories = [_story(number, rng) for number in range(STORIES)]
    cases = {f"INC-{number:05}": rng.randrange(STORIES) for number in range(count)}
    asked = [rng.randrange(STORIES) for _ in range(QUESTIONS)]
    queries = [(story, _query(number, stories[story], rng)) for number, story in enumerate(asked)]
    reports = _reports(rng)
    with TemporaryDirectory(prefix="aiops-compact-") as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'aiops.db'}")
        upgrade(engine)
        memory = ArchiveMemory(SqlStore(engine))
        now = AT + timedelta(days=400)
        book = Casebook(memory, lambda: now, str, ColdFile(Path(folder) / "cold.jsonl"))
        for number, (name, story) in enumerate(cases.items()):
            case = _case(name, number, stories[story], rng)
            memory.remember(case, _report(name, reports[number % REPORTS]))
        size, (n, before) = _bytes(engine), _recall(memory, queries, cases)
        began = time.perf_counter()
        book.compact(KeepLimits(KEPT))
        took = time.perf_counter() - began
        _, after = _recall(memory, queries, cases)
        left = _bytes(engine) / size
        engine.dispose()
    yield Goal(f"share of bytes left of {count} incidents", count, left, "<= 0.1")
    yield Goal("recall@3 of the same story before compaction", n, before)
    yield Goal("points of recall@3 that compaction cost", n, 100 * (before - after), "<= 1")
    yield Goal("seconds of compaction", count, took, "<= 60")


def _bytes(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return sum(one.size for one in SqlArchive(connection).sizes())


def _recall(
    memory: ArchiveMemory, queries: Sequence[tuple[int, RecallQuery]], cases: Mapping[str, int]
) -> tuple[int, float]:
    return share(
        any(cases[hit.case.id] == story for hit in memory.recall(query)[:3])
        for story, query in queries
    )


def _story(number: int, rng: random.Random) -> PastIncident:
    service = ServiceName(f"service-{rng.randint(1, 40)}")
    moves = tuple(_move(rng) for _ in range(rng.randint(4, 8)))
    facts = {
        "title": f"{service} is slower than usual",
        "service": service,
        "cause_service": service,
        "alert_names": (f"Alert{number % 20}",),
        "cause": rng.choice(CAUSES),
        "signature": Signature(moves=moves, blamed=Role.SUBJECT),
    }
    return told(number, "").model_copy(update=facts)


def _move(rng: random.Random) -> SignalMove:
    return SignalMove(
        role=rng.choice((Role.SUBJECT, Role.CALLEE, Role.CALLER)),
        signal=rng.choice(list(Signal)),
        up=rng.random() < 0.8,
        size=rng.choice(list(MoveSize)),
        onset=rng.choice(list(Onset)),
    )


def _shown(story: PastIncident, rng: random.Random) -> Signature:
    kept = [one for one in story.signature.moves if rng.random() > 0.08]
    own = [_move(rng)] if rng.random() < 0.25 else []
    return story.signature.model_copy(update={"moves": (*kept, *own)})


def _case(name: str, number: int, story: PastIncident, rng: random.Random) -> PastIncident:
    recovery = Recovery.RECOVERED if rng.random() < 0.7 else Recovery.NOT_RECOVERED
    kind = ActionKind(rng.choice(("scale_pods", "restart_service")))
    action = Action(kind=kind, target=Target(environment=PLACE, name=story.service))
    facts = {
        "id": IncidentId(name),
        "signature": _shown(story, rng),
        "tried": (TriedAction(action=action, recovery=recovery),),
        "status": Status.RESOLVED,
        "ending": Ending.FIXED if recovery is Recovery.RECOVERED else Ending.HANDED_OVER,
        "ended_at": AT + timedelta(minutes=30 * number),
        "started_at": None,
    }
    return story.model_copy(update=facts)


def _reports(rng: random.Random) -> list[str]:
    """Return texts that no two lines of which are the same: repeated ones would pack to nothing."""
    known = ["".join(rng.choices(ascii_lowercase, k=rng.randint(3, 9))) for _ in range(4000)]
    return [" ".join(rng.choices(known, k=WORDS)) for _ in range(REPORTS)]


def _report(name: str, text: str) -> Postmortem:
    return Postmortem(
        incident=IncidentId(name),
        title=name,
        severity=Severity.SEV3,
        status=Status.RESOLVED,
        markdown=text,
        data={},
    )


def _query(number: int, story: PastIncident, rng: random.Random) -> RecallQuery:
    incident = Incident(
        id=IncidentId(f"INC-NEW-{number}"),
        environment=PLACE,
        title=story.title,
        subject=Target(environment=PLACE, name=story.service),
        alert_names=story.alert_names,
        summary="it is slow",
        severity=Severity.SEV3,
        started_at=AT,
        opened_at=AT,
    )
    return RecallQuery(incident=incident, cause=story.cause, signature=_shown(story, rng))
