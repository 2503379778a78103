"""The section `memory.chroma`: where a server finds near vectors."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from aiops_agent.domain.duration import Span
from aiops_agent.domain.value import Value
from aiops_agent.ports.spellings import PlainAddress, Secret

CollectionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,100}[A-Za-z0-9]\z")]
Place = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}\z")]


class ChromaSettings(Value):
    """A Chroma server of yours, 1.0 or newer, that finds near vectors; the store keeps its own.

    `timeout` is how long a question may take before our own vectors answer it.
    """

    url: PlainAddress
    collection: CollectionName = "aiops"
    tenant: Place = "default_tenant"
    database: Place = "default_database"
    bearer: Secret | None = None
    timeout: Span = timedelta(seconds=2)
