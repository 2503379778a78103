"""How is each service now, and how is it usually? By the same readings as triage."""

from datetime import datetime, timedelta

from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.quantity import amount, times
from aiops_agent.domain.service_status import EnvironmentNow, ServiceNow, SignalNow
from aiops_agent.domain.telemetry import Service, ServiceGraph, ServiceName, Signal, Window
from aiops_agent.ports.telemetry import Environment
from aiops_agent.reasoning.gather import Key, read_signals
from aiops_agent.reasoning.harm import Counted, HarmLimits, look
from aiops_agent.reasoning.measure import Track
from aiops_agent.reasoning.read_alert import Reading, State, TimeFrame
from aiops_agent.reasoning.troubles import read_troubles

USUAL = timedelta(hours=2)  # trouble of less than an hour does not become what is usual
RECENT = 60.0  # seconds that count as now; more where samples come seldom
MOST_SERVICES = 200  # of one read: more do not fit an answer of Prometheus, nor a screen
# What users feel before what may make them feel it.
SHOWN = (Signal.ERRORS, Signal.LATENCY, Signal.REPLICAS, Signal.SATURATION, Signal.TRAFFIC)
NAMES = {
    Signal.ERRORS: "errors",
    Signal.LATENCY: "p95",
    Signal.SATURATION: "saturation",
    Signal.TRAFFIC: "requests",
}
FARTHEST = 1000.0  # noise units: what is further off is no worse


async def read_status(environment: Environment, harm: HarmLimits) -> EnvironmentNow:
    """Return how each known service is; what cannot be read is named in `missing`."""
    now = environment.clock.now()
    window = Window(start=now - USUAL, end=now)
    found = EnvironmentNow(environment=environment.ref, at=now, usual=window)
    troubles, missing = await read_troubles(environment)
    found = found.model_copy(update={"troubles": troubles, "missing": missing})
    try:
        graph = await environment.topology.graph()
        names = sorted(graph.names)[:MOST_SERVICES]
        tracks = await read_signals(environment, names, SHOWN, window)
    except SourceError as error:
        return found.model_copy(update={"missing": (*missing, str(error))})
    services = [service_now(one, tracks, now, harm) for one in _known(graph, names)]
    services.sort(key=lambda one: (-one.severity, one.service))
    left_out = len(graph.names) - len(names)
    return found.model_copy(update={"services": tuple(services), "left_out": left_out})


def _known(graph: ServiceGraph, names: list[ServiceName]) -> list[Service]:
    wanted = set(names)
    return [one for one in graph.services if one.name in wanted]


async def read_service(environment: Environment, service: Service, harm: HarmLimits) -> ServiceNow:
    """Return how one service is now. Raises SourceError."""
    now = environment.clock.now()
    window = Window(start=now - USUAL, end=now)
    tracks = await read_signals(environment, (service.name,), SHOWN, window)
    return service_now(service, tracks, now, harm)


def service_now(
    one: Service, tracks: dict[Key, Track], now: datetime, harm: HarmLimits
) -> ServiceNow:
    """Return how a service is by its signals at a moment."""
    frame = TimeFrame(None, now.timestamp(), RECENT)
    counted = Counted(one.objective, one.replicas, harm)
    traffic = tracks.get((one.name, Signal.TRAFFIC))
    readings = [
        look(seen, counted, frame, traffic)
        for signal in SHOWN
        if (seen := tracks.get((one.name, signal))) is not None
    ]
    bad = [reading for reading in readings if reading.state is State.BAD]
    return ServiceNow(
        service=one.name,
        signals=tuple(map(_signal, readings)),
        severity=max(map(_severity, bad), default=0.0),
    )


def _signal(one: Reading) -> SignalNow:
    usual = one.shift.before if one.shift is not None else None
    if one.signal is Signal.REPLICAS:
        usual = one.level
    words = _words(one, usual) if one.state is State.BAD else ""
    return SignalNow(signal=one.signal, now=one.value, usual=usual, words=words)


def _words(one: Reading, usual: float | None) -> str:
    """Return how a signal deviates; its numbers stand beside it."""
    if one.signal is Signal.REPLICAS:
        return one.words
    name = NAMES[one.signal]
    if one.level is not None and one.value is not None and one.value > one.level:
        promised = "objective" if one.signal in (Signal.ERRORS, Signal.LATENCY) else "limit"
        return f"{name} above the {promised} of {amount(one.signal, one.level)}"
    if not one.value:
        return f"no {name}"
    return f"{name} {times(one.value / usual)} the usual" if usual else f"{name} unusual"


def _severity(one: Reading) -> float:
    size = min(abs(one.shift.size), FARTHEST) if one.shift is not None else 0.0
    return (len(SHOWN) - SHOWN.index(one.signal)) + size / (FARTHEST + 1.0)
