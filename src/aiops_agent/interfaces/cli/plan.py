"""`aiops plan ...`: a plan as files, for who makes the change where it is written."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.text import safe
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called, documents
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.incident import AttemptOption, IncidentArgument

if TYPE_CHECKING:
    from aiops_agent.domain.patch_file import PatchFile

app = typer.Typer(no_args_is_help=True, help="Use a plan where we may not act ourselves.")


@app.callback()
def _group() -> None:
    """Keep `export` a word of its own though it is the only one."""


@app.command()
def export(
    context: typer.Context,
    incident: IncidentArgument,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Write a file for each action.")
    ] = None,
    attempt: AttemptOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print the newest plan as patches for a pull request, with the kubectl line of each.

    For what Argo CD, Flux or Helm would put back. It reads the cluster and changes nothing.
    """
    call = called(context)
    raise typer.Exit(call.run(_export(call, incident, to, attempt, output)))


async def _export(
    call: Call, name: str, to: Path | None, attempt: int | None, output: Output
) -> Exit:
    found = call.queries.incident(name)
    files = await door.patch_files(call.settings, call.records, found, attempt)
    if output is Output.JSON:
        call.answer(output, documents(files), lambda _: "")
        return Exit.DONE
    for number, one in enumerate(files):
        text = _told(found.id, one)
        if to is not None and one.text:
            call.note(f"{one.action}: {_written(to / one.name, text)}")
        else:
            print(f"---\n{text}" if number else text, end="")
    return Exit.DONE


def _told(incident: str, one: "PatchFile") -> str:
    """Return a file with what a reviewer has to know as comments."""
    said = (f"{incident}: {one.action}", *one.notes, f"by hand: {one.run}")
    return "".join(f"# {safe(line, limit=600)}\n" for line in said) + one.text


def _written(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already; name another folder with --to.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    return path
