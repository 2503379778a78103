"""Outages that Docker knows of, through the unmodified product."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from .docker import IMAGE, OURS, docker
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


def _alert(port: int, **labels: str) -> None:
    """Tell a real Alertmanager of an alert."""
    body = json.dumps([{"labels": labels, "annotations": {}}]).encode()
    url = f"http://127.0.0.1:{port}/api/v2/alerts"
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=5) as reply:
        assert reply.status == 200


def test_a_release_that_crashes_is_confirmed_with_exit_code_and_last_words(
    stage: Stage, alertmanager_port: int
) -> None:
    """SEV1, 0 of 2 running, exit code 7 and the last line among the findings and in the report."""
    _release_that_crashes(stage)
    service = {stage.naming.service_label: stage.naming.service}
    _alert(alertmanager_port, alertname="InstanceDown", severity="critical", **service)
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
