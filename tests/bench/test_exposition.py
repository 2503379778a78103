"""Kept pages are served as they are, but for what counts, which grows."""

from pathlib import Path

import pytest

from bench.exposition import Page
from bench.metrics import read_cases

PAGE = """# TYPE shop_requests counter
shop_requests{path="/a b{c}",code="200"} 40
# TYPE shop_seconds histogram
shop_seconds_bucket{le="+Inf"} 2
shop_seconds_sum 1.5
# TYPE shop_in_flight_total gauge
shop_in_flight_total 3
# TYPE shop_commits untyped
shop_commits 10
shop_lost_total 20
"""
EXPECTED = """
- page: shop.prom
  signals:
    errors:
      metric: shop_requests
      promql: rate(shop_requests{$sel}[$w])
      promql_strict: rate(shop_requests{$sel,path!="/x"}[$w])
    memory: {metric: shop_bytes, promql: 'shop_bytes{$sel}', absolute_only: true}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.prom").write_text(PAGE, "utf-8")
    (tmp_path / "expected.yaml").write_text(EXPECTED, "utf-8")
    return tmp_path


def grown(page: Page, age: float) -> dict[str, float]:
    lines = page.at(age).decode().splitlines()
    parts = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in parts}


def test_counters_grow_in_proportion_and_gauges_stay(folder: Path) -> None:
    values = grown(Page.of(folder / "shop.prom", {"shop_commits"}), 20)

    assert values == {
        'shop_requests{path="/a b{c}",code="200"}': 80,
        'shop_seconds_bucket{le="+Inf"}': 4,
        "shop_seconds_sum": 3.0,
        "shop_in_flight_total": 3,
        "shop_commits": 20,
        "shop_lost_total": 40,
    }


def test_an_exemplar_stays_and_a_time_goes(tmp_path: Path) -> None:
    text = '# TYPE shop counter\nshop_total{a="b"} 4 1700000000 # {trace_id="x"} 1.0\n# EOF\n'
    (tmp_path / "open.prom").write_text(text, "utf-8")

    page = Page.of(tmp_path / "open.prom")

    assert page.at(0).decode().splitlines()[1] == 'shop_total{a="b"} 4.0 # {trace_id="x"} 1.0'
    assert page.kind.startswith("application/openmetrics-text")


def test_cases_have_the_strictest_query_first(folder: Path) -> None:
    errors, memory = read_cases(folder)

    assert [("path" in query) for query in errors.queries] == [True, False]
    assert errors.service == "shop"
    assert (memory.absolute, errors.absolute) == (True, False)
