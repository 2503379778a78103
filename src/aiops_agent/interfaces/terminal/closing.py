"""The end of an incident: where the time went, what the agents did, and what to do next."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from rich.console import Group, JustifyMethod, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aiops_agent.domain import timing
from aiops_agent.domain.event import Event, Phase
from aiops_agent.domain.incident import Attempt, Incident, Status
from aiops_agent.domain.model import ModelCall
from aiops_agent.domain.payload import ApprovalDecided
from aiops_agent.domain.quantity import money, span, stopwatch
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.layout import facts_grid, judged, panel
from aiops_agent.interfaces.terminal.palette import BAD, GOOD, LINK, QUIET, STRONG, words
from aiops_agent.interfaces.terminal.screen import Tier, tier

_ENDS = {
    Status.RESOLVED: ("resolved in", GOOD),
    Status.DISMISSED: ("dismissed after", GOOD),
    Status.ESCALATED: ("escalated after", BAD),
}
_BAR = {Tier.NARROW: 24, Tier.MEDIUM: 12, Tier.WIDE: 24}


def closing(
    incident: Incident,
    events: Sequence[Event],
    width: int,
    *,
    calls: Sequence[ModelCall] = (),
    next_commands: Sequence[str] = (),
) -> RenderableType:
    """Return the run's dashboard, the report's command and the next commands."""
    verb, ink = _ENDS.get(incident.status, (f"is {words(incident.status.value)},", QUIET))
    end = incident.ended_at or (events[-1].at if events else incident.opened_at)
    title = f"{incident.id} {verb} {span(end - incident.opened_at)}"
    left, right = _times(incident, events, _BAR[tier(width)]), _work(events, calls)
    grid = Table.grid(expand=True, padding=(0, 2, 0, 0))
    if tier(width) is Tier.NARROW:
        for part in (left, Text(""), right):
            grid.add_row(part)
    else:
        grid.add_column(ratio=1)
        grid.add_column()
        grid.add_row(left, right)
    whole = Table.grid(expand=True)
    whole.add_row(grid)
    whole.add_row(_cost(events, calls))
    footing = facts_grid()
    footing.add_row("Report", tell(f"aiops report {incident.id}", LINK))
    if next_commands:
        between = "\n" if tier(width) is Tier.NARROW else " · "
        commands = [tell(command, STRONG) for command in next_commands]
        footing.add_row("Next", joined(commands, between))
    return Group(panel(title, whole, ink), footing)


def escalation(incident: Incident) -> Panel:
    """Return everything known, for the person who takes over."""
    facts = facts_grid()
    for name, text in _reasons(incident):
        if text:
            facts.add_row(name, tell(text, STRONG if name == "why" else ""))
    if incident.triage:
        facts.add_row("impact", tell(incident.triage.impact))
    for attempt in incident.attempts:
        facts.add_row(f"attempt {attempt.number}", _tried(attempt))
    known = incident.diagnosis
    if known and known.best:
        belief = [tell(known.best.statement.rstrip(".")), say(f"{known.confidence} confidence")]
        facts.add_row("cause", joined(belief))
    if known:
        facts.add_row("not known", joined([tell(gap) for gap in known.not_known]) or say("nothing"))
    if incident.acted:
        standing = [a for a in incident.attempts if a.outcome and a.outcome.effects and not a.undo]
        done = joined([tell(x.text) for a in standing if a.plan for x in a.plan.actions], ", ")
        undone = say("everything was rolled back")
        facts.add_row("changed", done if standing else undone)
    else:
        facts.add_row("changed", say("nothing was run"))
    return panel(f"{incident.id} needs a person", facts, BAD)


def _reasons(incident: Incident) -> tuple[tuple[str, str], ...]:
    """Return why it needs a person; of what is not ours everything that is known, in rows."""
    theirs = incident.triage.not_mine if incident.triage else None
    if theirs is None:
        return (("why", incident.note or "no reason was recorded"),)
    return (
        ("why", theirs.short),
        ("alert says", theirs.text),
        ("expression", theirs.value),
        ("owner", theirs.owner),
        ("runbook", theirs.runbook),
        ("not read", "; ".join(theirs.unread)),
    )


def _times(incident: Incident, events: Sequence[Event], bar: int) -> RenderableType:
    """Bars follow the environment's clock; a shop's stands still while a person is asked."""
    simulated = incident.environment.simulated

    def clocks(part: timing.Spent) -> list[str]:
        return [span(part.environment) if simulated else "", _brief(part.wall)]

    spent = timing.by_phase(events)
    longest = max([s.environment for s in spent], default=timedelta()) or timedelta(seconds=1)
    grid = _grid("left", "right", "right", "left")
    grid.add_row(*_cells(["", "shop", "real"] if simulated else ["", "", "time"], QUIET))
    decided = any(isinstance(event.payload, ApprovalDecided) for event in events)
    waited = timing.decided_by_people(events) is not None or not decided
    for part in spent:
        asking = waited and part.name == Phase.APPROVE.value
        cells = _cells(["wait for you" if asking else part.name, *clocks(part)])
        grid.add_row(*cells, say("▇" * round(part.environment / longest * bar), LINK))
    total = timing.Spent(
        name="all",
        environment=(incident.ended_at or incident.opened_at) - incident.opened_at,
        wall=events[-1].written_at - events[0].written_at if events else timedelta(),
    )
    grid.add_row(*_cells(["all", *clocks(total)], STRONG))
    return Group(say("Where the time went", STRONG), grid)


def _work(events: Sequence[Event], calls: Sequence[ModelCall]) -> RenderableType:
    """Time is what agents measured; what was sent to models is counted where it left."""
    agents = timing.by_agent(events, calls)
    grid = _grid("left", "right", "right", "right", "right", "right")
    grid.add_row(*_cells(["", "steps", "work", "calls", "tokens", "cost"], QUIET))
    whole = timing.Spent(
        name="all",
        events=len(events),
        work=sum((part.work for part in agents), timedelta()),
        usage=timing.usage_of_calls(calls) if calls else timing.usage_of(events),
    )
    for part in (*agents, whole):
        used = part.usage
        numbers = [str(part.events), _brief(part.work), str(used.requests), str(used.tokens)]
        cost = "?" if used.cost is None else money(used.cost)  # the line below says it in words
        cells = _cells([part.name, *numbers, cost], STRONG if part is whole else "")
        grid.add_row(*cells)
    return Group(say("What the agents did", STRONG), grid)


def _cost(events: Sequence[Event], calls: Sequence[ModelCall]) -> RenderableType:
    """Return what all of it cost, and a line for each model that was asked."""
    used = timing.usage_of_calls(calls) if calls else timing.usage_of(events)
    named = dict.fromkeys(call.answered_by for call in calls if call.answered_by)
    models = ", ".join(timing.models_of(events) or named) or "no language model"
    asked = f"  {models}: {used.requests} calls"
    cost = Text.assemble((f"cost {money(used.cost)}", STRONG), say(asked, QUIET))
    return Group(Text(""), cost, *_models(calls))


def _models(calls: Sequence[ModelCall]) -> Iterator[Text]:
    """Yield a line for each model that was asked, also for one that never answered."""
    for name in dict.fromkeys(str(call.model) for call in calls):
        asked = [call for call in calls if str(call.model) == name]
        failed = sum(call.trouble is not None for call in asked)
        used = timing.usage_of_calls(asked)
        took = stopwatch(sum(call.took for call in asked))
        lost = f", {failed} failed" if failed else ""
        yield say(f"{name}: {used.requests} calls{lost}, {took}, {money(used.cost)}", QUIET)


def _brief(length: timedelta) -> str:
    seconds = length.total_seconds()
    return f"{seconds:.2f}s" if seconds < 10 else span(length)


def _grid(*sides: JustifyMethod) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    for side in sides:
        grid.add_column(no_wrap=True, justify=side)
    return grid


def _cells(texts: Sequence[str], ink: str = "") -> list[Text]:
    return [say(text, ink) for text in texts]


def _tried(attempt: Attempt) -> Text:
    if attempt.plan is None:
        return say("no plan was made")
    doing = joined([tell(a.text) for a in attempt.plan.actions], ", ") or say(attempt.plan.kind)
    parts = [doing]
    if attempt.outcome is None:
        parts.append(say("not run"))
    elif attempt.verification:
        parts.append(judged(attempt.verification.recovery))
    if attempt.undo is not None:
        parts.append(say(f"taken back: {words(attempt.undo.state.value)}"))
    return joined(parts)
