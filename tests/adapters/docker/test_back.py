"""Taking back touches the containers that the ledger says we made or stopped, and no other."""

import pytest

from aiops_agent.adapters.docker.containers import OPERATION
from aiops_agent.adapters.docker.payload import Staying
from aiops_agent.domain.errors import PlatformError, RequestRefused
from aiops_agent.domain.ledger import Intent
from aiops_agent.domain.remediation import Action, ActionKind, Draft
from tests import seams
from tests.sending import applied
from tests.targets import at

from .fake_engine import NOW, FakeEngine, Raw

OPERATION_ID = "INC-0001.1.1"
UNDO = "INC-0001.1.undo.1"


def scale(replicas: int) -> Action:
    target = at("pay", "docker:local")
    return Action(kind=ActionKind("scale_pods"), target=target, wished={"replicas": replicas})


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine()
    made.add("pay", 1)
    made.add("pay", 2)
    return made


async def done(engine: FakeEngine, replicas: int) -> tuple[Draft, tuple[Intent, ...]]:
    draft = await engine.platform.prepare(scale(replicas), OPERATION_ID)
    return draft, await applied(engine.platform, draft.requests)


async def taken_back(engine: FakeEngine, step: Draft, sent: tuple[Intent, ...]) -> list[str]:
    """Take back and return the changes that it made."""
    before = len(engine.changed)
    await applied(engine.platform, await engine.platform.take_back(step, sent, UNDO))
    return engine.changed[before:]


def names(engine: FakeEngine) -> list[str]:
    return sorted(one["Name"] for one in engine.containers.values())


async def test_one_container_was_approved_and_a_person_started_four(engine: FakeEngine) -> None:
    step, sent = await done(engine, 3)
    for number in (4, 5, 6, 7):
        engine.add("pay", number)

    changes = await taken_back(engine, step, sent)

    assert len(changes) == 2  # stopped and removed: one container
    assert names(engine) == [f"/shop-pay-{n}" for n in (1, 2, 4, 5, 6, 7)]


async def test_the_label_of_our_operation_makes_no_container_ours(engine: FakeEngine) -> None:
    step, sent = await done(engine, 3)
    for number, running in ((4, True), (5, False)):
        theirs = engine.add("pay", number)
        theirs["Config"]["Labels"][OPERATION] = OPERATION_ID
        theirs["State"]["Running"] = running

    await taken_back(engine, step, sent)

    assert names(engine) == [f"/shop-pay-{n}" for n in (1, 2, 4, 5)]


async def test_our_containers_are_known_by_id_whatever_they_are_called(engine: FakeEngine) -> None:
    step, sent = await done(engine, 3)
    ours = engine.running("pay")[-1]
    ours["Name"], taken = "/renamed", ours["Name"]
    engine.add("pay", 9)["Name"] = taken  # a person's container under our container's name

    await taken_back(engine, step, sent)

    assert names(engine) == ["/shop-pay-1", "/shop-pay-2", taken]


async def test_a_container_that_is_called_like_the_id_of_ours_is_not_ours(
    engine: FakeEngine,
) -> None:
    """The engine finds it under that id once ours is gone, before or after the undo is armed."""
    step, sent = await done(engine, 3)
    armed = await engine.platform.take_back(step, sent, UNDO)
    del engine.containers[sent[0].made]
    engine.add("pay", 9)["Name"] = f"/{sent[0].made}"

    assert await taken_back(engine, step, sent) == []
    for request in armed:
        with pytest.raises(RequestRefused, match="is gone"):
            await engine.platform.send(request)
        assert (await engine.platform.look(request, NOW)).landing == "landed"
    assert len(engine.running("pay")) == 3


async def test_what_was_created_and_never_ran_is_removed_too(engine: FakeEngine) -> None:
    draft = await engine.platform.prepare(scale(3), OPERATION_ID)
    sent = await applied(engine.platform, draft.requests[:1])

    await taken_back(engine, draft, sent)

    assert names(engine) == ["/shop-pay-1", "/shop-pay-2"]


async def test_what_others_removed_already_needs_nothing(engine: FakeEngine) -> None:
    step, sent = await done(engine, 3)
    del engine.containers[sent[0].made]

    assert await taken_back(engine, step, sent) == []


async def test_the_last_running_container_is_not_taken_back(engine: FakeEngine) -> None:
    step, sent = await done(engine, 3)
    for one in engine.running("pay")[:2]:
        del engine.containers[one["Id"]]

    with pytest.raises(PlatformError, match="a person must decide"):
        await engine.platform.take_back(step, sent, UNDO)


async def test_the_last_running_container_stays_also_when_the_others_end_at_the_last_moment(
    engine: FakeEngine,
) -> None:
    step, sent = await done(engine, 3)
    armed = await engine.platform.take_back(step, sent, UNDO)
    for one in engine.running("pay")[:2]:
        del engine.containers[one["Id"]]

    for request in armed:
        with pytest.raises(RequestRefused, match="beside it only 0 run"):
            await engine.platform.send(request)
    assert len(engine.running("pay")) == 1


async def test_scaling_down_leaves_as_many_as_were_approved(engine: FakeEngine) -> None:
    draft = await engine.platform.prepare(scale(1), OPERATION_ID)
    del engine.containers[engine.running("pay")[0]["Id"]]

    with pytest.raises(RequestRefused, match="is needed"):
        await engine.platform.send(draft.requests[0])
    assert len(engine.running("pay")) == 1


async def test_a_container_without_a_known_id_is_left_to_a_person(engine: FakeEngine) -> None:
    step, sent = await done(engine, 3)
    unnamed = tuple(one.model_copy(update={"made": ""}) for one in sent)

    with pytest.raises(PlatformError, match="a person must remove it"):
        await engine.platform.take_back(step, unnamed, UNDO)


async def test_scaling_down_removes_nothing_and_starts_the_same_containers_again(
    engine: FakeEngine,
) -> None:
    engine.add("pay", 3)
    before = set(engine.containers)
    step, sent = await done(engine, 1)
    assert len(engine.running("pay")) == 1
    engine.add("pay", 8)  # a person's, meanwhile

    changes = await taken_back(engine, step, sent)

    assert [change.rpartition("/")[2] for change in changes] == ["start", "start"]
    assert before < set(engine.containers)
    assert len(engine.running("pay")) == 4


@pytest.mark.parametrize("running", [True, False])
async def test_a_stopped_container_that_others_touched_is_theirs(
    engine: FakeEngine, running: bool
) -> None:
    step, sent = await done(engine, 1)
    stopped = next(one for one in engine.containers.values() if not one["State"]["Running"])
    stopped["State"] |= {"StartedAt": "2026-03-01T13:00:00Z", "Running": running}

    if running:
        assert await taken_back(engine, step, sent) == []
        return
    with pytest.raises(PlatformError, match="a person must decide"):
        await engine.platform.take_back(step, sent, UNDO)


async def test_a_container_that_a_person_had_stopped_is_not_started_by_us(
    engine: FakeEngine,
) -> None:
    draft = await engine.platform.prepare(scale(1), OPERATION_ID)
    engine.running("pay")[-1]["State"] |= {"Running": False, "Status": "exited"}
    sent = await applied(engine.platform, draft.requests)
    assert sent[0].note == "HTTP 304 (it was so already)"

    with pytest.raises(PlatformError, match="we or others stopped shop-pay-2"):
        await engine.platform.take_back(draft, sent, UNDO)


async def test_an_answer_that_was_lost_is_made_up_for_by_a_look(engine: FakeEngine) -> None:
    step, sent = await done(engine, 3)

    sight = await engine.platform.look(step.requests[0], NOW)

    assert sight.made == sent[0].made != ""


async def test_a_container_that_stood_there_before_is_not_the_one_we_made(
    engine: FakeEngine,
) -> None:
    """Its name and its label can be guessed; that it is older than the permission cannot be hid."""
    draft = await engine.platform.prepare(scale(3), OPERATION_ID)
    name = draft.requests[0].payload["container"]
    planted: Raw = engine.add("pay", 3)
    planted["Name"] = f"/{name}"
    planted["Config"]["Labels"][OPERATION] = OPERATION_ID
    armed = engine.now.replace(year=engine.now.year + 1)

    with pytest.raises(RequestRefused):
        await engine.platform.send(draft.requests[0])
    sight = await engine.platform.look(draft.requests[0], armed)

    assert (sight.landing, sight.made) == ("diverged", "")


async def test_a_way_back_planned_on_the_world_as_it_is_then_is_caught(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect believes the service's list of containers instead of the ledger."""
    step, sent = await done(engine, 3)
    for number in (4, 5, 6, 7):
        engine.add("pay", number)
    everybody = [one["Id"] for one in engine.running("pay")[2:]]

    async def as_it_is(back: object, _made: object) -> list[object]:
        found = await engine.all.inspect_all(everybody)
        staying = Staying(service="pay", leaving=tuple(everybody), least=1)
        return [
            payload
            for one in found
            for payload in back._removal(one, staying)  # type: ignore[attr-defined]
        ]

    seams.LEDGER_ONLY.plant(monkeypatch, as_it_is)

    await taken_back(engine, step, sent)
    assert names(engine) != [f"/shop-pay-{n}" for n in (1, 2, 4, 5, 6, 7)]
