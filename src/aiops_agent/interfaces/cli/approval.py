"""`aiops approve`, `aiops reject`, `aiops approval ...`: the answer of a person."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Group

from aiops_agent.adapters.approval_file import approval_line
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState, Surface
from aiops_agent.domain.errors import ApprovalError, UsageError
from aiops_agent.domain.text import safe
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called, documents
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.follow import approval_files, prompt_for
from aiops_agent.interfaces.cli.incident import IncidentArgument
from aiops_agent.interfaces.cli.prompt import Choice
from aiops_agent.interfaces.terminal import listing, page
from aiops_agent.interfaces.terminal.escape import tell
from aiops_agent.interfaces.terminal.palette import QUIET
from aiops_agent.interfaces.terminal.plan import PlanQuestion

app = typer.Typer(no_args_is_help=True, help="Show what waits for an answer.")

PlanOption = Annotated[
    str | None,
    typer.Option(
        "--plan",
        help="The plan that you read: 12 to 64 digits of its digest; another is refused.",
    ),
]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", help="Why; it is recorded.")]


def approve(
    context: typer.Context,
    incident: IncidentArgument,
    plan: PlanOption = None,
    reason: ReasonOption = "",
) -> None:
    """Approve the plan that waits.

    Without --plan it shows the plan and asks, at a terminal only.
    """
    _answer(called(context), incident, Choice(True, reason), plan)


def reject(
    context: typer.Context,
    incident: IncidentArgument,
    plan: PlanOption = None,
    reason: ReasonOption = "",
) -> None:
    """Reject the plan that waits; nothing is changed.

    Without --plan it shows the plan and asks, at a terminal only.
    """
    _answer(called(context), incident, Choice(False, reason), plan)


@app.command("list")
def show_list(
    context: typer.Context,
    pending: Annotated[bool, typer.Option("--pending", help="Only pending requests.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """List requests for approval, newest first."""
    call = called(context)
    found = call.queries.approvals([ApprovalState.PENDING] if pending else [])
    now = datetime.now(UTC)
    call.answer(output, documents(found), lambda width: listing.approvals(found, now, width))


@app.command()
def show(
    context: typer.Context, incident: IncidentArgument, output: OutputOption = Output.TABLE
) -> None:
    """Show a plan, its exact requests, and each way to answer."""
    call = called(context)
    found = call.queries.approval(incident)
    files = approval_files(call)
    files.open_folder()
    line = approval_line(files.path(found.id), found.digest)
    data = {**found.document(), "approve_by_file": line}
    call.answer(output, data, lambda _: _page(call, found, line))


@app.command()
def audit(
    context: typer.Context,
    incident: Annotated[
        str, typer.Argument(metavar="[INC]", help="Only answers to its plans.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of rows.")] = 100,
    output: OutputOption = Output.TABLE,
) -> None:
    """List invalid answers, newest first, late ones included."""
    call = called(context)
    found = call.queries.refused(incident, limit)
    call.answer(output, documents(found), lambda width: listing.refused(found, width))


def _page(call: Call, found: ApprovalRequest, line: str) -> Group:
    shown = page.approval(found, datetime.now(UTC))
    if found.state is not ApprovalState.PENDING:
        return Group(shown)
    named = (found.incident, "--plan", found.digest[:12])
    return Group(
        shown,
        tell(f"to approve   {call.command('approve', *named)}"),
        tell(f'to reject    {call.command("reject", *named)} --reason "..."'),
        tell("or approve by a file, which is taken once:", QUIET),
        tell(line),
    )


def _answer(call: Call, name: str, wish: Choice, plan: str | None) -> None:
    """Give the answer to the plan that is named, or show the plan and ask."""
    if plan is not None:
        _decide(call, name, wish, plan)
        return
    request = call.queries.approval(name)
    if request.state is not ApprovalState.PENDING:
        raise ApprovalError(f"{request.id} is not waiting any more: it is {request.state}.")
    if not call.interactive:
        verb = "approve" if wish.approve else "reject"
        because = ("--reason", wish.reason) if wish.reason else ()
        named = (request.incident, "--plan", request.digest[:12], *because)
        command = call.command(verb, *named)
        raise UsageError(f"Without a terminal, name the plan that you read: {command}")
    call.out.print(page.approval(request, datetime.now(UTC)))
    raise typer.Exit(call.run(_ask(call, request, wish)))


async def _ask(call: Call, request: ApprovalRequest, wish: Choice) -> Exit:
    asked = PlanQuestion.APPLY if wish.approve else PlanQuestion.REJECT
    said = await prompt_for(call, request, asked).ask()
    if said.approve is None:
        call.note(f"Nothing is decided: {request.id} goes on waiting.")
        return Exit.WAITING
    _decide(call, request.id, Choice(said.approve, said.reason or wish.reason), request.digest)
    return Exit.DONE if said.approve == wish.approve else Exit.REFUSED


def _decide(call: Call, name: str, wish: Choice, plan: str) -> None:
    try:
        decided = call.application.commands.decide(
            name,
            approve=bool(wish.approve),
            by=call.user,
            surface=Surface.COMMAND,
            plan=plan,
            reason=wish.reason,
        )
    except ApprovalError as error:
        raise ApprovalError(f"{error} {_unheard(call, name, wish)}") from error
    said = "approved" if wish.approve else "rejected"
    actions = ", ".join(decided.actions)
    call.note(
        safe(f"{decided.id} {said} by {call.user}: {actions} (plan {decided.digest[:12]})."),
        f"If no process works on it: {call.command('incident', 'resume', decided.incident)}",
    )


def _unheard(call: Call, name: str, wish: Choice) -> str:
    """Say what an answer that does not count has done, and what a late no can still do."""
    found = call.queries.incident(call.queries.approval(name).incident)
    audit = call.command("approval", "audit", found.id)
    said = f"Your answer changes nothing; it is kept aside: {audit}"
    if wish.approve or found.ended or found.takeover:
        return said
    return f"{said}\nTo stop the agent: {call.command('incident', 'close', found.id, '--takeover')}"
