"""A suspicion: one candidate cause with what it predicts, held against what was seen.

Latency and errors travel from callee to caller: how much of a service's pain is its own?
"""

# limit: a suspicion, and all that is worked out once for every one of them

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from aiops_agent.domain.diagnosis import CauseKind
from aiops_agent.domain.telemetry import Change, ChangeKind, ServiceKind, ServiceName, Signal
from aiops_agent.reasoning.belief import NAMED, probability
from aiops_agent.reasoning.blame import BlameRanking, blame
from aiops_agent.reasoning.fallen import Fall, fallen
from aiops_agent.reasoning.gather import Scene
from aiops_agent.reasoning.lookups import while_asked
from aiops_agent.reasoning.measure import Shift
from aiops_agent.reasoning.mine import Novelty, novelties
from aiops_agent.reasoning.observe import observations

Fact: TypeAlias = tuple[str, str]  # (signal name, service), ("change", index) or ("log", index)
SUSPECT_CHANGES = timedelta(minutes=15)  # how long before the trouble a change is suspect
RISE = 1.15  # traffic must grow by this factor to count as grown
RETRIES = 2.0  # times that a caller usually asks again
ORDER_SLACK = 45.0  # seconds by which two onsets may be swapped and still be "together"
# A caller may wait for a callee more than once (retries, several calls for one request).
CALLS_PER_REQUEST = 2.0
DOWN = 0.9  # of a caller's pain: what a callee that is gone accounts for
FULL = 0.9  # share in use: a service this full is slow by itself
BELIEVED = 0.5  # from here blame is more likely right than wrong


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
    sign: bool = False  # seen of this mechanism and of hardly another

    @property
    def held(self) -> bool:
        """Whether it was seen."""
        return self.result is Observed.HELD


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
    blame: BlameRanking  # who changed most by itself, whatever the mechanism
    fallen: dict[str, Fall]  # who ended or fell silent

    @property
    def blamed(self) -> ServiceName | None:
        """The service that blame alone would name, when it may be believed; else None."""
        return self._first(BELIEVED)

    @property
    def worth_naming(self) -> ServiceName | None:
        """The service that blame puts first, also when a person must doubt it; else None."""
        return self._first(NAMED)

    def _first(self, likely: float) -> ServiceName | None:
        named = probability(self.blame) >= likely
        return ServiceName(self.blame.blamed[0].service) if named else None

    def kind(self, service: str) -> ServiceKind:
        """Return what sort of thing a service is; an application unless known better."""
        known = self.scene.graph.service(service)
        return known.kind if known else ServiceKind.APPLICATION

    def shift(self, service: str, signal: Signal) -> Shift | None:
        """Return how one signal moved, or None when it is not seen."""
        return self.scene.shift(service, signal)

    def onset(self, service: str) -> float:
        """Return when the service's own pain began; the incident's beginning if it has none."""
        found = [one.onset for one in self.scene.pain(service) if one.onset is not None]
        return min(found, default=self.scene.began)

    def traffic_rose(self, service: str) -> bool | None:
        """Whether more requests are offered than before, retries set aside; None if not seen."""
        more = self.asked_more(service)
        return more and not self.only_retries(service)

    def asked_more(self, service: str) -> bool | None:
        """Whether it is asked more than before, by new requests or by retries; None if not seen."""
        moved = self.shift(service, Signal.TRAFFIC)
        # A history that varies (a start, a night) has a wide spread; beyond all of it is a rise.
        more = moved is not None and ((moved.up and moved.ratio >= RISE) or moved.above(RISE))
        return None if moved is None else more

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
        graph = self.scene.graph
        # Where nobody knows who calls it, whoever else suffers may be its caller.
        others = [name for name in self.hurting if name != service]
        callers = graph.callers(service) if graph.calls else others
        risen = moved is not None and (moved.up or moved.above(RISE))
        if moved is None or not risen or not callers or not self.scene.pain(service):
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
        for index, change in self.recent_changes(service, kinds):
            if not self.late(change):
                yield index, change

    def recent_changes(
        self, service: str, kinds: tuple[ChangeKind, ...]
    ) -> Iterator[tuple[int, Change]]:
        """Return also those that came later: no cause of this trouble, but maybe of another."""
        for index in reversed(range(len(self.scene.changes))):
            change = self.scene.changes[index]
            fits = change.service == service and change.kind in kinds
            if fits and self._lead(change) <= SUSPECT_CHANGES.total_seconds():
                yield index, change

    def late(self, change: Change) -> bool:
        """Whether a change came clearly after the trouble began."""
        return self._lead(change) < -ORDER_SLACK

    def _lead(self, change: Change) -> float:
        """Return by how many seconds a change came before its service's pain, and before any."""
        return min(self.onset(change.service), self.scene.began) - change.at.timestamp()

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


def study(scene: Scene, alerted: Signal | None = None) -> Investigation:
    """Work out what every suspicion needs; `alerted` is what the alert is about, if known."""
    down = dict(fallen(scene))
    scene = while_asked(scene)
    own: dict[str, float] = {str(name): own_share(scene, name, down) for name in scene.names}
    return Investigation(
        scene=scene,
        fallen=down,
        news=novelties(scene),
        own=own,
        hurting=hurting(scene),
        blame=blame(observations(scene, alerted, down)),
    )


def expect(
    claim: str,
    seen: bool | None,
    *facts: Fact,
    weight: float = 1.0,
    against: bool = False,
    sign: bool = False,
) -> Prediction:
    """Return a prediction; `against` says that the opposite was seen, not merely nothing."""
    if against:
        result = Observed.CONTRADICTED
    elif seen is None:
        result = Observed.UNSEEN
    else:
        result = Observed.HELD if seen else Observed.FAILED
    return Prediction(claim, result, weight, facts, sign)


def fact(signal: Signal, service: str) -> Fact:
    """Return the reference of a signal."""
    return (signal.value, service)


def own_share(scene: Scene, service: str, down: Mapping[str, Fall] = MappingProxyType({})) -> float:
    """Return which share 0..1 of the service's pain its callees do not account for.

    0 when it has no pain. 1 when nothing is known of its callees. One of which nothing stands any
    more (`down`) accounts for most of it.
    """
    hurts = scene.pain(service)
    if not hurts:
        return 0.0
    gone = {name for name, fall in down.items() if fall.left <= 0.0}
    if not gone.isdisjoint(scene.graph.callees(service)):
        return 1.0 - DOWN
    shares = (_accounts_for(scene, callee, hurts[0]) for callee in scene.graph.callees(service))
    return 1.0 - max(shares, default=0.0)


def to_blame(scene: Scene, service: str) -> str | None:
    """Return the callee that accounts for most of the service's pain, or None."""
    hurts = scene.pain(service)
    if not hurts:
        return None
    # Of two that account for all of it, the one that hurts more.
    shares = [
        (_accounts_for(scene, one, hurts[0]), max((h.size for h in scene.pain(one)), default=0.0))
        for one in scene.graph.callees(service)
    ]
    best = max(range(len(shares)), key=lambda i: shares[i], default=-1)
    # Half: less than that, and the service has pain enough of its own.
    enough = best >= 0 and shares[best][0] >= 0.5
    return scene.graph.callees(service)[best] if enough else None


def hurting(scene: Scene) -> tuple[ServiceName, ...]:
    """Return every service in pain, the worst first."""
    found = [(hurts[0].size, name) for name in scene.names if (hurts := scene.pain(name))]
    return tuple(name for _, name in sorted(found, key=lambda pair: (-pair[0], pair[1])))


def _swamped(scene: Scene, service: str) -> bool:
    """Whether a service is full and several times slower: then its callers queue for it.

    They hold connections and workers while they wait, so their own wait grows far beyond the
    callee's latency: amounts cannot be compared any more.
    """
    used, latency = scene.shift(service, Signal.SATURATION), scene.shift(service, Signal.LATENCY)
    full = used is not None and used.up and used.worst >= FULL
    # Three times as slow: nearer to usual, amounts can still be compared.
    return full and latency is not None and latency.ratio >= 3.0


def _accounts_for(scene: Scene, callee: str, hurt: Shift) -> float:
    """Return which share of a caller's shift the callee's own pain explains."""
    latency = scene.shift(callee, Signal.LATENCY)
    errors = scene.shift(callee, Signal.ERRORS)
    slow = latency is not None and latency.up
    failing = errors is not None and errors.up
    found = [0.9 if slow and _swamped(scene, callee) else 0.0]
    caller = hurt.track.service
    if slow and latency is not None:
        # Slow callees make callers time out: their errors are explained by comparing latencies.
        waited = scene.shift(caller, Signal.LATENCY)
        reference = hurt if hurt.track.signal is Signal.LATENCY else waited
        if reference is not None and reference.delta > 0:
            found.append(CALLS_PER_REQUEST * latency.delta / reference.delta)
    if failing and errors is not None:
        if hurt.track.signal is Signal.ERRORS:
            found.append(CALLS_PER_REQUEST * errors.delta / hurt.delta)
        else:
            found.append(min(0.8, 4.0 * errors.delta))  # retries cost the caller time
    return min(1.0, max(found))
