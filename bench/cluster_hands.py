"""Has each approved patch in a cluster one effect, whatever happens on the way? Drawn lives.

In each something is lost, refused, late or told wrongly at any request, the process dies at any
mark and another goes on, and somebody else changes the workload at any moment.
"""

import argparse
import asyncio
import json
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from aiops_agent.adapters.kubernetes.client import KubeClient
from aiops_agent.adapters.kubernetes.live import MARK
from aiops_agent.domain.errors import ApprovalError, NotOurs, PlatformError
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Action, Outcome, PreparedPlan
from aiops_agent.evaluation.goals import Goal
from aiops_agent.safety import send
from bench.told import tell
from tests.adapters.kubernetes.fake_api import NEW, OLD, FakeApi, Lost, kubeconfig
from tests.adapters.kubernetes.fake_configs import PLACE, a_config, foreign_value, set_config
from tests.adapters.kubernetes.fake_nodes import a_node, cordon, foreign_cordon
from tests.adapters.kubernetes.fake_patch import Raw
from tests.adapters.kubernetes.fake_pods import a_pod
from tests.adapters.kubernetes.life import (
    APPLIED,
    POINTS,
    TROUBLE,
    UNKNOWN,
    Died,
    KubeLife,
    delete,
    lost,
    once,
    restart,
    rollback,
    scale,
)
from tests.safety.plans import asks

NAME = "payments-api"
MOST_TROUBLES = 3  # of one life: fewer than the sends of a request that may be repeated
FOREIGN = 77  # seconds that somebody else writes
UNDO = ("INC-0001.1.undo.1.1", "INC-0001.1.undo.1.2")
NODE = ("nodes", "", "node-7")
ILL, WELL = "payments-api-h1-a", "payments-api-h1-b"


def main(arguments: list[str]) -> int:
    """Count; exit 1 when an effect came twice, or the ledger tells what is not so."""
    parser = argparse.ArgumentParser(prog="python -m bench cluster-hands", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=3_000, help="lives")
    given = parser.parse_args(arguments)
    return tell(asyncio.run(goals(given.seed, given.n)))


async def goals(seed: int, n: int) -> list[Goal]:
    """Return the rows."""
    found = Counter[str]()
    pause, send.LOOK_AGAIN_SECONDS = send.LOOK_AGAIN_SECONDS, 0
    with tempfile.TemporaryDirectory() as folder:
        world = ClusterWorld(Path(folder))
        try:
            for number in range(n):
                await _lived(random.Random(f"{seed} {number}"), world, found)
        finally:
            send.LOOK_AGAIN_SECONDS = pause
            await world.client.close()
    flaws = (
        "effects that came twice",
        "changes of others overwritten",
        "records of what is not so",
        "unknown although nobody interfered",
        "repeats of other bytes",
        "pods ended that nobody named",
        "secrets in plans",
        "restarts without their value",
    )
    told = (
        "applied",
        "refused",
        "withdrawn",
        "deaths",
        "taken back",
        "left to a person",
        "pods ended",
        "values set",
        "values without their restart, taken back",
    )
    return [
        *(Goal(f"cluster hands: {row}", n, found[row], "<= 0") for row in flaws),
        *(Goal(f"cluster hands: {row}", n, found[row], f">= {n // 100}") for row in told),
    ]


@dataclass
class ClusterWorld:
    """One client for all lives; it speaks with the cluster of the present one."""

    folder: Path
    api: FakeApi = field(default_factory=FakeApi)

    def __post_init__(self) -> None:
        config = self.folder / "kubeconfig"
        config.write_text(kubeconfig("http://127.0.0.1:9"))
        transport = httpx2.MockTransport(self._answer)
        self.client = KubeClient(config, transport=transport)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        query = dict(request.url.params)
        try:
            code, document = self.api.answer(
                request.method, request.url.path, query, request.content.decode()
            )
        except Lost:
            raise httpx2.ReadError("cut", request=request) from None
        return httpx2.Response(code, json=document)


@dataclass
class DrawnTrouble:
    """What becomes of each request that changes something, and when somebody else changes it."""

    draw: random.Random
    api: FakeApi
    thing: Raw  # what is acted on
    left: int = MOST_TROUBLES
    late: tuple[str, str, str] | None = None  # method, path and body that are still on their way
    foreign: bool = False
    left_as: object = None  # what somebody else made of it

    def before(self, found: Raw) -> Any:
        """Let what flies land, or somebody else write; then trouble or none."""
        self.lands()
        if self.draw.random() < 0.1:
            self.interfere()
        if self.left and self.draw.random() < 0.5:
            self.left -= 1
            if self.draw.random() < 0.2:
                method, path, _, body = self.api.seen[-1]
                self.late = (method, path, body)
                return lost(found)
            where, answer, _ = TROUBLE[self.draw.choice(list(TROUBLE))]
            if where == "before":
                return answer(found)
            self.api.after = once(answer)
        return None

    def lands(self) -> None:
        """Let a late request arrive, if there is one, as it was sent."""
        if self.late is not None:
            (method, path, body), self.late = self.late, None
            self.api.before, before = _fine, self.api.before
            self.api.answer(method, path, {}, body)
            self.api.before = before

    def interfere(self) -> None:
        """Somebody else changes it, once."""
        if self.foreign:
            return
        self.foreign = True
        if self.thing is self.api.objects.get(PLACE) and self.draw.random() < 0.5:
            foreign_value(self.api, value="set by somebody else")
        elif self.thing is not self.api.objects.get(NODE):
            self.api.change(NAME, lambda one: one["spec"].update(minReadySeconds=FOREIGN))
        elif not self.thing["spec"].pop("unschedulable", False):
            foreign_cordon(self.api)
        self.left_as = _kept(self.api)

    @property
    def overwritten(self) -> bool:
        """Whether what somebody else did is not there any more."""
        return self.foreign and _kept(self.api) != self.left_as


def _mark(body: str) -> str:
    """Return the operation that a request writes as its mark."""
    sent = json.loads(body)
    marks = sent["metadata"]["annotations"] if isinstance(sent, dict) else sent[-1]["value"]
    return str(marks[MARK] if isinstance(marks, dict) else marks)


def _kept(api: FakeApi) -> object:
    """Return what somebody else writes, and nobody of us."""
    cordoned = api.objects[NODE]["spec"].get("unschedulable")
    level = api.objects.get(PLACE, {}).get("data", {}).get("LEVEL")
    return api.one(NAME)["spec"].get("minReadySeconds"), cordoned, level


def _wishes(thing: Raw) -> Raw:
    """Return what a thing is to be, less what somebody else writes."""
    theirs = ("minReadySeconds", "LEVEL")
    return {
        key: one for key, one in (thing.get("data") or thing["spec"]).items() if key not in theirs
    }


def _fine(_found: Raw) -> None:
    return None


async def _lived(draw: random.Random, world: ClusterWorld, found: Counter[str]) -> None:
    world.api = api = FakeApi(client=world.client)
    api.workload(NAME)
    api.release(NAME, NEW)
    api.ran_well(OLD)
    a_node(api, "node-7", ready=False)
    a_node(api, "node-8")
    for pod in (ILL, WELL):
        a_pod(api, pod, api.one(NAME), ready=pod == WELL)
    scaled = scale(draw.choice([1, 3, 9]))
    action: Action = draw.choice(
        [restart(), scaled, rollback(), delete(ILL), cordon(), set_config()]
    )
    if action.kind == "set_config":
        a_config(api)
    life = KubeLife(api, action)
    plan = await life.plan()
    found["secrets in plans"] += "s3cret" in json.dumps(plan.document())
    of = {"cordon_node": api.objects[NODE], "set_config": api.objects.get(PLACE, {})}
    thing = of.get(action.kind, api.one(NAME))
    was = json.dumps(_wishes(thing))
    trouble = DrawnTrouble(draw, api, thing)
    api.before = trouble.before
    if draw.random() < 0.1:
        trouble.interfere()
    outcome = await _executed(draw, life, trouble, found)
    trouble.lands()
    _judged(outcome, api, trouble, [one.operation for one in plan.requests], found)
    found["pods ended"] += ("pods", "shop", ILL) not in api.objects
    found["pods ended that nobody named"] += ("pods", "shop", WELL) not in api.objects
    torn = outcome is not None and outcome.torn and outcome.state is not UNKNOWN
    if action.kind == "set_config":
        value, restart_of = (one.operation in api.taken for one in plan.requests)
        found["values set"] += value
        found["restarts without their value"] += restart_of and not value
    if outcome and (torn or outcome.state is APPLIED) and plan.steps[0].inverse:
        back = found["taken back"]
        await _taken_back(draw, life, plan, trouble, was, found)
        found["values without their restart, taken back"] += torn and found["taken back"] > back
    found["changes of others overwritten"] += trouble.overwritten
    for operation in (*(one.operation for one in plan.requests), *UNDO):
        bodies = {body for body in api.writes if _mark(body) == operation}
        found["repeats of other bytes"] += len(bodies) > 1


async def _executed(
    draw: random.Random, life: KubeLife, trouble: DrawnTrouble, found: Counter[str]
) -> Outcome | None:
    """Execute the plan, over deaths; None when it was withdrawn."""
    dying = draw.choice([*POINTS, None, None, None])

    def mark(point: Point) -> None:
        if point is Point.BEFORE_SEND and draw.random() < 0.05:
            trouble.interfere()
        if point is dying:
            raise Died

    try:
        return await life.executor(mark).execute(life.request, asks)
    except ApprovalError:
        return None
    except Died:
        found["deaths"] += 1
    if draw.random() < 0.2:
        trouble.interfere()
    try:
        return await life.run()
    except ApprovalError:
        return None


def _judged(
    outcome: Outcome | None,
    api: FakeApi,
    trouble: DrawnTrouble,
    operations: Sequence[str],
    found: Counter[str],
) -> None:
    """Compare what the ledger says with what the cluster took."""
    taken = Counter(api.taken)
    found["effects that came twice"] += any(taken[one] > 1 for one in operations)
    if outcome is None:
        found["withdrawn"] += 1
        found["records of what is not so"] += any(taken[one] for one in operations)
        return
    found[outcome.state.value] += 1
    for one in outcome.effects:
        if one.state is UNKNOWN:
            found["unknown although nobody interfered"] += not trouble.foreign
        else:
            wrong = (one.state is APPLIED) is not (taken[one.operation] == 1)
            found["records of what is not so"] += wrong


async def _taken_back(
    draw: random.Random,
    life: KubeLife,
    plan: PreparedPlan,
    trouble: DrawnTrouble,
    was: str,
    found: Counter[str],
) -> None:
    trouble.left = MOST_TROUBLES
    if draw.random() < 0.2:
        trouble.interfere()
    try:
        outcome = await life.executor().undo(plan)
    except NotOurs:
        found["left to a person"] += 1
        found["unknown although nobody interfered"] += not trouble.foreign
        return
    except PlatformError:
        return
    trouble.lands()
    _judged(outcome, life.api, trouble, UNDO, found)  # of one action there are at most two
    if outcome.state is APPLIED:
        found["taken back"] += 1
        if not (trouble.foreign and trouble.thing is life.api.objects[NODE]):  # cordoned anew since
            found["records of what is not so"] += json.dumps(_wishes(trouble.thing)) != was
