"""What is wrong with pods, told once for each workload and not for each pod."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.adapters.kubernetes import causes, fields, history
from aiops_agent.adapters.kubernetes.containers import Container, Ill
from aiops_agent.adapters.kubernetes.state import ClusterState, Key, Thing, latest, seen
from aiops_agent.adapters.kubernetes.unscheduled import unscheduled
from aiops_agent.domain.text import safe
from aiops_agent.domain.trouble import PlatformTrouble, TroubleKind
from aiops_agent.domain.value import Document

LONGEST = 500  # characters of what a platform says
UNSEEN = timedelta(seconds=60)  # after which a scheduler has looked at a pod
STUCK = timedelta(minutes=2)  # beyond its grace period
REMEMBERED = timedelta(hours=24)  # what was evicted earlier is no news
CREATING = ("ContainerCreating", "PodInitializing", "")
_MOUNT = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
_BY_RELEASE = (
    *(TroubleKind.CRASH_LOOP, TroubleKind.IMAGE, TroubleKind.START, TroubleKind.CONFIG_MISSING),
    *(TroubleKind.NOT_READY, TroubleKind.UNHEALTHY, TroubleKind.INIT, TroubleKind.OUT_OF_MEMORY),
    *(TroubleKind.UNSCHEDULABLE, TroubleKind.VOLUME),
)


@dataclass(frozen=True)
class IllPod:
    """A pod and what is wrong with it."""

    pod: Thing
    ill: Ill


def troubles(state: ClusterState) -> Iterator[PlatformTrouble]:
    """Yield what is wrong with the pods of each workload."""
    for workload, pods in state.pods.items():
        groups: dict[tuple[TroubleKind, str], list[IllPod]] = {}
        for pod in pods:
            if (ill := pod_ill(state, pod)) is not None:
                groups.setdefault((ill.kind, ill.container), []).append(IllPod(pod, ill))
        for group in groups.values():
            yield _told(state, workload, group)


def pod_ill(state: ClusterState, pod: Thing) -> Ill | None:
    """Return the worst of what is wrong with a pod, or None."""
    document = pod.document
    phase = fields.text(document, "status", "phase")
    if phase == "Succeeded":
        return None
    if pod.deleted is not None:
        return _stuck(state, pod)
    if phase == "Failed":
        return _failed(state, pod)
    if (placing := _unplaced(state, pod)) is not None:
        return placing
    found = [ill for one in containers(state, pod) if (ill := one.ill()) is not None]
    if found:
        return min(found, key=lambda one: not one.harm)
    return _unmade(state, pod) or _gated(document)


def containers(state: ClusterState, pod: Thing) -> Iterator[Container]:
    """Yield the containers of a pod that have a status, those that initialise it first."""
    document, events = pod.document, state.events(pod.key)
    specs = {fields.text(one, "name"): one for one in history.containers(document)}
    policy = fields.text(document, "spec", "restartPolicy") or "Always"
    for key, init in (("initContainerStatuses", True), ("containerStatuses", False)):
        for status in fields.many(document, "status", key):
            spec = specs.get(fields.text(status, "name"), {})
            lasts = (fields.text(spec, "restartPolicy") if init else policy) == "Always"
            first = init and not lasts  # one that goes on beside the others is none of the first
            yield Container(status, spec, events, pod.namespace, state.at, first, lasts)


def _told(state: ClusterState, workload: Key, group: Sequence[IllPod]) -> PlatformTrouble:
    """Return one trouble for pods that say the same."""
    first = max(group, key=lambda one: (one.ill.harm, len(one.ill.words)))
    ill, pod = first.ill, first.pod
    step = ill.step
    earlier = history.before(state, pod) if ill.kind in _BY_RELEASE else None
    if earlier is not None:
        image = f" ({safe(earlier.images, limit=120)})" if earlier.images else ""
        back = f"roll back {workload.of} {workload.name} to revision {earlier.number}{image}"
        step = f"{back}, or {step}"
    dated = [one.ill.since for one in group if one.ill.since is not None]
    return PlatformTrouble(
        kind=ill.kind,
        service=state.names[workload],
        what=pod.of,
        name=pod.name,
        namespace=pod.namespace,
        words=safe(_whose(pod, ill), limit=LONGEST),
        step=safe(step, limit=LONGEST),
        harm=ill.harm,
        since=min(dated, default=pod.created),
        instances=len(group),
    )


def _whose(pod: Thing, ill: Ill) -> str:
    """Return the words, led by the container's name where the pod has several."""
    several = len(list(history.containers(pod.document))) > 1
    told = several and ill.container and ill.container not in ill.words
    return f"{ill.container}: {ill.words}" if told else ill.words


def _stuck(state: ClusterState, pod: Thing) -> Ill | None:
    late = fields.age(pod.deleted, state.at)
    if late is None or late < STUCK:
        return None
    held = ", ".join(fields.texts(pod.document, "metadata", "finalizers"))
    why = f"finalizers hold it: {held}" if held else "its node does not end it"
    step = (
        "see who owns the finalizer" if held else "see its node; force its end only if that is gone"
    )
    words = f"was to end {late.total_seconds():.0f} s ago and is still there: {why}"
    return Ill(TroubleKind.TERMINATING, "", words, step, harm=False, since=pod.deleted)


def _failed(state: ClusterState, pod: Thing) -> Ill | None:
    reason, said = (fields.text(pod.document, "status", name) for name in ("reason", "message"))
    owner = pod.owner
    if owner is not None and owner.of == "Job" and reason != "Evicted":
        return None  # the Job says whether that is its end
    ended = _transition(pod.document, "Ready") or pod.created
    if (age := fields.age(ended, state.at)) is not None and age > REMEMBERED:
        return None
    if reason == "Evicted":
        short = "memory" if "memory" in said else "disk" if "storage" in said else "resources"
        step = f"set requests and limits for {short} near what it uses, or give the node more"
        return Ill(TroubleKind.EVICTED, "", f"Evicted: {said}", step, _short_of(state, pod), ended)
    if reason.startswith("OutOf") or reason in ("NodeAffinity", "UnexpectedAdmissionError"):
        step = "free the node, lower the request, or let another node take it"
        return Ill(TroubleKind.UNSCHEDULABLE, "", f"{reason}: {said}", step, since=ended)
    if owner is None:
        code = [one for one in containers(state, pod) if one.ill() is not None]
        if code and (ill := code[0].ill()) is not None:
            return ill
    words = f"Failed: {reason or 'its containers ended'}{': ' if said else ''}{said}"
    return Ill(TroubleKind.EVICTED, "", words, "see why it ended", _short_of(state, pod), ended)


def _short_of(state: ClusterState, pod: Thing) -> bool:
    """Whether the workload of a pod lacks it: no other of its pods is ready."""
    others = state.pods.get(state.root(pod), ())
    return not any(ready(one) for one in others if one.uid != pod.uid or one.name != pod.name)


def ready(pod: Thing) -> bool:
    """Whether a pod takes requests."""
    return fields.condition(pod.document, "Ready").get("status") == "True" and pod.deleted is None


def _unplaced(state: ClusterState, pod: Thing) -> Ill | None:
    placed = fields.condition(pod.document, "PodScheduled")
    since = fields.moment(placed, "lastTransitionTime")
    if placed.get("status") == "False":
        reason, said = fields.text(placed, "reason"), fields.text(placed, "message")
        if reason == "SchedulingGated":
            step = "whoever set its scheduling gate lets it go"
            words = f"{reason}: {said}"
            return Ill(TroubleKind.UNSCHEDULABLE, "", words, step, harm=False, since=since)
        told = fields.text(latest(state.events(pod.key), "FailedScheduling"), "message")
        kind, step = unscheduled(said or told)
        return Ill(kind, "", f"{reason or 'Unschedulable'}: {said or told}", step, since=since)
    age = fields.age(pod.created, state.at)
    if placed or fields.text(pod.document, "spec", "nodeName") or age is None or age < UNSEEN:
        return None
    who = fields.text(pod.document, "spec", "schedulerName") or "default-scheduler"
    step = f"correct schedulerName ({who}), or see whether that scheduler runs"
    return Ill(TroubleKind.UNSCHEDULABLE, "", f"no scheduler has looked at it ({who})", step)


def _unmade(state: ClusterState, pod: Thing) -> Ill | None:
    """Return why a pod that has a node is not made: only events tell it."""
    found = (
        *fields.many(pod.document, "status", "initContainerStatuses"),
        *fields.many(pod.document, "status", "containerStatuses"),
    )
    waits = [one for one in found if isinstance(fields.field(one, "state", "waiting"), dict)]
    reasons = {fields.text(one, "state", "waiting", "reason") for one in waits}
    if (found and not waits) or not reasons <= set(CREATING):
        return None
    events = state.events(pod.key)
    if mount := latest(events, *_MOUNT):
        return _unmounted(pod, mount)
    if sandbox := latest(events, "FailedCreatePodSandBox"):
        said = fields.text(sandbox, "message")
        step = "see the node's container runtime and network plugin"
        return Ill(TroubleKind.START, "", f"FailedCreatePodSandBox: {said}", step)
    return None


def _unmounted(pod: Thing, event: Document) -> Ill:
    said, reason = fields.text(event, "message"), fields.text(event, "reason")
    step = causes.missing(said, pod.namespace)
    if step:
        return Ill(TroubleKind.CONFIG_MISSING, "", f"{reason}: {said}", step)
    words = f"{reason}: {said}"
    return Ill(TroubleKind.VOLUME, "", words, causes.volume(said), since=_first(event))


def _gated(document: Document) -> Ill | None:
    """Return that a readiness gate is closed although all containers are ready."""
    if fields.condition(document, "ContainersReady").get("status") != "True":
        return None
    for one in fields.many(document, "spec", "readinessGates"):
        gate = fields.text(one, "conditionType")
        if fields.condition(document, gate).get("status") != "True":
            words = f"its containers are ready, and its readiness gate {gate} is not"
            return Ill(
                TroubleKind.NOT_READY, "", words, "see who sets the gate, such as a load balancer"
            )
    return None


def _first(event: Document) -> datetime | None:
    return fields.moment(event, "firstTimestamp") or seen(event)


def _transition(document: Document, kind: str) -> datetime | None:
    return fields.moment(fields.condition(document, kind), "lastTransitionTime")
