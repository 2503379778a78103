"""Which containers of a service are ill: by their health check, and compared with each other.

Only what stands out among its like is named. What looks ill together is the service's, not theirs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aiops_agent.adapters.docker.containers import Inspected, Listed
from aiops_agent.adapters.docker.topology import names_of
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.quantity import amount
from aiops_agent.domain.telemetry import Signal, Vital
from aiops_agent.ports.telemetry import Vitals

_SLOWER = 4.0  # times the fastest one
_FAILING = 0.2  # share of requests more than the best one
_SILENT = 0.05  # share of the busiest one's requests
_KINDS = {
    Signal.LATENCY: "latency",
    Signal.ERRORS: "errors",
    Signal.TRAFFIC: "traffic",
    Signal.REPLICAS: "scrapes",
}


@dataclass(frozen=True)
class Illness:
    """What is to be restarted, by id with the evidence; `unsure` says why it is all of them."""

    ill: Mapping[str, str]
    unsure: str = ""


async def ill_of(
    group: Sequence[Listed], inspected: Sequence[Inspected], vitals: Vitals | None
) -> Illness:
    """Return which of a service's containers are ill, or all of them and why."""
    states = {one.id: list(_by_state(one)) for one in inspected}
    evidence = {one.id: states.get(one.id, []) for one in group}
    seen: tuple[Vital, ...] = ()
    blind = "nothing measures single containers"
    if vitals is not None and len(group) > 1:
        try:
            seen = await vitals.vitals(group[0].service)
        except SourceError as error:
            blind = f"single containers could not be measured: {error}"
    measured = _by_container(group, seen)
    for signal, values in measured.items():
        for container, words in _standing_out(signal, values):
            evidence[container].append(words)
    ill = {container: ", ".join(words) for container, words in evidence.items() if words}
    if ill or len(group) == 1:
        return Illness(ill or {group[0].id: ""})
    compared = ", ".join(_KINDS[signal] for signal in measured)
    told = f"none stands out in {compared}" if compared else blind
    return Illness(
        dict.fromkeys(evidence, ""), f"which of them is ill is not known: no failing check, {told}"
    )


def _by_state(one: Inspected) -> Iterator[str]:
    health = (one.raw.get("State") or {}).get("Health") or {}
    if health.get("Status") == "unhealthy":
        yield "its health check fails"
    if one.status == "paused":
        yield "it is paused"


def _by_container(group: Sequence[Listed], seen: Sequence[Vital]) -> dict[Signal, dict[str, float]]:
    """Return the values of each signal by container, of signals that tell of more than one."""
    owners: dict[str, set[str]] = {}  # a name of two tells nothing
    for one in group:
        for name in names_of(one):
            owners.setdefault(name.lower(), set()).add(one.id)
    found: dict[Signal, dict[str, float]] = {}
    for vital in seen:
        whose = {min(ids) for name in vital.names if len(ids := owners.get(name, set())) == 1}
        if len(whose) == 1 and vital.signal in _KINDS:
            found.setdefault(vital.signal, {})[whose.pop()] = vital.value
    return {signal: values for signal, values in found.items() if len(values) > 1}


def _standing_out(signal: Signal, values: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    least, most = min(values.values()), max(values.values())
    best = amount(signal, most if signal is Signal.TRAFFIC else least)
    for container, value in values.items():
        seen = amount(signal, value)
        if signal is Signal.REPLICAS and value == 0 < most:
            yield container, "it does not answer its scrapes"
        elif signal is Signal.ERRORS and value > least + _FAILING:
            yield container, f"{seen} of its requests fail, {best} at the best"
        elif signal is Signal.LATENCY and 0 < least * _SLOWER < value:
            yield container, f"p95 {seen}, {best} at the best"
        elif signal is Signal.TRAFFIC and value < most * _SILENT:
            yield container, f"it answers {seen}, {best} at the best"
