"""How much of everything does the shop need on a usual day, by arithmetic alone?"""

from aiops_agent.simulator.node import KNOWN, asks_of
from aiops_agent.simulator.physics import KINDS, Weather
from aiops_agent.simulator.shop import BY_NAME, COMPANY


def demand_on(service: str) -> float:
    """Return the requests per second that reach a service when the background is 1."""
    asked = dict.fromkeys(BY_NAME, 0.0)
    for spec in COMPANY:
        asked[spec.name] += spec.demand
        asks = asks_of(spec, KINDS, 1.0 - KNOWN)
        for call in asks.calls:
            asked[call.callee] += asked[spec.name] * call.rate
        if asks.database:
            asked[asks.database] += asked[spec.name] * asks.queries
    return asked[service]


def needed_connections(service: str, weather: Weather) -> float:
    """Return how many database connections a service uses at a time."""
    spec = BY_NAME[service]
    asks = asks_of(spec, KINDS, 1.0 - KNOWN)
    held = spec.hold + asks.each * BY_NAME[asks.database].own
    return demand_on(service) * weather.background * asks.using * held


def query_load(service: str, weather: Weather) -> tuple[float, float, float]:
    """Return the queries of a service, those of others to the same database, and its capacity."""
    spec = BY_NAME[service]
    asks = asks_of(spec, KINDS, 1.0 - KNOWN)
    own = demand_on(service) * asks.queries * weather.background
    others = demand_on(asks.database) * weather.background - own
    return own, others, BY_NAME[asks.database].capacity
