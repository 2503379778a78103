"""What an action destroys: state, use and last lines of the instances that it ends."""

from collections.abc import Sequence

from aiops_agent.domain.diagnosis import Finding
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import LogLine, Remains, ServiceName, Window, Workload
from aiops_agent.domain.text import cut, safe
from aiops_agent.ports.telemetry import Environment
from aiops_agent.reasoning.gather import LOG_AFTER
from aiops_agent.reasoning.instances import state_words, use_words

MOST_INSTANCES = 6  # kept with the incident
MOST_LINES = 10  # of each
LONGEST = 300  # characters of a line


async def read_remains(
    environment: Environment, services: Sequence[ServiceName]
) -> tuple[Remains, ...]:
    """Return the instances of these services as they are now. Raises SourceError.

    Without logs they are kept without their last lines.
    """
    found = (await environment.workloads.workloads(services))[:MOST_INSTANCES]
    now = environment.clock.now()
    try:
        lines = await environment.logs.lines(services, Window(start=now - LOG_AFTER, end=now))
    except SourceError:
        lines = ()
    return tuple(Remains(workload=one, lines=_last(one, lines)) for one in found)


def findings(remains: Sequence[Remains], first: int) -> tuple[Finding, ...]:
    """Return a finding for each instance, ids from `first`: how it was before the action."""
    return tuple(_finding(one, f"E{number}") for number, one in enumerate(remains, start=first))


def _finding(one: Remains, number: str) -> Finding:
    work = one.workload
    since = f"since {work.started_at:%H:%M:%S}" if work.started_at else ""
    return Finding(
        id=number,
        service=work.service,
        what=safe(f"before the action: {work.name}", limit=100),
        before=since,
        now=safe(", ".join([state_words(work), *use_words(work)]), limit=160),
        source="workloads",
        query=safe(" | ".join(line.text for line in one.lines), limit=400),
        changed=False,
    )


def _last(one: Workload, lines: Sequence[LogLine]) -> tuple[LogLine, ...]:
    """Return its last lines; where the source does not tell instances apart, the service's."""
    own = [
        line for line in lines if line.service == one.service and line.instance in ("", one.name)
    ]
    return tuple(
        line.model_copy(update={"text": cut(line.text, LONGEST)}) for line in own[-MOST_LINES:]
    )
