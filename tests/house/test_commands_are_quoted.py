"""What is printed to be copied into a shell does there what it says, whatever the names in it."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiops_agent.domain.text import safe, shell
from aiops_agent.interfaces.cli.call import Call, Flags

SOURCE = Path(__file__).parents[2] / "src"
OURS = ("id", "incident")  # fields that hold an id of ours: letters, digits, a dash and a dot
_HOLE = "\0"  # where a value is put in
_BARE = re.compile(rf"\b(?:aiops|chmod|chown|docker|kill|rm)(?: [\w./-]+)+ {_HOLE}")

HOSTILE = (
    "a b", "it's", 'say "x"', "$(touch gone)", "`touch gone`", "; touch gone", "a\ntouch gone",
    "a && touch gone", "*", "~root", "-r", "--yes", "", "\\", "$HOME", "a|touch gone", "#", "!!",
    "\u202egone", "\x1b[31m", "gone>gone", "{a,b}", "\ufb01le", "'$(touch gone)'",
)  # fmt: skip


def bare(source: str) -> Iterator[str]:
    """Yield each printed command into which a value is put that nobody quoted."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.JoinedStr(values=parts):
                text = "".join(_text(part) for part in parts)
            case ast.Constant(value=str(said)) if "\0" not in said:
                text = re.sub(r"\{(?!incident\})\w*\}", _HOLE, said)  # a template, for `format`
            case _:
                continue
        if found := _BARE.search(text):
            yield found[0].replace(_HOLE, "{}")


def _text(part: ast.expr) -> str:
    match part:
        case ast.Constant(value=str(said)):
            return said
        case ast.FormattedValue(value=ast.Attribute(attr=name)) if name in OURS:
            return "INC-0001"
        case ast.FormattedValue(value=ast.Call(func=ast.Name(id="shell"))):
            return "quoted"
        case ast.FormattedValue(value=ast.Call(func=ast.Attribute(attr="quote"))):
            return "quoted"
        case _:
            return _HOLE


def test_no_command_is_printed_with_a_name_that_is_not_quoted() -> None:
    texts = {path: path.read_text("utf-8") for path in SOURCE.rglob("*.py")}
    broken = [f"{path.name}: {said}" for path, text in texts.items() for said in bare(text)]
    assert len(texts) > 100
    assert broken == []


@pytest.mark.parametrize(
    "planted",
    [
        'say(f"aiops token revoke {name}")',
        'say(f"see: aiops -c {path} config check")',
        'raise Error(f"do: aiops ask {incident} --correct")',
        'say("a long sentence: aiops sending reset "\n    f"{breaker.service} opens it")',
        'say("aiops show {name}".format(name=name))',
        'say(f"chmod 600 {path}")',
        'f"{x} aiops approve {request.digest[:12]}"',
    ],
)
def test_a_command_with_a_bare_name_is_caught(planted: str) -> None:
    assert list(bare(planted))


def run(line: str, folder: Path) -> list[str]:
    """Paste a line into a shell in which `aiops` says what it was given."""
    script = f'aiops() {{ for word in "$@"; do printf "%s\\0" "$word"; done; }}\n{line}\n'
    ran = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, check=True)
    return ran.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_one_word_for_a_shell_and_runs_nothing(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Call, "program", "aiops")
    call = Call(flags=Flags(config=Path(f"{name}/aiops.yaml")))
    words = ["approve", name, "--plan", name]

    assert run(shell("aiops", *words), tmp_path) == words
    assert run(call.command(*words), tmp_path) == ["--config", str(call.flags.config), *words]
    shown = safe(call.command(*words))  # as a screen shows it
    assert shown.isprintable()
    run(shown, tmp_path)
    assert list(tmp_path.iterdir()) == []
