"""Runbooks are read as people write them, also those of HolmesGPT; each flaw is one sentence."""

from pathlib import Path

import pytest

from aiops_agent.settings.runbooks import Shelf, read_runbooks

ACTIONS = ("scale_pods", "rollback_release")
PAGE = """---
name: payments-pool
description: payments connection pool exhausted, checkout 5xx or latency
match: { alertname: [CheckoutHighErrorRate], service: payments }
owner: team-payments
safe_actions: [rollback_release, scale_pods]
---
## Checks
1. look
"""


def read(folder: Path, **pages: str) -> Shelf:
    for name, text in pages.items():
        page = folder / name.replace("__", "/")
        page.parent.mkdir(parents=True, exist_ok=True)
        page.with_suffix(".md").write_text(text)
    return read_runbooks(folder, ACTIONS)


def test_a_page_is_read_with_everything_it_says(tmp_path: Path) -> None:
    [book] = read(tmp_path, pool=PAGE).runbooks

    assert (book.name, book.owner, book.file) == ("payments-pool", "team-payments", "pool.md")
    assert book.match == {"alertname": ("CheckoutHighErrorRate",), "service": ("payments",)}
    assert book.safe_actions == ("rollback_release", "scale_pods")
    assert book.section("Checks") == "1. look"


def test_a_page_without_a_name_has_that_of_its_file(tmp_path: Path) -> None:
    shelf = read(tmp_path, Slow_Cart="---\ndescription: x\n---\n")

    assert [book.name for book in shelf.runbooks] == ["slow_cart"]


def test_a_skill_of_holmesgpt_is_read_and_its_other_keys_are_its_own(tmp_path: Path) -> None:
    skill = "---\ndescription: dns fails\nallowed-tools: [bash]\n---\n# Steps\n"
    [book] = read(tmp_path, dns__SKILL=skill).runbooks

    assert (book.name, book.match) == ("dns", {})


def test_a_readme_and_hidden_folders_are_no_runbooks(tmp_path: Path) -> None:
    shelf = read(tmp_path, pool=PAGE, **{"README": "hello", ".git__x": "hello"})

    assert len(shelf.runbooks) == 1
    assert shelf.flaws == ()


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("# no front matter\n", "bad.md:1:1: expected `---`"),
        ("---\nname: a\n", "expected `---`"),
        ("---\nname: a\n---\n", "description: field required."),
        ("---\ndescription: d\ndescripton: e\n---\n", "Did you mean description?"),
        ("---\nname: A b\ndescription: d\n---\n", "bad.md:2:1: name: "),
        ("---\ndescription: d\nmatch: payments\n---\n", "bad.md:3:1: match: lines such as"),
        ("---\ndescription: d\nmatch:\n  service: []\n---\n", "bad.md:4:3: match.service: a word"),
        ("---\ndescription: d\nmatch: {service: {a: b}}\n---\n", "match.service: a word"),
        ("---\ndescription: d\nsafe_actions: [scale_pod]\n---\n", "Did you mean scale_pods?"),
        ("---\ndescription: [\n---\n", "not YAML"),
        ("---\ndescription: d\n---\n" + "x" * 20_001, "text: "),
        ("---\ndescription: d\n---\n" + "x" * 300_000, "larger than 256 KiB"),
    ],
)
def test_a_flaw_is_one_sentence_with_its_place(tmp_path: Path, text: str, flaw: str) -> None:
    shelf = read(tmp_path, bad=text, pool=PAGE)

    assert len(shelf.flaws) == 1
    assert flaw in shelf.flaws[0]
    assert [book.name for book in shelf.runbooks] == ["payments-pool"]  # the others count


def test_two_pages_of_one_name_are_told(tmp_path: Path) -> None:
    shelf = read(tmp_path, a=PAGE, b=PAGE)

    assert "b.md: a.md is called payments-pool too" in shelf.flaws[0]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    [flaw] = read_runbooks(tmp_path / "gone", ACTIONS).flaws

    assert flaw == f"There is no folder of runbooks {tmp_path / 'gone'}."


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"---\nname: \xff\n---\n")

    [flaw] = read_runbooks(tmp_path, ACTIONS).flaws

    assert "is not UTF-8 text" in flaw
