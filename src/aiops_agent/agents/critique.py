"""A second look at a prepared plan: only ever stricter, and only when telemetry objects."""

from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.quantity import amount
from aiops_agent.domain.remediation import Action, PreparedPlan
from aiops_agent.domain.telemetry import Signal
from aiops_agent.reasoning.gather import Key, compare, read_signals
from aiops_agent.reasoning.measure import Shift
from aiops_agent.reasoning.propose import RESTART, SCALE

RULE = "critic"
BUSY = 0.9


async def critique(briefing: Briefing, prepared: PreparedPlan) -> Opinion | None:
    """Return an objection with its reason, or None when nothing speaks against the plan."""
    actions = prepared.plan.actions
    if not actions:
        return None
    targets = tuple(dict.fromkeys(action.target for action in actions))
    window = briefing.baseline.model_copy(update={"end": briefing.now})
    signals = (Signal.SATURATION, Signal.TRAFFIC)
    try:
        tracks = await read_signals(briefing.environment, targets, signals, window)
    except SourceError as error:
        return Opinion(rule=RULE, ruling=Ruling.ASK, reason=f"no second look was possible: {error}")
    began = briefing.incident.started_at.timestamp()
    shifts = compare(tracks, began, briefing.now.timestamp())
    for action in actions:
        objection = _objection(action, shifts) or _stranger(briefing, action)
        if objection:
            return Opinion(rule=RULE, ruling=Ruling.ASK, reason=objection)
    return None


def _objection(action: Action, shifts: dict[Key, Shift]) -> str:
    used = shifts.get((action.target, Signal.SATURATION))
    asked = shifts.get((action.target, Signal.TRAFFIC))
    if used is None or asked is None:
        return ""
    full = f"{action.target} uses {amount(Signal.SATURATION, used.now)} of its capacity"
    if action.kind == RESTART and used.now >= BUSY and asked.up:
        return f"{full} and is asked for more than before: a restart takes capacity away"
    if action.kind == SCALE and used.now < 0.5 and not asked.up:
        return f"{full} and is asked no more than before: more replicas may not help"
    return ""


def _stranger(briefing: Briefing, action: Action) -> str:
    """Object to touching a service that the diagnosis does not name."""
    attempt = briefing.incident.attempt
    diagnosis = attempt.diagnosis if attempt is not None else None
    if diagnosis is None or diagnosis.best is None or diagnosis.best.service == action.target:
        return ""
    return f"{action.target} is not what the diagnosis names ({diagnosis.best.service})"
