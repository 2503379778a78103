"""Hands on a workload: restart it, scale it, give it an earlier release's template."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiops_agent.actions.platform import Accepted, Begin, Sight, at_once
from aiops_agent.actions.restart import RESTART
from aiops_agent.actions.rollback import ROLLBACK
from aiops_agent.actions.scale import SCALE
from aiops_agent.adapters.kubernetes.kinds import AUTOSCALERS, REPLICA_SETS
from aiops_agent.adapters.kubernetes.landed import sight_of
from aiops_agent.adapters.kubernetes.live import CHANGEABLE, LiveWorkload
from aiops_agent.adapters.kubernetes.past import PastTemplate, releases_of, template_digest
from aiops_agent.adapters.kubernetes.payload import (
    PinnedTemplate,
    WorkloadPatch,
    bytes_of,
    patch_of,
    patches_of,
    replaced,
    requests,
    template_swap,
)
from aiops_agent.adapters.kubernetes.reach import Reach
from aiops_agent.adapters.kubernetes.restart import restart
from aiops_agent.adapters.kubernetes.rollback import known_good, rollback
from aiops_agent.adapters.kubernetes.scale import scalable, scale
from aiops_agent.adapters.kubernetes.targets import (
    as_left,
    free,
    left,
    replica_sets,
    settled,
    still,
    workload_of,
)
from aiops_agent.adapters.kubernetes.way import WorkloadChange
from aiops_agent.adapters.kubernetes.write import Writes
from aiops_agent.domain.errors import NotOurs, PlatformError, RequestRefused, SourceError
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Action, ActionKind, BlastRadius, Draft, Request
from aiops_agent.domain.value import Document


@dataclass(frozen=True)
class WorkloadHands:
    """What is done to a whole workload."""

    of: Reach

    @property
    def writes(self) -> Writes:
        """Its accounts."""
        return self.of.writes

    @property
    def changes(self) -> Collection[str]:
        """The kinds of objects that its requests are for."""
        return CHANGEABLE

    @property
    def kinds(self) -> Sequence[ActionKind]:
        """What it offers."""
        rollbacks = (ROLLBACK.kind,) if self.of.releases is not None else ()
        return (RESTART.kind, SCALE.kind, *rollbacks)

    async def prepare(self, action: Action, operation: str) -> Draft:
        """Read the target, freeze everything about the action, have the server try it out."""
        try:
            live = settled(await workload_of(action.target, self.writes, self.of.namespaces))
            change, inverse = await self._change(action, live)
            patches = []
            if change.steps:
                patch = patch_of(live, f"{operation}.1", change.steps, change.pinned)
                await self.writes.try_out(patch, bytes_of(live, patch.operation, change.steps))
                patches.append(patch)
            return Draft(
                action=action,
                requests=requests(patches),
                precondition={**live.identity, **change.leaves},
                inverse=inverse if patches else None,
                blast=await self._blast(action, change),
                run=change.run or "nothing: it is so already",
                undo=change.undo,
                rights=change.rights,
            )
        except SourceError as error:
            raise PlatformError(str(error)) from error

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        """Whether nobody but `applied` changed what the same workload is to be.

        Raises PlatformError too where somebody else took the target over since.
        """
        was = prepared.precondition
        try:
            now = await still(prepared, self.writes)
        except SourceError as error:
            raise PlatformError(str(error)) from error
        if now is None:
            return False
        if not as_left(now, was["generation"], patches_of(applied)):
            return False
        free(now)
        if prepared.action.kind == SCALE.kind:
            try:
                scalable(now, await self._autoscalers(now))
            except SourceError as error:
                raise PlatformError(str(error)) from error
        return True

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        """Send the stored patch as it is, once; its tests hold of nothing but what was planned."""
        patch = WorkloadPatch.of(request.payload)
        return await self.writes.send_frozen(patch, await self._body(patch), begin)

    async def look(self, request: Request, armed_at: datetime) -> Sight:  # noqa: ARG002 -- the mark says it, no time
        """Tell whether the request has landed: the workload bears its mark."""
        patch = WorkloadPatch.of(request.payload)
        try:
            return sight_of(patch, await self.writes.found(patch))
        except SourceError as error:
            raise PlatformError(str(error)) from error

    async def take_back(
        self, step: Draft, applied: Sequence[Intent], operation: str
    ) -> tuple[Request, ...]:
        """Return the patch to the old value, under the same tests. Raises NotOurs."""
        patches = []
        try:
            for ordinal, intent in enumerate(reversed(applied), start=1):
                live = await left(
                    WorkloadPatch.of(intent.request.payload), intent.made, self.writes
                )
                patches.append(await self._back(step, live, f"{operation}.{ordinal}"))
        except SourceError as error:
            raise PlatformError(str(error)) from error
        return requests(patches)

    async def _change(
        self, action: Action, live: LiveWorkload
    ) -> tuple[WorkloadChange, Action | None]:
        if action.kind == RESTART.kind:
            return restart(live, self.of.now()), None
        if action.kind == SCALE.kind:
            change = scale(live, int(action.wished["replicas"]), await self._autoscalers(live))
            back: dict[str, str | int] = {"replicas": live.replicas or 0}
            return change, action.model_copy(update={"wished": back})
        if action.kind == ROLLBACK.kind and self.of.releases is not None:
            good = known_good(action, await self.of.releases.good(action.target.service))
            change = rollback(live, good, await self._past(live))
            return change, action.model_copy(update={"wished": {"release": change.leaving}})
        raise PlatformError(f"Kubernetes does not offer {action.kind}.")

    async def _blast(self, action: Action, change: WorkloadChange) -> BlastRadius:
        return BlastRadius(
            services=await self.of.touched(action.target.service),
            replicas=change.touched,
            interrupts=change.interrupts,
            words=change.words,
        )

    async def _body(self, patch: WorkloadPatch) -> str:
        """Return the bytes: those that are stored, or made again. Raises RequestRefused."""
        if patch.pinned is None:
            return patch.body
        try:
            live = await self.writes.of(patch)
            then = await self._pinned(patch.namespace, patch.pinned)
        except SourceError as error:
            raise PlatformError(str(error)) from error
        if live is None or then is None:
            gone = patch.target if live is None else f"replica set {patch.pinned.replica_set}"
            raise RequestRefused(f"{gone} is gone or is another one: nothing was sent.")
        return bytes_of(live, patch.operation, template_swap(live, then.template))

    async def _pinned(self, namespace: str, pinned: PinnedTemplate) -> PastTemplate | None:
        found = await self.writes.reader.find(REPLICA_SETS.path(namespace, pinned.replica_set))
        then = PastTemplate(found) if isinstance(found, dict) else None
        return then if then is not None and then.uid == pinned.uid else None

    async def _past(self, live: LiveWorkload) -> tuple[PastTemplate, ...]:
        return releases_of(live, await replica_sets(live, self.writes))

    async def _autoscalers(self, live: LiveWorkload) -> tuple[Document, ...]:
        """Return those of its namespace. Raises SourceError: what is not seen may own it."""
        return await self.writes.reader.listed(AUTOSCALERS, live.namespace)

    async def _back(self, step: Draft, live: LiveWorkload, operation: str) -> WorkloadPatch:
        if step.inverse is None:
            raise NotOurs(f"{step.action.text} cannot be taken back.")
        if step.action.kind == SCALE.kind:
            try:
                present_now = scalable(live, await self._autoscalers(live))
            except PlatformError as error:
                raise NotOurs(f"{str(error).rstrip('.')}; a person must decide.") from error
            steps = replaced("/spec/replicas", present_now, step.inverse.wished["replicas"])
            return patch_of(live, operation, steps)
        pinned = PinnedTemplate.of(step.precondition["left"])
        then = await self._pinned(live.namespace, pinned)
        if then is None or template_digest(then.template) != step.precondition["template"]:
            raise NotOurs(
                f"Replica set {pinned.replica_set}, which {live.words} ran on, is gone or another "
                "one by now: a person must decide."
            )
        return patch_of(live, operation, template_swap(live, then.template), pinned)
