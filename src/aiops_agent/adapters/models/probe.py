"""Which model answers, and what it costs: one tiny request to each, for `aiops doctor`."""

from pydantic_ai.messages import ModelRequest, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings as RequestSettings

from aiops_agent.adapters.models import prices
from aiops_agent.adapters.models.line import Line
from aiops_agent.adapters.models.section import CHEAP, QUICK, RETIRED, THOROUGH
from aiops_agent.adapters.models.wire import Exchange, recording
from aiops_agent.domain.checkup import Checkup, Health
from aiops_agent.domain.model import ModelError, ModelRef, Trouble
from aiops_agent.domain.spelling import did_you_mean

ROOM = 64  # tokens: enough to say ok, and to think about it briefly
SECONDS = 15.0  # a model that is there says ok in less


async def probe(line: Line, used_by: str) -> Checkup:
    """Return whether a model answers, by which name, and its price."""
    if line.ref.name.startswith(RETIRED):
        return _checkup(
            line.ref,
            Health.PROBLEM,
            "is retired and does not answer any more",
            f"name {QUICK}, {THOROUGH} or {CHEAP} in `models:`",
        )
    settings = RequestSettings(max_tokens=ROOM, request_timeout=SECONDS, max_retries=0)
    with recording() as exchange:
        try:
            await line.request(
                [ModelRequest(parts=[UserPromptPart("Say ok.")])],
                ModelRequestParameters(),
                settings,
                exchange,
            )
        except ModelError as error:
            # An answer that has no room, or that is odd, is an answer: it is there.
            if error.trouble not in (Trouble.LENGTH, Trouble.FILTERED, Trouble.SHAPE):
                return _failed(line, error)
    words = f"answers ({used_by}){_alias(line.ref, exchange)}, {_price(line)}"
    return _checkup(line.ref, Health.OK, words)


def _failed(line: Line, error: ModelError) -> Checkup:
    wrong = error.trouble is Trouble.KEY
    remedy = "set GEMINI_API_KEY or models.api_key in aiops.yaml" if wrong else ""
    if error.trouble is Trouble.UNKNOWN_MODEL:
        known = prices.known_models(line.ref)
        remedy = f"name another in `models:`.{did_you_mean(line.ref.name, known)}"
    return _checkup(line.ref, Health.PROBLEM, str(error), remedy, unusable=wrong)


def _alias(ref: ModelRef, exchange: Exchange) -> str:
    found = exchange.received if isinstance(exchange.received, dict) else {}
    named = found.get("modelVersion") or found.get("model") or ""
    return f" as {named}" if isinstance(named, str) and named and named != ref.name else ""


def _price(line: Line) -> str:
    found = prices.list_price(line.ref, line.base_url)
    if found is None:
        return "price unknown"
    return f"${found[0]:g} in, ${found[1]:g} out per million tokens"


def _checkup(
    ref: ModelRef, health: Health, words: str, remedy: str = "", *, unusable: bool = False
) -> Checkup:
    return Checkup(
        group="models",
        name=str(ref),
        health=health,
        words=words,
        remedy=remedy,
        unusable=unusable,
    )
