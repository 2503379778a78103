"""Nothing that the shop emits says what was broken."""

import re
from datetime import timedelta

import pytest

from aiops_agent.domain.telemetry import Window
from aiops_agent.simulator.faults import FaultKind
from aiops_agent.simulator.scenarios import SCENARIOS
from tests.simulator.conftest import Found

TELLTALES = {name.replace("-", "[-_ ]?") for name in SCENARIOS} | {
    kind.replace("_", "[-_ ]?") for kind in FaultKind
}
PATTERN = re.compile(rf"\b({'|'.join(sorted(TELLTALES))})\b", re.IGNORECASE)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.slow
async def test_no_emitted_word_names_a_fault_or_a_scenario(
    scenario: str, seed: int, found: Found
) -> None:
    shop = found(scenario, seed)
    now = shop.environment.clock.now()
    window = Window(start=now - timedelta(days=30), end=now)
    graph = await shop.environment.topology.graph()

    said = [line.text for line in await shop.environment.logs.lines(graph.names, window)]
    said += [change.model_dump_json() for change in await shop.environment.changes.changes(window)]
    said += [alert.model_dump_json() for alert in shop.alerts] + [graph.model_dump_json()]

    assert len(said) > 500
    assert [text for text in said if PATTERN.search(text)] == []


@pytest.mark.slow
async def test_troubles_are_written_as_software_would_write_them(found: Found) -> None:
    for scenario, words in {
        "pool-cut": "timed out after 2000 ms waiting for a connection",
        "slow-query": "statement took",
        "third-party-outage": "upstream paygate answered 503",
        "memory-leak": "GC pause",
        "traffic-surge": "accept queue is full",
    }.items():
        shop = found(scenario, 2)
        now = shop.environment.clock.now()
        window = Window(start=now - timedelta(minutes=3), end=now)
        names = (await shop.environment.topology.graph()).names
        lines = await shop.environment.logs.lines(names, window)
        assert any(words in line.text for line in lines), scenario


async def test_the_shop_is_calm_before_trouble(found: Found) -> None:
    shop = found("hung-process", 1)
    now = shop.environment.clock.now()
    window = Window(start=now - timedelta(hours=1), end=now - timedelta(minutes=10))
    names = (await shop.environment.topology.graph()).names

    lines = await shop.environment.logs.lines(names, window)

    assert {line.level for line in lines} == {"info"}
