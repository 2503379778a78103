"""What telemetry said after the action, check by check."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from aiops_agent.domain.quantity import amount, signal_name, target
from aiops_agent.domain.remediation import Check, Comparison, Verification
from aiops_agent.domain.sparkline import sparkline
from aiops_agent.interfaces.terminal.escape import joined, say, tell
from aiops_agent.interfaces.terminal.palette import QUIET, RECOVERY_MARK, words
from aiops_agent.interfaces.terminal.screen import SPARK_CELLS, tier

_GAP = 2  # cells between columns
_NAME_MIN = 8  # cells


def verification(result: Verification, width: int) -> RenderableType:
    """Return the verdict in words, and below it the table of checks."""
    sign, ink = RECOVERY_MARK[result.recovery]
    verdict = joined([say(f"{sign} {words(result.recovery.value)}", ink), tell(result.reason)])
    return Group(verdict, checks(result, width)) if result.checks else verdict


def checks(result: Verification, width: int) -> Table:
    """Return one line per check: at alert, now, target, and its course."""
    cells = SPARK_CELLS[tier(width)]
    heads = ["", "Check", "at alert", "now", "target", *(["course"] if cells else [])]
    rows = [[say(head, QUIET) for head in heads]]
    rows += [_row(check, cells)[: len(heads)] for check in result.checks]
    sizes = [max(row[place].cell_len for row in rows) for place in range(len(heads))]
    rest = sum(sizes) - sizes[1] + _GAP * (len(sizes) - 1)
    sizes[1] = max(min(sizes[1], width - rest), _NAME_MIN)
    table = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    for place, size in enumerate(sizes):
        table.add_column(width=size, no_wrap=True, justify="right" if 2 <= place <= 4 else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _row(check: Check, cells: int) -> list[Text]:
    sign, ink = RECOVERY_MARK[check.recovery]
    signal = check.criterion.signal
    return [
        say(sign, ink),
        _name(check),
        say(amount(signal, check.criterion.at_alert)),
        say(amount(signal, check.now), ink),
        say(target(check.criterion), QUIET),
        say(sparkline(check.trend, cells, changed=_hurt(check)), ink),
    ]


def _hurt(check: Check) -> bool:
    """Whether it ever was on the wrong side; if not, its noise should not shout."""
    level, below = check.criterion.level, check.criterion.comparison is Comparison.BELOW
    return any(value > level if below else value < level for value in check.trend)


def _name(check: Check) -> Text:
    return say(f"{check.criterion.service} {signal_name(check.criterion.signal)}")
