"""A suspicion: one candidate cause with what it predicts, held against what was seen."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import Change, ChangeKind, ServiceKind, ServiceName, Signal
from aiops_agent.reasoning.explain import hurting, own_share, pain
from aiops_agent.reasoning.gather import Scene
from aiops_agent.reasoning.measure import Shift
from aiops_agent.reasoning.mine import Novelty, novelties

Fact: TypeAlias = tuple[str, str]  # (signal name, service), ("change", index) or ("log", index)
SUSPECT_CHANGES = timedelta(minutes=15)  # how long before the trouble a change is suspect
RISE = 1.15  # traffic must grow by this factor to count as grown
RETRIES = 2.0  # times that a caller usually asks again
ORDER_SLACK = 45.0  # seconds by which two onsets may be swapped and still be "together"


class Observed(StrEnum):
    """What telemetry says of one prediction."""

    HELD = "held"
    FAILED = "failed"
    CONTRADICTED = "contradicted"  # the opposite was seen
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Prediction:
    """What must be seen if the suspicion is right, whether it is, and the facts that show it."""

    claim: str
    result: Observed
    weight: float = 1.0
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Suspicion:
    """One candidate cause. `seen_at` is where it shows when that is not the service itself."""

    kind: CauseKind
    service: ServiceName
    statement: str
    predictions: tuple[Prediction, ...]
    change: Change | None = None
    seen_at: str = ""


@dataclass(frozen=True)
class Investigation:
    """A scene with what was worked out once: log novelties, own pain, who hurts."""

    scene: Scene
    news: tuple[Novelty, ...]
    own: dict[str, float]
    hurting: tuple[ServiceName, ...]

    def kind(self, service: str) -> ServiceKind:
        """Return what sort of thing a service is; an application unless known better."""
        known = self.scene.graph.service(service)
        return known.kind if known else ServiceKind.APPLICATION

    def shift(self, service: str, signal: Signal) -> Shift | None:
        """Return how one signal moved, or None when it is not seen."""
        return self.scene.shift(service, signal)

    def onset(self, service: str) -> float:
        """Return when the service's own pain began; the incident's beginning if it has none."""
        found = [one.onset for one in pain(self.scene, service) if one.onset is not None]
        return min(found, default=self.scene.began)

    def traffic_rose(self, service: str) -> bool | None:
        """Whether more requests are offered than before, retries set aside; None if not seen."""
        moved = self.shift(service, Signal.TRAFFIC)
        if moved is None:
            return None
        # A history that varies (a start, a night) has a wide spread; beyond all of it is a rise.
        rose = (moved.up and moved.ratio >= RISE) or moved.above(RISE)
        return rose and not self.only_retries(service)

    def served(self, service: str) -> float | None:
        """Return how many times as many requests as before are answered well lately, if seen."""
        asked, failed = self.shift(service, Signal.TRAFFIC), self.shift(service, Signal.ERRORS)
        if asked is None or failed is None or asked.before <= 0 or failed.before >= 1:
            return None
        seen = (asked.latest * (1 - failed.latest)) / (asked.before * (1 - failed.before))
        return None if math.isnan(seen) else seen

    def only_retries(self, service: str) -> bool:
        """Whether callers that are as busy as ever explain the rise: they ask again and again."""
        moved = self.shift(service, Signal.TRAFFIC)
        callers = self.scene.graph.callers(service)
        risen = moved is not None and (moved.up or moved.above(RISE))
        if moved is None or not risen or not callers or not pain(self.scene, service):
            return False
        theirs = [self.shift(caller, Signal.TRAFFIC) for caller in callers]
        # 8 % more of its own is within what a caller varies; beyond it the rise may be real demand.
        if any(one is None or (one.up and one.ratio >= 1.08) for one in theirs):
            return False
        failed = [self.shift(name, Signal.ERRORS) for name in (service, *callers)]
        share = max((one.worst for one in failed if one is not None), default=0.0)
        # Retries come after failures, and no failure is retried for ever.
        late = moved.onset is not None and moved.onset >= self.onset(service) - 5.0
        return late and moved.ratio <= 1.1 * (1.0 + RETRIES * share)

    def work(self, service: str) -> float | None:
        """Return how many times as much capacity one request needs as before, if it is seen."""
        used = self.shift(service, Signal.SATURATION)
        asked = self.shift(service, Signal.TRAFFIC)
        # An idle service (2 % used) says nothing about what one request costs.
        if used is None or asked is None or used.before < 0.02 or asked.before <= 0:
            return None
        replicas = self.shift(service, Signal.REPLICAS)
        grown = replicas.now / replicas.before if replicas and replicas.before > 0 else 1.0
        return (used.worst / used.before) * grown / max(asked.ratio, 0.05)

    def changes(self, service: str, kinds: tuple[ChangeKind, ...]) -> Iterator[tuple[int, Change]]:
        """Return suspect changes of a service with their index, the latest first."""
        first = min(self.onset(service), self.scene.began)
        for index in reversed(range(len(self.scene.changes))):
            change = self.scene.changes[index]
            lead = first - change.at.timestamp()
            near = -ORDER_SLACK <= lead <= SUSPECT_CHANGES.total_seconds()
            if change.service == service and change.kind in kinds and near:
                yield index, change

    def changed(self, service: str) -> bool | None:
        """Whether the service was released or reconfigured just before; None if not known."""
        if any(self.changes(service, (ChangeKind.RELEASE, ChangeKind.CONFIG))):
            return True
        return None if self.scene.lacks("changes") else False

    def log(self, service: str, words: re.Pattern[str]) -> tuple[Fact, ...]:
        """Return the facts of new log lines of `service` that speak of `words`."""
        return tuple(
            ("log", str(index))
            for index, one in enumerate(self.news)
            if one.service == service and one.hints(words)
        )


def study(scene: Scene) -> Investigation:
    """Work out what every suspicion needs."""
    own: dict[str, float] = {str(name): own_share(scene, name) for name in scene.names}
    return Investigation(scene=scene, news=novelties(scene), own=own, hurting=hurting(scene))


def expect(
    claim: str, seen: bool | None, *facts: Fact, weight: float = 1.0, against: bool = False
) -> Prediction:
    """Return a prediction; `against` says that the opposite was seen, not merely nothing."""
    if against:
        result = Observed.CONTRADICTED
    elif seen is None:
        result = Observed.UNSEEN
    else:
        result = Observed.HELD if seen else Observed.FAILED
    return Prediction(claim, result, weight, facts)


def fact(signal: Signal, service: str) -> Fact:
    """Return the reference of a signal."""
    return (signal.value, service)
