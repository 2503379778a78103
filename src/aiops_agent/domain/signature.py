"""What an incident looked like, told by roles in the call graph and not by names of services."""

from enum import StrEnum

from aiops_agent.domain.telemetry import ChangeKind, ServiceGraph, Signal
from aiops_agent.domain.value import Value


class Role(StrEnum):
    """Where a service stands, seen from the alert's subject."""

    SUBJECT = "subject"
    CALLER = "caller"  # calls the subject
    UPSTREAM = "upstream"  # needs the subject through others
    CALLEE = "callee"  # is called by the subject
    DOWNSTREAM = "downstream"  # is needed by the subject through others
    BESIDE = "beside"  # no known call leads from one to the other


def role_of(graph: ServiceGraph, subject: str, service: str) -> Role:
    """Return where `service` stands, seen from `subject`; a cycle counts as below."""
    if service == subject:
        return Role.SUBJECT
    for role, names in (
        (Role.CALLEE, graph.callees(subject)),
        (Role.DOWNSTREAM, graph.downstream(subject)),
        (Role.CALLER, graph.callers(subject)),
        (Role.UPSTREAM, graph.upstream(subject)),
    ):
        if service in names:
            return role
    return Role.BESIDE


class MoveSize(StrEnum):
    """How far a signal moved, as a multiple of what it was (or the other way round)."""

    SOME = "some"  # below 2
    MUCH = "much"  # below 6
    FAR = "far"


class Onset(StrEnum):
    """How a move began."""

    JUMP = "jump"
    GROWTH = "growth"  # along a line
    PASSED = "passed"  # it is not there any more


class SignalMove(Value):
    """One signal of the services of one role that left its usual range."""

    role: Role
    signal: Signal
    up: bool
    size: MoveSize
    onset: Onset


class RoleChange(Value):
    """A change shortly before the trouble, at a service of that role."""

    role: Role
    kind: ChangeKind


class RoleLine(Value):
    """A kind of log line that is new; `template` is its variable parts masked, untrusted."""

    role: Role
    template: str


class Signature(Value):
    """The shape of an incident, each part once and in order. Empty where nothing was measured."""

    moves: tuple[SignalMove, ...] = ()
    changes: tuple[RoleChange, ...] = ()
    lines: tuple[RoleLine, ...] = ()
    claims: tuple[str, ...] = ()  # what its alerts say is wrong: values of AlertClaim
    blamed: Role | None = None  # where the believed cause stands
