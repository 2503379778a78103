"""A real Jaeger gets each incident once and whole: as `aiops trace` shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aiops_agent.adapters.jaeger import JaegerSettings, JaegerSpans
from aiops_agent.domain.telemetry import ServiceName, Window

from .jaeger import Jaeger
from .processes import until
from .product import Product

pytestmark = pytest.mark.built


@pytest.fixture
def jaeger(tmp_path: Path) -> Iterator[Jaeger]:
    found = Jaeger(tmp_path)
    try:
        yield found
    finally:
        found.stop()


def installed(folder: Path, address: str) -> Product:
    return Product(folder, {"apiVersion": "aiops-agent/v1", "telemetry": {"otlp": address}})


def run(product: Product) -> None:
    """Run a whole incident of the shop; its process ends before anybody asks Jaeger."""
    ran = product.aiops("demo", "--yes", timeout=120)
    assert ran.code == 0, ran


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def test_an_ended_incident_is_one_trace_with_the_spans_that_we_show(
    tmp_path: Path, jaeger: Jaeger
) -> None:
    product = installed(tmp_path, jaeger.otlp)
    run(product)
    shown = product.read("trace", "INC-0001")

    until(lambda: jaeger.traces() == [shown["id"]], 10, "the trace at Jaeger")
    spans = {span["spanID"]: span for span in jaeger.spans(shown["id"])}
    assert set(spans) == {one["id"] for one in shown["spans"]}
    for one in shown["spans"]:
        refs = [ref["spanID"] for ref in spans[one["id"]]["references"]]
        assert refs == ([one["parent"]] if one["parent"] else [])
        assert spans[one["id"]]["duration"] == pytest.approx(one["took"] * 1e6, abs=2)
    root = attributes(spans[shown["spans"][0]["id"]])
    assert root["gen_ai.operation.name"] == "invoke_workflow"
    assert root["gen_ai.conversation.id"] == "INC-0001"
    assert root["aiops.incident.outcome"] == "fixed"
    seen = {one["name"]: one for one in product.read("doctor")}
    assert seen["telemetry"]["health"] == "ok"  # the collector answers the doctor too


def test_what_is_at_jaeger_is_read_as_spans(tmp_path: Path, jaeger: Jaeger) -> None:
    product = installed(tmp_path, jaeger.otlp)
    run(product)
    shown = product.read("trace", "INC-0001")
    until(lambda: jaeger.traces() == [shown["id"]], 10, "the trace at Jaeger")

    source = JaegerSpans(JaegerSettings.model_validate({"url": jaeger.url}))
    now = datetime.now(UTC)
    window = Window(start=now - timedelta(minutes=10), end=now + timedelta(minutes=10))
    found = asyncio.run(source.spans([ServiceName("aiops-agent")], window))

    assert {(one.id, one.parent) for one in found} == {
        (one["id"], one["parent"] or "") for one in shown["spans"]
    }
    assert asyncio.run(source.names()) == ("aiops-agent",)


def test_the_next_process_sends_only_what_is_new(tmp_path: Path, jaeger: Jaeger) -> None:
    product = installed(tmp_path, jaeger.otlp)
    run(product)
    first = product.read("trace", "INC-0001")["id"]
    until(lambda: jaeger.traces() == [first], 10, "the first trace")
    count = len(jaeger.spans(first))
    run(product)
    second = product.read("trace", "INC-0002")["id"]

    until(lambda: set(jaeger.traces()) == {first, second}, 10, "the second trace")
    assert len(jaeger.spans(first)) == count


def test_a_collector_that_was_away_gets_it_with_the_next_start(
    tmp_path: Path, jaeger: Jaeger
) -> None:
    product = installed(tmp_path, "http://127.0.0.1:9")  # nobody listens there
    run(product)
    missed = product.read("trace", "INC-0001")["id"]
    run(installed(tmp_path, jaeger.otlp))

    until(lambda: missed in jaeger.traces(), 10, "the trace that was kept")
    assert len(jaeger.traces()) == 2
