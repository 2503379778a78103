"""A slip of the finger finds the name that was meant."""

from aiops_agent.domain.spelling import did_you_mean, nearest


def test_the_likest_name_comes_first() -> None:
    assert nearest("payments-apy", ["orders", "payments-api", "payments-db"])[0] == "payments-api"


def test_a_stranger_is_like_nobody() -> None:
    assert did_you_mean("qqqq", ["orders", "cart"]) == ""


def test_case_does_not_matter() -> None:
    assert did_you_mean("inc-0001", ["INC-0001"]) == " Did you mean INC-0001?"
