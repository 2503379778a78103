"""A sample of `python -m bench memory`."""

import random

import pytest

from bench import memory_compact


@pytest.mark.slow
def test_compaction_saves_room_and_finds_the_same_story() -> None:
    rows = {one.row: one.measured for one in memory_compact.goals(900, random.Random(1))}
    assert rows["points of recall@3 that compaction cost"] <= 1
    assert rows["share of bytes left of 900 incidents"] < 0.8  # the newest 500 stay
