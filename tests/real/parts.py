"""Real servers on free ports: Prometheus and Alertmanager."""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .naming import Naming
from .processes import Process, free_port, get_json

START_SECONDS = 30.0
SLOW_SECONDS = 0.5

# JSON is YAML: the configuration files are built as data, so that nothing has to be escaped.


def write_config(path: Path, content: dict[str, Any]) -> Path:
    """Write the data as a configuration file, and return its path."""
    path.write_text(json.dumps(content, indent=1))
    return path


@dataclass
class Prometheus:
    """A Prometheus that scrapes the project's containers every second and knows one alert rule."""

    folder: Path
    naming: Naming
    alertmanager_port: int

    def __post_init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = self._write()
        self.start()

    def start(self) -> None:
        """Start the server on its port, with the data it had, and wait until it is ready."""
        command = [
            "prometheus",
            f"--config.file={self.config}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        ]
        self.process = Process(command, self.folder / "prometheus.log")
        self.process.wait_ready(f"{self.url}/-/ready", START_SECONDS)

    def stop(self) -> None:
        self.process.stop()

    def value(self, query: str) -> float | None:
        """Return the first value that the query gives now, or None when it gives none."""
        found = self.get("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else None

    def get(self, call: str, **parameters: str) -> Any:
        """Return the `data` of an API answer."""
        text = urllib.parse.urlencode(parameters)
        return get_json(f"{self.url}/api/v1/{call}?{text}")["data"]

    def p95(self, service: str, window: str = "5s") -> float | None:
        """Return the p95 latency of a service in seconds, over the last `window`."""
        label = f'{self.naming.service_label}="{service}"'
        rate = f"rate({self.naming.histogram}_bucket{{{label}}}[{window}])"
        return self.value(f"histogram_quantile(0.95, sum by (le) ({rate}))")

    def targets(self) -> int:
        """Return how many containers were scraped with success the last time."""
        active = self.get("targets", state="active")["activeTargets"]
        return sum(target["health"] == "up" for target in active)

    def firing(self) -> bool:
        """Return whether the alert fires."""
        return any(alert["state"] == "firing" for alert in self.get("alerts")["alerts"])

    def _write(self) -> Path:
        manager = {"static_configs": [{"targets": [f"127.0.0.1:{self.alertmanager_port}"]}]}
        content = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(write_config(self.folder / "rules.yml", alert_rules(self.naming)))],
            "alerting": {"alertmanagers": [manager]},
            "scrape_configs": [scrape_config(self.naming)],
        }
        return write_config(self.folder / "prometheus.yml", content)


def scrape_config(naming: Naming) -> dict[str, Any]:
    """Return how Prometheus finds the project's containers, by their labels."""
    meta = "__meta_docker_container_label_"
    service = meta + naming.docker_label.replace(".", "_")
    return {
        "job_name": "docker",
        "docker_sd_configs": [
            {
                "host": "unix:///var/run/docker.sock",
                "refresh_interval": "1s",
                "filters": [
                    {
                        "name": "label",
                        "values": [f"com.docker.compose.project={naming.project}"],
                    }
                ],
            }
        ],
        "relabel_configs": [
            {
                "source_labels": ["__meta_docker_network_ip"],
                "target_label": "__address__",
                "replacement": f"$1:{naming.port}",
            },
            {"source_labels": [service], "target_label": naming.service_label},
            {
                "source_labels": ["__meta_docker_container_name"],
                "regex": "/(.*)",
                "target_label": "container",
            },
        ],
    }


def alert_rules(naming: Naming) -> dict[str, Any]:
    """Return one rule: p95 latency of a service above half a second for five seconds."""
    label = naming.service_label
    rate = f"sum by (le, {label}) (rate({naming.histogram}_bucket[10s]))"
    rule = {
        "alert": naming.alert,
        "expr": f"histogram_quantile(0.95, {rate}) > {SLOW_SECONDS}",
        "for": "5s",
        "labels": {"severity": "critical"},
        "annotations": {"summary": f"{{{{ $labels.{label} }}}} experiencing latency spikes"},
    }
    return {"groups": [{"name": "latency", "interval": "1s", "rules": [rule]}]}


@dataclass
class Alertmanager:
    """An Alertmanager that posts to one webhook, with a bearer token kept in a file."""

    folder: Path
    port: int
    webhook: str
    token_file: Path
    group_by: tuple[str, ...]

    def __post_init__(self) -> None:
        config = write_config(self.folder / "alertmanager.yml", self._content())
        command = [
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={self.folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        self.process = Process(command, self.folder / "alertmanager.log")
        self.process.wait_ready(f"http://127.0.0.1:{self.port}/-/ready", START_SECONDS)

    def stop(self) -> None:
        self.process.stop()

    def _content(self) -> dict[str, Any]:
        bearer = {"type": "Bearer", "credentials_file": str(self.token_file)}
        webhook = {
            "url": self.webhook,
            "send_resolved": True,
            "http_config": {"authorization": bearer, "follow_redirects": False},
        }
        return {
            "route": {
                "receiver": "aiops",
                "group_by": list(self.group_by),
                "group_wait": "1s",
                "group_interval": "2s",
                "repeat_interval": "1m",
            },
            "receivers": [{"name": "aiops", "webhook_configs": [webhook]}],
        }


class StartAlertmanager(Protocol):
    """What starts an Alertmanager for a webhook's address and token."""

    def __call__(self, webhook: str, token: str, *group_by: str) -> Alertmanager:
        """Return it; without labels it groups by the alert's name and the service."""
