"""What is behind `embedding`: one request to Gemini for each text, through the last gate."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from google.genai.errors import APIError
from pydantic_ai.embeddings.google import GoogleEmbeddingModel

from aiops_agent.adapters.models import tokens
from aiops_agent.adapters.models.embedding import GIVE_KEY, WIDTH, GeminiEmbedder
from aiops_agent.adapters.models.line import LIBRARY, UNREADABLE, Line, gemini_at, line
from aiops_agent.adapters.models.normal import plain
from aiops_agent.adapters.models.section import Plug
from aiops_agent.adapters.models.wire import Exchange, recording
from aiops_agent.domain.answer import Usage
from aiops_agent.domain.environment import EnvironmentRef
from aiops_agent.domain.model import ModelCall, ModelError, Trouble
from aiops_agent.domain.quantity import money
from aiops_agent.ports.meaning import Whose

AGENT = "memory"
SECONDS = 10.0  # of a request: people and recalls wait for it
LONGEST = 6000  # characters of a text: 2048 tokens fit, and what is said first tells the most
NOBODYS = Whose(AGENT, EnvironmentRef(kind="memory", name="questions"), asks=True)


def embedded(
    owner: GeminiEmbedder, texts: Sequence[str], whose: Sequence[Whose]
) -> npt.NDArray[np.float32]:
    """Return a unit vector of each text; raises ModelError."""
    plug = owner.lineup.plug(owner.ref)
    if plug is None:
        raise ModelError(f"{owner.ref} has no key: {GIVE_KEY}.", Trouble.KEY)
    given = whose or [NOBODYS] * len(texts)
    return asyncio.run(_all(owner, plug, list(zip(texts, given, strict=True))))


async def _all(
    owner: GeminiEmbedder, plug: Plug, given: Sequence[tuple[str, Whose]]
) -> npt.NDArray[np.float32]:
    found = np.zeros((len(given), WIDTH), np.float32)
    seconds = min(SECONDS, owner.lineup.section.timeout)
    one = line(plug, owner.network(), redactor=owner.redactor, timeout=seconds, normal=plain)
    try:
        model = GoogleEmbeddingModel(plug.ref.name, provider=gemini_at(plug, one.client))
        for place, (text, whose) in enumerate(given):
            _afford(owner, one, text, whose)
            found[place] = await _asked(owner, one, model, text[:LONGEST], whose)
    finally:
        await one.close()
    return found


async def _asked(
    owner: GeminiEmbedder, one: Line, model: GoogleEmbeddingModel, text: str, whose: Whose
) -> npt.NDArray[np.float32]:
    moment, began = owner.now(), time.monotonic()
    trouble: ModelError | None = None
    with recording() as exchange:
        try:
            answer = await model.embed(
                text,
                input_type="query" if whose.asks else "document",
                settings={"dimensions": WIDTH},
            )
            return _unit(one, answer.embeddings)
        except ModelError as error:
            trouble = error
            raise
        except (APIError, *LIBRARY, *UNREADABLE) as error:
            trouble = one.trouble(error, exchange)
            raise trouble from error
        finally:
            if exchange.requests:
                call = ModelCall(
                    incident=whose.incident,
                    environment=whose.environment,
                    agent=AGENT,
                    ordinal=1,
                    model=one.ref,
                    answered_by="" if trouble else one.ref.name,
                    place=one.place,
                    path=exchange.path,
                    status=exchange.status,
                    sent=exchange.sent,  # what came back are numbers, kept beside the case
                    redactions=exchange.redactions,
                    trouble=trouble.trouble if trouble else None,
                    why=str(trouble or ""),
                    usage=_used(one, exchange),
                    started_at=moment,
                    took=time.monotonic() - began,
                )
                await asyncio.to_thread(owner.log.keep, call)


def _unit(one: Line, rows: Sequence[Sequence[float]]) -> npt.NDArray[np.float32]:
    vector = np.asarray(rows, np.float32)
    size = float(np.linalg.norm(vector)) if vector.shape == (1, WIDTH) else 0.0
    if not np.isfinite(size) or size == 0.0:
        raise ModelError(f"{one.ref} sent no vector of {WIDTH} numbers.", Trouble.SHAPE)
    return np.asarray(vector[0] / size, np.float32)


def _used(one: Line, exchange: Exchange) -> Usage:
    """Return what was used; Gemini counts nothing here, so it is guessed from the text."""
    if exchange.status != 200:  # refused: nothing is charged for it
        return Usage(requests=exchange.requests)
    return _usage(one, tokens.estimated(exchange.sent), exchange.requests)


def _usage(one: Line, put: int, requests: int) -> Usage:
    counted = Usage(input=put, requests=requests)
    return counted.model_copy(update={"cost": one.cost(counted, one.ref.name)})


def _afford(owner: GeminiEmbedder, one: Line, text: str, whose: Whose) -> None:
    """Raise ModelError beyond the budget of the day, and for a question of its incident."""
    limit, price = owner.lineup.section.budget, _usage(one, tokens.estimated(text), 1).cost or 0.0
    midnight = owner.now().replace(hour=0, minute=0, second=0, microsecond=0)
    today = owner.log.spent_since(midnight).usd
    gone = [] if today + price <= limit.usd_per_day else [f"{money(today)} today"]
    if whose.asks and whose.incident != AGENT:
        spent = owner.log.spent(whose.incident)
        if spent.usd + price > limit.usd or spent.usage.requests >= limit.requests:
            gone.append(f"{money(spent.usd)} for this incident")
    if gone:
        raise ModelError(
            f"The budget for models is gone: {' and '.join(gone)} used.", Trouble.BUDGET
        )
