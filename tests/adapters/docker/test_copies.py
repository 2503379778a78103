"""Of which container a copy is made, what it may do, and what no plan may hold of it."""

import json
from typing import Any

import httpx2
import pytest
from rich.console import Console

from aiops_agent.adapters.docker.clone import HeldBack
from aiops_agent.domain.approval import Ruling
from aiops_agent.domain.errors import PlatformError, RequestRefused
from aiops_agent.domain.policy import Mode
from aiops_agent.domain.remediation import (
    Action,
    ActionKind,
    Draft,
    Plan,
    PlanKind,
    Prepared,
    PreparedPlan,
    Risk,
)
from aiops_agent.interfaces.terminal.plan import requests
from aiops_agent.registry import CATALOGUE, RULES
from aiops_agent.safety.assess import Case, assess
from tests import seams
from tests.sending import applied
from tests.targets import at

from .fake_engine import NOW, FakeEngine, Raw

HOST = {"NetworkMode": "shop_default"}
BIND = {"Type": "bind", "Source": "/", "Destination": "/host", "RW": True}
ORDINARY: tuple[Raw, ...] = (
    {},
    {"Memory": 2**27, "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges:true"]},
    {"IpcMode": "private", "PidMode": "", "UsernsMode": "", "CgroupnsMode": "host"},
    {"MaskedPaths": ["/proc/kcore", "/sys/firmware"], "ReadonlyPaths": ["/proc/sys"]},
    {"Sysctls": {"net.core.somaxconn": "1024"}, "Tmpfs": {"/run": ""}, "Runtime": "runc"},
)
RIGHTS: tuple[tuple[Raw, str], ...] = (
    ({"Privileged": True}, "privileged"),
    ({"CapAdd": ["SYS_ADMIN"]}, "capability SYS_ADMIN"),
    ({"CapAdd": ["NET_RAW", "ALL"]}, "capability ALL"),
    ({"Binds": ["/:/host"]}, "the host's / on /host, writable"),
    ({"Binds": ["/etc:/etc:ro"]}, "the host's /etc on /etc, to read"),
    ({"Binds": ["/var/run/docker.sock:/x"]}, "root on the host"),
    ({"Binds": ["/var/run:/x:ro"]}, "root on the host"),
    ({"Binds": ["//var/run/../run/docker.sock/:/x"]}, "root on the host"),
    ({"Binds": ["/run/user/1000/podman/podman.sock:/x"]}, "root on the host"),
    ({"Mounts": [{"Type": "bind", "Source": "/srv", "Target": "/d"}]}, "the host's /srv on /d"),
    ({"PidMode": "host"}, "the host's processes"),
    ({"PidMode": "container:abc"}, "the processes of others"),
    ({"IpcMode": "host"}, "the host's shared memory"),
    ({"IpcMode": "container:abc"}, "the shared memory of others"),
    ({"UsernsMode": "host"}, "the host's user ids"),
    ({"UTSMode": "host"}, "the host's host name"),
    ({"Devices": [{"PathOnHost": "/dev/sda"}]}, "device /dev/sda"),
    ({"DeviceRequests": [{"Driver": "nvidia"}]}, "driver nvidia"),
    ({"DeviceCgroupRules": ["a *:* rwm"]}, "device rule a"),
    ({"SecurityOpt": ["seccomp=unconfined"]}, "security option seccomp=unconfined"),
    ({"SecurityOpt": ["apparmor:unconfined"]}, "apparmor:unconfined"),
    ({"SecurityOpt": ["label=disable"]}, "label=disable"),
    ({"MaskedPaths": []}, "MaskedPaths"),
    ({"ReadonlyPaths": ["/proc/bus"]}, "ReadonlyPaths"),
    ({"Runtime": "own"}, "runtime own"),
    ({"CgroupParent": "/"}, "option CgroupParent"),
    ({"SomethingNew": {"a": 1}}, "option SomethingNew"),
)


def scale(replicas: int) -> Action:
    target = at("pay", "docker:local")
    return Action(kind=ActionKind("scale_pods"), target=target, wished={"replicas": replicas})


def service(*others: Raw, **host: Any) -> FakeEngine:
    """Two containers that are alike, and others beside them."""
    engine = FakeEngine()
    for number in (1, 2):
        engine.add("pay", number, HostConfig=HOST | host)
    for number, config in enumerate(others, start=3):
        engine.add("pay", number, **config)
    return engine


async def prepared(engine: FakeEngine, replicas: int = 5) -> Prepared:
    found = await engine.platform.prepare(scale(replicas), "INC-0001.1.1")
    return CATALOGUE.prepared(Draft.of(found.document()))


def ruling(step: Prepared) -> Ruling:
    """What policy says in mode act, where a low risk needs nobody."""
    plan = PreparedPlan(
        incident="INC-0001",
        environment=step.action.target.environment,
        attempt=1,
        plan=Plan(kind=PlanKind.ACT, actions=(step.action,), reason="busy"),
        steps=(step,),
    )
    return assess(Case(prepared=plan, mode=Mode.ACT, now=NOW, services=9), RULES).ruling


@pytest.mark.parametrize("host", ORDINARY)
async def test_an_ordinary_container_is_copied_without_a_person(host: Raw) -> None:
    step = await prepared(service(**host))

    assert (step.risk, step.rights, ruling(step)) == (Risk.LOW, (), Ruling.ALLOW)


@pytest.mark.parametrize(("host", "words"), RIGHTS)
async def test_a_container_with_rights_on_its_host_needs_a_person_who_reads_them(
    host: Raw, words: str
) -> None:
    step = await prepared(service(**host))

    assert (step.risk, ruling(step)) == (Risk.HIGH, Ruling.ASK)
    assert any(words in right for right in step.rights)
    assert words in step.hazard
    assert words in step.blast.words


@pytest.mark.parametrize(
    ("mount", "volume", "words"),
    [
        (BIND, None, "the host's / on /host"),
        (
            {"Type": "volume", "Name": "data", "Destination": "/d"},
            {"Driver": "local", "Options": {"type": "none", "o": "bind", "device": "/"}},
            "/ of the host or a server, as volume data",
        ),
        ({"Type": "volume", "Name": "data", "Destination": "/d"}, None, "cannot see what it is"),
        (
            {"Type": "volume", "Name": "data", "Destination": "/d"},
            {"Driver": "vieux/sshfs"},
            "driver vieux/sshfs",
        ),
        ({"Type": "volume", "Name": "data", "Destination": "/d"}, {"Driver": "local"}, ""),
        ({"Type": "tmpfs", "Source": "", "Destination": "/d"}, None, ""),
    ],
)
async def test_a_mount_is_looked_at_behind_its_name(
    mount: Raw, volume: Raw | None, words: str
) -> None:
    engine = service()
    engine.volumes |= {"data": volume} if volume else {}
    for one in engine.running("pay"):
        one["Mounts"] = [mount]

    step = await prepared(engine)

    assert (step.risk is Risk.HIGH) == bool(words)
    assert words in step.hazard


HOSTILE: Raw = {"HostConfig": HOST | {"Privileged": True, "Binds": ["/:/host"]}}


async def test_a_label_on_another_container_does_not_make_it_the_source() -> None:
    """It is the oldest, carries the service's label, and is another thing than the two."""
    engine = FakeEngine()
    engine.add("pay", 1, **HOSTILE)
    for number in (2, 3):
        engine.add("pay", number)

    step = await prepared(engine)

    assert (step.risk, step.rights) == (Risk.LOW, ())
    assert "Privileged" not in step.requests[0].payload["body"]["HostConfig"]
    assert "as 2 of 3 are; shop-pay-1: other HostConfig.Binds" in step.blast.words


@pytest.mark.parametrize(
    "other",
    [
        HOSTILE,
        {"Image": "evil:1"},
        {"Env": ["PASSWORD=other"]},
        {"Cmd": ["sh", "-c", "other"]},
        {"User": "root"},
        {"Entrypoint": ["/x"]},
        {"HostConfig": HOST | {"Memory": 1}},
    ],
)
async def test_one_against_one_is_copied_by_nobody(other: Raw) -> None:
    engine = FakeEngine()
    engine.add("pay", 1)
    engine.add("pay", 2, **other)

    with pytest.raises(PlatformError, match="do not agree") as caught:
        await prepared(engine)
    assert "secret" not in str(caught.value)
    assert "PASSWORD" not in str(caught.value)


async def test_all_different_is_copied_by_nobody() -> None:
    with pytest.raises(PlatformError, match="they differ in Env"):
        await prepared(service({"Env": ["A=1"]}, {"Env": ["A=2"]}))


async def test_in_the_middle_of_a_release_the_majority_is_copied() -> None:
    new: Raw = {"Image": "pay:2"}
    engine = service(new, new, new)
    engine.images["pay:2"] = "sha256:" + "2" * 64

    step = await prepared(engine, 6)

    assert step.requests[0].payload["body"]["Image"] == "pay:2"
    assert "as 3 of 5 are; shop-pay-1, shop-pay-2: other " in step.blast.words


async def test_a_copy_is_like_its_source_so_that_copies_can_be_made_again() -> None:
    engine = service()
    await applied(engine.platform, (await prepared(engine, 4)).requests)

    assert "other" not in (await prepared(engine, 6)).blast.words


async def test_a_foreign_label_does_not_make_a_database_an_application() -> None:
    engine = FakeEngine(images={"postgres:15": "sha256:2"})
    labelled = engine.add("pay", 1)
    labelled["Config"]["Labels"]["aiops.kind"] = "application"
    for number in (2, 3):
        engine.add("pay", number, Image="postgres:15")

    with pytest.raises(PlatformError, match="is a database"):
        await prepared(engine)


@pytest.mark.parametrize("number", ["9" * 5000, "\u00b2", "-1", ""])
async def test_a_number_in_a_label_is_foreign_text(number: str) -> None:
    engine = service()
    engine.running("pay")[0]["Config"]["Labels"]["com.docker.compose.container-number"] = number

    assert (await prepared(engine)).requests


async def test_the_command_to_copy_is_quoted() -> None:
    engine = FakeEngine()
    for number in (1, 2):
        one = engine.add("pay", number)
        one["Config"]["Labels"]["com.docker.compose.service"] = "a; rm -rf $HOME"
    target = at("a; rm -rf $HOME", "docker:local")
    action = Action(kind=ActionKind("scale_pods"), target=target, wished={"replicas": 3})

    run = (await engine.platform.prepare(action, "INC-0001.1.1")).run

    assert "--scale 'a; rm -rf $HOME=3' 'a; rm -rf $HOME'" in run


HELD: Raw = {
    "Env": ["PASSWORD=hunter2-env"],
    "Cmd": ["serve", "--token=hunter2-cmd"],
    "Entrypoint": ["/run", "hunter2-entry"],
    "Healthcheck": {"Test": ["CMD", "curl", "-u", "me:hunter2-health"]},
    "HostConfig": HOST
    | {"LogConfig": {"Type": "splunk", "Config": {"splunk-token": "hunter2-log-token"}}},
    "Labels": {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "pay",
        "backup.password": "hunter2-label",
    },
}


def secretive() -> FakeEngine:
    engine = FakeEngine()
    for number in (1, 2):
        engine.add("pay", number, **json.loads(json.dumps(HELD)))
    return engine


async def test_no_secret_of_a_container_is_in_its_plan_and_its_copy_has_them_all() -> None:
    engine = secretive()
    step = await prepared(engine, 3)
    assert "hunter2" not in json.dumps(step.document())

    await applied(engine.platform, step.requests)

    new, old = engine.running("pay")[-1], engine.running("pay")[0]
    for key in ("Env", "Cmd", "Entrypoint", "Healthcheck"):
        assert new["Config"][key] == HELD[key]
    assert new["HostConfig"] == old["HostConfig"]
    assert new["Config"]["Labels"]["backup.password"] == "hunter2-label"
    assert new["Config"]["Labels"]["aiops-agent/operation"] == "INC-0001.1.1"


@pytest.mark.parametrize("key", ["Env", "Cmd", "Entrypoint", "Healthcheck"])
async def test_what_was_held_back_and_changed_is_not_sent(key: str) -> None:
    engine = secretive()
    step = await prepared(engine, 3)
    engine.running("pay")[0]["Config"][key] = ["other"]

    with pytest.raises(RequestRefused, match="other variables or commands"):
        await engine.platform.send(step.requests[0])
    assert engine.changed == []


async def test_a_tag_that_moves_after_the_plan_is_not_copied() -> None:
    engine = service()
    step = await prepared(engine, 3)
    engine.images["pay:1"] = "sha256:other"

    with pytest.raises(RequestRefused, match="another image"):
        await engine.platform.send(step.requests[0])
    assert engine.changed == []


async def test_the_engine_does_not_tell_a_secret_when_it_refuses() -> None:
    engine = secretive()
    step = await prepared(engine, 3)
    told = 'exec: "/run hunter2-entry": not found, env PASSWORD=hunter2-env'
    engine.broken = httpx2.Response(400, json={"message": told})

    with pytest.raises(RequestRefused) as caught:
        await engine.platform.send(step.requests[0])

    assert "not found" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_the_details_show_the_whole_body(capsys: pytest.CaptureFixture[str]) -> None:
    step = await prepared(service(Privileged=True, Binds=["/:/host"]))
    plan = PreparedPlan(
        incident="INC-0001",
        environment=step.action.target.environment,
        attempt=1,
        plan=Plan(kind=PlanKind.ACT, actions=(step.action,), reason="busy"),
        steps=(step,),
    )

    Console(width=200).print(requests(plan))

    shown = capsys.readouterr().out
    for part in ('"Privileged": true', '"/:/host"', '"NetworkMode": "shop_default"', '"sha256"'):
        assert part in shown


async def test_a_source_chosen_by_its_label_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.MODEL_OF.plant(monkeypatch, lambda instances: (instances[0], ""))
    engine = FakeEngine()
    engine.add("pay", 1, **HOSTILE)
    for number in (2, 3):
        engine.add("pay", number)

    assert (await prepared(engine)).risk is Risk.HIGH  # the right answer is: low, another source


async def test_rights_that_nobody_reads_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(_one: object, _containers: object) -> tuple[str, ...]:
        return ()

    seams.RIGHTS_OF.plant(monkeypatch, none)

    assert ruling(await prepared(service(Privileged=True))) is not Ruling.ASK


async def test_a_body_that_is_stored_whole_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.HELD_BACK.plant(monkeypatch, lambda *_: HeldBack({}))

    assert "hunter2" in json.dumps((await prepared(secretive(), 3)).document())


def test_how_many_rights_are_tried() -> None:
    print(f"docker: {len(RIGHTS) + 4} rights need a person, {len(ORDINARY) + 2} shapes need none")
