"""Is the cause of public incidents found by a live diagnosis, through the ports?

python -m bench public --cases DIR

Each case becomes an environment that answers as ports do: a few signals a service, a window of
time, the call graph, spans and lines where the case has them. The diagnosis is the workflow's, the
services' names are given. Told beside it: the same without spans and lines.
"""

# limit: a public case as an environment, and what a live diagnosis makes of it

import argparse
import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np

from aiops_agent.adapters.off import Absent
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.diagnose import diagnose
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.diagnosis import Confidence, Diagnosis, Triage, TriageVerdict
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import NoSource, UsageError
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.remediation import Target
from aiops_agent.domain.telemetry import (
    LogLine,
    Series,
    Service,
    ServiceGraph,
    ServiceName,
    Signal,
    Span,
    Window,
)
from aiops_agent.evaluation.goals import Goal, share
from aiops_agent.evaluation.rca import auroc
from aiops_agent.evaluation.rca_cases import LabelledCase, cases, data_sets
from aiops_agent.ports.telemetry import Environment
from aiops_agent.readonly.investigate import NothingRemembered
from aiops_agent.reasoning.evidence import Scorer, strongest
from aiops_agent.reasoning.observations import (
    GAP,
    SYMPTOMS,
    Floats,
    MetricKind,
    Observations,
    Requests,
    made_sound,
)

BEGAN = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)
ALERTED = {
    MetricKind.LATENCY: Signal.LATENCY,
    MetricKind.AVAILABILITY: Signal.ERRORS,
    MetricKind.ERRORS: Signal.ERRORS,
}
# Which metrics of a kind tell a signal, by words of their names, the best first.
TOLD: tuple[tuple[Signal, MetricKind, tuple[str, ...]], ...] = (
    (Signal.LATENCY, MetricKind.LATENCY, ("95", "9", "av|mean", "")),
    (Signal.TAIL, MetricKind.LATENCY, ("99",)),
    (Signal.ERRORS, MetricKind.AVAILABILITY, ("",)),
    (Signal.TRAFFIC, MetricKind.TRAFFIC, ("",)),
    (Signal.SATURATION, MetricKind.CPU, ("%",)),
    (Signal.MEMORY, MetricKind.MEMORY, ("%",)),
)


@dataclass(frozen=True)
class Place:
    """One case as an environment; its gaps of time are closed."""

    case: LabelledCase
    traced: bool  # whether spans and lines are there

    @property
    def seen(self) -> Observations:
        return self.case.seen

    @cached_property
    def at(self) -> Floats:
        """The seconds of each row since the beginning, without the days between two stretches."""
        at, table = self.seen.table.at, self.seen.table
        steps = np.diff(at)
        steps[steps > GAP * table.step] = table.step
        closed = np.concatenate(([0.0], np.cumsum(steps)))
        # The reported beginning lies between two rows, and stays as far behind the first.
        row = max(int(np.searchsorted(at, self.seen.began, side="right")) - 1, 0)
        behind = min(self.seen.began - float(at[row]), table.step)
        moved: Floats = closed - float(closed[row]) - behind
        return moved

    @cached_property
    def columns(self) -> dict[tuple[str, Signal], int]:
        """The column that tells each signal of each service."""
        table, found = self.seen.table, {}
        for signal, kind, words in TOLD:
            for word in reversed(words):
                for one in np.flatnonzero((table.kind == kind) & ~table.outbound).tolist():
                    if re.search(word, self.seen.column_name(one), re.IGNORECASE):
                        found[self.seen.services[int(table.service[one])], signal] = one
        return found

    @property
    def graph_(self) -> ServiceGraph:
        names = [ServiceName(name) for name in self.seen.services]
        calls = tuple((names[a], names[b]) for a, b in sorted(self.seen.calls or ()))
        return ServiceGraph(services=tuple(Service(name=name) for name in names), calls=calls)

    @property
    def alerting(self) -> ServiceName:
        """The service that alerts: as told, else who hurts most of those at the edge."""
        if self.seen.alert is not None:
            return ServiceName(self.seen.services[self.seen.alert.service])
        names, worst = self.graph_.names, self.hurt
        return max(self._edge() or names, key=lambda one: worst[names.index(one)])

    def _edge(self) -> list[ServiceName]:
        """Return who is called by nobody here: by the graph, else by who begins requests."""
        graph, faulty = self.graph_, self.seen.faulty
        if graph.calls or faulty is None:
            return [one for one in graph.names if not graph.callers(one) and graph.callees(one)]
        begun = np.unique(faulty.service[faulty.parent < 0]).tolist()
        return [graph.names[one] for one in begun]

    @cached_property
    def hurt(self) -> Floats:
        """How far the symptoms of each service went from what is usual."""
        sound = made_sound(self.seen)
        scores = Scorer(sound.table).at(sound.began)
        best = strongest(sound.table, scores, len(sound.services))
        worst: Floats = np.max([best.of(kind) for kind in SYMPTOMS], axis=0)
        return worst

    async def graph(self) -> ServiceGraph:
        return self.graph_

    async def spans(self, services: Sequence[ServiceName], window: Window) -> tuple[Span, ...]:
        phase = self._phase(window)
        if not self.traced or phase is None:
            raise NoSource("Nothing is traced.")
        known, names = set(services), self.seen.services
        return tuple(
            Span(
                trace="case",
                id=f"{i:016x}",
                parent=f"{int(parent):016x}" if parent >= 0 else "",
                service=ServiceName(names[service]),
                name=self.seen.operations[operation],
                start=window.start + timedelta(milliseconds=start),
                length=length / 1000.0,
            )
            for i, (service, operation, parent, start, length) in enumerate(
                zip(
                    phase.service.tolist(),
                    phase.operation.tolist(),
                    phase.parent.tolist(),
                    phase.start_ms.tolist(),
                    phase.length_ms.tolist(),
                    strict=True,
                )
            )
            if names[service] in known
        )

    async def lines(self, services: Sequence[ServiceName], window: Window) -> tuple[LogLine, ...]:
        phase = self._phase(window)
        if not self.traced or phase is None or not phase.lines:
            raise NoSource("No lines are kept.")
        at = window.end - timedelta(seconds=1)
        told = (f"{one.text} span_id={one.span:016x}" if one.span >= 0 else one.text
                for one in phase.lines)  # fmt: skip
        by = (ServiceName(self.seen.services[one.service]) for one in phase.lines)
        return tuple(
            LogLine(at=at, service=name, level="", text=text)
            for name, text in zip(by, told, strict=True)
            if name in services
        )

    def _phase(self, window: Window) -> Requests | None:
        """Return the case's requests of the usual or of the faulty time."""
        return self.seen.usual if window.end < self.now_ else self.seen.faulty

    async def read(
        self, services: Sequence[ServiceName], signals: Sequence[Signal], window: Window
    ) -> tuple[Series, ...]:
        first, last = ((one - BEGAN).total_seconds() for one in (window.start, window.end))
        inside = (self.at >= first) & (self.at < last)
        times = tuple(BEGAN + timedelta(seconds=one) for one in self.at[inside].tolist())
        return tuple(
            Series(
                service=name,
                signal=signal,
                times=times,
                values=tuple(None if np.isnan(v) else v for v in values.tolist()),
                source="case",
                query=f"{signal} of {name}",
            )
            for name in services
            for signal in signals
            if (column := self.columns.get((name, signal))) is not None
            for values in (self._told(signal, column)[inside],)
            if np.isfinite(values).any()
        )

    def _told(self, signal: Signal, column: int) -> Floats:
        values: Floats = self.seen.table.values[column]
        if signal is Signal.ERRORS:
            whole = 100.0 if float(np.nanmax(np.abs(values), initial=0.0)) > 1.5 else 1.0
            values = 1.0 - values / whole
        elif signal in (Signal.SATURATION, Signal.MEMORY):
            values = values / 100.0
        return values

    @property
    def now_(self) -> datetime:
        return BEGAN + timedelta(seconds=float(self.at[-1]) + self.seen.table.step)

    def now(self) -> datetime:
        return self.now_

    async def wait_until(self, at: datetime) -> None:
        raise AssertionError(f"nothing waits here until {at}")

    @property
    def environment(self) -> Environment:
        off = Absent("It is not part of the case.")
        ref = EnvironmentRef(kind="case", name="public")
        return Environment(ref, self, self, off, self, off, off, self, self)

    @property
    def briefing(self) -> Briefing:
        service, ref = self.alerting, self.environment.ref
        kind = self.seen.alert.kind if self.seen.alert is not None else None
        incident = Incident(
            id=IncidentId("INC-0001"),
            environment=ref,
            title=f"{service} hurts",
            subject=Target(environment=ref, name=service),
            alert_names=("Hurts",),
            summary=f"{service} hurts",
            severity=Severity.SEV2,
            started_at=BEGAN,
            opened_at=self.now_,
            triage=Triage(
                verdict=TriageVerdict.CONFIRMED,
                severity=Severity.SEV2,
                service=service,
                signal=ALERTED.get(kind) if kind is not None else None,
                impact="",
                reason="",
            ),
        )
        return Briefing(incident, self.environment, NothingRemembered(), self.now_)


@dataclass(frozen=True)
class Found:
    """What a live diagnosis made of one case."""

    dataset: str
    case: str
    truth: str
    traced: bool
    diagnosis: Diagnosis

    @property
    def right(self) -> bool:
        """Whether the first cause is where it was, its mechanism known or not."""
        best = self.diagnosis.best
        return best is not None and best.service == self.truth

    @property
    def sure(self) -> bool:
        """Whether more than LOW is said."""
        return self.diagnosis.confidence is not Confidence.LOW


def main(arguments: list[str]) -> int:
    """Print the rows; 1 when a goal is missed, 2 when there is nothing to measure."""
    parser = argparse.ArgumentParser(prog="bench public", description="Public cases, live.")
    parser.add_argument("--cases", type=Path, required=True, help="a data set or a folder of sets")
    asked = parser.parse_args(arguments)
    try:
        sets, _ = data_sets(asked.cases)
        found = asyncio.run(_all(sets))
    except UsageError as error:
        print(f"bench public: {error}", file=sys.stderr)
        return 2
    for one in found:
        if not one.right:
            best = one.diagnosis.best
            named = f"{best.kind} of {best.service}" if best is not None else "nothing"
            told = f"{named} ({one.diagnosis.confidence})"
            print(f"missed: {one.case}: it is {one.truth}, told: {told}", file=sys.stderr)
    goals = list(rows(found))
    print("\n".join(goal.json() for goal in goals))
    return 0 if all(goal.met for goal in goals) else 1


async def _all(sets: Sequence[Path]) -> list[Found]:
    found = []
    for folder in sets:
        for case in cases(folder):
            for traced in (True, False) if case.seen.usual is not None else (False,):
                made = await diagnose(Place(case, traced).briefing)
                found.append(Found(folder.resolve().name, case.id, case.truth, traced, made))
    return found


def rows(found: Sequence[Found]) -> Iterator[Goal]:
    """Yield how often the right service stands first, and how often it was sure and wrong."""
    for traced, what in ((True, "with spans and lines"), (False, "metrics and graph alone")):
        some = [one for one in found if one.traced is traced]
        for name in dict.fromkeys(one.dataset for one in some):
            flags = (one.right for one in some if one.dataset == name)
            yield Goal(f"right, {name}, {what}", *share(flags))
    whole = {one.case: one for one in found if not one.traced}
    whole |= {one.case: one for one in found if one.traced}
    yield Goal("right, all, with all that each has", *share(o.right for o in whole.values()))
    belief = [best.belief if (best := one.diagnosis.best) is not None else 0.0 for one in found]
    right = np.array([float(one.right) for one in found])
    yield Goal("AUROC of belief, all", len(found), auroc(np.array(belief), right))
    wrong = (one.sure and not one.right for one in found)
    yield Goal("wrong with more than LOW, all", *share(wrong), "<= 0.05")
    high = (o.diagnosis.confidence is Confidence.HIGH and not o.right for o in found)
    yield Goal("wrong with HIGH, all", *share(high), "<= 0.005")
