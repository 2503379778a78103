"""A second look at a prepared plan: only ever stricter, and only when telemetry objects."""

from aiops_agent.agents.briefing import Briefing
from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.quantity import amount
from aiops_agent.domain.remediation import Action, Capacity, Offer, PreparedPlan
from aiops_agent.domain.telemetry import Signal
from aiops_agent.reasoning.gather import Key, compare, read_signals
from aiops_agent.reasoning.measure import Shift

RULE = "critic"
BUSY = 0.9  # share in use: taking capacity from there breaks what still works


async def critique(briefing: Briefing, prepared: PreparedPlan) -> Opinion | None:
    """Return an objection with its reason, or None when nothing speaks against the plan."""
    actions = prepared.plan.actions
    if not actions:
        return None
    targets = tuple(dict.fromkeys(action.target.service for action in actions))
    window = briefing.baseline.model_copy(update={"end": briefing.now})
    signals = (Signal.SATURATION, Signal.TRAFFIC)
    try:
        tracks = await read_signals(briefing.environment, targets, signals, window)
    except SourceError as error:
        return Opinion(rule=RULE, ruling=Ruling.ASK, reason=f"no second look was possible: {error}")
    began = briefing.incident.started_at.timestamp()
    shifts = compare(tracks, began, briefing.now.timestamp())
    for action in actions:
        objection = _objection(action, briefing.menu, shifts) or _stranger(briefing, action)
        if objection:
            return Opinion(rule=RULE, ruling=Ruling.ASK, reason=objection)
    return None


def _objection(action: Action, menu: tuple[Offer, ...], shifts: dict[Key, Shift]) -> str:
    used = shifts.get((action.target.name, Signal.SATURATION))
    asked = shifts.get((action.target.name, Signal.TRAFFIC))
    offer = next((offer for offer in menu if offer.kind == action.kind), None)
    if used is None or asked is None or offer is None:
        return ""
    full = f"{action.target.text} uses {amount(Signal.SATURATION, used.now)} of its capacity"
    if offer.capacity is Capacity.TAKES and used.now >= BUSY and asked.up:
        return f"{full} and is asked for more than before: {offer.noun} takes capacity away"
    if offer.capacity is Capacity.ADDS and used.now < 0.5 and not asked.up:
        return f"{full} and is asked no more than before: more replicas may not help"
    return ""


def _stranger(briefing: Briefing, action: Action) -> str:
    """Object to touching a service that the diagnosis does not name."""
    attempt = briefing.incident.attempt
    diagnosis = attempt.diagnosis if attempt is not None else None
    if diagnosis is None or diagnosis.best is None or diagnosis.best.service == action.target.name:
        return ""
    return f"{action.target.text} is not what the diagnosis names ({diagnosis.best.service})"
