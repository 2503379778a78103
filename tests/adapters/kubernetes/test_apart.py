"""Two processes and one cluster: who serves changes nothing there, who executes does."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.adapters.kubernetes.plug import KubeHands
from aiops_agent.adapters.kubernetes.rights import judged
from aiops_agent.bootstrap.application import Application, application
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState
from aiops_agent.domain.checkup import Health
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import PlatformError, SettingsError
from aiops_agent.domain.remediation import EffectState, PreparedPlan, Request
from aiops_agent.safety.separate import SeparateExecutor
from aiops_agent.settings.sections import Settings
from tests.adapters.kubernetes.fake_api import FakeApi
from tests.adapters.kubernetes.life import scale
from tests.adapters.kubernetes.test_two_accounts import ACTS, CHECKED, READS
from tests.safety.plans import a_decision, a_plan, a_request, an_incident, asks, stored

HERE = EnvironmentRef.parse("kubernetes:test")


def house(folder: Path, *, executes: bool, separate: bool = True) -> Application:
    """One of two installations on one store; only one of them has the token that changes things."""
    token = folder / "token"
    if executes:
        token.write_text("executor\n")
    kubernetes = {
        "kubeconfig": str(folder / "kubeconfig"),
        "executor_token": str(token if executes else folder / "none"),
        "namespaces": ["shop"],
    }
    given: dict[str, Any] = {
        "executor": {"separate": separate},
        "environment": str(HERE),
        "sources": {"kubernetes": kubernetes},
        "state_dir": str(folder / ("executor" if executes else "serve")),
        "store": {"url": f"sqlite:///{folder}/aiops.db"},
    }
    return application(Settings.model_validate(given), executes=executes)


async def hang_up(*houses: Application) -> None:
    """Close the connections to the cluster, which live as long as a process does."""
    for one in houses:
        for place in one.places.configured:
            for connection in place._connections.values():
                assert isinstance(connection.handle, KubeHands)
                await connection.handle.writes.reader.close()
                await connection.handle.writes.writer.close()


def arming(serve: Application) -> SeparateExecutor:
    executor = serve._built(serve.store, apart=True).executor
    assert isinstance(executor, SeparateExecutor)
    return executor


def approved(serve: Application, plan: PreparedPlan) -> ApprovalRequest:
    now = datetime.now(UTC)
    request = a_request(
        plan,
        ApprovalState.APPROVED,
        decision=a_decision(plan, at=now),
        asked_at=now,
        expires_at=now + timedelta(minutes=15),
    )
    return stored(serve.store, request, environment=HERE)


@pytest.mark.slow
async def test_what_one_process_arms_the_other_one_sends(api: FakeApi, tmp_path: Path) -> None:
    action = scale(4)
    here = action.target.model_copy(update={"environment": HERE})
    plan = a_plan(1, 1).plan
    plan = plan.model_copy(update={"actions": (action.model_copy(update={"target": here}),)})
    with (
        closing(house(tmp_path, executes=False)) as serve,
        closing(house(tmp_path, executes=True)) as executor,
    ):
        incident = an_incident(environment=HERE)
        with serve.store.begin() as work:
            work.incidents.put(incident)
        async with executor.execution():
            hands = arming(serve)
            prepared = await hands.prepare(incident, 1, plan)
            request = approved(serve, prepared)
            assert await hands.unchanged(prepared)
            done = await hands.execute(request, asks)
            assert done.state is EffectState.APPLIED, done
            assert api.one("payments-api")["spec"]["replicas"] == 4
            back = await hands.undo(prepared)
            assert back.state is EffectState.APPLIED, back
        assert api.one("payments-api")["spec"]["replicas"] == 2
        await hang_up(serve, executor)
    assert set(api.tokens) == {("GET", "loopback"), ("PATCH", "executor")}


async def test_who_serves_has_hands_that_refuse_to_send(api: FakeApi, tmp_path: Path) -> None:
    """Whatever would call them: no defect of ours above them can change anything."""
    with closing(house(tmp_path, executes=False)) as serve:
        platform = serve.places.platform(HERE)
        assert platform.kinds
        with pytest.raises(PlatformError, match="made ready by `aiops execute` only"):
            await platform.prepare(scale(4), "INC-0001.1.1")
        request = Request(operation="INC-0001.1.1.1", words="", payload={}, repeatable=True)
        with pytest.raises(PlatformError, match="sent by `aiops execute` only"):
            await platform.send(request)
    assert api.tokens == []


async def test_where_serve_sends_by_itself_there_is_nothing_to_execute(
    api: FakeApi, tmp_path: Path
) -> None:
    with (
        closing(house(tmp_path, executes=True, separate=False)) as executor,
        pytest.raises(SettingsError, match=r"set executor\.separate: true"),
    ):
        async with executor.execution():
            pass
    assert api.tokens == []


async def test_the_doctor_of_who_serves_asks_for_no_right_to_change_anything(
    api: FakeApi, tmp_path: Path
) -> None:
    api.rules = {"loopback": READS}
    writes = api.platform.writes
    assert (await judged(CHECKED, writes, ("shop",), acts=False)).health is Health.OK
    api.rules = {"loopback": READS + ACTS}
    found = await judged(CHECKED, writes, ("shop",), acts=False)
    assert found.health is Health.PROBLEM
    assert "the account that reads may also" in found.words


@pytest.mark.slow
async def test_the_doctor_says_whether_an_executor_lives(api: FakeApi, tmp_path: Path) -> None:
    with (
        closing(house(tmp_path, executes=False)) as serve,
        closing(house(tmp_path, executes=True)) as executor,
    ):
        assert await told(serve) == "no executor has ever run: start `aiops execute`"
        async with executor.execution():
            assert await told(serve) == "lives: aiops execute takes what is armed"
        assert (await told(serve)).startswith("the executor is away since")
        await hang_up(serve, executor)


async def told(serve: Application) -> str:
    found = [one for one in await serve.doctor() if one.name.startswith("executor")]
    (one,) = found
    assert one.name == f"executor {HERE}"
    return one.words
