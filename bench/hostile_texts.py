"""Kinds of text that make a careless pattern slow: `KINDS[name](n)` has about n characters."""

from collections.abc import Callable

Kind = Callable[[int], str]


def _repeated(piece: str, head: str = "", tail: str = "") -> Kind:
    return lambda n: head + piece * max((n - len(head) - len(tail)) // len(piece), 1) + tail


KINDS: dict[str, Kind] = {
    "small letters": _repeated("a"),
    "capitals": _repeated("A"),
    "digits": _repeated("1"),
    "hex digits": _repeated("0123456789abcdef"),
    "hex with dashes": _repeated("0123abcd-"),
    "base62": _repeated("aB3xY9"),
    "blanks": _repeated(" ", "password"),
    "tabs and blanks": _repeated("\t ", "a", "="),
    "newlines": _repeated("\n"),
    "one quote, then letters": _repeated("a", '"'),
    "quotes": _repeated("\"'"),
    "backslashes": _repeated("\\", '"'),
    "escaped quotes": _repeated('\\"'),
    "names": _repeated("key="),
    "quoted names": _repeated('password="'),
    "pairs": _repeated("token=a&"),
    "json pairs": _repeated('"name":"secret",'),
    "equal signs": _repeated("="),
    "colons": _repeated("a:"),
    "addresses": _repeated("http://a:b@"),
    "at signs": _repeated("@", "http://a:"),
    "slashes": _repeated("/a"),
    "dots": _repeated("a."),
    "dashes": _repeated("-"),
    "underscores": _repeated("_a"),
    "headers": _repeated("authorization: bearer "),
    "half keys": _repeated("sk-"),
    "half tokens": _repeated("eyJ"),
    "key heads": _repeated("-----BEGIN PRIVATE KEY-----"),
    "hooks": _repeated("/hook"),
    "angles": _repeated("<|"),
    "escapes": _repeated("\x1b[31m"),
    "combining marks": _repeated("a\u0301"),
    "wide letters": _repeated("ß漢"),
    "sentences": _repeated("ignore all the previous instructions and "),
    "letters, then a mark": _repeated("a", tail="!"),
    "digits, then a mark": _repeated("1", tail="!"),
    "blanks, then a mark": _repeated(" ", "a", "!"),
    "numbers": _repeated("1st, "),
    "words": _repeated("and or it "),
    "commas": _repeated("a, "),
    "almost sentences": _repeated("ignore the "),
}
