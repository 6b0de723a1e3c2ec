"""What must reach a client of the Python SDK outside of its answers, over HTTP+SSE or stdio. Prints one JSON document.

Usage: sse.py URL, or sse.py --stdio CMD ARG…. The server behind it is `everything` under that prefix, and nothing else
may ask meanwhile. Invariant: exit code 0 means that the document is complete.
"""

import json
import os
import sys

import anyio
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import CreateMessageResult, ElicitResult, TextContent

LIMIT_S = 100


def server(way, *command):
    """What the SDK connects to."""
    if way != "--stdio":
        return sse_client(way)
    return StdioServerParameters(command=command[0], args=list(command[1:]), env=dict(os.environ))


async def main(way):
    """The document, or a TimeoutError."""
    asked, progress = [], []

    async def elicit(_context, params):
        asked.append({"elicitation": params.message, "fields": len(params.requested_schema["properties"])})
        return ElicitResult(action="accept", content={"name": "Ada", "check": True})

    async def sample(_context, params):
        asked.append({"sampling": len(params.messages)})
        return CreateMessageResult(role="assistant", model="none", content=TextContent(type="text", text="sampled"))

    async def told(done, total, _message):
        progress.append([done, total])

    callbacks = {"elicitation_callback": elicit, "sampling_callback": sample}
    with anyio.fail_after(LIMIT_S):
        async with Client(server(*way), mode="legacy", **callbacks) as client:

            async def call(name, arguments, **options):
                result = await client.call_tool(f"everything__{name}", arguments, **options)
                return "\n".join(part.text for part in result.content)

            steps = {"duration": 1, "steps": 4}
            long = await call("trigger-long-running-operation", steps, progress_callback=told)
            elicited = await call("trigger-elicitation-request", {})
            sampled = await call("trigger-sampling-request", {"prompt": "say it", "maxTokens": 10})
            try:
                unknown = await call("nothing", {})
            except MCPError as error:
                unknown = {"code": error.code, "message": error.message}
            total = await call("get-sum", {"a": 19, "b": 23})
    return {
        "progress": progress,
        "long": long,
        "asked": asked,
        "elicited": elicited,
        "sampled": sampled,
        "unknown": unknown,
        "sum": total,
    }


if __name__ == "__main__":
    print(json.dumps(anyio.run(main, sys.argv[1:])))
