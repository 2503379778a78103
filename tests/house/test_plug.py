"""A vendor for each seat of the registry is plugged in and used; nothing else changes."""

import asyncio
import json
from dataclasses import fields, replace
from pathlib import Path

from aiops_agent.actions.scale import SCALE
from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.crew import Crew, without_llm
from aiops_agent.bootstrap.application import Overrides, application
from aiops_agent.domain.answer import Answer
from aiops_agent.domain.approval import Surface
from aiops_agent.domain.checkup import Health
from aiops_agent.domain.diagnosis import Diagnosis, Triage
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.incident import Incident, Status
from aiops_agent.domain.payload import ApprovalPending
from aiops_agent.domain.remediation import Plan
from aiops_agent.domain.telemetry import ServiceName, Window
from aiops_agent.registry import Registry
from aiops_agent.settings.load import load
from aiops_agent.simulator.plug import create_shop

from .foreign import NUDGE, PLUGGED, SEATS, TOLD, USED

CONFIG = """
state_dir: {state}
environments:
  there:
    kind: fake
    sources: {{fake: {{folder: {shop}}}}}
    actions: {{nudge: {{max_replicas: 9}}}}
notify: {{fake: {{folder: /}}}}
"""


async def _reads_all(briefing: Briefing) -> Answer[Triage]:
    """Triage as usual, after a look at what our own agents do not read yet."""
    there, now = briefing.environment, briefing.now
    await there.rules.rules()
    await there.workloads.workloads([ServiceName("payments-api")])
    try:
        await there.spans.spans([], Window(start=now, end=now))
    except SourceError:  # the shop has none; it was asked
        pass
    return await without_llm().triage(briefing)


async def _plans_nudges(briefing: Briefing, diagnosis: Diagnosis) -> Answer[Plan]:
    """Plan as usual, with the plugged action in place of scaling."""
    menu = tuple(offer.model_copy(update={"kind": SCALE.kind}) for offer in briefing.menu)
    answer = await without_llm().plan(replace(briefing, menu=menu), diagnosis)
    assert answer.value
    nudges = tuple(a.model_copy(update={"kind": NUDGE.kind}) for a in answer.value.actions)
    return answer.model_copy(update={"value": answer.value.model_copy(update={"actions": nudges})})


CREW: Crew = replace(without_llm(), triage=_reads_all, plan=_plans_nudges)


async def lived(folder: Path) -> Incident:
    """Live one incident with everything plugged in."""
    shop = create_shop(folder / "shop", "traffic-surge", 1)
    config = folder / "aiops.yaml"
    config.write_text(CONFIG.format(state=folder / "state", shop=folder / "shop"))
    settings = load(config, environ={}, registry=PLUGGED).settings
    built = application(settings, Overrides(name="plugged", crew=CREW))
    try:
        checks = {one.name: one.health for one in await built.doctor()}
        assert (checks["there/fake"], checks["fake"]) == (Health.OK, Health.OK)
        async with built.engine("serve") as engine:
            body = json.dumps([alert.document() for alert in shop.alerts]).encode()
            built.intake.take("fake", body, name="there")
            (incident,) = await engine.intake(settings.resolved[0].ref)
            async for event in engine.follow(incident):
                if isinstance(event.payload, ApprovalPending):
                    asked = event.payload
                    built.commands.decide(
                        incident,
                        approve=True,
                        by="alex",
                        surface=Surface.COMMAND,
                        plan=asked.digest,
                    )
            await asyncio.wait_for(TOLD.wait(), 30)
        return built.queries.incident(incident)
    finally:
        built.close()


async def test_a_vendor_in_every_seat_is_used_by_one_incident(tmp_path: Path) -> None:
    USED.clear()
    TOLD.clear()

    incident = await lived(tmp_path)

    assert incident.status is Status.RESOLVED
    assert incident.attempt
    assert incident.attempt.verdict
    assert "fake_rule" in {one.rule for one in incident.attempt.verdict.opinions}
    assert USED == SEATS


def test_every_seat_of_the_registry_is_in_the_test() -> None:
    assert {seat.partition(":")[0] for seat in SEATS} == {one.name for one in fields(Registry)}


def test_the_table_of_contributing_names_each_seat_with_its_line_and_test() -> None:
    root = Path(__file__).parents[2]
    text = (root / "CONTRIBUTING.md").read_text()
    rows = [line for line in text.splitlines() if "`registry.py`: `" in line]

    seats = {row.split("`registry.py`: `")[1].split("`")[0].lower() for row in rows}
    assert seats == {one.name for one in fields(Registry)}
    for row in rows:
        for path in (part for part in row.split("`") if part.endswith(".py") and "/" in part):
            assert any(root.glob(path)) or any((root / "src/aiops_agent").glob(path)), path
