"""What reaches a client of the Python SDK when the connections of its calls are cut: its own of Streamable HTTP, or
those of what it has started on stdio. Prints one JSON document.

Usage: resuming.py URL, or resuming.py --stdio CMD ARG…. The shard `fake` is behind it.
Invariant: exit code 0 means that the document is complete.
"""

import json
import os
import sys

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters

LIMIT_S = 60


def server(way, *command):
    """What the SDK connects to."""
    if way != "--stdio":
        return way
    return StdioServerParameters(command=command[0], args=list(command[1:]), env=dict(os.environ))


async def main(way):
    """The document, or a TimeoutError."""

    async def made(client, count):
        steps = []

        async def told(step, _total, _message):
            steps.append(step)

        arguments = {"n": count, "delay_ms": 20}
        result = await client.call_tool("fake__progress", arguments, progress_callback=told)
        return {"text": result.content[0].text, "steps": steps}

    with anyio.fail_after(LIMIT_S):
        async with Client(server(*way), mode="legacy") as client:
            return {"cut": await made(client, 100), "short": await made(client, 5)}


if __name__ == "__main__":
    print(json.dumps(anyio.run(main, sys.argv[1:])))
