"""The endings of an incident as a person reads them."""

import pytest

from tests import timeline
from tests.stories.conftest import Answer, Stage, no, yes

LIVES: dict[str, tuple[str, Answer]] = {
    "approved": ("traffic-surge", yes),
    "rejected": ("slow-release", no),
    "handed-over": ("third-party-outage", yes),
    "watched": ("cache-flush", yes),
    "dismissed": ("false-alarm", yes),
    "denied": ("friday-freeze", yes),
}


@pytest.mark.parametrize("life", LIVES)
async def test_a_timeline_reads_as_it_did(stage: Stage, life: str) -> None:
    scenario, answer = LIVES[life]
    told = await stage.play(scenario, answer)
    timeline.check(life, timeline.written(told.incident, told.events))
