"""A real model as critic, against planted defects, until the money for it is spent."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pydantic import SecretStr

from aiops_agent.adapters.models.opening import Wiring, reasoning
from aiops_agent.adapters.models.section import ModelSettings
from aiops_agent.domain.answer import Usage
from aiops_agent.domain.model import ModelCall, Spending
from aiops_agent.evaluation.critic import LAWS, CriticReading, read_plan, reading_goals
from aiops_agent.evaluation.goals import Goal
from aiops_agent.evaluation.sketches import cases
from aiops_agent.ports.model import Reasoner

_PLENTY = 1_000_000_000  # of tokens and seconds: only the money and the requests are capped
_REQUESTS = 6  # for one plan: a send-back and a fallback among them
_SILENT = 5  # plans in a row without an answer: the rest would cost time only


@dataclass
class LiveCalls:
    """ports.model.CallLog of one run, in memory: what is spent here counts for nothing else."""

    calls: list[ModelCall] = field(default_factory=list)

    def keep(self, call: ModelCall) -> None:
        """Keep a call."""
        self.calls.append(call)

    def answered(self, incident: str, about: str) -> ModelCall | None:
        """Return the newest answered call of a plan about the same, or None."""
        known = (c for c in reversed(self.calls) if (c.incident, c.about) == (incident, about))
        return next((call for call in known if call.answered_by), None)

    def spent(self, incident: str) -> Spending:
        """Return what one plan used up."""
        return _spending([one for one in self.calls if one.incident == incident])

    def spent_since(self, _moment: datetime) -> Spending:
        """Return what the run used up: it lasts as its budget does, also over midnight."""
        return _spending(self.calls)

    @property
    def words(self) -> str:
        """What was spent, for people."""
        total = _spending(self.calls)
        unknown = sum(one.usage.cost is None for one in self.calls)
        more = f", and {unknown} requests of unknown price" if unknown else ""
        used = f"{len(self.calls)} requests, {total.usage.tokens} tokens"
        return f"spent ${total.usd:.4f}{more}: {used}"


@dataclass(frozen=True)
class LiveRun:
    """What a live run measured; `stopped` says why it ended early, or ""."""

    readings: tuple[CriticReading, ...]
    spent: str
    models: str
    stopped: str = ""

    @property
    def goals(self) -> Iterator[Goal]:
        """Yield the rows over the plans that were answered."""
        told = [one for one in self.readings if one.answered]
        yield from reading_goals("the model", told)
        loosened = sum(one.loosened for one in told)
        yield Goal("verdicts loosened by the model", len(told), loosened, "<= 0")


def live(
    section: ModelSettings | None,
    keys: Mapping[str, SecretStr],
    *,
    seed: int,
    plans: int,
    usd: float,
    now: Callable[[], datetime],
    seen: Callable[[int], None] = lambda _number: None,
) -> LiveRun | None:
    """Ask the configured models as critic; None when there is none to ask."""
    log = LiveCalls()
    given = section or ModelSettings()
    budget = given.budget.model_copy(
        update={
            "tokens": _PLENTY,
            "seconds": float(_PLENTY),
            "usd": usd,
            "usd_per_day": usd,
            "requests": _REQUESTS,
        }
    )
    capped = given.model_copy(update={"budget": budget})
    found = reasoning(capped, keys, Wiring(log, now))
    if found.real is None:
        return None
    models = ", ".join(map(str, found.real.lineup.chain("critique")))
    readings, stopped = asyncio.run(asked(found.real, seed, plans, seen))
    return LiveRun(tuple(readings), log.words, models, stopped)


class ClosingModels(Reasoner, Protocol):
    """Language models whose connections are given back."""

    async def close(self) -> None:
        """Give the connections back."""


async def asked(
    models: ClosingModels, seed: int, plans: int, seen: Callable[[int], None]
) -> tuple[Sequence[CriticReading], str]:
    """Return what the models make of so many plans, and why it stopped early, or ""."""
    readings: list[CriticReading] = []
    silent = 0
    try:
        for case in cases(seed, plans, LAWS):
            reading = await read_plan(case, models)
            readings.append(reading)
            silent = 0 if reading.answered else silent + 1
            if silent == _SILENT or "budget" in reading.missing:
                told = f"stopped after {len(readings)} of {2 * plans} plans"
                return readings, f"{told}: {reading.missing}"
            seen(case.number)
    finally:
        await models.close()
    return readings, ""


def _spending(calls: Sequence[ModelCall]) -> Spending:
    usage = sum((one.usage for one in calls), Usage())
    seconds = sum(one.took for one in calls)
    return Spending(usage=usage, usd=sum(one.usage.cost or 0.0 for one in calls), seconds=seconds)
