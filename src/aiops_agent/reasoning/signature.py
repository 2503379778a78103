"""The signature of a scene: what moved, by the role of the service in the graph."""

import re
from collections.abc import Iterator, Sequence

from aiops_agent.domain.alert import Alert
from aiops_agent.domain.signature import (
    MoveSize,
    Onset,
    RoleChange,
    RoleLine,
    SignalMove,
    Signature,
    role_of,
)
from aiops_agent.reading.alert import read_alert
from aiops_agent.reasoning.gather import Scene
from aiops_agent.reasoning.measure import FLOOR, Shift, slope
from aiops_agent.reasoning.mine import novelties

MUCH, FAR = 2.0, 6.0  # times
STEADY = 0.8  # share of the variation that a line explains: then it grows
LATELY = 1800.0  # seconds before the beginning in which a change may have to do with it
MOST_LINES = 6  # kinds of line: the most striking ones
_LONGEST = 120  # characters of a template


def signature_of(scene: Scene, blamed: str, alerts: Sequence[Alert] = ()) -> Signature:
    """Return the shape of what was seen; `blamed` is the service of the believed cause."""
    graph, subject = scene.graph, scene.service
    meanings = [read_alert(one, (), scene.names) for one in alerts]
    moves = {(one.role, one.signal, one.up): one for one in _moves(scene)}
    changes = {
        RoleChange(role=role_of(graph, subject, one.service), kind=one.kind)
        for one in scene.changes
        if scene.began - LATELY <= one.at.timestamp() <= scene.began + 60.0
    }
    lines = {
        RoleLine(role=role_of(graph, subject, one.service), template=_nameless(one.template, scene))
        for one in novelties(scene)[:MOST_LINES]
    }
    return Signature(
        moves=tuple(moves[key] for key in sorted(moves)),
        changes=tuple(sorted(changes, key=lambda one: (one.role, one.kind))),
        lines=tuple(sorted(lines, key=lambda one: (one.role, one.template))),
        claims=tuple(sorted({meant.claim.value for meant in meanings if meant.claim})),
        blamed=role_of(graph, subject, blamed) if blamed else None,
    )


def _moves(scene: Scene) -> Iterator[SignalMove]:
    # The farthest last: where two services of a role moved, it is what is kept.
    for (service, signal), moved in sorted(scene.shifts.items(), key=lambda one: abs(one[1].size)):
        if moved.up or moved.down:
            yield SignalMove(
                role=role_of(scene.graph, scene.service, service),
                signal=signal,
                up=moved.up,
                size=_size(moved),
                onset=_onset(moved, scene),
            )


def _size(moved: Shift) -> MoveSize:
    least = max(moved.noise, FLOOR[moved.track.signal])
    low, high = sorted((max(moved.before, least), max(moved.worst, least)))
    times = high / low
    return MoveSize.FAR if times >= FAR else MoveSize.MUCH if times >= MUCH else MoveSize.SOME


def _onset(moved: Shift, scene: Scene) -> Onset:
    if abs(moved.now - moved.before) < moved.noise:
        return Onset.PASSED
    _, fit = slope(moved.track, moved.onset if moved.onset is not None else scene.began)
    return Onset.GROWTH if fit >= STEADY else Onset.JUMP


def _nameless(template: str, scene: Scene) -> str:
    """Return the template with names of services masked: the like of it happens elsewhere."""
    names = sorted(map(str, scene.names), key=len, reverse=True)
    if not names:
        return template[:_LONGEST]
    return re.sub("|".join(map(re.escape, names)), "<service>", template)[:_LONGEST]
