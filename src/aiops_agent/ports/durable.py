"""What an agent uses for a call that costs: it is made once, also when the process dies."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Once(Protocol):
    """A call with a name; the name says everything that the answer depends on."""

    async def __call__(self, name: str, call: Callable[[], Awaitable[T]], kind: type[T], /) -> T:
        """Return the answer, of type `kind`; a finished call of that name is never made again.

        Calls of one agent run one after the other. The process may die: an answer that was given
        before is given again, an error of ours raised again, and only a call in flight is repeated.
        """


async def uncheckpointed(_name: str, call: Callable[[], Awaitable[T]], _kind: type[T]) -> T:
    """Make the call and remember nothing: for agents outside of an incident."""
    return await call()
