"""What left this machine for a model's server: each request, each text of it, each redaction."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import orjson
from rich.console import Group, RenderableType
from rich.text import Text

from aiops_agent.domain.model import ModelCall
from aiops_agent.domain.naming import MARK
from aiops_agent.domain.text import safe
from aiops_agent.domain.value import Json
from aiops_agent.interfaces.terminal.escape import say
from aiops_agent.interfaces.terminal.palette import BAD, LINK, QUIET, STRONG, WARN

NOTHING = "Nothing was sent to a language model for {}."


def sent(incident: str, calls: Sequence[ModelCall]) -> RenderableType:
    """Return every request in its order, its body in full: nothing is cut here."""
    if not calls:
        return say(NOTHING.format(incident))
    places = Counter(call.place for call in calls)
    total = sum(call.redactions for call in calls)
    away = not all(_at_home(place) for place in places)
    where = "left this machine" if away else "went to servers on this machine"
    heads = [say(f"{len(calls)} requests of {incident} {where}", STRONG)]
    heads += [say(f"  {count} to {place}", LINK) for place, count in places.items()]
    heads.append(say(f"  {total} places redacted before, each marked {MARK}", WARN))
    return Group(*heads, *(_request(number, call) for number, call in enumerate(calls, start=1)))


def _at_home(place: str) -> bool:
    """Whether a place is this machine, by an address that means nothing else."""
    try:
        host = urlsplit(place).hostname or ""
    except ValueError:  # no address at all
        return False
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d+){3}", host) is not None


def _request(number: int, call: ModelCall) -> Text:
    """Return one request; repeated words of a conversation are shown again, as they were sent."""
    size = len(orjson.dumps(call.sent))
    whole = Text(f"\n{number}. ", style=STRONG)
    asked = f"{call.agent}, request {call.ordinal}: {call.model} at {call.place}"
    whole.append_text(say(asked, STRONG)).append("\n")
    redacted = f", {call.redactions} redacted" if call.redactions else ""
    answered = f", answered by {call.answered_by}" if call.answered_by else ""
    refused = f", no answer: {call.trouble}" if call.trouble else ""
    when = f"{call.started_at:%Y-%m-%d %H:%M:%S} UTC, {size:,} bytes"
    whole.append_text(say(f"   {when}{redacted}{answered}{refused}", QUIET)).append("\n")
    for path, value in _leaves("", call.sent):
        whole.append_text(say(f"   {path}: ", LINK))
        whole.append_text(_marked(value)).append("\n")
    return whole


def _leaves(path: str, value: Json) -> Iterator[tuple[str, Json]]:
    """Yield each value of the body and where it stands; containers that are empty too."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, item)
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _leaves(f"{path}[{number}]", item)
    else:
        yield path, value


def _marked(value: Json) -> Text:
    """Return a value in full, its lines below each other and its redactions in ink."""
    if not isinstance(value, str):
        return say(orjson.dumps(value).decode())
    shown = safe(value, lines=True)
    text = Text(shown.replace("\n", "\n      "))
    text.highlight_regex(r"\[redacted\]", style=BAD)
    return text
