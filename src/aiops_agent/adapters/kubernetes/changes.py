"""What was released, reconfigured, scaled or started again in a cluster, in words.

Of Secrets only names and checksums stand in templates: a change of one that is not noted there is
not seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise, product

from aiops_agent.adapters.kubernetes import fields, history, kinds
from aiops_agent.adapters.kubernetes.bounds import scaled
from aiops_agent.adapters.kubernetes.config_maps import maps_of
from aiops_agent.adapters.kubernetes.config_versions import (
    ConfigVersion,
    ConfigVersions,
    changed_at,
)
from aiops_agent.adapters.kubernetes.look import Cluster
from aiops_agent.adapters.kubernetes.pods import containers
from aiops_agent.adapters.kubernetes.state import ClusterState, Key, Thing, seen
from aiops_agent.domain.naming import MARK as REDACTED
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.telemetry import Change, ChangeKind, ServiceName, Window
from aiops_agent.domain.value import Document

SOURCE = "kubernetes"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_ROLLS = timedelta(minutes=2)  # scaling so close to a new revision is the rollout's own
_MADE = timedelta(seconds=5)  # a change so close to an object's creation is its creation
_MOST_SHOWN = 6  # settings in a title
_LONGEST = 120  # characters of a value
_REDACTOR = Redactor()
# Why of a ConfigMap only that it changed is known.
_UNREAD = "its content is not read"
_BEFORE = "before it was followed, so what in it is not known"
_NO_VERSIONS = ConfigVersions()
_SCALED = ("ScalingReplicaSet", "SuccessfulRescale")


@dataclass(frozen=True)
class KubernetesChanges:
    """The Changes port."""

    cluster: Cluster

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Return the changes inside the window, oldest first. Raises SourceError."""
        state = await self.cluster.state()
        told = changes_of(state, self.cluster.versions)
        found = [one for one in told if window.start <= one.at < window.end]
        return tuple(sorted(found, key=lambda one: one.at))


def changes_of(state: ClusterState, versions: ConfigVersions = _NO_VERSIONS) -> Iterator[Change]:
    """Yield every change that the objects of a cluster still tell, and versions of ConfigMaps."""
    scalers: dict[Key, list[Key]] = {}
    for one in state.all(kinds.AUTOSCALERS):
        scalers.setdefault(scaled(one), []).append(one.key)
    for key, service in state.names.items():
        revised = list(_revised(state, key, service))
        yield from revised
        told = [event for of in (key, *scalers.get(key, ())) for event in state.events(of)]
        yield from _scaled(state.find(key), service, told, [one.at for one in revised])
        yield from _restarted(state, key, service)
    yield from _configured(state, versions)


def _revised(state: ClusterState, key: Key, service: ServiceName) -> Iterator[Change]:
    """Yield what each revision changed of the one before it."""
    known = [(one.number, one.set, one.template) for one in history.revisions(state, key)]
    known = known or _controlled(state, key)
    for (_, old_set, old), (number, new_set, new) in pairwise(known):
        at = new_set.created
        if at is None:
            continue
        again = old_set.created is not None and old_set.created > at
        if again:  # an old template is used again: its object bears its first date
            at = _last_scaled(state, key, new_set.name) or old_set.created or at
        yield compared(service, at, number, old, new, back=again)


def _controlled(state: ClusterState, key: Key) -> list[tuple[int, Thing, Document]]:
    """Return the revisions of a StatefulSet or DaemonSet."""
    found = []
    for one in state.owned(key):
        template = fields.field(one.document, "data", "spec", "template")
        number = fields.number(one.document, "revision")
        if number is not None and isinstance(template, dict):
            found.append((number, one, template))
    return sorted(found, key=lambda item: item[0])


def compared(
    service: ServiceName, at: datetime, number: int, old: Document, new: Document, *, back: bool
) -> Change:
    """Return the change from one pod template to the next."""
    images = history.images_of(old), history.images_of(new)
    settings = _different(_settings(old), _settings(new))
    notes = _different(_notes(old), _notes(new))
    how = f"back to revision {number}" if back else f"revision {number}"
    if images[0] != images[1]:
        kind, before, after = ChangeKind.RELEASE, *images
        title = f"{service} runs {after[:_LONGEST]} instead of {before[:_LONGEST]} ({how})"
    elif settings:
        kind, before, after = ChangeKind.CONFIG, "", ""
        title = f"{service}: {_listed(settings)} ({how})"
    elif RESTARTED_AT in notes and len(notes) == 1:
        kind, before, after = ChangeKind.RESTART, "", ""
        title = f"{service} was restarted, pod by pod ({how})"
    else:
        kind, before, after = ChangeKind.CONFIG, "", ""
        what = f": {_listed(notes)}" if notes else ""
        title = f"{service}: its pod template changed{what} ({how})"
    if kind is ChangeKind.RELEASE and settings:
        title += f"; {_listed(settings)}"
    return Change(
        at=at,
        service=service,
        kind=kind,
        title=title,
        before=before[:_LONGEST],
        after=after[:_LONGEST],
        source=SOURCE,
        settings={} if kind is ChangeKind.RESTART else settings,
        fixed="it stands in the pod template, which a release changes",
    )


def _settings(template: Document) -> dict[str, str]:
    """Return what can be set of each container of a template, by name."""
    found: dict[str, str] = {}
    own = history.containers(template)
    for one in own:
        prefix = "" if len(own) == 1 else f"{fields.text(one, 'name')}."
        found |= {prefix + name: value for name, value in _of_container(one)}
    return found


def _of_container(one: Document) -> Iterator[tuple[str, str]]:
    for item in fields.many(one, "env"):
        yield fields.text(item, "name"), _value(item)
    for key in ("command", "args"):
        if words := fields.texts(one, key):
            yield key, " ".join(words)
    for bound in ("limits", "requests"):
        for what, size in fields.pairs(one, "resources", bound).items():
            yield f"{what} {bound.removesuffix('s')}", size
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(said := one.get(probe), dict):
            yield probe, _flat(said)


def _value(item: Document) -> str:
    """Return the value of an environment variable, or only the name of where it comes from."""
    for source, what in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        reference = fields.field(item, "valueFrom", source)
        if isinstance(reference, dict):
            return f"of {what} {fields.text(reference, 'name')}/{fields.text(reference, 'key')}"
    return fields.text(item, "value")


def _flat(said: Document, most: int = 8) -> str:
    parts = [
        f"{key}={_flat(value) if isinstance(value, dict) else value}"
        for key, value in sorted(said.items(), key=lambda item: str(item[0]))[:most]
    ]
    return " ".join(parts)


def _notes(template: Document) -> dict[str, str]:
    return fields.pairs(template, "metadata", "annotations")


def _different(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {
        name: (_told(name, old.get(name, "")), _told(name, new.get(name, "")))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    }


def _told(name: str, value: str) -> str:
    """Return a value fit for a title: what its name or its looks call a secret stays outside."""
    return _REDACTOR.value(name.rpartition(".")[2], value)[:_LONGEST]


def _listed(settings: Mapping[str, tuple[str, str]]) -> str:
    told = [f"{name} {old or 'unset'} → {new or 'unset'}" for name, (old, new) in settings.items()]
    more = f" and {len(told) - _MOST_SHOWN} more" if len(told) > _MOST_SHOWN else ""
    return ", ".join(told[:_MOST_SHOWN]) + more


def _scaled(
    workload: Thing | None, service: ServiceName, told: list[Document], revised: list[datetime]
) -> Iterator[Change]:
    """Yield how often its replicas were changed, less the scaling that a rollout does."""
    made = workload.created if workload else None
    for event in told:
        at = seen(event)
        if at is None or fields.text(event, "reason") not in _SCALED:
            continue
        rolling = any(abs(at - one) < _ROLLS for one in revised)
        born = made is not None and at - made < _MADE
        if not (rolling or born):
            title = f"{service}: {fields.text(event, 'message')}"
            yield _change(service, ChangeKind.SCALE, at, title)


def _last_scaled(state: ClusterState, key: Key, name: str) -> datetime | None:
    told = [
        seen(one)
        for one in state.events(key)
        if fields.text(one, "reason") == "ScalingReplicaSet"
        and f"replica set {name} " in fields.text(one, "message")
    ]
    return max((at for at in told if at is not None), default=None)


def _restarted(state: ClusterState, key: Key, service: ServiceName) -> Iterator[Change]:
    for pod in state.pods.get(key, ()):
        for one in containers(state, pod):
            over = fields.field(one.status, "lastState", "terminated")
            at = fields.moment(one.status, "state", "running", "startedAt")
            if isinstance(over, dict) and at is not None:
                starved = fields.text(over, "reason") == "OOMKilled"
                why = " after it ran out of memory" if starved else ""
                title = f"{pod.name} was started again{why}"
                yield _change(service, ChangeKind.RESTART, at, title)


def _configured(state: ClusterState, versions: ConfigVersions) -> Iterator[Change]:
    """Yield the changes of each ConfigMap that a workload uses; of one not read only the last."""
    users: dict[tuple[str, str], list[ServiceName]] = {}
    for key, service in state.names.items():
        workload = state.find(key)
        template = fields.field(workload.document, "spec", "template") if workload else None
        for name in maps_of(template):
            users.setdefault((key.namespace, name), []).append(service)
    for one in state.all(kinds.CONFIG_MAPS):
        services = users.get((one.namespace, one.name), ())
        known = list(versions.changes(one)) if services else []
        for service, (was, now) in product(services, known):
            yield from _reset(service, one.name, was, now)
        at = changed_at(one.document)
        if at is None or one.created is None or at - one.created < _MADE:
            continue
        if any(now.at == at for _, now in known):
            continue
        unknown = _BEFORE if one.name in versions.names else _UNREAD
        for service in services:
            title = f"{service}: ConfigMap {one.name} was changed ({unknown})"
            yield _change(service, ChangeKind.CONFIG, at, title)


def _reset(
    service: ServiceName, name: str, was: ConfigVersion, now: ConfigVersion
) -> Iterator[Change]:
    """Yield what one version of a ConfigMap changed of the one before it."""
    told, untold = now.changed(was)
    if not told and not untold:
        return
    settings = {key: (old[:_LONGEST], new[:_LONGEST]) for key, (old, new) in told.items()}
    listed = [_listed(settings)] if settings else []
    listed += [f"{key} is another one" for key in untold[:_MOST_SHOWN]]
    fixed = ""
    if len(told) + len(untold) > 1:
        fixed = f"several settings of ConfigMap {name} changed at once, and one is set at a time"
    elif untold:
        why = "the key is new or gone, may be a secret, or is no short line"
        fixed = f"no earlier value of {untold[0]} of ConfigMap {name} is kept: {why}"
    change = _change(
        service, ChangeKind.CONFIG, now.at, f"{service}: ConfigMap {name}: {', '.join(listed)}"
    )
    both = {**told, **dict.fromkeys(untold, (REDACTED, REDACTED))}
    kept = {f"{name}/{key}": values for key, values in sorted(both.items())}
    yield change.model_copy(update={"settings": kept, "fixed": fixed})


def _change(service: ServiceName, kind: ChangeKind, at: datetime, title: str) -> Change:
    return Change(at=at, service=service, kind=kind, title=title[:400], source=SOURCE)
