"""How the instances of services are: who runs, who does not and why, as their platform knows it.

A platform that knows of no instance says nothing: () is not "none runs".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aiops_agent.domain.diagnosis import Finding
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.quantity import megabytes
from aiops_agent.domain.telemetry import LogLine, ServiceName, Window, Workload
from aiops_agent.domain.text import safe
from aiops_agent.ports.telemetry import Environment

STANDINGS = "workloads"  # the source of a finding about instances
OUT_OF_MEMORY = "OOMKilled"  # Docker's word and that of Kubernetes
STEADY = timedelta(seconds=10)  # run so long a start counts as one: Docker's own measure
RESTARTED = timedelta(minutes=10)  # a restart that is longer ago has worked
RECENT = timedelta(hours=24)  # who ended earlier is not part of this trouble
BEFORE_END = timedelta(minutes=2)  # the last words are sought so long before the end
TIGHT = 0.9  # of the memory limit in use
MOST_SERVICES = 12  # looked at around an incident
MOST_SHOWN = 3  # of them in findings
MOST_NAMED = 4  # instances in one finding

# What runs does not always serve; these words of Docker and Kubernetes mean that it cannot.
_DOWN = ("restarting", "paused", "dead", "exited", "stopped", "failed", "removing")
_OVER = ("exited", "stopped", "dead", "failed")
# 128 + the number of a signal, as shells and container engines count.
_CODES = {
    126: "its command cannot be run",
    127: "its command is not there",
    134: "aborted",
    137: "killed",
    139: "segmentation fault",
    143: "terminated",
}


@dataclass(frozen=True)
class Headcount:
    """The instances of one service.

    `lost` should run and do not; `ill` run, and something is wrong with them. `last` is the last
    line of one that was lost, `nodes` are the machines on which they were placed.
    """

    service: ServiceName
    running: int
    lost: tuple[Workload, ...] = ()
    ill: tuple[Workload, ...] = ()
    last: LogLine | None = None
    nodes: tuple[str, ...] = ()

    @property
    def wanted(self) -> int:
        """How many should run."""
        return self.running + len(self.lost)

    @property
    def stuck(self) -> tuple[Workload, ...]:
        """Those that run and do not serve, or are about to: what a restart of them would help."""
        return tuple(one for one in self.ill if one.health == "unhealthy" or _tight(one))

    @property
    def troubled(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.lost or self.ill)

    @property
    def count(self) -> str:
        """How many run, of how many."""
        return f"{self.running} of {self.wanted} running"

    @property
    def why(self) -> str:
        """What is wrong with them: each with whom it is wrong with, unless that is everyone."""
        named: dict[str, list[str]] = {}
        for one in (*self.lost, *self.ill):
            for words in _wrong(one):
                named.setdefault(words, []).append(one.name)
        return ", ".join(words + self._whose(names) for words, names in named.items())

    def _whose(self, names: Sequence[str]) -> str:
        if self.wanted == 1:
            return ""
        if len(names) < min(self.wanted, MOST_NAMED):
            return f" ({', '.join(safe(name, limit=60) for name in names)})"
        return f" (×{len(names)})"

    @property
    def sentence(self) -> str:
        """How the service stands, in a few words."""
        return f"{self.count}: {self.why}" if self.why else self.count


async def read_standings(
    environment: Environment, services: Sequence[ServiceName], now: datetime
) -> tuple[Headcount, ...]:
    """Return how the instances of these services are, with the last words of those lost.

    A source that is not there or does not answer leaves them out.
    """
    try:
        found = await environment.workloads.workloads(services[:MOST_SERVICES])
    except SourceError:
        return ()
    standings = [standing(name, found, now) for name in services[:MOST_SERVICES]]
    return tuple(
        [await _with_last_words(environment, one, now) for one in standings if one is not None]
    )


def standing(service: ServiceName, found: Sequence[Workload], now: datetime) -> Headcount | None:
    """Return how the instances of a service are; None when its platform knows of none."""
    own = [one for one in found if one.service == service]
    if not own:
        return None
    lost = [one for one in own if _lost(one, now)]
    running = [one for one in own if one not in lost and one.state.lower() not in _DOWN]
    if not running and not lost:
        # Somebody stopped all of them: nobody is served. Who has no reason has done its work.
        lost = [one for one in own if one.reason and _ended_lately(one, now)]
    ill = tuple(one for one in running if _ill(one, now))
    nodes = tuple(sorted({one.node for one in (*running, *lost) if one.node}))
    return Headcount(service, len(running), tuple(lost), ill, nodes=nodes)


def findings(standings: Sequence[Headcount]) -> tuple[Finding, ...]:
    """Return a finding for each service in trouble and one for its last words, without ids."""
    troubled = [one for one in standings if one.troubled][:MOST_SHOWN]
    return tuple(finding for one in troubled for finding in _findings(one))


def _findings(one: Headcount) -> Iterator[Finding]:
    about = (*one.lost, *one.ill)
    names = ", ".join(f"{work.name} {work.state}" for work in about[:MOST_NAMED])
    yield Finding(
        id="",
        service=one.service,
        what=safe(f"instances: {one.why}", limit=160),
        before=f"{one.wanted} wanted",
        now=one.count,
        source=STANDINGS,
        query=safe(names, limit=160),
        changed=True,
    )
    if one.last is not None:
        ended = next((work for work in one.lost if work.name == one.last.instance), one.lost[0])
        yield Finding(
            id="",
            service=one.service,
            what=safe(f"last log line of {ended.name}: {one.last.text.strip()}", limit=160),
            before=f"{one.last.at:%H:%M:%S}",
            now=next(_wrong(ended)),
            source="logs",
            query=safe(one.last.text, limit=400),
            changed=True,
        )


def state_words(one: Workload) -> str:
    """Return what an instance does, and what is wrong with it."""
    wrong = [words for words in _wrong(one) if words != one.state]
    return ", ".join([one.state, *wrong])


def use_words(one: Workload) -> tuple[str, ...]:
    """Return what an instance uses, of what it may use."""
    told = []
    if one.cpu_used is not None:
        limit = f" of {one.cpu_limit:.2f}" if one.cpu_limit else ""
        told.append(f"{one.cpu_used:.2f}{limit} cores")
    if one.memory_used is not None and not _tight(one):
        limit = f" of {megabytes(one.memory_limit)}" if one.memory_limit else ""
        told.append(f"{megabytes(one.memory_used)}{limit} memory")
    return tuple(told)


async def _with_last_words(environment: Environment, one: Headcount, now: datetime) -> Headcount:
    ended = [work.ended_at for work in one.lost if work.ended_at is not None]
    if not ended:
        return one
    names = {work.name for work in one.lost}
    # A second more: the engine writes what was said at the end a little later.
    over = min(max(ended) + timedelta(seconds=1), now)
    window = Window(start=over - BEFORE_END, end=over)
    try:
        lines = await environment.logs.lines((one.service,), window)
    except SourceError:
        return one
    own = [line for line in lines if line.instance in names and line.text.strip()]
    return replace(one, last=own[-1] if own else None)


def _lost(one: Workload, now: datetime) -> bool:
    state = one.state.lower()
    if state in _OVER:
        return one.wanted and _ended_lately(one, now)
    if state in _DOWN:
        return True
    if "backoff" in one.reason.lower():  # Kubernetes: it waits for its next try
        return True
    # It ended by itself and was started a moment ago: whether it runs is not known yet.
    return bool(one.restarts) and _younger(one, now, STEADY)


def _ill(one: Workload, now: datetime) -> bool:
    restarted = bool(one.restarts) and _younger(one, now, RESTARTED)
    starved = one.reason == OUT_OF_MEMORY
    return one.health == "unhealthy" or restarted or starved or _tight(one)


def _tight(one: Workload) -> bool:
    used, limit = one.memory_used, one.memory_limit
    return used is not None and bool(limit) and used >= TIGHT * (limit or 0)


def _younger(one: Workload, now: datetime, age: timedelta) -> bool:
    return one.started_at is not None and now - one.started_at < age


def _ended_lately(one: Workload, now: datetime) -> bool:
    return one.ended_at is None or now - one.ended_at < RECENT


def _wrong(one: Workload) -> Iterator[str]:
    """Say what is wrong with an instance, the worst first; at least one thing."""
    told = list(_ending(one))
    if one.state.lower() in ("paused", "dead"):
        told.append(one.state.lower())
    if one.health == "unhealthy":
        said = f": {safe(one.probe, limit=60)}" if one.probe else ""
        told.append(f"health check fails{said}")
    if _tight(one) and one.reason != OUT_OF_MEMORY:
        told.append(f"{megabytes(one.memory_used)} of {megabytes(one.memory_limit)} memory used")
    if one.restarts:
        told.append(f"restarted {one.restarts} {'time' if one.restarts == 1 else 'times'}")
    yield from told or [one.state]


def _ending(one: Workload) -> Iterator[str]:
    if one.reason == OUT_OF_MEMORY:
        limit = f", limit {megabytes(one.memory_limit)}" if one.memory_limit else ""
        yield f"OOM-killed{limit}"
    elif one.reason:
        yield safe(one.reason, limit=80)
    if one.exit_code is not None:
        meant = f" ({_CODES[one.exit_code]})" if one.exit_code in _CODES else ""
        yield f"exit code {one.exit_code}{meant}"
