"""Is the key right, and is the model known? Asked of the server's list of models, which is free."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from aiops_agent.adapters.models.section import GEMINI, Lineup, Plug
from aiops_agent.domain.errors import SettingsError
from aiops_agent.domain.model import ModelRef
from aiops_agent.domain.spelling import did_you_mean
from aiops_agent.domain.value import Document, Json

# As Gemini, vLLM, OpenRouter, Groq and llama.cpp call it.
_LIMITS = ("inputTokenLimit", "max_model_len", "context_length", "context_window", "n_ctx_train")
PATIENCE = 3.0  # seconds; a demo does not wait longer for a server that it may not need
MOST_NAMES = 12  # in one sentence


@dataclass(frozen=True)
class Listing:
    """What a server said of its models; `names` is empty where it did not say."""

    refused: bool = False
    names: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)  # tokens that fit, by name


async def check_key(lineup: Lineup, transport: httpx2.AsyncBaseTransport | None = None) -> None:
    """Raise SettingsError when a first model's key is refused, or the model is not known.

    A server that does not answer, or has no such list, is no reason to refuse anything.
    """
    for agent in ("diagnose", "triage"):
        for ref in lineup.chain(agent)[:1]:
            plug = lineup.plug(ref)
            assert plug is not None, "a chain holds models with a key only"
            flaw = fault(ref, plug, await listing(plug, transport))
            if flaw:
                raise SettingsError(flaw)


def fault(ref: ModelRef, plug: Plug, found: Listing) -> str:
    """Return what is wrong with a model's key or name, and what to do, or ""."""
    if found.refused:
        names = "GEMINI_API_KEY" if ref.provider == GEMINI else "OPENAI_API_KEY"
        return f"{plug.base_url} refused the key for {ref}: set {names} or models.api_key."
    if not found.names or ref.name in found.names:
        return ""
    known = [name for name in found.names if "flash" in name] or list(found.names)
    shown = ", ".join(known[:MOST_NAMES])
    hint = did_you_mean(ref.name, found.names)
    return f"{plug.base_url} has no model {ref.name!r}.{hint} Known are for example: {shown}."


async def listing(plug: Plug, transport: httpx2.AsyncBaseTransport | None = None) -> Listing:
    """Ask a server for its models."""
    gemini = plug.ref.provider == GEMINI
    path = "/v1beta/models?pageSize=1000" if gemini else "/models"
    key = plug.key.get_secret_value()
    headers = {"x-goog-api-key": key} if gemini else {"authorization": f"Bearer {key}"}
    try:
        async with httpx2.AsyncClient(
            transport=transport, timeout=PATIENCE, trust_env=False
        ) as client:
            answer = await client.get(plug.base_url + path, headers=headers)
            body: Json = answer.json()
    except (httpx2.HTTPError, ValueError):
        return Listing()
    if answer.status_code in (401, 403) or "API_KEY_INVALID" in answer.text:
        return Listing(refused=True)
    listed = body.get("models" if gemini else "data") if isinstance(body, dict) else None
    if answer.status_code != 200 or not isinstance(listed, list):
        return Listing()
    wanted = "name" if gemini else "id"
    found = {
        one[wanted].removeprefix("models/"): _limit(one)
        for one in listed
        if isinstance(one, dict) and isinstance(one.get(wanted), str)
    }
    return Listing(names=tuple(found), limits={k: v for k, v in found.items() if v})


def _limit(model: Document) -> int:
    """Return how many tokens fit into a model as its server says it, or 0."""
    told = model.get("meta")
    places = (model, told if isinstance(told, dict) else {})
    found = (place.get(name) for place in places for name in _LIMITS)
    return next((n for n in found if isinstance(n, int) and n > 0), 0)
