"""Many incidents: how long to keep and index them, how long a recall takes, how much memory."""

import gc
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.postmortem import PastIncident
from aiops_agent.domain.remediation import Target
from aiops_agent.domain.signature import MoveSize, Onset, Role, RoleLine, SignalMove, Signature
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.evaluation.goals import Goal
from aiops_agent.memory.recall import ArchiveMemory
from aiops_agent.ports.meaning import Whose
from aiops_agent.ports.memory import RecallQuery
from bench.alerts import AT
from bench.memory_words import PLACE, told

WIDTH = 384  # numbers of a vector
ASKED, AGAIN = 60, 20  # recalls, those after a change
BATCH = 5000


class Given:
    """Vectors of nothing, as long as a model's: what a model takes for them is not measured."""

    name = "given"
    quick = True

    def __init__(self, rng: random.Random) -> None:
        self._dice = np.random.default_rng(rng.getrandbits(32))

    def embed(self, texts: Sequence[str], _whose: Sequence[Whose] = ()) -> npt.NDArray[np.float32]:
        """Return a unit vector for each text."""
        drawn = self._dice.standard_normal((len(texts), WIDTH), np.float32)
        unit: npt.NDArray[np.float32] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        return unit


def goals(many: int, rng: random.Random) -> Iterator[Goal]:
    """Yield seconds, milliseconds and megabytes."""
    cases = [_case(number, rng) for number in range(many)]
    gc.freeze()  # what is told here is no part of the memory: no collector walks through it
    before = _peak()
    with TemporaryDirectory(prefix="aiops-speed-") as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'aiops.db'}")
        upgrade(engine)
        memory = ArchiveMemory(SqlStore(engine), embedder=Given(rng))
        began, busy = time.perf_counter(), time.process_time()
        for first in range(0, many, BATCH):
            memory.remember_all(cases[first : first + BATCH])
        memory.search("anything", 1)  # takes all of them in
        used = time.process_time() - busy
        yield Goal(f"seconds to keep and index {many}, vectors given", many, _since(began), "<= 15")
        yield Goal("seconds of processor that it took", many, used)
        queries = [_query(number, rng) for number in range(ASKED)]
        busy = time.process_time()
        took = sorted(_took(partial(memory.recall, one)) for one in queries)
        yield Goal("milliseconds of a fused recall, p50", ASKED, median(took), "<= 25")
        used = 1000 * (time.process_time() - busy) / ASKED
        yield Goal("the same, p95", ASKED, took[int(0.95 * ASKED)])
        yield Goal("milliseconds of processor of a recall, mean", ASKED, used)
        words = [f"{one.incident.title} and {one.incident.summary}" for one in queries]
        took = sorted(_took(partial(memory.search, one)) for one in words)
        yield Goal("milliseconds of a search by words and meaning, p50", ASKED, median(took))
        took = []
        for number, query in enumerate(queries[:AGAIN]):
            memory.remember_all([_case(many + number, rng)])
            took.append(_took(partial(memory.recall, query)))
        yield Goal("milliseconds of a recall after another incident, p50", AGAIN, median(took))
        engine.dispose()
    megabytes = (_peak() - before) / 1024
    print(f"speed: {_peak() / 1024:.0f} MB in all", file=sys.stderr)
    yield Goal("megabytes that it took", many, megabytes, "<= 700")


def _took(work: Callable[[], object]) -> float:
    """Return the milliseconds of a piece of work."""
    began = time.perf_counter()
    work()
    return 1000 * _since(began)


def _since(began: float) -> float:
    return time.perf_counter() - began


def _peak() -> float:
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # kilobytes on Linux


def _signature(rng: random.Random) -> Signature:
    moves = [
        SignalMove(
            role=rng.choice(list(Role)),
            signal=rng.choice(list(Signal)),
            up=rng.random() < 0.8,
            size=rng.choice(list(MoveSize)),
            onset=rng.choice(list(Onset)),
        )
        for _ in range(rng.randint(2, 7))
    ]
    line = RoleLine(role=Role.SUBJECT, template=f"kind {rng.randint(1, 3000)} of line <n>")
    return Signature(moves=tuple(moves), lines=(line,), blamed=rng.choice(list(Role)))


def _case(number: int, rng: random.Random) -> PastIncident:
    service = ServiceName(f"service-{rng.randint(1, 400)}")
    facts = {
        "title": f"{service} is slower than usual since release {rng.randint(1, 90)}.{number % 70}",
        "summary": f"{rng.choice(('scaled', 'restarted', 'rolled back'))}, word{number % 5000}",
        "service": service,
        "cause_service": service,
        "alert_names": (f"Alert{rng.randint(1, 60)}",),
        "signal": rng.choice(list(Signal)),
        "cause": rng.choice(list(CauseKind)),
        "signature": _signature(rng),
        "ended_at": AT + timedelta(minutes=number),
    }
    return told(number, "").model_copy(update=facts)


def _query(number: int, rng: random.Random) -> RecallQuery:
    service = f"service-{rng.randint(1, 400)}"
    incident = Incident(
        id=IncidentId(f"INC-NEW-{number}"),
        environment=PLACE,
        title=f"{service} fails since release {rng.randint(1, 90)}.{rng.randint(0, 70)}",
        subject=Target(environment=PLACE, name=service),
        alert_names=(f"Alert{rng.randint(1, 60)}",),
        summary="it is slow",
        severity=Severity.SEV3,
        started_at=AT,
        opened_at=AT,
    )
    cause = rng.choice(list(CauseKind))
    return RecallQuery(incident=incident, cause=cause, signature=_signature(rng))
