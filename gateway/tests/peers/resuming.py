"""What reaches a client of the Python SDK over Streamable HTTP when its connections are cut. Prints one JSON document.

Usage: resuming.py URL. The shard `fake` is behind the URL, and what stands between cuts the connections of the calls.
Invariant: exit code 0 means that the document is complete.
"""

import json
import sys

import anyio
from mcp import Client

LIMIT_S = 60


async def main(url):
    """The document, or a TimeoutError."""

    async def made(client, count):
        steps = []

        async def told(step, _total, _message):
            steps.append(step)

        arguments = {"n": count, "delay_ms": 20}
        result = await client.call_tool("fake__progress", arguments, progress_callback=told)
        return {"text": result.content[0].text, "steps": steps}

    with anyio.fail_after(LIMIT_S):
        async with Client(url, mode="legacy") as client:
            return {"cut": await made(client, 100), "short": await made(client, 5)}


if __name__ == "__main__":
    print(json.dumps(anyio.run(main, sys.argv[1])))
