"""What a prompt forbids, code enforces: the table names the check, and a test breaks each."""

import re
from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest

from aiops_agent.agents.asking import PROMPTS, packaged_prompts
from aiops_agent.agents.constraints import CONSTRAINTS

TESTS = "\n".join(
    file.read_text("utf-8")
    for file in Path(__file__).parents[1].rglob("*.py")
    if file.name not in (Path(__file__).name, "seams.py")
)
# A test that breaks the rule, where it does not call the check by its name.
BROKEN_BY = {
    "ask": "test_a_name_outside_the_menus_is_no_answer",
    "_stricter": "test_whatever_a_model_says_triage_is_no_milder",
    "_doubted": "test_a_doubt_counts_only_where_telemetry_shows_it",
    "flaw": "test_a_false_claim_goes_back_once_and_is_then_struck",
    "flaw_of": "UNSUPPORTED",
}


def forbidden(prompt: str) -> list[str]:
    """Every line of a prompt that begins with Never or Do not, its own lines joined."""
    text = packaged_prompts()[prompt]
    rules = re.findall(r"(?m)^- ((?:.|\n(?!- |\n|$))+)", text)
    flat = [" ".join(rule.split()) for rule in rules]
    return [re.sub(r" (?=Cite one)", " ", rule) for rule in flat if re.match("Never|Do not", rule)]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_table_and_the_prompt_forbid_the_same(prompt: str) -> None:
    listed = [one.words for one in CONSTRAINTS if one.prompt == prompt]
    assert sorted(listed) == sorted(forbidden(prompt))
    assert listed


@pytest.mark.parametrize("check", sorted({one.check for one in CONSTRAINTS}))
def test_every_check_is_there_and_a_test_breaks_it(check: str) -> None:
    module, _, name = check.partition(":")
    found = reduce(getattr, name.split("."), import_module(module))
    assert callable(found)
    last = name.split(".")[-1]
    assert re.search(rf"\b{BROKEN_BY.get(last, last)}\b", TESTS)


def test_counts(record_property: object) -> None:
    checks = len({one.check for one in CONSTRAINTS})
    assert callable(record_property)
    record_property("count", f"{len(CONSTRAINTS)} prohibitions in prompts, {checks} checks in code")
    assert len(CONSTRAINTS) >= 20
