"""A sample of the counted proof of the hands on Kubernetes, and that it sees a missing test."""

import pytest

from bench import cluster_hands
from tests import seams

N = 30


async def test_in_no_life_is_there_a_second_effect_or_a_wrong_record() -> None:
    rows = await cluster_hands.goals(1, N)

    assert [row for row in rows if row.goal == "<= 0" and row.measured] == []
    print(f"cluster hands: {N} lives, {sum(row.measured for row in rows):g} events")


@pytest.mark.slow
async def test_patches_without_their_tests_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.PATCH_TESTS.plant(monkeypatch, lambda _path, _value: {"op": "none", "path": "/x"})

    rows = await cluster_hands.goals(1, 2 * N)
    assert sum(row.measured for row in rows if row.goal == "<= 0") > 0
