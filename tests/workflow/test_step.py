"""A step outlasts a store that is away."""

import logging

import pytest

from aiops_agent.domain.errors import StoreError
from aiops_agent.workflow import step


async def test_a_step_waits_for_the_store_however_long_it_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Before, nine minutes of a full disk ended the incident as a fault of ours."""
    monkeypatch.setattr(step, "FIRST_PAUSE", 0.0)
    left = [StoreError("The disk of the store is full.")] * 50

    async def work() -> str:
        if left:
            raise left.pop()
        return "done"

    with caplog.at_level(logging.WARNING):
        assert await step.patiently("reviewed", work) == "done"
    assert "waits for the store" in caplog.text


async def test_what_is_not_the_store_is_not_waited_for() -> None:
    """A defect shows at once."""

    async def work() -> str:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        await step.patiently("planned", work)
