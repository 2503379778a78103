"""What a real Docker Engine knows of containers that do not run, and what they used and said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from aiops_agent.adapters.clock import WallClock
from aiops_agent.adapters.docker.changes import DockerChanges
from aiops_agent.adapters.docker.client import DockerClient
from aiops_agent.adapters.docker.containers import Containers
from aiops_agent.adapters.docker.logs import DockerLogs
from aiops_agent.adapters.docker.topology import DockerTopology
from aiops_agent.adapters.docker.workloads import DockerWorkloads
from aiops_agent.domain.telemetry import Change, ChangeKind, ServiceName, Window, Workload
from aiops_agent.reasoning.instances import Headcount, standing

from .docker import IMAGE, OURS, docker

PAY = ServiceName("pay")
SLEEP = "import signal,time; signal.signal(15, lambda *_: exit(0)); time.sleep(600)"
CRASH = "import time; print('cannot reach the ledger', flush=True); time.sleep(0.2); exit(7)"
LEAK = "import time\nhoard = []\nwhile True: hoard.append(b'x' * 2**20); time.sleep(0.002)"
BURN = "import time\nwhile True: sum(range(20000)); time.sleep(0.02)"


class Pay:
    """The containers of one service, which the test starts and removes."""

    def __init__(self) -> None:
        self.project = f"states{uuid4().hex[:8]}"
        self.containers = Containers(DockerClient(), self.project)

    def run(self, program: str, *options: str, image: str = IMAGE) -> str:
        """Start a container of the service; return its id."""
        labels = {
            OURS: "",
            "com.docker.compose.project": self.project,
            "com.docker.compose.service": PAY,
        }
        flags = [f"--label={name}={value}" for name, value in labels.items()]
        return docker("run", "-d", *flags, *options, image, "python3", "-c", program)

    async def stands(self) -> Headcount:
        found = standing(PAY, await self.workloads(), datetime.now(UTC))
        assert found is not None
        return found

    async def workloads(self) -> tuple[Workload, ...]:
        return await DockerWorkloads(self.containers, WallClock()).workloads([PAY])

    async def changes(self) -> tuple[Change, ...]:
        now = datetime.now(UTC)
        window = Window(start=now - timedelta(minutes=5), end=now + timedelta(seconds=2))
        return await DockerChanges(self.containers).changes(window)

    async def until(self, wanted: Callable[[Headcount], bool], seconds: int = 40) -> Headcount:
        """Return how the service stands as soon as it is as wanted."""
        for _ in range(seconds):
            if wanted(await self.stands()):
                break
            await asyncio.sleep(1)
        found = await self.stands()
        assert wanted(found), found
        return found

    def remove(self) -> None:
        label = f"label=com.docker.compose.project={self.project}"
        if ids := docker("ps", "-aq", "--no-trunc", "--filter", label).split():
            docker("rm", "-f", "-v", *ids)


@pytest.fixture
async def pay(engine: None) -> AsyncIterator[Pay]:
    made = Pay()
    try:
        yield made
    finally:
        await made.containers.client.close()
        made.remove()


async def test_two_that_crash_again_and_again_are_0_of_2_with_code_and_last_words(pay: Pay) -> None:
    for _ in range(2):
        pay.run(CRASH, "--restart=always")

    found = await pay.until(lambda one: all((w.restarts or 0) >= 3 for w in one.lost))

    assert found.count == "0 of 2 running"
    now = datetime.now(UTC)
    window = Window(start=now - timedelta(minutes=1), end=now)
    (*_, last) = await DockerLogs(pay.containers).lines([PAY], window)
    assert last.text == "cannot reach the ledger"
    assert last.instance in {one.name for one in found.lost}
    waiting = [one for one in found.lost if one.state == "restarting"]
    assert all(one.exit_code == 7 for one in waiting)
    (service,) = (await DockerTopology(pay.containers).graph()).services
    assert service.replicas in (0, 1, 2)  # between two crashes the engine itself says that it runs


async def test_one_that_is_killed_for_want_of_memory_says_so_with_its_limit(pay: Pay) -> None:
    pay.run(LEAK, "--memory=24m", "--memory-swap=24m")

    found = await pay.until(lambda one: bool(one.lost))

    assert found.sentence == "0 of 1 running: OOM-killed, limit 24 MB, exit code 137 (killed)"
    ended = [change.title for change in await pay.changes() if "ended" in change.title]
    assert len(ended) == 1
    assert ended[0].endswith("ended with exit code 137, killed for want of memory")


async def test_out_of_memory_is_known_after_the_restart_too(pay: Pay) -> None:
    pay.run(LEAK, "--memory=24m", "--memory-swap=24m", "--restart=always")

    found = await pay.until(lambda one: any(w.restarts for w in (*one.lost, *one.ill)))

    assert "OOM-killed, limit 24 MB" in found.why


async def test_a_paused_one_and_an_ill_one_are_told_and_the_paused_one_does_not_count(
    pay: Pay,
) -> None:
    pay.run(SLEEP)
    docker("pause", pay.run(SLEEP, "--name=" + (frozen := f"{pay.project}-frozen")))
    check = ("--health-cmd=echo no ledger; exit 1", "--health-interval=1s", "--health-retries=1")
    pay.run(SLEEP, "--name=" + (ill := f"{pay.project}-ill"), *check)

    found = await pay.until(lambda one: bool(one.ill))

    told = f"2 of 3 running: paused ({frozen}), health check fails: no ledger ({ill})"
    assert found.sentence == told
    assert (await DockerTopology(pay.containers).graph()).services[0].replicas == 2
    titles = " ".join(change.title for change in await pay.changes())
    assert "was paused" in titles
    assert "became unhealthy" in titles


async def test_one_that_was_stopped_is_no_fault_while_another_runs(pay: Pay) -> None:
    first, second = pay.run(SLEEP), pay.run(SLEEP)
    docker("stop", "-t", "60", second)

    assert (await pay.stands()).sentence == "1 of 1 running"
    assert any(change.title.endswith("was stopped") for change in await pay.changes())

    docker("stop", "-t", "60", first)

    told = "0 of 2 running: stopped on request (×2), exit code 0 (×2)"
    assert (await pay.stands()).sentence == told


async def test_cpu_and_memory_are_measured_by_the_engine(pay: Pay) -> None:
    pay.run(BURN, "--memory=64m", "--memory-swap=64m", "--cpus=0.5")

    (one,) = await pay.workloads()

    assert one.cpu_limit == 0.5
    assert one.memory_limit == 64 * 2**20
    assert one.cpu_used is not None
    assert 0.0 < one.cpu_used < 1.0
    assert one.memory_used is not None
    assert 2**20 < one.memory_used < 64 * 2**20


async def test_one_tag_for_another_image_is_a_release(pay: Pay) -> None:
    name = f"local.test/{pay.project}:1"
    try:
        docker("tag", IMAGE, name)
        old = pay.run(SLEEP, image=name)
        docker("commit", "--change=ENV RELEASE=2", old, name)
        new = pay.run(SLEEP, image=name)
        docker("rm", "-f", old)

        (release,) = (c for c in await pay.changes() if c.kind is ChangeKind.RELEASE)

        assert release.before != release.after
        assert release.title.startswith(f"pay runs {name} (")

        docker("rm", "-f", new)
        pay.run(SLEEP, image=name)
        assert not [c for c in await pay.changes() if c.kind is ChangeKind.RELEASE]
    finally:
        pay.remove()
        docker("rmi", "-f", name)


async def test_lines_keep_what_looks_like_an_end_and_lose_what_was_overwritten(pay: Pay) -> None:
    pay.run(r"print('a\u2028b\x0cc\x85d'); print('10 %\r100 %'); print('{\"level\":50}')")
    await pay.until(lambda one: one.running == 0)
    now = datetime.now(UTC)

    window = Window(start=now - timedelta(minutes=1), end=now)
    lines = await DockerLogs(pay.containers).lines([PAY], window)

    assert [line.text for line in lines] == ["a\u2028b\x0cc\x85d", "100 %", '{"level":50}']
    assert lines[-1].level == "error"
