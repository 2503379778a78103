"""The hands on a real Docker Engine: what is copied, what it may do, what is taken back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from aiops_agent.adapters.docker.client import DockerClient
from aiops_agent.adapters.docker.containers import Containers
from aiops_agent.adapters.docker.platform import DockerPlatform
from aiops_agent.domain.errors import PlatformError, RequestRefused
from aiops_agent.domain.release import GoodRelease
from aiops_agent.domain.remediation import Action, ActionKind, Prepared, Risk
from aiops_agent.domain.telemetry import ServiceName
from aiops_agent.registry import CATALOGUE
from tests.sending import applied
from tests.targets import at

from .docker import IMAGE, OURS, docker
from .processes import until

SLEEP = "import signal,time; signal.signal(15, lambda *_: exit(0)); time.sleep(600)"


class Group:
    """Containers of one service, which the test starts and removes."""

    def __init__(self) -> None:
        self.project = f"hands{uuid4().hex[:8]}"
        self.tags: list[str] = []
        self.platform = DockerPlatform(
            Containers(DockerClient(), self.project), grace=timedelta(seconds=2)
        )

    def image(self, name: str, *command: str) -> str:
        """Make an image that runs a command by itself; return its id."""
        base = docker("create", f"--label={OURS}=", IMAGE, "true")
        tag = f"local.test/{self.project}:{name}"
        docker("commit", "-c", f"CMD {json.dumps(command)}", "-c", f"ENV V={name}", base, tag)
        docker("rm", base)
        self.tags.append(tag)
        return docker("image", "inspect", tag, "--format", "{{.Id}}")

    def start(self, tag: str, *options: str) -> str:
        """Start a container of such an image for the service; return its id."""
        return docker("run", "-d", *self.flags, *options, tag)

    @property
    def flags(self) -> list[str]:
        """The labels of what belongs to the service."""
        labels = {
            OURS: "",
            "com.docker.compose.project": self.project,
            "com.docker.compose.service": "pay",
        }
        return [f"--label={name}={value}" for name, value in labels.items()]

    def run(self, *options: str) -> str:
        """Start a container that says it belongs to the service; return its id."""
        return docker("run", "-d", *self.flags, *options, IMAGE, "python3", "-c", SLEEP)

    def ids(self) -> set[str]:
        """The ids of all containers of the project."""
        label = f"label=com.docker.compose.project={self.project}"
        return set(docker("ps", "-aq", "--no-trunc", "--filter", label).split())

    async def scaled(self, replicas: int) -> Prepared:
        wished: dict[str, str | int] = {"replicas": replicas}
        action = Action(
            kind=ActionKind("scale_pods"), target=at("pay", "docker:local"), wished=wished
        )
        return CATALOGUE.prepared(await self.platform.prepare(action, "INC-0001.1.1"))

    def remove(self) -> None:
        if ids := self.ids():
            docker("rm", "-f", "-v", *ids)
        for tag in self.tags:
            docker("rmi", "-f", tag)


@pytest.fixture
async def group(engine: None) -> AsyncIterator[Group]:
    made = Group()
    try:
        yield made
    finally:
        await made.platform.containers.client.close()
        made.remove()


async def test_one_of_ours_is_taken_back_and_four_of_a_persons_stay(group: Group) -> None:
    group.run()
    group.run()
    step = await group.scaled(3)
    assert (step.risk, step.rights) == (Risk.LOW, ())
    sent = await applied(group.platform, step.requests)
    ours = sent[0].made
    assert ours in group.ids()
    theirs = {group.run("--label=aiops-agent/operation=INC-0001.1.1") for _ in range(4)}
    before = group.ids()

    back = await group.platform.take_back(step, sent, "INC-0001.1.undo.1")
    await applied(group.platform, back)

    assert group.ids() == before - {ours}
    assert theirs < group.ids()


async def test_a_real_copy_is_like_its_source(group: Group) -> None:
    options = (
        "--env=PASSWORD=hunter2", "--memory=64m", "--cpus=0.5", "--publish=80",
        "--health-cmd=true --token hunter2", "--log-opt=max-size=2m", "--restart=on-failure:3",
        "--cap-drop=ALL", "--tmpfs=/scratch", "--volume=/anonymous", "--ulimit=nofile=99",
        "--sysctl=net.core.somaxconn=99",
    )  # fmt: skip
    source = group.run(*options)
    group.run(*options)
    step = await group.scaled(3)
    assert "hunter2" not in json.dumps(step.document())
    assert (step.risk, step.rights) == (Risk.LOW, ())

    sent = await applied(group.platform, step.requests)

    old, new = json.loads(docker("inspect", source, sent[0].made))
    for key in ("Env", "Cmd", "Healthcheck"):
        assert new["Config"][key] == old["Config"][key]
    differing = {
        key for key in old["HostConfig"] if old["HostConfig"][key] != new["HostConfig"][key]
    }
    assert differing <= {"ContainerIDFile", "ConsoleSize"}
    assert "other" not in (await group.scaled(4)).blast.words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--volume=/:/host:ro",), "the host's / on /host, to read"),
        (("--volume=/var/run/docker.sock:/s",), "root on the host"),
        (("--mount=type=bind,src=/tmp,dst=/t",), "the host's /tmp on /t, writable"),
        (("--cap-add=SYS_ADMIN",), "capability"),
        (("--pid=host",), "the host's processes"),
        (("--ipc=host",), "the host's shared memory"),
        (("--uts=host",), "the host's host name"),
        (("--device=/dev/null",), "device /dev/null"),
        (("--device-cgroup-rule=c 1:3 rwm",), "device rule"),
        (("--security-opt=seccomp=unconfined",), "seccomp=unconfined"),
        (("--security-opt=systempaths=unconfined",), "MaskedPaths"),
        (("--group-add=0",), "option GroupAdd"),
        (("--mount=type=volume,dst=/v,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/",),
         "of the host or a server"),
    ],
)  # fmt: skip
async def test_a_real_right_is_read_and_makes_the_risk_high(
    group: Group, options: tuple[str, ...], words: str
) -> None:
    group.run(*options)

    step = await group.scaled(2)

    assert step.risk is Risk.HIGH
    assert words in step.hazard


async def test_a_real_container_with_the_label_is_not_copied(group: Group) -> None:
    group.run("--cap-add=SYS_ADMIN", "--volume=/:/host")
    group.run()
    with pytest.raises(PlatformError, match="do not agree"):
        await group.scaled(3)
    group.run()

    assert (await group.scaled(4)).risk is Risk.LOW


async def test_a_real_container_that_was_started_again_is_not_stopped(group: Group) -> None:
    group.run()
    group.run()
    step = await group.scaled(1)
    # Docker tells creation in whole seconds: which of the two is the later is not ours to guess.
    docker("restart", "-t", "1", str(step.requests[0].payload["container"]))

    with pytest.raises(RequestRefused, match="was started since"):
        await group.platform.send(step.requests[0])


async def test_scaling_down_a_real_service_keeps_the_container(group: Group) -> None:
    ids = {group.run(), group.run()}
    step = await group.scaled(1)
    sent = await applied(group.platform, step.requests)
    assert group.ids() == ids

    await applied(group.platform, await group.platform.take_back(step, sent, "INC-0001.1.undo.1"))

    states = json.loads(docker("inspect", *ids))
    assert all(one["State"]["Running"] for one in states)


async def test_of_real_containers_the_frozen_and_the_unhealthy_are_restarted(group: Group) -> None:
    check = ("--health-cmd=test ! -e /ill", "--health-interval=1s", "--health-retries=1")
    well, frozen, ill = (group.run(*check) for _ in range(3))
    docker("pause", frozen)
    docker("exec", ill, "touch", "/ill")
    until(lambda: '"unhealthy"' in docker("inspect", ill), 20, "the health check to fail")
    before = {one["Id"]: one["State"]["StartedAt"] for one in json.loads(docker("inspect", well))}

    action = Action(kind=ActionKind("restart_service"), target=at("pay", "docker:local"))
    step = await group.platform.prepare(action, "INC-0001.1.1")
    sent = await applied(group.platform, step.requests)

    assert {one.request.payload["container"] for one in sent} == {frozen, ill}
    after = json.loads(docker("inspect", well, frozen, ill))
    assert after[0]["State"]["StartedAt"] == before[well]
    assert [one["State"]["Status"] for one in after] == ["running"] * 3
    for request, intent in zip(step.requests, sent, strict=True):
        assert (await group.platform.look(request, intent.armed_at)).landing == "landed"


@dataclass(frozen=True)
class Ran:
    """The one image that ran well."""

    image: GoodRelease

    async def good(self, service: ServiceName) -> tuple[GoodRelease, ...]:
        """Return it."""
        return (self.image,)


async def test_a_release_that_crashes_gives_its_place_to_what_ran_well_and_takes_it_again(
    group: Group,
) -> None:
    """Planned, sent and taken back while real containers end and start again all the time."""
    good = group.image("good", "python3", "-c", SLEEP)
    bad = group.image("bad", "python3", "-c", "import time; time.sleep(0.3); exit(7)")
    old = {group.start(group.tags[-1], "--restart=always", "--env=OWN=1") for _ in range(2)}
    pay = ServiceName("pay")
    known = GoodRelease(service=pay, image_id=good, image=group.tags[0], seen=datetime.now(UTC))
    hands = replace(group.platform, releases=Ran(known))
    action = Action(
        kind=ActionKind("rollback_release"),
        target=at(pay, "docker:local"),
        wished={"release": "good", "image": good},
    )
    step = CATALOGUE.prepared(await hands.prepare(action, "INC-0001.1.1"))

    def restarts() -> int:
        return min(int(docker("inspect", one, "-f", "{{.RestartCount}}")) for one in old)

    seen = restarts()
    until(lambda: restarts() >= seen + 2, 30, "both to crash twice more")
    assert await hands.unchanged(step)
    sent = await applied(hands, step.requests)

    def run_now() -> list[tuple[str, str]]:
        told = [json.loads(docker("inspect", one))[0] for one in group.ids()]
        return [(c["Id"], c["Image"]) for c in told if c["State"]["Status"] == "running"]

    new = run_now()
    assert [image for _, image in new] == [good, good]
    copy = json.loads(docker("inspect", new[0][0]))[0]["Config"]
    assert copy["Cmd"][-1] == SLEEP, "the good image's own command"
    assert {"OWN=1", "V=good"} <= set(copy["Env"])
    assert "V=bad" not in copy["Env"]

    await applied(hands, await hands.take_back(step, sent, "INC-0001.1.undo.1"))

    assert group.ids() == old
    told = [json.loads(docker("inspect", one))[0] for one in old]
    assert {one["Image"] for one in told} == {bad}
    assert {one["State"]["Status"] for one in told} <= {"running", "restarting"}
