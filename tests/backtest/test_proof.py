"""Mode `act` warns until marked answers or approved runs of that kind stand behind it."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiops_agent.actions.scale import SCALE
from aiops_agent.bootstrap.backtest import FOLDER, backtesting
from aiops_agent.bootstrap.proof import ENOUGH, unproven
from aiops_agent.domain.approval import ApprovalRequest, ApprovalState, Surface
from aiops_agent.domain.backtest import PersonMark, Rightness
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.errors import UsageError
from aiops_agent.settings.load import load
from aiops_agent.settings.sections import Settings
from aiops_agent.workflow.queries import Queries
from tests.backtest.past import FIRED, often
from tests.safety.plans import a_decision, a_plan, a_request

HERE = EnvironmentRef.parse("docker:shop")


def settings(folder: Path, mode: str = "act") -> Settings:
    file = folder / "aiops.yaml"
    text = f"mode: {mode}\nenvironment: {HERE}\nsources: {{prometheus: {{url: 'http://127.0.0.1:9'}}}}\n"
    file.write_text(f"{text}state_dir: {folder}\n")
    file.chmod(0o600)
    return load(file, environ={}).settings


def queries(*requests: ApprovalRequest) -> Queries:
    """What the store knows of approvals."""

    def approvals(states: Any, limit: int) -> list[Any]:
        return [one.in_short for one in requests if one.state in states][:limit]

    known = {one.id: one for one in requests}
    return cast("Queries", SimpleNamespace(approvals=approvals, approval=known.__getitem__))


def runs(count: int, ref: EnvironmentRef = HERE, **decision: Any) -> list[ApprovalRequest]:
    plan = a_plan(1, 1).model_copy(update={"environment": ref})
    by = a_decision(plan, **decision)
    return [
        a_request(plan, ApprovalState.USED, id=f"INC-{n:04}.1", decision=by) for n in range(count)
    ]


def names(folder: Path, *requests: ApprovalRequest, mode: str = "act") -> list[str]:
    return [one.name for one in unproven(settings(folder, mode), queries(*requests))]


def test_only_mode_act_warns_and_says_what_is_missing(tmp_path: Path) -> None:
    assert names(tmp_path, mode="propose") == []
    [note] = unproven(settings(tmp_path), queries(*runs(3)))
    assert note.name == "act shop/scale_pods"
    assert f"3 of {ENOUGH} approved runs" in note.words
    assert "aiops backtest" in note.remedy


@pytest.mark.parametrize(
    ("ran", "warned"),
    [
        (runs(ENOUGH), False),
        (runs(ENOUGH - 1), True),
        (runs(ENOUGH, EnvironmentRef.parse("shop:a")), True),  # a demo proves nothing here
        (runs(ENOUGH, surface=Surface.POLICY), True),  # nobody looked
    ],
)
def test_approved_runs_stand_behind_it(
    ran: list[ApprovalRequest], warned: bool, tmp_path: Path
) -> None:
    assert bool(names(tmp_path, *ran)) is warned


async def test_marked_answers_stand_behind_it_when_more_are_right(tmp_path: Path) -> None:
    past = often(2)
    await past.run()
    held = backtesting(settings(tmp_path), "", None)
    assert held.file.path.parent == tmp_path / FOLDER
    first, second = past.answers().values()
    for one in (first, second):
        held.file.keep(one)
    assert names(tmp_path) == [f"act shop/{SCALE.kind}"]

    held.mark(first.id.lower(), Rightness.RIGHT, "ann")
    assert names(tmp_path) == []
    held.mark(second.id, Rightness.WRONG, "ann")
    assert names(tmp_path) == [f"act shop/{SCALE.kind}"]
    held.file.keep(PersonMark(id=second.id, rightness=Rightness.RIGHT, by="bo", at=FIRED))
    assert names(tmp_path) == []
    with pytest.raises(UsageError, match="Did you mean"):
        held.mark(f"{first.id}X", Rightness.RIGHT, "ann")
    with pytest.raises(UsageError, match="no backtest"):
        held.report()


def test_an_environment_is_named_where_there_are_several(tmp_path: Path) -> None:
    made = settings(tmp_path)
    with pytest.raises(UsageError, match="--environment shop"):
        backtesting(made, "shp", None)
    assert replace(backtesting(made, "shop", tmp_path / "x")).file.path.parent == tmp_path / "x"
