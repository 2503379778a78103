"""What the durable engine writes down can be read by anybody, and is never run."""

import json
import pickle
from datetime import UTC, datetime

import pytest

from aiops_agent.domain.errors import SourceError
from aiops_agent.workflow.plain import PlainJson

PLAIN = PlainJson()


@pytest.mark.parametrize(
    "value", [None, True, 1, 0.1, "\u202e\x1b\x00 ä", [1, [2]], {"a": {"b": [None]}}, ""]
)
def test_json_comes_back_as_it_was(value: object) -> None:
    assert PLAIN.deserialize(PLAIN.serialize(value)) == value


def test_arguments_come_back_as_a_tuple() -> None:
    given = {"args": ("INC-0001", 1), "kwargs": {"a": 1}}
    assert PLAIN.deserialize(PLAIN.serialize(given)) == given


@pytest.mark.parametrize("value", [datetime.now(UTC), object(), {1, 2}, b"bytes", print])
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="not plain JSON"):
        PLAIN.serialize({"inside": [value]})


def test_an_error_comes_back_with_its_kind_and_words() -> None:
    back = PLAIN.deserialize(PLAIN.serialize(SourceError("It is away.")))
    assert isinstance(back, RuntimeError)
    assert str(back) == "SourceError: It is away."


def test_a_pickle_in_its_place_is_not_run() -> None:
    with pytest.raises(json.JSONDecodeError):
        PLAIN.deserialize(pickle.dumps(print).decode("latin-1"))


def test_its_name_is_for_ever() -> None:
    assert PLAIN.name() == "aiops_json_1"
