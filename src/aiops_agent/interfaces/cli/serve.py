"""`aiops serve`: receive alerts, work on them, answer to Prometheus and to people."""

import asyncio
import ipaddress
import signal
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated

import typer

from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.stats import stats_of
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Call, called
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.terminal import sums
from aiops_agent.interfaces.terminal.blocks import Blocks
from aiops_agent.interfaces.terminal.follow import Follower

_RINGS = (
    EventType.APPROVAL_PENDING,
    EventType.APPROVAL_REMINDER,
    EventType.INCIDENT_RESOLVED,
    EventType.INCIDENT_ESCALATED,
)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes any.")] = None,
) -> None:
    """Receive alerts and work on them until told to stop.

    An address that others can reach needs a token first: aiops token create NAME.
    """
    call = called(context)
    given = {"server.host": host, "server.port": port}
    call.overrides = {key: value for key, value in given.items() if value is not None}
    raise typer.Exit(call.run(_serve(call)))


async def _serve(call: Call) -> Exit:
    settings = call.loaded.settings
    application = call.application
    tokens = application.queries.tokens()
    counting = sum(token.revoked_at is None for token in tokens)
    if not counting and not _is_loopback(settings.server.host):
        none = "every token is revoked" if tokens else "there is no token"
        raise SettingsError(
            f"{settings.server.host} can be reached by others and {none}: "
            "create one with `aiops token create alertmanager`, or listen on 127.0.0.1."
        )
    started = datetime.now(UTC)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await application.reasoning.prove(shop=False)
    except SettingsError as error:  # incidents are worked on all the same
        call.note(f"WARNING: {error}", "statistics work alone until then")
    async with application.engine("serve"):
        port, serving = door.website(application, settings.server, tokens_required=bool(tokens))
        _say_hello(call, port, None if not tokens else counting)
        watching = asyncio.ensure_future(_watch(call, application.queries.newest_event()))
        try:
            await serving(stop)
        finally:
            watching.cancel()
            await asyncio.wait({watching})
    sum_up(call, started)  # here, not in a thread: the engine took the loop's threads with it
    call.note("stopped; what was under way goes on with the next start")
    return Exit.DONE


async def _watch(call: Call, cursor: int) -> None:
    """Print one line per event, and ring where a person is needed."""
    queries = call.application.queries
    screen = Follower(call.out, Blocks(queries.incident, queries.approval), many=True)
    async with aclosing(call.application.feed.follow(cursor)) as batches:
        async for event in (event async for found in batches for event in found):
            screen.feed(event)
            if event.type in _RINGS and call.loaded.settings.notify.bell and call.out.is_terminal:
                call.out.bell()


def sum_up(call: Call, started: datetime) -> None:
    """Say what the incidents that came while it ran add up to, unless quiet or there was none."""
    found = stats_of(call.application.queries.histories(started), started)
    if found.incidents and not call.flags.quiet:
        call.err.print(sums.stats(found, call.err.width), soft_wrap=not call.err.is_terminal)


def _say_hello(call: Call, port: int, counting: int | None) -> None:
    """Say where it listens; `counting` tokens let in, None when there never was one."""
    settings = call.loaded.settings
    host = f"[{settings.server.host}]" if ":" in settings.server.host else settings.server.host
    call.note(
        call.application.reasoning.words(shop=False),
        f"listening on http://{host}:{port}   alerts: POST /api/v1/alertmanager   "
        f"{'   '.join(f'environment: {o.ref} (mode: {o.mode})' for o in settings.resolved)}",
    )
    if not any(one.sources.any for one in settings.resolved):
        call.note("no source is configured: alerts are kept and wait (sources in aiops.yaml)")
    if counting is None:
        call.note("no token: anybody on this machine can send alerts (aiops token create NAME)")
    elif not counting:
        call.note("every token is revoked: nobody can send alerts (aiops token create NAME)")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
