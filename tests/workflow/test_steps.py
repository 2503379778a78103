"""What the durable engine writes down is plain JSON, is never run, and comes back as it was."""

import json
import logging
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import DBOS, DBOSConfig
from dbos._serialization import deserialize_value
from hypothesis import given
from hypothesis import strategies as st

from aiops_agent.domain.answer import Answer, Usage
from aiops_agent.domain.approval import Opinion, Verdict
from aiops_agent.domain.diagnosis import Diagnosis, Triage
from aiops_agent.domain.errors import (
    AiopsError,
    NotifyError,
    PlatformError,
    SourceError,
    StoreError,
    TargetMissing,
)
from aiops_agent.domain.model import ModelError, Trouble
from aiops_agent.domain.postmortem import Postmortem
from aiops_agent.domain.remediation import Outcome, Plan, PreparedPlan, Verification
from aiops_agent.workflow import durable, patience
from aiops_agent.workflow.durable import Checkpoint, Durable, PlainJson, Stored, returned, value_of
from tests.workflow.values import JSON, STEADY, any_of

PLAIN = PlainJson()
CARRIED = [
    Answer[Triage],
    Answer[Diagnosis],
    Answer[Plan],
    Answer[Opinion | None],
    Answer[Verification],
    Answer[Postmortem],
    PreparedPlan,
    Verdict,
    Outcome,
    tuple[Triage, datetime],
    str | None,
]


def replayed(value: object, kind: Any) -> object:
    """Return the value as a process sees it that finds the checkpoint of another one."""
    return value_of(PLAIN.deserialize(PLAIN.serialize(Checkpoint(value, kind))), kind)


@pytest.mark.parametrize("kind", CARRIED, ids=str)
def test_what_steps_carry_comes_back_equal(kind: Any) -> None:
    @STEADY
    @given(any_of(kind))
    def back(value: object) -> None:
        assert replayed(value, kind) == value

    back()


@STEADY
@given(JSON)
def test_json_comes_back_as_it_was(value: object) -> None:
    hidden = isinstance(value, dict) and set(value) in ({durable.VALUE}, {durable.ERROR})
    assert hidden or PLAIN.deserialize(PLAIN.serialize(value)) == value


@STEADY
@given(JSON, st.sampled_from([durable.VALUE, durable.ERROR]))
def test_content_that_looks_like_a_checkpoint_stays_content(value: object, name: str) -> None:
    assert replayed({name: value}, dict[str, Any]) == {name: value}
    with pytest.raises(TypeError, match="read back as a checkpoint"):
        PLAIN.serialize({name: value})


def test_a_fresh_value_is_handed_on_unread() -> None:
    """A value that its own type would refuse shows that nothing was validated again."""
    odd = Usage.model_construct(input="no number")

    assert value_of(Checkpoint(odd, Usage), Usage) is odd


def test_a_stored_value_can_be_stored_again() -> None:
    """The result of a child workflow that ended before a crash goes on into its parent's row."""
    text = PLAIN.serialize(Checkpoint(Usage(input=3), Usage))

    assert PLAIN.serialize(PLAIN.deserialize(text)) == text


def test_a_stored_value_is_validated() -> None:
    with pytest.raises(ValueError, match="input"):
        value_of(Stored({"input": "no number"}), Usage)


def test_the_type_of_a_step_is_the_one_its_work_returns() -> None:
    class Work:
        def at(self) -> "tuple[Triage, datetime]":
            raise NotImplementedError

    assert returned(Work().at) == tuple[Triage, datetime]


def test_arguments_come_back_as_a_tuple() -> None:
    arguments = {"args": ("INC-0001", 1), "kwargs": {"a": 1}}
    assert PLAIN.deserialize(PLAIN.serialize(arguments)) == arguments


@pytest.mark.parametrize("value", [datetime.now(UTC), object(), {1, 2}, b"bytes", print])
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="not plain JSON"):
        PLAIN.serialize({"inside": [value]})


def kinds(kind: type[AiopsError] = AiopsError) -> Iterator[type[AiopsError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_an_error_of_ours_comes_back_as_what_it_is(kind: type[AiopsError]) -> None:
    made: dict[type[AiopsError], AiopsError] = {
        NotifyError: NotifyError("It is away.", retry=True),
        ModelError: ModelError("It is away.", Trouble.OVERLOAD, retry_after=3.5),
    }
    error = made.get(kind) or kind("It is away.")

    back = PLAIN.deserialize(PLAIN.serialize(error))

    assert (type(back), str(back), vars(back)) == (kind, "It is away.", vars(error))


def test_whether_to_try_again_survives() -> None:
    for again in (True, False):
        back = PLAIN.deserialize(PLAIN.serialize(NotifyError("no", retry=again)))
        assert back.retry is again


def test_an_error_whose_kind_is_gone_comes_back_as_its_nearest_parent() -> None:
    text = PLAIN.serialize(TargetMissing("web is gone")).replace("TargetMissing", "Vanished")

    assert type(PLAIN.deserialize(text)) is PlatformError


@pytest.mark.parametrize("name", ["SystemExit", "KeyError", "Popen"])
def test_any_other_error_comes_back_as_words(name: str) -> None:
    text = json.dumps({durable.ERROR: {"kinds": [name], "text": "'a'", "more": {}}})

    back = PLAIN.deserialize(text)

    assert (type(back), str(back)) == (RuntimeError, f"{name}: 'a'")


def test_a_pickle_in_its_place_is_not_run() -> None:
    with pytest.raises(json.JSONDecodeError):
        PLAIN.deserialize(pickle.dumps(print).decode("latin-1"))


def test_a_row_that_says_it_is_a_pickle_is_refused() -> None:
    """The durable engine believes a column of the row; a writer of rows must not run code here."""
    with pytest.raises(TypeError, match="could run anything"):
        deserialize_value("gASVAAAAAAAAAE4u", "py_pickle", PLAIN)


def test_a_row_of_another_serializer_is_refused() -> None:
    with pytest.raises(TypeError, match="not available"):
        deserialize_value("1", "somebody_else", PLAIN)


def test_the_name_of_the_format_is_for_ever() -> None:
    assert PLAIN.name() == "aiops_json_1"


def config(url: str) -> dict[str, Any]:
    """Return what DBOS is told; nothing is connected."""
    return dict(Durable(sa.create_engine(url))._config("serve", "one"))


def test_waiting_incidents_are_found_by_the_names_that_dbos_is_told() -> None:
    """Without a version of ours DBOS takes a digest of the source: an upgrade strands them."""
    told = config("sqlite://")
    assert (told["application_version"], told["name"]) == ("aiops", "aiops-serve")
    assert told["executor_id"] == "one"
    assert set(told) <= set(DBOSConfig.__annotations__), "DBOS ignores what it does not know"


def test_dbos_is_given_the_password_of_the_database() -> None:
    url = "postgresql+psycopg://aiops:s3cret@db.test/aiops"
    assert config(url)["system_database_url"] == url


def test_who_never_launched_ends_nobody_elses_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DBOS, "destroy", pytest.fail)
    Durable(sa.create_engine("sqlite://")).close()


async def test_a_step_waits_for_the_store_however_long_it_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Before, nine minutes of a full disk ended the incident as a fault of ours."""
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.0)
    left: list[Exception] = [StoreError("The disk of the store is full.")] * 50

    async def work() -> str:
        if left:
            raise left.pop()
        return "done"

    with caplog.at_level(logging.WARNING):
        assert await patience.patiently("reviewed", work) == "done"
    assert "waits for the store" in caplog.text


@pytest.mark.parametrize("error", [ValueError("a defect"), SourceError("a defect")])
async def test_what_is_not_the_store_is_not_waited_for(error: Exception) -> None:
    """A defect shows at once."""

    async def work() -> str:
        raise error

    with pytest.raises(type(error), match="a defect"):
        await patience.patiently("planned", work)
