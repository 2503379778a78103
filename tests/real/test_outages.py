"""Outages that Docker knows of, through the unmodified product."""

from __future__ import annotations

import time
from typing import Any

import pytest

from .docker import IMAGE, OURS, docker, image
from .processes import until
from .stage import Stage

CRASH = "import time; print('cannot reach the ledger', flush=True); time.sleep(0.3); exit(7)"


def _release_that_crashes(stage: Stage) -> None:
    """Put two containers that end at once in the place of the service's two."""
    naming = stage.naming
    docker("rm", "-f", *stage.ids())
    labels = {
        OURS: "",
        "com.docker.compose.project": naming.project,
        naming.docker_label: naming.service,
    }
    flags = [f"--label={name}={value}" for name, value in labels.items()]
    network = f"--network={stage.system.network}"
    for _ in range(2):
        docker("run", "-d", "--restart=always", network, *flags, IMAGE, "python3", "-c", CRASH)


def test_a_release_that_crashes_is_confirmed_with_exit_code_and_last_words(
    stage: Stage,
) -> None:
    """SEV1, 0 of 2 running, exit code 7 and the last line among the findings and in the report."""
    _release_that_crashes(stage)
    service = {stage.naming.service_label: stage.naming.service}
    stage.alert({"alertname": "InstanceDown", "severity": "critical", **service})
    incident = stage.wait_incident()

    def diagnosed() -> dict[str, Any]:
        shown = stage.show(incident)
        known = any(attempt.get("diagnosis") for attempt in shown["attempts"])
        return shown if known else {}

    shown = until(diagnosed, 90, "a diagnosis")

    triage = shown["triage"]
    assert (triage["verdict"], shown["severity"]) == ("confirmed", "SEV1"), triage
    assert "0 of 2 running" in triage["impact"]
    findings = shown["attempts"][0]["diagnosis"]["findings"]
    told = " | ".join(f"{one['what']}: {one['before']} -> {one['now']}" for one in findings)
    assert "2 wanted -> 0 of 2 running" in told
    assert "exit code 7" in told
    assert "cannot reach the ledger" in told


RAN_WELL = 11 * 60  # seconds; ten minutes with requests make an image one to go back to


@pytest.mark.long
@pytest.mark.timeout(RAN_WELL + 600)
def test_a_release_whose_requests_fail_is_rolled_back_to_the_image_that_ran_well(
    stage: Stage,
) -> None:
    """Served for eleven minutes, replaced by one that fails: planned, approved, verified."""
    naming, system = stage.naming, stage.system
    tag = f"local.test/{naming.project}"
    with image(f"{tag}:1", "RELEASE=1") as good, image(f"{tag}:2", "SLOTS=0", "WAIT=0.01") as bad:
        docker("rm", "-f", *stage.ids())
        wanted = [system.add(naming.service, good) for _ in range(2)]
        time.sleep(RAN_WELL)
        docker("rm", "-f", *wanted)
        for _ in range(2):
            system.add(naming.service, bad)
        service = {naming.service_label: naming.service}
        stage.alert({"alertname": "ErrorsHigh", "severity": "critical", **service})
        incident = stage.wait_incident()
        stage.wait(incident, "awaiting_approval", timeout=150)
        plan = stage.show(incident)["attempts"][-1]["plan"]
        assert [one["kind"] for one in plan["actions"]] == ["rollback_release"], plan

        stage.approve(incident)
        stage.wait(incident, "resolved", timeout=240)

        now = [one.raw["Config"]["Image"] for one in system.containers(naming.service)]
        ids = {one.raw["Image"] for one in system.containers(naming.service)}
        assert ids == {docker("image", "inspect", good, "--format", "{{.Id}}")}, now
        assert "rollback_release" in stage.product.aiops("report", incident).out
