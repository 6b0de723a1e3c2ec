"""One real Open WebUI, driven as its own front end drives it: REST for settings and chats, socket.io for the answers.

Invariant: it starts on an empty data folder with an environment of its own, and knows of the rig only what that says.
"""

import asyncio
import contextlib
import json
import os
import socket
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import socketio
import yaml

from rig.lab import REPOSITORY
from rig.model import MARK, MODEL
from rig.process import Child, Failure

FIRST_START = 420.0
ANSWER = 120.0


def connection(name: str, url: str, kind: str = "mcp") -> dict[str, Any]:
    """A connection as the admin's dialog saves it; `name` is its id."""
    path = "openapi.json" if kind == "openapi" else ""
    config = {"enable": True, "function_name_filter_list": "", "access_grants": []}
    info = {"id": name, "name": name, "description": ""}
    return {
        "url": url,
        "path": path,
        "type": kind,
        "auth_type": "none",
        "key": "",
        "headers": None,
        "config": config,
        "info": info,
    }


def composed(url: str) -> dict[str, Any]:
    """The connection that compose.yaml gives to its Open WebUI, to this address."""
    environment = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"]["open-webui"]["environment"]
    [only] = json.loads(environment["TOOL_SERVER_CONNECTIONS"])
    return only | {"url": url}


@dataclass
class Reply:
    """What came of one message: the saved answer, and the status lines that the user saw meanwhile."""

    message: dict[str, Any]
    statuses: list[str]
    seconds: float


class OpenWebUi:
    """A running Open WebUI with one user, its admin."""

    def __init__(self, child: Child, url: str, http: aiohttp.ClientSession) -> None:
        self.child = child
        self.url = url
        self.started = 0.0
        self._http = http
        self._socket = socketio.AsyncClient(reconnection=False)
        self._done: dict[str, asyncio.Event] = {}
        self._statuses: list[str] = []
        self.dialogs: list[dict[str, Any]] = []
        """The questions of servers that the person was shown."""
        self.typed: dict[str, Any] = {"action": "cancel"}
        """What the person answers."""

    @classmethod
    async def start(cls, venv: Path, work: Path, log: Path, model: str, tools: list[dict[str, Any]]) -> "OpenWebUi":
        """Starts it on an empty folder, with model and connections from the environment, and signs the admin up."""
        begun = time.monotonic()
        port = _free_port()
        command = [str(venv / "bin/open-webui"), "serve", "--host", "127.0.0.1", "--port", str(port)]
        child = await Child.start("Open WebUI", command, _environment(work, model, tools), log)
        self = cls(child, f"http://127.0.0.1:{port}", aiohttp.ClientSession())
        try:
            await child.until("answered /health", FIRST_START, self._health)
            user = {"name": "Rig", "email": "rig@localhost.localdomain", "password": uuid.uuid4().hex}
            token = (await self.post("/api/v1/auths/signup", user))["token"]
            self._http.headers["Authorization"] = f"Bearer {token}"
            self._socket.on("events", self._event)
            await self._socket.connect(
                self.url, socketio_path="/ws/socket.io", auth={"token": token}, transports=["websocket"]
            )
            await self.get("/api/models")
        except BaseException:
            await self.stop()
            raise
        self.started = time.monotonic() - begun
        return self

    async def stop(self) -> float:
        """Ends it; the seconds that it took."""
        with contextlib.suppress(Exception):
            await self._socket.disconnect()
        await self._http.close()
        return await self.child.stop()

    async def get(self, path: str) -> Any:
        """The JSON at `path`; any status but 2xx is a failure."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, body: Any) -> Any:
        """What comes of posting JSON to `path`; any status but 2xx is a failure."""
        return await self._ask("POST", path, body)

    async def verify(self, wanted: dict[str, Any]) -> tuple[int, Any]:
        """The button beside a connection's address: the status and the body, whatever they are."""
        async with self._http.post(self.url + "/api/v1/configs/tool_servers/verify", json=wanted) as answer:
            return answer.status, await answer.json()

    async def connections(self) -> list[dict[str, Any]]:
        """The connections as they are saved."""
        return (await self.get("/api/v1/configs/tool_servers"))["TOOL_SERVER_CONNECTIONS"]

    async def offered(self) -> list[str]:
        """The ids of the tools that a new user sees who is no admin."""
        user = {"name": "Guest", "email": "guest@localhost.localdomain", "password": uuid.uuid4().hex, "role": "user"}
        token = (await self.post("/api/v1/auths/add", user))["token"]
        seen = await self._ask("GET", "/api/v1/tools/", None, {"Authorization": f"Bearer {token}"})
        return [tool["id"] for tool in seen]

    async def connect(self, *wanted: dict[str, Any]) -> None:
        """Saves exactly these connections."""
        await self.post("/api/v1/configs/tool_servers", {"TOOL_SERVER_CONNECTIONS": list(wanted)})

    async def chat(self, servers: list[str], script: list[list[dict[str, Any]]]) -> Reply:
        """A new chat with these connections switched on, whose one message lets the model play the script."""
        question, answer = str(uuid.uuid4()), str(uuid.uuid4())
        message = {"id": question, "parentId": None, "childrenIds": [answer], "role": "user", "models": [MODEL]}
        message |= {"content": MARK + json.dumps(script), "timestamp": int(time.time())}
        body = {
            "stream": True,
            "model": MODEL,
            "messages": [{"role": "user", "content": message["content"]}],
            "params": {},
            "features": {},
            "tool_ids": [f"server:mcp:{server}" for server in servers],
            "session_id": self._socket.get_sid(),
            "id": answer,
            "parent_id": None,
            "user_message": message,
            "background_tasks": {},
        }
        begun = time.monotonic()
        self._statuses = []
        done = self._done[answer] = asyncio.Event()
        chat = (await self.post("/api/chat/completions", body))["chat_id"]
        try:
            await asyncio.wait_for(done.wait(), ANSWER)
        except TimeoutError:
            raise Failure(f"no answer to a message within {ANSWER:.0f} s\n{self.child.tail()}") from None
        saved = await self.get(f"/api/v1/chats/{chat}")
        return Reply(saved["chat"]["history"]["messages"][answer], self._statuses, time.monotonic() - begun)

    async def _event(self, event: dict[str, Any]) -> dict[str, Any] | None:
        kind, data = event.get("data", {}).get("type"), event.get("data", {}).get("data") or {}
        if kind == "status":
            self._statuses.append(data.get("description", ""))
        failed = kind == "chat:message:error"
        if (failed or (kind == "chat:completion" and data.get("done"))) and event.get("message_id") in self._done:
            self._done[event["message_id"]].set()
        if kind != "request:elicitation":
            return None
        self.dialogs.append(data)
        return self.typed

    async def _health(self) -> bool | None:
        try:
            async with self._http.get(self.url + "/health") as answer:
                return answer.status == 200 or None
        except aiohttp.ClientError:
            return None

    async def _ask(self, method: str, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        async with self._http.request(method, self.url + path, json=body, headers=headers) as answer:
            if not answer.ok:
                text = (await answer.text())[:500]
                raise Failure(f"Open WebUI answered {method} {path} with {answer.status}: {text}\n{self.child.tail()}")
            return await answer.json()


def _environment(work: Path, model: str, tools: list[dict[str, Any]]) -> dict[str, str]:
    """Nothing of the caller's but PATH: a proxy or a key of theirs would make another Open WebUI."""
    (work / "home").mkdir(parents=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(work / "home"),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATA_DIR": str(work / "data"),
        "WEBUI_SECRET_KEY": uuid.uuid4().hex,
        "USE_SLIM_DOCKER": "true",
        "OFFLINE_MODE": "true",
        "HF_HUB_OFFLINE": "1",
        "RAG_EMBEDDING_ENGINE": "openai",
        "ENABLE_OLLAMA_API": "false",
        "ENABLE_TITLE_GENERATION": "false",
        "ENABLE_TAGS_GENERATION": "false",
        "ENABLE_FOLLOW_UP_GENERATION": "false",
        "ENABLE_AUTOCOMPLETE_GENERATION": "false",
        "OPENAI_API_BASE_URL": model,
        "OPENAI_API_KEY": "none",
        "TOOL_SERVER_CONNECTIONS": json.dumps(tools),
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
