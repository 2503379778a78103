"""What the crew says of the shop's troubles, by whatever names its services go."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.agents.briefing import Briefing
from aiops_agent.agents.diagnose import diagnose
from aiops_agent.agents.plan import plan
from aiops_agent.agents.triage import triage
from aiops_agent.domain.alert import Severity
from aiops_agent.domain.diagnosis import Confidence, Diagnosis, TriageVerdict
from aiops_agent.domain.errors import SourceError
from aiops_agent.domain.incident import Incident, IncidentId
from aiops_agent.domain.remediation import Plan, PlanKind, Target
from aiops_agent.simulator.plug import OpenShop, create_shop
from aiops_agent.simulator.shop import BY_NAME
from tests.reasoning.world import MENU, Remembered

RENAMED = {name: f"unit-{chr(97 + place * 7 % 26)}{place}" for place, name in enumerate(BY_NAME)}
EXPECTED = {
    "traffic-surge": ("capacity", {"scale_pods"}),
    "hung-process": ("hang", {"restart_service"}),
    "slow-release": ("release", {"rollback_release"}),
    "memory-leak": ("leak", {"restart_service", "rollback_release"}),
    "pool-cut": ("config", {"rollback_release", "set_config"}),
    "slow-query": ("release", {"rollback_release"}),
    "third-party-outage": ("dependency", {"handover"}),
    "cache-flush": ("cold_cache", {"watch"}),
}


def briefing(shop: OpenShop) -> Briefing:
    first = shop.alerts[0]
    now = shop.environment.clock.now()
    incident = Incident(
        id=IncidentId("INC-0001"),
        environment=shop.environment.ref,
        title=first.summary,
        subject=Target(environment=shop.environment.ref, name=first.labels["service"]),
        alert_names=tuple(dict.fromkeys(alert.name for alert in shop.alerts)),
        summary=first.summary,
        severity=Severity.SEV3,
        started_at=first.starts_at or now,
        opened_at=now,
    )
    return Briefing(incident, shop.environment, Remembered(), now, menu=MENU)


async def told(
    folder: Path, scenario: str, names: dict[str, str] | None = None
) -> tuple[Diagnosis, Plan]:
    asked = briefing(create_shop(folder, scenario, 3, names))
    seen = await triage(asked)
    assert seen.verdict is TriageVerdict.CONFIRMED, seen.reason
    known = asked.incident.model_copy(update={"triage": seen})
    asked = replace(asked, incident=known)
    found = await diagnose(asked)
    return found, await plan(asked, found)


@pytest.mark.parametrize("scenario", EXPECTED)
async def test_the_truth_is_found_and_renaming_changes_nothing(
    scenario: str, tmp_path: Path
) -> None:
    kind, accepted = EXPECTED[scenario]
    found, proposed = await told(tmp_path / "a", scenario)
    assert found.best is not None
    assert found.best.kind == kind
    done = {str(a.kind) for a in proposed.actions} or {proposed.kind.value}
    assert done <= accepted
    assert (proposed.kind is PlanKind.HANDOVER) == (not proposed.criteria)

    renamed, other = await told(tmp_path / "b", scenario, RENAMED)
    assert renamed.best is not None
    assert renamed.best.service == RENAMED[found.best.service]
    assert [h.kind for h in renamed.hypotheses] == [h.kind for h in found.hypotheses]
    assert renamed.confidence is found.confidence
    assert [a.kind for a in other.actions] == [a.kind for a in proposed.actions]


class Away:
    """A source that does not answer."""

    async def lines(self, *_: object) -> tuple[()]:
        raise SourceError("It is away.")

    changes = graph = lines


@pytest.mark.parametrize("scenario", ["traffic-surge", "slow-query", "hung-process"])
@pytest.mark.parametrize("source", ["logs", "changes", "topology"])
async def test_without_a_source_the_confidence_is_lower(
    scenario: str, source: str, tmp_path: Path
) -> None:
    whole = briefing(create_shop(tmp_path / "a", scenario, 2))
    away: dict[str, Any] = {source: Away()}
    part = replace(whole, environment=replace(whole.environment, **away))
    levels = list(Confidence)  # the highest first
    before, after = await diagnose(whole), await diagnose(part)
    assert levels.index(after.confidence) > levels.index(before.confidence)


async def test_a_false_alarm_is_contradicted(tmp_path: Path) -> None:
    seen = await triage(briefing(create_shop(tmp_path / "a", "false-alarm", 3)))
    assert seen.verdict is TriageVerdict.CONTRADICTED
