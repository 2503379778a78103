"""A sample of the hours with receivers in trouble; `make prove` lives a day of them."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.adapters.sql.outbox import SqlOutbox
from aiops_agent.workflow.dispatch import Dispatch
from bench.notices import DELAYED, LEFT, counted
from tests import seams
from tests.workflow.town import FLAWS

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


async def test_nothing_is_lost_untrue_doubled_or_late(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    found = await counted(tmp_path, seed=1, hours=0.5)
    assert {name: found[name] for name in (*FLAWS, LEFT, DELAYED)} == dict.fromkeys(
        (*FLAWS, LEFT, DELAYED), 0
    )
    assert min(found["told"], found["outages"], found["lost answers"]) > 0
    record_property("count", f"notices: {found['notices']} in half an hour, 0 lost")


@pytest.mark.parametrize("flaw", ["lost", "told although not so", "doubled keys beyond crashes"])
async def test_a_defect_is_seen(tmp_path: Path, flaw: str, monkeypatch: pytest.MonkeyPatch) -> None:
    add, end, once = SqlOutbox.add, Dispatch._end, set[str]()

    def forgets(self: SqlOutbox, entry: Any) -> bool:
        return entry.key.endswith("2") or add(self, entry)

    def unmarked(self: Dispatch, work: Any, entry: Any, *given: Any) -> None:
        end(self, work, entry, *given)
        if entry.key not in once:
            once.add(entry.key)
            work.outbox.put(entry)

    if flaw == "lost":
        seams.ADD.plant(monkeypatch, forgets)
    elif flaw == "told although not so":
        seams.OBSOLETE.plant(monkeypatch, lambda *_: "")
        seams.SUPERSEDE.plant(monkeypatch, lambda *_: None)
    else:
        seams.END.plant(monkeypatch, unmarked)
    assert (await counted(tmp_path, seed=1, hours=0.5))[flaw] > 0
