"""Services that have nobody to send requests to."""

from collections.abc import Iterator
from datetime import timedelta

from aiops_agent.adapters.kubernetes import fields, kinds
from aiops_agent.adapters.kubernetes.pods import LONGEST, ready
from aiops_agent.adapters.kubernetes.rollouts import wants
from aiops_agent.adapters.kubernetes.state import ClusterState, Thing
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.domain.text import safe
from aiops_agent.domain.trouble import PlatformTrouble, TroubleKind
from aiops_agent.domain.value import Document

NEW = timedelta(seconds=30)  # a Service so young waits for its first pod


def troubles(state: ClusterState) -> Iterator[PlatformTrouble]:
    """Yield what is wrong with Services that choose their pods by labels."""
    if not state.knows(kinds.PODS):
        return  # without pods nobody knows whom a Service takes
    for service in state.all(kinds.SERVICES):
        selector = fields.pairs(service.document, "spec", "selector")
        age = fields.age(service.created, state.at)
        if selector and service.deleted is None and (age is None or age >= NEW):
            yield from _of(state, service, selector)


def _of(state: ClusterState, service: Thing, selector: dict[str, str]) -> Iterator[PlatformTrouble]:
    pods = state.behind(service)
    if not pods:
        yield _unmatched(state, service, selector)
        return
    serving = [pod for pod in pods if ready(pod)]
    published = fields.field(service.document, "spec", "publishNotReadyAddresses") is True
    if not serving and not published:
        words = f"no endpoints: no pod of its {len(pods)} is ready"
        step = "see why its pods are not ready"
        yield _made(state, service, TroubleKind.NO_ENDPOINTS, words, step, pods=pods)
    elif serving:
        yield from _ports(state, service, serving)


def _unmatched(state: ClusterState, service: Thing, selector: dict[str, str]) -> PlatformTrouble:
    """Return why a Service takes no pod: nobody wants any, or its selector is wrong."""
    labels = ", ".join(f"{name}={value}" for name, value in sorted(selector.items()))
    near = [one for one in state.all(*kinds.WORKLOADS) if one.namespace == service.namespace]
    fits = [one for one in near if fields.selects({"matchLabels": selector}, _template(one))]
    for one in fits:
        if wants(one) == 0:
            words = f"no endpoints: {one.of} {one.name} is scaled to 0"
            step = f"scale {one.of} {one.name} up, if it is wanted"
            made = _made(state, service, TroubleKind.SCALED_TO_ZERO, words, step)
            return made.model_copy(
                update={"service": state.names.get(one.key, made.service), "harm": False}
            )
    if fits:
        words = f"no endpoints: {fits[0].of} {fits[0].name} has no pod"
        step = f"see why {fits[0].of} {fits[0].name} has none"
        made = _made(state, service, TroubleKind.NO_ENDPOINTS, words, step)
        return made.model_copy(update={"service": state.names.get(fits[0].key, made.service)})
    words = f"no endpoints: no pod has the labels of its selector ({labels})"
    step, likely = "correct the selector, or create what it selects", _likely(service, near)
    if likely is not None:
        own = ", ".join(f"{key}={value}" for key, value in sorted(_template(likely).items()))
        step = f"correct the selector: pods of {likely.of} {likely.name} have {own}"
    made = _made(state, service, TroubleKind.NO_ENDPOINTS, words, step)
    if likely is not None:
        made = made.model_copy(update={"service": state.names.get(likely.key, made.service)})
    return made


def _likely(service: Thing, near: list[Thing]) -> Thing | None:
    """Return the workload that a Service was probably meant for: that of its name."""
    found = [one for one in near if one.name == service.name]
    return found[0] if found else None


def _ports(state: ClusterState, service: Thing, pods: list[Thing]) -> Iterator[PlatformTrouble]:
    """Yield ports of a Service that lead to no port of its pods.

    A name that no container has leads nowhere. A number that none declares may still be served.
    """
    declared = [port for pod in pods for port in _declared(pod)]
    names = {fields.text(one, "name") for one in declared} - {""}
    numbers = {fields.number(one, "containerPort") for one in declared} - {None}
    for port in fields.many(service.document, "spec", "ports"):
        target = port.get("targetPort", port.get("port"))
        own = ", ".join(sorted({*names, *map(str, numbers)}))
        if isinstance(target, str) and not target.isdecimal() and target not in names:
            words = f"port {port.get('port')} leads to {target}, which no container has ({own})"
            step = f"correct targetPort: the containers declare {own or 'no port'}"
            yield _made(state, service, TroubleKind.NO_ENDPOINTS, words, step, pods=pods)
        elif isinstance(target, int) and numbers and target not in numbers:
            words = f"port {port.get('port')} leads to {target}; its containers declare {own}"
            step = f"correct targetPort if nothing listens there (declared: {own})"
            made = _made(state, service, TroubleKind.NO_ENDPOINTS, words, step, pods=pods)
            yield made.model_copy(update={"harm": False})


def _declared(pod: Thing) -> list[Document]:
    found = [
        *fields.many(pod.document, "spec", "containers"),
        *fields.many(pod.document, "spec", "initContainers"),
    ]
    return [port for one in found for port in fields.many(one, "ports")]


def _template(workload: Thing) -> dict[str, str]:
    return fields.pairs(workload.document, "spec", "template", "metadata", "labels")


def _made(
    state: ClusterState,
    service: Thing,
    kind: TroubleKind,
    words: str,
    step: str,
    *,
    pods: list[Thing] | None = None,
) -> PlatformTrouble:
    name = state.service_of(pods[0]) if pods else ServiceName(service.name)
    return PlatformTrouble(
        kind=kind,
        service=name,
        what=service.of,
        name=service.name,
        namespace=service.namespace,
        words=safe(words, limit=LONGEST),
        step=safe(step, limit=LONGEST),
    )
