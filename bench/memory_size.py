"""How many bytes an ended incident takes, and where they are: by table and by type of event.

The shop's stories are lived on one store, which is then looked at after a day, a month and half a
year. Bytes are those of the values as the database keeps them: packed by SQLite's adapter, or by
PostgreSQL itself.
"""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.plain import bytes_of
from aiops_agent.adapters.sql.tables import EVENTS, INCIDENTS
from aiops_agent.agents.crew import without_llm
from aiops_agent.bootstrap.application import Overrides, application
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.payload import EventType
from aiops_agent.evaluation.goals import Goal
from aiops_agent.settings.sections import Settings
from aiops_agent.settings.store import StoreSettings
from aiops_agent.simulator.scenarios import SCENARIOS

AGES = ((0, ""), (2, "<= 40"), (31, "<= 40"), (181, "<= 40"))  # days; kB that are promised
_SHOWN = 0.2  # kB from which a part is worth a line


def goals(url: str, seed: int) -> Iterator[Goal]:
    """Yield the kilobytes of an incident at each age; the parts on stderr."""
    with TemporaryDirectory(prefix="aiops-size-") as folder:
        own = f"sqlite:///{Path(folder) / 'aiops.db'}"
        settings = Settings(state_dir=Path(folder), store=StoreSettings(url=url or own))
        asyncio.run(_live(settings, seed))
        for days, goal in AGES:
            if days:
                asyncio.run(_prune(settings, days))
            count, parts = _parts(settings.store.url)
            size = sum(size for name, size in parts.items() if not name.startswith("event "))
            print(f"size: {days} days after its end", file=sys.stderr)
            for name, kilobytes in sorted(parts.items(), key=lambda one: -one[1]):
                if kilobytes >= _SHOWN:
                    print(f"size: {kilobytes:8.2f} kB {name}", file=sys.stderr)
            kind = sa.make_url(settings.store.url).get_backend_name()
            yield Goal(f"kB of an ended incident after {days} days ({kind})", count, size, goal)


async def _live(settings: Settings, seed: int) -> None:
    built = application(settings, Overrides(crew=without_llm()))
    async with built.engine("shop") as engine:
        for number, scenario in enumerate(SCENARIOS):
            shop = await asyncio.to_thread(built.demo.begin, scenario, seed + number, remember=True)
            for incident in await engine.intake(shop):
                async for event in engine.follow(incident):
                    if event.type is EventType.APPROVAL_PENDING:
                        asked = built.queries.approval(incident)
                        built.commands.decide(
                            asked.id, approve=True, by="b", surface=Surface.FLAG, plan=asked.digest
                        )
    built.close()


async def _prune(settings: Settings, days: int) -> None:
    """Do what `aiops serve` does each hour, so many days later."""
    later = timedelta(days=days)
    name, now = f"aged-{days}", lambda: datetime.now(UTC) + later
    built = application(settings, Overrides(name=name, now=now))
    async with built.engine("shop") as engine:
        assert engine.pruning is not None
        await engine.pruning.look()
    built.close()


def _parts(url: str) -> tuple[int, dict[str, float]]:
    """Return how many incidents there are, and the kilobytes of one by table and event type."""
    database, parts = make_engine(url), defaultdict[str, float](float)
    schemas = (None, "dbos") if database.dialect.name == "postgresql" else (None,)
    with database.connect() as connection:
        count = connection.scalar(sa.select(sa.func.count()).select_from(INCIDENTS)) or 0
        for schema in schemas:
            found = sa.MetaData(schema=schema)
            found.reflect(connection)
            for table in found.tables.values():
                sizes = [sa.func.coalesce(sa.func.sum(bytes_of(one)), 0) for one in table.columns]
                row = connection.execute(sa.select(*sizes)).one()
                parts[str(table.name)] += sum(map(float, row)) / count / 1000
        query = sa.select(EVENTS.c.document, bytes_of(EVENTS.c.document))
        for document, size in connection.execute(query):
            parts[f"event {document['payload']['type']}"] += size / count / 1000
    database.dispose()
    return count, parts
