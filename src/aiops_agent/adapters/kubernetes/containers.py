"""What is wrong with one container of a pod, by its status and what was reported of the pod."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.adapters.kubernetes import causes, fields
from aiops_agent.adapters.kubernetes.state import latest, seen
from aiops_agent.domain.quantity import megabytes
from aiops_agent.domain.trouble import TroubleKind
from aiops_agent.domain.value import Document

LATELY = timedelta(minutes=10)  # a restart that is longer ago has worked
STARTING = timedelta(seconds=30)  # so long after its start it may be not ready
LONG_INIT = timedelta(seconds=60)  # worth knowing, and no harm yet
TOO_LONG_INIT = timedelta(minutes=3)  # nothing usual takes longer before a start
LOOPS = 2  # restarts within LATELY; one may be a dependency that was not there yet
IMAGE = (
    *("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"),
    *("ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"),
)
START = ("RunContainerError", "CreateContainerError", "StartError", "ContainerCannotRun")
CONFIG = "CreateContainerConfigError"
OUT_OF_MEMORY = "OOMKilled"
_NO_COMMAND = (126, 127)  # as shells say that a command cannot be run or is not there
_BACK_OFF = re.compile(r"Back-off pulling image \"[^\"]*\":? ?(?:Err\w+: )?")


@dataclass(frozen=True)
class Ill:
    """What is wrong with a container; `previous` says whose log has its last words."""

    kind: TroubleKind
    container: str
    words: str
    step: str
    harm: bool = True
    since: datetime | None = None
    ended: bool = False  # it ended, and what it wrote before tells why
    previous: bool = False  # ... in the log of the run before this one


@dataclass(frozen=True)
class Container:
    """One container of a pod: its status, its part of the pod's spec, and the pod's events."""

    status: Document
    spec: Document
    events: Sequence[Document]
    namespace: str
    now: datetime
    init: bool = False
    lasting: bool = True  # its end is not wanted

    @property
    def name(self) -> str:
        """Its name in the pod."""
        return fields.text(self.status, "name")

    def ill(self) -> Ill | None:
        """Return the worst of what is wrong with it, or None."""
        return self._waits() or self._ends() or self._runs()

    def _waits(self) -> Ill | None:
        """Return why it waits, where that says it all."""
        reason = fields.text(self.status, "state", "waiting", "reason")
        said = fields.text(self.status, "state", "waiting", "message")
        if reason in IMAGE:
            words = self._registry(said)
            image = fields.text(self.spec, "image") or fields.text(self.status, "image")
            told = f"{reason}: image {image}: {words}" if words else f"{reason}: image {image}"
            return self._made(TroubleKind.IMAGE, told, causes.image(words, reason))
        if reason == CONFIG:
            step = causes.missing(said, self.namespace)
            kind = TroubleKind.CONFIG_MISSING if step else TroubleKind.START
            return self._made(kind, f"{reason}: {said}", step or causes.start(said))
        if reason in START:
            return self._made(TroubleKind.START, f"{reason}: {said}", causes.start(said))
        return None

    def _ends(self) -> Ill | None:
        """Return why it ends again and again."""
        back_off = fields.text(self.status, "state", "waiting", "reason") == "CrashLoopBackOff"
        over, previous = fields.field(self.status, "state", "terminated"), False
        if not isinstance(over, dict):
            over, previous = fields.field(self.status, "lastState", "terminated"), True
        if not isinstance(over, dict):
            over = {}
        if not (back_off or self._counts(over, previous=previous)):
            return None
        restarts = fields.count(self.status, "restartCount")
        code = fields.number(over, "exitCode")
        reason, said = fields.text(over, "reason"), fields.text(over, "message").strip()
        times = f", restarted {restarts} {'time' if restarts == 1 else 'times'}" if restarts else ""
        ending = f"ended with exit code {'unknown' if code is None else code}"
        ending += f" ({reason})" if reason and reason not in ("Error", "Completed") else ""
        since = fields.moment(over, "finishedAt")
        kind, step, told = self._why(code, reason, said)
        loop = "CrashLoopBackOff: " if back_off else ""
        words = f"{loop}{told}{ending}{times}" + (f": {said}" if said else "")
        return Ill(kind, self.name, words, step, since=since, ended=True, previous=previous)

    def _why(self, code: int | None, reason: str, said: str) -> tuple[TroubleKind, str, str]:
        """Return what kind an end is of, the step, and words to stand before it."""
        loop = TroubleKind.INIT if self.init else TroubleKind.CRASH_LOOP
        if reason == OUT_OF_MEMORY:
            limit = self._limit()
            bound = f"its limit of {megabytes(int(limit))}" if limit else "the node's memory"
            step = "raise the memory limit, or find what uses it; a restart is a stop-gap"
            return TroubleKind.OUT_OF_MEMORY, step, f"ran out of memory at {bound}; "
        if reason in START:
            return TroubleKind.START, causes.start(said), ""
        if probe := self._killed():
            step = "correct the probe (path, port, delays), or see why it does not answer"
            return TroubleKind.UNHEALTHY, step, f"{probe}; "
        if code in _NO_COMMAND:
            return loop, "correct the command: it is not there or cannot be run", ""
        if code == 0 and not self.init:
            step = "its command finishes: correct it so that it stays, or run it as a Job"
            return loop, step, ""
        return loop, "see its last lines, and mend what they say", ""

    def _counts(self, over: Document, *, previous: bool) -> bool:
        """Whether an end is trouble now."""
        if not over:
            return False
        code, starved = fields.number(over, "exitCode"), over.get("reason") == OUT_OF_MEMORY
        if not previous:
            return starved or (code != 0 if self.init or not self.lasting else True)
        ended = fields.age(fields.moment(over, "finishedAt"), self.now)
        lately = ended is not None and ended <= LATELY
        if self.init and self.status.get("ready") is True:
            return False
        often = fields.count(self.status, "restartCount") >= LOOPS
        return lately and (starved or often or bool(self._killed()))

    def _runs(self) -> Ill | None:
        """Return what is wrong although it runs."""
        running = fields.field(self.status, "state", "running")
        if not isinstance(running, dict):
            return None
        since = fields.moment(running, "startedAt")
        ran = fields.age(since, self.now) or timedelta()
        if self.init and fields.text(self.spec, "restartPolicy") != "Always":
            if ran < LONG_INIT:
                return None
            words = f"init container {self.name} runs since {ran.total_seconds():.0f} s"
            step = "see what it waits for: its log, or a service that it needs"
            return Ill(
                TroubleKind.INIT, self.name, words, step, ran >= TOO_LONG_INIT, since, ended=True
            )
        if self.status.get("ready") is not False or ran < STARTING:
            return None
        startup = self.status.get("started") is False and "startupProbe" in self.spec
        probe = self._probe("Startup" if startup else "Readiness")
        if not (probe or "readinessProbe" in self.spec or startup):
            return None
        kind = TroubleKind.UNHEALTHY if startup else TroubleKind.NOT_READY
        words = f"runs and is not ready: {probe or 'its probe fails'}"
        step = "correct the probe (path, port), or see what it waits for; a restart mends a hang"
        return Ill(kind, self.name, words, step, since=since, ended=True)

    def _probe(self, which: str) -> str:
        """Return what a probe said last, or ""."""
        own = [one for one in self.events if self.about(one)]
        said = [
            one
            for one in own
            if fields.text(one, "message").startswith(f"{which} probe ")
            and fields.text(one, "reason") in ("Unhealthy", "ProbeWarning")
        ]
        return " ".join(fields.text(said[-1], "message").split()) if said else ""

    def _killed(self) -> str:
        """Return the probe that had it killed of late, or ""."""
        own = [one for one in self.events if self.about(one)]
        for which in ("Liveness", "Startup"):
            kills = [o for o in own if f"failed {which.lower()} probe" in fields.text(o, "message")]
            killed = latest(kills, "Killing")
            after = fields.age(seen(killed), self.now) if killed else None
            if after is not None and after <= LATELY:
                return self._probe(which) or f"{which} probe failed"
        return ""

    def about(self, event: Document) -> bool:
        """Whether an event of the pod speaks of this container; many name none."""
        path = fields.text(event, "involvedObject", "fieldPath")
        return not path or path.endswith(f"{{{self.name}}}")

    def _registry(self, said: str) -> str:
        """Return the registry's words: the back-off that follows often has them not."""
        own = _BACK_OFF.sub("", said).strip()
        told = latest([one for one in self.events if self.about(one)], "Failed")
        event = fields.text(told, "message")
        event = event if event.startswith("Failed to pull image") else ""
        return " ".join((own or event).split())

    def _limit(self) -> float | None:
        given = fields.field(self.status, "resources", "limits", "memory")
        return fields.quantity(given or fields.field(self.spec, "resources", "limits", "memory"))

    def _made(self, kind: TroubleKind, words: str, step: str) -> Ill:
        return Ill(kind, self.name, words.strip(" :"), step)
