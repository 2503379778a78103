"""No secret that comes in is kept, shown or logged; a way that is not watched is noticed."""

from typing import Any

import pytest

from bench.planted_house import goals
from tests import seams


def missed() -> list[str]:
    return [one.row for one in goals(seed=3, n=280) if not one.met]


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
