"""Each house limit catches its planted violation, and nothing in an innocent tree."""

from pathlib import Path

import pytest

from tools import house

CAPTION = '"""A caption."""\n'
WHY = "# limit: one table\n"


def function(lines: int, said: str = "\n") -> str:
    """Return a function of so many lines, with a comment on its first."""
    return f"def f():  {said}" + "    x = 1\n" * (lines - 1)


def a_class(lines: int, said: str = "\n") -> str:
    """Return a class of so many lines, with a comment on its first."""
    return f"class Long:  {said}" + "    x = 1\n" * (lines - 1)


PLANTED: dict[str, tuple[str, dict[str, str | None]]] = {
    "a file of 301 lines without a reason": ("size", {"domain/long.py": "\n" * 299}),
    "a file of 301 lines with the reason of a function": (
        "size",
        {"domain/long.py": function(41, WHY) + "\n" * 259},
    ),
    "a file of 401 lines with a reason": ("size", {"domain/long.py": WHY + "\n" * 398}),
    "a function of 41 lines without a reason": ("size", {"domain/f.py": function(41)}),
    "a function of 41 lines with a reason inside": (
        "size",
        {"domain/f.py": function(41).replace("1\n", f"1  {WHY}", 2)},
    ),
    "a function of 51 lines with a reason": ("size", {"domain/f.py": function(51, WHY)}),
    "a class of 201 lines without a reason": ("size", {"domain/c.py": a_class(201)}),
    "a class of 251 lines with a reason": ("size", {"domain/c.py": a_class(251, WHY)}),
    "a limit without a reason": ("size", {"domain/f.py": function(41, "# limit:\n")}),
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
    "an error that is dropped without a word": (
        "reason",
        {"domain/w.py": "try:\n    x = 1\nexcept ValueError:\n    pass"},
    ),
    "a lock without a word": ("reason", {"domain/w.py": "import threading\nx = threading.Lock()"}),
    "a number without a reason": ("number", {"domain/n.py": "x = 1\nMOST, LEAST = 2 * 3, -1"}),
    "a length of time without a reason": (
        "number",
        {"domain/n.py": "from datetime import timedelta\nLONG = timedelta(hours=1)"},
    ),
    "a class name that is taken": (
        "class-name",
        {"domain/a.py": "class Action: ...", "simulator/a.py": "class Action: ..."},
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
    "domain/long.py": WHY + a_class(250, WHY).replace("Long", "Longer") + "\n" * 140,
    "domain/numbers.py": (
        "MOST = 2  # a pair\n# Only one of a pair.\nLEAST = 1\n"
        'LONG = 3\n"""As in the field."""\nTRUE, NAME = True, \'name\''
    ),
    "domain/function.py": function(50, WHY),
    "domain/short.py": function(40) + a_class(200).replace("Long", "Short") + "\n" * 50,
    "domain/held.py": (
        "import threading\nx = threading.Lock()  # two write\n"
        "try:\n    x = 1\nexcept ValueError:\n    pass  # it was not there"
    ),
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
    rules = {name for name, _ in PLANTED.values()}

    assert len(rules) == len(house.RULES) + len(house.WHOLE), (
        "a rule without a planted violation proves nothing"
    )


def test_an_innocent_tree_is_clean(tmp_path: Path) -> None:
    assert house.check(plant(tmp_path, INNOCENT)) == []


def test_an_empty_tree_is_a_failure_and_not_a_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / house.PACKAGE).mkdir()

    assert house.main(["house", str(tmp_path)]) == 1
    assert "0 modules" in capsys.readouterr().out


@pytest.mark.slow  # `make check` runs the same; here it tells whoever only runs the tests
def test_our_own_source_keeps_the_limits() -> None:
    source = Path(__file__).parents[2] / "src" / house.PACKAGE

    assert [str(violation) for violation in house.check(source)] == []
