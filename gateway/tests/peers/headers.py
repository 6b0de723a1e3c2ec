"""What a modern client of the Python SDK 2.x gets from a tool that wants arguments repeated in headers.

Usage: headers.py URL. Prints one JSON document. Invariant: exit code 0 means that the calls were answered.
"""

import json
import sys

import anyio
from mcp import Client

LIMIT_S = 60
ARGUMENTS = {"region": "世界 x", "limit": -7, "options": {"dry": False}, "query": "q"}


async def called(url, lists):
    """The arguments as the tool got them."""
    async with Client(url, mode="auto") as client:
        if lists:
            await client.list_tools()
        result = await client.call_tool("db__sql", ARGUMENTS)
        return result.structured_content["arguments"]


async def main(url):
    """The document, or a TimeoutError."""
    with anyio.fail_after(LIMIT_S):
        return {"wanted": ARGUMENTS, "listed": await called(url, True), "unlisted": await called(url, False)}


if __name__ == "__main__":
    print(json.dumps(anyio.run(main, sys.argv[1])))
