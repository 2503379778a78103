"""Faults that strike the chains, drawn from a seed; who strikes writes down the truth."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from .chains import CALLER, LINKS, Chains, fastapi, own
from .docker import IMAGE, docker
from .strange import LEAK_KB

DELAY = 0.5  # seconds that a slow link adds
HOGS = 6  # processes that burn CPU beside a service
# Cores that they and it may use together: a seventh is half of what it needs.
SHARE = {"orders": 0.12, "payments": 0.12, "catalogue": 0.03, "sessions": 0.04}
Undo: TypeAlias = Callable[[], None]


@dataclass(frozen=True)
class Fault:
    """One kind of fault: whom it may strike, and how it is made and taken back.

    `either` is for a fault between two services: naming who waits is right as well.
    """

    name: str
    victims: tuple[str, ...]
    strike: Callable[[Chains, str], Undo]
    either: bool = False

    def right(self, victim: str) -> tuple[str, ...]:
        """Return whom a right diagnosis names."""
        return (victim, CALLER[victim]) if self.either else (victim,)


def _hog(chains: Chains, victim: str) -> Undo:
    """Burn CPU in the control group of a container, which get a part of a core."""
    container = chains.system.only(victim)
    docker("update", f"--cpus={SHARE[victim]}", container.id)
    group = _control_group(int(container.raw["State"]["Pid"]))
    burn = [sys.executable, "-c", "while True: pass"]
    hogs = [subprocess.Popen(burn) for _ in range(HOGS)]
    for hog in hogs:
        (group / "cgroup.procs").write_text(str(hog.pid))

    def undo() -> None:
        for hog in hogs:
            hog.send_signal(signal.SIGKILL)
            hog.wait()
        docker("update", "--cpus=1", container.id)

    return undo


def _control_group(process: int) -> Path:
    """Return the folder of the control group that bounds a process' CPU, of either version."""
    rows = [line.split(":", 2) for line in Path(f"/proc/{process}/cgroup").read_text().splitlines()]
    own = {name: path for _, names, path in rows for name in names.split(",")}
    root = Path("/sys/fs/cgroup")
    return root / "cpu" / own["cpu"].lstrip("/") if "cpu" in own else root / own[""].lstrip("/")


def _slow_link(chains: Chains, victim: str) -> Undo:
    file = chains.delays / str(LINKS[victim])
    file.write_text(str(DELAY))
    return file.unlink


def _pool_of_one(chains: Chains, victim: str) -> Undo:
    small = fastapi(pool=1) if victim == "orders" else own(slots=1)
    chains.replace(chains.exposed(small))
    return lambda: chains.replace(chains.programs[victim])


def _leak(chains: Chains, victim: str) -> Undo:
    leaking = fastapi(leak=LEAK_KB) if victim == "orders" else own(leak=LEAK_KB)
    chains.replace(chains.exposed(leaking))
    return lambda: chains.replace(chains.programs[victim])


def _crash_loop(chains: Chains, victim: str) -> Undo:
    words = "import time; print('no such flag: --ledger', flush=True); time.sleep(0.3); exit(2)"
    release = replace(chains.programs[victim], image=IMAGE, command=("python3", "-c", words))
    chains.replace(release)
    return lambda: chains.replace(chains.programs[victim])


def _freeze(chains: Chains, victim: str) -> Undo:
    container = chains.system.only(victim)
    chains.system.freeze(container)
    return lambda: _done("kill", "--signal=CONT", container.id)


def _break(chains: Chains, victim: str) -> Undo:
    chains.post(victim, "break")
    return lambda: chains.replace(chains.programs[victim])


def _stop(chains: Chains, victim: str) -> Undo:
    container = chains.system.only(victim)
    docker("stop", "--time=2", container.id)
    return lambda: _done("start", container.id)


def _done(*command: str) -> None:
    docker(*command)


PROGRAM = ("orders", "payments")  # what we can tell to misbehave
APPS = (*PROGRAM, "catalogue", "sessions")
FAULTS = (
    Fault("CPU hog beside", APPS, _hog),
    Fault("slow dependency", tuple(LINKS), _slow_link, either=True),
    Fault("pool of size 1", PROGRAM, _pool_of_one),
    Fault("leak to OOM", PROGRAM, _leak),
    Fault("crash-looping release", APPS, _crash_loop),
    Fault("frozen callee", tuple(LINKS), _freeze),
    Fault("errors on one path", PROGRAM, _break),
    Fault("Redis stopped", ("redis",), _stop),
)


@dataclass(frozen=True)
class Plan:
    """What is to strike a system, one after another."""

    lane: int
    strikes: tuple[tuple[Fault, str], ...]


def chosen(kinds: str) -> tuple[Fault, ...]:
    """Return the faults of these names, with commas in between; all when none is named."""
    names = [name.strip() for name in kinds.split(",") if name.strip()]
    known = [fault.name for fault in FAULTS]
    assert set(names) <= set(known), f"{kinds}: there are {', '.join(known)}."
    return tuple(fault for fault in FAULTS if not names or fault.name in names)


def drawn(seed: int, run: int, lanes: int, kinds: str = "") -> tuple[Plan, ...]:
    """Return the faults in an order and with victims of the seed, dealt to so many systems."""
    draw = random.Random(f"{seed}.{run}")
    faults = draw.sample(FAULTS, len(FAULTS))
    struck = chosen(kinds)
    strikes = [(one, draw.choice(one.victims)) for one in faults]
    strikes = [strike for strike in strikes if strike[0] in struck]
    plans = (Plan(lane, tuple(strikes[lane::lanes])) for lane in range(lanes))
    return tuple(plan for plan in plans if plan.strikes)
