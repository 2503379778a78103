"""What the answers add up to: outcomes, notices per day, and how often each band was right."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from aiops_agent.domain.backtest import (
    ActionRow,
    BacktestReport,
    BacktestRun,
    Band,
    BandRow,
    Healed,
    PastAnswer,
    Rightness,
    WouldHave,
)
from aiops_agent.domain.environment import EnvironmentRef

Z = 1.96  # of the normal distribution: 95 % of it lie within so many deviations
_DAY = timedelta(days=1)  # people count what they are told by the day


def report(
    environment: EnvironmentRef,
    run: BacktestRun,
    answers: Iterable[PastAnswer],
    marks: Mapping[str, Rightness],
) -> BacktestReport:
    """Return the report of a run: the answers to what began in the time that it looked at."""
    mine = [one for one in answers if one.environment == environment]
    found = [one for one in mine if run.since <= one.opened_at <= run.until]
    found.sort(key=lambda one: (one.opened_at, one.id))
    would = Counter(one.would for one in found)
    healed = Counter(one.healed for one in found if one.healed is not None)
    notices = sum(one.notice for one in found)
    return BacktestReport(
        environment=environment,
        run=run,
        answers=tuple(found),
        marks={one.id: marks[one.id] for one in found if one.id in marks},
        outcomes={one: would[one] for one in WouldHave},
        healed={one: healed[one] for one in Healed},
        notices=notices,
        notices_per_day=notices / (run.recorded / _DAY) if run.recorded else None,
        reliability=tuple(_band(band, found, marks) for band in Band),
        actions=actions(found, marks),
    )


def actions(answers: Sequence[PastAnswer], marks: Mapping[str, Rightness]) -> tuple[ActionRow, ...]:
    """Return, of each kind of action that was asked for, how often, and people's marks."""
    kinds = dict.fromkeys(action.kind for one in answers for action in one.actions)
    rows = []
    for kind in sorted(kinds):
        own = [one for one in answers if any(action.kind == kind for action in one.actions)]
        right, wrong = _marked(own, marks)
        rows.append(ActionRow(kind=kind, asked=len(own), right=right, wrong=wrong))
    return tuple(rows)


def _band(band: Band, answers: Sequence[PastAnswer], marks: Mapping[str, Rightness]) -> BandRow:
    own = [one for one in answers if one.band is band]
    right, wrong = _marked(own, marks)
    low, high = wilson(right, right + wrong) if right + wrong else (None, None)
    return BandRow(band=band, answers=len(own), right=right, wrong=wrong, low=low, high=high)


def _marked(answers: Sequence[PastAnswer], marks: Mapping[str, Rightness]) -> tuple[int, int]:
    found = Counter(marks[one.id] for one in answers if one.id in marks)
    return found[Rightness.RIGHT], found[Rightness.WRONG]


def wilson(right: int, all_of_them: int) -> tuple[float, float]:
    """Return the bounds within which a share lies with 95 % (Wilson 1927, score interval).

    Unlike the textbook's usual one it holds for few trials and for shares near 0 and 1.
    """
    n, p = all_of_them, right / all_of_them
    middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
