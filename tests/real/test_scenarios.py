"""The unmodified product with real containers, a real Prometheus and a real Alertmanager."""

from __future__ import annotations

import time

import pytest

from .naming import Naming
from .parts import SLOW_SECONDS
from .processes import until
from .stage import SECRET, TOO_MUCH_FOR_FOUR, TOO_MUCH_FOR_TWO, Stage

both_names = pytest.mark.parametrize(
    "naming", [Naming.usual(), Naming.other()], ids=["usual names", "other names"]
)


@both_names
def test_an_overload_is_resolved_by_four_containers(stage: Stage) -> None:
    """Alert, one incident, scale_pods 2 to 4, approved, latency recovers: resolved."""
    before = stage.ids()
    stage.surge(TOO_MUCH_FOR_TWO)
    incident = _approved(stage, "scale_pods")
    stage.wait(incident, "resolved", timeout=150)
    assert len(stage.incidents()) == 1
    assert len(stage.ids()) == 4, stage.system.endings()
    assert set(before) <= set(stage.ids())
    until(lambda: stage.p95() < SLOW_SECONDS, 20, "the latency to be low")

    def told() -> list[str]:
        return [posted.body["occasion"] for posted in stage.receiver.posted]

    until(lambda: told()[-1:] == ["resolved"], 20, "people to be told")
    assert told()[0] == "approval_needed"
    assert all(posted.signed_with(SECRET) for posted in stage.receiver.posted)


@both_names
def test_a_hung_process_is_resolved_by_a_restart_and_archived_as_such(stage: Stage) -> None:
    """The same containers with new start times; the report names the restart."""
    before = stage.system.containers(stage.naming.service)
    for container in before:
        stage.system.hang(container)
    incident = _approved(stage, "restart_service")
    stage.wait(incident, "resolved", timeout=150)
    after = stage.system.containers(stage.naming.service)
    assert [one.id for one in after] == [one.id for one in before]
    assert all(new.started_at > old.started_at for new, old in zip(after, before, strict=True))
    report = stage.product.aiops("report", incident)
    assert report.code == 0
    assert "restart_service" in report.out


def test_of_two_containers_only_the_hung_one_is_restarted(stage: Stage) -> None:
    """One hangs: it alone has a new start time, and the incident is resolved."""
    well, ill = stage.system.containers(stage.naming.service)
    stage.system.hang(ill)
    incident = _approved(stage, "restart_service")
    stage.wait(incident, "resolved", timeout=150)
    after = {one.id: one.started_at for one in stage.system.containers(stage.naming.service)}
    assert after[well.id] == well.started_at
    assert after[ill.id] > ill.started_at


def test_a_rejected_plan_changes_no_container(stage: Stage) -> None:
    """Asked, stopped by SIGTERM, started again, and told no: escalated, no container touched."""
    before = stage.system.containers(stage.naming.service)
    stage.surge(TOO_MUCH_FOR_TWO)
    incident = stage.wait_incident()
    stage.wait(incident, "awaiting_approval")
    assert stage.product.stop() == 0
    stage.product.serve()
    assert stage.show(incident)["status"] == "awaiting_approval"
    stage.reject(incident)
    stage.wait(incident, "escalated")
    assert stage.system.containers(stage.naming.service) == before


def test_a_fix_that_does_not_help_is_taken_back(stage: Stage) -> None:
    """More load than four containers can carry: two again at the end, and escalated."""
    before = stage.ids()
    stage.surge(TOO_MUCH_FOR_FOUR)
    incident = _approved(stage, "scale_pods")
    stage.wait_containers(lambda ids: len(ids) == 4)
    while stage.wait(incident, "awaiting_approval", "escalated", timeout=240) != "escalated":
        stage.approve(incident)
        until(lambda: not stage.pending(), 20, "the approval to be used")
    stage.wait_containers(lambda ids: ids == before)  # a restart may be under way still


def test_two_power_cuts_leave_one_effect(stage: Stage) -> None:
    """Killed with -9 while waiting, and again while verifying; it ends with four containers."""
    stage.surge(TOO_MUCH_FOR_TWO)
    incident = stage.wait_incident()
    stage.wait(incident, "awaiting_approval")
    stage.product.kill()
    stage.product.serve()
    stage.approve(incident)
    stage.wait(incident, "verifying")
    four = stage.system.containers(stage.naming.service)
    stage.product.kill()
    stage.product.serve()
    stage.wait(incident, "resolved", timeout=150)
    assert len(four) == 4, stage.system.endings()
    assert stage.system.containers(stage.naming.service) == four
    assert len(stage.show(incident)["attempts"]) == 1


def test_nothing_is_resolved_while_prometheus_is_away(stage: Stage) -> None:
    """Prometheus ends during verification and returns: not resolved meanwhile, but afterwards."""
    stage.surge(TOO_MUCH_FOR_TWO)
    incident = _approved(stage, "scale_pods")
    stage.wait(incident, "verifying")
    stage.prometheus.stop()
    away_until = time.monotonic() + 20
    while time.monotonic() < away_until:
        assert stage.wait(incident, "verifying", timeout=5) == "verifying"
        time.sleep(1)
    stage.prometheus.start()
    stage.wait(incident, "resolved", timeout=150)


def _approved(stage: Stage, kind: str) -> str:
    """Wait for the plan, see that it is of the kind, approve it, and return the incident."""
    incident = stage.wait_incident()
    stage.wait(incident, "awaiting_approval")
    (request,) = stage.pending()
    shown = stage.product.read("approval", "show", request["id"])
    actions = shown["prepared"]["plan"]["actions"]
    assert [action["kind"] for action in actions] == [kind]
    assert actions[0]["target"]["name"] == stage.naming.service
    stage.approve(incident)
    return incident
