"""A picture shows what the terminal showed, in few bytes and without a word to any server."""

import re

import pyte
from rich.style import Style
from rich.text import Text

from tests.interfaces.terminal.drawing import followed, terminal
from tools import pictures

PICTURE = pictures.Picture("canned", ("demo",), columns=104)


def test_a_drawn_story_is_whole_and_asks_no_server() -> None:
    """No font, no image, no script from outside."""
    lines = followed(terminal(104))

    drawn = pictures.draw(PICTURE, [Text(line) for line in lines])

    shown = drawn.replace("&#160;", " ")
    for line in (line for line in lines if "APPROVAL REQUIRED" in line or "resolved in" in line):
        assert line.split("─")[1].strip() in shown
    assert re.findall(r"https?://[^\"]*", drawn) == ["http://www.w3.org/2000/svg"]
    assert "@font-face" not in drawn


def test_faint_and_bold_text_keep_their_ink_in_few_pieces() -> None:
    """One piece per style, faint in grey."""
    screen = pictures.Screen(20, 2)
    pyte.ByteStream(screen).feed(b"\x1b[2mquiet\x1b[0m \x1b[1;31mloud\x1b[0m")

    line = pictures._line(screen, 0)

    assert line.plain == "quiet loud"
    styles = [(span.start, span.end, Style.parse(str(span.style)).color) for span in line.spans]
    inks = [(start, end, colour.name) for start, end, colour in styles if colour]
    assert inks == [(0, 5, "bright_black"), (6, 10, "red")]
