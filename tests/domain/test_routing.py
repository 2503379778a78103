"""Does every alert find its environment, or a sentence why it found none?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.routing import Claim, Routed, Routes

EU, US = EnvironmentRef.parse("docker:eu"), EnvironmentRef.parse("docker:us")
BOTH = Routes(
    (
        Claim(environment=EU, labels={"cluster": "prod-eu"}),
        Claim(environment=US, labels={"cluster": "prod-us"}),
    )
)


def test_the_path_decides_before_the_labels() -> None:
    assert BOTH.route({"cluster": "prod-us"}, "eu").environment == EU


def test_the_labels_decide_where_the_path_says_nothing() -> None:
    assert BOTH.route({"cluster": "prod-us", "x": "y"}).environment == US


def test_the_only_environment_takes_every_alert() -> None:
    assert Routes((Claim(environment=EU),)).route({"cluster": "?"}) == Routed(EU)


@pytest.mark.parametrize(
    ("labels", "name", "why"),
    [
        ({}, "", "No environment claims it; labels that decide: cluster."),
        ({"cluster": "x"}, "", "No environment claims it; labels that decide: cluster."),
        (
            {"cluster": "prod-eu"},
            "mars",
            "There is no environment 'mars' for this sender.",
        ),
    ],
)
def test_an_alert_that_nobody_claims_says_why(labels: dict[str, str], name: str, why: str) -> None:
    assert BOTH.route(labels, name) == Routed(None, why)


def test_an_alert_that_two_claim_belongs_to_none() -> None:
    team = Claim(environment=EnvironmentRef.parse("docker:pay"), labels={"team": "pay"})
    routes = Routes((*BOTH.claims, team))

    found = routes.route({"cluster": "prod-eu", "team": "pay"})

    assert found == Routed(None, "Several environments claim it by its labels: eu, pay.")


def test_environments_without_labels_are_reached_by_their_path_only() -> None:
    routes = Routes((Claim(environment=EU), Claim(environment=US)))

    assert routes.route({}).why == "No environment claims it; no environment has labels."
    assert routes.route({}, "us").environment == US


LABELS = st.dictionaries(
    st.sampled_from(["cluster", "team"]), st.sampled_from(["prod-eu", "prod-us", "x"])
)


@given(LABELS, st.sampled_from(["", "eu", "us", "x"]))
def test_what_a_token_does_not_name_is_never_reached(labels: dict[str, str], name: str) -> None:
    assert BOTH.route(labels, name, (EU,)).environment in (EU, None)


def test_an_alert_that_another_environment_claims_does_not_fall_to_the_tokens_only_one() -> None:
    assert BOTH.route({"cluster": "prod-us"}, "", (EU,)).environment is None
    assert BOTH.route({}, "", (EU,)).environment == EU
