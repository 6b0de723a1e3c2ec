"""The wire tap: a proxy between Open WebUI and the gateway that keeps what went through.

Invariant: it changes nothing but hop-by-hop headers, passes each piece on as it comes, and hangs up when either
side does.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length"}
_KEPT = 64 * 1024


@dataclass
class Exchange:
    """One request and its answer; `status` is 0 while there is none."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int = 0
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer: str = ""
    milliseconds: float = 0

    @property
    def rpc(self) -> str:
        """The JSON-RPC method, or the HTTP method where there is none."""
        return self.body.get("method", "answer") if isinstance(self.body, dict) else self.method

    @property
    def session(self) -> str | None:
        """The session that the request names."""
        return self.headers.get("mcp-session-id")

    @property
    def opened(self) -> str | None:
        """The session that the answer hands out."""
        return self.answer_headers.get("mcp-session-id")


class Tap:
    """The proxy. Every exchange is in `exchanges`, in the order of their requests."""

    def __init__(self, target: str) -> None:
        self.exchanges: list[Exchange] = []
        self._target = target
        self._session: ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        """Every path and every method."""
        return [web.route("*", "/{path:.*}", self._pass_on)]

    async def connect(self) -> None:
        """Opens the way to the gateway."""
        connector = TCPConnector(limit=0, force_close=False)
        self._session = ClientSession(connector=connector, timeout=ClientTimeout(total=None), auto_decompress=False)

    async def close(self) -> None:
        """Closes what it holds open to the gateway."""
        if self._session:
            await self._session.close()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items() if name.lower() not in _HOP}
        exchange = Exchange(request.method, request.path_qs, headers, _json(body))
        self.exchanges.append(exchange)
        begun = time.perf_counter()
        url = self._target + request.path_qs
        assert self._session, "the tap was not connected"
        async with self._session.request(
            request.method, url, headers=headers, data=body, allow_redirects=False
        ) as answer:
            exchange.status = answer.status
            exchange.answer_headers = {name.lower(): value for name, value in answer.headers.items()}
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            if "content-length" in answer.headers:
                response.content_length = int(answer.headers["content-length"])
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                exchange.answer += piece.decode(errors="replace")[: _KEPT - len(exchange.answer)]
                await response.write(piece)
            exchange.milliseconds = (time.perf_counter() - begun) * 1000
            await response.write_eof()
            return response


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


async def settled(tap: Tap, limit: float = 10) -> None:
    """Waits until nothing but GET streams is under way; raises `TimeoutError` if that does not come."""
    async with asyncio.timeout(limit):
        while any(one.status == 0 for one in tap.exchanges if one.method != "GET"):
            await asyncio.sleep(0.05)
