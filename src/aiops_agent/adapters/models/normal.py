"""Odd answers of servers, written again as Gemini or OpenAI writes them.

Only what is used is kept: words, thoughts, calls, and why it ended. So an unknown part beside a
good call harms nothing, and a server may stream though it was not asked to.
"""

import json
from dataclasses import dataclass

from aiops_agent.domain.value import Document, Json

_GEMINI_ENDS = frozenset(
    {
        *("STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "SPII"),
        *("PROHIBITED_CONTENT", "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"),
    }
)
_GEMINI_BLOCKS = frozenset({"SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT"})
_OPENAI_ENDS = frozenset({"stop", "length", "tool_calls", "content_filter"})
_MEANING = {"max_tokens": "length", "model_length": "length", "safety": "content_filter"}
_UNSAID_ERROR = 502  # an error within a good answer that does not say its status


@dataclass(frozen=True)
class Normalised:
    """A body as it came (a stream joined to one), as the client shall see it, and its status."""

    raw: Json
    clean: Json | None  # None: pass it on as it came
    status: int | None = None  # None: as it came


def plain(body: bytes) -> Normalised:
    """Read a body as it came: an answer that is no answer to a question."""
    try:
        return Normalised(json.loads(body), None)
    except ValueError:
        return Normalised(body[:2000].decode("utf-8", "replace"), None)


def gemini(body: bytes) -> Normalised:
    """Read an answer in Gemini's format."""
    found = _joined_gemini(_chunks(body))
    if not isinstance(found, dict):
        return Normalised(found, None)
    if "error" in found and "candidates" not in found:
        return Normalised(found, found, _status(found["error"]))
    first = _first(found.get("candidates"))
    parts = _list(_dict(first.get("content")).get("parts"))
    kept = [part for one in parts if (part := _gemini_part(one)) is not None]
    clean: Document = {"candidates": []}
    if first:
        end = first.get("finishReason", "STOP")
        content = {"role": "model", "parts": kept}
        end = end if end in _GEMINI_ENDS else "OTHER"
        clean["candidates"] = [{"index": 0, "content": content, "finishReason": end}]
    if isinstance(block := _dict(found.get("promptFeedback")).get("blockReason"), str):
        reason = block if block in _GEMINI_BLOCKS else "OTHER"
        clean["promptFeedback"] = {"blockReason": reason}
    clean |= {k: v for k in ("modelVersion", "responseId") if isinstance(v := found.get(k), str)}
    return Normalised(found, clean)


def openai(body: bytes) -> Normalised:
    """Read an answer in OpenAI's format."""
    found = _joined_openai(_chunks(body))
    if not isinstance(found, dict):
        return Normalised(found, None)
    if found.get("error") and not found.get("choices"):
        return Normalised(found, found, _status(found["error"]))
    first = _first(found.get("choices"))
    if not first:
        return Normalised(found, {**_NOTHING, "model": _text(found.get("model"))})
    message = _openai_message(_dict(first.get("message")))
    end = first.get("finish_reason")
    end = _MEANING.get(end, end) if isinstance(end, str) else ""
    if end not in _OPENAI_ENDS:
        end = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"index": 0, "finish_reason": end, "message": message}
    clean = {**_NOTHING, "model": _text(found.get("model")), "choices": [choice]}
    return Normalised(found, clean)


_NOTHING: Document = {"id": "answer", "object": "chat.completion", "created": 1, "choices": []}


def _gemini_part(part: Json) -> Document | None:
    found = _dict(part)
    kept: Document = {}
    if isinstance(found.get("text"), str):
        kept["text"] = found["text"]
        if found.get("thought") is True:
            kept["thought"] = True
    elif isinstance(call := found.get("functionCall"), dict) and _text(call.get("name")):
        kept["functionCall"] = {"name": call["name"], "args": _dict(call.get("args"))}
        if _text(call.get("id")):
            kept["functionCall"]["id"] = call["id"]
    else:
        return None
    if _text(found.get("thoughtSignature")):
        kept["thoughtSignature"] = found["thoughtSignature"]
    return kept


def _openai_message(message: Document) -> Document:
    kept: Document = {"role": "assistant", "content": _words(message.get("content"))}
    listed = enumerate(_list(message.get("tool_calls")))
    calls = [_openai_call(one, number) for number, one in listed]
    if named := [call for call in calls if call["function"]["name"]]:
        kept["tool_calls"] = named
    return kept


def _openai_call(call: Json, number: int) -> Document:
    found = _dict(call)
    function = _dict(found.get("function"))
    arguments = function.get("arguments") or "{}"
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    name = _text(function.get("name"))
    identity = _text(found.get("id")) or f"call_{number}"
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": text}}


def _words(content: Json) -> str | None:
    """Return the text of a message; some servers send a list of parts, thoughts among them."""
    if isinstance(content, str):
        return content
    parts = [_dict(one) for one in _list(content)]
    texts = [_text(one.get("text")) for one in parts if one.get("type", "text") == "text"]
    return "".join(texts) or None


def _chunks(body: bytes) -> list[Json] | Json:
    """Return the parsed body, or the list of a stream's chunks; text when it is neither."""
    text = body.decode("utf-8", "replace").strip()
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass  # no JSON: an event stream, or nothing that can be read
    found = []
    for line in text.splitlines():
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data in ("", "[DONE]"):
            continue  # comments and names of events
        try:
            found.append(json.loads(data))
        except (ValueError, RecursionError):
            break  # cut off here
    return found or text[:2000]


def _joined_gemini(chunks: Json) -> Json:
    if not isinstance(chunks, list):
        return chunks
    whole: Document = {}
    parts: list[Json] = []
    for chunk in map(_dict, chunks):
        if "error" in chunk:
            return chunk
        first = _first(chunk.get("candidates"))
        for part in _list(_dict(first.get("content")).get("parts")):
            _append(parts, _dict(part))
        seen = {k: v for k, v in first.items() if k != "content"}
        if first:
            whole["candidates"] = [{**_first(whole.get("candidates")), **seen}]
        whole |= {k: v for k, v in chunk.items() if k != "candidates"}
    if "candidates" in whole:
        whole["candidates"][0]["content"] = {"role": "model", "parts": parts}
    return whole


def _append(parts: list[Json], part: Document) -> None:
    """Add a part of a stream; a text that goes on is one text."""
    last = parts[-1] if parts else {}
    goes_on = {"text", "thought"} >= set(last) and "text" in last and "text" in part
    if goes_on and last.get("thought") == part.get("thought"):
        parts[-1] = {**last, **part, "text": _text(last["text"]) + _text(part["text"])}
    else:
        parts.append(part)


def _joined_openai(chunks: Json) -> Json:
    if not isinstance(chunks, list):
        return chunks
    whole: Document = {}
    content, end = "", ""
    calls: dict[Json, Document] = {}
    for chunk in map(_dict, chunks):
        if chunk.get("error"):  # what was said until then is no answer
            return {k: chunk[k] for k in ("error", "usage", "model") if k in chunk}
        whole |= {k: v for k, v in chunk.items() if k != "choices" and v is not None}
        first = _first(chunk.get("choices"))
        delta = _dict(first.get("delta")) or _dict(first.get("message"))
        content += _words(delta.get("content")) or ""
        end = _text(first.get("finish_reason")) or end
        for one in map(_dict, _list(delta.get("tool_calls"))):
            _extend(calls, one)
    message = {"role": "assistant", "content": content or None, "tool_calls": [*calls.values()]}
    return {**whole, "choices": [{"index": 0, "finish_reason": end, "message": message}]}


def _extend(calls: dict[Json, Document], piece: Document) -> None:
    """Add a piece of a streamed call to what came of it before."""
    index = piece.get("index", len(calls))
    index = index if isinstance(index, int) else len(calls)
    call = calls.setdefault(index, {"id": "", "function": {"name": "", "arguments": ""}})
    function = _dict(piece.get("function"))
    call["id"] = call["id"] or _text(piece.get("id"))
    call["function"]["name"] += _text(function.get("name"))
    arguments = function.get("arguments") or ""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call["function"]["arguments"] += text


def _status(error: Json) -> int:
    """Return the status that an error names for itself."""
    found = _dict(error)
    for name in ("status_code", "code", "status"):
        value = found.get(name)
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return _UNSAID_ERROR


def _first(value: Json) -> Document:
    found = _list(value)
    return _dict(found[0]) if found else {}


def _dict(value: Json) -> Document:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
