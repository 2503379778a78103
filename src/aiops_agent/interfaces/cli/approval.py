"""`aiops approve`, `aiops reject`, `aiops approval ...`: the answer of a person."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Group

from aiops_agent.adapters.approval_file import approval_line
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState, Surface
from aiops_agent.domain.text import safe
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called, documents
from aiops_agent.interfaces.cli.follow import approval_files
from aiops_agent.interfaces.cli.incident import IncidentArgument
from aiops_agent.interfaces.terminal import listing, page
from aiops_agent.interfaces.terminal.escape import tell
from aiops_agent.interfaces.terminal.palette import QUIET

app = typer.Typer(no_args_is_help=True, help="Show what waits for an answer.")

DigestOption = Annotated[
    str | None,
    typer.Option("--digest", help="The plan you mean, at least 8 digits; another is refused."),
]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", help="Why; it is recorded.")]


def approve(
    context: typer.Context,
    incident: IncidentArgument,
    digest: DigestOption = None,
    reason: ReasonOption = "",
) -> None:
    """Approve the plan that waits; see `approval show INC`."""
    _decide(called(context), incident, approve=True, digest=digest, reason=reason)


def reject(
    context: typer.Context,
    incident: IncidentArgument,
    reason: ReasonOption = "",
    digest: DigestOption = None,
) -> None:
    """Reject the plan that waits; nothing is changed."""
    _decide(called(context), incident, approve=False, digest=digest, reason=reason)


@app.command("list")
def show_list(
    context: typer.Context,
    pending: Annotated[bool, typer.Option("--pending", help="Only those that wait.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """List requests for approval, newest first."""
    call = called(context)
    found = call.application.queries.approvals([ApprovalState.PENDING] if pending else [])
    now = datetime.now(UTC)
    call.answer(output, documents(found), lambda width: listing.approvals(found, now, width))


@app.command()
def show(
    context: typer.Context, incident: IncidentArgument, output: OutputOption = Output.TABLE
) -> None:
    """Show a plan, its exact requests, and each way to answer."""
    call = called(context)
    found = call.application.queries.approval(incident)
    files = approval_files(call)
    files.open_folder()
    line = approval_line(files.path(found.id), found.digest)
    data = {**found.document(), "approve_by_file": line}
    call.answer(output, data, lambda _: _page(found, line))


def _page(found: ApprovalRequest, line: str) -> Group:
    shown = page.approval(found, datetime.now(UTC))
    if found.state is not ApprovalState.PENDING:
        return Group(shown)
    return Group(
        shown,
        tell(f"to approve   aiops approve {found.incident} --digest {found.digest[:12]}"),
        tell(f'to reject    aiops reject {found.incident} --reason "..."'),
        tell("or approve by a file, which is taken once:", QUIET),
        tell(line),
    )


def _decide(call: Call, name: str, *, approve: bool, digest: str | None, reason: str) -> None:
    decided = call.application.commands.decide(
        name, approve=approve, by=call.user, surface=Surface.COMMAND, reason=reason, digest=digest
    )
    said = "approved" if approve else "rejected"
    actions = ", ".join(decided.actions)
    call.note(
        safe(f"{decided.id} {said} by {call.user}: {actions} (plan {decided.digest[:12]})."),
        f"If no process works on it: aiops incident resume {decided.incident}",
    )
