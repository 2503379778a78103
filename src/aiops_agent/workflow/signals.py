"""Watches golden signals without an alert rule: what is worse than usual is listed, or opened.

What opens an incident is an alert of ours in the same inbox, written with the count of the day in
one transaction; so an alert of a sender joins it, and a restart opens nothing twice.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

import orjson

from aiops_agent.correlate import kin
from aiops_agent.domain.alert import Alert, AlertNews, AlertState, Delivery
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.payload import AlertReceived
from aiops_agent.domain.telemetry import ServiceGraph, ServiceName, Signal
from aiops_agent.domain.value import digest
from aiops_agent.domain.watch import (
    DAY,
    MOST_OPENED,
    SEEN_BY_WATCH,
    WATCH,
    Unusual,
    WatchMode,
    WatchRecord,
)
from aiops_agent.ports.store import Work
from aiops_agent.reasoning.detect import Moved
from aiops_agent.reasoning.lookout import Glance, Lookout
from aiops_agent.reasoning.measure import moment
from aiops_agent.workflow.deadman import open_about_all
from aiops_agent.workflow.deps import Deps, opened
from aiops_agent.workflow.loops import LoopName

LOOK_SECONDS = 30.0  # what hurts for a minute and a half is told within two
OVER = timedelta(minutes=3)  # within its level for so long: it is over
LOST_SIGHT = timedelta(
    hours=1
)  # nothing more is seen of it: nobody knows, and it is listed no more
WRITTEN = timedelta(minutes=5)  # between two records in which nothing changed
DIGEST = "WatchDigest"
NAMES = {
    Signal.LATENCY: "LatencyWorseThanUsual",
    Signal.ERRORS: "ErrorsWorseThanUsual",
    Signal.TRAFFIC: "TrafficLost",
    Signal.SATURATION: "SaturationWorseThanUsual",
}


@dataclass
class SignalWatch:
    """Looks at the golden signals of one environment. Only who leads runs it."""

    deps: Deps
    environment: EnvironmentRef
    mode: WatchMode
    heard: Callable[[], None] = lambda: None  # called after an alert was put into the inbox
    loop: ClassVar[LoopName] = LoopName.WATCH
    pause: ClassVar[float] = LOOK_SECONDS
    _lookout: Lookout | None = None

    async def look(self) -> WatchRecord:
        """Look once, keep what was seen and return it; raises StoreError.

        What does not answer is no trouble of ours: the record says so.
        """
        place = self.deps.environments(self.environment)
        at = place.clock.now()
        if self._lookout is None or self._lookout.metrics is not place.metrics:
            self._lookout = Lookout(place.metrics, self.deps.terms.pace.harm)
        was = await asyncio.to_thread(self._record)
        try:
            graph = await place.topology.graph()
            known = {one.key for one in was.unusual} if was else set()
            seen = await self._lookout.look(graph, at, known)
        except SourceError as error:
            return await asyncio.to_thread(self._unseen, str(error), at)
        if was is None or was.unusual or seen.moved or self._due(was, at):
            return await asyncio.to_thread(self._keep, graph, seen, at)
        return was

    def _due(self, was: WatchRecord, at: datetime) -> bool:
        """Whether a record in which nothing changed is written again."""
        return bool(was.why) or was.mode is not self.mode or at - was.looked_at >= WRITTEN

    def _record(self) -> WatchRecord | None:
        with self.deps.store.read() as view:
            return view.watches.get(self.environment)

    def _unseen(self, why: str, at: datetime) -> WatchRecord:
        """Keep why nothing is seen, once; what was seen before stands."""
        was = self._record() or WatchRecord(looked_at=at, mode=self.mode)
        if was.why == why:
            return was
        record = was.model_copy(update={"why": why, "mode": self.mode})
        with self.deps.store.begin() as work:
            work.watches.put(self.environment, record)
        return record

    def _keep(self, graph: ServiceGraph, seen: Glance, at: datetime) -> WatchRecord:
        with self.deps.store.begin() as work:
            was = work.watches.get(self.environment) or WatchRecord(looked_at=at, mode=self.mode)
            look = _Look(self.deps, work, self.environment, graph, seen, at)
            record = look.taken(was.model_copy(update={"mode": self.mode}))
            work.watches.put(self.environment, record)
        if look.said:
            self.heard()
        return record


@dataclass
class _Look:
    """One look, worked into the record within one transaction."""

    deps: Deps
    work: Work
    environment: EnvironmentRef
    graph: ServiceGraph
    seen: Glance
    at: datetime
    said: list[Alert] = field(default_factory=list)

    def taken(self, was: WatchRecord) -> WatchRecord:
        """Return the record after this look, and put into the inbox what it has to say."""
        standing = {one.key: one for one in self._standing(was)}
        for moved in self.seen.moved:
            fresh = self._unusual(moved)
            old = standing.get(fresh.key)
            kept = {"since": old.since, "alert": old.alert, "incident": old.incident} if old else {}
            standing[fresh.key] = fresh.model_copy(update=kept)
        listed = tuple(map(self._placed, standing.values()))
        record = was.model_copy(
            update={
                "looked_at": self.at,
                "why": "",
                "services": self.seen.services,
                "unusual": listed,
                "opened": was.lately(self.at),
            }
        )
        if record.mode is WatchMode.OPEN:
            record = self._opened(record)
        self._say()
        return record

    def _standing(self, was: WatchRecord) -> Iterator[Unusual]:
        """Yield what is not over; of what is over the alert is taken back."""
        for one in was.unusual:
            value = self.seen.now(one.key)
            if value is not None and one.fell(value):
                yield one.model_copy(update={"seen": self.at, "value": value})
            elif self.at - one.seen < (LOST_SIGHT if value is None else OVER):
                yield one
            elif one.alert:
                self.said.append(self._alert(one, AlertState.RESOLVED))

    def _unusual(self, moved: Moved) -> Unusual:
        return Unusual(
            service=moved.service,
            signal=moved.signal,
            since=moment(moved.since),
            seen=self.at,
            value=moved.value,
            usual=moved.usual,
            level=moved.level,
            broken=moved.broken,
            hurts=moved.hurts,
        )

    def _placed(self, one: Unusual) -> Unusual:
        """Return it with the incident that it belongs to, where there is one by now."""
        if one.incident:
            return one
        if one.alert and (known := self.work.alerts.newest(self.environment, (one.alert,))):
            return one.model_copy(update={"incident": known[one.alert].incident})
        near = kin(one.service, self.graph)
        since = self.at - DAY
        found = self.work.incidents.about(self.environment, near, since)
        return one.model_copy(update={"incident": found[0].id}) if found else one

    def _opened(self, record: WatchRecord) -> WatchRecord:
        """Return the record after what hurts and belongs to nothing was told, as far as it may."""
        told = {one.service for one in record.unusual if one.alert}
        listed = {one.key: one for one in record.unusual}
        groups = list(self._groups([o for o in record.unusual if _new(o)], told))
        most = record.left(self.at)
        for group in groups[:most]:
            for one in group:
                alert = self._alert(one, AlertState.FIRING)
                self.said.append(alert)
                key = alert.identity(self.deps.terms.replica_labels)
                listed[one.key] = one.model_copy(update={"alert": key})
        rest = [one for group in groups[most:] for one in group]
        moments = (*record.opened, *(self.at for _ in groups[:most]))
        record = record.model_copy(update={"opened": moments})
        if rest:
            record = self._digested(record, rest)
            for one in rest:
                listed[one.key] = one.model_copy(update={"incident": record.digest_of})
        return record.model_copy(update={"unusual": tuple(listed.values())})

    def _groups(self, new: Sequence[Unusual], told: set[ServiceName]) -> Iterator[list[Unusual]]:
        """Yield what may have one cause together; not what was told of at an earlier look."""
        left = sorted(new, key=lambda one: (not one.broken, one.since))
        while left:
            near = kin(left[0].service, self.graph)
            group = [one for one in left if one.service in near]
            left = [one for one in left if one.service not in near]
            if not near & told:
                yield group

    def _digested(self, record: WatchRecord, rest: Sequence[Unusual]) -> WatchRecord:
        """Return the record with the day's digest, which is told of what else is unusual."""
        words = "; ".join(f"{one.service}: {one.words}" for one in rest)
        if record.digest is not None and self.at - record.digest < DAY:
            about = opened(self.deps, self.work, record.digest_of, self.deps.now())
            key = f"{rest[0].service}-{rest[0].signal}-{rest[0].since.isoformat()}"
            said = AlertReceived(news=AlertNews.JOINED, alert=key, name=DIGEST)
            about.tell(said, f"{DIGEST} · {words}", key)
            return record
        title = f"{MOST_OPENED} incidents were opened by the watch within a day: the rest is listed"
        made = open_about_all(
            self.deps, self.work, self.environment, f"{title} ({words})",
            name=DIGEST, key=DIGEST, started=rest[0].since, at=self.at,
        )  # fmt: skip
        return record.model_copy(update={"digest": self.at, "digest_of": made.id})

    def _alert(self, one: Unusual, state: AlertState) -> Alert:
        words = f"{one.service} {one.words} · {SEEN_BY_WATCH}, no alert of it"
        severity = "critical" if one.broken and one.signal is Signal.ERRORS else "warning"
        labels = {"alertname": NAMES[one.signal], "service": one.service, "severity": severity}
        return Alert(
            source=WATCH,
            labels=labels,
            annotations={"summary": words},
            state=state,
            starts_at=one.since,
            received_at=self.deps.now(),
        )

    def _say(self) -> None:
        if not self.said:
            return
        body = orjson.dumps([one.document() for one in self.said], option=orjson.OPT_SORT_KEYS)
        self.work.inbox.keep(
            Delivery(
                source=WATCH,
                environment=self.environment,
                digest=digest("watch/v1", [str(self.environment), body.decode()]),
                body=body.decode(),
                alerts=tuple(self.said),
                received_at=self.deps.now(),
            )
        )


def _new(one: Unusual) -> bool:
    return one.hurts and not one.alert and not one.incident
