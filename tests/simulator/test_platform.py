"""The shop as a platform: prepared, sent once, looked at; the generation guards."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aiops_agent.actions.platform import Landing
from aiops_agent.domain.errors import PlatformError, RequestRefused, TargetMissing
from aiops_agent.domain.remediation import Action, ActionKind, Draft
from aiops_agent.domain.telemetry import ServiceName, Signal, Window
from aiops_agent.simulator.journal import effects
from aiops_agent.simulator.plug import OpenShop, open_shop
from tests.simulator.conftest import Found
from tests.targets import at

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def action(kind: ActionKind, target: str = "payments-api", **wished: str | int) -> Action:
    return Action(kind=kind, target=at(target), wished=wished)


SCALE = action(ActionKind("scale_pods"), replicas=8)
RESTART = action(ActionKind("restart_service"))


async def test_a_prepared_scaling_says_run_undo_and_touches(shop: OpenShop) -> None:
    prepared = await shop.platform.prepare(SCALE, "op")

    assert prepared.run == "shop scale payments-api --replicas 8"
    assert prepared.undo == "shop scale payments-api --replicas 4"
    assert prepared.inverse == action(ActionKind("scale_pods"), replicas=4)
    assert prepared.blast.services == ("payments-api", "orders", "web")
    assert not prepared.blast.interrupts
    assert prepared.requests[0].operation == "op.1"
    assert prepared.requests[0].repeatable


async def test_preparing_changes_nothing(shop: OpenShop, tmp_path: Path) -> None:
    before = (tmp_path / "shop-0" / "journal.jsonl").read_bytes()

    await shop.platform.prepare(RESTART, "op")

    assert (tmp_path / "shop-0" / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("wished", "inverse"),
    [
        (RESTART, None),
        (
            action(ActionKind("rollback_release"), release="2.3.4"),
            action(ActionKind("rollback_release"), release="2.4.0"),
        ),
        (
            action(ActionKind("set_config"), name="DB_POOL_SIZE", value="12"),
            action(ActionKind("set_config"), name="DB_POOL_SIZE", value="8"),
        ),
    ],
)
async def test_the_inverse_leads_back(
    wished: Action, inverse: Action | None, shop: OpenShop
) -> None:
    prepared = await shop.platform.prepare(wished, "op")

    assert prepared.inverse == inverse
    assert prepared.blast.interrupts
    if inverse is not None:
        await shop.platform.send(prepared.requests[0])
        back = await shop.platform.prepare(inverse, "undo")
        assert back.inverse == wished


@pytest.mark.parametrize(
    "wished",
    [
        action(ActionKind("scale_pods"), replicas=4),
        action(ActionKind("rollback_release"), release="2.4.0"),
        action(ActionKind("set_config"), name="RETRIES", value="1"),
    ],
)
async def test_a_target_that_is_as_wished_needs_no_request(wished: Action, shop: OpenShop) -> None:
    prepared = await shop.platform.prepare(wished, "op")

    assert prepared.requests == ()
    assert prepared.inverse is None


@pytest.mark.parametrize(
    "wished",
    [
        action(ActionKind("scale_pods"), replicas=0),
        action(ActionKind("scale_pods"), replicas=21),
        action(ActionKind("scale_pods"), replicas="many"),
        action(ActionKind("rollback_release"), release="9.9.9"),
        action(ActionKind("set_config"), name="NO_SUCH", value="1"),
    ],
)
async def test_what_cannot_be_is_refused_with_what_can(wished: Action, shop: OpenShop) -> None:
    with pytest.raises(PlatformError, match=r"known|possible"):
        await shop.platform.prepare(wished, "op")


@pytest.mark.parametrize("target", ["nobody", "paygate"])
async def test_nothing_is_prepared_for_what_is_not_ours(target: str, shop: OpenShop) -> None:
    with pytest.raises(TargetMissing):
        await shop.platform.prepare(action(ActionKind("restart_service"), target), "op")


async def sent_twice(shop: OpenShop, prepared: Draft) -> None:
    await shop.platform.send(prepared.requests[0])
    with pytest.raises(RequestRefused, match="generation 2, not 1"):
        await shop.platform.send(prepared.requests[0])


@pytest.mark.parametrize("wished", [SCALE, RESTART])
async def test_the_same_request_sent_twice_has_one_effect(
    wished: Action, shop: OpenShop, tmp_path: Path
) -> None:
    await sent_twice(shop, await shop.platform.prepare(wished, "op"))

    assert [done.id for done in effects(tmp_path / "shop-0")] == ["op.1"]


async def test_a_repeat_that_was_prepared_anew_is_a_second_effect(
    shop: OpenShop, tmp_path: Path
) -> None:
    """The journal hides no defect: whoever prepares twice acts twice."""
    for _ in range(2):
        prepared = await shop.platform.prepare(RESTART, "op")
        await shop.platform.send(prepared.requests[0])

    assert len(effects(tmp_path / "shop-0")) == 2


async def test_a_look_tells_landed_from_not_landed_from_diverged(
    shop: OpenShop, tmp_path: Path
) -> None:
    mine = await shop.platform.prepare(SCALE, "mine")
    theirs = await shop.platform.prepare(RESTART, "theirs")
    other = open_shop(tmp_path / "shop-0").platform

    assert (await other.look(mine.requests[0], NOW)).landing is Landing.NOT_LANDED
    await shop.platform.send(theirs.requests[0])
    assert (await other.look(theirs.requests[0], NOW)).landing is Landing.LANDED
    assert (await other.look(mine.requests[0], NOW)).landing is Landing.DIVERGED


async def test_a_change_by_somebody_else_is_noticed(shop: OpenShop, tmp_path: Path) -> None:
    prepared = await shop.platform.prepare(SCALE, "mine")
    assert await shop.platform.unchanged(prepared)

    other = open_shop(tmp_path / "shop-0").platform
    theirs = await other.prepare(RESTART, "theirs")
    await other.send(theirs.requests[0])

    assert not await shop.platform.unchanged(prepared)


async def test_new_replicas_serve_after_half_a_minute(found: Found) -> None:
    shop = found()
    clock = shop.environment.clock
    began = clock.now()
    prepared = await shop.platform.prepare(SCALE, "op")
    await shop.platform.send(prepared.requests[0])

    await clock.wait_until(began + timedelta(minutes=1))

    window = Window(start=began, end=clock.now())
    (series,) = await shop.environment.metrics.read(
        [ServiceName("payments-api")], [Signal.REPLICAS], window
    )
    assert series.values == (4.0, 4.0, 8.0, 8.0)
