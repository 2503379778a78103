"""`aiops serve`: receive alerts, work on them, answer to Prometheus and to people."""

import asyncio
import ipaddress
import signal
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer

from aiops_agent.domain.errors import SettingsError, StoreError
from aiops_agent.domain.payload import EventType
from aiops_agent.domain.stats import stats_of
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Call, called
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.cli.stopped import say_sending, watched
from aiops_agent.interfaces.terminal import sums
from aiops_agent.interfaces.terminal.blocks import Blocks
from aiops_agent.interfaces.terminal.follow import Follower
from aiops_agent.workflow.loops import LoopName

_RINGS = (
    EventType.APPROVAL_PENDING,
    EventType.APPROVAL_REMINDER,
    EventType.INCIDENT_RESOLVED,
    EventType.INCIDENT_ESCALATED,
)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 picks a free port.")] = None,
) -> None:
    """Receive alerts and work on them until stopped.

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
            "create one with `aiops token create alertmanager`, set server.token, "
            "or listen on 127.0.0.1."
        )
    started = datetime.now(UTC)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await application.reasoning.prove(shop=False)
    except SettingsError as error:  # incidents are worked on all the same
        call.note(f"WARNING: {error}", "statistics work alone until then")
    for one in application.unproven():
        call.note(f"WARNING: {one.words}", f"    {one.remedy}")
    async with application.engine("serve", stand_by=True):
        port, serving = door.website(application, settings.server, tokens_required=bool(tokens))
        _say_hello(call, port, None if not tokens else counting)
        screen = Screen(call, application.queries.newest_event())
        printing = application.loops.begin(LoopName.SCREEN, silent=None)
        turn = partial(screen.run, printing.well)
        watching = asyncio.ensure_future(printing.run(turn, _breath))
        try:
            async with watched(application.queries, partial(say_sending, call.out)):
                await serving(stop)
        finally:
            watching.cancel()
            await asyncio.wait({watching})
    sum_up(call, started)  # here, not in a thread: the engine took the loop's threads with it
    call.note("stopped; what was under way goes on with the next start")
    return Exit.DONE


@dataclass
class Screen:
    """One line per event, from a cursor on; when it fails it goes on where it was."""

    call: Call
    cursor: int

    async def run(self, well: Callable[[], None]) -> None:
        """Print, and ring where a person is needed."""
        queries, out = self.call.queries, self.call.out
        screen = Follower(out, Blocks(queries.incident, queries.approval), many=True)
        async with aclosing(self.call.application.feed.follow(self.cursor)) as batches:
            async for found in batches:
                well()
                for event in found:
                    self.cursor = event.id
                    screen.feed(event)
                    if event.type in _RINGS and self._bell:
                        out.bell()

    @property
    def _bell(self) -> bool:
        return self.call.loaded.settings.notify.bell and self.call.out.is_terminal


async def _breath() -> None:
    await asyncio.sleep(1)


def sum_up(call: Call, started: datetime) -> None:
    """Say what the incidents that came while it ran add up to, unless quiet or there was none."""
    try:
        found = stats_of(call.queries.histories(started), started)
    except StoreError as error:  # all that is missing is the sum
        call.note(f"no summary: {error}")
        return
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
    if stands := call.application.lead.words:
        call.note(stands)
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
