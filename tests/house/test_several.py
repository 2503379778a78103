"""One `serve` works several environments; what is broken in one place stays there."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from aiops_agent.bootstrap import environments
from aiops_agent.bootstrap.application import Application, Overrides, application
from aiops_agent.bootstrap.environments import MOST_SHOPS_OPEN, OpenEnvironments
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.incident import Status
from aiops_agent.domain.payload import ApprovalPending
from aiops_agent.domain.redact import Redactor
from aiops_agent.ports.plug import Connection, Surroundings, Vendor
from aiops_agent.registry import Registry
from aiops_agent.settings.load import load
from aiops_agent.settings.sections import Settings
from aiops_agent.simulator.plug import create_shop

from .foreign import BROKEN_CHANNEL, PLUGGED, FakeSettings
from .test_plug import CREW

CONFIG = """
state_dir: {state}
environments:
  eu: {{kind: fake, labels: {{cluster: eu}}, sources: {{fake: {{folder: {eu}}}}}}}
  us: {{kind: fake, labels: {{cluster: us}}, sources: {{fake: {{folder: {us}}}}}}}
notify: {{{notify}: {{folder: /}}}}
"""
EU, US = (EnvironmentRef(kind="fake", name=name) for name in ("eu", "us"))


def built(folder: Path, registry: Registry = PLUGGED, notify: str = "fake") -> Application:
    config = folder / "aiops.yaml"
    places = {"eu": folder / "eu", "us": folder / "us"}
    config.write_text(CONFIG.format(state=folder / "state", notify=notify, **places))
    settings = load(config, environ={}, registry=registry).settings
    return application(settings, Overrides(name=folder.name, crew=CREW))


@pytest.mark.slow
async def test_one_engine_works_an_incident_of_each_environment_to_its_end(tmp_path: Path) -> None:
    shops = {ref: create_shop(tmp_path / ref.name, "traffic-surge", 1) for ref in (EU, US)}
    both = built(tmp_path)
    try:
        token = both.queries.token(both.commands.create_token("alerts-of-eu", [EU]))
        for ref, shop in shops.items():
            body = json.dumps([alert.document() for alert in shop.alerts]).encode()
            (refused,) = both.intake.take("fake", body, name="us", token=token)
            assert (refused.environment, bool(refused.unclaimed)) == (None, True)
            both.intake.take("fake", body, name=ref.name)
        async with both.engine("serve") as engine:
            worked = {ref: (await engine.intake(ref))[0] for ref in shops}
            for incident in worked.values():
                async for event in engine.follow(incident):
                    if isinstance(event.payload, ApprovalPending):
                        asked = event.payload
                        both.commands.decide(
                            incident,
                            approve=True,
                            by="alex",
                            surface=Surface.COMMAND,
                            plan=asked.digest,
                        )
        for ref, incident in worked.items():
            found = both.queries.incident(incident)
            assert (found.environment, found.status) == (ref, Status.RESOLVED)
        assert len(both.queries.incidents()) == 2  # what the token could not reach opened none
    finally:
        both.close()


async def test_a_channel_that_cannot_be_opened_degrades_only_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("eu", "us"):
        create_shop(tmp_path / name, "traffic-surge", 1)
    both = built(tmp_path, BROKEN_CHANNEL, "broken")
    try:
        checks = {one.name: one for one in await both.doctor()}
        async with both.engine("serve"):
            assert await both.readiness.look() == (True, "ready")
    finally:
        both.close()

    assert checks["broken"].health is Health.PROBLEM
    assert "no such room" in checks["broken"].words
    assert checks["eu/fake"].health is Health.OK
    assert "notifier cannot be opened" in caplog.text


async def test_a_remedy_names_the_section_of_its_environment(tmp_path: Path) -> None:
    def connect(_: FakeSettings, __: Surroundings) -> Connection:
        async def check() -> Checkup:
            words, remedy = "no answer", "is sources.fake.folder readable?"
            return Checkup(
                group="fake", name="fake", health=Health.PROBLEM, words=words, remedy=remedy
            )

        return Connection(check=check)

    silent = Vendor("fake", FakeSettings, frozenset(), connect)
    both = built(tmp_path, replace(PLUGGED, sources=(silent,)))
    try:
        remedies = {one.name: one.remedy for one in await both.doctor()}
    finally:
        both.close()

    assert remedies["us/fake"] == "is environments.us.sources.fake.folder readable?"


@pytest.mark.parametrize("where", ["policy", "environments.eu.policy"])
def test_a_freeze_names_the_actions_of_the_registry_in_use(tmp_path: Path, where: str) -> None:
    config = tmp_path / "aiops.yaml"
    freeze = "policy: {freeze: [{reason: calm, actions: [nudge]}]}"
    config.write_text(
        freeze if where == "policy" else f"environments: {{eu: {{kind: docker, {freeze}}}}}"
    )

    settings = load(config, environ={}, registry=PLUGGED).settings
    assert settings.resolved[0].policy.freeze[0].actions == ("nudge",)
    with pytest.raises(SettingsError, match="there is no action 'nudge'"):
        load(config, environ={})


def test_of_many_shops_only_those_used_last_stay_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def opens(folder: Path) -> str:
        opened.append(folder.name)
        return folder.name

    def handle(_self: object, _shop: object) -> object:
        return object()

    monkeypatch.setattr(environments, "open_shop", opens)
    monkeypatch.setattr(OpenEnvironments, "_of_shop", handle)
    places = OpenEnvironments(Settings(state_dir=tmp_path), Redactor())
    for number in range(100):
        for name in ("shop:busy", f"shop:{number}"):
            places._handle(EnvironmentRef.parse(name))
    assert len(places._open) == MOST_SHOPS_OPEN
    assert (len(opened), opened.count("busy")) == (101, 1)
