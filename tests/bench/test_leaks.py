"""No secret that comes in is kept, shown or logged; a way that is not watched is noticed."""

from pathlib import Path
from typing import Any

import pytest

from aiops_agent.adapters.sql.engine import make_engine
from aiops_agent.adapters.sql.migrate import upgrade
from aiops_agent.adapters.sql.store import SqlStore
from bench.planted_house import goals, kept
from tests import seams
from tests.contracts.samples import an_event


def missed() -> list[str]:
    return [one.row for one in goals(seed=3, n=280) if not one.met]


@pytest.mark.slow
def test_what_comes_in_from_anywhere_is_kept_without_its_secrets() -> None:
    assert missed() == []


@pytest.mark.slow
@pytest.mark.parametrize("seam", [seams.BODIES, seams.RULES, seams.TROUBLE, seams.SAID], ids=str)
def test_a_way_in_that_is_not_watched_is_noticed(
    monkeypatch: pytest.MonkeyPatch, seam: seams.Seam
) -> None:
    def as_it_came(*given: Any) -> Any:
        return given[1] if seam is seams.SAID else given[0]

    seam.plant(monkeypatch, as_it_came)
    assert missed() != []


def test_what_is_kept_packed_is_searched_too(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/aiops.db")
    upgrade(engine)
    with SqlStore(engine).begin() as work:
        work.events.append(an_event("e1", message="a secret among much else " * 100))
    engine.dispose()
    assert b"a secret among" not in (tmp_path / "aiops.db").read_bytes()
    assert "a secret among" in "".join(kept(tmp_path))
