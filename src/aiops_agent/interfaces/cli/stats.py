"""`aiops stats`: what the incidents of some time add up to."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aiops_agent.domain.duration import duration
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.stats import stats_of
from aiops_agent.interfaces.cli.call import Output, OutputOption, called
from aiops_agent.interfaces.terminal import sums


def stats(
    context: typer.Context,
    since: Annotated[
        str, typer.Option(help="How far back, such as 12h or 7d; `all` for everything.")
    ] = "7d",
    output: OutputOption = Output.TABLE,
) -> None:
    """Summarise incidents: endings, durations, work and cost of agents and models."""
    call = called(context)
    moment = _moment(since, datetime.now(UTC))
    made = stats_of(call.queries.histories(moment), moment)
    call.answer(output, made.document(), lambda width: sums.stats(made, width))


def _moment(since: str, now: datetime) -> datetime | None:
    """Return the moment so long ago; None for all; raises UsageError."""
    if since.strip().lower() == "all":
        return None
    try:
        return now - duration(since)
    except (ValueError, OverflowError) as error:
        why = "that is too long ago" if isinstance(error, OverflowError) else str(error)
        raise UsageError(f"--since {since!r}: {why}; or `all`.") from None
