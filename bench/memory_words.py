"""Questions in words: names that somebody gave out, and paraphrases with little overlap."""

import ast
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.incident import IncidentId, Status
from aiops_agent.domain.postmortem import PastIncident
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.memory.index import CaseIndex
from aiops_agent.memory.meanings import packed, told_by
from aiops_agent.memory.terms import CaseTerms, terms_of, word_terms
from aiops_agent.ports.archive import CaseRow, VectorRow
from aiops_agent.ports.meaning import Embedder
from bench.alerts import AT
from bench.memory_questions import PAIRS

PLACE = EnvironmentRef(kind="docker", name="prod")
Pair = tuple[str, str]  # an incident, and a question about it


def told(number: int, title: str) -> PastIncident:
    """Return a case that is only words."""
    return PastIncident(
        id=IncidentId(f"INC-{number:06}"),
        environment=PLACE,
        title=title,
        service=ServiceName("web"),
        alert_names=(),
        signal=None,
        cause=CauseKind.UNKNOWN,
        cause_service=ServiceName("web"),
        status=Status.RESOLVED,
        summary="",
        ended_at=AT,
    )


def shelf(cases: Sequence[PastIncident], model: Embedder | None = None) -> CaseIndex:
    """Return an index of the cases, numbered from 1."""
    index = CaseIndex()
    index.take(
        CaseRow(number, case.id, PLACE.kind, str(case.environment), terms_of(case).text)
        for number, case in enumerate(cases, start=1)
    )
    if model:
        vectors = packed(model.embed([told_by(case) for case in cases]))
        index.place([VectorRow(n, n, model.name, one) for n, one in enumerate(vectors, start=1)])
    return index


def answered(pairs: Sequence[Pair], top: int, model: Embedder | None = None) -> Iterator[bool]:
    """Yield for each question whether its incident is among the first."""
    index = shelf([told(number, incident) for number, (incident, _) in enumerate(pairs)], model)
    for number, (incident, question) in enumerate(pairs):
        terms = CaseTerms(words=tuple(word_terms((question,))))
        found = index.search(terms, (), top, meant=model.embed((question,))[0] if model else None)
        right = f"INC-{number:06}" in {one.id for one in found}
        if not right and top == 1 and question in incident:
            print(f"missed: {question}", file=sys.stderr)
        yield right


def identifiers(
    rng: random.Random, model: Embedder | None = None, cases: int = 300
) -> Iterator[bool]:
    """Yield for each release or code whether its incident comes first among its neighbours."""
    pairs = []
    for number in range(cases):
        name = _identifier(number, rng)
        pairs.append((f"web fails since {name} went out; rolled back", f"what was it with {name}?"))
    index = shelf([told(number, incident) for number, (incident, _) in enumerate(pairs)], model)
    for number, (incident, question) in enumerate(pairs):
        terms = CaseTerms(words=tuple(word_terms((question,))))
        found = index.search(terms, (), 1, meant=model.embed((question,))[0] if model else None)
        same = {f"INC-{n:06}" for n, (other, _) in enumerate(pairs) if other == incident}
        right = bool(found) and found[0].id in same
        if not right:
            print(f"missed: INC-{number:06} {question}", file=sys.stderr)
        yield right


def _identifier(number: int, rng: random.Random) -> str:
    """Return a name of a kind that vendors give out; neighbours differ in one digit."""
    kinds = (
        f"release {2 + number // 90}.{number // 10 % 9}.{number % 10}",
        f"v{1 + number // 50}.{number % 50}.0-rc{rng.randint(1, 3)}",
        f"ORA-{number:05}",
        f"E{11000 + number}",
        f"ERR_{rng.choice(('TOO', 'NO', 'BAD'))}_{rng.choice(('MANY', 'SUCH'))}_{number}_REDIRECTS",
        f"CVE-2026-{1000 + number}",
        f"0x800{number:05x}",
        f"payments:{2026 + number}.10.1",
        f"build-{number}-g{rng.randrange(16**7):07x}",
        f"SQLSTATE {40000 + number}",
    )
    return kinds[number % len(kinds)]


def paraphrases(folder: Path | None) -> Iterator[tuple[str, tuple[Pair, ...]]]:
    """Yield our own set and those of a folder: incidents with a question each."""
    yield "our own", PAIRS
    if folder is None:
        return
    pairs: tuple[Pair, ...] = tuple(_constant(folder / "dataset.py", "PAIRS"))
    yield "seen by those who wrote the words", pairs
    if (apart := folder / "heldout.py").is_file():
        asked = _constant(apart, "HELD_OUT")
        yield (
            "held out",
            tuple((incident, new) for (incident, _), new in zip(pairs, asked, strict=True)),
        )


def _constant(page: Path, name: str) -> list:  # type: ignore[type-arg]  # whatever the page holds
    for node in ast.parse(page.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            found: list = ast.literal_eval(node.value)  # type: ignore[type-arg]  # as above
            return found
    raise SystemExit(f"{page} holds no {name}.")
