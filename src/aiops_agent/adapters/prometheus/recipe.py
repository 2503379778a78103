"""The usual conventions as data: which metric names and labels mean which signal."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files

import yaml

from aiops_agent.adapters.prometheus import units
from aiops_agent.domain.telemetry import Signal
from aiops_agent.domain.value import Value

REQUESTS = (Signal.LATENCY, Signal.TRAFFIC, Signal.ERRORS)
DIRECTION = "direction"  # a label of proxies and meshes that see what comes in and what goes out
OUTWARD = "(?i:out|outbound|egress|outgoing|client|upstream)"
# Where programs, and those who scrape them, write whose series it is, best first. What a target's
# labels pushed aside (`exported_…`) is what the program itself said.
_OWN = (
    "exported_service", "service", "exported_service_name", "service_name", "exported_app", "app",
    "exported_application", "application", "app_name", "app_kubernetes_io_name",
)  # fmt: skip
_JOB = ("exported_job", "job")
_REPLICA = (
    "compose_service", "container_label_com_docker_compose_service",
    "container", "container_name", "name", "pod", "instance",
)  # fmt: skip


class How(StrEnum):
    """How a signal is computed from a metric (and its companion `whole`); all by service."""

    QUANTILE = "quantile"  # 95th percentile of histogram buckets
    NATIVE = "native"  # 95th percentile of a native histogram, which has no buckets by name
    OBSERVED = "observed"  # observations per second of a native histogram
    AVERAGE = "average"  # rate(metric) / rate(whole): seconds per request
    SUMMARY = "summary"  # the largest of ready-made quantiles, or of ready-made means
    RATE = "rate"  # sum of rates
    BOTH = "both"  # sum of rates of metric and whole
    BAD_SHARE = "bad_share"  # rate with a bad (or no good) status label / rate of all
    SHARE = "share"  # rate(metric) / rate(whole)
    SPARED = "spared"  # 1 - rate(metric) / rate(whole): look-ups that needed no slower store
    HITS = "hits"  # rate(metric) / (rate(metric) + rate(whole))
    GAUGE = "gauge"  # average over replicas
    TOTAL = "total"  # sum over replicas
    BESIDE = "beside"  # sum(metric) / (sum(metric) + sum(whole))
    PART = "part"  # sum(metric) / sum(whole); a whole of 0 or -1 means that there is no limit
    WORST = "worst"  # the largest metric / whole of any series
    FREE = "free"  # 1 - sum(metric) / sum(whole)
    REST = "rest"  # 1 - average over replicas
    IDLE = "idle"  # 1 - average rate, of seconds spent doing nothing
    FAILING = "failing"  # 1 - average over the last while, of a gauge that is 1 when all is well
    USED = "used"  # sum of rates / sum(whole), or of (whole / per)
    INCREASE = "increase"  # how many more within the last while


WITH_WHOLE = frozenset(
    {
        How.AVERAGE,
        How.BOTH,
        How.SHARE,
        How.SPARED,
        How.HITS,
        How.BESIDE,
        How.PART,
        How.WORST,
        How.FREE,
        How.USED,
    }
)
COUNTING = frozenset(
    {
        How.AVERAGE,
        How.RATE,
        How.BOTH,
        How.BAD_SHARE,
        How.SHARE,
        How.SPARED,
        How.HITS,
        How.USED,
        How.INCREASE,
    }
)


class Rule(Value):
    r"""One way to one signal. `metric` and `unless` are regular expressions on whole names.

    `whole` and `per` may use the groups of `metric` (`\1`); alternatives are parted by `|`. `where`
    holds regular expressions on labels, `never` such that must not match, `whole_where` those of a
    gauge's whole. Of the labels `status`, the first that a series has is read: `bad` values are
    failures, or all but `good` ones. `scale` multiplies the value; 0 means that the unit is to be
    found out. `counter` asks metadata to say that it is one, where the name does not.
    """

    signal: Signal
    how: How
    metric: str
    unless: str = ""
    whole: str = ""
    per: str = ""
    where: dict[str, str] = {}
    never: dict[str, str] = {}
    whole_where: dict[str, str] = {}
    status: tuple[str, ...] = ()
    bad: str = ""
    good: str = ""
    scale: float = 1.0
    counter: bool = False

    def fits(self, name: str) -> bool:
        """Whether the rule can be used on a metric of that name."""
        return _fits(self.metric, self.unless, name)

    def companions(self, template: str, name: str) -> tuple[str, ...]:
        """Return the names that `whole` or `per` may have for a metric that fits, best first."""
        fit = pattern(self.metric).fullmatch(name)
        return tuple(fit.expand(one) for one in template.split("|")) if fit and template else ()

    def meeting(self, rows: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
        """Return the rows whose labels are as `where` and `never` want them."""
        return [row for row in rows if self._meets(row)]

    def _meets(self, row: Mapping[str, str]) -> bool:
        met = all(pattern(one).fullmatch(row.get(name, "")) for name, one in self.where.items())
        return met and not any(
            pattern(one).fullmatch(row.get(name, "")) for name, one in self.never.items()
        )

    def factor(self, name: str) -> float | None:
        """Return what values of that metric are multiplied by; None when the name tells no unit."""
        return self.scale or units.named(name)


@cache  # there are more than the library's own cache holds
def pattern(text: str) -> re.Pattern[str]:
    """Return a regular expression of a recipe."""
    return re.compile(text)


@lru_cache(maxsize=2**18)  # all rules, and some hundred names
def _fits(metric: str, unless: str, name: str) -> bool:
    if pattern(metric).fullmatch(name) is None:
        return False
    return not unless or pattern(unless).fullmatch(name) is None


class Calls(Value):
    """A metric with one series per caller and callee."""

    metric: str
    caller: tuple[str, ...]
    callee: tuple[str, ...]


class Recipe(Value):
    """One convention. `services` names the labels that say whose series it is, best first.

    Without them it is what the program calls itself, and of a `thing` first what was scraped.
    `births` are the labels that may bring a service into being, by default those of `services` that
    name no replica; `thing` says that any of its signals does, not only requests. `view` means that
    the series tell of others than of what is scraped. A `guess` fits names that nobody documents,
    so metadata must not speak against it.
    """

    name: str
    rank: int
    services: tuple[str, ...] = ()
    births: tuple[str, ...] = ()
    thing: bool = False
    view: bool = False
    guess: bool = False
    signals: tuple[Rule, ...] = ()
    calls: tuple[Calls, ...] = ()

    @property
    def order(self) -> tuple[str, ...]:
        """The labels that say whose series it is, best first."""
        own = (*_JOB, *_OWN, *_REPLICA) if self.thing else (*_OWN, *_JOB, *_REPLICA)
        return self.services or own

    @property
    def identity(self) -> tuple[str, ...]:
        """Every label that may say whose series it is."""
        return tuple(dict.fromkeys([*self.order, *self.births]))

    def asks(self, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the metrics that a metric of that name needs, each with the labels to look at."""
        direction = (DIRECTION,) if self.guess else ()
        for rule in self.signals:
            if rule.fits(name):
                yield name, (*self.identity, *direction, *rule.status, *rule.where, *rule.never)
                for template in (rule.whole, rule.per):
                    for companion in rule.companions(template, name):
                        yield companion, self.identity
        for calls in self.calls:
            if calls.metric == name:
                yield name, (*self.identity, *calls.caller, *calls.callee)


@cache
def usual_recipes() -> tuple[Recipe, ...]:
    """Return the recipes that come with the package, the most specific first."""
    folder = files("aiops_agent.adapters.prometheus") / "recipes"
    texts = [file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".yaml")]
    documents = (one for text in texts for one in yaml.safe_load_all(text))
    return in_order(Recipe.of(one) for one in documents)


def in_order(recipes: Iterable[Recipe]) -> tuple[Recipe, ...]:
    """Return the recipes in the order in which they are tried."""
    return tuple(sorted(recipes, key=lambda recipe: (recipe.rank, recipe.name)))
