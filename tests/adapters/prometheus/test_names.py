"""A label's value names a service by any of its names."""

import pytest

from aiops_agent.adapters.prometheus.names import Names
from aiops_agent.domain.declaration import Declaration, Match
from aiops_agent.domain.survey import Instances
from aiops_agent.domain.telemetry import ServiceName

PAY, CART = ServiceName("pay"), ServiceName("cart")
ID = "ab" * 32
RUNNING = [
    Instances(service=PAY, aliases=("shop-pay-1", ID, ID[:12], "172.18.0.3", "10.0.0.1")),
    Instances(service=CART, aliases=("shop-cart-1", "172.18.0.4", "10.0.0.1")),
]
NAMES = Names.of(RUNNING, {})


@pytest.mark.parametrize(
    "value",
    [
        "pay",
        "Pay",
        "shop-pay-1",
        "/shop-pay-1",
        "172.18.0.3:8080",
        "prod/pay",
        "pay.prod.svc.cluster.local",
        "pay:9090",
        f"/docker/{ID}",
        f"/system.slice/docker-{ID}.scope",
        ID[:12],
    ],
)
def test_a_value_in_any_usual_spelling_names_the_service(value: str) -> None:
    assert NAMES.meant(value) == PAY


@pytest.mark.parametrize("value", ["payments", "172.18.0.30:80", "", "10.0.0.1:80"])
def test_other_values_and_shared_names_are_nobodys(value: str) -> None:
    assert NAMES.meant(value) is None


def test_the_first_label_that_names_a_service_decides() -> None:
    assert NAMES.owner({"job": "cart", "instance": "172.18.0.3:80"}, ("job", "instance")) == CART
    assert NAMES.owner({"job": "x", "instance": "172.18.0.3:80"}, ("job", "instance")) == PAY


def test_declared_labels_win_and_must_all_match() -> None:
    declared = Declaration(match=Match(labels={"job": "x", "env": "prod"}))
    names = Names.of(RUNNING, {ServiceName("legacy"): declared})

    assert names.owner({"job": "x", "env": "prod"}, ("job",)) == "legacy"
    assert names.owner({"job": "x", "env": "test"}, ("job",)) is None
