"""A sample of the counted proof of the hands, and that it sees hands that follow labels."""

import pytest

from aiops_agent.adapters.docker.back import WayBack
from aiops_agent.adapters.docker.payload import Payload, Staying
from bench import hands
from tests import seams

N = 25


async def test_in_no_world_is_anything_of_others_touched_copied_or_told() -> None:
    rows = await hands.goals(1, N)

    assert [row for row in rows if row.goal == "<= 0" and row.measured] == []
    print(f"hands: {N} worlds of each kind, {sum(row.measured for row in rows):g} events")


async def test_hands_that_follow_labels_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    async def by_label(back: WayBack, _made: object) -> list[Payload]:
        group = [one.id for one in await back.containers.of(back.service)]
        ours = [
            one
            for one in await back.containers.inspect_all(group)
            if one.label("aiops-agent/operation") == hands.ID
        ]
        staying = Staying(service=back.service, leaving=tuple(one.id for one in ours), least=1)
        return [payload for one in ours for payload in back._removal(one, staying)]

    seams.LEDGER_ONLY.plant(monkeypatch, by_label)

    assert (await hands.goals(1, N))[0].measured > 0
