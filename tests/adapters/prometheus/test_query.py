"""Questions are trees; text is only ever rendered, and hostile values stay values."""

import json
from datetime import timedelta

import pytest

from aiops_agent.adapters.prometheus.query import (
    Aggregate,
    Binary,
    Number,
    Over,
    Quantile,
    Select,
    among,
    equal,
    label,
    literal,
)
from aiops_agent.domain.errors import SourceError

HOSTILE = ['a"} or up{x="', "a\\", "new\nline", "\u202eabc", "\x1b[31m", "a|b.*", "ü", "'", "{}"]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_label_value_is_one_literal_whatever_it_holds(value: str) -> None:
    rendered = Select("up", (equal("job", value),)).render()

    inside = rendered.removeprefix("up{job=").removesuffix("}")
    assert json.loads(inside) == value


def test_values_asked_together_are_taken_literally() -> None:
    rendered = Select("up", (among("job", ("a.b", "c|d")),)).render()

    assert rendered == r'up{job=~"a\\.b|c\\|d"}'


def test_a_quantile_of_summed_buckets_renders() -> None:
    buckets = Over("rate", Select("h_bucket", (equal("job", "pay"),)), timedelta(seconds=20))

    rendered = Quantile(0.95, Aggregate("sum", buckets, ("job", "le"))).render()

    assert rendered == (
        'histogram_quantile(0.95, sum by (job, le) (rate(h_bucket{job="pay"}[20000ms])))'
    )


def test_a_metric_that_needs_quotes_is_asked_for_by_its_name_label() -> None:
    assert Select("http.requests").render() == '{__name__="http.requests"}'
    assert label("http.status") == '"http.status"'


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201])
def test_what_cannot_be_a_label_is_refused(name: str) -> None:
    with pytest.raises(SourceError):
        label(name)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(SourceError):
        literal("\ud800")


@pytest.mark.parametrize("window", [timedelta(0), timedelta(days=2)])
def test_a_range_has_bounds(window: timedelta) -> None:
    with pytest.raises(SourceError):
        Over("rate", Select("up"), window).render()


def test_only_known_functions_and_operators_are_used() -> None:
    with pytest.raises(SourceError):
        Aggregate("drop", Select("up")).render()
    with pytest.raises(SourceError):
        Binary(Number(1.0), "unless", Number(2.0)).render()
