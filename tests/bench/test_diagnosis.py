"""The rows of the shop are what its runs say, and what was run is not run again."""

from dataclasses import replace
from pathlib import Path

import pytest

from aiops_agent.simulator.scenarios import SCENARIOS
from bench import diagnosis
from bench.shop_runs import CONDITIONS, PLAIN, TWO, Run, runs, second_fault

RUN = Run(
    scenario="hung-process",
    seed=1,
    condition=PLAIN.name,
    verdict="confirmed",
    named="cart",
    kind="hang",
    confidence="high",
    plan="act",
    right=True,
    both=False,
    curable=True,
    harmful=False,
)


def met(*found: Run) -> dict[str, bool]:
    return {goal.row: goal.met for goal in diagnosis.rows(found)}


def test_a_wrong_name_with_high_and_a_harmful_plan_miss_their_goals() -> None:
    wrong = replace(RUN, right=False, harmful=True)

    rows = met(RUN, wrong)

    assert not rows["right, plain"]
    assert not rows["wrong with HIGH, plain"]
    assert not rows["harmful, plain"]
    assert met(RUN)["right, plain"]


def test_a_handover_is_no_plan_where_something_could_be_done() -> None:
    assert not met(replace(RUN, plan="handover"))["plans made, plain"]


def test_an_alert_about_a_healthy_shop_must_name_nobody() -> None:
    well = replace(RUN, scenario="healthy 1", named="", right=True, plan="")

    assert met(RUN, well)["nothing wrong, healthy"]
    assert not met(RUN, replace(well, right=False))["nothing wrong, healthy"]


def test_what_was_run_is_kept_and_a_torn_line_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def of(task: diagnosis.Task) -> list[Run]:
        asked.append(task)
        return [RUN]

    monkeypatch.setattr(diagnosis, "of", of)
    kept, wanted = tmp_path / "kept.jsonl", [("a", 1), ("b", 2)]

    first = list(diagnosis.done(kept, wanted, 1))
    kept.write_text(kept.read_text()[:-5])

    assert list(diagnosis.done(kept, wanted, 1)) == first == [(("a", 1), [RUN]), (("b", 2), [RUN])]
    assert asked == [("a", 1), ("b", 2), ("b", 2)]


@pytest.mark.parametrize("seed", range(5))
def test_a_second_fault_strikes_another_service_at_about_the_same_time(seed: int) -> None:
    first = SCENARIOS["hung-process"].fault_of(seed)

    other = second_fault(first, seed, first.at)

    assert other.service != first.service
    assert abs(other.at - first.at) <= 65.0
    assert second_fault(first, seed, first.at).at == other.at


@pytest.mark.slow
async def test_one_shop_is_seen_in_every_condition() -> None:
    found = await runs("hung-process", 3)

    assert [one.condition for one in found if one.condition != TWO.name] == [
        one.name for one in CONDITIONS if not one.two
    ]
    assert next(one for one in found if one.condition == PLAIN.name).right
