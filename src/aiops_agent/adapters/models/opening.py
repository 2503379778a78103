"""Opens the models when the first question is asked: their libraries take seconds to load."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from pydantic import SecretStr

from aiops_agent.adapters.models.key import check_key
from aiops_agent.adapters.models.section import Lineup, ModelSettings
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.model import ModelRef
from aiops_agent.domain.redact import Redactor
from aiops_agent.ports.model import Around, Asking, CallLog, ModelQuestion, Reasoner

T = TypeVar("T")
NEEDS = (("pydantic_ai", "models"),)  # (module, extra that installs it)
BEHIND = "aiops_agent.adapters.models.reasoner"
NO_MODEL = "no language model configured; using statistical diagnosis"
GIVE_KEY = "set GEMINI_API_KEY or OPENAI_API_KEY, or models.api_key"


@dataclass(frozen=True)
class Wiring:
    """What the models get from the application."""

    log: CallLog
    now: Callable[[], datetime]
    around: Around | None = None
    redactor: Redactor = field(default_factory=Redactor)  # of all that is sent


@dataclass
class LateModels:
    """ports.model.Reasoner that imports pydantic-ai in a thread, at its first question."""

    lineup: Lineup
    wiring: Wiring
    _opened: Any = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # two questions, one import

    async def ask(self, question: ModelQuestion[T], asking: Asking) -> Answer[T]:
        """Return the answer of the first model that gives one, or in `missing` why none did."""
        found: Answer[T] = await (await self.opened()).ask(question, asking)
        return found

    def resting(self) -> Mapping[ModelRef, bool]:
        """Return of each model whether it is not tried now; nothing rests before the first try."""
        room = self._opened
        return {ref: bool(room and room.rests(ref)) for ref in self.lineup.all()}

    async def opened(self) -> Any:
        """Return the room behind: adapters.models.reasoner.Models."""
        async with self._turn:
            if self._opened is None:
                # By name, so that whoever imports this file does not pay for what is behind it.
                room = await asyncio.to_thread(import_module, BEHIND)
                self._opened = room.opened(self.lineup, self.wiring)
        return self._opened

    async def close(self) -> None:
        """Give the connections back; a later question opens new ones."""
        if self._opened is not None:
            await self._opened.close()


@dataclass(frozen=True)
class Reasoning:
    """Which models may be asked about which environment, and one line that says so."""

    real: LateModels | None  # of configured environments: only with a section `models:`
    shop: LateModels | None  # of the built-in shop: a key is enough
    flaw: str = ""  # why the models of the section cannot be asked

    def of(self, environment: EnvironmentRef) -> Reasoner | None:
        """Return who is asked about an environment, or None."""
        return self.shop if environment.simulated else self.real

    def resting(self) -> Mapping[ModelRef, bool]:
        """Return of each model whether it is not tried for a while."""
        found = self.shop or self.real
        return found.resting() if found else {}

    async def close(self) -> None:
        """Give the connections back."""
        for found in {id(one): one for one in (self.real, self.shop) if one}.values():
            await found.close()

    async def prove(self, *, shop: bool) -> None:
        """Raise SettingsError when the key is refused or a model is not known; sends no data."""
        found = self.shop if shop else self.real
        if found is not None:
            await check_key(found.lineup)

    async def doctor(self) -> tuple[Checkup, ...]:
        """Return which models answer, at what price; asks each for one word."""
        if self.real is None:
            words, health = self.words(shop=False), Health.PROBLEM if self.flaw else Health.OFF
            remedy, bad = (GIVE_KEY, True) if self.flaw else ("", False)
            told = Checkup(group="models", name="model", health=health, words=words, remedy=remedy)
            return (told.model_copy(update={"unusable": bad}),)
        try:
            found: tuple[Checkup, ...] = await (await self.real.opened()).doctor()
        finally:
            await self.close()
        return found

    def words(self, *, shop: bool) -> str:
        """Say in one line which models reason, or that none does and why."""
        found = self.shop if shop else self.real
        if found is not None:
            names = dict.fromkeys(str(ref) for ref in found.lineup.all())
            return f"language models: {', '.join(names)}; statistics answer when they cannot"
        if self.flaw:
            return f"{NO_MODEL}: {self.flaw}"
        if self.shop is not None:
            return f"{NO_MODEL} (a key alone sends nothing: add `models:` to aiops.yaml)"
        return NO_MODEL


def reasoning(
    section: ModelSettings | None, keys: Mapping[str, SecretStr], wiring: Wiring
) -> Reasoning:
    """Return who may be asked; nobody without a key or without the extra."""
    if find_spec(NEEDS[0][0]) is None:
        return Reasoning(None, None)
    given = Lineup(section or ModelSettings(), keys)
    found = LateModels(given, wiring) if given.all() else None
    if section is None or found is not None:
        return Reasoning(found if section is not None else None, found)
    return Reasoning(None, None, f"{section.default}, which `models:` names, has no key")
