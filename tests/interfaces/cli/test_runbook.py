"""`aiops runbook`: lists, finds flaws with code 3, and says which page fits an incident."""

from pathlib import Path

import pytest

from tests.interfaces.cli.conftest import Aiops

PAGE = "---\nname: pool\ndescription: the pool is full\nmatch: { service: payments-api }\n---\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    books = tmp_path / "books"
    books.mkdir()
    (books / "pool.md").write_text(PAGE)
    monkeypatch.setenv("AIOPS_RUNBOOKS_FOLDER", str(books))
    return books


def test_the_list_names_each_page(folder: Path, aiops: Aiops) -> None:
    assert [one["name"] for one in aiops("runbook", "list", "--json").data] == ["pool"]
    assert "service payments-api" in aiops("runbook", "list").out


def test_without_a_folder_it_says_how_to_set_one(aiops: Aiops) -> None:
    ran = aiops("runbook", "list")

    assert ran.code == 0
    assert "runbooks.folder" in ran.err
    assert aiops("runbook", "check").code == 2


def test_check_ends_with_3_for_a_flaw_and_says_where(folder: Path, aiops: Aiops) -> None:
    good = aiops("runbook", "check")
    (folder / "bad.md").write_text("# nothing\n")
    bad = aiops("runbook", "check")
    page = aiops("runbook", "check", str(folder / "pool.md"), "--json")

    assert (good.code, bad.code, page.code) == (0, 3, 0)
    assert "bad.md:1:1: expected" in bad.err
    assert page.data == {"runbooks": ["pool"], "flaws": []}


def test_match_says_why_a_page_fits(folder: Path, aiops: Aiops) -> None:
    ran = aiops("runbook", "match", "INC-0001", "--json")

    assert ran.code == 0
    assert [hit["reasons"] for hit in ran.data] == [["service payments-api"]]
    assert aiops("runbook", "match", "INC-9").code == 2
