"""No regular expression of the source goes unmeasured, and a slow one is noticed."""

import re
import textwrap

import pytest

from bench import pattern_sites, patterns
from bench.hostile_texts import KINDS

QUICK = 0.2  # seconds of the processor


def planted(source: str) -> dict[str, pattern_sites.AnyPattern]:
    """Return what is measured of a module with this text, by the name it is told under."""
    text = f"import re\n{textwrap.dedent(source)}"
    known: dict[str, object] = {}
    exec(text, known)
    return {
        name: pattern
        for name, _, pattern in patterns.of_module("planted", text, known)
        if name.startswith("planted")
    }


@pytest.mark.slow  # all modules are imported
def test_every_pattern_of_the_source_is_measured() -> None:
    names = set(patterns.found())
    assert {"domain.redact._PAIR", "domain.text._HIDDEN", "reasoning.occasions._ZONE"} < names
    assert len(names) > 300
    assert patterns.missing() == []


def test_every_call_of_re_is_one_that_is_found() -> None:
    called = sum(
        len(re.findall(r"(?<![\w.])re\.(?!Match|Pattern|escape|[A-Z])\w+\(", text))
        for text in pattern_sites.sources().values()
    )
    seen = sum(1 for one in pattern_sites.sources().items() for _ in pattern_sites.sites(*one))
    assert seen == called > 190


@pytest.mark.parametrize(
    "source",
    [
        'BAD = re.compile(r"(a+)+$")',
        '_BAD = {"bad": (re.compile(r"(?i)(a+)+$"),)}',
        'def bad(text):\n    return re.search(r"(a+)+$", text)',
        'def bad(text):\n    return re.sub(r"(A+)+$", "", text, flags=re.IGNORECASE)',
        '_A = "a+"\nclass Bad:\n    def bad(text):\n        return re.split(rf"({_A})+$", text)',
    ],
)
def test_a_planted_pattern_is_found_and_does_not_end(source: str) -> None:
    (pattern,) = planted(source).values()
    work = patterns.held(pattern, pattern_sites.ANYWHERE)
    assert patterns.grows(work, KINDS["letters, then a mark"], 2000, QUICK) == float("inf")


def test_a_planted_pattern_that_only_a_call_knows_is_told() -> None:
    text = "import re\ndef bad(words, text):\n    return re.search(words, text)\n"
    assert [one.key for one in patterns.unknown("planted", text, {"re": re})] == ["planted.bad"]


@pytest.mark.parametrize("spelled", ["from re import compile as c", "import re as regular"])
def test_a_pattern_under_another_name_is_refused(spelled: str) -> None:
    with pytest.raises(ValueError, match="write `import re`"):
        list(pattern_sites.sites("planted", f"{spelled}\n"))


@pytest.mark.slow  # the same
def test_an_answer_that_nobody_needs_any_more_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(patterns.BUILT, "domain.gone", (1, "match", list))
    assert patterns.missing() == ["domain.gone"]


def test_a_pattern_that_is_quadratic_is_noticed() -> None:
    slow, quick = re.compile(r"\s+x"), re.compile(r"\s++x")
    made = "a{}".format

    def blanks(n: int) -> str:
        return made(" " * n)

    assert patterns.grows(slow.search, blanks, 30_000, QUICK) == float("inf")
    assert patterns.grows(lambda text: quick.match(text, 1), blanks, 30_000) < patterns.WORST


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (r"[A-Za-z][A-Za-z_-]*\d[\w-]*", "half tokens"),
        (r"(\d+)(ms|[smhd])", "digits"),
        (r"\b((?:\d{1,2}(?:st)?(?:, | and ))+)\d{1,2} (?:May)", "numbers"),
    ],
)
def test_what_the_source_had_once_is_noticed(written: str, kind: str) -> None:
    work = patterns.held(re.compile(written), pattern_sites.ANYWHERE)
    assert patterns.grows(work, KINDS[kind], 30_000, QUICK) == float("inf")
