"""A sample of the crowd that answers at once; `make prove` lets 4 processes attack 10,000."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aiops_agent.domain.approval import ApprovalState, Decision
from aiops_agent.workflow.gate import Gate
from bench.crowd import BLOCK, FLAWS, by_threads

Record = Callable[[str, object], None]


@pytest.mark.slow
def test_of_four_crews_of_sixteen_one_answer_counts(
    store_url: str, tmp_path: Path, record_property: Record
) -> None:
    found = by_threads(store_url, tmp_path, 1, 2 * BLOCK, (4, 16))
    assert [found[flaw] for flaw in FLAWS] == [0, 0, 0, 0]
    assert min(found["approved"], found["rejected"], found["armed"]) > 0
    kind = store_url.partition(":")[0]
    record_property(
        "count",
        f"crowd ({kind}): {found['questions']} questions, {found['moves']} moves of 4 x 16, "
        f"{found['jumps']} jumps of the clock, one outcome each",
    )


def careless(gate: Gate, request_id: str, decision: Decision) -> None:
    """Answer without compare-and-set: what was read before is written, whatever is there by now."""
    request = gate.get(request_id)
    if request.state is not ApprovalState.PENDING:
        return
    state = ApprovalState.APPROVED if decision.approve else ApprovalState.REJECTED
    answered = request.model_copy(update={"state": state, "decision": decision})
    with gate.deps.store.begin() as work:
        found = work.approvals.get(request_id)
        assert found is not None
        work.approvals.change(answered, was=found.state)


@pytest.mark.slow
def test_an_answer_without_compare_and_set_is_caught(store_url: str, tmp_path: Path) -> None:
    found = by_threads(store_url, tmp_path, 1, BLOCK, (4, 16), careless)
    assert found["two outcomes"] > 0
