"""`aiops token ...`: who may send us alerts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.token import CONFIGURED
from aiops_agent.interfaces.cli.call import Call, Output, OutputOption, called
from aiops_agent.interfaces.terminal.escape import say
from aiops_agent.interfaces.terminal.layout import table
from aiops_agent.interfaces.terminal.palette import QUIET, STRONG

app = typer.Typer(no_args_is_help=True, help="Manage bearer tokens of alert senders.")

NameArgument = Annotated[str, typer.Argument(help="What the token is for, such as alertmanager.")]


@app.command()
def create(
    context: typer.Context,
    name: NameArgument,
    environment: Annotated[
        list[str] | None,
        typer.Option(help="An environment that it may address; may be repeated. Default: all."),
    ] = None,
) -> None:
    """Create a token and print its secret, once: only its hash is kept."""
    call = called(context)
    secret = call.application.commands.create_token(name, configured(call, environment or ()))
    print(secret)
    call.note(f"This is the only time that the secret of {name!r} is shown.")


@app.command("list")
def show_list(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """List tokens, oldest first; no secrets."""
    call = called(context)
    found = call.queries.tokens()
    rows = [
        [
            say(token.name, QUIET if token.revoked_at else STRONG),
            say(", ".join(one.name for one in token.environments) or "all"),
            say("configured" if token.name == CONFIGURED else _time(token.created_at)),
            say(_time(token.revoked_at) if token.revoked_at else "-"),
        ]
        for token in found
    ]
    heads = ["NAME", "ENVIRONMENTS", "CREATED", "REVOKED"]
    data = [token.model_dump(mode="json", exclude={"secret"}) for token in found]
    call.answer(
        output, data, lambda width: table(heads, rows, width) if rows else say("No tokens.")
    )


@app.command()
def revoke(context: typer.Context, name: NameArgument) -> None:
    """Revoke a token permanently."""
    call = called(context)
    call.application.commands.revoke_token(name)
    call.note(f"Token {name!r} revoked.")


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def configured(call: Call, names: Sequence[str]) -> list[EnvironmentRef]:
    """Return the configured environments of these names; raises UsageError for a strange one."""
    known = {one.ref.name: one.ref for one in call.loaded.settings.resolved}
    for name in names:
        if name not in known:
            hint = did_you_mean(name, tuple(known))
            raise UsageError(f"There is no environment {name!r} in this configuration.{hint}")
    return [known[name] for name in dict.fromkeys(names)]
