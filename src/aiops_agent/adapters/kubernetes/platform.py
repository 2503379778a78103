"""Hands on Kubernetes: what is done to workloads, to single pods of them, to nodes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiops_agent.actions.platform import Accepted, Begin, Platform, Sight, at_once
from aiops_agent.adapters.kubernetes.config_hands import ConfigHands
from aiops_agent.adapters.kubernetes.node_hands import NodeHands
from aiops_agent.adapters.kubernetes.pod_hands import PodHands
from aiops_agent.adapters.kubernetes.reach import Reach
from aiops_agent.adapters.kubernetes.workload_hands import WorkloadHands
from aiops_agent.domain.errors import PlatformError
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Action, ActionKind, Draft, Request


class Hands(Platform, Protocol):
    """What changes objects of some kinds."""

    @property
    def changes(self) -> Collection[str]:
        """The kinds of objects that its requests are for."""
        ...


@dataclass(frozen=True)
class KubernetesPlatform(Reach):
    """The Platform port.

    An action goes to the hands that offer it, a request to those that change the kind of object it
    is for.
    """

    @property
    def kinds(self) -> Sequence[ActionKind]:
        """What it offers."""
        return tuple(kind for hands in self._hands for kind in hands.kinds)

    async def prepare(self, action: Action, operation: str) -> Draft:
        """Read the target, freeze everything about the action, have the server try it out."""
        return await self._doing(action.kind).prepare(action, operation)

    async def unchanged(self, prepared: Draft, applied: Sequence[Intent] = ()) -> bool:
        """Whether nobody but `applied` changed what the same target is to be."""
        return await self._doing(prepared.action.kind).unchanged(prepared, applied)

    async def send(self, request: Request, begin: Begin = at_once) -> Accepted:
        """Send the stored request as it is, once; it holds of nothing but what was planned."""
        return await self._sending(request).send(request, begin)

    async def look(self, request: Request, armed_at: datetime) -> Sight:
        """Tell whether the request has landed."""
        return await self._sending(request).look(request, armed_at)

    async def take_back(
        self, step: Draft, applied: Sequence[Intent], operation: str
    ) -> tuple[Request, ...]:
        """Return the requests that bring the old value back. Raises NotOurs."""
        return await self._doing(step.action.kind).take_back(step, applied, operation)

    @property
    def _hands(self) -> tuple[Hands, ...]:
        return (WorkloadHands(self), PodHands(self), NodeHands(self.writes), ConfigHands(self))

    def _doing(self, kind: ActionKind) -> Hands:
        for hands in self._hands:
            if kind in hands.kinds:
                return hands
        raise PlatformError(f"Kubernetes does not offer {kind}.")

    def _sending(self, request: Request) -> Hands:
        for hands in self._hands:
            if request.payload.get("kind") in hands.changes:
                return hands
        raise PlatformError(f"We do not change a {str(request.payload.get('kind'))[:40]}.")
