"""An incident that a person forgets leaves every table and every file; only that it was, stays."""

import asyncio

import pytest
import sqlalchemy as sa

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.tables import FORGOTTEN, METADATA
from aiops_agent.bootstrap.casebook import casebook
from aiops_agent.bootstrap.forget import forget
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.errors import UsageError
from aiops_agent.domain.payload import ApprovalPending, EventType
from aiops_agent.settings.sections import Settings
from tests import seams
from tests.contracts.payloads import carried
from tests.seams import Seam
from tests.stories.conftest import Stage

SAID = ("zanzibar", "quokka")  # in a note, in the reason of a yes
DEFECTS = (seams.BODIES_GONE, seams.STORIES_GONE, seams.COLD_GONE)


def words_left(stage: Stage, words: tuple[str, ...]) -> list[str]:
    """Return where any of the words stands: a table of ours, of the engine, or a file."""
    database = make_engine(stage.store_url)
    found = []
    with database.connect() as connection:
        engine = sa.MetaData(schema="dbos" if connection.dialect.name == "postgresql" else None)
        engine.reflect(connection)
        foreign = [one for one in engine.tables.values() if one.name not in METADATA.tables]
        for table in (*METADATA.tables.values(), *foreign):
            text = repr(connection.execute(sa.select(table)).all())
            found += [str(table.name) for word in words if word in text and table is not FORGOTTEN]
    database.dispose()
    files = [one for one in stage.state.iterdir() if one.suffix == ".jsonl"]
    return found + [one.name for one in files for word in words if word in one.read_text()]


async def lived_and_forgotten(stage: Stage) -> tuple[list[str], list[str]]:
    """Return where its words stood before, and where they stand after."""
    async with stage._engine({}) as (built, engine):
        (name,) = await engine.intake(built.demo.begin("traffic-surge", 3, remember=False))
        book = casebook(built.records, Settings(state_dir=stage.state))
        async for event in engine.follow(name):
            if event.type is EventType.APPROVAL_PENDING:
                built.commands.note(name, "pat", f"like in {SAID[0]}")
                with pytest.raises(UsageError, match="still goes on"):
                    forget(built.records, book, name, "pat")
                asked = carried(event, ApprovalPending)
                built.commands.decide(
                    asked.approval,
                    approve=True,
                    by="pat",
                    surface=Surface.COMMAND,
                    plan=asked.digest,
                    reason=SAID[1],
                )
        (alert, *_) = built.queries.alerts(name).shown
        words = (*SAID, str(name), alert.summary)
        # As if it had become part of a pattern, whose originals lie in a file.
        book.cold.put([book.case(name)])
        before = words_left(stage, words)
        assert forget(built.records, book, str(name).lower(), "kim") == (name, "")
        with pytest.raises(UsageError, match=f"{name} was forgotten by kim at 20"):
            book.case(name)
        with built.store.read() as view:
            kept = view.archive.forgotten(name)
        assert kept is not None
        assert [(one.by, str(one.state)) for one in kept.decisions] == [("pat", "used")]
        assert kept.sent >= 1
        return before, words_left(stage, words)


@pytest.mark.parametrize(
    "defect", [None, *(pytest.param(one, marks=pytest.mark.slow) for one in DEFECTS)]
)
def test_no_table_and_no_file_holds_a_word_of_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, defect: Seam | None
) -> None:
    if defect is not None:
        defect.plant(monkeypatch, lambda *_: None)
    before, after = asyncio.run(lived_and_forgotten(stage))
    places = {"inbox", "events", "incidents", "approvals", "operation_outputs", "cases"}
    assert places <= set(before)
    assert (after == []) is (defect is None), after
