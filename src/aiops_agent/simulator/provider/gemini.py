"""Gemini's generateContent, read and written."""

import json
from collections.abc import Mapping

from aiops_agent.domain.value import Document, Json
from aiops_agent.simulator.provider.wire import (
    THOUGHT_TOKENS,
    Asked,
    DeclaredTool,
    Spoken,
    Taken,
    ToolCall,
    booked,
    signature,
    sorted_out,
)

_GEMINI_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class GeminiWire:
    """generateContent and, as one event, streamGenerateContent."""

    name = "gemini"

    def read(self, taken: Taken) -> Asked:
        """Return what a request asks."""
        body, said = taken.body, list[str]()
        calls: list[ToolCall] = []
        results: list[tuple[str, str]] = []
        for content in body.get("contents", []):
            for part in content.get("parts", []):
                if "functionCall" in part:
                    call = part["functionCall"]
                    signature = part.get("thoughtSignature", "")
                    calls.append(ToolCall(call["name"], call.get("args", {}), signature))
                elif "functionResponse" in part:
                    response = part["functionResponse"]
                    results.append((response["name"], _plain(response.get("response", {}))))
                elif content.get("role") != "model" and "text" in part:
                    said.append(part["text"])
        declared = [
            DeclaredTool(one["name"], one.get("description", ""), _parameters(one))
            for tool in body.get("tools", [])
            for one in _either(tool, "functionDeclarations", "function_declarations") or []
        ]
        system = _either(body, "systemInstruction", "system_instruction") or {}
        wished = _either(body, "generationConfig", "generation_config") or {}
        schema = _either(wished, "responseJsonSchema", "response_json_schema", "responseSchema")
        return sorted_out(
            Asked(
                wire=self,
                model=taken.path.rpartition("/models/")[2].partition(":")[0],
                system="\n".join(part.get("text", "") for part in system.get("parts", [])),
                said=tuple(said),
                calls=tuple(calls),
                results=tuple(results),
                size=len(json.dumps(body)),
            ),
            declared,
            schema or {},
        )

    def write(self, asked: Asked, spoken: Spoken) -> Document:
        """Return the answer's body."""
        parts: list[Json] = []
        if spoken.thought:
            parts.append({"text": spoken.thought, "thought": True})
        if spoken.text:
            parts.append({"text": spoken.text})
        for number, call in enumerate(spoken.calls):
            part: Document = {"functionCall": {"name": call.name, "args": call.arguments}}
            # As Gemini does: the first call of an answer is signed, and comes back signed.
            parts.append(part if number else {**part, "thoughtSignature": signature(call)})
        if spoken.strange:
            parts.append({"hologram": {"shape": "a part that no client knows"}})
        reasons = {
            "stop": "STOP",
            "length": "MAX_TOKENS",
            "safety": "SAFETY",
            "recitation": "RECITATION",
            "bad_call": "MALFORMED_FUNCTION_CALL",
        }
        content: Document = {"role": "model", **({"parts": parts} if parts else {})}
        candidate = {"content": content, "finishReason": reasons[spoken.finish], "index": 0}
        sent, written = booked(asked.size), booked(spoken.size)
        return {
            "candidates": [candidate],
            "usageMetadata": {
                "promptTokenCount": sent,
                "candidatesTokenCount": written,
                "thoughtsTokenCount": THOUGHT_TOKENS,
                "totalTokenCount": sent + written + THOUGHT_TOKENS,
            },
            "modelVersion": asked.model,
            "responseId": "scripted",
        }

    def error(self, status: int, message: str, *, code: str = "", delay: str = "") -> Document:
        """Return the body of a refusal."""
        said: Document = {"code": status, "message": message, "status": _GEMINI_STATUS[status]}
        google, details = "type.googleapis.com/google.rpc.", []
        if code:
            details.append({"@type": f"{google}ErrorInfo", "reason": code})
        if delay:
            details.append({"@type": f"{google}RetryInfo", "retryDelay": delay})
        return {"error": {**said, **({"details": details} if details else {})}}

    def blocked(self, asked: Asked) -> Document:
        """Return the body for a prompt that the provider's filter stopped."""
        sent = booked(asked.size)
        return {
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": {"promptTokenCount": sent, "totalTokenCount": sent},
            "modelVersion": asked.model,
            "responseId": "scripted",
        }


def _either(found: Mapping[str, Json], *names: str) -> Json:
    """Return what stands under one of the names: Google's client mixes two ways to write them."""
    return next((found[name] for name in names if name in found), None)


def _parameters(declared: Document) -> Document:
    names = ("parametersJsonSchema", "parameters_json_schema", "parameters")
    return _either(declared, *names) or {}


def _plain(response: Json) -> str:
    if isinstance(response, dict) and len(response) == 1:
        return _plain(next(iter(response.values())))
    return response if isinstance(response, str) else json.dumps(response, ensure_ascii=False)
