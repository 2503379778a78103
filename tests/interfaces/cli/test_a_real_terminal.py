"""The real demo in a real terminal: answered here, elsewhere, by a file, and interrupted."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

AIOPS = [sys.executable, "-m", "aiops_agent.interfaces.cli.main"]
QUESTION = "plan? [y/N]"
LONGEST = 60.0  # seconds without a word
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Shown:
    """What the terminal showed, without its colours, and how it ended."""

    code: int
    text: str


def variables(state: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "TERM": "xterm-256color", "AIOPS_STATE_DIR": str(state)}


def quietly(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command without a terminal."""
    return subprocess.run(
        [*AIOPS, *words],
        env=variables(state),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )


Do = str | Callable[[], object]


def in_terminal(state: Path, *words: str, answer: Do, early: str = "", then: str = "") -> Shown:
    """Run a command in a terminal of 100 columns; when asked, type or do the answer.

    `early` is typed before, `then` when it is asked a second time. What it does elsewhere takes no
    time of its own: on a busy machine that starts several programs.
    """
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a job in the background inherits "ignore"
        os.execvpe(AIOPS[0], [*AIOPS, *words], variables(state))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    os.write(terminal, early.encode())
    left: list[Do] = [answer, then] if then else [answer]
    shown, asked, until = b"", 0, time.monotonic() + LONGEST
    while (chunk := _read(terminal)) is not None:
        if time.monotonic() > until:  # nobody would read what it writes, so it would never end
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail(f"nothing for {LONGEST:g} s after {shown[-2000:]!r}")
        shown += chunk
        until = time.monotonic() + LONGEST if chunk else until
        if left and _CODES.sub("", shown.decode(errors="replace")).count(QUESTION) > asked:
            asked, do = asked + 1, left.pop(0)
            _ = os.write(terminal, do.encode()) if isinstance(do, str) else do()
            until = time.monotonic() + LONGEST
    _, status = os.waitpid(child, 0)
    text = _CODES.sub("", shown.decode(errors="replace"))
    return Shown(os.waitstatus_to_exitcode(status), text)


def _read(terminal: int) -> bytes | None:
    if not select.select([terminal], [], [], 0.1)[0]:
        return b""
    try:
        return os.read(terminal, 65536) or None
    except OSError:  # the other end is closed
        return None


slow = partial(pytest.param, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("typed", "code"), [("y\n", 0), slow("\n", 5), slow("\x04", 8), slow("\x03", 130)]
)
def test_a_key_decides(tmp_path: Path, typed: str, code: int) -> None:
    shown = in_terminal(tmp_path, "demo", answer=typed)

    assert shown.code == code
    assert "[APPROVAL REQUIRED]" in shown.text
    assert "SIMULATED SHOP" in shown.text
    said = {0: "INC-0001 resolved", 5: "nothing was run"}
    assert said.get(code, "aiops") in shown.text


def plan_of(state: Path) -> str:
    """The digest of the plan that waits, as a person reads it."""
    shown = json.loads(quietly(state, "approval", "show", "INC-0001", "-o", "json").stdout)
    return str(shown["digest"])


@pytest.mark.slow
def test_neither_early_keys_nor_a_pasted_block_apply_the_plan_of_the_shop(tmp_path: Path) -> None:
    shown = in_terminal(tmp_path, "demo", early="y\ny\n", answer="y\nls -l\n", then="n\n")

    assert shown.code == 5
    assert shown.text.count("More came at once than one line") == 1
    assert shown.text.count("Apply plan?") == 2


def _by_command(state: Path) -> None:
    ran = quietly(state, "approve", "INC-0001", "--plan", plan_of(state)[:12])
    assert ran.returncode == 0


def _by_file(state: Path) -> None:
    data = json.loads(quietly(state, "approval", "show", "INC-0001", "-o", "json").stdout)
    subprocess.run(["sh", "-c", data["approve_by_file"]], check=True)


@pytest.mark.slow
@pytest.mark.parametrize(("give", "surface"), [(_by_command, "command"), (_by_file, "file")])
def test_an_answer_from_elsewhere_goes_on_here(
    tmp_path: Path, give: Callable[[Path], None], surface: str
) -> None:
    shown = in_terminal(tmp_path, "demo", answer=lambda: give(tmp_path))

    assert shown.code == 0
    assert f"({surface})" in shown.text


@pytest.mark.slow
def test_without_a_terminal_it_goes_on_after_the_approval(tmp_path: Path) -> None:
    """Approved below the whole plan in another terminal, at the second try; a no is too late."""
    waiting = quietly(tmp_path, "demo")
    approved = in_terminal(tmp_path, "approve", "INC-0001", answer="y\ny\n", then="y\n")
    named = re.findall(r"aiops reject INC-0001 --plan \w+", waiting.stderr)[0].split()[1:]
    late = quietly(tmp_path, *named)
    resumed = quietly(tmp_path, "incident", "resume", "INC-0001")

    codes = (waiting.returncode, approved.code, late.returncode, resumed.returncode)
    assert codes == (8, 0, 5, 0)
    for line in ("[APPROVAL REQUIRED]", "touches", "undo", "More came at once than one line"):
        assert line in approved.text
    assert "not waiting any more" in late.stderr
    assert "aiops" in waiting.stderr
    assert "\x1b" not in waiting.stdout
    assert "(command)" in resumed.stdout
    assert "was refused" not in resumed.stdout
