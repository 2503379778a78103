"""How many tokens: as the provider counted them, or guessed where it did not."""

from collections.abc import Iterator, Mapping

from aiops_agent.domain.answer import Usage
from aiops_agent.domain.value import Document, Json

CHARACTERS_PER_TOKEN = 3.5  # of English, JSON and names; an estimate, and called so
NO_MORE = 10**9  # a count above it is nonsense; a budget must not overflow by it


def estimated(body: Json) -> int:
    """Return about how many tokens all texts and names of a body are."""
    return int(sum(map(len, _texts(body))) / CHARACTERS_PER_TOKEN) + 1


def of_gemini(body: Json) -> Usage | None:
    """Return what Gemini counted; None when it did not count."""
    found = _section(body, "usageMetadata")
    if not found:
        return None
    put = _count(found, "promptTokenCount") + _count(found, "toolUsePromptTokenCount")
    said = _count(found, "candidatesTokenCount") + _count(found, "thoughtsTokenCount")
    return _usage(
        put=put,
        said=said,
        total=_count(found, "totalTokenCount"),
        cached=_count(found, "cachedContentTokenCount"),
        thought=_count(found, "thoughtsTokenCount"),
    )


def of_openai(body: Json) -> Usage | None:
    """Return what a server of OpenAI's format counted; None when it did not count."""
    found = _section(body, "usage") or _section(_section(body, "x_groq"), "usage")
    if not found:
        return None
    return _usage(
        put=_count(found, "prompt_tokens"),
        said=_count(found, "completion_tokens"),
        total=_count(found, "total_tokens"),
        cached=_count(_section(found, "prompt_tokens_details"), "cached_tokens"),
        thought=_count(_section(found, "completion_tokens_details"), "reasoning_tokens"),
    )


def _usage(*, put: int, said: int, total: int, cached: int, thought: int) -> Usage:
    """Book what the provider counts and does not itemise as output: it is paid like that."""
    out = max(total - put, 0) if total else said
    put = min(put, total) if total else put
    return Usage(
        input=put, cached_input=min(cached, put), output=out, reasoning=min(thought, out), cost=None
    )


def _texts(body: Json) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    elif isinstance(body, dict):
        for name, inner in body.items():
            yield name
            yield from _texts(inner)
    elif isinstance(body, list):
        for inner in body:
            yield from _texts(inner)
    elif body is not None:
        yield str(body)


def _section(body: Json, name: str) -> Document:
    found = body.get(name) if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


def _count(found: Mapping[str, Json], name: str) -> int:
    value = found.get(name)
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124 -- no NaN
    return min(max(int(min(value, NO_MORE)), 0), NO_MORE) if whole else 0  # type: ignore[type-var, arg-type] # a number
