"""What is to be done: actions as data, plans, what was prepared, what came of it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.domain.value import Document, Value, digest

# The name of an action; each is given by its file in `actions` and listed in the registry.
ActionKind = NewType("ActionKind", str)


class Offer(Value):
    """One kind of action that the environment offers, with its bounds.

    `bounds` by kind: scale_pods {"max_replicas": n}. An action beyond its bounds is refused.
    """

    kind: ActionKind
    bounds: dict[str, int] = {}


class Action(Value):
    """A wished state of one target, never a delta.

    `wished` by kind: restart_service {}; scale_pods {"replicas": int};
    rollback_release {"release": str}; set_config {"name": str, "value": str}.
    """

    kind: ActionKind
    target: ServiceName
    wished: dict[str, str | int] = {}

    @property
    def text(self) -> str:
        """The action as a short line: `scale_pods payments-api replicas=4`."""
        wished = " ".join(f"{name}={value}" for name, value in self.wished.items())
        return f"{self.kind} {self.target} {wished}".rstrip()


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


class PlanKind(StrEnum):
    """What a plan asks for."""

    ACT = "act"
    WATCH = "watch"  # change nothing, look whether it heals
    HANDOVER = "handover"  # change nothing, give it to a person


class Alternative(Value):
    """A plan not chosen, with its drawback."""

    text: str
    drawback: str


class Plan(Value):
    """An ordered tuple of actions with what is expected of them."""

    kind: PlanKind
    actions: tuple[Action, ...] = ()
    reason: str
    expected: str = ""
    hypothesis: str = ""  # Hypothesis.key
    criteria: tuple[Criterion, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    precedent: str = ""  # what memory says of the like of this
    stop_gap: bool = False  # eases the symptom, the cause stays


class Request(Value):
    """One keyed request exactly as it will be sent; only its platform reads `payload`.

    `repeatable`: sending it twice has at most one effect, by the platform's own rules.
    """

    operation: str  # operation id, unique for ever
    words: str  # "POST /containers/3f2a.../restart?t=10"
    payload: Document
    repeatable: bool


class Prepared(Value):
    """An action made ready: target read, precondition frozen, requests built."""

    action: Action
    requests: tuple[Request, ...]  # empty: the target is already as wished
    precondition: Document  # identity, generation, old values
    inverse: Action | None  # None: cannot be taken back, said before approval
    blast: BlastRadius
    risk: Risk = Risk.MEDIUM
    run: str  # what a person would type for the same effect, or its plain words
    undo: str  # the same for the way back, or why there is none


class PreparedPlan(Value):
    """A plan with all its actions prepared: this is what people approve."""

    incident: str
    environment: EnvironmentRef
    attempt: int
    plan: Plan
    steps: tuple[Prepared, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the whole plan as prepared: any change makes another digest."""
        return digest("plan/v1", self.document())


class EffectState(StrEnum):
    """What became of one request."""

    APPLIED = "applied"
    REFUSED = "refused"  # the platform said no; nothing was done
    UNKNOWN = "unknown"  # sent once, nobody can tell: ask a person
    SKIPPED = "skipped"  # not sent, because one before it did not apply


class Effect(Value):
    """One request and what became of it."""

    operation: str
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


class Recovery(StrEnum):
    """What telemetry says after an action; missing data is never success."""

    RECOVERED = "recovered"
    NOT_RECOVERED = "not_recovered"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"


class Check(Value):
    """One criterion measured. `now` is None when there was no data."""

    criterion: Criterion
    now: float | None
    recovery: Recovery
    trend: tuple[float, ...] = ()


class Verification(Value):
    """All checks at one moment, and the verdict over them."""

    recovery: Recovery
    checks: tuple[Check, ...]
    reason: str
    at: datetime


class IntentState(StrEnum):
    """What the ledger knows of one armed request."""

    ARMED = "armed"  # may be sent
    SENDING = "sending"  # a send began; whether it landed is not known yet
    APPLIED = "applied"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class Intent(Value):
    """One row of the ledger: the permission to send one request, and what became of it.

    `plan` is the digest of the approved plan; `undo` marks requests that take it back. `armed_at`
    is wall time.
    """

    operation: str
    incident: str
    plan: str
    ordinal: int
    undo: bool
    request: Request
    state: IntentState
    armed_at: datetime
    sends: int = 0
    note: str = ""
