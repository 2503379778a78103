"""A real, bad model on the OpenAI-compatible path: it harms nothing and loosens nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aiops_agent.adapters.models.section import ModelSettings
from aiops_agent.domain.model import Budget
from bench.mistreated import flaws, live_with

from .small_model import SmallModel, missing

Record = Callable[[str, object], None]
BUDGET = Budget(tokens=40_000, usd=1.0, seconds=90.0, requests=12)
LONGEST = 240.0  # seconds of wall time for one incident on a busy machine


pytestmark = pytest.mark.built


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallModel]:
    """The model, or a skip that says what is missing."""
    if lacks := missing():
        pytest.skip(lacks)
    model = SmallModel(tmp_path_factory.mktemp("model"))
    yield model
    model.stop()


@pytest.mark.parametrize("scenario", ["traffic-surge", "hung-process"])
def test_every_incident_ends_within_its_limits_and_no_worse_than_without_it(
    model: SmallModel, scenario: str, tmp_path: Path, record_property: Record
) -> None:
    section = ModelSettings(
        default="openai:smollm2.gguf",
        base_url=model.url,
        timeout=30.0,
        context={"smollm2.gguf": 4096},
        budget=BUDGET,
    )
    alone = live_with(None, scenario, tmp_path / "alone")
    lived = live_with(section, scenario, tmp_path / "with", LONGEST)
    said = (
        [a.reasoned.stand for a in lived.incident.attempts if a.reasoned] if lived.incident else []
    )
    record_property(
        "count",
        f"a real small model on {scenario}: {lived.asked} requests, {lived.tokens} tokens, "
        f"opinions {[str(one) for one in said]}, ended "
        f"{lived.incident.ending if lived.incident else 'not at all'}",
    )
    assert list(flaws(lived, alone, BUDGET)) == []
