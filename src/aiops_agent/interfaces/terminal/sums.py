"""What incidents, agents and models add up to, as tables."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent.domain.answer import Usage
from aiops_agent.domain.quantity import money, stopwatch
from aiops_agent.domain.stats import Share, Spread, Stats
from aiops_agent.interfaces.terminal.escape import say
from aiops_agent.interfaces.terminal.layout import table
from aiops_agent.interfaces.terminal.palette import QUIET, STRONG, words

_NAME_CAP = 40  # cells
_HEADS = ["CALLS", "FAILED", "IN", "CACHED", "OUT", "THOUGHT", "TIME", "COST"]


def stats(found: Stats, width: int) -> RenderableType:
    """Return endings, times, and what agents and models did."""
    if not found.incidents:
        return say("No incidents in that time.")
    since = f"since {found.since:%Y-%m-%d %H:%M} UTC" if found.since else "of all time"
    endings = [[say(words(name)), say(str(count))] for name, count in found.endings.items()]
    parts: list[RenderableType] = [
        say(f"{found.incidents} incident{'' if found.incidents == 1 else 's'} {since}", STRONG),
        Text(),
        table(["ENDED", "INCIDENTS"], endings, width),
        Text(),
        table(["TIME TO", "COUNT", "MEDIAN", "9 OF 10 WITHIN"], _times(found), width),
        Text(),
        _shares("AGENT", found.agents, found.usage, width),
    ]
    if found.models:
        parts += [Text(), _shares("MODEL", found.models, found.usage, width)]
    else:
        parts.append(say("no language model was asked", QUIET))
    return Group(*parts)


def _times(found: Stats) -> list[list[Text]]:
    named: Sequence[tuple[str, Spread | None]] = (
        ("a plan", found.to_plan),
        ("a person's answer", found.to_answer),
        ("the end", found.to_end),
    )
    return [
        [
            say(name),
            say(str(one.count if one else 0)),
            say(stopwatch(one.median) if one else "-"),
            say(stopwatch(one.p90) if one else "-"),
        ]
        for name, one in named
    ]


def _shares(head: str, shares: Sequence[Share], whole: Usage, width: int) -> RenderableType:
    seconds = sum(share.seconds for share in shares)
    failed = sum(share.failed for share in shares)
    total = Share(name="all", usage=whole, failed=failed, seconds=seconds)
    rows = [_share(share, "") for share in shares] + [_share(total, STRONG)]
    return table([head, *_HEADS], rows, width, {head: _NAME_CAP})


def _share(share: Share, ink: str) -> list[Text]:
    used = share.usage
    numbers = (
        *(used.requests, share.failed),
        *(used.input - used.cached_input, used.cached_input),
        *(used.output - used.reasoning, used.reasoning),
    )
    cells = [share.name, *map(str, numbers), stopwatch(share.seconds), money(used.cost)]
    return [say(cell, ink) for cell in cells]
