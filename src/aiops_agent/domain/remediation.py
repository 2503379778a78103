"""What is to be done: actions as data, plans, what was prepared, what came of it."""

# limit: one page says what is done, from an action to its outcome

from datetime import datetime, timedelta
from enum import StrEnum
from operator import not_
from typing import NewType, Self

from pydantic import Field

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.reasoning import Doubt
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.domain.value import Document, Value, digest

# The name of an action; each is given by its file in `actions` and listed in the registry.
ActionKind = NewType("ActionKind", str)


class Capacity(StrEnum):
    """What an action does to a service's capacity while it is being done."""

    KEEPS = "keeps"
    ADDS = "adds"
    TAKES = "takes"


class Offer(Value):
    """One kind of action that the environment offers: its bounds, and how to speak of it.

    `bounds` is the action's section of the settings; an action beyond its bounds is refused.
    """

    kind: ActionKind
    noun: str = ""  # "scaling"
    capacity: Capacity = Capacity.KEEPS
    bounds: Document = {}


class TargetKind(StrEnum):
    """What kind of thing an action is done to."""

    SERVICE = "service"
    DEPLOYMENT = "deployment"
    STATEFULSET = "statefulset"
    DAEMONSET = "daemonset"
    POD = "pod"
    CONTAINER = "container"
    NODE = "node"
    TARGET = "target"
    CLUSTER = "cluster"
    UNKNOWN = "unknown"


class Target(Value):
    """One thing in an environment, by name; its identity (a uid) is the precondition's."""

    environment: EnvironmentRef
    kind: TargetKind = TargetKind.SERVICE
    namespace: str = ""
    name: str

    @property
    def service(self) -> ServiceName:
        """Its name as that of a service."""
        return ServiceName(self.name)

    @property
    def key(self) -> str:
        """What it is claimed by: one service has one key, whatever kind of thing it is called."""
        return f"{self.environment}/{self.namespace}/{self.name}".casefold()

    @property
    def text(self) -> str:
        """The target in a word or two: `web`, `shop/web`, `pod shop/web-1`."""
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return name if self.kind is TargetKind.SERVICE else f"{self.kind} {name}"


class Action(Value):
    """A wished state of one target, never a delta. The kind's file says what `wished` holds."""

    kind: ActionKind
    target: Target
    wished: dict[str, str | int] = {}

    @property
    def text(self) -> str:
        """The action as a short line: `scale_pods payments-api replicas=4`."""
        wished = " ".join(f"{name}={value}" for name, value in self.wished.items())
        return f"{self.kind} {self.target.text} {wished}".rstrip()


class Risk(StrEnum):
    """Computed by code from kind, target and reach."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class BlastRadius(Value):
    """What an action touches."""

    services: tuple[ServiceName, ...]  # the target first, then who depends on it
    replicas: int  # instances touched
    interrupts: bool  # requests in flight may be lost
    words: str  # "2 new containers beside 2; running ones are not touched"


class Comparison(StrEnum):
    """Which side of the level is good."""

    BELOW = "below"
    ABOVE = "above"


class Criterion(Value):
    """What counts as recovered: registered before approval.

    Good when every value of `signal` of `service` is on the good side of `level` for `hold`,
    reached no later than `within` after the action. `worse` is the level beyond which the action
    did harm.
    """

    service: ServiceName
    signal: Signal
    comparison: Comparison
    level: float
    hold: timedelta
    within: timedelta
    worse: float | None = None
    at_alert: float | None = None
    words: str = ""


class Recovery(StrEnum):
    """What telemetry says after an action; missing data is never success."""

    RECOVERED = "recovered"
    NOT_RECOVERED = "not_recovered"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"


class Precedent(Value):
    """An action that was tried in a similar incident, and what telemetry said after it."""

    incident: str
    ended_at: datetime
    action: Action
    noun: str  # "scaling"
    recovery: Recovery
    reasons: tuple[str, ...] = ()  # why memory recalled the incident
    weight: float = 1.0  # less with age, and where the trouble came back soon
    heals: float = 0.0  # share of the like that healed by itself
    here: bool = False  # at the service that is to be acted on, with its present release
    held: timedelta | None = None  # until the same came back, if it did
    helped: int = 0  # of `tries` of its kind in the like of this, this one included
    tries: int = 1
    times: int = 1  # so many incidents in one, where memory made them one

    @property
    def where(self) -> str:
        """The incident and its month: "INC-0007 (January)"."""
        return f"{self.incident} ({self.ended_at:%B})"

    @property
    def words(self) -> str:
        """What memory says, in a line."""
        why = f"{', '.join(self.reasons[:2])}: " if self.reasons else ""
        many = self.tries > 1
        if self.recovery is Recovery.RECOVERED:
            times = f" {self.helped} of {self.tries} times, last in" if many else ","
            return f"{why}{self.noun} fixed it{times} {self.where}"
        failed = self.tries - self.helped
        times = f" {failed} of {self.tries} times, last" if many else ""
        return f"{why}{self.noun} did not help{times} in {self.where}"


class PlanKind(StrEnum):
    """What a plan asks for."""

    ACT = "act"
    WATCH = "watch"  # change nothing, look whether it heals
    HANDOVER = "handover"  # change nothing, give it to a person


class Alternative(Value):
    """Something else that could be done, with its drawback.

    An action of which the parameters were not worked out has none.
    """

    actions: tuple[Action, ...] = ()
    text: str = ""  # what it is, when it is no action
    drawback: str

    @property
    def words(self) -> str:
        """What it is, in a short line."""
        return ", ".join(action.text for action in self.actions) or self.text


class Plan(Value):
    """An ordered tuple of actions with what is expected of them."""

    kind: PlanKind
    actions: tuple[Action, ...] = ()
    reason: str
    expected: str = ""
    hypothesis: str = ""  # Hypothesis.key
    criteria: tuple[Criterion, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    precedents: tuple[Precedent, ...] = ()  # what memory says of its actions, and of others
    recurs: str = ""  # "third time in two weeks; scaling holds for about 2 days"
    stop_gap: bool = False  # eases the symptom, the cause stays
    affected: tuple[ServiceName, ...] = ()  # the subject, then all whose signals moved
    advice: tuple[str, ...] = ()  # what runbooks that fit say of its actions, for the approver


class Request(Value):
    """One keyed request exactly as it will be sent; only its platform reads `payload`.

    `repeatable`: sending it twice has at most one effect, by the platform's own rules. Requests of
    one `part` leave the target whole only together: make a container, then start it.
    """

    operation: str  # operation id, unique for ever
    part: str = ""  # "" is a part of its own
    words: str  # "POST /containers/3f2a.../restart?t=10"
    payload: Document
    repeatable: bool


class Draft(Value):
    """What a platform made of an action: target read, precondition frozen, requests built."""

    action: Action
    requests: tuple[Request, ...]  # empty: the target is already as wished
    precondition: Document  # identity, generation, old values
    inverse: Action | None  # None: cannot be taken back, said before approval
    blast: BlastRadius
    run: str  # what a person would type for the same effect, or its plain words
    undo: str = ""  # the same for the way back; "": the platform has no words of its own
    rights: tuple[str, ...] = ()  # what it makes may do beyond its own walls, each in words
    # What makes it riskier than its kind, each in words. Left out where it is nothing, so that a
    # plan that waited for its answer while we were upgraded has the digest that was answered.
    hazards: tuple[str, ...] = Field(default=(), exclude_if=not_)


class Prepared(Draft):
    """A draft completed by code from the kind of action, the target and its reach."""

    do: str  # "scale payments-api to 10 replicas"
    risk: Risk
    hazard: str  # why it has this risk


class PreparedPlan(Value):
    """A plan with all its actions prepared: this is what people approve."""

    incident: str
    environment: EnvironmentRef
    attempt: int
    plan: Plan
    steps: tuple[Prepared, ...]
    asked: int = 1  # how often it is put to people: an answer counts for that question only

    @property
    def approval(self) -> str:
        """The id of its question: "INC-0042.1", and when it is asked anew "INC-0042.1.2"."""
        again = f".{self.asked}" if self.asked > 1 else ""
        return f"{self.incident}.{self.attempt}{again}"

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request, in the order in which they are sent."""
        return tuple(request for step in self.steps for request in step.requests)

    @property
    def targets(self) -> tuple[Target, ...]:
        """What is acted on, each once."""
        return tuple(dict.fromkeys(step.action.target for step in self.steps if step.requests))

    @property
    def digest(self) -> str:
        """SHA-256 over the whole plan as prepared: any change makes another digest."""
        return digest("plan/v1", self.document())


class EffectState(StrEnum):
    """What became of one request."""

    APPLIED = "applied"
    REFUSED = "refused"  # the platform said no; nothing was done
    UNKNOWN = "unknown"  # sent once, nobody can tell: ask a person
    SKIPPED = "skipped"  # not sent: one before it did not apply, or it was not permitted any more


class Effect(Value):
    """One request and what became of it."""

    operation: str
    part: str = ""  # Request.part
    words: str
    state: EffectState
    note: str = ""
    at: datetime


class Outcome(Value):
    """What was done, request by request; done only when all applied."""

    effects: tuple[Effect, ...]
    started: datetime
    finished: datetime

    @property
    def state(self) -> EffectState:
        """The worst state among the effects; APPLIED when there was nothing to send."""
        order = (EffectState.UNKNOWN, EffectState.REFUSED, EffectState.SKIPPED)
        states = {effect.state for effect in self.effects}
        return next((state for state in order if state in states), EffectState.APPLIED)

    @property
    def begun(self) -> bool:
        """Whether anything was sent at all."""
        return any(effect.state is not EffectState.SKIPPED for effect in self.effects)

    @property
    def halted(self) -> str:
        """Why nothing further was begun though nothing had failed; "" when all was sent."""
        if self.state is not EffectState.SKIPPED:
            return ""
        return next(one.note for one in self.effects if one.state is EffectState.SKIPPED)

    @property
    def torn(self) -> bool:
        """Whether a part was begun and not finished, so that the target is not whole."""
        parts: dict[str, set[EffectState]] = {}
        for one in self.effects:
            parts.setdefault(one.part or one.operation, set()).add(one.state)
        return any(EffectState.APPLIED in seen and len(seen) > 1 for seen in parts.values())


class Check(Value):
    """One criterion measured. `now` is None when there was no data."""

    criterion: Criterion
    now: float | None
    recovery: Recovery
    trend: tuple[float, ...] = ()
    inside: datetime | None = None  # since when every sample is in the target


class Verification(Value):
    """All checks at one moment, and the verdict over them."""

    recovery: Recovery
    checks: tuple[Check, ...]
    reason: str
    at: datetime
    blind: datetime | None = None  # the last look at which something could not be seen
    doubt: Doubt | None = None

    def condensed(self) -> Self:
        """Return it without the courses of its signals."""
        checks = tuple(one.model_copy(update={"trend": ()}) for one in self.checks)
        return self.model_copy(update={"checks": checks})
