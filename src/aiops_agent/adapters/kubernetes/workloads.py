"""How the pods of a service are: state, why, exit code, limits, node."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiops_agent.adapters.kubernetes import fields
from aiops_agent.adapters.kubernetes.containers import OUT_OF_MEMORY, Container, Ill
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.pods import containers, pod_ill, ready
from aiops_agent.adapters.kubernetes.state import ClusterState, Thing
from aiops_agent.domain.telemetry import ServiceName, Workload
from aiops_agent.domain.trouble import TroubleKind
from aiops_agent.domain.value import Json

_LONGEST = 300  # characters of what the platform says
_PROBES = (TroubleKind.NOT_READY, TroubleKind.UNHEALTHY)


@dataclass(frozen=True)
class KubernetesWorkloads:
    """The Workloads port."""

    cluster: Cluster

    async def workloads(self, services: Sequence[ServiceName]) -> tuple[Workload, ...]:
        """Return the pods of these services, ended ones too. Raises SourceError."""
        return workloads_of(await self.cluster.state(), services) if services else ()


def workloads_of(state: ClusterState, services: Sequence[ServiceName]) -> tuple[Workload, ...]:
    """Return the pods of these services."""
    wanted = set(services)
    return tuple(
        _workload(state, name, pod)
        for key, name in state.names.items()
        if name in wanted
        for pod in state.pods.get(key, ())
    )


def _workload(state: ClusterState, service: ServiceName, pod: Thing) -> Workload:
    ill = pod_ill(state, pod)
    own = [one for one in containers(state, pod) if one.lasting] or list(containers(state, pod))
    named = [one for one in own if ill is not None and one.name == ill.container]
    main = (named or own or [Container({}, {}, (), pod.namespace, state.at)])[0]
    last = fields.field(main.status, "lastState", "terminated")
    over = fields.field(main.status, "state", "terminated") or last
    limits = fields.field(main.spec, "resources", "limits")
    probed = any("readinessProbe" in one.spec for one in own)
    healthy = "healthy" if ready(pod) else "starting"
    return Workload(
        service=service,
        name=pod.name,
        state=_state(pod, own, ill),
        reason=_reason(main, over, ill),
        exit_code=fields.number(over, "exitCode"),
        image=fields.text(main.spec, "image"),
        image_id=fields.text(main.status, "imageID"),
        restarts=sum(fields.count(one.status, "restartCount") for one in own),
        cpu_limit=fields.quantity(fields.field(limits, "cpu")),
        memory_limit=_whole(fields.field(limits, "memory")),
        node=fields.text(pod.document, "spec", "nodeName"),
        started_at=fields.moment(main.status, "state", "running", "startedAt"),
        ended_at=fields.moment(over, "finishedAt"),
        wanted=_wanted(pod, ill),
        health="unhealthy" if ill and ill.kind in _PROBES else healthy if probed else "",
        probe=ill.words[:_LONGEST] if ill and ill.kind in _PROBES else "",
    )


def _state(pod: Thing, own: Sequence[Container], ill: Ill | None) -> str:
    """Return what a pod does: "waiting" is one that should run and cannot."""
    phase = fields.text(pod.document, "status", "phase").lower()
    if pod.deleted is not None:
        return "terminating"
    if phase in ("succeeded", "failed"):
        return phase
    runs = [isinstance(fields.field(one.status, "state", "running"), dict) for one in own]
    if phase == "running" and runs and all(runs):
        return "running"
    return "waiting" if ill is not None and ill.harm else "starting"


def _reason(main: Container, over: Json, ill: Ill | None) -> str:
    if fields.text(over, "reason") == OUT_OF_MEMORY and ill is not None:
        return OUT_OF_MEMORY
    waits = fields.text(main.status, "state", "waiting", "reason")
    if ill is None or ill.kind in _PROBES:
        return ""
    return waits if ill.ended and waits else ill.words[:_LONGEST]


def _wanted(pod: Thing, ill: Ill | None) -> bool:
    phase = fields.text(pod.document, "status", "phase")
    if pod.deleted is not None or phase == "Succeeded":
        return False
    return phase != "Failed" or (ill is not None and ill.harm)


def _whole(said: Json) -> int | None:
    found = fields.quantity(said)
    return int(found) if found else None
