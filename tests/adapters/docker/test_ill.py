"""A restart touches the containers that are ill; the healthy ones go on as they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from aiops_agent.adapters.docker.ill import Illness
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.remediation import Action, ActionKind, Draft
from aiops_agent.domain.telemetry import ServiceName, Signal, Vital
from tests import seams
from tests.sending import applied
from tests.targets import at

from .fake_engine import FakeEngine

RESTART = Action(kind=ActionKind("restart_service"), target=at("pay", "docker:local"))
LATENCY, ERRORS, TRAFFIC, UP = Signal.LATENCY, Signal.ERRORS, Signal.TRAFFIC, Signal.REPLICAS
NAMES = ("shop-pay-1", "shop-pay-2", "shop-pay-3")


@dataclass
class FakeVitals:
    """Knows a signal's values of the service's containers, in their order."""

    known: dict[Signal, Sequence[float]] = field(default_factory=dict)
    broken: bool = False

    async def vitals(self, service: ServiceName) -> tuple[Vital, ...]:
        if self.broken:
            raise SourceError("Prometheus did not answer.")
        return tuple(
            Vital(names=(name, "elsewhere"), signal=signal, value=value)
            for signal, values in self.known.items()
            for name, value in zip(NAMES, values, strict=False)
        )


def three() -> FakeEngine:
    engine = FakeEngine()
    for number in (1, 2, 3):
        engine.add("pay", number)
    return engine


async def prepared(engine: FakeEngine, vitals: FakeVitals | None = None) -> Draft:
    return await replace(engine.platform, vitals=vitals).prepare(RESTART, "INC-0001.1.1")


def touched(draft: Draft, engine: FakeEngine) -> set[str]:
    ids = {request.payload["container"] for request in draft.requests}
    return {engine.containers[one]["Name"].removeprefix("/") for one in ids}


async def test_one_whose_health_check_fails_is_restarted_alone() -> None:
    engine = three()
    _, ill, _ = engine.running("pay")
    ill["State"]["Health"] = {"Status": "unhealthy"}
    before = {one["Id"]: one["State"]["StartedAt"] for one in engine.running("pay")}

    draft = await prepared(engine)
    await applied(engine.platform, draft.requests)

    after = {one["Id"]: one["State"]["StartedAt"] for one in engine.running("pay")}
    assert {one for one in before if before[one] != after[one]} == {ill["Id"]}
    assert draft.blast.replicas == 1
    assert "shop-pay-2 (its health check fails) restarted" in draft.blast.words
    assert "shop-pay-1, shop-pay-3 not touched" in draft.blast.words
    assert draft.run.endswith(" shop-pay-2")


@pytest.mark.parametrize(
    ("known", "ill", "words"),
    [
        ({UP: (1, 0, 1)}, {2}, "does not answer its scrapes"),
        ({ERRORS: (0.0, 0.0, 1.0)}, {3}, "100% of its requests fail, 0% at the best"),
        ({LATENCY: (0.1, 8.0, 0.12)}, {2}, "p95 8 s, 100 ms at the best"),
        ({TRAFFIC: (20, 0, 22)}, {2}, "it answers 0/s"),
        ({LATENCY: (0.1, 9, 9)}, {2, 3}, "p95 9 s"),
        ({UP: (1, 1, 0), ERRORS: (0.9, 0, 0)}, {1, 3}, "requests fail"),
    ],
)
async def test_one_that_stands_out_in_a_signal_is_restarted_alone(
    known: dict[Signal, Sequence[float]], ill: set[int], words: str
) -> None:
    engine = three()

    draft = await prepared(engine, FakeVitals(known))

    assert touched(draft, engine) == {f"shop-pay-{number}" for number in ill}
    assert words in draft.blast.words


@pytest.mark.parametrize(
    ("vitals", "why"),
    [
        (None, "nothing measures single containers"),
        (FakeVitals(), "nothing measures single containers"),
        (FakeVitals(broken=True), "Prometheus did not answer"),
        (FakeVitals({LATENCY: (8, 9, 8.5), ERRORS: (0.9, 0.95, 1)}), "none stands out in latency"),
        (FakeVitals({UP: (0, 0, 0)}), "none stands out in scrapes"),
        (FakeVitals({LATENCY: (9,)}), "nothing measures single containers"),
    ],
)
async def test_where_it_cannot_be_told_all_are_restarted_and_the_plan_says_why(
    vitals: FakeVitals | None, why: str
) -> None:
    engine = three()

    draft = await prepared(engine, vitals)

    assert touched(draft, engine) == set(NAMES)
    assert "all 3, because which of them is ill is not known" in draft.blast.words
    assert why in draft.blast.words


async def test_a_name_that_two_containers_have_tells_nothing() -> None:
    engine = three()  # all have the same address

    class Ambiguous(FakeVitals):
        async def vitals(self, service: ServiceName) -> tuple[Vital, ...]:
            return tuple(
                Vital(names=("172.18.0.3",), signal=UP, value=value) for value in (1.0, 0.0)
            )

    assert touched(await prepared(engine, Ambiguous()), engine) == set(NAMES)


async def test_a_service_of_one_container_is_restarted_without_excuses() -> None:
    engine = FakeEngine()
    engine.add("pay", 1)

    assert "because" not in (await prepared(engine)).blast.words


async def test_a_restart_of_everything_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    async def everything(group: Sequence[object], *_: object) -> Illness:
        return Illness({one.id: "" for one in group})  # type: ignore[attr-defined]

    seams.ILL_OF.plant(monkeypatch, everything)
    engine = three()

    assert len(touched(await prepared(engine, FakeVitals({UP: (1, 0, 1)})), engine)) != 1
