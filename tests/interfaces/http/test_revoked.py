"""After the only token was revoked: is anybody let in, with it or without?"""

from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from aiops_agent.adapters.sql.store import SqlStore
from aiops_agent.domain.token import CONFIGURED, Token, hashed
from aiops_agent.workflow.queries import Queries
from tests import seams
from tests.interfaces.http.conftest import JSON, FakeMetrics, FakeService, app_of
from tests.interfaces.http.wires import PATH, alert

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def asked(store: SqlStore) -> list[int]:
    """Make the only token and revoke it; return what is answered with none, it and another."""
    service, queries = FakeService(), Queries(store)
    service.guarded, service.token = queries.guarded, queries.token  # type: ignore[method-assign] # the real ones
    client = TestClient(
        app_of(service, FakeMetrics(), tokens_required=False), base_url="http://localhost"
    )
    with store.begin() as work:
        work.tokens.add(Token(name="only", secret=hashed("aiops_x"), created_at=NOW))
        work.tokens.revoke("only", NOW)
    shown: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": "Bearer aiops_x"},
        {"Authorization": "Bearer aiops_y"},
    )
    found = [client.post(PATH, content=alert(), headers={**JSON, **one}) for one in shown]
    found += [client.get("/api/v1/incidents", headers=one) for one in shown]
    client.close()
    return [answer.status_code for answer in found]


def test_nobody_is_let_in_after_the_only_token_was_revoked(store: SqlStore) -> None:
    assert asked(store) == [401] * 6


def test_the_token_of_the_configuration_counts_beside_those_of_the_store(store: SqlStore) -> None:
    own = Token(name=CONFIGURED, secret=hashed("aiops_own"), created_at=NOW)
    queries = Queries(store, configured=(own,))
    with store.begin() as work:
        work.tokens.add(Token(name="other", secret=hashed("aiops_other"), created_at=NOW))

    assert Queries(store, configured=(own,)).guarded()
    assert [one.name for one in queries.tokens()] == [CONFIGURED, "other"]
    assert queries.token("aiops_own") == own
    assert queries.token("aiops_other")
    assert queries.token("aiops_x") is None


def test_a_door_that_forgets_its_tokens_is_seen(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.GUARDED.plant(
        monkeypatch, lambda self: any(one.revoked_at is None for one in self.tokens())
    )

    assert asked(store) == [200] * 6
