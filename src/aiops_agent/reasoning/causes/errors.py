"""Requests fail as fast as before: faulty code, or one path of many."""

import re
from collections.abc import Iterator

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.quantity import amount
from aiops_agent.domain.telemetry import ServiceKind, Signal
from aiops_agent.reasoning.causes import expectations
from aiops_agent.reasoning.mine import BLAMES
from aiops_agent.reasoning.suspect import Investigation, Prediction, Suspicion, expect, fact

SLOWER = 1.5  # times: whose requests wait for something are slower than that
OWN = 0.25  # share of the pain: with less of its own it passes on what its callees fail
ALL = 0.9  # of requests: where nearly all fail it is no path of many
FAULT = re.compile(r"(?i)exception|traceback|panic|unhandled|\b500\b|error:|undefined|null pointer")
# The characters of a path alone: it is quoted, and whoever writes a line could write anything.
PATH = re.compile(r"(?<![\w/.:])/[a-z][\w\-]{0,30}(?:/[\w\-]{1,30}){0,3}", re.IGNORECASE)


def suspect(case: Investigation) -> Iterator[Suspicion]:
    """Suspect every service of ours that fails requests and is not slower."""
    for name in case.hurting:
        errors, latency = case.shift(name, Signal.ERRORS), case.shift(name, Signal.LATENCY)
        failing = errors is not None and errors.up
        slower = latency is not None and latency.up and latency.ratio >= SLOWER
        outside = case.kind(name) is ServiceKind.EXTERNAL
        if errors is None or not failing or slower or outside or case.own[name] < OWN:
            continue
        if name in case.fallen:
            continue  # whoever ends fails requests by ending
        share = amount(Signal.ERRORS, errors.worst)
        told = f"{name} fails {share} of its requests, as fast as before{_path(case, name)}"
        predictions = tuple(_predictions(case, name))
        yield Suspicion(CauseKind.ERRORS, name, told, predictions)


def _path(case: Investigation, name: str) -> str:
    """Return the one path that its new lines of failures speak of, if there is one."""
    lines = (one.example for one in case.news if one.service == name and one.hints(FAULT))
    paths = {found for line in lines for found in PATH.findall(line)}
    return f": those of {paths.pop()}" if len(paths) == 1 else ""


def _predictions(case: Investigation, name: str) -> Iterator[Prediction]:
    errors, latency = case.shift(name, Signal.ERRORS), case.shift(name, Signal.LATENCY)
    assert errors is not None  # else it would not have been suspected
    shown = fact(Signal.ERRORS, name)
    yield expect(f"{name} fails requests", True, shown, weight=3.0)
    same = None if latency is None else not latency.up
    yield expect(f"{name} is as fast as before", same, fact(Signal.LATENCY, name), weight=2.0)
    part = errors.worst < ALL
    yield expect("others of its requests are answered", part, shown, weight=1.5, against=not part)
    yield expectations.hurts_itself(case, name)
    yield expectations.same_traffic(case, name)
    yield expectations.not_full(case, name)
    lines = tuple(one for one in case.log(name, FAULT) if one not in case.log(name, BLAMES))
    yield expectations.written(case, f"{name} writes of failures of its own", lines, sign=True)
    yield expectations.nothing_changed(case, name)
    # Where nobody says who calls whom, it may be a caller of who is gone.
    gone = any(fall.left <= 0.0 for fall in case.fallen.values())
    if gone and not case.scene.graph.calls:
        yield expect(f"nobody whom {name} may call is gone", False, against=True)
