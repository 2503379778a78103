"""What every platform keeps: the shop, Docker and Kubernetes alike."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aiops_agent.actions.platform import Landing, Platform
from aiops_agent.domain.errors import PlatformError, RequestRefused, TargetMissing
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Action, ActionKind, Draft, Prepared, Request
from aiops_agent.registry import CATALOGUE
from aiops_agent.simulator.plug import create_shop
from tests.adapters.docker.fake_engine import FakeEngine
from tests.adapters.kubernetes.fake_api import FakeApi
from tests.sending import applied
from tests.targets import at

OPERATION = "INC-0001.1.1"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Subject:
    """A platform with a service called payments-api, and a way to count its replicas."""

    platform: Platform
    replicas: Callable[[], int]


async def docker(_: Path, _stack: AsyncExitStack) -> Subject:
    engine = FakeEngine()
    engine.add("payments-api", 1)
    engine.add("payments-api", 2)
    return Subject(engine.platform, lambda: len(engine.running("payments-api")))


async def kubernetes(folder: Path, stack: AsyncExitStack) -> Subject:
    api = await stack.enter_async_context(FakeApi().served(folder))
    workload = api.workload("payments-api")
    return Subject(api.platform, lambda: workload["spec"]["replicas"])


async def shop(folder: Path, _stack: AsyncExitStack) -> Subject:
    opened = create_shop(folder / "shop", "traffic-surge", 1)
    platform = opened.platform
    return Subject(platform, lambda: platform._node("payments-api").wanted)


@pytest.fixture(params=[docker, kubernetes, shop])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    opened: Callable[[Path, AsyncExitStack], Awaitable[Subject]] = request.param
    async with AsyncExitStack() as stack:
        yield await opened(tmp_path, stack)


def scale(subject: Subject, more: int = 1) -> Action:
    wished: dict[str, str | int] = {"replicas": subject.replicas() + more}
    return Action(kind=ActionKind("scale_pods"), target=at("payments-api"), wished=wished)


async def prepared(subject: Subject, action: Action, operation: str = OPERATION) -> Prepared:
    draft = await subject.platform.prepare(action, operation)
    return CATALOGUE.prepared(Draft.of(draft.document()))


async def landing(subject: Subject, request: Request) -> Landing:
    return (await subject.platform.look(request, LONG_AGO)).landing


async def send_all(subject: Subject, found: Prepared) -> tuple[Intent, ...]:
    return await applied(subject.platform, found.requests)


async def test_preparing_changes_nothing_and_gives_the_same_again(subject: Subject) -> None:
    before = subject.replicas()

    first = await prepared(subject, scale(subject))
    again = await prepared(subject, scale(subject))

    assert first == again
    assert subject.replicas() == before
    assert await subject.platform.unchanged(first)


async def test_requests_are_numbered_from_one(subject: Subject) -> None:
    found = await prepared(subject, scale(subject, 2))

    wanted = [f"{OPERATION}.{i}" for i in range(1, len(found.requests) + 1)]
    assert [one.operation for one in found.requests] == wanted


async def test_what_was_sent_is_seen_and_the_target_is_as_wished(subject: Subject) -> None:
    action = scale(subject)
    found = await prepared(subject, action)

    assert await landing(subject, found.requests[0]) is Landing.NOT_LANDED
    await send_all(subject, found)

    assert [await landing(subject, one) for one in found.requests] == [Landing.LANDED] * len(
        found.requests
    )
    assert subject.replicas() == action.wished["replicas"]


async def test_sending_again_has_no_second_effect(subject: Subject) -> None:
    found = await prepared(subject, scale(subject))
    await send_all(subject, found)
    after = subject.replicas()

    for request in found.requests:
        try:
            await subject.platform.send(request)
        except RequestRefused:
            assert await landing(subject, request) is Landing.LANDED

    assert subject.replicas() == after


async def test_a_change_of_the_target_is_noticed(subject: Subject) -> None:
    waiting = await prepared(subject, scale(subject, 2), "INC-0002.1.1")
    await send_all(subject, await prepared(subject, scale(subject)))

    assert not await subject.platform.unchanged(waiting)


async def test_the_inverse_leads_back(subject: Subject) -> None:
    before = subject.replicas()
    found = await prepared(subject, scale(subject, 2))
    sent = await send_all(subject, found)

    assert found.inverse is not None
    back = await subject.platform.take_back(found, sent, "INC-0001.1.undo.1")
    assert [one.operation for one in back] == [
        f"INC-0001.1.undo.1.{ordinal}" for ordinal in range(1, len(back) + 1)
    ]
    await applied(subject.platform, back)

    assert subject.replicas() == before


async def test_what_others_changed_since_is_not_taken_back(subject: Subject) -> None:
    """The last three replicas are a person's: they stay, or a person is asked."""
    found = await prepared(subject, scale(subject, 1))
    sent = await send_all(subject, found)
    await send_all(subject, await prepared(subject, scale(subject, 3), "INC-0002.1.1"))
    before = subject.replicas()

    try:
        requests = await subject.platform.take_back(found, sent, "INC-0001.1.undo.1")
    except PlatformError:
        return
    for request in requests:
        await subject.platform.send(request)
    assert subject.replicas() == before - 1


async def test_a_target_that_is_as_wished_needs_nothing(subject: Subject) -> None:
    found = await prepared(subject, scale(subject, 0))

    assert (found.requests, found.inverse) == ((), None)


async def test_a_restart_has_no_way_back_and_says_so(subject: Subject) -> None:
    action = Action(kind=ActionKind("restart_service"), target=at("payments-api"))

    found = await prepared(subject, action)

    assert found.inverse is None
    assert found.undo
    assert found.blast.interrupts


async def test_a_target_that_does_not_exist_is_missing(subject: Subject) -> None:
    action = Action(kind=ActionKind("restart_service"), target=at("nobody"))

    with pytest.raises(TargetMissing):
        await prepared(subject, action)
