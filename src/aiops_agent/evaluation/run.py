"""Lets the real service work on a broken shop, in a house of its own, with every plan approved."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from aiops_agent.agents.crew import Crew
from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.errors import ApprovalError, StoreError
from aiops_agent.domain.incident import Incident
from aiops_agent.domain.payload import ApprovalPending
from aiops_agent.settings.sections import Settings

_NUMBERS = count(1)  # the durable engine knows each story by a name of its own for ever


@dataclass(frozen=True)
class Runner:
    """Gives one incident at a time; `remember` gives the shop's people their memory.

    `crew` answers in place of statistics.
    """

    remember: bool = True
    crew: Crew | None = None

    async def __call__(
        self, scenario: str, seed: int, names: Mapping[str, str] | None = None
    ) -> Incident:
        """Found and break a shop, approve what is asked, and return the ended incident."""
        # A loop of its own: the durable engine takes the loop's threads with it when it closes.
        return await asyncio.to_thread(asyncio.run, self._ended(scenario, seed, dict(names or {})))

    async def _ended(self, scenario: str, seed: int, names: dict[str, str]) -> Incident:
        with TemporaryDirectory(prefix="aiops-outcome-") as folder:
            settings = Settings(state_dir=Path(folder))
            built = application(
                settings, Overrides(name=f"outcome-{next(_NUMBERS)}", crew=self.crew)
            )
            try:
                async with built.engine("shop") as engine:
                    begin = partial(built.demo.begin, remember=self.remember, names=names)
                    shop = await asyncio.to_thread(begin, scenario, seed)
                    opened = await engine.intake(shop)
                    if len(opened) != 1:
                        told = f"The alerts of {shop} opened {len(opened)} incidents, not one."
                        raise StoreError(told)
                    async for event in engine.follow(opened[0]):
                        if isinstance(event.payload, ApprovalPending):
                            await _approve(built, event.payload)
                    return built.queries.incident(opened[0])
            finally:
                built.close()


async def _approve(built: Application, asked: ApprovalPending) -> None:
    yes = partial(built.commands.decide, approve=True, by="evaluation", surface=Surface.FLAG)
    with suppress(ApprovalError):  # withdrawn in the meantime: the story goes on
        await asyncio.to_thread(yes, asked.approval, plan=asked.digest)
