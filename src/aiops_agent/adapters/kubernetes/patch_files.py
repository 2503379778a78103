"""Actions as patches for a repository: what Argo CD, Flux or Helm would put back is changed there.

A patch by strategic merge, as kustomize and `kubectl patch` take it. It holds names, numbers and
images and nothing else of the object: whatever else differs is named without its value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.rollback import ROLLBACK
from aiops_agent.actions.scale import SCALE
from aiops_agent.actions.set_config import SET_CONFIG
from aiops_agent.adapters.kubernetes import fields
from aiops_agent.adapters.kubernetes.config_maps import LiveConfigMap, hidden, named
from aiops_agent.adapters.kubernetes.kinds import AUTOSCALERS, CONFIG_MAPS, DEPLOYMENTS
from aiops_agent.adapters.kubernetes.live import LiveObject, LiveWorkload, mapped, scaled_by
from aiops_agent.adapters.kubernetes.past import PastTemplate, releases_of
from aiops_agent.adapters.kubernetes.restart import RESTARTED
from aiops_agent.adapters.kubernetes.targets import replica_sets, workload_of
from aiops_agent.adapters.kubernetes.way import kubectl
from aiops_agent.adapters.kubernetes.write import Writes
from aiops_agent.domain.errors import NotReadable, PlatformError, TargetMissing
from aiops_agent.domain.patch_file import PatchFile
from aiops_agent.domain.remediation import Action
from aiops_agent.domain.text import safe, shell
from aiops_agent.domain.value import Document

_BY_HAND = "it stands in no file: whoever may do it types this"


@dataclass(frozen=True)
class KubernetesPatchFiles:
    """The PatchFiles port; it only reads. `now` is wall time."""

    writes: Writes
    now: Callable[[], datetime]
    namespaces: Sequence[str] = ()

    async def close(self) -> None:
        """Close the connections of the running loop."""
        await self.writes.reader.close()
        await self.writes.writer.close()

    async def patch_file(self, action: Action) -> PatchFile:
        """Return an action as a patch of the object as it is now."""
        if action.kind == SET_CONFIG.kind:
            return await self._of_setting(action)
        if action.kind not in (RESTART.kind, SCALE.kind, ROLLBACK.kind):
            return PatchFile(action=action.text, run=_by_hand(action), notes=(_BY_HAND,))
        live = await workload_of(action.target, self.writes, self.namespaces)
        owner = live.owned()
        notes = [owner] if owner else []
        if action.kind == RESTART.kind:
            stamp = f"{self.now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            spec: Document = {"template": {"metadata": {"annotations": {RESTARTED: stamp}}}}
        elif action.kind == SCALE.kind:
            spec = {"replicas": int(action.wished["replicas"])}
            notes += await self._autoscaled(live)
        else:
            spec, more = await self._rolled_back(live, str(action.wished["release"]))
            notes += more
        if live.helm:
            notes.append(_of_helm(live, rollback=action.kind == ROLLBACK.kind))
        return _file(action, live, {"spec": spec}, notes)

    async def _of_setting(self, action: Action) -> PatchFile:
        name, key = named(str(action.wished["name"]))
        value = str(action.wished["value"])
        if why := hidden(key, value):
            raise PlatformError(f"{why}: no file is made of it.")
        live = await workload_of(action.target, self.writes, self.namespaces)
        found = await self.writes.reader.find(CONFIG_MAPS.path(live.namespace, name))
        if not isinstance(found, dict):
            raise TargetMissing(f"ConfigMap {live.namespace}/{name} does not exist.")
        of = LiveConfigMap(found)
        owner = of.owned()
        notes = [owner] if owner else []
        if of.helm:
            notes.append(_of_helm(of, rollback=False))
        notes.append(f"then: {kubectl(live, 'rollout', 'restart')}")
        return _file(action, of, {"data": {key: value}}, notes)

    async def _autoscaled(self, live: LiveWorkload) -> list[str]:
        try:
            found = scaled_by(live, await self.writes.reader.listed(AUTOSCALERS, live.namespace))
        except NotReadable as error:
            return [str(error)]
        return [found] if found else []

    async def _rolled_back(self, live: LiveWorkload, wished: str) -> tuple[Document, list[str]]:
        if live.kind is not DEPLOYMENTS:
            raise PlatformError(f"{live.words} keeps no templates of its releases: see its files.")
        image = wished.partition(" (")[0]
        past = releases_of(live, await replica_sets(live, self.writes))
        then = next((one for one in past if image in one.images), None)
        if then is None:
            raise PlatformError(f"{live.words} keeps no ReplicaSet that runs {wished[:200]}.")
        return _images(live, then)


def _images(live: LiveWorkload, then: PastTemplate) -> tuple[Document, list[str]]:
    """Return the images of then where they are others now, and what else was otherwise."""
    was, now = _containers(then.template), _containers(live.template)
    changed = [
        {"name": name, "image": fields.text(one, "image")}
        for name, one in was.items()
        if name in now and fields.text(one, "image") != fields.text(now[name], "image")
    ]
    other = {
        f"{key} of {name}"
        for name in was.keys() & now.keys()
        for key in was[name].keys() | now[name].keys()
        if key != "image" and was[name].get(key) != now[name].get(key)
    }
    other |= {f"container {name}" for name in was.keys() ^ now.keys()}
    then_spec, now_spec = mapped(then.template, "spec"), mapped(live.template, "spec")
    keys = (then_spec.keys() | now_spec.keys()) - {"containers"}
    other |= {key for key in keys if then_spec.get(key) != now_spec.get(key)}
    told = safe(", ".join(sorted(other)), limit=300)
    left = [f"otherwise too in revision {then.revision}, and not in this file: {told}"]
    return {"template": {"spec": {"containers": changed}}}, left if other else []


def _containers(template: Document) -> dict[str, Document]:
    return {fields.text(one, "name"): one for one in fields.many(template, "spec", "containers")}


def _file(action: Action, live: LiveObject, content: Document, notes: Sequence[str]) -> PatchFile:
    name = f"{live.name}-{action.kind.replace('_', '-')}.yaml"
    run = shell("kubectl", "-n", live.namespace, "patch", live.kind.title.lower(), live.name)
    patch = {
        "apiVersion": live.kind.group,
        "kind": live.kind.title,
        "metadata": {"name": live.name, "namespace": live.namespace},
        **content,
    }
    return PatchFile(
        action=action.text,
        name=name,
        text=yaml.safe_dump(patch, sort_keys=False),
        run=f"{run} {shell('--patch-file', name)}",
        notes=tuple(safe(one, limit=400) for one in notes),
    )


def _of_helm(live: LiveObject, *, rollback: bool) -> str:
    assert live.helm is not None
    release, namespace = live.helm
    told = f"Helm release {release} of namespace {namespace} owns it: put it into the values"
    if not rollback:
        return told
    history = shell("helm", "-n", namespace, "history", release)
    back = shell("helm", "-n", namespace, "rollback", release)
    return f"{told}, or: {history}, then {back} REVISION"


def _by_hand(action: Action) -> str:
    if pods := action.wished.get("pods"):
        namespace = ("-n", action.target.namespace) if action.target.namespace else ()
        return shell("kubectl", *namespace, "delete", "pod", *str(pods).split(","))
    return shell("kubectl", "cordon", action.target.name)
