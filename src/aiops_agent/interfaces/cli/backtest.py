"""`aiops backtest`: what it would have said of the alerts of your own past."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiops_agent.domain.backtest import Rightness
from aiops_agent.domain.duration import duration
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.telemetry import Window
from aiops_agent.domain.text import safe
from aiops_agent.interfaces.cli import door
from aiops_agent.interfaces.cli.call import Call, Output, called
from aiops_agent.interfaces.cli.exits import Exit
from aiops_agent.interfaces.terminal import backtest as drawn
from aiops_agent.interfaces.terminal.screen import is_live
from aiops_agent.ports.past import Meter

if TYPE_CHECKING:
    from aiops_agent.bootstrap.backtest import Backtesting

_WIDEST = 48  # cells of the incident beside the bar
_EVERY = 10.0  # seconds between two lines where there is no bar


class ReportShape(StrEnum):
    """How the report is given."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


def backtest(  # limit: an option each
    context: typer.Context,
    since: Annotated[str, typer.Option(help="How far back, such as 12h or 30d.")] = "30d",
    environment: Annotated[str, typer.Option(help="Which one, where there are several.")] = "",
    within: Annotated[
        str, typer.Option(help="When to look whether telemetry healed anyway.")
    ] = "10m",
    *,
    mark: Annotated[
        tuple[str, Rightness] | None,
        typer.Option(metavar="ID right|wrong", help="Say whether an answer is right."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show the last run; ask nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also what is done already.")] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Where answers are kept; else in the state folder.")
    ] = None,
    max_queries: Annotated[int, typer.Option(min=1, help="Of one run.")] = 50_000,
    max_mb: Annotated[int, typer.Option(min=1, help="Megabytes that one run reads.")] = 1_000,
    output: Annotated[
        ReportShape, typer.Option("--output", "-o", help="How to answer.")
    ] = ReportShape.TABLE,
) -> None:
    """Replay the alerts of your own Prometheus, and say what would have been said of each then.

    Read-only, and without looking ahead. Answers are kept: a run that was cut off goes on with the
    next call, and 7 says that a limit stopped it.
    """
    call = called(context)
    held = door.backtesting(call.settings, environment, folder)
    call.discreet.learn(held.clean)
    if mark:
        held.mark(*mark, call.user)
    if mark or show:
        _answer(call, held, output)
        return
    until = datetime.now(UTC)
    window = Window(start=until - _span("--since", since, 365), end=until)
    meter, waited = Meter(max_queries, max_mb * 1_000_000), _span("--within", within, 1)

    async def work() -> Exit:
        with _bar(call) as told:
            run = await held.run(window, meter, waited, told, again=again)
        _answer(call, held, output)
        return Exit.CUT_SHORT if run.stopped else Exit.DONE

    raise typer.Exit(call.run(work()))


def _answer(call: Call, held: "Backtesting", output: ReportShape) -> None:
    report = held.report()
    if output is ReportShape.MARKDOWN:
        print(drawn.page(report))
    else:
        plain = Output.JSON if output is ReportShape.JSON else Output.TABLE
        call.answer(plain, report.document(), lambda width: drawn.screen(report, width))


def _span(option: str, text: str, most: int) -> timedelta:
    """Return a length of time of at most so many days; raises UsageError."""
    try:
        found = duration(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} {text!r}: {error}.") from None
    if not timedelta(minutes=1) <= found <= timedelta(days=most):
        raise UsageError(f"{option} {text!r}: at least 1m and at most {most}d.")
    return found


@contextmanager
def _bar(call: Call) -> Iterator[Callable[[int, int, str], None]]:
    """Show how far it is: a bar on a terminal, else a line now and then."""
    if call.flags.quiet or not is_live(call.err):
        last = time.monotonic()

        def line(done: int, total: int, _which: str) -> None:
            nonlocal last
            if done == total or time.monotonic() - last >= _EVERY:
                last = time.monotonic()
                call.note(f"{done} of {total} alerts are replayed")

        yield line
        return
    # Imported here: every other command, and --help, does without.
    from rich import progress as bars  # noqa: PLC0415 -- only who sees a bar pays for it

    columns = (bars.BarColumn(), bars.MofNCompleteColumn(), bars.TimeRemainingColumn())
    text = bars.TextColumn("{task.description}", markup=False)
    with bars.Progress(*columns, text, console=call.err, transient=True) as progress:
        task = progress.add_task("reading which alerts fired", total=None)

        def bar(done: int, total: int, which: str) -> None:
            words = safe(which, limit=_WIDEST)
            progress.update(task, completed=done, total=total, description=words)

        yield bar
