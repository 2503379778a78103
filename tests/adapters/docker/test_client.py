"""Both sides speak the newest version of the API that both know."""

import httpx2
import pytest

from aiops_agent.adapters.docker.plug import DockerSettings, checkup
from aiops_agent.domain.checkup import Health
from aiops_agent.domain.errors import SourceError

from .fake_engine import FakeEngine


@pytest.mark.parametrize(
    ("api", "least", "agreed"), [("1.41", "1.12", "1.41"), ("1.60", "1.44", "1.51")]
)
async def test_the_version_is_agreed_on(api: str, least: str, agreed: str) -> None:
    assert await FakeEngine(api=api, least=least).client.api_version() == agreed


@pytest.mark.parametrize(("api", "least"), [("1.20", "1.12"), ("2.0", "1.60"), ("x", "y")])
async def test_an_engine_that_speaks_no_version_of_ours_is_refused(api: str, least: str) -> None:
    with pytest.raises(SourceError, match=r"we need 1\.24 to 1\.51"):
        await FakeEngine(api=api, least=least).client.api_version()


async def test_an_engine_that_is_away_is_one_sentence() -> None:
    engine = FakeEngine(broken=httpx2.ConnectError("no such file"))

    with pytest.raises(SourceError, match=r"cannot be reached on /var/run/docker\.sock: no such"):
        await engine.all.listed()


async def test_a_container_that_is_gone_is_none() -> None:
    assert await FakeEngine().all.inspect("gone") is None


async def test_doctor_is_told_version_and_project() -> None:
    engine = FakeEngine()
    engine.add("pay", 1)

    told = await engine.all.describe()

    assert told == (
        "docker 20.10 on /var/run/docker.sock, project shop: 1 services on 1 containers"
    )


async def test_doctor_is_told_what_does_not_run() -> None:
    engine = FakeEngine()
    engine.add("pay", 1)
    engine.add("pay", 2)["State"]["Status"] = "restarting"

    told = await engine.all.describe()

    assert told.endswith("1 services on 1 containers; not running: shop-pay-2 (restarting)")


async def test_doctor_calls_a_project_without_containers_a_problem() -> None:
    seen = await checkup(FakeEngine().all, DockerSettings(project="shop"))

    assert seen.health is Health.PROBLEM
    assert seen.words.endswith("no container belongs to the project shop")


async def test_doctor_names_the_containers_that_we_added_with_the_way_back() -> None:
    engine = FakeEngine()
    engine.add("pay", 1)
    labels = {"aiops-agent/operation": "INC-0007.1.1", "aiops-agent/incident": "INC-0007"}
    engine.add("pay", 2)["Config"]["Labels"] |= labels

    seen = await checkup(engine.all, DockerSettings(project="shop"))

    assert seen.health is Health.NOTE
    assert "added by aiops and still there: shop-pay-2 (INC-0007)" in seen.words
    assert seen.remedy == "when they are not needed: docker rm -f -v shop-pay-2"


async def test_doctor_is_told_when_nobody_answers() -> None:
    engine = FakeEngine(broken=httpx2.ConnectError("no such file"))

    seen = await checkup(engine.all, DockerSettings(project="shop"))

    assert (seen.health, seen.remedy) == (Health.PROBLEM, "is sources.docker.socket readable?")
