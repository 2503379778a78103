"""Do the hands on Docker leave alone what others made? Worlds in which people change things too."""

import argparse
import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from aiops_agent.actions.catalogue import Catalogue
from aiops_agent.adapters.docker.containers import OPERATION
from aiops_agent.domain.errors import PlatformError, RequestRefused
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Action, ActionKind, Draft, Risk
from aiops_agent.evaluation.goals import Goal
from aiops_agent.registry import ACTIONS
from bench.told import tell
from tests.adapters.docker.fake_engine import NOW, FakeEngine, Raw
from tests.sending import applied
from tests.targets import at

ID = "INC-0001.1.1"
SECRET = "hunter2-"
HOST = {"NetworkMode": "shop_default"}
RIGHTS: tuple[Raw, ...] = (
    {"Privileged": True},
    {"Binds": ["/:/host"]},
    {"CapAdd": ["SYS_ADMIN"]},
    {"PidMode": "host"},
    {"SecurityOpt": ["seccomp=unconfined"]},
)


def main(arguments: list[str]) -> int:
    """Count; exit 1 when something of others was touched, copied or told."""
    parser = argparse.ArgumentParser(prog="python -m bench hands", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=3_000, help="worlds of each kind")
    given = parser.parse_args(arguments)
    return tell(asyncio.run(goals(given.seed, given.n)))


async def goals(seed: int, n: int) -> list[Goal]:
    """Return the rows."""
    found = Counter[str]()
    for number in range(n):
        await _taken_back(random.Random(f"back {seed} {number}"), found)
        await _copied(random.Random(f"copy {seed} {number}"), found)
    flaws = (
        "containers of others touched by taking back",
        "services stopped by taking back",
        "copies of a container that is not like most",
        "rights on the host below high risk",
        "secrets in plans",
    )
    told = (
        "taken back",
        "left to a person",
        "refused at sending",
        "copied",
        "not copied",
        "rights",
    )
    return [
        *(Goal(f"hands: {row}", n, found[row], "<= 0") for row in flaws),
        *(Goal(f"hands: {row}", n, found[row], f">= {n // 50}") for row in told),
    ]


def _scale(replicas: int) -> Action:
    target = at("pay", "docker:local")
    return Action(kind=ActionKind("scale_pods"), target=target, wished={"replicas": replicas})


async def _taken_back(draw: random.Random, found: Counter[str]) -> None:
    """One operation, people who change things after it, and what taking it back touches."""
    engine = FakeEngine()
    count = draw.randint(1, 4)
    for number in range(1, count + 1):
        engine.add("pay", number)
    before = {one["Id"] for one in engine.running("pay")}
    step = await engine.platform.prepare(_scale(draw.choice(_other(count))), ID)
    sent = await _sent(draw, engine, step)
    after = {one["Id"] for one in engine.running("pay")}
    ours = (set(engine.containers) - before) | (before - after)
    for _ in range(draw.randint(0, 5)):
        _somebody(draw, engine)
    world = _states(engine)
    try:
        back = await engine.platform.take_back(step, sent, "INC-0001.1.undo.1")
    except PlatformError:
        found["left to a person"] += 1
        return
    if draw.random() < 0.3:  # and somebody acts between arming and sending
        _somebody(draw, engine)
        world = _states(engine)
    for request in back:
        try:
            await engine.platform.send(request)
        except RequestRefused:
            found["refused at sending"] += 1
    now = _states(engine)
    touched = {one for one in world if world[one] != now.get(one)}
    found["containers of others touched by taking back"] += len(touched - ours)
    ran = any(running for running, _ in world.values())
    found["services stopped by taking back"] += ran and not engine.running("pay") and bool(back)
    found["taken back"] += bool(touched)


async def _sent(draw: random.Random, engine: FakeEngine, step: Draft) -> tuple[Intent, ...]:
    """Send the first requests, all as a rule; some answers are lost and made up for by a look."""
    most = len(step.requests)
    many = most if draw.random() < 0.8 else draw.randint(0, most)
    sent = []
    for intent in await applied(engine.platform, step.requests[:many]):
        made = intent.made
        if draw.random() < 0.2:
            made = (await engine.platform.look(intent.request, NOW)).made
        sent.append(intent.model_copy(update={"made": made}))
    return tuple(sent)


def _other(count: int) -> list[int]:
    return [replicas for replicas in range(1, 8) if replicas != count]


def _states(engine: FakeEngine) -> dict[str, tuple[bool, str]]:
    return {
        one["Id"]: (one["State"]["Running"], one["State"]["StartedAt"])
        for one in engine.containers.values()
    }


def _somebody(draw: random.Random, engine: FakeEngine) -> None:
    """Change something as a person would, or as somebody who wants us to err."""
    known = list(engine.containers.values())
    one = draw.choice(known) if known else None
    move = draw.choice(("add", "labelled", "same name", "remove", "stop", "start", "rename"))
    fresh = 100 + len(engine.changed) + draw.randint(0, 10**6)
    if move in ("add", "labelled") or one is None:
        labels = engine.add("pay", fresh)["Config"]["Labels"]
        if move == "labelled":
            labels[OPERATION] = ID
    elif move == "same name":
        name = draw.choice((one["Id"], one["Name"][1:]))
        del engine.containers[one["Id"]]
        engine.add("pay", fresh)["Name"] = f"/{name}"
    elif move == "remove":
        del engine.containers[one["Id"]]
    elif move == "stop":
        one["State"] |= {"Running": False, "Status": "exited"}
    elif move == "start":
        one["State"] |= {"Running": True, "Status": "running", "StartedAt": f"later {fresh}"}
    else:
        one["Name"] = f"/renamed-{fresh}"


async def _copied(draw: random.Random, found: Counter[str]) -> None:
    """A service, and containers that only carry its label: which one is copied?"""
    engine = FakeEngine()
    alike, odd = draw.randint(1, 4), draw.randint(0, 3)
    rights = draw.choice(RIGHTS) if draw.random() < 0.3 else {}
    plain: Raw = {
        "HostConfig": HOST | rights,
        "Env": [f"PASSWORD={SECRET}a"],
        "Cmd": [f"{SECRET}b"],
    }
    order = ["alike"] * alike + ["odd"] * odd
    draw.shuffle(order)
    true = set()
    for number, kind in enumerate(order, start=1):
        made = engine.add("pay", number, **json.loads(json.dumps(plain)))
        if kind == "alike":
            true.add(made["Id"])
        else:
            _spoilt(draw, made, number)
    try:
        draft = await engine.platform.prepare(_scale(len(order) + 1), ID)
    except PlatformError:
        found["not copied"] += 1
        return
    found["copied"] += 1
    step = Catalogue(ACTIONS).prepared(draft)
    source = draft.requests[0].payload["held"]["container"]
    found["copies of a container that is not like most"] += source not in true
    found["rights"] += bool(rights)
    found["rights on the host below high risk"] += bool(rights) and step.risk is not Risk.HIGH
    found["secrets in plans"] += SECRET in json.dumps(step.document())


def _spoilt(draw: random.Random, made: Raw, number: int) -> None:
    """Make a container another thing than the service, each in a way of its own."""
    changes: Iterator[tuple[Raw, str, Any]] = iter(
        (
            (made["Config"], "Env", [f"OTHER={SECRET}{number}"]),
            (made["Config"], "Cmd", [f"{SECRET}{number}"]),
            (made, "Image", f"sha256:{number}"),
            (made["Config"], "User", f"user{number}"),
            (made["HostConfig"], "Binds", [f"/{number}:/host"]),
            (made["HostConfig"], "Memory", number),
        )
    )
    holder, key, value = draw.choice(list(changes))
    holder[key] = value
