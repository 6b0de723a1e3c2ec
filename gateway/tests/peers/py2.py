"""The Python SDK 2.x in its three ways to settle the era, over Streamable HTTP or stdio; `sse` is legacy over HTTP+SSE.

Options: [--mode auto|legacy|modern|sse] [--calls FILE] (--url URL | --config FILE | --stdio CMD ARG...).
Prints the same JSON document as the drivers beside it. Invariant: exit code 0 means that the
document is complete; whatever a single call did is told inside it.
"""

import argparse
import faulthandler
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

import anyio
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import DiscoverResult, Implementation

LIMIT_S = 150
# One request may take this long, so that a hanging call is reported as that call.
REQUEST_S = 60
MODERN = "2026-07-28"


def options():
    """Reads the command line; `--stdio` takes the rest of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["auto", "legacy", "modern", "sse"], default="auto")
    parser.add_argument("--calls")
    parser.add_argument("--url")
    parser.add_argument("--config", help="the one server of a client's `mcpServers` is started as it is written there")
    parser.add_argument("--stdio", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    if [bool(chosen.url), bool(chosen.config), bool(chosen.stdio)].count(True) != 1:
        parser.error("name one server: --url, --config or --stdio")
    return chosen


def json_of(path):
    """What the file holds."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def server(chosen):
    """What the SDK connects to."""
    if chosen.url:
        return sse_client(chosen.url) if chosen.mode == "sse" else chosen.url
    if chosen.config:
        (entry,) = json_of(chosen.config)["mcpServers"].values()
        # Without variables of its own the server gets no more than the SDK passes on.
        return StdioServerParameters(command=entry["command"], args=entry["args"], env=entry.get("env"))
    command, *args = chosen.stdio
    return StdioServerParameters(command=command, args=args, env=dict(os.environ))


async def pages(ask, field):
    """All items of a list, over all of its pages."""
    items, cursor = [], None
    while True:
        page = await ask(cursor=cursor)
        items += getattr(page, field)
        cursor = page.next_cursor
        if cursor is None:
            return items


async def call(client, wanted):
    """Never raises for a refused call. `ok` means a result without isError."""
    name, arguments = wanted.get("name") or wanted["uri"], wanted.get("arguments") or {}
    answer = {"name": name, "ok": False, "isError": False, "text": "", "structured": None, "error": None}
    try:
        if wanted["kind"] == "resource":
            parts = (await client.read_resource(name)).contents
        elif wanted["kind"] == "prompt":
            parts = [message.content for message in (await client.get_prompt(name, arguments)).messages]
        else:
            result = await client.call_tool(name, arguments)
            parts = result.content
            answer["isError"] = result.is_error is True
            answer["structured"] = result.structured_content
        answer["ok"] = not answer["isError"]
        answer["text"] = "\n".join(getattr(getattr(part, "resource", part), "text", "") for part in parts)
    except MCPError as error:
        answer["error"] = {"code": error.code, "message": error.message}
    except (RuntimeError, TimeoutError, ValueError) as error:
        # The SDK refuses a result that does not fit the tool's schema or the revision.
        answer["error"] = {"code": None, "message": f"{type(error).__name__}: {error}"}
    return answer


async def converse(chosen, calls):
    """The whole conversation; the document."""
    mode = {"modern": MODERN, "sse": "legacy"}.get(chosen.mode, chosen.mode)
    info = Implementation(name="peer-py2", version=version("mcp"))
    async with Client(server(chosen), mode=mode, client_info=info, read_timeout_seconds=REQUEST_S) as client:
        if chosen.mode == "modern":
            # A pinned client asks nothing and invents the server's half: ask for the real one.
            raw = await client.session.send_discover(MODERN)
            client.session.adopt(DiscoverResult.model_validate(raw))
        able = client.server_capabilities
        names = {
            "tools": [tool.name for tool in await pages(client.list_tools, "tools")] if able.tools else [],
            "prompts": [prompt.name for prompt in await pages(client.list_prompts, "prompts")] if able.prompts else [],
            "resources": [],
            "templates": [],
        }
        if able.resources:
            names["resources"] = [str(item.uri) for item in await pages(client.list_resources, "resources")]
            templates = await pages(client.list_resource_templates, "resource_templates")
            names["templates"] = [template.uri_template for template in templates]
        return {
            "client": f"py2-{chosen.mode}",
            "sdk": f"mcp {version('mcp')}",
            "protocolVersion": client.protocol_version,
            "serverInfo": client.server_info and client.server_info.model_dump(mode="json", exclude_none=True),
            "instructions": client.instructions,
            **names,
            "calls": [await call(client, wanted) for wanted in calls],
        }


async def main(chosen, calls):
    """The document, or a TimeoutError."""
    with anyio.fail_after(LIMIT_S):
        return await converse(chosen, calls)


def causes(error):
    """The leaves of a tree of exception groups."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in causes(inner)]
    return [error]


if __name__ == "__main__":
    chosen = options()
    # If cancellation itself hangs, the process still ends, with a traceback on stderr.
    faulthandler.dump_traceback_later(LIMIT_S + 5, exit=True)
    try:
        calls = json_of(chosen.calls) if chosen.calls else []
        print(json.dumps(anyio.run(main, chosen, calls)))
    except Exception as error:  # noqa: BLE001 -- the last resort of a command line program
        for cause in causes(error):
            print(f"py2-{chosen.mode}: {type(cause).__name__}: {cause}", file=sys.stderr)
        sys.exit(1)
