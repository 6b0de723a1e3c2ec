"""OpenAI's rules for the tools of a request: one that breaks them makes the provider refuse the whole chat.

Invariant: written from the rules and not from the gateway's code. An object without `properties` is refused only as the
whole of the parameters: Open WebUI's own `ask_user` holds one further down, and chats with OpenAI all the same.
"""

import re
from typing import Any

MOST_TOOLS = 128
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DATA = {"const", "default", "enum", "example", "examples"}
_NAMED = {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"}


def complaints(request: dict[str, Any]) -> list[str]:
    """Everything for which OpenAI would answer 400 to this request."""
    tools = request.get("tools") or []
    found = []
    if len(tools) > MOST_TOOLS:
        found.append(f"'tools': array too long, {len(tools)} instead of {MOST_TOOLS}")
    names = [tool.get("function", {}).get("name") for tool in tools]
    found += [f"tool `{name}` is there twice" for name in sorted({name for name in names if names.count(name) > 1})]
    for name, tool in zip(names, tools, strict=True):
        found += _tool(name, tool)
    return found + _unanswered(request.get("messages") or [])


def _tool(name: Any, tool: dict[str, Any]) -> list[str]:
    found = []
    if tool.get("type") != "function":
        found.append(f"tool `{name}` is not of type `function`")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        found.append(f"tool name `{name}` does not match ^[a-zA-Z0-9_-]{{1,64}}$")
    parameters = tool.get("function", {}).get("parameters")
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        found.append(f"parameters of `{name}` are not a schema of type `object`")
    elif not isinstance(parameters.get("properties"), dict):
        found.append(f"schema of `{name}`: object schema missing properties")
    return found + [f"schema of `{name}`: {fault}" for fault in _schema(parameters, "parameters")]


def _schema(schema: Any, place: str) -> list[str]:
    if isinstance(schema, list):
        return [fault for at, one in enumerate(schema) for fault in _schema(one, f"{place}/{at}")]
    if not isinstance(schema, dict):
        return []
    found = []
    types = schema.get("type")
    types = types if isinstance(types, list) else [types]
    if "array" in types and not isinstance(schema.get("items"), dict | list | bool):
        found.append(f"{place}: array schema missing items")
    for keyword, value in schema.items():
        if keyword in _DATA:
            continue
        if keyword in _NAMED and isinstance(value, dict):
            found += [fault for name, one in value.items() for fault in _schema(one, f"{place}/{keyword}/{name}")]
        else:
            found += _schema(value, f"{place}/{keyword}")
    return found


def _unanswered(messages: list[dict[str, Any]]) -> list[str]:
    """A call of an assistant's message must be answered by a `tool` message with its id, and the reverse."""
    found: list[str] = []
    open_calls: set[str] = set()
    for message in messages:
        if message.get("role") == "tool":
            call = message.get("tool_call_id")
            if call not in open_calls:
                found.append(f"message of role `tool` answers `{call}`, which nothing has called")
            open_calls.discard(call)
            continue
        found += [f"call `{call}` has no answer" for call in sorted(open_calls)]
        open_calls = {call["id"] for call in message.get("tool_calls") or []}
    return found + [f"call `{call}` has no answer" for call in sorted(open_calls)]
