"""The end of a story, from any depth of it."""

from typing import NamedTuple, Self

from aiops_agent.domain.incident import Ending, Status
from aiops_agent.domain.value import Json


class Closing(NamedTuple):
    """How it ends: what status, which ending, and one sentence."""

    status: Status
    ending: Ending
    note: str

    @classmethod
    def of(cls, plain: Json) -> Self:
        """Rebuild a closing from the list that a checkpoint keeps."""
        status, ending, note = plain
        return cls(Status(status), Ending(ending), note)


class StoryOver(Exception):
    """Nothing more happens in this incident."""

    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.note)
        self.closing = closing
