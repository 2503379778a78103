"""An environment whose secrets stay outside: what is read of it, and what it says when it fails."""

import asyncio
import inspect
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

from aiops_agent.domain.errors import AiopsError
from aiops_agent.domain.naming import MARK
from aiops_agent.domain.redact import Clean, Redactor
from aiops_agent.domain.telemetry import (
    AlertRule,
    Change,
    LogLine,
    RouteErrors,
    RuleReading,
    ServiceName,
    Span,
    Window,
    Workload,
)
from aiops_agent.domain.trouble import PlatformTrouble
from aiops_agent.ports.telemetry import (
    Changes,
    Environment,
    Logs,
    RequestRoutes,
    Rules,
    Spans,
    Troubles,
    Workloads,
)

T = TypeVar("T")


def cleaned(environment: Environment, redactor: Redactor) -> Environment:
    """Return the environment with its foreign texts redacted before anybody sees or keeps them.

    Names stay: what is asked again is known by them.
    """
    clean = redactor.clean
    return replace(
        environment,
        metrics=told_cleanly(environment.metrics, clean),
        topology=told_cleanly(environment.topology, clean),
        rules=_Rules(environment.rules, redactor),
        logs=_Logs(environment.logs, clean),
        changes=_Changes(environment.changes, redactor),
        workloads=_Workloads(environment.workloads, clean),
        spans=_Spans(environment.spans, clean),
        routes=_Routes(environment.routes, clean) if environment.routes else None,
        troubles=_Troubles(environment.troubles, clean) if environment.troubles else None,
    )


async def _told(work: Awaitable[T], clean: Clean) -> T:
    """Wait for a source; its trouble is told without the secrets of its address."""
    try:
        return await work
    except AiopsError as error:
        error.args = tuple(clean(one).text if isinstance(one, str) else one for one in error.args)
        raise


def told_cleanly(port: T, clean: Clean) -> T:
    """Return a port whose trouble is told without secrets; what it answers stays as it is."""
    return cast("T", _Told(port, clean))


class _Told:
    """A port whose answers hold no foreign text, or text that must stay letter by letter."""

    def __init__(self, port: object, clean: Clean) -> None:
        self._port, self._clean = port, clean

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not callable(method):
            return method

        def call(*given: Any, **named: Any) -> Any:
            found = method(*given, **named)
            return _told(found, self._clean) if inspect.isawaitable(found) else found

        return call


@dataclass(frozen=True)
class _Rules:
    port: Rules
    redactor: Redactor

    async def rules(self) -> tuple[AlertRule, ...]:
        """Return the rules; people write addresses with logins into annotations, too."""
        return tuple(map(self._without, await _told(self.port.rules(), self.redactor.clean)))

    async def evaluate(
        self, rule: AlertRule, at: datetime | None = None
    ) -> tuple[RuleReading, ...]:
        """Return where a rule holds; the source is asked with its own text of it."""
        if MARK in str(rule):
            own = await _told(self.port.rules(), self.redactor.clean)
            rule = next((one for one in own if self._same(one, rule)), rule)
        found = await _told(self.port.evaluate(rule, at), self.redactor.clean)
        return tuple(one.model_copy(update={"labels": self._pairs(one.labels)}) for one in found)

    def _without(self, rule: AlertRule) -> AlertRule:
        changed = {
            "expression": self.redactor.clean(rule.expression).text,
            "labels": self._pairs(rule.labels),
            "annotations": self._pairs(rule.annotations),
        }
        return rule.model_copy(update=changed)

    def _same(self, own: AlertRule, told: AlertRule) -> bool:
        names = (own.group, own.name) == (told.group, told.name)
        return names and self._without(own).expression == told.expression

    def _pairs(self, of: Mapping[str, str]) -> dict[str, str]:
        clean, value = self.redactor.clean, self.redactor.value
        return {clean(name).text: value(name, text) for name, text in of.items()}


@dataclass(frozen=True)
class _Logs:
    port: Logs
    clean: Clean

    async def lines(self, services: Sequence[ServiceName], window: Window) -> tuple[LogLine, ...]:
        """Return the lines without secrets; thousands of them hold up nobody else."""
        found = await _told(self.port.lines(services, window), self.clean)
        return await asyncio.to_thread(self._without, found)

    def _without(self, lines: tuple[LogLine, ...]) -> tuple[LogLine, ...]:
        text = cache(lambda said: self.clean(said).text)  # services repeat themselves
        return tuple(line.model_copy(update={"text": text(line.text)}) for line in lines)


@dataclass(frozen=True)
class _Changes:
    port: Changes
    redactor: Redactor

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Return the changes; of a setting that is a secret the name is left."""
        found = await _told(self.port.changes(window), self.redactor.clean)
        return tuple(map(self._without, found))

    def _without(self, change: Change) -> Change:
        words = {name: getattr(change, name) for name in ("title", "before", "after", "fixed")}
        clean = {name: self.redactor.clean(text).text for name, text in words.items()}
        value = self.redactor.value
        settings = {n: (value(n, old), value(n, new)) for n, (old, new) in change.settings.items()}
        return change.model_copy(update={**clean, "settings": settings})


@dataclass(frozen=True)
class _Workloads:
    port: Workloads
    clean: Clean

    async def workloads(self, services: Sequence[ServiceName]) -> tuple[Workload, ...]:
        """Return the instances; what the platform says of one is foreign text."""
        found = await _told(self.port.workloads(services), self.clean)
        return tuple(map(self._without, found))

    def _without(self, one: Workload) -> Workload:
        words = {name: self.clean(getattr(one, name)).text for name in ("reason", "probe")}
        return one.model_copy(update=words)


@dataclass(frozen=True)
class _Troubles:
    port: Troubles
    clean: Clean

    async def troubles(self) -> tuple[PlatformTrouble, ...]:
        """Return what is wrong; what platform and containers wrote is foreign text."""
        return tuple(map(self._without, await _told(self.port.troubles(), self.clean)))

    async def unreadable(self) -> tuple[str, ...]:
        """Return what may not be read."""
        found = await _told(self.port.unreadable(), self.clean)
        return tuple(self.clean(one).text for one in found)

    def _without(self, one: PlatformTrouble) -> PlatformTrouble:
        words = {n: self.clean(getattr(one, n)).text for n in ("words", "step", "last_words")}
        return one.model_copy(update=words)


@dataclass(frozen=True)
class _Spans:
    port: Spans
    clean: Clean

    async def spans(self, services: Sequence[ServiceName], window: Window) -> tuple[Span, ...]:
        """Return the spans; a name may hold a whole address."""
        found = await _told(self.port.spans(services, window), self.clean)
        return tuple(o.model_copy(update={"name": self.clean(o.name).text}) for o in found)


@dataclass(frozen=True)
class _Routes:
    port: RequestRoutes
    clean: Clean

    async def failing(
        self, service: ServiceName, at: datetime | None = None
    ) -> tuple[RouteErrors, ...]:
        """Return the routes; a path may hold a token."""
        found = await _told(self.port.failing(service, at), self.clean)
        return tuple(o.model_copy(update={"route": self.clean(o.route).text}) for o in found)
