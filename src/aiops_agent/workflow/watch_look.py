"""What becomes of a look of the watch: listed, joined to an incident, told by an alert of ours."""

# limit: what is listed, joined, opened and taken back is one transaction over one record

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import orjson

from aiops_agent.correlate import kin
from aiops_agent.domain.alert import Alert, AlertNews, AlertState, Delivery
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.payload import AlertReceived
from aiops_agent.domain.telemetry import ServiceGraph, ServiceName, Signal
from aiops_agent.domain.text import safe
from aiops_agent.domain.trouble import PlatformTrouble
from aiops_agent.domain.value import digest
from aiops_agent.domain.watch import (
    DAY,
    MOST_OPENED,
    PLATFORM_TROUBLE,
    SEEN_BY_WATCH,
    WATCH,
    Ailing,
    Unusual,
    WatchMode,
    WatchRecord,
)
from aiops_agent.ports.store import Work
from aiops_agent.reasoning.detect import Moved
from aiops_agent.reasoning.lookout import Glance
from aiops_agent.reasoning.measure import moment
from aiops_agent.workflow.deadman import open_about_all
from aiops_agent.workflow.deps import Deps, opened

OVER = timedelta(minutes=3)  # within its level, or not said any more, for so long: it is over
LOST_SIGHT = timedelta(hours=1)  # nothing more is seen of it: nobody knows, it is listed no more
HELD = timedelta(minutes=5)  # a platform says so for so long: a rollout is over by then
MOST_NOTED = 100  # objects that a platform says are ill; of a storm the first
DIGEST = "WatchDigest"
NAMES = {
    Signal.LATENCY: "LatencyWorseThanUsual",
    Signal.ERRORS: "ErrorsWorseThanUsual",
    Signal.TRAFFIC: "TrafficLost",
    Signal.SATURATION: "SaturationWorseThanUsual",
}
N = TypeVar("N", Unusual, Ailing)
_UNASKED = {"asked_at": None, "blind": (), "ailing": (), "left_out": 0}
_LONGEST = 200  # characters of what a platform says, in a title


@dataclass(frozen=True)
class PlatformSaid:
    """What a platform says is wrong, and what of it could not be read."""

    troubles: tuple[PlatformTrouble, ...]
    blind: tuple[str, ...] = ()

    @property
    def harm(self) -> tuple[PlatformTrouble, ...]:
        """What does not work now; what is only worth knowing is shown by `aiops status`."""
        return tuple(one for one in self.troubles if one.harm)


@dataclass
class WatchLook:  # limit: what becomes of all that is noticed, in one place
    """One look, worked into the record within one transaction."""

    deps: Deps
    work: Work
    environment: EnvironmentRef
    graph: ServiceGraph
    at: datetime
    said: list[Alert] = field(default_factory=list)

    def taken(
        self, was: WatchRecord, seen: Glance | str | None, told: PlatformSaid | str | None
    ) -> WatchRecord:
        """Return the record after this look, and put into the inbox what it has to say.

        A text is why nothing was seen: what was noticed before then stands as it was.
        """
        record = was.model_copy(update={"opened": was.lately(self.at)})
        if seen is not None and not isinstance(seen, str):
            record = self._measured(record, seen)
        if isinstance(told, PlatformSaid):
            record = self._asked(record, told)
        elif told is None:  # nobody is to ask
            record = record.model_copy(update=_UNASKED)
        why, untold = (one if isinstance(one, str) else "" for one in (seen, told))
        record = self._opened(record.model_copy(update={"why": why, "untold": untold}))
        self._say()
        return record

    def _measured(self, was: WatchRecord, seen: Glance) -> WatchRecord:
        standing = {one.key: one for one in self._standing(was, seen)}
        for moved in seen.moved:
            fresh = self._unusual(moved)
            old = standing.get(fresh.key)
            kept = {"since": old.since, "alert": old.alert, "incident": old.incident} if old else {}
            standing[fresh.key] = fresh.model_copy(update=kept)
        listed = tuple(map(self._placed, standing.values()))
        now = {"looked_at": self.at, "services": seen.services, "unusual": listed}
        return was.model_copy(update=now)

    def _standing(self, was: WatchRecord, seen: Glance) -> Iterator[Unusual]:
        """Yield what is not over; of what is over the alert is taken back."""
        for one in was.unusual:
            value = seen.now(one.key)
            if value is not None and one.fell(value):
                yield one.model_copy(update={"seen": self.at, "value": value})
            elif self.at - one.seen < (LOST_SIGHT if value is None else OVER):
                yield one
            elif one.alert:
                self.said.append(self._alert(one, AlertState.RESOLVED))

    def _asked(self, was: WatchRecord, told: PlatformSaid) -> WatchRecord:
        """Return the record with what the platform says, one entry for each workload."""
        now: dict[str, Ailing] = {}
        for trouble in told.harm:  # the first of each is the worst
            fresh = Ailing.told(trouble, self.at, told.blind)
            now.setdefault(fresh.key, fresh)
        standing = {one.key: one for one in self._ailing(was, now, told)}
        new = [one for key, one in now.items() if key not in standing]
        room = max(0, MOST_NOTED - len(standing))
        listed = tuple(map(self._placed, (*standing.values(), *new[:room])))
        update = {"asked_at": self.at, "blind": told.blind, "ailing": listed}
        return was.model_copy(update={**update, "left_out": len(new) - len(new[:room])})

    def _ailing(
        self, was: WatchRecord, now: dict[str, Ailing], told: PlatformSaid
    ) -> Iterator[Ailing]:
        """Yield what is not over. Who sees less than before cannot tell that it is."""
        for one in was.ailing:
            if (fresh := now.get(one.key)) is not None:
                kept = {"since": one.since, "alert": one.alert, "incident": one.incident}
                yield fresh.model_copy(update=kept)
                continue
            sees = set(told.blind) <= set(one.blind)
            if self.at - one.seen < (OVER if sees else LOST_SIGHT):
                yield one
            elif one.alert and sees:
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

    def _placed(self, one: N) -> N:
        """Return it with the incident that it belongs to, where there is one by now."""
        if one.incident:
            return one
        if one.alert and (known := self.work.alerts.newest(self.environment, (one.alert,))):
            return one.model_copy(update={"incident": known[one.alert].incident})
        since = self.at - DAY
        found = self.work.incidents.about(self.environment, self._kin(one.about), since)
        return one.model_copy(update={"incident": found[0].id}) if found else one

    def _kin(self, name: ServiceName) -> frozenset[ServiceName]:
        return kin(name, self.graph)

    def _opened(self, record: WatchRecord) -> WatchRecord:
        """Return the record after what hurts and belongs to nothing was told, as far as it may."""
        both: list[Unusual | Ailing] = [*record.unusual, *record.ailing]
        listed: dict[object, Unusual | Ailing] = {one.key: one for one in both}
        told = {one.about for one in both if one.alert}
        groups = list(self._groups(self._new(record), told))
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
        unusual = tuple(listed[one.key] for one in record.unusual)
        ailing = tuple(listed[one.key] for one in record.ailing)
        return record.model_copy(update={"unusual": unusual, "ailing": ailing})

    def _new(self, record: WatchRecord) -> list[Unusual | Ailing]:
        """Return what may open an incident, as it was seen at this look."""
        found: list[Unusual | Ailing] = []
        if record.mode is WatchMode.OPEN and record.looked_at == self.at:
            found += [one for one in record.unusual if one.hurts]
        if record.platform is WatchMode.OPEN:
            lasts = (one for one in record.ailing if one.seen == self.at)
            found += [one for one in lasts if self.at - one.since >= HELD]
        return [one for one in found if not one.alert and not one.incident]

    def _groups(
        self, new: Sequence[Unusual | Ailing], told: set[ServiceName]
    ) -> Iterator[list[Unusual | Ailing]]:
        """Yield what may have one cause together; not what was told of at an earlier look."""
        left = sorted(new, key=lambda one: (not _broken(one), one.since))
        while left:
            near = self._kin(left[0].about)
            group = [one for one in left if one.about in near]
            left = [one for one in left if one.about not in near]
            if not near & told:
                yield group

    def _digested(self, record: WatchRecord, rest: Sequence[Unusual | Ailing]) -> WatchRecord:
        """Return the record with the day's digest, which is told of what else is unusual."""
        words = "; ".join(map(_words, rest))
        if record.digest is not None and self.at - record.digest < DAY:
            about = opened(self.deps, self.work, record.digest_of, self.deps.now())
            key = f"{'-'.join(_names(rest[0]))}-{rest[0].since.isoformat()}"
            said = AlertReceived(news=AlertNews.JOINED, alert=key, name=DIGEST)
            about.tell(said, f"{DIGEST} · {words}", key)
            return record
        title = f"{MOST_OPENED} incidents were opened by the watch within a day: the rest is listed"
        made = open_about_all(
            self.deps, self.work, self.environment, f"{title} ({words})",
            name=DIGEST, key=DIGEST, started=rest[0].since, at=self.at,
        )  # fmt: skip
        return record.model_copy(update={"digest": self.at, "digest_of": made.id})

    def _alert(self, one: Unusual | Ailing, state: AlertState) -> Alert:
        if isinstance(one, Ailing):
            whom = {"service": one.service} if one.service else {"object": one.subject}
            whom = {"node": one.node} if one.node else whom
            name, words, severity = PLATFORM_TROUBLE, _words(one), "warning"
        else:
            whom, name = {"service": one.service}, NAMES[one.signal]
            words = f"{one.service} {one.words}"
            severity = "critical" if one.broken and one.signal is Signal.ERRORS else "warning"
        return Alert(
            source=WATCH,
            labels={"alertname": name, **whom, "severity": severity},
            annotations={"summary": f"{words} · {SEEN_BY_WATCH}, no alert of it"},
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


def _broken(one: Unusual | Ailing) -> bool:
    return isinstance(one, Unusual) and one.broken


def _names(one: Unusual | Ailing) -> tuple[str, str]:
    return (one.service, one.signal) if isinstance(one, Unusual) else (one.key, one.kind)


def _words(one: Unusual | Ailing) -> str:
    if isinstance(one, Unusual):
        return f"{one.service}: {one.words}"
    return f"{one.about}: {safe(one.words, limit=_LONGEST)}"
