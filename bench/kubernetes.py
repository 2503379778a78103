"""Are broken states of a cluster named with the right next step, and healthy ones not?

`python -m bench kubernetes --cases DIR`: DIR holds `NAME.yaml` (manifests; `${NAME}` is drawn from
the seed), perhaps `NAME.then.yaml` (applied when the first is up), and `expected.yaml`:

    crash-loop:
      finding: crash_loop        # a kind of domain/trouble.py, or a list of those that are right
      step: [roll back, correct] # one of these words stands in the next step
      says: [exit code 3]        # all of these stand in what is told; may be left out
    works: {}                    # healthy: nothing that harms may be found

They are applied to the cluster of --kubeconfig, each into a namespace of its own, and taken away
afterwards. Without one the state is judged that --record kept in DIR. Misses are told on stderr.
"""

import argparse
import asyncio
import gzip
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from string import Template
from typing import Any

import orjson
import yaml

from aiops_agent.adapters.clock import WallClock
from aiops_agent.adapters.kubernetes import fields, kinds
from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.findings import troubles
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.state import ClusterState
from aiops_agent.domain.errors import AiopsError
from aiops_agent.domain.trouble import PlatformTrouble
from aiops_agent.evaluation.goals import Goal
from bench.apply import Applier, Raw
from bench.told import tell

RECORDED = "recorded.json.gz"
_LEAST = 0.96  # of broken cases: 24 of 25
_PAUSE = 3.0  # seconds between two looks
_UP = 20.0  # seconds until the second part of a case is applied
_WORDS = ("cart", "pay", "mail", "stock", "search", "rates", "login", "queue", "feed", "price")


@dataclass(frozen=True)
class Case:
    """One case: what is applied, and what is to be found; no kind where nothing is wrong."""

    name: str
    first: str
    then: str
    kinds: tuple[str, ...]
    steps: tuple[str, ...]
    says: tuple[str, ...]

    def judged(self, found: Sequence[PlatformTrouble]) -> str:
        """Return what is wrong with what was found, "" when it is right."""
        if not self.kinds:
            harm = [one for one in found if one.harm]
            return f"found {told(harm)}" if harm else ""
        named = [one for one in found if one.kind in self.kinds]
        if not named:
            return f"not found ({', '.join(self.kinds)}); found {told(found)}"
        right = [one for one in named if self._steps(one)]
        if not right:
            return f"another step: {named[0].step}"
        if not any(self._says(one) for one in right):
            return f"not said ({', '.join(self.says)}): {told(right)}"
        return ""

    def _steps(self, one: PlatformTrouble) -> bool:
        return not self.steps or any(step.lower() in one.step.lower() for step in self.steps)

    def _says(self, one: PlatformTrouble) -> bool:
        whole = f"{one.words} {one.step} {one.last_words} {one.subject}".lower()
        return all(word.lower() in whole for word in self.says)


def told(found: Sequence[PlatformTrouble]) -> str:
    """Return what was found in a line."""
    return (
        "; ".join(f"{one.kind} of {one.subject}: {one.words[:120]}" for one in found) or "nothing"
    )


def read_cases(folder: Path) -> tuple[Case, ...]:
    """Return the cases of a folder. Raises OSError, ValueError."""
    expected: Any = yaml.safe_load((folder / "expected.yaml").read_text("utf-8"))
    if not isinstance(expected, dict):
        raise ValueError(f"{folder / 'expected.yaml'} holds no cases by name")
    return tuple(_case(folder, str(name), said or {}) for name, said in expected.items())


def _case(folder: Path, name: str, said: Mapping[str, Any]) -> Case:
    then = folder / f"{name}.then.yaml"
    return Case(
        name=name,
        first=(folder / f"{name}.yaml").read_text("utf-8"),
        then=then.read_text("utf-8") if then.exists() else "",
        kinds=_several(said.get("finding")),
        steps=_several(said.get("step")),
        says=_several(said.get("says")),
    )


def _several(said: Any) -> tuple[str, ...]:
    return tuple(map(str, said)) if isinstance(said, list) else (str(said),) if said else ()


def own(state: ClusterState, namespace: str, nodes: Sequence[str]) -> ClusterState:
    """Return what of a cluster belongs to one case: its namespace, and nodes that it brought."""
    kept = {
        kind: [one for one in found if _belongs(one, namespace, nodes)]
        for kind, found in state.objects.items()
    }
    return ClusterState(state.at, kept, state.unreadable)


def _belongs(one: Raw, namespace: str, nodes: Sequence[str]) -> bool:
    home, name = fields.text(one, "metadata", "namespace"), fields.text(one, "metadata", "name")
    return home == namespace or (not home and name in nodes)


@dataclass
class Trial:
    """All cases on one real cluster."""

    cases: Sequence[Case]
    client: KubeClient
    seed: int

    def __post_init__(self) -> None:
        self.cluster = Cluster(self.client, WallClock())
        self.applier = Applier(self.client)
        self.drawn = Random(self.seed)
        self.names = {
            one.name: f"{self.drawn.choice(_WORDS)}-{self.drawn.randrange(1000)}"
            for one in self.cases
        }

    async def run(self, within: float) -> ClusterState:
        """Apply everything, look until all is right or the time is over; return the last look."""
        try:
            await self._apply("first")
            await asyncio.sleep(_UP)
            await self._apply("then")
            until = datetime.now(UTC) + timedelta(seconds=within)
            state = await self.cluster.state()
            while self.missed(state) and datetime.now(UTC) < until:
                await asyncio.sleep(_PAUSE)
                state = await self.cluster.state()
            return state
        finally:
            await self.applier.clean()

    async def _apply(self, part: str) -> None:
        for one in self.cases:
            if documents := self._documents(one, part):
                await self.applier.apply(documents, self.home(one))

    def _documents(self, case: Case, part: str) -> list[Raw]:
        text = Template(getattr(case, part)).safe_substitute(NAME=self.names[case.name])
        found = [one for one in yaml.safe_load_all(text) if isinstance(one, dict)]
        return [part for one in found for part in one.get("items", [one])]

    def home(self, case: Case) -> str:
        """Return the namespace of a case."""
        return f"bench-{case.name}-{self.seed}"[:63].rstrip("-")

    def of(self, state: ClusterState, case: Case) -> ClusterState:
        """Return what of a look belongs to a case."""
        first = self._documents(case, "first")
        nodes = [str(one["metadata"]["name"]) for one in first if one.get("kind") == "Node"]
        return own(state, self.home(case), nodes)

    def missed(self, state: ClusterState) -> bool:
        """Whether a broken case is not right yet; a healthy one may still turn bad."""
        return any(case.judged(troubles(self.of(state, case))) for case in self.cases if case.kinds)


def recorded(folder: Path) -> dict[str, ClusterState]:
    """Return the states of all cases as they were kept. Raises OSError, ValueError."""
    kept: Any = orjson.loads(gzip.decompress((folder / RECORDED).read_bytes()))
    return {  # a kind of which there was nothing was read, too
        name: ClusterState(
            datetime.fromisoformat(kept["at"]),
            {kind: objects.get(kind.plural, []) for kind in kinds.KINDS},
        )
        for name, objects in kept["cases"].items()
    }


def record(folder: Path, at: datetime, states: Mapping[str, ClusterState]) -> None:
    """Keep the states of all cases."""
    cases = {
        name: {kind.plural: found for kind, found in state.objects.items() if found}
        for name, state in states.items()
    }
    body = orjson.dumps({"at": at.isoformat(), "cases": cases})
    (folder / RECORDED).write_bytes(gzip.compress(body, mtime=0))


def main(arguments: list[str]) -> int:
    """Judge the cases; print two rows, and misses on stderr; 1 on a miss, 2 when none is judged."""
    parser = argparse.ArgumentParser(prog="python -m bench kubernetes", description=__doc__)
    parser.add_argument("--cases", type=Path, default=Path(__file__).parent / "faults")
    parser.add_argument("--kubeconfig", type=Path)
    parser.add_argument("--context", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--within", type=float, default=150.0, help="seconds to look at most")
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        cases = read_cases(asked.cases)
        states = asyncio.run(_states(asked, cases))
    except (OSError, ValueError, AiopsError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    flaws = {one.name: one.judged(troubles(states[one.name])) for one in cases}
    for name, flaw in flaws.items():
        if flaw:
            print(f"{name}: {flaw}", file=sys.stderr)
    broken = [one.name for one in cases if one.kinds]
    healthy = [one.name for one in cases if not one.kinds]
    right = len([name for name in broken if not flaws[name]])
    harm = len([name for name in healthy if flaws[name]])
    rows = []
    if broken:
        share = right / len(broken)
        rows.append(Goal("named with the right step", len(broken), share, f">= {_LEAST}"))
    if healthy:
        rows.append(Goal("healthy, called broken", len(healthy), harm, "<= 0"))
    return tell(rows)


async def _states(asked: argparse.Namespace, cases: Sequence[Case]) -> dict[str, ClusterState]:
    if asked.kubeconfig is None:
        return recorded(asked.cases)
    client = KubeClient(asked.kubeconfig, asked.context)
    trial = Trial(cases, client, asked.seed)
    state = await trial.run(asked.within)
    await client.close()
    states = {one.name: trial.of(state, one) for one in cases}
    if asked.record:
        record(asked.cases, state.at, states)
    return states
