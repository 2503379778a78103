"""A cluster on the loopback with the Deployment payments-api on two pods."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.kubernetes.fake_api import FakeApi


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[FakeApi]:
    async with FakeApi().served(tmp_path) as found:
        found.workload("payments-api")
        yield found
