"""What a call costs at list price, by the provider that is configured and nobody's own word."""

from genai_prices import Usage as Counted
from genai_prices import calc_price
from genai_prices.data_snapshot import get_snapshot

from aiops_agent.adapters.models.section import GEMINI, HOMES
from aiops_agent.domain.answer import Usage
from aiops_agent.domain.model import ModelRef

# A server calls itself what it likes: only an address that is known to belong to a provider has
# that provider's prices.


def cost(usage: Usage, model: str, base_url: str) -> float | None:
    """Return USD for what a model used at an address; None when nobody published a price."""
    counted = Counted(
        input_tokens=usage.input,
        cache_read_tokens=usage.cached_input,
        output_tokens=usage.output,
    )
    try:
        found = calc_price(counted, bare(model), provider_api_url=base_url)
    except LookupError:
        return None
    return float(found.total_price)


def list_price(ref: ModelRef, base_url: str) -> tuple[float, float] | None:
    """Return USD per million tokens in and out, or None."""
    a_million = 1_000_000
    put = cost(Usage(input=a_million), ref.name, base_url)
    out = cost(Usage(output=a_million), ref.name, base_url)
    return None if put is None or out is None else (put, out)


def context_limit(ref: ModelRef, base_url: str) -> int | None:
    """Return how many tokens fit into a model at a provider, or None when it is not published."""
    try:
        _, model = get_snapshot().find_provider_model(bare(ref.name), None, None, base_url)
    except LookupError:
        return None
    return model.context_window


def known_models(ref: ModelRef) -> tuple[str, ...]:
    """Return the names that a provider of ours is known to have."""
    wanted = "google" if ref.provider == GEMINI else "openai"
    found = (one for one in get_snapshot().providers if one.id == wanted)
    return tuple(model.id for provider in found for model in provider.models)


def bare(model: str) -> str:
    """Return a model's name without the folder that Gemini puts before it."""
    return model.removeprefix("models/")


def home(base_url: str) -> bool:
    """Whether an address is a provider's own that a key of the environment may be sent to."""
    return base_url in HOMES.values()
