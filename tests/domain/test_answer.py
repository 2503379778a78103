"""What answers cost, added up."""

from aiops_agent.domain.answer import Answer, Author, AuthorKind, Effort, Usage


def test_usage_is_added_field_by_field() -> None:
    one = Usage(requests=1, input=10, cached_input=4, output=3, reasoning=2, cost=0.5)

    assert one + one == Usage(requests=2, input=20, cached_input=8, output=6, reasoning=4, cost=1.0)


def test_a_sum_with_an_unknown_price_has_an_unknown_price() -> None:
    assert (Usage(cost=0.5) + Usage(requests=1, cost=None)).cost is None


def test_an_answer_of_a_type_is_rebuilt_with_its_value_typed() -> None:
    by = Author(kind=AuthorKind.MODEL, name="small-1")
    answer = Answer(value=Usage(input=3), effort=Effort(by=by, took=0.1, notes=("critic: no",)))

    assert Answer[Usage].of(answer.document()) == answer


def test_an_author_is_named_by_kind_and_name() -> None:
    assert str(Author(kind=AuthorKind.RULE, name="propose-asks")) == "rule propose-asks"
    assert str(Author(kind=AuthorKind.STATISTICS)) == "statistics"
