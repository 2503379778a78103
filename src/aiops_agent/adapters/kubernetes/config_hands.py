"""Hands on a setting: a key of a ConfigMap gets another value, and who reads it is restarted.

Both are one action of two patches, the restart after the value, since the way back is both too.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiops_agent.actions.platform import Accepted, Begin, Sight, at_once
from aiops_agent.actions.set_config import SET_CONFIG
from aiops_agent.adapters.kubernetes import fields
from aiops_agent.adapters.kubernetes.config_maps import (
    ConfigPatch,
    LiveConfigMap,
    named,
    reads,
    restarter,
    settable,
    setting_patch,
)
from aiops_agent.adapters.kubernetes.kinds import CONFIG_MAPS, PODS, REPLICA_SETS, WORKLOADS, Kind
from aiops_agent.adapters.kubernetes.landed import sight_of
from aiops_agent.adapters.kubernetes.live import LiveObject, LiveWorkload
from aiops_agent.adapters.kubernetes.payload import ObjectPatch, WorkloadPatch, patch_of, patches_of
from aiops_agent.adapters.kubernetes.payload import requests as asked
from aiops_agent.adapters.kubernetes.reach import Reach
from aiops_agent.adapters.kubernetes.restart import restart
from aiops_agent.adapters.kubernetes.targets import as_left, free, left, settled, still, workload_of
from aiops_agent.adapters.kubernetes.way import WorkloadChange, drift, kubectl
from aiops_agent.domain.errors import NotOurs, PlatformError, SourceError, TargetMissing
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Action, ActionKind, BlastRadius, Draft, Request
from aiops_agent.domain.text import safe, shell
from aiops_agent.domain.value import Document

_MAKERS = frozenset(one.title for one in (*WORKLOADS, REPLICA_SETS))
_MOST_NAMED = 5  # of those who read a setting too
_SETTING = "sources.kubernetes.config_maps"


@dataclass(frozen=True)
class ConfigHands:
    """What is done to a setting that a workload reads from a ConfigMap."""

    of: Reach

    @property
    def changes(self) -> Collection[str]:
        """The kinds of objects that its requests are for; workloads have hands of their own."""
        return (CONFIG_MAPS.title,)

    @property
    def kinds(self) -> Sequence[ActionKind]:
        """What it offers: nothing, unless a ConfigMap is named."""
        return (SET_CONFIG.kind,) if self.of.config_maps else ()

    async def prepare(self, action: Action, operation: str) -> Draft:
        """Read workload and ConfigMap, freeze both patches, have the server try them out."""
        try:
            name, key = named(str(action.wished["name"]))
            live = settled(await workload_of(action.target, self.of.writes, self.of.namespaces))
            found = await self._readable(live, name, key)
            new = str(action.wished["value"])
            old = settable(found, key, new)
            free(found)
            others = await self._others(live, name, key)
            change, patches = restart(live, self.of.now()), list[ObjectPatch]()
            if old != new:
                patches.append(setting_patch(found, f"{operation}.1", key, old, new))
                patches.append(patch_of(live, f"{operation}.2", change.steps))
            for one in patches:
                await self.of.writes.try_out(one, one.body)
            back = action.model_copy(update={"wished": {**action.wished, "value": old}})
            config = {"name": name, "uid": found.uid, "version": found.version}
            return Draft(
                action=action,
                requests=asked(patches, part=operation),
                precondition={
                    **live.identity,
                    "config": {**config, "left": found.digest({key: new})},
                },
                inverse=back if patches else None,
                blast=await self._blast(action, change, found, others),
                run=_typed(live, found, key, new) if patches else "nothing: it is so already",
                undo=_typed(live, found, key, old) if patches else "",
                hazards=(f"{', '.join(others)} read it too",) if others else (),
            )
        except SourceError as error:
            raise PlatformError(str(error)) from error

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        """Whether nobody but `applied` changed the ConfigMap, or what the workload is to be."""
        was = prepared.precondition
        config = was["config"]
        try:
            live = await still(prepared, self.of.writes)
            found = await self._map(was["namespace"], config["name"])
        except SourceError as error:
            raise PlatformError(str(error)) from error
        if live is None or found is None or found.uid != config["uid"]:
            return False
        if not as_left(live, was["generation"], patches_of(applied)):
            return False
        free(live)
        free(found)
        ours = [one for one in applied if one.request in prepared.requests and _of_map(one)]
        if not ours:
            return bool(found.version == config["version"])
        return bool((found.mark, found.digest()) == (ours[-1].operation, config["left"]))

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        """Send the stored patch of a ConfigMap as it is, once."""
        patch = ConfigPatch.of(request.payload)
        return await self.of.writes.send_frozen(patch, patch.body, begin)

    async def look(self, request: Request, armed_at: datetime) -> Sight:  # noqa: ARG002 -- the mark says it, no time
        """Tell whether the request has landed: the ConfigMap bears its mark."""
        patch = ConfigPatch.of(request.payload)
        try:
            return sight_of(patch, await self.of.writes.found(patch))
        except SourceError as error:
            raise PlatformError(str(error)) from error

    async def take_back(
        self, step: Draft, applied: Sequence[Intent], operation: str
    ) -> tuple[Request, ...]:
        """Return the patch to the old value and, after a restart, another one. Raises NotOurs."""
        [of_map] = [one for one in applied if _of_map(one)]
        patches: list[ObjectPatch] = []
        try:
            patches.append(await self._back(step, of_map, f"{operation}.1"))
            for one in applied:
                if one is not of_map:
                    patch = WorkloadPatch.of(one.request.payload)
                    live = await left(patch, one.made, self.of.writes)
                    steps = _again(live, self.of.now()).steps
                    patches.append(patch_of(live, f"{operation}.2", steps))
        except SourceError as error:
            raise PlatformError(str(error)) from error
        return asked(patches, part=operation)

    async def _readable(self, live: LiveWorkload, name: str, key: str) -> LiveConfigMap:
        """Return the ConfigMap that the workload reads the key of, if its content may be read."""
        if name not in self.of.config_maps:
            raise PlatformError(f"ConfigMap {name} is none of {_SETTING}: nothing is done.")
        if not reads(live.template, name, key):
            raise PlatformError(
                f"{live.words} does not read {key} of ConfigMap {name}: it would change nothing."
            )
        if who := restarter(live):
            raise PlatformError(
                f"{who} restarts {live.words} itself when a ConfigMap changes, and both would be "
                "in each other's way: change it by hand."
            )
        found = await self._map(live.namespace, name)
        if found is None:
            raise TargetMissing(f"ConfigMap {live.namespace}/{name} does not exist.")
        return found

    async def _map(self, namespace: str, name: str) -> LiveConfigMap | None:
        found = await self.of.writes.reader.find(CONFIG_MAPS.path(namespace, name))
        return LiveConfigMap(found) if isinstance(found, dict) else None

    async def _others(self, live: LiveWorkload, name: str, key: str) -> tuple[str, ...]:
        """Return in words who else reads the key. Raises SourceError: who is not seen may."""
        found = []
        for kind in (*WORKLOADS, REPLICA_SETS, PODS):
            for one in await self.of.writes.reader.listed(kind, live.namespace):
                template = _template(kind, one)
                if not _made(one) and reads(template, name, key):
                    found.append(LiveObject(kind, one))
        words = [safe(one.words, limit=80) for one in found if one.uid != live.uid]
        more = [f"{len(words) - _MOST_NAMED} more"] if len(words) > _MOST_NAMED else []
        return (*words[:_MOST_NAMED], *more)

    async def _blast(
        self, action: Action, change: WorkloadChange, found: LiveConfigMap, others: Sequence[str]
    ) -> BlastRadius:
        told = f"; {', '.join(others)} read it too, and get it when they start anew"
        drifts = "" if drift(found) in change.words else drift(found)
        return BlastRadius(
            services=await self.of.touched(action.target.service),
            replicas=change.touched,
            interrupts=True,
            words=change.words + (told if others else "") + drifts,
        )

    async def _back(self, step: Draft, applied: Intent, operation: str) -> ConfigPatch:
        patch, who = ConfigPatch.of(applied.request.payload), "a person must decide."
        found = await self._map(patch.namespace, patch.name)
        if step.inverse is None or found is None or found.uid != patch.uid:
            raise NotOurs(f"{patch.target} was removed or replaced since: {who}")
        if (found.mark, found.digest()) != (applied.operation, step.precondition["config"]["left"]):
            raise NotOurs(f"{patch.target} was changed by somebody else since: {who}")
        if owner := found.owned():
            raise NotOurs(f"{owner}; {who}")
        _, key = named(str(step.inverse.wished["name"]))
        new, old = (str(one.wished["value"]) for one in (step.action, step.inverse))
        return setting_patch(found, operation, key, new, old)


def _of_map(intent: Intent) -> bool:
    return intent.request.payload.get("kind") == CONFIG_MAPS.title


def _again(live: LiveWorkload, at: datetime) -> WorkloadChange:
    """Return how all pods are replaced once more, also within the second of the last time."""
    try:
        return restart(live, at)
    except PlatformError:
        return restart(live, at + timedelta(seconds=1))


def _template(kind: Kind, one: Document) -> Document:
    """Return what the pods of an object are made from; a pod is its own template."""
    if kind is PODS:
        return one
    inside = ("jobTemplate", "spec") if fields.field(one, "spec", "jobTemplate") else ()
    found = fields.field(one, "spec", *inside, "template")
    return found if isinstance(found, dict) else {}


def _made(one: Document) -> bool:
    """Whether something else that is looked at has made it."""
    owners = fields.many(one, "metadata", "ownerReferences")
    return any(owner.get("controller") and owner.get("kind") in _MAKERS for owner in owners)


def _typed(live: LiveWorkload, found: LiveConfigMap, key: str, value: str) -> str:
    """Return what a person would type."""
    patch = json.dumps({"data": {key: value}}, ensure_ascii=False)
    words = ("kubectl", "-n", found.namespace, "patch", "configmap", found.name, "-p", patch)
    return f"{shell(*words)} && {kubectl(live, 'rollout', 'restart')}"
