"""Are alerts kept for the environment they belong to, and never for one beyond the token?"""

import json
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import pytest

from aiops_agent.adapters import alertmanager
from aiops_agent.domain.alert import AlertGroup, Delivery
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.redact import Redactor
from aiops_agent.domain.routing import Claim, Routed, Routes
from aiops_agent.domain.token import Token
from aiops_agent.ports.store import Store, Work
from aiops_agent.workflow import intake as intaking
from aiops_agent.workflow.intake import Intake, without_secrets
from tests import seams
from tests.workflow.place import an_alert

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
EU, US = EnvironmentRef.parse("docker:eu"), EnvironmentRef.parse("docker:us")
ONLY_EU = Token(name="eu", secret="", created_at=NOW, environments=(EU,))


def intake(store: Store) -> Intake:
    claims = (
        Claim(environment=EU, labels={"cluster": "prod-eu"}),
        Claim(environment=US, labels={"cluster": "prod-us"}),
    )
    return Intake(
        store=store,
        routes=Routes(claims),
        decoders={"alertmanager": alertmanager.decode},
        now=lambda: NOW,
    )


def body(*clusters: str) -> bytes:
    alerts = [
        {"status": "firing", "labels": {"alertname": "A", "cluster": cluster, "n": str(number)}}
        for number, cluster in enumerate(clusters)
    ]
    return json.dumps({"version": "4", "alerts": alerts}).encode()


def waiting(store: Store, environment: EnvironmentRef) -> tuple[Delivery, ...]:
    with store.read() as view:
        return view.inbox.waiting(10, environment=environment)


def test_one_body_is_kept_apart_for_each_environment(store: Store) -> None:
    intake(store).take("alertmanager", body("prod-eu", "prod-us", "prod-eu"))

    assert [len(one.alerts) for one in waiting(store, EU)] == [2]
    assert [len(one.alerts) for one in waiting(store, US)] == [1]


@pytest.mark.parametrize(
    ("alerts", "parts", "transactions"),
    [(1, [(0, 1)], 1), (2, [(0, 2)], 1), (5, [(0, 2), (1, 2), (2, 1)], 3)],
)
def test_a_long_body_is_kept_part_by_part_and_told_as_one(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    alerts: int,
    parts: list[tuple[int, int]],
    transactions: int,
) -> None:
    monkeypatch.setattr(intaking, "PART", 2)
    begun: list[int] = []
    begin = type(store).begin

    def counted(self: Store) -> AbstractContextManager[Work]:
        begun.append(1)
        return begin(self)

    monkeypatch.setattr(type(store), "begin", counted)

    (told,) = intake(store).take("alertmanager", body(*["prod-eu"] * alerts))

    kept = waiting(store, EU)
    assert [(one.part, len(one.alerts)) for one in kept] == parts
    assert [bool(one.body) for one in kept] == [True] + [False] * (len(parts) - 1)
    assert (told.id, len(told.alerts), len(begun)) == (kept[0].id, alerts, transactions)


def test_what_nobody_claims_is_kept_with_the_reason_and_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    (kept,) = intake(store).take("alertmanager", body("moon"))

    with store.read() as view:
        assert view.inbox.waiting(10) == (kept,)
    assert (kept.environment, len(kept.alerts)) == (None, 1)
    assert kept.unclaimed == "No environment claims it; labels that decide: cluster."
    assert "no environment claims" in caplog.text


def test_an_unknown_name_in_the_path_is_kept_with_the_reason(store: Store) -> None:
    (kept,) = intake(store).take("alertmanager", body("prod-eu"), name="mars")

    assert kept.environment is None
    assert "no environment 'mars'" in kept.unclaimed


def reached(store: Store) -> bool:
    """Whether a token for one environment puts anything into the inbox of another."""
    for name, cluster in (("us", "prod-eu"), ("", "prod-us"), ("us", "prod-us")):
        intake(store).take("alertmanager", body(cluster), name=name, token=ONLY_EU)
    return bool(waiting(store, US))


def test_a_token_for_one_environment_cannot_reach_another(store: Store) -> None:
    assert not reached(store)


def test_a_router_that_forgets_the_token_is_caught(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Routes.route

    def forgetful(self: Routes, labels: Any, name: str = "", _allowed: Any = ()) -> Routed:
        return honest(self, labels, name)

    seams.ROUTE.plant(monkeypatch, forgetful)

    assert reached(store)


SECRET = "hunter2-hunter2"


def test_every_place_in_which_a_delivery_may_carry_a_secret_is_cleaned_and_no_other() -> None:
    """Also the names of labels; what was not sent stays away; the digest is of what came."""
    words = {f"name {SECRET}": f"say {SECRET}", "cluster": "prod-eu"}
    url = f"https://wiki.test/?q={SECRET}"
    alert = an_alert(labels=words, annotations=words, generator_url=url, runbook=url)
    bare = an_alert()
    group = AlertGroup(group_labels=words, alertmanager_url=url)
    delivery = Delivery(
        source="alertmanager",
        digest="0" * 64,
        body=f"a body with {SECRET}",
        rejected=f"{SECRET} is no alert",
        alerts=(alert, bare),
        group=group,
        received_at=NOW,
    )

    clean = without_secrets(delivery, Redactor([SECRET]))

    assert SECRET not in str(clean.document())
    first, second = clean.alerts
    for table in (first.labels, first.annotations, clean.group.group_labels):
        assert len(table) == 2
        assert table["cluster"] == "prod-eu"
    for link in (first.generator_url, first.runbook, clean.group.alertmanager_url):
        assert link is not None
        assert link.startswith("https://wiki.test/")
    assert second == bare
    assert clean.body.startswith("a body with ")
    assert clean.rejected.endswith(" is no alert")
    assert (clean.digest, clean.received_at) == (delivery.digest, NOW)
    assert without_secrets(delivery, Redactor()) == delivery
