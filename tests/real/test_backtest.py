"""The past of a shop with an outage in it, replayed from a real Prometheus by the real program."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from .backfill import Past, configuration, remembering
from .product import Product

SURGE = "traffic-surge"  # payments-api is asked for far more than it can serve


@pytest.mark.slow
def test_an_outage_of_the_past_is_named_a_false_alarm_dismissed_and_marks_are_counted(
    tmp_path: Path,
) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    past = Past()
    false = past.live("false-alarm", 1, now - timedelta(hours=5))
    began = past.live(SURGE, 1, now - timedelta(hours=1))
    with remembering(past, tmp_path) as url:
        product = Product(tmp_path / "product", configuration(url, mode="act"))
        made = report(product, "--since", "9h")
        calm, surge = made["answers"]
        assert near(calm, false)
        assert calm["would"] == "dismissed"
        assert near(surge, began)
        assert surge["cause"]["kind"] == "capacity"
        assert surge["cause"]["service"] == "payments-api"
        assert [one["kind"] for one in surge["actions"]] == ["scale_pods"]
        assert surge["healed"] == "no"
        assert any("changes could not be read" in one for one in surge["unknown"])
        assert made["notices"] == 1
        assert made["run"]["unread"] == []

        again = report(product, "--since", "9h")
        assert again["answers"] == made["answers"]
        assert again["run"]["queries"] < made["run"]["queries"] / 10

        assert act_notes(product) == ["act shop/scale_pods"]
        marked = report(product, "--mark", surge["id"], "right")
        assert [one["right"] for one in marked["reliability"]].count(1) == 1
        assert act_notes(product) == []
    page = product.aiops("backtest", "--show", "-o", "markdown")
    assert f"### {surge['id']}" in page.out


def report(product: Product, *words: str) -> Any:
    ran = product.aiops("backtest", *words, "-o", "json", timeout=300)
    assert ran.code == 0, ran
    return ran.data


def near(answer: Any, began: datetime) -> bool:
    return abs(datetime.fromisoformat(answer["opened_at"]) - began) <= timedelta(minutes=1)


def act_notes(product: Product) -> list[str]:
    """What the doctor says of actions that nothing stands behind."""
    seen = product.aiops("doctor", "-o", "json", timeout=120).data
    return [one["name"] for one in seen if one["name"].startswith("act ")]
