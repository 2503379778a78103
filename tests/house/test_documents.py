"""What the pages name exists: commands, targets, files, configuration."""

import re
import subprocess
import sys
from pathlib import Path

from typer.core import TyperGroup
from typer.main import get_command

from aiops_agent.interfaces.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MAKEFILE = (ROOT / "Makefile").read_text()
PLACES = (ROOT, ROOT / "src" / "aiops_agent")


def words(pattern: str) -> list[tuple[str, str]]:
    """Every match of a pattern in any page, with the page's name."""
    return [
        (str(page.relative_to(ROOT)), found)
        for page in PAGES
        for found in re.findall(pattern, page.read_text(), re.MULTILINE)
    ]


def aiops(
    *arguments: str, cwd: Path | None = None, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program as the pages do."""
    command = [str(Path(sys.executable).with_name("aiops")), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env=environ
    )


def test_every_make_target_that_a_page_names_exists() -> None:
    named = words(r"(?:\$ |`|^)make ([a-z-]+)")

    missing = [one for one in named if not re.search(rf"^{one[1]}:", MAKEFILE, re.MULTILINE)]
    assert named
    assert missing == []


def test_every_file_that_a_page_names_exists() -> None:
    named = words(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|md|toml))(?::\d+)?`")

    missing = [one for one in named if not any((place / one[1]).exists() for place in PLACES)]
    assert len(named) > 20
    assert missing == []


def test_every_link_leads_to_a_file() -> None:
    links = [
        (page, target)
        for page, target in words(r"\]\(([^)#\s]+)\)")
        if not re.match(r"https?://|mailto:", target)
    ]

    missing = [(page, to) for page, to in links if not (ROOT / page).parent.joinpath(to).exists()]
    assert missing == []


def test_every_command_that_a_page_names_is_one() -> None:
    """The words before the first option, name or number must lead to a command."""
    named = {
        command.split("#")[0].strip()
        for _, command in words(r"^\$ (?:\.venv/bin/)?aiops ([^|>]+?)$")
    }
    plain = {tuple(re.findall(r"^(?:[a-z]+ ?)*", line)[0].split()) for line in named}

    unknown = [command for command in plain if not leads_to_a_command(command)]
    assert len(plain) > 5
    assert unknown == []


def leads_to_a_command(spoken: tuple[str, ...]) -> bool:
    """Whether the words name a command, or a group and nothing more; its arguments may follow."""
    place = get_command(app)
    for word in spoken:
        if not isinstance(place, TyperGroup):
            break
        if word not in place.commands:
            return False
        place = place.commands[word]
    return True


def test_the_readme_s_configuration_is_accepted(tmp_path: Path) -> None:
    [text] = re.findall(r"```yaml\n(apiVersion.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "aiops.yaml").write_text(text)

    checked = aiops(
        *("-c", str(tmp_path / "aiops.yaml"), "config", "check"),
        cwd=tmp_path,
        environ={"AIOPS_HOOK_SECRET": "s", "HOME": str(tmp_path), "AIOPS_STATE_DIR": str(tmp_path)},
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
