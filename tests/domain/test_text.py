"""Untrusted text stays readable and commands nothing."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops_agent.domain.text import code, cut, markdown, safe, unblocked
from tests.interfaces.terminal.hostile import BITS, HOSTILE, hostile_strings

COUNT = 6000
# Any characters at all, and mixtures of what commands a terminal or a reader.
HOSTILE_TEXT = st.text(st.characters(), max_size=60) | st.lists(
    st.sampled_from(BITS), max_size=12
).map("".join)


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


@given(HOSTILE_TEXT)
def test_lines_mode_keeps_newline_and_tab_and_nothing_else(text: str) -> None:
    """With line breaks allowed."""
    kept = {char for char in safe(text, lines=True) if _forbidden(char)}
    assert kept <= {"\n", "\t"}


@given(HOSTILE_TEXT)
def test_making_safe_twice_changes_nothing_more(text: str) -> None:
    """Safe text may pass several borders."""
    assert safe(safe(text)) == safe(text)


@given(HOSTILE_TEXT, st.integers(1, 40))
def test_limit_is_kept_and_shown(text: str, limit: int) -> None:
    """A cut text ends in an ellipsis and is never longer than asked."""
    assert len(safe(text, limit=limit)) <= limit
    shown = cut(text, limit)
    assert shown == text if len(text) <= limit else shown == f"{text[: limit - 1]}…"


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


@given(st.text("`a\n", max_size=12))
def test_code_cannot_be_closed_from_inside(text: str) -> None:
    """The fence is longer than any run of backticks in the text."""
    fence, *inner = code(text).split(" ", 1)
    assert not inner or fence not in inner[0].removesuffix(fence)


def test_code_that_holds_a_fence_gets_a_longer_one() -> None:
    """And no longer one than it needs."""
    assert code("a`b") == "`` a`b ``"
    assert code("plain") == "`plain`"


def test_every_recorded_hostile_string_is_among_those_tested() -> None:
    """The list cannot shrink unseen."""
    assert len(HOSTILE) >= 15
