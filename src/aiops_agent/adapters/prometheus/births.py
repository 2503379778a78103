"""Which services there are where nobody else tells, and whose a target's nameless series are."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations

from aiops_agent.adapters.prometheus.catch import Catch
from aiops_agent.adapters.prometheus.names import REPLICA, Names, Row
from aiops_agent.adapters.prometheus.recipe import REQUESTS, Recipe, Rule
from aiops_agent.domain.labels import address, carried, found_by, plain, says
from aiops_agent.domain.survey import Instances
from aiops_agent.domain.telemetry import ServiceName

_MOST_NEWCOMERS = 300  # services that nobody declared; more are labels gone wrong
_TARGET_INFO = "target_info"  # OpenTelemetry's resource, with the name that its people chose
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,20}://.+")


def with_newcomers(catch: Catch, recipes: Sequence[Recipe], names: Names) -> Names:
    """Return the names, with the services that series name when no other is known."""
    if not names.services:
        mixed = _mixed(catch, recipes)
        found = dict.fromkeys(
            name
            for recipe, rule, rows in _telling(catch, recipes)
            if recipe.thing or rule.signal in REQUESTS
            for row in rows
            if (name := _born(row, recipe, mixed))
        )
        kept = list(found)[:_MOST_NEWCOMERS]
        names = Names.of((Instances(service=service) for service in kept), names.declared)
    return names.adopting(_targets(catch, recipes, names))


def _born(row: Row, recipe: Recipe, mixed: AbstractSet[str]) -> ServiceName | None:
    order = recipe.births or recipe.order
    if row.get("job") in mixed and not recipe.births:
        host = plain(row.get("instance", ""))
        named = newcomer(row, [label for label in order if label != "job"])
        found = named or (ServiceName(host) if host and not address(host) else None)
    else:
        found = newcomer(row, order, bool(recipe.births))
    # Redis is down, and not its exporter: alerts about it are read alike.
    return ServiceName(carried(found) or found) if found and recipe.thing else found


def _mixed(catch: Catch, recipes: Sequence[Recipe]) -> AbstractSet[str]:
    """Return the jobs under which several exporters stand that tell of different things."""
    told: dict[tuple[str, str], set[str]] = {}
    for recipe, _, rows in _telling(catch, _things(recipes)):
        for row in rows:
            told.setdefault((row.get("job", ""), row.get("instance", "")), set()).add(recipe.name)
    kinds: dict[str, set[frozenset[str]]] = {}
    for (job, _), names in told.items():
        kinds.setdefault(job, set()).add(frozenset(names))
    return {
        job
        for job, sets in kinds.items()
        if len(sets) > 1 and all(a.isdisjoint(b) for a, b in combinations(sets, 2))
    }


def _things(recipes: Sequence[Recipe]) -> list[Recipe]:
    return [one for one in recipes if one.thing and not one.view and not one.guess]


def newcomer(row: Row, order: Sequence[str], chosen: bool = False) -> ServiceName | None:
    """Return what the row's service is called when nobody else tells which services there are.

    Names of replicas make no service, unless the recipe has `chosen` these labels; a job that only
    says how targets are found does when nothing else is said.
    """
    for label in sorted(order, key=lambda one: one == "job" and found_by(row.get(one, ""))):
        value = row.get(label, "")
        fits = _URL.fullmatch(value) if label == "instance" else chosen or label not in REPLICA
        if value and fits:
            return ServiceName(plain(value)) if says(value) and plain(value) else None
    return None


def _telling(
    catch: Catch, recipes: Sequence[Recipe]
) -> Iterator[tuple[Recipe, Rule, Sequence[Row]]]:
    for recipe in recipes:
        for rule in recipe.signals:
            for metric in sorted(name for name in catch.rows if rule.fits(name)):
                yield recipe, rule, rule.meeting(catch.rows[metric])


def _targets(
    catch: Catch, recipes: Sequence[Recipe], names: Names
) -> Iterator[tuple[str, ServiceName]]:
    """Yield the job of each target whose own requests name one service only, and that service.

    A job that only says how targets are found, or under which exporters of other things stand too,
    is nobody's.
    """
    owners: dict[str, set[ServiceName | None]] = {}
    asked: set[tuple[str, str]] = set()
    for recipe, rule, rows in _telling(catch, recipes):
        if recipe.view or rule.signal not in REQUESTS:
            continue
        for row in rows:
            owners.setdefault(row.get("job", ""), set()).add(names.owner(row, recipe.order))
            asked.add(_target(row))
    others = {
        row.get("job", "")
        for _, _, rows in _telling(catch, _things(recipes))
        for row in rows
        if _target(row) not in asked
    }
    for row in catch.rows.get(_TARGET_INFO, ()):
        owner = names.owner(row, ("service_name", "job"))
        owners.setdefault(row.get("job", ""), set()).add(owner)
    for job, found in owners.items():
        owner = next(iter(found))
        if len(found) > 1 or owner is None or not job or job in others or found_by(job):
            continue
        if names.meant(job) is None:
            yield job, owner


def _target(row: Row) -> tuple[str, str]:
    return row.get("job", ""), row.get("instance", "")
