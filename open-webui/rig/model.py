"""The language model's stand-in: an OpenAI-compatible service that plays the script which a user's message holds.

Invariant: it calls only what it was offered, refuses what OpenAI would refuse, and keeps every request that it got.

A script is JSON in the user's message: a list of turns, each a list of calls `{"tool": NAME, "arguments": {…}}`, which
go out together, streamed in pieces as a real model's do. After the last turn it answers with a line of text.
"""

import json
from typing import Any

from aiohttp import web

from rig.rules import complaints

MODEL = "stand-in"
MARK = "PLAY "
_PIECE = 7


class StandIn:
    """The service. `requests` and `refused` tell what came and what was wrong with it."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.not_offered: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        """Where it answers."""
        return [web.get("/v1/models", self._models), web.post("/v1/chat/completions", self._complete)]

    def tools(self) -> list[str]:
        """The names of the tools that the last request offered."""
        return names(self.requests[-1])

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "rig"}]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.requests.append(asked)
        if faults := complaints(asked):
            self.refused += faults
            error = {"message": "; ".join(faults), "type": "invalid_request_error"}
            return web.json_response({"error": error}, status=400)
        message = self._next(asked)
        if asked.get("stream"):
            return await _stream(request, message)
        reason = "tool_calls" if "tool_calls" in message else "stop"
        return web.json_response(
            {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": reason}]}
        )

    def _next(self, asked: dict[str, Any]) -> dict[str, Any]:
        script, played = _position(asked["messages"])
        if played >= len(script):
            return {"role": "assistant", "content": f"Played {len(script)} turns."}
        calls = []
        for at, call in enumerate(script[played]):
            if call["tool"] not in names(asked):
                self.not_offered.append(call["tool"])
                return {"role": "assistant", "content": f"I have no tool `{call['tool']}`."}
            function = {"name": call["tool"], "arguments": json.dumps(call["arguments"])}
            calls.append({"id": f"call_{len(self.requests)}_{at}", "type": "function", "function": function})
        return {"role": "assistant", "tool_calls": calls}


def names(request: dict[str, Any]) -> list[str]:
    """The names of the tools that this request offers."""
    return [tool["function"]["name"] for tool in request.get("tools") or []]


def text_of(message: dict[str, Any]) -> str:
    """The text of a message, whose content may be a list of parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _position(messages: list[dict[str, Any]]) -> tuple[list[list[dict[str, Any]]], int]:
    """The last script among the messages, and how many of its turns have been played."""
    for at in range(len(messages) - 1, -1, -1):
        text = text_of(messages[at])
        if messages[at]["role"] == "user" and text.startswith(MARK):
            played = sum(1 for message in messages[at:] if message.get("tool_calls"))
            script, _ = json.JSONDecoder().raw_decode(text.removeprefix(MARK))
            return script, played
    return [], 0


async def _stream(request: web.Request, message: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for delta in _deltas(message):
        await _event(response, {"delta": delta, "finish_reason": None})
    await _event(response, {"delta": {}, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"})
    await response.write(b"data: [DONE]\n\n")
    return response


def _deltas(message: dict[str, Any]) -> list[dict[str, Any]]:
    """As OpenAI streams it: the name comes with the id and empty arguments, the arguments follow in pieces."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": message.get("content")}]
    for at, call in enumerate(message.get("tool_calls", [])):
        arguments = call["function"]["arguments"]
        head = call | {"index": at, "function": {"name": call["function"]["name"], "arguments": ""}}
        deltas.append({"tool_calls": [head]})
        for begin in range(0, len(arguments), _PIECE):
            piece = {"index": at, "function": {"arguments": arguments[begin : begin + _PIECE]}}
            deltas.append({"tool_calls": [piece]})
    return deltas


async def _event(response: web.StreamResponse, choice: dict[str, Any]) -> None:
    chunk = {"id": "chunk", "object": "chat.completion.chunk", "model": MODEL, "choices": [{"index": 0} | choice]}
    await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
