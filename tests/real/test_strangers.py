"""Outages of software that nobody here wrote, under public rules, through the unmodified product.

Each test is a row of docs/outages.md. AIOPS_TEST_HEALTHY says for how many seconds nothing may be
opened while all is well.
"""

from __future__ import annotations

import os
import re
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from .docker import IMAGE, docker
from .naming import Naming
from .parts import StartAlertmanager
from .processes import free_port, until
from .product import Product
from .receiver import Receiver
from .stage import configuration
from .strange import (
    EXPORTER,
    LEAK_KB,
    MEMORY_MB,
    REDIS,
    Program,
    PublicPrometheus,
    StrangeStage,
    StrangeSystem,
    orders,
    passed,
    podinfo,
)

CALM = 30  # seconds before the trouble
AFTER = 67  # seconds behind an end, at which the same alert fires again: no repetition any more
HEALTHY = float(os.environ.get("AIOPS_TEST_HEALTHY", "180"))  # seconds
USUAL_STORY = {"settle": "60s", "hold": "60s", "look": "30s"}  # as nobody who sets nothing has it

# What a node exporter says of a full disk, and a blackbox exporter of a certificate.
DISK = 'device="/dev/sda1",fstype="ext4",mountpoint="/"'
PAGE = f"""\
node_filesystem_avail_bytes{{{DISK}}} 2.1e+09
node_filesystem_size_bytes{{{DISK}}} 1.05e+11
node_filesystem_readonly{{{DISK}}} 0
probe_success 1
probe_ssl_earliest_cert_expiry {time.time() + 2 * 86400:.0f}
"""
# Two series on the left match one on the right: it cannot be evaluated.
BROKEN = {"record": "job:up:broken", "expr": "up + on (job) up"}


def too_low(service: str) -> Mapping[str, Any]:
    """Return a rule that calls a tenth of a millisecond slow."""
    of = f'http_request_duration_seconds_bucket{{service="{service}"}}'
    return {
        "alert": f"{service.title()}Slow",
        "expr": f"histogram_quantile(0.95, sum by (service, le) (rate({of}[30s]))) > 0.0001",
        "for": "30s",
        "labels": {"severity": "warning"},
        "annotations": {"summary": "{{ $labels.service }} is slow"},
    }


class Staged(Protocol):
    """What puts programs on a stage."""

    def __call__(
        self,
        *programs: Program,
        story: Mapping[str, str] | None = None,
        group_by: Sequence[str] = (),
        static: Mapping[str, Sequence[str]] | None = None,
        rules: Sequence[Mapping[str, Any]] = (),
    ) -> StrangeStage:
        """Start them, a Prometheus, an Alertmanager and the product."""


@pytest.fixture
def staged(
    engine: None,
    naming: Naming,
    receiver: Receiver,
    start_alertmanager: StartAlertmanager,
    alertmanager_port: int,
    tmp_path: Path,
) -> Iterator[Staged]:
    with ExitStack() as stack:

        def start(
            *programs: Program,
            story: Mapping[str, str] | None = None,
            group_by: Sequence[str] = (),
            static: Mapping[str, Sequence[str]] | None = None,
            rules: Sequence[Mapping[str, Any]] = (),
        ) -> StrangeStage:
            system = StrangeSystem(naming, programs=programs)
            stack.callback(system.remove)
            stack.callback(lambda: print(f"containers that ended:\n{system.endings() or 'none'}"))
            system.start()
            own = [{"name": "own", "rules": list(rules)}] if rules else []
            server = PublicPrometheus(tmp_path, naming, alertmanager_port, static or {}, own)
            stack.callback(server.stop)
            wanted = sum(bool(one.scraped) for one in programs) + 1  # and itself
            until(lambda: server.targets() == wanted, 40, f"{wanted} targets to be up")
            config = configuration(naming, server.url, receiver.url)
            config["story"].update(story or {})
            product = Product(tmp_path / "product", config)
            stack.callback(lambda: print(_log(product)))
            stack.callback(product.stop)
            product.serve()
            webhook = f"{product.url}/api/v1/alertmanager"
            start_alertmanager(webhook, product.token, *group_by)
            return StrangeStage(naming, system, server, product, receiver, alertmanager_port)

        yield start


def test_one_of_two_that_is_frozen_is_confirmed_as_sev2_and_named(staged: Staged) -> None:
    stage = staged(podinfo(), podinfo())
    stage.system.ask(podinfo(), 10, "GET /api/info", "POST /echo")
    stage.served(CALM, podinfo())
    frozen, _ = stage.system.containers("podinfo")

    stage.system.freeze(frozen)

    shown = stage.confirmed("InstanceDown")
    triage = shown["triage"]
    assert (shown["subject"]["name"], shown["severity"]) == ("podinfo", "SEV2"), shown["triage"]
    assert "1 of 2" in triage["impact"]
    assert frozen.address in triage["impact"], triage


def test_the_only_backend_frozen_is_sev1_and_dismissed_at_no_look(staged: Staged) -> None:
    backend, front = podinfo("backend"), orders("backend")
    stage = staged(backend, front)
    stage.system.ask(front, 10, "GET /orders")
    stage.served(CALM, front, backend)

    stage.system.freeze(stage.system.only("backend"))

    shown = stage.confirmed("InstanceDown")
    assert (shown["subject"]["name"], shown["severity"]) == ("backend", "SEV1"), shown["triage"]
    stage.of("HighHttp5xxErrorRate")
    passed(time.monotonic() + CALM)
    found = [one["id"] for one in stage.shown()]
    said = [look["verdict"] for one in found for look in stage.looks(one)]
    assert "contradicted" not in said, said
    assert "dismissed" not in {one["status"] for one in stage.shown()}


def test_a_leak_that_is_killed_is_found_with_its_limit(staged: Staged) -> None:
    leaking = orders(leak=LEAK_KB)
    stage = staged(leaking)
    stage.system.ask(leaking, 10, "GET /orders")

    shown = stage.of("ProcessRestarted", timeout=120)

    assert shown["subject"]["name"] == "orders"
    stage.diagnosed(shown["id"], f"OOM-killed, limit {MEMORY_MB} MB", timeout=120)
    assert stage.show(shown["id"])["status"] != "dismissed"


def test_failures_of_one_path_are_confirmed_and_the_path_is_found(staged: Staged) -> None:
    service = orders()
    stage = staged(service)
    stage.system.ask(service, 20, "GET /orders", "GET /orders", "GET /checkout")
    stage.served(CALM, service)

    address = stage.system.only("orders").address
    asked = urllib.request.Request(f"http://{address}:8000/break", b"")
    with urllib.request.urlopen(asked, timeout=5) as reply:
        assert reply.status == 200

    shown = stage.confirmed("HighHttp5xxErrorRate")
    triage = shown["triage"]
    assert (shown["subject"]["name"], triage["signal"]) == ("orders", "errors"), triage
    stage.diagnosed(shown["id"], "/checkout")


def test_redis_stopped_is_confirmed_as_redis_and_told_again_behind_its_recovery(
    staged: Staged,
) -> None:
    front = podinfo(cache="redis")
    stage = staged(REDIS, EXPORTER, front)
    stage.system.ask(front, 5, "GET /cache/key", "POST /echo")
    stage.seen_for(CALM, "redis_up == 1")
    redis = stage.system.only("redis").id

    docker("stop", "--time=2", redis)
    first = stage.confirmed("RedisDown")
    assert first["subject"]["name"] == "redis", first["triage"]

    docker("start", redis)
    until(lambda: stage.prometheus.value("redis_up") == 1, 20, "Redis to be back")
    stage.left(first["id"])
    passed(time.monotonic() + AFTER)

    known = {one["id"] for one in stage.shown()}  # of its exporter there may be one as well
    docker("stop", "--time=2", redis)
    second = until(lambda: _another(stage, known, "redis"), 30, "another incident")
    assert second["after"] == first["id"]
    stage.told(second["id"], "fires_again", "approval_needed", "escalated")
    assert stage.confirmed("RedisDown")["id"] == second["id"]


def test_what_is_not_ours_is_handed_over_in_one_look(staged: Staged, tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "metrics").write_text(PAGE)
    server = ("python3", "-m", "http.server", "--directory=/page", "9100")
    options = (f"--volume={tmp_path / 'page'}:/page:ro", "--memory=64m")
    node = Program("node-exporter", IMAGE, server, 9100, (), options)
    nobody = {"legacy-erp": [f"127.0.0.1:{free_port()}"]}
    stage = staged(node, podinfo(), static=nobody, rules=[BROKEN])
    names = (
        "HostOutOfDiskSpace",
        "BlackboxSslCertificateWillExpireSoon",
        "TargetDown",
        "PrometheusRuleEvaluationFailures",
    )
    for name in names:
        incident = stage.of(name)["id"]
        shown = stage.over(incident, 60)
        assert (shown["status"], shown["ending"]) == ("escalated", "handed_over"), shown["note"]
        assert len(stage.looks(incident)) == 1, shown["triage"]
        assert not shown["attempts"]
        given = shown["triage"]["not_mine"]
        assert given["text"], given
        assert given["labels"]["alertname"] == name
        assert re.match(r"[\d.e+-]+ now", given["value"]), given
        stage.told(incident, "escalated")


def test_an_alert_that_flaps_thrice_in_40_s_is_one_incident(staged: Staged) -> None:
    stage = staged(REDIS, EXPORTER, story=USUAL_STORY)
    stage.seen_for(10, "redis_up == 1")
    redis = stage.system.only("redis").id
    began = time.monotonic()
    for turn in range(3):
        passed(began + 13 * turn)
        docker("stop", "--time=2", redis)
        until(lambda: stage.fires("RedisDown"), 20, "RedisDown to fire")
        passed(began + 13 * turn + 6)
        docker("start", redis)
        until(lambda: not stage.fires("RedisDown"), 20, "RedisDown to be over")
    took = time.monotonic() - began
    [incident] = stage.shown()
    until(lambda: stage.news(incident["id"]).count("again") >= 2, 20, f"all of it, {took:.0f} s")
    assert [one["alert_names"] for one in stage.shown()] == [["RedisDown"]]


def test_two_causes_in_one_group_are_two_incidents(staged: Staged) -> None:
    billing = podinfo("billing")
    stage = staged(REDIS, EXPORTER, billing, group_by=("nothing",))
    stage.system.ask(billing, 5, "POST /echo")
    stage.served(5, billing)

    stage.alert(
        {"alertname": "ExporterSlow", "service": "redis-exporter", "severity": "warning"},
        {"alertname": "BillingDown", "service": "billing", "severity": "critical"},
    )

    slow, down = stage.of("ExporterSlow"), stage.of("BillingDown")
    assert slow["id"] != down["id"]
    assert (slow["alert_names"], down["alert_names"]) == (["ExporterSlow"], ["BillingDown"])
    assert down["subject"]["name"] == "billing"


@pytest.mark.timeout(HEALTHY + 300)
def test_where_all_is_well_nothing_is_opened_but_false_alarms_that_are_dismissed(
    staged: Staged, record_property: Callable[[str, object], None]
) -> None:
    backend, front = podinfo("backend"), orders("backend")
    cached = podinfo(cache="redis")
    alarms = (too_low("podinfo"), too_low("orders"))
    stage = staged(REDIS, EXPORTER, cached, cached, backend, front, rules=alarms)
    stage.system.ask(cached, 10, "POST /echo", "GET /api/info", "GET /healthz")
    stage.system.ask(front, 10, "GET /orders", "GET /checkout")
    passed(time.monotonic() + HEALTHY)

    found = stage.shown()
    names = sorted(name for one in found for name in one["alert_names"])
    assert names == ["OrdersSlow", "PodinfoSlow"], names
    assert {one["status"] for one in found} == {"dismissed"}, [one["triage"] for one in found]
    assert not stage.receiver.posted
    others = len(found) - len(alarms)
    record_property("count", f"{HEALTHY:.0f} s of calm: {others} incidents but false alarms")


def _log(product: Product) -> str:
    log = product.folder / "serve.log"
    return log.read_text(errors="replace")[-8000:] if log.exists() else "it was not started"


def _another(stage: StrangeStage, known: AbstractSet[str], name: str) -> dict[str, Any]:
    """Return an incident about a service that was not there before, or nothing."""
    new = (one for one in stage.shown() if one["id"] not in known)
    return next((one for one in new if one["subject"]["name"] == name), {})
