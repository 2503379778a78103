"""OpenAI's chat/completions, read and written."""

import json

from aiops_agent.domain.value import Document, Json
from aiops_agent.simulator.provider.wire import (
    THOUGHT_TOKENS,
    Asked,
    DeclaredTool,
    Spoken,
    Taken,
    ToolCall,
    booked,
    sorted_out,
)


class OpenAIWire:
    """chat/completions, as OpenAI and many local servers speak it."""

    name = "openai"

    def read(self, taken: Taken) -> Asked:
        """Return what a request asks."""
        body, said = taken.body, list[str]()
        system: list[str] = []
        calls: list[ToolCall] = []
        results: list[tuple[str, str]] = []
        names: dict[str, str] = {}
        for message in body.get("messages", []):
            text = _content(message.get("content"))
            for one in message.get("tool_calls") or []:
                names[one["id"]] = one["function"]["name"]
                calls.append(ToolCall(one["function"]["name"], one["function"]["arguments"]))
            if message["role"] == "tool":
                results.append((names.get(message["tool_call_id"], ""), text))
            elif message["role"] == "user":
                said.append(text)
            elif message["role"] in ("system", "developer"):
                system.append(text)
        declared = [
            DeclaredTool(one["name"], one.get("description", ""), one.get("parameters", {}))
            for one in (tool["function"] for tool in body.get("tools") or [])
        ]
        wished = (body.get("response_format") or {}).get("json_schema") or {}
        return sorted_out(
            Asked(
                wire=self,
                model=body.get("model", ""),
                system="\n".join(system),
                said=tuple(said),
                calls=tuple(calls),
                results=tuple(results),
                size=len(json.dumps(body)),
            ),
            declared,
            wished.get("schema") or {},
        )

    def write(self, asked: Asked, spoken: Spoken) -> Document:
        """Return the answer's body."""
        calls = [
            {
                "id": f"call_{len(asked.calls) + number}",
                "type": "function",
                "function": {"name": call.name, "arguments": _arguments(call.arguments)},
            }
            for number, call in enumerate(spoken.calls)
        ]
        message: Document = {"role": "assistant", "content": spoken.text or None}
        if calls:
            message["tool_calls"] = calls
        if spoken.thought:
            message["reasoning_content"] = spoken.thought
        if spoken.strange:
            message["annotations"] = [{"type": "a part that no client knows"}]
        reasons = {"length": "length", "safety": "content_filter", "recitation": "content_filter"}
        finish = reasons.get(spoken.finish, "tool_calls" if calls else "stop")
        sent, written = booked(asked.size), booked(spoken.size) + THOUGHT_TOKENS
        return {
            "id": "scripted",
            "object": "chat.completion",
            "created": 1,
            "model": asked.model,
            "choices": [{"index": 0, "finish_reason": finish, "message": message}],
            "usage": {
                "prompt_tokens": sent,
                "completion_tokens": written,
                "total_tokens": sent + written,
                "completion_tokens_details": {"reasoning_tokens": THOUGHT_TOKENS},
            },
        }

    def error(self, status: int, message: str, *, code: str = "", delay: str = "") -> Document:
        """Return the body of a refusal."""
        message += f" Please try again in {delay}." if delay else ""
        said: Document = {"message": message, "type": "scripted_error", "param": None}
        return {"error": {**said, "code": code or status}}

    def blocked(self, asked: Asked) -> Document:
        """Return the body for a prompt that the provider's filter stopped."""
        message = f"The prompt was stopped by the filter of {asked.model}."
        return self.error(400, message, code="content_filter")


def _content(content: Json) -> str:
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content)
    return content or ""


def _arguments(arguments: Json) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)
