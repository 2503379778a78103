"""`make setup` says in one sentence what is missing, and does nothing the second time."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEW = 'case "$2" in *platform*) echo 3.11.7;; *) exit 0;; esac\n'
OLD = 'case "$2" in *platform*) echo 3.9.2;; *version_info*) exit 1;; esac\n'
NO_VENV = 'case "$2" in *platform*) echo 3.11.7;; *ensurepip*) exit 1;; esac\n'
# A Python whose `-m venv` makes a folder with a python that installs as `$PIP` says.
MAKES = (
    'case "$1 $2" in "-m venv") mkdir -p "$4/bin"; cp "$0.pip" "$4/bin/python";; '
    f"*) {NEW.strip()};; esac\n"
)
PIP = 'case "$2" in pip) echo "$PIP_SAYS"; exit "$PIP_EXIT";; *version_info*) exit 0;; esac\n'
DF = 'echo head; echo "disk 1 1 {} 1% /"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with only what the set-up reads, and a folder of stand-in programs."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "tools" / "setup.sh", tmp_path / "tools")
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def program(project: Path, name: str, body: str) -> None:
    """Put a stand-in program first in the path."""
    file = project / "bin" / name
    file.write_text(f"#!/bin/sh\n{body}")
    file.chmod(0o755)


def python_that_installs(project: Path) -> None:
    """Put a stand-in Python that can make an environment."""
    program(project, "python9", MAKES)
    program(project, "python9.pip", PIP)


def setup(project: Path, python: str = "python9", **extra: str) -> subprocess.CompletedProcess[str]:
    """Run the set-up with the stand-ins."""
    path = f"{project / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        [project / "tools" / "setup.sh"],
        env={"PATH": path, "PYTHON": python, **extra},
        capture_output=True,
        text=True,
        check=False,
    )


def last_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The failing set-up's closing line."""
    assert done.returncode != 0
    return done.stderr.strip().splitlines()[-1]


def test_a_python_that_is_too_old_is_named(project: Path) -> None:
    program(project, "python9", OLD)

    assert "3.11 or newer is needed and python9 is 3.9.2" in last_sentence(setup(project))


def test_no_python_at_all_is_said(project: Path) -> None:
    assert "no Python was found under the name python0" in last_sentence(setup(project, "python0"))


def test_a_missing_venv_module_is_named_with_its_remedy(project: Path) -> None:
    program(project, "python9", NO_VENV)

    assert "apt-get install python3-venv" in last_sentence(setup(project))


def test_a_usable_python_is_taken_after_an_unusable_one(project: Path) -> None:
    program(project, "python8", NO_VENV)
    python_that_installs(project)

    done = setup(project, "python8 python9", PIP_SAYS="fine", PIP_EXIT="0")

    assert done.returncode == 0, done.stderr


def test_a_nearly_full_disk_is_said_before_anything_is_made(project: Path) -> None:
    python_that_installs(project)
    program(project, "df", DF.format(100 * 1024))

    assert "100 MB free and .venv needs 900 MB" in last_sentence(setup(project))
    assert not (project / ".venv").exists()


@pytest.mark.parametrize(
    ("pip_says", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk became full"),
        ("ERROR: Could not find X (from versions: none)", "registry did not answer"),
        ("Connection refused", "registry did not answer"),
        ("something else", "for the reason above"),
    ],
)
def test_a_failed_installation_is_explained(pip_says: str, sentence: str, project: Path) -> None:
    python_that_installs(project)

    done = setup(project, PIP_SAYS=pip_says, PIP_EXIT="1")

    assert sentence in last_sentence(done)
    assert not (project / ".venv" / ".ready").exists()


def test_a_second_run_installs_nothing(project: Path) -> None:
    python_that_installs(project)
    setup(project, PIP_SAYS="fine", PIP_EXIT="0")

    again = setup(project, PIP_SAYS="must not be asked", PIP_EXIT="1")

    assert (again.returncode, again.stderr) == (0, "")


def test_changed_dependencies_are_installed_again(project: Path) -> None:
    python_that_installs(project)
    setup(project, PIP_SAYS="fine", PIP_EXIT="0")
    (project / "requirements.lock").write_text("changed==1\n")

    again = setup(project, PIP_SAYS="asked again", PIP_EXIT="1")

    assert again.returncode != 0
