"""Calls are found again by their names, whatever an agent asks after a crash."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aiops_agent.domain.answer import Usage
from aiops_agent.domain.errors import NotifyError, SourceError
from aiops_agent.workflow import durable
from aiops_agent.workflow.durable import Checkpoint, OnceSteps, PlainJson, value_of


class Log:
    """The checkpoints of one workflow, in their order; a `start` reads them from the first on."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.made: list[str] = []
        self._next = 0

    def start(self) -> OnceSteps:
        """Begin the agent again, as after a crash."""
        self._next = 0
        return OnceSteps()

    async def checkpoint(self, _name: str, work: Callable[[], Awaitable[Any]], kind: Any) -> Any:
        if self._next == len(self.rows):
            self.rows.append(PlainJson().serialize(Checkpoint(await work(), kind)))
        self._next += 1
        return value_of(PlainJson().deserialize(self.rows[self._next - 1]), kind)

    def call(self, name: str, error: Exception | None = None) -> Callable[[], Awaitable[Usage]]:
        async def call() -> Usage:
            self.made.append(name)
            if error is not None:
                raise error
            return Usage(input=len(self.made))

        return call

    async def ask(self, once: OnceSteps, name: str, error: Exception | None = None) -> Usage:
        return await once(name, self.call(name, error), Usage)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    made = Log()
    monkeypatch.setattr(durable, "checkpoint", made.checkpoint)
    return made


async def test_an_agent_that_asks_the_same_again_makes_no_call(log: Log) -> None:
    once = log.start()
    before = [await log.ask(once, name) for name in ("a", "b")]

    again = log.start()
    assert [await log.ask(again, name) for name in ("a", "b")] == before
    assert log.made == ["a", "b"]


async def test_an_agent_that_asks_something_else_gets_its_own_answer(log: Log) -> None:
    once = log.start()
    kept = await log.ask(once, "a")
    again = log.start()

    assert await log.ask(again, "c") == Usage(input=2)
    assert await log.ask(again, "a") == kept, "what is finished is kept aside, not lost"
    assert log.made == ["a", "c"]


async def test_a_third_start_finds_what_both_made(log: Log) -> None:
    for name in ("a", "c"):
        await log.ask(log.start(), name)
    once = log.start()

    assert [(await log.ask(once, name)).input for name in ("c", "a")] == [2, 1]
    assert log.made == ["a", "c"]


async def test_calls_side_by_side_are_each_made_once(log: Log) -> None:
    for order in (("a", "b", "c"), ("c", "a", "b")):
        once = log.start()
        await asyncio.gather(*(log.ask(once, name) for name in order))

    assert sorted(log.made) == ["a", "b", "c"]


async def test_an_error_of_ours_is_raised_again_without_the_call(log: Log) -> None:
    away = NotifyError("It is away.", retry=True)
    for _ in range(2):
        with pytest.raises(NotifyError, match="away") as raised:
            await log.ask(log.start(), "a", away)
        assert raised.value.retry
    assert log.made == ["a"]


async def test_a_defect_of_a_call_leaves_nothing_behind(log: Log) -> None:
    with pytest.raises(ZeroDivisionError):
        await log.ask(log.start(), "a", ZeroDivisionError())

    assert await log.ask(log.start(), "a") == Usage(input=2)


async def test_an_error_belongs_to_its_own_call_alone(log: Log) -> None:
    with pytest.raises(SourceError):
        await log.ask(log.start(), "a", SourceError("It is away."))

    assert await log.ask(log.start(), "b") == Usage(input=2)
