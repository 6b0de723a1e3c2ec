"""Requests that the gateway must refuse at once and without handing out a session.

Invariant: these are the ones that Open WebUI was seen to send to servers that did not want them, or sends by mistake.
"""

from typing import Any

import aiohttp

_JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


def _request(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}


_REFUSED = {
    "the OAuth probe: initialize without parameters": (_request("initialize"), {"Content-Type": "application/json"}),
    "a method before the handshake": (_request("tools/list"), _JSON),
    "an unknown method": (_request("server/unheard-of"), _JSON),
    "discover at an unknown revision": (_request("server/discover"), _JSON | {"MCP-Protocol-Version": "2099-01-01"}),
    "a session that was never handed out": (_request("tools/list"), _JSON | {"Mcp-Session-Id": "made-up"}),
    "no JSON": (None, _JSON),
}


async def check(url: str) -> tuple[list[str], str]:
    """Sends each of them; the faults, and how many kept the rule."""
    faults = []
    async with aiohttp.ClientSession() as http:
        for name, (body, headers) in _REFUSED.items():
            payload = {"data": b"{"} if body is None else {"json": body}
            async with http.post(url, headers=headers, **payload) as answer:
                text = await answer.text()
                if "mcp-session-id" in answer.headers:
                    faults.append(f"{name}: it was given a session")
                if answer.ok and '"error"' not in text:
                    faults.append(f"{name}: it was taken, with {answer.status} `{text[:100]}`")
    return faults, f"{len(_REFUSED)} without a session"
