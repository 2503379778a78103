"""What is found by words: names that somebody gave out, stems, and a few that mean the same."""

import pytest

from aiops_agent.memory.index import CaseIndex
from aiops_agent.memory.terms import CaseTerms, identifier, terms_in, word_terms
from aiops_agent.ports.archive import CaseRow

TEXTS = (
    "checkout answers late: latency p95 over 2 s since release 2.4.1",
    "checkout: errors since release 2.4.10, ORA-00942",
    "cart: errors since v2.4.11, ORA-00943",
    "payments lost its pool: ERR_TOO_MANY_REDIRECTS behind payments-2.5.0-rc1",
)


def index(texts: tuple[str, ...] = TEXTS) -> CaseIndex:
    made = CaseIndex()
    made.take(
        CaseRow(
            n, f"{n}", "docker", "docker:prod", CaseTerms(words=tuple(word_terms((text,)))).text
        )
        for n, text in enumerate(texts)
    )
    return made


def found(question: str) -> list[str]:
    terms = CaseTerms(words=tuple(word_terms((question,))))
    return [one.id for one in index().search(terms, (), 4)]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("2.4.1", "0"),
        ("what broke with v2.4.10?", "1"),
        ("release 2.4.11.", "2"),
        ("ora-00942", "1"),
        ("ORA-00943 again", "2"),
        ("ERR_TOO_MANY_REDIRECTS", "3"),
        ("2.5.0-rc1", "3"),
        ("checkout is slow", "0"),
    ],
)
def test_the_right_incident_comes_first(question: str, first: str) -> None:
    assert found(question)[0] == first


def test_a_question_that_shares_nothing_finds_nothing() -> None:
    assert found("giraffe") == []
    assert found("the of and") == []
    assert CaseIndex().search(CaseTerms(words=("x",)), (), 3) == ()


@pytest.mark.parametrize("word", ["2.4.1", "v2.4.1-rc1", "ORA-00942", "E11000", "A_B_C"])
def test_a_name_that_somebody_gave_out_is_one(word: str) -> None:
    assert any(identifier(term) for term in word_terms((word,)))


@pytest.mark.parametrize("word", ["p95", "500ms", "1.255", "web-1", "5xx", "2026-03-04", "500"])
def test_an_amount_a_date_and_a_short_name_tell_nothing_apart(word: str) -> None:
    assert not any(identifier(term) for term in word_terms((word,)))


def test_terms_are_read_as_they_were_written() -> None:
    terms = CaseTerms(("a.b", "c"), (), ("#2.4.1", "slow"))
    assert terms_in(terms.text) == terms
    assert terms_in("") == CaseTerms()


def test_a_long_text_costs_no_more_than_its_beginning() -> None:
    assert len(list(word_terms(("word " * 100_000,)))) == 2000
