"""What a lost webhook said is found at Alertmanager itself, and what is silenced there is not."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from .docker import System
from .parts import Prometheus, StartAlertmanager
from .processes import until
from .product import Product
from .receiver import Receiver
from .stage import Stage, configuration

NOBODY = "http://127.0.0.1:9/lost"
TWO_LOOKS = 140.0  # seconds: it is asked each minute, and a webhook may come first


def asked(port: int, method: str, path: str, body: object = None) -> bytes:
    """Return what Alertmanager answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v2/{path}", data, method=method)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=5) as reply:
        content: bytes = reply.read()
        return content


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_lost_webhook_is_found_within_two_looks_and_a_silence_holds(
    system: System,
    prometheus: Prometheus,
    start_alertmanager: StartAlertmanager,
    alertmanager_port: int,
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    naming = system.naming
    config = configuration(naming, prometheus.url, receiver.url)
    config["sources"]["alertmanager"] = {"url": f"http://127.0.0.1:{alertmanager_port}"}
    product = Product(tmp_path / "product", config)
    start_alertmanager(NOBODY, product.token)
    stage = Stage(naming, system, prometheus, product, receiver, alertmanager_port)
    now = datetime.now(UTC)
    matcher = {"name": "alertname", "value": "Quiet", "isRegex": False, "isEqual": True}
    silence = {
        "matchers": [matcher],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "ada",
        "comment": "work on it",
    }
    name = json.loads(asked(alertmanager_port, "POST", "silences", silence))["silenceID"]
    stage.alert(
        {"alertname": "Heard", naming.service_label: naming.service},
        {"alertname": "Quiet", naming.service_label: naming.bystander},
    )

    def heard() -> set[str]:
        shown = [stage.show(one["id"]) for one in stage.incidents()]
        return {alert for one in shown for alert in one["alert_names"]}

    product.serve()
    try:
        checks = {one["name"]: one for one in product.read("doctor")}
        assert "2 alerts fire, 1 muted" in checks["alertmanager"]["words"]
        until(heard, TWO_LOOKS, "the alert whose webhook was lost")
        assert heard() == {"Heard"}

        asked(alertmanager_port, "DELETE", f"silence/{name}")
        until(lambda: "Quiet" in heard(), TWO_LOOKS, "what is silenced no more")
    finally:
        product.stop()
        print((product.folder / "serve.log").read_text(errors="replace")[-8000:])
