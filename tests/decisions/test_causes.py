"""Every row of causes.yaml: the cause named and the plan made of it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from aiops_agent.agents.diagnose import diagnose
from aiops_agent.agents.plan import plan
from aiops_agent.agents.triage import triage
from aiops_agent.domain.diagnosis import TriageVerdict
from aiops_agent.domain.incident import Attempt
from aiops_agent.domain.telemetry import Change, LogLine, Service, Signal
from tests.reasoning.world import BEGAN, Course, World, ramp, step, wobble

ROWS = yaml.safe_load((Path(__file__).parent / "causes.yaml").read_text("utf-8"))


def world(row: dict[str, Any]) -> World:
    names = {*row["signals"], *(n for pair in row.get("calls", []) for n in pair)}
    return World(
        courses={
            (name, Signal(signal)): course(given)
            for name, signals in row["signals"].items()
            for signal, given in signals.items()
        },
        services=tuple(
            Service(
                name=name,
                kind=row.get("kinds", {}).get(name, "application"),
                replicas=row.get("replicas", {}).get(name),
            )
            for name in sorted(names)
        ),
        calls=tuple((a, b) for a, b in row.get("calls", [])),
        book=tuple(change(one) for one in row["changes"]),
        log=tuple(line for one in row["logs"] for line in lines(one)),
        resolution=row.get("resolution", 15.0),
        history=row.get("history", 5400.0),
        now=BEGAN + timedelta(seconds=row.get("now", 180)),
        alerting=row["alerting"],
        alert=row.get("alert", "HighLatency"),
    )


def course(given: Any) -> Course:
    if isinstance(given, dict) and "ramp" in given:
        return ramp(*given["ramp"])
    if isinstance(given, dict) and "seen" in given:
        first, values = given["from"], given["seen"]
        return lambda t: values[min(max(round(t) - first, 0), len(values) - 1)]
    if isinstance(given, dict):
        usual, low, length = given["dip"]
        return lambda t: usual if t < 0 else min(usual, low + (usual - low) * t / length)
    seen = step(*given)
    return lambda t: (seen(t) or 0.0) * wobble(t)


def change(one: dict[str, Any]) -> Change:
    at = BEGAN + timedelta(seconds=one["at"])
    settings = {name: (old, new) for name, (old, new) in one.get("settings", {}).items()}
    return Change(
        at=at,
        service=one["service"],
        kind=one["kind"],
        title=f"{one['kind']} {one['after']}",
        before=one["before"],
        after=one["after"],
        source="fake",
        settings=settings,
    )


def lines(one: dict[str, Any]) -> list[LogLine]:
    start = one.get("from", -600)
    times = [BEGAN + timedelta(seconds=start + 5 * number) for number in range(40)]
    return [LogLine(at=at, service=one["service"], level="info", text=one["text"]) for at in times]


@pytest.mark.parametrize("row", ROWS, ids=[row["case"] for row in ROWS])
async def test_the_cause_and_the_plan_are_those_of_the_table(row: dict[str, Any]) -> None:
    made = world(row)
    seen = await triage(made.briefing())
    assert seen.verdict is TriageVerdict.CONFIRMED, seen.reason
    known = made.incident().model_copy(update={"triage": seen})
    if "refuted" in row:
        known = known.amend(Attempt(number=1, refuted=row["refuted"]))
    briefing = made.briefing(incident=known)
    found = await diagnose(briefing)
    assert found.best is not None
    told = [(one.key, one.score, one.contradicted) for one in found.hypotheses]
    expect = row["expect"]
    assert (found.best.kind, found.best.service) == (expect["kind"], expect["service"]), told
    proposed = await plan(briefing, found)
    action = proposed.actions[0].text if proposed.actions else proposed.kind.value
    assert action == expect["plan"], proposed.reason
