"""Prompts and policies of one's own: used as they are, or told in a sentence."""

from pathlib import Path

import pytest

from aiops_agent.agents.asking import PROMPTS
from aiops_agent.bootstrap.application import application
from aiops_agent.domain.errors import SettingsError
from aiops_agent.settings.pages import read_pages
from aiops_agent.settings.sections import Settings


def folder(path: Path, **pages: str | bytes) -> Path:
    path.mkdir()
    for name, text in pages.items():
        written = text.encode() if isinstance(text, str) else text
        (path / f"{name}.md").write_bytes(written)
    return path


def test_own_pages_replace_the_packaged_ones(tmp_path: Path) -> None:
    prompts = folder(tmp_path / "p", plan="Choose well.\n")
    policies = folder(tmp_path / "q", nights="No scaling at night.", weekend="Ask on Sundays.")
    found = read_pages(prompts, policies, PROMPTS)
    assert found.flaws == ()
    assert found.prompts == {"plan": "Choose well."}
    assert [page.name for page in found.policies] == ["nights.md", "weekend.md"]
    assert read_pages(None, None, PROMPTS).policies == ()


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ({"plan": ""}, "has 0 characters"),
        ({"plan": "x" * 6001}, "has 6001 characters"),
        ({"plan": b"\xff\xfe"}, "cannot be read"),
        ({"plam": "x"}, "there is no agent 'plam'. Did you mean plan?"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_told(
    tmp_path: Path, pages: dict[str, str | bytes], said: str
) -> None:
    (flaw,) = read_pages(folder(tmp_path / "p", **pages), None, PROMPTS).flaws
    assert said in flaw


def test_a_folder_that_is_missing_empty_or_too_full_is_told(tmp_path: Path) -> None:
    assert "There is no folder" in read_pages(tmp_path / "none", None, PROMPTS).flaws[0]
    assert "holds no page" in read_pages(None, folder(tmp_path / "e"), PROMPTS).flaws[0]
    many = folder(tmp_path / "m", **{f"p{n}": "x y z" for n in range(21)})
    assert "at most 20" in read_pages(None, many, PROMPTS).flaws[0]


async def test_a_flaw_is_told_when_work_begins(tmp_path: Path) -> None:
    models = {"prompts": str(folder(tmp_path / "p", plan=""))}
    built = application(Settings(state_dir=tmp_path / "s", models=models))  # type: ignore[arg-type]  # pydantic takes it
    with pytest.raises(SettingsError, match=r"plan\.md has 0 characters"):
        async with built.engine("shop"):
            pass
    built.close()
