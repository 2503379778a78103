"""What every real test stands on: a system in containers and the servers that watch it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .docker import IMAGE, System, docker
from .naming import Naming
from .parts import Alertmanager, Prometheus, StartAlertmanager
from .processes import free_port, until
from .product import Product
from .receiver import Receiver
from .stage import Stage, configuration

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder as real; what takes longest begins first."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.real)
    items.sort(key=lambda item: item.path.name != "test_shop_up.py")


@pytest.fixture(scope="session")
def engine() -> None:
    """Fail when Docker does not answer or the base image is missing."""
    docker("version", "--format", "{{.Server.Version}}")
    docker("image", "inspect", IMAGE, "--format", "{{.Id}}")


@pytest.fixture
def naming() -> Naming:
    """The usual names; a test may override them by a parameter."""
    return Naming.usual()


@pytest.fixture
def system(engine: None, naming: Naming) -> Iterator[System]:
    """Two replicas of the service and a bystander, running."""
    system = System(naming)
    try:
        system.start()
        yield system
        print(f"containers that ended, as Docker tells it:\n{system.endings() or 'none'}")
    finally:
        system.remove()


@pytest.fixture
def alertmanager_port() -> int:
    return free_port()


@pytest.fixture
def prometheus(
    system: System, naming: Naming, alertmanager_port: int, tmp_path: Path
) -> Iterator[Prometheus]:
    """A Prometheus that already scrapes every container of the system."""
    server = Prometheus(tmp_path, naming, alertmanager_port)
    try:
        wanted = system.replicas + 1
        until(lambda: server.targets() == wanted, 20, f"{wanted} containers to be scraped")
        yield server
    finally:
        server.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def start_alertmanager(
    naming: Naming, alertmanager_port: int, tmp_path: Path
) -> Iterator[StartAlertmanager]:
    """Start an Alertmanager that posts to an address with a bearer token."""
    with ExitStack() as stack:

        def start(webhook: str, token: str, *group_by: str) -> Alertmanager:
            file = tmp_path / "webhook.token"
            file.write_text(token)
            by = group_by or ("alertname", naming.service_label)
            server = Alertmanager(tmp_path, alertmanager_port, webhook, file, by)
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture
def stage(
    system: System,
    prometheus: Prometheus,
    start_alertmanager: StartAlertmanager,
    alertmanager_port: int,
    receiver: Receiver,
    tmp_path: Path,
) -> Iterator[Stage]:
    """The product serving on the system, told of alerts by a real Alertmanager, after some calm."""
    config = configuration(system.naming, prometheus.url, receiver.url)
    product = Product(tmp_path / "product", config)
    try:
        product.serve()
        start_alertmanager(f"{product.url}/api/v1/alertmanager", product.token)
        stage = Stage(system.naming, system, prometheus, product, receiver, alertmanager_port)
        stage.calm()
        yield stage
    finally:
        product.stop()
        print((product.folder / "serve.log").read_text(errors="replace")[-8000:])
