"""What is wrong with workloads themselves: rollouts that stick, pods that are refused, jobs."""

from collections.abc import Iterator
from datetime import timedelta

from aiops_agent.adapters.kubernetes import causes, fields, history, kinds
from aiops_agent.adapters.kubernetes.pods import LONGEST, containers
from aiops_agent.adapters.kubernetes.state import ClusterState, Key, Thing, latest, seen
from aiops_agent.domain.text import safe
from aiops_agent.domain.trouble import PlatformTrouble, TroubleKind
from aiops_agent.domain.value import Document

LATELY = timedelta(minutes=20)  # refusals are repeated seldom: the pauses between tries double
REMEMBERED = timedelta(hours=24)  # a Job that failed earlier is no news


def troubles(state: ClusterState) -> Iterator[PlatformTrouble]:
    """Yield what is wrong with Deployments and whatever else makes pods, and with Jobs."""
    for deployment in state.all(kinds.DEPLOYMENTS):
        yield from _rollout(state, deployment)
    for maker in state.all(kinds.REPLICA_SETS, kinds.STATEFUL_SETS, kinds.DAEMON_SETS, kinds.JOBS):
        yield from _refused(state, maker)
    for job in state.all(kinds.JOBS):
        yield from _failed(state, job)


def _rollout(state: ClusterState, one: Thing) -> Iterator[PlatformTrouble]:
    """Yield that a new version does not become available, or waits for somebody."""
    progress = fields.condition(one.document, "Progressing")
    updated = fields.count(one.document, "status", "updatedReplicas")
    available = fields.count(one.document, "status", "availableReplicas")
    wanted = wants(one) or 0
    counts = f"{updated} of {wanted} pods are new and {available} available"
    if fields.field(one.document, "spec", "paused") is True:
        words, harm = f"it is paused: {counts}", not available
        step = f"resume it (kubectl rollout resume deployment/{one.name}), or ask who paused it"
        if updated >= wanted:
            return
    elif progress.get("status") == "False" and (
        fields.text(progress, "reason") == "ProgressDeadlineExceeded"
    ):
        words, harm = f"ProgressDeadlineExceeded: the rollout does not end, {counts}", True
        step = _back(state, one) or "see what its new pods say, and correct the template"
    else:
        return
    since = fields.moment(progress, "lastUpdateTime")
    made = _made(state, one, TroubleKind.ROLLOUT_STUCK, words, step)
    yield made.model_copy(update={"since": since, "harm": harm})


def _back(state: ClusterState, one: Thing) -> str:
    """Return the step back to the version before, or "" where none is known."""
    known = history.revisions(state, one.key)
    if len(known) < 2:
        return ""
    earlier = known[-2]
    image = f" ({safe(earlier.images, limit=120)})" if earlier.images else ""
    return f"roll back Deployment {one.name} to revision {earlier.number}{image}"


def _refused(state: ClusterState, one: Thing) -> Iterator[PlatformTrouble]:
    """Yield that the API server refuses the pods of a workload."""
    failing = fields.condition(one.document, "ReplicaFailure")
    told, since = "", None
    if failing.get("status") == "True":
        told = fields.text(failing, "message") or fields.text(failing, "reason")
        since = fields.moment(failing, "lastTransitionTime")
    elif _short(one):
        event = latest(state.events(one.key), "FailedCreate")
        age = fields.age(seen(event), state.at) if event else None
        if age is not None and age <= LATELY:
            told, since = fields.text(event, "message"), seen(event)
    if told:
        step, words = causes.refused(told), f"FailedCreate: {told}"
        made = _made(state, one, TroubleKind.CREATE_REFUSED, words, step)
        yield made.model_copy(update={"since": since})


def _short(one: Thing) -> bool:
    """Whether a workload has fewer pods than it wants."""
    spec, status = (fields.field(one.document, name) for name in ("spec", "status"))
    if one.of == "DaemonSet":
        return fields.count(status, "currentNumberScheduled") < fields.count(
            status, "desiredNumberScheduled"
        )
    if one.of == "Job":
        ended = fields.count(status, "succeeded") + fields.count(status, "failed")
        return not fields.count(status, "active") + ended
    wanted = fields.number(spec, "replicas")
    return fields.count(status, "replicas") < (1 if wanted is None else wanted)


def _failed(state: ClusterState, job: Thing) -> Iterator[PlatformTrouble]:
    found = fields.condition(job.document, "Failed")
    since = fields.moment(found, "lastTransitionTime")
    age = fields.age(since, state.at)
    if found.get("status") != "True" or (age is not None and age > REMEMBERED):
        return
    later = [one for one in _siblings(state, job) if _done(one) and _newer(one, job)]
    pods = [one for one in state.owned(job.key) if one.of == kinds.PODS.title]
    ends = [end for pod in pods if (end := _end(state, pod))]
    reason, said = fields.text(found, "reason"), fields.text(found, "message")
    words = f"{reason or 'Failed'}: {said}" + (f"; {ends[-1]}" if ends else "")
    step = "see its last lines, mend the cause, and run it anew"
    if reason == "DeadlineExceeded":
        step = "raise activeDeadlineSeconds, or see why it takes so long; then run it anew"
    made = _made(state, job, TroubleKind.JOB_FAILED, words, step)
    yield made.model_copy(update={"since": since, "harm": not later})


def _siblings(state: ClusterState, job: Thing) -> list[Thing]:
    if job.owner is None:
        return []
    return [one for one in state.owned(job.owner) if one.key != job.key]


def _done(job: Thing) -> bool:
    return fields.condition(job.document, "Complete").get("status") == "True"


def _newer(one: Thing, other: Thing) -> bool:
    return one.created is not None and other.created is not None and one.created > other.created


def _end(state: ClusterState, pod: Thing) -> str:
    """Return how a container of a pod ended badly, or ""."""
    for one in containers(state, pod):
        for key in ("state", "lastState"):
            over = fields.field(one.status, key, "terminated")
            code = fields.number(over, "exitCode")
            if code:
                reason = fields.text(over, "reason")
                more = f" ({reason})" if reason and reason != "Error" else ""
                return f"{one.name} ended with exit code {code}{more}"
    return ""


def _made(
    state: ClusterState, one: Thing, kind: TroubleKind, words: str, step: str
) -> PlatformTrouble:
    root: Key = state.root(one)
    return PlatformTrouble(
        kind=kind,
        service=state.names.get(root, state.service_of(one)),
        what=one.of,
        name=one.name,
        namespace=one.namespace,
        words=safe(words, limit=LONGEST),
        step=safe(step, limit=LONGEST),
    )


def wants(workload: Thing | None) -> int | None:
    """Return how many pods a workload wants; None where nobody says."""
    document: Document | None = workload.document if workload else None
    if workload is None:
        return None
    if workload.of == "DaemonSet":
        return fields.number(document, "status", "desiredNumberScheduled")
    given = fields.number(document, "spec", "replicas")
    return 1 if given is None and workload.of in ("Deployment", "StatefulSet") else given
