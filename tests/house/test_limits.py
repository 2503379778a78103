"""Each house limit catches its planted violation, and nothing in an innocent tree."""

from pathlib import Path

import pytest

from tools import house

CAPTION = '"""A caption."""\n'
PLANTED: dict[str, tuple[str, dict[str, str | None]]] = {
    "a file of 301 lines": ("size", {"domain/long.py": CAPTION + "\n" * 300}),
    "a function of 41 lines": ("size", {"domain/f.py": "def f():\n" + "    x = 1\n" * 40}),
    "a class of 201 lines": ("size", {"domain/c.py": "class C:\n" + "    x = 1\n" * 200}),
    "six positional parameters": ("parameters", {"domain/f.py": "def f(a, b, c, d, e, f): ..."}),
    "a cycle of two": (
        "cycle",
        {
            "domain/a.py": "from aiops_agent.domain import b",
            "domain/b.py": "from aiops_agent.domain.a import x",
        },
    ),
    "a cycle of three by relative imports": (
        "cycle",
        {"a.py": "from . import b", "b.py": "from .c import x", "c.py": "import aiops_agent.a"},
    ),
    "an own import in a function": (
        "lazy-import",
        {"workflow/w.py": "def f():\n    from aiops_agent.bootstrap import build"},
    ),
    "a second thing behind the lazy door": (
        "lazy-import",
        {"interfaces/cli/door.py": "def f():\n    from aiops_agent.domain import alert"},
    ),
    "a broad except outside the borders": (
        "broad-except",
        {"workflow/w.py": "try:\n    x = 1\nexcept Exception:  # border: no\n    x = 2"},
    ),
    "a bare except": ("broad-except", {"domain/w.py": "try:\n    x = 1\nexcept:\n    x = 2"}),
    "a broad except in a tuple": (
        "broad-except",
        {"domain/w.py": "try:\n    x = 1\nexcept (ValueError, BaseException):\n    x = 2"},
    ),
    "a broad suppress": (
        "broad-except",
        {"domain/w.py": "import contextlib\nwith contextlib.suppress(Exception):\n    x = 2"},
    ),
    "an unexplained broad except at a border": (
        "broad-except",
        {"interfaces/cli/main.py": "try:\n    x = 1\nexcept Exception:\n    x = 2"},
    ),
    "the environment read elsewhere": (
        "environment",
        {"bootstrap.py": "import os\nx = os.environ['HOME']"},
    ),
    "the environment imported": ("environment", {"bootstrap.py": "from os import getenv"}),
    "a clock read inside": (
        "clock",
        {"reasoning/a.py": "from datetime import datetime\nx = datetime.now()"},
    ),
    "a print below the interfaces": ("print", {"workflow/w.py": "print('hello')"}),
    "a module named utils": ("name", {"domain/utils.py": ""}),
    "a package named core": ("name", {"core/alert.py": ""}),
    "a module without a caption": ("caption", {"domain/alert.py": None}),
    "code in a package's __init__": ("caption", {"domain/__init__.py": "import os"}),
    "a bare noqa": ("silenced", {"domain/a.py": "x = 1  # noqa"}),
    "a type-ignore without a reason": ("silenced", {"domain/a.py": "x = 1  # type: ignore[misc]"}),
}
INNOCENT: dict[str, str | None] = {
    "settings/load.py": "import os\nx = os.environ.get('HOME')",
    "interfaces/cli/door.py": "def f():\n    from aiops_agent.bootstrap import build",
    "interfaces/cli/main.py": (
        "try:\n    print()\nexcept Exception:  # noqa: BLE001 -- border: says it\n    x = 2"
    ),
    "domain/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import b",
    "domain/b.py": "from aiops_agent.domain import a\ndef f(a, b, c, d, e, *, g, h): ...",
    "bootstrap.py": "def build(): ...",
}


def plant(folder: Path, files: dict[str, str | None]) -> Path:
    """Write the files below a package folder, each with a caption unless it is None."""
    for path, text in files.items():
        file = folder / house.PACKAGE / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x = 1\n" if text is None else f"{CAPTION}{text}\n")
    return folder / house.PACKAGE


@pytest.mark.parametrize(("rule", "files"), PLANTED.values(), ids=PLANTED)
def test_a_planted_violation_is_caught(
    rule: str, files: dict[str, str | None], tmp_path: Path
) -> None:
    broken = house.check(plant(tmp_path, INNOCENT | files))

    assert [violation.rule for violation in broken] == [rule]


def test_every_rule_has_a_planted_violation() -> None:
    rules = {"cycle"} | {name for name, _ in PLANTED.values()}

    assert len(rules) == len(house.RULES) + 1, "a rule without a planted violation proves nothing"


def test_an_innocent_tree_is_clean(tmp_path: Path) -> None:
    assert house.check(plant(tmp_path, INNOCENT)) == []


def test_an_empty_tree_is_a_failure_and_not_a_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / house.PACKAGE).mkdir()

    assert house.main(["house", str(tmp_path)]) == 1
    assert "0 modules" in capsys.readouterr().out


def test_our_own_source_keeps_the_limits() -> None:
    source = Path(__file__).parents[2] / "src" / house.PACKAGE

    assert [str(violation) for violation in house.check(source)] == []
