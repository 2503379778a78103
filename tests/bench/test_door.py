"""A small crowd at the door of a real server; the large one is of `make prove`."""

import pytest

from bench import door


@pytest.mark.slow
def test_a_small_crowd_keeps_nobody_out() -> None:
    filler = "y" * 1024 * 1024
    with door.serving() as crowd:
        held = [crowd.opened(door.HEALTH[:20]) for _ in range(40)]
        crowd.send([f'{{"n": {n}, "x": "{filler}", {door.ALERT}}}' for n in range(6)])
        for one in held:
            one.close()

    print(f"6 bodies of 1 MiB, 40 half-open heads: {crowd.statuses}, health {crowd.slowest:.2f} s")
    assert (crowd.statuses["200"], crowd.unanswered) == (6, 0)
    assert crowd.asked
