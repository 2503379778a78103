"""Expressions of alerting rules, read into trees."""

import pytest

from aiops_agent.reading.expression import AlertExpression, Condition, read_expression
from aiops_agent.reading.promql import UnreadableExpression, parse
from aiops_agent.reading.tree import (
    BinaryNode,
    CallNode,
    LabelMatcher,
    NumberNode,
    SelectorNode,
    SubqueryNode,
    constant,
)


def read(text: str) -> AlertExpression:
    made = read_expression(text)
    assert made is not None
    return made


def test_multiplication_binds_closer_than_addition_and_a_power_closer_than_a_sign() -> None:
    assert constant(parse("2 + 3 * 4 - 6 / 2")) == 11
    assert parse("-x ^ 2") == BinaryNode(
        "*", NumberNode(-1), BinaryNode("^", SelectorNode("x"), NumberNode(2))
    )


def test_selectors_keep_their_labels_and_ranges() -> None:
    made = parse("""{__name__="a:b", job=~'x|y', "utf8.label"!="z",}[5m] offset -1h @ end()""")
    wanted = (LabelMatcher("job", "=~", "x|y"), LabelMatcher("utf8.label", "!=", "z"))
    assert made == SelectorNode("a:b", wanted, 300.0)
    assert parse('{"http.server.duration", code="500"}') == SelectorNode(
        "http.server.duration", (LabelMatcher("code", "=", "500"),)
    )


@pytest.mark.parametrize("text", ["sum by (job) (x)", "sum(x) by (job)", "SUM(x) BY (job,)"])
def test_a_grouping_stands_on_either_side(text: str) -> None:
    assert parse(text) == CallNode("sum", (SelectorNode("x"),), ("job",))


@pytest.mark.parametrize("text", ["max_over_time(x[1h:5m])", "max_over_time((x)[1h:])"])
def test_subqueries_keep_their_range(text: str) -> None:
    assert parse(text) == CallNode("max_over_time", (SubqueryNode(SelectorNode("x"), 3600.0),))


def test_how_two_sides_are_matched_is_passed_over() -> None:
    text = "a * on (pod, ns) group_left(owner) b > bool 0  # a comment"
    made = parse(text)
    assert made == BinaryNode(
        ">", BinaryNode("*", SelectorNode("a"), SelectorNode("b")), NumberNode(0)
    )


@pytest.mark.parametrize(
    "text",
    [
        "(" * 500 + "1" + ")" * 500,
        "-" * 500 + "1",
        "a" + "+a" * 5000,
        "x" * 20_001,
        "a[",
        "sum by",
        "a b",
        "a{b=}",
        "a[" + "9" * 9000 + "]x",
        "rate(x[5m]",
        "£",
        "",
    ],
)
def test_what_is_no_expression_or_too_deep_is_refused_and_costs_no_stack(text: str) -> None:
    with pytest.raises(UnreadableExpression):
        parse(text)
    assert read_expression(text) is None


def test_the_first_condition_is_what_an_alert_is_about() -> None:
    made = read("(avail / size * 100 < 10 and on (i) readonly == 0) or vector(1) > 2")
    assert [one.metric for one in made.measured] == ["avail", "size"]
    assert (made.condition.sign, made.condition.limit, made.ratio) == ("<", 10.0, True)


def test_a_limit_may_stand_on_the_left() -> None:
    assert read("0.5 < x").condition == Condition(SelectorNode("x"), ">", 0.5)


def test_series_that_only_lend_labels_are_not_measured() -> None:
    made = read("depth * on (i) group_left(cluster) rabbitmq_identity_info > 5")
    assert [one.metric for one in made.measured] == ["depth"]


def test_quantile_window_and_functions_are_told() -> None:
    made = read('histogram_quantile(0.99, sum by (le) (rate(d_bucket{a="b"}[2m]))) > 1')
    assert (made.quantile, made.window) == (0.99, 120.0)
    assert made.measured[0].through == ("histogram_quantile", "sum", "rate")
    assert read('rpc_seconds{quantile="0.5"} > 1').quantile == 0.5


def test_numbers_beyond_all_bounds_are_infinite() -> None:
    assert constant(parse("0x" + "f" * 400)) == float("inf")
    assert read("a[" + "9" * 9000 + "d] > 1").window == float("inf")
