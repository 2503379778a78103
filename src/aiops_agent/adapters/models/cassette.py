"""Conversations with models in the form of recordings: one exchange after the other, redacted."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from aiops_agent.domain.model import ModelCall
from aiops_agent.domain.redact import UNTOUCHED, Redactor
from aiops_agent.domain.value import Document


def exchanges(calls: Sequence[ModelCall], redactor: Redactor) -> Iterator[Document]:
    """Yield each request that was answered, in order; what was asked is redacted already."""
    answered = (one for one in calls if one.received is not None)
    for number, one in enumerate(answered):
        yield {
            "source": f"{one.incident} {one.agent}",
            "index": number,
            "host": urlsplit(one.place).hostname or "",
            "path": one.path,
            "status": one.status,
            "headers": {"content-type": "application/json"},
            "request": one.sent,
            "response": redactor.document(one.received, UNTOUCHED)[0],
        }
