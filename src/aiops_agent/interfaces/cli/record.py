"""`aiops record`: the conversations of an incident with its models, kept as a cassette."""

import json
from pathlib import Path
from typing import Annotated

import typer

from aiops_agent.domain.errors import UsageError
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import called
from aiops_agent.interfaces.cli.incident import IncidentArgument


def record(
    context: typer.Context,
    incident: IncidentArgument,
    to: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", help="Where the cassette is put.")
    ] = Path("cassettes"),
) -> None:
    """Store what was said to models and what they answered, redacted, one exchange a line.

    `python -m bench recordings --cases FOLDER` of the source plays such cassettes again.
    """
    call = called(context)
    found = call.queries.incident(incident)
    rows = list(door.cassette(call.queries.calls(found.id), call.records.redactor))
    if not rows:
        raise UsageError(f"No model has answered about {found.id}: there is nothing to record.")
    path = to / f"{found.id}.jsonl"
    try:
        to.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already; name another folder with --to.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    call.note(f"{len(rows)} exchanges, redacted, in {path}.")
