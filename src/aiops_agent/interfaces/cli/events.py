"""`aiops events ...`: what the events of `incident show -o json` look like."""

import json

import typer

from aiops_agent.domain.event import schema

app = typer.Typer(no_args_is_help=True, help="Describe events, for programs that read them.")


@app.command("schema")
def show_schema() -> None:
    """Print the JSON Schema of one event."""
    print(json.dumps(schema(), indent=2))


@app.callback()
def _group() -> None:
    """Keep `schema` a command of its own."""
