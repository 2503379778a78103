"""`aiops inbox ...`: bodies that no incident came of, why, and what to do."""

from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from aiops_agent.domain.alert import Delivery
from aiops_agent.domain.value import Json
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called
from aiops_agent.interfaces.cli.tables import facts
from aiops_agent.interfaces.terminal.escape import say, tell
from aiops_agent.interfaces.terminal.layout import table
from aiops_agent.interfaces.terminal.palette import BAD, QUIET, STRONG, WARN

LISTED = 100  # bodies: more are no list that anybody reads

app = typer.Typer(no_args_is_help=True, help="Show received bodies that opened no incident.")


@dataclass(frozen=True)
class InboxStanding:
    """How a body stands: a word, the reason and what to do, each a sentence; "" for nothing."""

    word: str
    reason: str = ""
    remedy: str = ""


@app.command("list")
def show_list(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = LISTED,
    output: OutputOption = Output.TABLE,
) -> None:
    """List bodies that were rejected or wait, newest first, with the reason."""
    call = called(context)
    found = [(one, standing(call, one)) for one in call.queries.inbox(limit)]
    rows = [
        [
            say(str(one.id), STRONG),
            say(f"{one.received_at:%Y-%m-%d %H:%M:%S} UTC"),
            say(stands.word, BAD if one.rejected else WARN),
            say(str(one.environment or "-")),
            say(str(len(one.alerts))),
            say(str(one.seen)),
            say(stands.reason),
        ]
        for one, stands in found
    ]
    heads = ["BODY", "RECEIVED", "STANDS", "ENVIRONMENT", "ALERTS", "SEEN", "WHY"]
    data: list[Json] = [_told(one, stands) for one, stands in found]
    nothing = say("Nothing was rejected and nothing waits.")
    call.answer(output, data, lambda width: table(heads, rows, width) if rows else nothing)
    if found:
        call.note(f"see: {call.program} inbox show {found[0][0].id}")


@app.command()
def show(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="BODY", help="Its number, as listed.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Show one body: what was sent, why no incident came of it, and what to do."""
    call = called(context)
    one = call.queries.delivery(number)
    stands = standing(call, one)
    rows = [
        ("body", str(one.id)),
        ("received", f"{one.received_at:%Y-%m-%d %H:%M:%S} UTC, {one.seen} times"),
        ("source", one.source),
        ("environment", str(one.environment or "none")),
        ("alerts", ", ".join(alert.name for alert in one.alerts[:20]) or "none"),
        ("sha256", one.digest),
        ("stands", stands.word),
        *([("why", stands.reason), ("do", stands.remedy)] if stands.reason else []),
    ]
    lines = [tell(line) for line in one.body.splitlines()]
    shown = Group(facts(rows), Text(), say("as it came", QUIET), *lines)
    call.answer(output, {**_told(one, stands), "body": one.body}, lambda _width: shown)


def waiting_note(call: Call) -> str:
    """Return one line about bodies that no incident came of; "" when there is none."""
    found = call.queries.inbox(LISTED)
    rejected = sum(bool(one.rejected) for one in found)
    waiting = [one for one in found if standing(call, one).reason and not one.rejected]
    many = "at least " if len(found) == LISTED else ""
    alerts = sum(len(one.alerts) for one in waiting)
    said = [
        f"{alerts} {'alert waits' if alerts == 1 else 'alerts wait'}" if waiting else "",
        f"{rejected} {'body was' if rejected == 1 else 'bodies were'} rejected" if rejected else "",
    ]
    words = " and ".join(one for one in said if one)
    return f"{many}{words}; see: {call.program} inbox list" if words else ""


def standing(call: Call, one: Delivery) -> InboxStanding:
    """Return how a body stands under these settings."""
    if one.rejected:
        remedy = "Mend what sends it; sent again, it is read again."
        return InboxStanding("rejected", one.rejected, remedy)
    if one.environment is None:
        remedy = "Set environments.NAME.labels in aiops.yaml, or post to /api/v1/alertmanager/NAME."
        return InboxStanding("unclaimed", one.unclaimed, remedy)
    if one.environment.simulated:
        return InboxStanding(
            "waiting", "The shop is played by aiops demo.", "Start aiops demo again."
        )
    known = {place.ref: place for place in call.loaded.settings.resolved}
    if one.environment not in known:
        reason = f"{one.environment} is not configured any more."
        return InboxStanding("waiting", reason, "Add it to environments in aiops.yaml again.")
    place = known[one.environment]
    if not place.sources.any:
        reason = f"{one.environment} has no source: nothing could be seen of it."
        remedy = f"Set {place.section}sources.prometheus in aiops.yaml and restart aiops serve."
        return InboxStanding("waiting", reason, remedy)
    if call.records.leader("serve") is None:
        return InboxStanding("waiting", "Nobody works on it.", "Start aiops serve.")
    return InboxStanding("under way")


def _told(one: Delivery, stands: InboxStanding) -> dict[str, Json]:
    told: dict[str, Json] = one.model_dump(mode="json", exclude={"body", "alerts", "group"})
    names: list[Json] = [alert.name for alert in one.alerts]
    return {
        **told,
        "alerts": names,
        "stands": stands.word,
        "why": stands.reason,
        "do": stands.remedy,
    }
