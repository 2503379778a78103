"""Who depends on whom, among services that are numbers."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from aiops_agent.reasoning.observations import Bools, Floats


@dataclass(frozen=True)
class Graph:
    """Callees and callers of each service; not `known` where nobody says who calls whom."""

    callees: tuple[tuple[int, ...], ...]
    callers: tuple[tuple[int, ...], ...]
    known: bool

    @classmethod
    def of(cls, count: int, calls: Iterable[tuple[int, int]] | None) -> "Graph":
        """Return the graph of calls among `count` services; others, and itself, are left out."""
        down: list[list[int]] = [[] for _ in range(count)]
        up: list[list[int]] = [[] for _ in range(count)]
        for caller, callee in sorted(set(calls or ())):
            if 0 <= caller < count and 0 <= callee < count and caller != callee:
                down[caller].append(callee)
                up[callee].append(caller)
        known = any(down)
        return cls(tuple(map(tuple, down)), tuple(map(tuple, up)), known)

    def downstream(self, service: int) -> Bools:
        """Return what a service depends on, itself included."""
        found = np.zeros(len(self.callees), dtype=np.bool_)
        found[list(_walked(self.callees, service))] = True
        return found

    def coverage(self, symptom: Floats, wanted: Bools) -> Floats:
        """Return for each wanted service which share of all symptoms its callers show.

        A caller counts when its symptom reaches it through callers with symptoms. Without a graph
        nothing is covered.
        """
        share = np.zeros(len(symptom))
        total = float(symptom.sum())
        if not self.known or total <= 0:
            return share
        ill = (symptom > 0).tolist()
        for service in np.flatnonzero(wanted).tolist():
            above = _walked(self.callers, service, ill)
            share[service] = symptom[sorted(above)].sum() / total
        return share


def _walked(
    edges: tuple[tuple[int, ...], ...], start: int, allowed: list[bool] | None = None
) -> set[int]:
    found, todo = {start}, [start]
    while todo:
        for one in edges[todo.pop()]:
            if one not in found and (allowed is None or allowed[one]):
                found.add(one)
                todo.append(one)
    return found
