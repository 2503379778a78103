"""The usual conventions as data: which metric names and labels mean which signal."""

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from importlib.resources import files

import yaml

from aiops_agent.domain.telemetry import Signal
from aiops_agent.domain.value import Value


class How(StrEnum):
    """How a signal is computed from a metric (and its companion `whole`); all by service."""

    QUANTILE = "quantile"  # 95th percentile of histogram buckets
    AVERAGE = "average"  # rate(metric) / rate(whole): seconds per request
    SUMMARY = "summary"  # the largest of ready-made quantiles
    RATE = "rate"  # sum of rates
    BAD_SHARE = "bad_share"  # rate with a bad status label / rate of all
    SHARE = "share"  # rate(metric) / rate(whole)
    HITS = "hits"  # rate(metric) / (rate(metric) + rate(whole))
    GAUGE = "gauge"  # average over replicas
    TOTAL = "total"  # sum over replicas
    PART = "part"  # sum(metric) / sum(whole)
    USED = "used"  # sum of rates / sum(whole), or of (whole / per)


class Rule(Value):
    r"""One way to one signal. `metric` and `unless` are regular expressions on whole names.

    `whole` and `per` may use the groups of `metric` (`\1`); alternatives are parted by `|`.
    `where` holds regular expressions on labels. `scale` multiplies the value; 0 means that the
    unit is in the name.
    """

    signal: Signal
    how: How
    metric: str
    unless: str = ""
    whole: str = ""
    per: str = ""
    where: dict[str, str] = {}
    status: tuple[str, ...] = ()
    bad: str = ""
    scale: float = 1.0

    def fits(self, name: str) -> bool:
        """Whether the rule can be used on a metric of that name."""
        if re.fullmatch(self.metric, name) is None:
            return False
        return not self.unless or re.fullmatch(self.unless, name) is None

    def companions(self, template: str, name: str) -> tuple[str, ...]:
        """Return the names that `whole` or `per` may have for a metric that fits, best first."""
        fit = re.fullmatch(self.metric, name)
        return tuple(fit.expand(one) for one in template.split("|")) if fit and template else ()

    def factor(self, name: str) -> float:
        """Return what values of that metric are multiplied by."""
        return self.scale or next(
            (factor for pattern, factor in _UNITS if re.search(pattern, name)), 1.0
        )


_UNITS = (
    (r"_(milliseconds|millis|msec|ms)(_|$)", 1e-3),
    (r"_(microseconds|micros|usec|us)(_|$)", 1e-6),
    (r"_(nanoseconds|nanos|nsec|ns)(_|$)", 1e-9),
)


class Calls(Value):
    """A metric with one series per caller and callee."""

    metric: str
    caller: tuple[str, ...]
    callee: tuple[str, ...]


class Recipe(Value):
    """One convention. `services` names the labels that say whose series it is, best first."""

    name: str
    rank: int
    services: tuple[str, ...]
    signals: tuple[Rule, ...] = ()
    calls: tuple[Calls, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that is looked at to use the recipe."""
        named = [*self.services]
        for rule in self.signals:
            named += [*rule.status, *rule.where]
        for calls in self.calls:
            named += [*calls.caller, *calls.callee]
        return tuple(dict.fromkeys(named))


@cache
def usual_recipes() -> tuple[Recipe, ...]:
    """Return the recipes that come with the package, the most specific first."""
    folder = files("aiops_agent.adapters.prometheus") / "recipes"
    texts = [file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".yaml")]
    return in_order(Recipe.of(yaml.safe_load(text)) for text in texts)


def in_order(recipes: Iterable[Recipe]) -> tuple[Recipe, ...]:
    """Return the recipes in the order in which they are tried."""
    return tuple(sorted(recipes, key=lambda recipe: (recipe.rank, recipe.name)))
