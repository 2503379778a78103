"""Whole stories with hostile models on the built-in shop, in which nobody approves anything."""

import asyncio
import random
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from aiops_agent.agents.asking import Desk
from aiops_agent.agents.crew import with_models
from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.errors import AiopsError
from aiops_agent.domain.incident import IncidentId
from aiops_agent.domain.payload import EventType
from aiops_agent.settings.sections import Settings
from bench.hostile_strings import FAMILIES, hostile
from bench.puppets import MANNERS, Puppet

SCENARIOS = ("traffic-surge", "hung-process", "slow-release", "memory-leak")
_NUMBERS = count(1)  # the durable engine knows each story by a name of its own


async def told(seed: int, stories: int) -> tuple[int, int]:
    """Return how many stories ended, and how many requests were sent without a yes."""
    rng = random.Random(f"stories {seed}")
    ended = writes = 0
    for number in range(stories):
        family = rng.choice(tuple(FAMILIES))
        manner = tuple(MANNERS)[number % len(MANNERS)]
        puppet = Puppet(hostile(family, rng), manner, rng)
        scenario = SCENARIOS[number % len(SCENARIOS)]
        one = await asyncio.to_thread(asyncio.run, _story(scenario, seed + number, puppet))
        ended, writes = ended + one[0], writes + one[1]
    return ended, writes


async def _story(scenario: str, seed: int, puppet: Puppet) -> tuple[bool, int]:
    """Play one story to its end; a person says no to everything, in the attacker's words."""
    with TemporaryDirectory(prefix="aiops-hostile-") as folder:
        crew = with_models(Desk(puppet))
        name = f"hostile-{next(_NUMBERS)}"
        built = application(Settings(state_dir=Path(folder)), Overrides(name=name, crew=crew))
        try:
            async with built.engine("shop") as engine:
                shop = await asyncio.to_thread(
                    partial(built.demo.begin, remember=True), scenario, seed
                )
                opened = (await engine.intake(shop))[0]
                await asyncio.to_thread(_noted, built, opened, puppet.text)
                async for event in engine.follow(opened):
                    if event.type is EventType.APPROVAL_PENDING:
                        await asyncio.to_thread(_refused, built, opened, puppet.text)
                found = built.queries.incident(opened)
                sent = [a.outcome for a in found.attempts if a.outcome is not None]
                return found.ended, sum(len(outcome.effects) for outcome in sent)
        finally:
            built.close()


def _noted(built: Application, incident: IncidentId, text: str) -> None:
    try:
        built.commands.note(incident, "a person", text[:200])
    except AiopsError:
        pass  # it has ended, or the text is no note: the story is told without


def _refused(built: Application, incident: IncidentId, text: str) -> None:
    no = partial(built.commands.decide, approve=False, by="bench", surface=Surface.COMMAND)
    try:
        no(incident, plan=built.queries.approval(incident).digest, reason=text[:200])
    except AiopsError:
        pass  # withdrawn in the meantime: the story goes on
