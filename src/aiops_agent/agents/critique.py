"""A second look at a prepared plan: only ever stricter. Telemetry objects, or a page of policy."""

from pydantic import Field

from aiops_agent.agents.asking import Desk, narrowed, several
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.material import known, wrapped
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.approval import Opinion, Ruling
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.passage import Passage
from aiops_agent.domain.quantity import amount
from aiops_agent.domain.remediation import Action, Capacity, Offer, PreparedPlan
from aiops_agent.domain.telemetry import ServiceKind, ServiceName, Signal
from aiops_agent.domain.value import Value
from aiops_agent.reasoning.gather import Key, compare, read_signals
from aiops_agent.reasoning.measure import Shift
from aiops_agent.reasoning.objections import Objection, Scope, judged, stricter, unfounded

RULE = "critic"
BUSY = 0.9  # share in use: taking capacity from there breaks what still works
MOST_OBJECTIONS = 3  # the strictest counts anyway


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


class CriticAnswer(Value):
    """What speaks against the plan; empty when nothing does."""

    objections: tuple[Objection, ...] = Field(max_length=MOST_OBJECTIONS)


async def object_to(
    desk: Desk, briefing: Briefing, prepared: PreparedPlan, first: Answer[Opinion | None]
) -> Answer[Opinion | None]:
    """Add what a model finds in the pages of policy; it makes the first opinion stricter only."""
    pages = desk.policies
    if not pages or not prepared.plan.actions:
        return first
    scope = await _scope(briefing, prepared)
    names = tuple(page.name for page in pages)
    parts = [
        *(Passage(f"policy {page.name}, written by people", page.text) for page in pages),
        Passage("the plan", _plan(prepared)),
        *known(briefing),
    ]

    def wrong(answer: CriticAnswer) -> tuple[str, ...]:
        found = ((n, unfounded(one, pages, scope)) for n, one in enumerate(answer.objections, 1))
        return tuple(f"objection {number}: {why}" for number, why in found if why)

    objections = several(narrowed(Objection, page=names), 0, MOST_OBJECTIONS)
    answer = await desk.ask(
        "critique",
        briefing,
        wrapped(parts),
        CriticAnswer,
        menus={"objections": objections},
        check=wrong,
    )
    effort = first.effort.joined(answer.effort, answer.missing)
    if answer.value is None:
        return Answer(value=first.value, missing=first.missing, effort=effort)
    second = judged(answer.value.objections, pages, scope, str(answer.effort.by))
    return Answer(value=stricter(first.value, second), missing=first.missing, effort=effort)


async def _scope(briefing: Briefing, prepared: PreparedPlan) -> Scope:
    reach = {name for step in prepared.steps for name in step.blast.services}
    tiers: dict[ServiceName, ServiceKind] = {}
    try:
        graph = await briefing.environment.topology.graph()
    except SourceError:
        reach.add(briefing.incident.service)  # without a map, what the plan itself touches
    else:
        reach |= set(graph.names)
        tiers = {service.name: service.kind for service in graph.services}
    return Scope(
        actions=prepared.plan.actions,
        now=briefing.now,
        menu=briefing.menu,
        services=frozenset(reach),
        tiers=tiers,
        environment=briefing.incident.environment,
        mode=briefing.environment.mode,
    )


def _plan(prepared: PreparedPlan) -> str:
    lines = [
        f"{step.action.text}: {step.do}; risk {step.risk}; touches {step.blast.words};"
        f" {'can be taken back' if step.inverse else 'cannot be taken back'}"
        for step in prepared.steps
    ]
    return "\n".join([*lines, f"because: {prepared.plan.reason}"])


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
