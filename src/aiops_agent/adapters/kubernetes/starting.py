"""What of a cluster a first configuration needs: namespaces, and who measures and who alerts."""

from collections.abc import Sequence

from aiops_agent.adapters.kubernetes import fields, kinds
from aiops_agent.adapters.kubernetes.state import ClusterState, Thing
from aiops_agent.domain.cluster_start import ClusterStart

_PORTS = {"prometheus": 9090, "alertmanager": 9093}  # as both listen unless they are told otherwise
# What is named after Prometheus and is something else.
_BESIDE = ("exporter", "operator", "pushgateway", "adapter", "metrics", "thanos", "webhook")


def start_of(state: ClusterState, server: str, only: Sequence[str]) -> ClusterStart:
    """Return what was found."""
    counts: dict[str, int] = {}
    for key in state.serving:
        counts[key.namespace] = counts.get(key.namespace, 0) + 1
    found = {name: _address(state, name) for name in _PORTS}
    return ClusterStart(
        server=server,
        homes=tuple(sorted(counts.items())),
        only=tuple(only),
        unreadable=tuple(dict.fromkeys(state.unreadable.values())),
        **found,
    )


def _address(state: ClusterState, name: str) -> str:
    """Return where a Service of that name and port is called from within the cluster, or ""."""
    fits = [one for one in state.all(kinds.SERVICES) if name in one.name and _serves(one, name)]
    fits = [one for one in fits if not any(word in one.name for word in _BESIDE)]
    # "prometheus-operated" has no address of its own: one with an address stands for all replicas.
    fits.sort(key=lambda one: (_headless(one), len(one.name), one.name, one.namespace))
    return f"http://{fits[0].name}.{fits[0].namespace}:{_PORTS[name]}" if fits else ""


def _serves(service: Thing, name: str) -> bool:
    ports = fields.many(service.document, "spec", "ports")
    return any(port.get("port") == _PORTS[name] for port in ports)


def _headless(service: Thing) -> bool:
    return fields.text(service.document, "spec", "clusterIP") == "None"
