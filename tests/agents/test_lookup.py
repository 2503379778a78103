"""What a model may look up, by names of menus only."""

import pytest
from pydantic import ValidationError

from aiops_agent.agents.lookup import MOST_SERVICES, Lookup, menu_of_services
from aiops_agent.domain.telemetry import Service, ServiceName
from tests.agents.test_diagnose import overload
from tests.reasoning.world import World


async def answers(made: World) -> dict[str, str]:
    briefing = made.briefing()
    tools = Lookup(briefing, await menu_of_services(briefing)).tools()
    told = {}
    for tool in tools:
        named = {"service": "api", "signal": "latency"}
        wanted = tool.arguments.of(
            {k: v for k, v in named.items() if k in tool.arguments.model_fields}
        )
        told[tool.name] = await tool.read(wanted)
    return told


async def test_each_tool_answers_in_a_line_or_two() -> None:
    told = await answers(overload())
    assert told["signal"] == "latency p95 of api: before 50 ms, now 1 s (up)"
    assert told["calls"] == "api is called by front; it calls store"
    assert told["changes"] == "no change of api is on record"
    assert "GET /<n> <n>" in told["logs"]
    assert told["memory"] == "nothing similar is remembered"


async def test_a_tool_says_that_telemetry_is_away() -> None:
    made = overload()
    made.broken.add("metrics")
    told = await answers(made)
    assert told["signal"] == "telemetry does not answer: The metrics are away."


@pytest.mark.parametrize("wrong", [{"service": "kube-system"}, {"service": "api", "query": "up"}])
async def test_a_name_that_is_on_no_menu_and_a_query_are_refused(wrong: dict[str, str]) -> None:
    briefing = overload().briefing()
    tools = {t.name: t for t in Lookup(briefing, await menu_of_services(briefing)).tools()}
    with pytest.raises(ValidationError):
        tools["logs"].arguments.of(wrong)


async def test_a_menu_is_never_too_long_and_always_has_who_alerts() -> None:
    made = overload()
    made.services = tuple(Service(name=ServiceName(f"s{n:03}")) for n in range(100))
    menu = await menu_of_services(made.briefing())
    assert len(menu) == MOST_SERVICES
    assert ServiceName("api") in menu
    assert list(menu) == sorted(menu)
