"""Autoscalers, disruption budgets, volume claims and nodes: what bounds the work of pods."""

from collections.abc import Iterator
from datetime import timedelta

from aiops_agent.adapters.kubernetes import causes, fields, kinds
from aiops_agent.adapters.kubernetes.pods import LONGEST
from aiops_agent.adapters.kubernetes.rollouts import wants
from aiops_agent.adapters.kubernetes.state import ClusterState, Key, Thing, latest
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.text import safe
from aiops_agent.domain.trouble import PlatformTrouble, TroubleKind

NEW = timedelta(seconds=60)  # an autoscaler so young has not counted yet
BINDS = timedelta(seconds=20)  # a claim is usually bound within
_PRESSURES = {
    "MemoryPressure": "memory",
    "DiskPressure": "disk",
    "PIDPressure": "process ids",
}


def troubles(state: ClusterState) -> Iterator[PlatformTrouble]:
    """Yield what is wrong with them."""
    for autoscaler in state.all(kinds.AUTOSCALERS):
        yield from _autoscaler(state, autoscaler)
    for budget in state.all(kinds.BUDGETS):
        yield from _budget(state, budget)
    for claim in state.all(kinds.CLAIMS):
        yield from _claim(state, claim)
    for node in state.all(kinds.NODES):
        yield from _node(state, node)


def scaled(autoscaler: Thing) -> Key:
    """Return what an autoscaler scales."""
    about = fields.field(autoscaler.document, "spec", "scaleTargetRef")
    return Key(fields.text(about, "kind"), autoscaler.namespace, fields.text(about, "name"))


def _autoscaler(state: ClusterState, one: Thing) -> Iterator[PlatformTrouble]:
    target, document = scaled(one), one.document
    service = state.names.get(target, ServiceName(target.name))
    most = fields.count(document, "spec", "maxReplicas")
    least = fields.number(document, "spec", "minReplicas")
    has = fields.count(document, "status", "currentReplicas")
    workload = state.find(target)
    wanted = max(has, wants(workload) or 0)
    limited = fields.condition(document, "ScalingLimited")
    tried = limited.get("status") == "True" and limited.get("reason") == "TooManyReplicas"
    if most and (least or 1) < most and (wanted >= most or tried):
        words = f"at its maximum of {most} replicas of {target.of} {target.name}"
        words += ", and it wants more" if tried else ""
        step = f"raise maxReplicas of HorizontalPodAutoscaler {one.name} if load is the cause"
        yield _made(one, TroubleKind.AUTOSCALER, service, words, step, harm=False)
    age = fields.age(one.created, state.at)
    if age is not None and age < NEW:
        return
    for name in ("AbleToScale", "ScalingActive"):
        found = fields.condition(document, name)
        reason, said = fields.text(found, "reason"), fields.text(found, "message")
        if found.get("status") != "False" or reason == "ScalingDisabled":
            continue
        words = f"cannot scale {target.of} {target.name}: {reason}: {said}"
        yield _made(one, TroubleKind.AUTOSCALER, service, words, _scaling(reason, said))
        return


def _scaling(reason: str, said: str) -> str:
    if "missing request" in said:
        return "set a resource request on every container: a share of it is what is counted"
    if reason == "FailedGetScale":
        return "correct scaleTargetRef: what it names is not there"
    if "metrics.k8s.io" in said or "ResourceMetric" in reason:
        return "install a metrics API (metrics-server), or see why it does not answer"
    return "correct the metric that it asks for"


def _budget(state: ClusterState, one: Thing) -> Iterator[PlatformTrouble]:
    status = fields.field(one.document, "status")
    expected = fields.count(status, "expectedPods")
    if not expected or fields.number(status, "observedGeneration") is None:
        return
    if fields.number(status, "disruptionsAllowed") != 0:
        return
    healthy = fields.count(status, "currentHealthy")
    desired = fields.count(status, "desiredHealthy")
    selector = fields.field(one.document, "spec", "selector")
    own = state.inside(one.namespace)
    pods = [pod for pod in own if fields.selects(selector, pod.labels)]
    service = state.service_of(pods[0]) if pods else ServiceName(one.name)
    words = f"no pod may be evicted: {healthy} of {expected} are healthy, {desired} must be"
    step = "see why its pods are not ready"
    if desired >= expected:
        words += "; a drain of their node never ends"
        step = "allow one disruption (minAvailable below the replicas), or want one replica more"
    yield _made(one, TroubleKind.BUDGET_BLOCKS, service, words, step, harm=False)


def _claim(state: ClusterState, one: Thing) -> Iterator[PlatformTrouble]:
    phase = fields.text(one.document, "status", "phase")
    age = fields.age(one.created, state.at)
    if phase not in ("Pending", "Lost") or (age is not None and age < BINDS):
        return
    failing = latest(
        state.events(one.key), "ProvisioningFailed", "FailedBinding", "WaitForFirstConsumer"
    )
    reason, said = fields.text(failing, "reason"), fields.text(failing, "message")
    users = [pod for pod in state.inside(one.namespace) if _uses(pod, one)]
    if reason == "WaitForFirstConsumer" and not users:
        return  # it is bound when somebody uses it
    storage = fields.field(one.document, "spec", "storageClassName")
    told = f" (StorageClass {storage})" if isinstance(storage, str) and storage else ""
    words = f"{phase}{told}: {said or 'nobody says why'}"
    step = causes.volume(said) if phase == "Pending" else "its volume is gone: restore it"
    service = state.service_of(users[0]) if users else ServiceName("")
    yield _made(one, TroubleKind.VOLUME, service, words, step, harm=bool(users) or phase == "Lost")


def _uses(pod: Thing, claim: Thing) -> bool:
    volumes = fields.many(pod.document, "spec", "volumes")
    names = {fields.text(one, "persistentVolumeClaim", "claimName") for one in volumes}
    return pod.namespace == claim.namespace and claim.name in names


def _node(state: ClusterState, one: Thing) -> Iterator[PlatformTrouble]:
    pods = state.on_node(one.name)
    on_it = f"{len(pods)} {'pod is' if len(pods) == 1 else 'pods are'} on it"
    up = fields.condition(one.document, "Ready")
    if up and up.get("status") != "True":
        said = fields.text(up, "message") or fields.text(up, "reason")
        words = f"not ready ({up.get('status')}): {said}; {on_it}"
        step = f"see its kubelet; cordon it (kubectl cordon {one.name}) and move its pods"
        made = _made(one, TroubleKind.NODE, ServiceName(""), words, step)
        yield made.model_copy(update={"since": fields.moment(up, "lastTransitionTime")})
        return
    for name, what in _PRESSURES.items():
        found = fields.condition(one.document, name)
        if found.get("status") == "True":
            words = f"{name}: {fields.text(found, 'message')}; {on_it}"
            step = f"free {what} on the node, or move pods away; it evicts some"
            made = _made(one, TroubleKind.NODE, ServiceName(""), words, step)
            yield made.model_copy(update={"since": fields.moment(found, "lastTransitionTime")})
    if fields.condition(one.document, "NetworkUnavailable").get("status") == "True":
        words, step = f"its network is not set up; {on_it}", "see its network plugin"
        yield _made(one, TroubleKind.NODE, ServiceName(""), words, step)
    if fields.field(one.document, "spec", "unschedulable") is True:
        words = f"cordoned: no new pod lands there; {on_it}"
        step = f"uncordon it when its work is done (kubectl uncordon {one.name})"
        yield _made(one, TroubleKind.NODE, ServiceName(""), words, step, harm=False)


def _made(
    one: Thing, kind: TroubleKind, service: ServiceName, words: str, step: str, *, harm: bool = True
) -> PlatformTrouble:
    return PlatformTrouble(
        kind=kind,
        service=service,
        what=one.of,
        name=one.name,
        namespace=one.namespace,
        words=safe(words, limit=LONGEST),
        step=safe(step, limit=LONGEST),
        harm=harm,
    )
