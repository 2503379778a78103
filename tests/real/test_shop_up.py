"""`aiops shop up` under a real Prometheus: the watch opens what breaks, and the cause is right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aiops_agent.simulator.scenarios import find_scenario
from aiops_agent.simulator.serving import rules, settings_snippet

from .parts import START_SECONDS, write_config
from .processes import Process, free_port, get_json, until
from .product import AIOPS, Product

CALM = 150  # seconds that tell what is usual
SEEN = 240  # seconds after the fault, of which the watch waits for 105
SCENARIO, SEED = "slow-release", 3
ENDED = ("resolved", "dismissed", "escalated")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    """A shop that breaks after a while; its address."""
    port = free_port()
    command = [AIOPS, "shop", "up", "--port", str(port), "--seed", str(SEED)]
    command += ["--fault", SCENARIO, "--at", f"{CALM}s"]
    with Process(command, tmp_path / "shop.log") as process:
        process.wait_ready(f"http://127.0.0.1:{port}/metrics", START_SECONDS)
        yield f"127.0.0.1:{port}"


@pytest.fixture
def prometheus(shop: str, tmp_path: Path) -> Iterator[str]:
    """A Prometheus that scrapes the shop each 5 s and knows its rules; its address."""
    port = free_port()
    (tmp_path / "rules.yml").write_text(rules())
    scraped = {"job_name": "shop", "static_configs": [{"targets": [shop]}]}
    content = {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": [str(tmp_path / "rules.yml")],
        "scrape_configs": [scraped],
    }
    file = write_config(tmp_path / "prometheus.yml", content)
    command = [
        *("prometheus", f"--config.file={file}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"),
    ]
    with Process(command, tmp_path / "prometheus.log") as process:
        process.wait_ready(f"http://127.0.0.1:{port}/-/ready", START_SECONDS)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def product(prometheus: str, tmp_path: Path) -> Iterator[Product]:
    """The product, configured as the snippet says, and nobody who sends alerts."""
    config: dict[str, Any] = yaml.safe_load(settings_snippet())
    config["sources"]["prometheus"]["url"] = prometheus
    config["store"] = {"url": f"sqlite:///{tmp_path}/store.db"}
    product = Product(tmp_path / "product", config)
    product.serve()
    try:
        yield product
    finally:
        product.stop()
        print((product.folder / "serve.log").read_text(errors="replace")[-8000:])


@pytest.mark.timeout(900)
def test_what_breaks_in_a_shop_is_opened_without_an_alert_and_its_cause_is_named(
    product: Product, prometheus: str
) -> None:
    truth = str(find_scenario(SCENARIO).fault_of(SEED).service)
    found = until(lambda: product.get("incidents")["incidents"], CALM + SEEN, "an incident")
    assert "seen by the watch" in found[0]["title"]

    def shown() -> Any:
        incident = product.get(f"incidents/{found[0]['id']}")
        return incident if incident["attempts"] or incident["status"] in ENDED else None

    incident = until(shown, 120, "a diagnosis")
    named = incident["attempts"][0]["diagnosis"]["hypotheses"][0]["service"]
    assert named == truth, incident["attempts"][0]["diagnosis"]["summary"]
    fires = f"{prometheus}/api/v1/alerts"
    until(lambda: _firing(get_json(fires)), 120, "its own rule to fire as well")


def _firing(answer: Any) -> bool:
    alerts = answer["data"]["alerts"]
    return any(one["state"] == "firing" and re.match("High", one["labels"]["alertname"])
               for one in alerts)  # fmt: skip
