"""`aiops runbook ...`: what people wrote down beforehand, and what of it fits an incident."""

from pathlib import Path
from typing import Annotated

import typer

from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.runbook import matching
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Output, OutputOption, called, documents
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.incident import IncidentArgument
from aiops_agent.interfaces.terminal import listing
from aiops_agent.interfaces.terminal.escape import problem, say

app = typer.Typer(no_args_is_help=True, help="Show runbooks, check them, find those that fit.")


@app.command("list")
def show_list(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """List the runbooks of the folder `runbooks.folder`."""
    call = called(context)
    shelf = door.runbooks(call.loaded.settings)
    data = documents(shelf.runbooks)
    call.answer(output, data, lambda width: listing.runbooks(shelf.runbooks, width))
    if call.loaded.settings.runbooks.folder is None:
        call.note("No folder is set: runbooks.folder in aiops.yaml.")
    if shelf.flaws:
        call.note(f"{len(shelf.flaws)} flaws; see: aiops runbook check")


@app.command()
def check(
    context: typer.Context,
    page: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="A page or a folder of them.")
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Check runbooks (exit 3 if one has a flaw)."""
    call = called(context)
    if page is None and call.loaded.settings.runbooks.folder is None:
        raise UsageError("Name a page or a folder, or set runbooks.folder in aiops.yaml.")
    shelf = door.runbooks(call.loaded.settings, page)
    names, flaws = [book.name for book in shelf.runbooks], list(shelf.flaws)
    fine = say(f"✓ {len(names)} runbooks can be used: {', '.join(names) or 'none'}")
    call.answer(output, {"runbooks": names, "flaws": flaws}, lambda _: fine)
    if output is Output.TABLE:
        for flaw in flaws:
            call.err.print(problem(flaw), soft_wrap=True)
    raise typer.Exit(Exit.PROBLEMS if flaws else Exit.DONE)


@app.command()
def match(
    context: typer.Context, incident: IncidentArgument, output: OutputOption = Output.TABLE
) -> None:
    """Show which runbooks fit an incident, and why."""
    call = called(context)
    queries = call.queries
    found = queries.incident(incident)
    shelf = door.runbooks(call.loaded.settings)
    hits = matching(shelf.runbooks, found, queries.alerts(found.id))
    call.answer(output, documents(hits), lambda width: listing.runbook_hits(hits, width))
