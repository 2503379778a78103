"""Untrusted text stays readable and commands nothing."""

import random
import unicodedata

import pytest

from aiops_agent.domain.text import code, cut, markdown, safe, unblocked
from tests.interfaces.terminal.hostile import HOSTILE, hostile_strings

COUNT = 6000


def _forbidden(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or (
        "\ufe00" <= char <= "\ufe0f" or "\U000e0000" <= char <= "\U000e0fff"
    )


def test_no_hostile_string_keeps_an_invisible_or_commanding_character() -> None:
    """At least 5,000 strings, among them all of the recorded hostile alert."""
    strings = hostile_strings(COUNT)

    leaks = [text for text in strings if any(_forbidden(char) for char in safe(text))]

    print(f"safe: {len(strings)} hostile strings, {len(leaks)} leaks")
    assert len(strings) >= 5000
    assert leaks == []


def test_lines_mode_keeps_newline_and_tab_and_nothing_else() -> None:
    """The same strings, with line breaks allowed."""
    for text in hostile_strings(COUNT):
        kept = {char for char in safe(text, lines=True) if _forbidden(char)}
        assert kept <= {"\n", "\t"}


def test_making_safe_twice_changes_nothing_more() -> None:
    """Safe text may pass several borders."""
    for text in hostile_strings(500):
        assert safe(safe(text)) == safe(text)


def test_limit_is_kept_and_shown() -> None:
    """A cut text ends in an ellipsis and is never longer than asked."""
    for text in hostile_strings(500):
        assert len(safe(text, limit=20)) <= 20
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\u202egnp.exe", r"\u{202e}gnp.exe"),
        ("zero\u200bwidth", r"zero\u{200b}width"),
        ("\U000e0069", r"\u{e0069}"),
        ("\ud800", r"\u{d800}"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("naïve 日本語 😀", "naïve 日本語 😀"),
        ("non\u00a0breaking", "non breaking"),
    ],
)
def test_what_is_hidden_is_shown_and_what_is_written_stays(text: str, shown: str) -> None:
    """Escapes name the character; ordinary writing is left alone."""
    assert safe(text) == shown


def test_piled_up_marks_do_not_run_over_other_lines() -> None:
    """Only three combining marks in a row are drawn."""
    assert safe("e" + "\u0301" * 9).count("\u0301") == 3


@pytest.mark.parametrize(
    "text",
    [
        "[x](http://evil.example)",
        "![x](http://evil.example/p.png)",
        "http://evil.example",
        "www.evil.example",
        "<img src=x>",
        "a | b",
        "# heading",
        "**bold** _it_ `code` ~~x~~ $x$ &amp;",
    ],
)
def test_markdown_of_untrusted_text_has_no_markup(text: str) -> None:
    """Brackets, pipes, angle brackets and schemes are escaped."""
    shown = markdown(text)

    for sign in "[]<>|#*_`~$":
        assert sign not in shown.replace(f"\\{sign}", "")
    assert "http://" not in shown
    assert "www." not in shown


@pytest.mark.parametrize("text", ["- a", "+ a", "1. a", "2) a", "---", "==="])
def test_a_line_of_untrusted_text_opens_no_block(text: str) -> None:
    """What would begin a list or a rule is escaped at the start of a line."""
    assert "\\" in unblocked(text)[:3]


def test_code_cannot_be_closed_from_inside() -> None:
    """The fence is longer than any run of backticks in the text."""
    chance = random.Random(3)
    for _ in range(200):
        text = "".join(chance.choice("`a\n") for _ in range(12))
        fence, *inner = code(text).split(" ", 1)
        assert not inner or fence not in inner[0].removesuffix(fence)
    assert code("a`b") == "`` a`b ``"
    assert code("plain") == "`plain`"


def test_every_recorded_hostile_string_is_among_those_tested() -> None:
    """The list cannot shrink unseen."""
    assert len(HOSTILE) >= 15
