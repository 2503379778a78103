"""The audit log beside the ledger: what the command tells of a log, and what it must catch."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from aiops_agent.domain.ledger import Intent, IntentState
from aiops_agent.domain.remediation import Request
from bench.cluster_audit import judged, requests

READER, EXECUTOR = "system:serviceaccount:ops:aiops", "system:serviceaccount:ops:aiops-executor"
PATH = "/apis/apps/v1/namespaces/shop/deployments/web"
OPERATION = "INC-0001.1.1.1"


def line(user: str, verb: str, uri: str, code: int = 200, operation: str = "") -> str:
    """One request as the API server notes it."""
    agent = "aiops-agent/0.1.0" + (f" ({operation})" if operation else "")
    return json.dumps(
        {
            "stage": "ResponseComplete",
            "requestURI": uri,
            "verb": verb,
            "user": {"username": user},
            "userAgent": agent,
            "responseStatus": {"code": code},
        }
    )


def intent(
    state: IntentState = IntentState.APPLIED,
    operation: str = OPERATION,
    words: str = f"PATCH {PATH}",
) -> Intent:
    """One row of the ledger."""
    return Intent(
        operation=operation,
        incident="INC-0001",
        plan="0" * 64,
        ordinal=1,
        undo=False,
        request=Request(operation=operation, words=words, payload={}, repeatable=True),
        state=state,
        armed_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    )


HONEST = [
    line(READER, "list", "/api/v1/namespaces/shop/pods?limit=250"),
    line(READER, "create", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", 201),
    line(EXECUTOR, "patch", f"{PATH}?dryRun=All&fieldManager=aiops-agent", 200, OPERATION),
    line(EXECUTOR, "patch", f"{PATH}?fieldManager=aiops-agent", 200, OPERATION),
    line(EXECUTOR, "patch", f"{PATH}?fieldManager=aiops-agent", 422, OPERATION),
    line("admin", "delete", PATH),
]


def missed(lines: list[str], *ledger: Intent) -> Mapping[str, float]:
    """Return the rows that missed their goal."""
    rows = judged(list(requests(lines)), ledger, READER, EXECUTOR)
    return {one.row.removeprefix("audit: "): one.measured for one in rows if not one.met}


def test_a_log_that_says_what_the_ledger_says_has_no_miss() -> None:
    assert missed(HONEST, intent()) == {}


def test_an_eviction_and_its_record_are_one() -> None:
    path, operation = "/api/v1/namespaces/shop/pods/web-1/eviction", "INC-0002.1.1.2"
    evicted = line(EXECUTOR, "create", path, 201, operation)
    record = intent(operation=operation, words=f"POST {path}")

    assert missed([*HONEST, evicted], intent(), record) == {}
    assert set(missed([*HONEST, evicted], intent())) == {
        "writes without a record of that operation",
        "changes without a record of an effect",
    }


@pytest.mark.parametrize(
    ("more", "ledger", "row"),
    [
        (line(READER, "patch", PATH), (intent(),), "requests of who reads that are no read"),
        (
            line(EXECUTOR, "patch", PATH, 200, "INC-0002.1.1.1"),
            (intent(),),
            "writes without a record of that operation",
        ),
        (
            line(EXECUTOR, "delete", PATH, 403),
            (intent(),),
            "writes without a record of that operation",
        ),
        (
            line(EXECUTOR, "patch", f"{PATH}-other", 200, OPERATION),
            (intent(),),
            "writes without a record of that operation",
        ),
        (
            line(EXECUTOR, "patch", PATH, 200, OPERATION),
            (intent(),),
            "records of an effect without one request",
        ),
        (
            line("admin", "get", PATH),
            (intent(), intent(operation="INC-0003.1.1.1")),
            "records of an effect without one request",
        ),
        (
            line("admin", "get", PATH),
            (intent(IntentState.REFUSED),),
            "changes without a record of an effect",
        ),
    ],
)
def test_what_one_of_them_does_not_know_is_told(
    more: str, ledger: tuple[Intent, ...], row: str
) -> None:
    assert row in missed([*HONEST, more], *ledger)
