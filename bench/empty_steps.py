"""A program: run empty DBOS steps on SQLite and print seconds and CPU seconds per step as JSON."""

import asyncio
import json
import sys
import time
from pathlib import Path

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, SetWorkflowID

STEPS = 300


def engine(path: Path) -> sa.Engine:
    """Return an engine on a new SQLite file, as durable as the product's: WAL, FULL."""
    made = sa.create_engine(f"sqlite:///{path}")

    @sa.event.listens_for(made, "connect")
    def pragmas(connection: object, _: object) -> None:
        connection.isolation_level = "IMMEDIATE"  # type: ignore[attr-defined]  # sqlite3's own
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]  # sqlite3's own

    return made


@DBOS.step()
async def nothing() -> None:
    """Do nothing, durably."""


@DBOS.workflow(name="bench.empty")
async def empty(steps: int) -> list[float]:
    """Run the steps one after another; return seconds and CPU seconds for all."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(steps):
        await nothing()
    return [time.perf_counter() - wall, time.process_time() - cpu]


async def measure() -> list[float]:
    """Run a short workflow to warm up, then the long one."""
    await empty(20)
    with SetWorkflowID("measured"):
        return await empty(STEPS)


def main(folder: str) -> None:
    """Measure on a new store in the folder."""
    config = DBOSConfig(
        name="bench",
        system_database_engine=engine(Path(folder) / "bench.sqlite"),
        system_database_url=f"sqlite:///{folder}/bench.sqlite",
        application_version="bench",
        log_level="ERROR",
    )
    DBOS(config=config)
    DBOS.launch()
    wall, cpu = asyncio.run(measure())
    print(json.dumps({"wall": wall / STEPS, "cpu": cpu / STEPS}))
    DBOS.destroy()


if __name__ == "__main__":
    main(sys.argv[1])
