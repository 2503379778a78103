"""The short-term memory of one incident: what was found, asked and refuted, and what people say."""

from datetime import datetime

from pydantic import Field

from aiops_agent.domain.value import Value

LONGEST_NOTE = 500  # characters: a hint, not an essay


class PersonNote(Value):
    """What a person says of an incident while it goes on: an opinion, never an order."""

    by: str
    at: datetime  # wall time
    text: str = Field(min_length=1, max_length=LONGEST_NOTE)


class Facts(Value):
    """What every agent reads of what came before. Each line is a short text; all is untrusted."""

    found: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()  # of models, with what they said
    refuted: tuple[str, ...] = ()
    notes: tuple[PersonNote, ...] = ()
