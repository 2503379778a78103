"""Log lines as templates."""

from datetime import timedelta

from aiops_agent.domain.telemetry import LogLine, ServiceGraph, ServiceName
from aiops_agent.reasoning.gather import Scene
from aiops_agent.reasoning.mine import novelties, template
from tests.reasoning.world import BEGAN


def line(seconds: float, text: str) -> LogLine:
    at = BEGAN + timedelta(seconds=seconds)
    return LogLine(at=at, service=ServiceName("api"), level="info", text=text)


def scene(before: list[LogLine], after: list[LogLine]) -> Scene:
    return Scene(
        service=ServiceName("api"),
        now=0.0,
        began=0.0,
        tracks={},
        shifts={},
        graph=ServiceGraph(services=()),
        logs_before=tuple(before),
        logs_after=tuple(after),
    )


def test_numbers_ids_and_quoted_text_are_masked() -> None:
    text = "user 4711 got 'a b' from 3f2a9c1b-77aa-4bcd-8eef-001122334455 in 12.5 ms at 0xff"
    assert template(text) == "user <n> got <text> from <id> in <n> ms at <id>"


def test_a_new_kind_of_line_is_a_novelty() -> None:
    usual = [line(-600 + 5 * n, f"GET /{n} 200") for n in range(100)]
    fresh = [line(5 * n, f"timed out after {n} ms") for n in range(10)]
    found = novelties(scene(usual, usual[:10] + fresh))
    assert [one.template for one in found] == ["timed out after <n> ms"]


def test_a_line_that_is_as_frequent_as_before_is_no_novelty() -> None:
    before = [line(-600 + 10 * n, "GET / 200") for n in range(60)]
    after = [line(10 * n, "GET / 200") for n in range(12)]
    assert novelties(scene(before, after)) == ()


def test_one_odd_line_is_no_novelty() -> None:
    assert novelties(scene([], [line(0, "boo")])) == ()


def test_an_example_is_made_harmless() -> None:
    found = novelties(scene([], [line(n, "\x1b[31mred\x07") for n in range(5)]))
    assert "\x1b" not in found[0].example


def test_a_huge_line_costs_little() -> None:
    assert len(template("9" * 1_000_000)) < 400
