"""Draw the README's pictures: run the real program in a terminal, and draw what it shows as SVG."""

import fcntl
import io
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pyte
from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
AIOPS = str(Path(sys.executable).with_name("aiops"))
ROWS, PATIENCE_S = 400, 180
COLOURS = [
    (60, 64, 74),
    (235, 94, 94),
    (98, 196, 120),
    (229, 181, 84),
    (96, 155, 240),
    (193, 125, 224),
    (86, 196, 204),
    (214, 217, 224),
]
GREY = (140, 146, 158)  # bright black: what is quiet
THEME = TerminalTheme((22, 24, 29), (214, 217, 224), COLOURS, [GREY, *COLOURS[1:]])
NAMED = {"brown": "yellow", "default": None}


@dataclass(frozen=True)
class Picture:
    """One run: its file, its command, its width, and what is typed when a prompt shows."""

    name: str
    command: tuple[str, ...]
    columns: int = 100
    prompt: str = ""
    answer: str = ""


PICTURES = (
    Picture("demo", ("demo", "--seed", "7"), prompt="[y/N]", answer="y\r"),
    Picture("scenarios", ("demo", "--list")),
)


def main(names: list[str]) -> int:
    """Draw the named pictures, or all; 1 when a run shows nothing."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        if names and picture.name not in names:
            continue
        lines = shown(picture)
        if not lines:
            print(f"pictures: {picture.name} showed nothing", file=sys.stderr)
            return 1
        file = FOLDER / f"{picture.name}.svg"
        file.write_text(draw(picture, lines))
        print(f"pictures: {file.relative_to(ROOT)}, {len(lines)} lines")
    return 0


def shown(picture: Picture) -> list[Text]:
    """Run the command in a terminal of its own; return what stands on the screen at the end."""
    screen = Screen(picture.columns, ROWS)
    stream = pyte.ByteStream(screen)
    with tempfile.TemporaryDirectory() as state:
        child, terminal = pty.fork()
        if child == 0:
            size = struct.pack("HHHH", ROWS, picture.columns, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": state,
                "TERM": "xterm-256color",
                "LANG": "C.UTF-8",
                "AIOPS_STATE_DIR": f"{state}/aiops",
            }
            os.execve(AIOPS, [AIOPS, *picture.command], environment)
        _follow(terminal, stream, picture)
        os.waitpid(child, 0)
    lines = [_line(screen, row) for row in range(ROWS)]
    while lines and not lines[-1].plain.strip():
        lines.pop()
    return lines


class Screen(pyte.Screen):
    """A screen that draws faint text in grey; pyte knows no faint."""

    def select_graphic_rendition(self, *attributes: int) -> None:
        known = [90 if attribute == 2 else attribute for attribute in attributes]
        super().select_graphic_rendition(*known)


def _follow(terminal: int, stream: pyte.ByteStream, picture: Picture) -> None:
    """Feed the screen until the program ends; type the answer once, when the prompt stands."""
    wanted, seen, ends = picture.prompt.encode(), b"", time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the program has closed its side
            return
        if not data:
            return
        stream.feed(data)
        seen += data
        if wanted and wanted in seen:
            os.write(terminal, picture.answer.encode())
            wanted = b""
    raise TimeoutError(f"{picture.name} did not end within {PATIENCE_S} s")


def _line(screen: pyte.Screen, row: int) -> Text:
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    text = Text()
    for style, run in groupby(cells, _style):  # one piece per style keeps the picture small
        text.append("".join(cell.data for cell in run), style)
    text.rstrip()
    return text


def _style(cell: Char) -> Style:
    return Style(
        color=_colour(cell.fg), bgcolor=_colour(cell.bg), bold=cell.bold, reverse=cell.reverse
    )


def _colour(name: str) -> str | None:
    if name in NAMED:
        return NAMED[name]
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    return re.sub(r"^bright_?", "bright_", name)


def draw(picture: Picture, lines: list[Text]) -> str:
    """Return the lines as an SVG that needs nothing from outside."""
    console = Console(record=True, width=picture.columns, file=io.StringIO())
    for line in lines:
        console.print(line, no_wrap=True, crop=False)
    title = " ".join(("aiops", *picture.command))
    svg = console.export_svg(title=title, theme=THEME, unique_id=f"aiops-{picture.name}")
    without = re.compile(r"@font-face\s*\{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)
    return without.sub("", svg)  # no font from a server, no advertisement


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
