"""Shops for tests, each founded in its own folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aiops_agent.simulator.plug import OpenShop, create_shop

Found = Callable[..., OpenShop]


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """Found a shop in a fresh folder: `found(scenario, seed, names)`."""

    def founded(
        scenario: str = "traffic-surge", seed: int = 1, names: dict[str, str] | None = None
    ) -> OpenShop:
        number = len(list(tmp_path.iterdir()))
        return create_shop(tmp_path / f"shop-{number}", scenario, seed, names)

    return founded


@pytest.fixture
def shop(found: Found) -> OpenShop:
    """The default scenario with seed 1, in the folder `shop-0`."""
    return found()
