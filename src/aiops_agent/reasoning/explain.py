"""Latency and errors travel from callee to caller: how much of a service's pain is its own?"""

from aiops_agent.domain.telemetry import ServiceName, Signal
from aiops_agent.reasoning.gather import PAIN, Scene
from aiops_agent.reasoning.measure import Shift

# A caller may wait for a callee more than once (retries, several calls for one request).
CALLS_PER_REQUEST = 2.0
FULL = 0.9  # share in use: a service this full is slow by itself


def pain(scene: Scene, service: str) -> tuple[Shift, ...]:
    """Return the shifts by which `service` hurts its users, worst first; none when it is well."""
    moved = (scene.shift(service, signal) for signal in PAIN)
    hurts = [one for one in moved if one is not None and one.up]
    return tuple(sorted(hurts, key=lambda one: -one.size))


def own_share(scene: Scene, service: str) -> float:
    """Return which share 0..1 of the service's pain its callees do not account for.

    0 when it has no pain. 1 when nothing is known of its callees.
    """
    hurts = pain(scene, service)
    if not hurts:
        return 0.0
    callees = scene.graph.callees(service)
    return min(
        1.0 - max((_accounts_for(scene, callee, one) for callee in callees), default=0.0)
        for one in hurts[:1]
    )


def to_blame(scene: Scene, service: str) -> str | None:
    """Return the callee that accounts for most of the service's pain, or None."""
    hurts = pain(scene, service)
    if not hurts:
        return None
    shares = [(_accounts_for(scene, c, hurts[0]), c) for c in scene.graph.callees(service)]
    share, callee = max(shares, default=(0.0, ""))
    # Half: less than that, and the service has pain enough of its own.
    return callee if share >= 0.5 else None


def hurting(scene: Scene) -> tuple[ServiceName, ...]:
    """Return every service in pain, the worst first."""
    found = [(hurts[0].size, name) for name in scene.names if (hurts := pain(scene, name))]
    return tuple(name for _, name in sorted(found, key=lambda pair: (-pair[0], pair[1])))


def reach(scene: Scene, service: str) -> float:
    """Return how well `service` can be behind the alert: 1 on its path, less beside it."""
    if service == scene.service or not scene.graph.calls:
        return 1.0
    if service in scene.graph.downstream(scene.service):
        return 1.0
    # Traces miss edges: what is not on the path is unlikely, and not impossible.
    return 0.4


def _swamped(scene: Scene, service: str) -> bool:
    """Whether a service is full and several times slower: then its callers queue for it.

    They hold connections and workers while they wait, so their own wait grows far beyond the
    callee's latency: amounts cannot be compared any more.
    """
    used, latency = scene.shift(service, Signal.SATURATION), scene.shift(service, Signal.LATENCY)
    full = used is not None and used.up and used.worst >= FULL
    # Three times as slow: nearer to usual, amounts can still be compared.
    return full and latency is not None and latency.ratio >= 3.0


def _accounts_for(scene: Scene, callee: str, hurt: Shift) -> float:
    """Return which share of a caller's shift the callee's own pain explains."""
    latency = scene.shift(callee, Signal.LATENCY)
    errors = scene.shift(callee, Signal.ERRORS)
    slow = latency is not None and latency.up
    failing = errors is not None and errors.up
    found = [0.9 if slow and _swamped(scene, callee) else 0.0]
    caller = hurt.track.service
    if slow and latency is not None:
        # Slow callees make callers time out: their errors are explained by comparing latencies.
        waited = scene.shift(caller, Signal.LATENCY)
        reference = hurt if hurt.track.signal is Signal.LATENCY else waited
        if reference is not None and reference.delta > 0:
            found.append(CALLS_PER_REQUEST * latency.delta / reference.delta)
    if failing and errors is not None:
        if hurt.track.signal is Signal.ERRORS:
            found.append(CALLS_PER_REQUEST * errors.delta / hurt.delta)
        else:
            found.append(min(0.8, 4.0 * errors.delta))  # retries cost the caller time
    return min(1.0, max(found))
