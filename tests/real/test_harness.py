"""The real parts alone: what the scenarios rely on is true before the product is asked."""

from __future__ import annotations

import pytest

from .docker import System, docker
from .naming import Naming
from .parts import SLOW_SECONDS, Prometheus, StartAlertmanager
from .processes import until
from .receiver import Receiver


@pytest.mark.parametrize("naming", [Naming.usual(), Naming.other()], ids=["usual", "other"])
def test_an_overload_is_seen_reported_and_ended_by_two_more_replicas(
    system: System,
    prometheus: Prometheus,
    start_alertmanager: StartAlertmanager,
    receiver: Receiver,
    naming: Naming,
) -> None:
    """55 requests/s overload two replicas and not four."""
    start_alertmanager(receiver.url, "secret")
    system.load(naming.service, 55)
    until(lambda: receiver.posted, 40, "the webhook of the alert")
    first = receiver.posted[0]
    assert first.headers["Authorization"] == "Bearer secret"
    labels = first.body["alerts"][0]["labels"]
    assert (labels["alertname"], labels[naming.service_label]) == (naming.alert, naming.service)
    system.add(naming.service)
    system.add(naming.service)
    until(lambda: (prometheus.p95(naming.service) or 9) < SLOW_SECONDS, 40, "recovery")


def test_a_hung_container_fails_requests_and_a_restart_heals_it(
    system: System, prometheus: Prometheus, naming: Naming
) -> None:
    """Metrics answer all the time; requests only after the restart."""
    system.load(naming.service, 20)
    until(lambda: 0 < (prometheus.p95(naming.service) or 9) < 0.3, 20, "a healthy service")
    for container in system.containers(naming.service):
        system.hang(container)
    until(lambda: (prometheus.p95(naming.service) or 0) > 1, 20, "a slow service")
    assert prometheus.targets() == 3
    for container in system.containers(naming.service):
        system.restart(container)
    until(lambda: (prometheus.p95(naming.service) or 9) < SLOW_SECONDS, 40, "recovery")


def test_a_container_that_ended_says_why(system: System, naming: Naming) -> None:
    """Its exit code and last words when it lies there; that it ended when it was removed."""
    killed, removed = system.containers(naming.service)
    assert system.endings() == ""

    docker("kill", killed.id)
    docker("rm", "-f", removed.id)

    told = system.endings()
    assert f"{killed.raw['Name'].lstrip('/')} ended with 137" in told
    assert f"listening on {naming.port}" in told
    assert f"destroy {removed.raw['Name'].lstrip('/')}" in told
