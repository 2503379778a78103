"""The life of one approved plan of Kubernetes: executed, cut off, gone on with, taken back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from aiops_agent.actions.platform import Platform
from aiops_agent.domain.approval import ApprovalState
from aiops_agent.domain.point import Point
from aiops_agent.domain.remediation import Action, ActionKind, EffectState, Outcome, PreparedPlan
from aiops_agent.registry import CATALOGUE
from aiops_agent.safety.execute import Executor
from tests.adapters.kubernetes.fake_api import OLD, FakeApi, Lost
from tests.adapters.kubernetes.fake_patch import REFUSED_TEST, Raw, status
from tests.safety.memory import MemoryStore
from tests.safety.plans import NOW, a_plan, a_request, asks, stored
from tests.targets import at

APPLIED, REFUSED, UNKNOWN = EffectState.APPLIED, EffectState.REFUSED, EffectState.UNKNOWN
POINTS = (Point.ARMED, Point.BEFORE_SEND, Point.SENDING, Point.AFTER_SEND, Point.RECORDED)


OPERATION = "INC-0001.1.1"


def restart(name: str = "payments-api") -> Action:
    return Action(kind=ActionKind("restart_service"), target=at(name))


def scale(replicas: int, name: str = "payments-api") -> Action:
    wished: dict[str, str | int] = {"replicas": replicas}
    return Action(kind=ActionKind("scale_pods"), target=at(name), wished=wished)


def rollback(image: str = OLD, name: str = "payments-api") -> Action:
    wished: dict[str, str | int] = {"release": image, "image": f"id-of-{image}"}
    return Action(kind=ActionKind("rollback_release"), target=at(name), wished=wished)


def delete(*pods: str, name: str = "payments-api") -> Action:
    wished: dict[str, str | int] = {"pods": ",".join(pods)}
    return Action(kind=ActionKind("delete_pod"), target=at(name), wished=wished)


class Died(BaseException):
    """The process ended here."""


class PlanLife:
    """One approved plan of one action, executed as often as a process is begun."""

    def __init__(self, platform: Platform, action: Action) -> None:
        self.platform, self.action, self.store = platform, action, MemoryStore()

    async def plan(self) -> PreparedPlan:
        draft = await self.platform.prepare(self.action, OPERATION)
        plan = a_plan(1, 1).model_copy(update={"steps": (CATALOGUE.prepared(draft),)})
        self.request = stored(self.store, a_request(plan, ApprovalState.APPROVED))
        return plan

    def executor(self, mark: Callable[[Point], None] = lambda _point: None) -> Executor:
        return Executor(
            platforms=lambda _name: self.platform,
            store=self.store,
            catalogue=CATALOGUE,
            bounds=lambda _name: {},
            now=lambda: NOW + timedelta(minutes=2),
            mark=mark,
        )

    async def run(self) -> Outcome:
        return await self.executor().execute(self.request, asks)


class KubeLife(PlanLife):
    """The life of a plan on a cluster of the tests."""

    def __init__(self, api: FakeApi, action: Action) -> None:
        super().__init__(api.platform, action)
        self.api = api

    @property
    def effects(self) -> int:
        """How often what the workload is to be was changed since the last release."""
        return int(self.api.one("payments-api")["metadata"]["generation"]) - 2

    @property
    def as_wished(self) -> bool:
        found = self.api.one("payments-api")["spec"]
        restarted = found["template"]["metadata"].get("annotations")
        wished: dict[str, bool] = {
            "restart_service": bool(restarted),
            "scale_pods": found["replicas"] == 4,
            "rollback_release": found["template"]["spec"]["containers"][0]["image"] == OLD,
        }
        return wished[self.action.kind]


def once(answer: Callable[[Raw], Any]) -> Callable[[Raw], Any]:
    """Answer so the first time, and let the others be."""
    left = [answer]
    return lambda found: left.pop()(found) if left else None


def lost(_found: Raw) -> Any:
    raise Lost


def said(code: int, words: str = "no") -> Callable[[Raw], Any]:
    return lambda _found: status(code, words)


TROUBLE: dict[str, tuple[str, Callable[[Raw], Any], EffectState]] = {
    "lost before it was taken": ("before", lost, APPLIED),
    "lost after it was taken": ("after", lost, APPLIED),
    "too many requests": ("before", said(429), APPLIED),
    "an error of the server before": ("before", said(500), APPLIED),
    "an error of the server after": ("after", said(500), APPLIED),
    "not available": ("before", said(503), APPLIED),
    "a timeout of the server after": ("after", said(504), APPLIED),
    "a conflict": ("before", said(409), REFUSED),
    "a conflict that is told of what was taken": ("after", said(409), APPLIED),
    "a test that failed": ("before", lambda _found: REFUSED_TEST, REFUSED),
    "a failed test that is told of what was taken": ("after", lambda _found: REFUSED_TEST, APPLIED),
    "forbidden": ("before", said(403), REFUSED),
    "not let in": ("before", said(401), REFUSED),
    "elsewhere": ("before", said(307), REFUSED),
    "not understood": ("before", said(400), REFUSED),
}
