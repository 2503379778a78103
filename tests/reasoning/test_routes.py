"""Failing routes as findings: the worst ones, with how it was before."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.telemetry import RouteErrors, ServiceName
from aiops_agent.reasoning.routes import failing_routes

from .world import World

PAY = ServiceName("pay")
BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """The Routes port: (share, part) by route, now and before."""

    now: Mapping[str, tuple[float, float]]
    before: Mapping[str, tuple[float, float]]
    away: bool = False

    async def failing(
        self, service: ServiceName, at: datetime | None = None
    ) -> tuple[RouteErrors, ...]:
        if self.away:
            raise SourceError(f"Nobody answers for {service}.")
        told = self.before if at else self.now
        return tuple(
            RouteErrors(route=route, share=share, part=part, source="prometheus", query="q")
            for route, (share, part) in told.items()
        )


async def found(told: Told | None) -> list[tuple[str, str, str]]:
    environment = replace(World().environment(), routes=told)
    findings = await failing_routes(environment, PAY, BEGAN)
    return [(one.what, one.before, one.now) for one in findings]


async def test_the_path_that_fails_is_named_with_its_share_of_all_failures() -> None:
    told = Told({"/checkout": (1.0, 0.97), "/orders": (0.01, 0.03)}, {"/checkout": (0.02, 1.0)})
    assert await found(told) == [
        ("failing requests of /checkout", "2% of them", "100% of them, 97% of all failures")
    ]


async def test_at_most_three_are_named_and_what_fails_seldom_is_not() -> None:
    many = {f"/{number}": (0.5, 0.2) for number in range(5)}
    assert len(await found(Told(many, {}))) == 3
    assert await found(Told({"/rare": (0.04, 1.0)}, {})) == []


async def test_a_source_that_knows_no_routes_or_is_away_says_nothing() -> None:
    assert await found(None) == []
    assert await found(Told({}, {}, away=True)) == []
