"""The matrix's clients on the Python SDK 2.x: py2.py --mode legacy|modern (--url URL | --stdio CMD ARG...).

Commands and answers are those of `commands.mjs`. Invariant: what the client heard and was asked is told once, whole and
in order, to whoever asks for it first.
"""

import argparse
import json
import os
import sys
from importlib.metadata import version

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.subscriptions import PromptsListChanged, ResourcesListChanged, ResourceUpdated, ToolsListChanged
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    CreateMessageResult,
    DiscoverResult,
    ElicitResult,
    Implementation,
    ListRootsResult,
    Request,
    Result,
)

# A request, or a wait, that takes longer has failed.
LIMIT_S = 15
MODERN = "2026-07-28"
LOG_LEVEL = "io.modelcontextprotocol/logLevel"
# What the SDK declares for a client that can be asked everything.
CAPABILITIES = {"elicitation": {"form": {}, "url": {}}, "roots": {"listChanged": True}, "sampling": {}}
LISTS = {
    ToolsListChanged: "notifications/tools/list_changed",
    PromptsListChanged: "notifications/prompts/list_changed",
    ResourcesListChanged: "notifications/resources/list_changed",
}


def plain(model):
    """A model as JSON, with the protocol's own names."""
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


def whole(number):
    """The SDK makes every number a float."""
    return int(number) if number is not None and number == int(number) else number


class Driver:
    """One client, what it heard, and what it answers when it is asked."""

    def __init__(self, mode):
        self.mode = mode
        self.heard, self.asked, self.answers = [], [], {}
        self.news = anyio.Event()
        self.level = None
        self.listening = None

    def hear(self, method, params):
        """Keeps a notification, and wakes whoever waits for one."""
        self.heard.append({"method": method, "params": params})
        self.news.set()
        self.news = anyio.Event()

    def answer(self, method, params, kind):
        """Keeps a question, and gives the row's answer to it."""
        self.asked.append({"method": method, "params": params})
        if method not in self.answers:
            raise MCPError(INTERNAL_ERROR, f"the row has no answer for {method}")
        return kind.model_validate(self.answers[method])

    async def elicit(self, _context, params):
        """What a person would be asked."""
        return self.answer("elicitation/create", plain(params), ElicitResult)

    async def sample(self, _context, params):
        """What a model would be asked."""
        return self.answer("sampling/createMessage", plain(params), CreateMessageResult)

    async def roots(self, _context):
        """What the client would be asked for its folders."""
        return self.answer("roots/list", {}, ListRootsResult)

    async def log(self, params):
        """A line of the log."""
        self.hear("notifications/message", plain(params))

    async def notice(self, message):
        """What a legacy client hears; a modern one reads it from the stream that it listens on."""
        sent = plain(message) if hasattr(message, "method") else {}
        if self.mode == "legacy" and sent["method"].endswith(("/list_changed", "resources/updated")):
            self.hear(sent["method"], sent.get("params") or {})

    async def send(self, method, params, on_progress):
        """One request, by the SDK's own call for it if it has one."""
        meta = {LOG_LEVEL: self.level} if self.level else None
        client = self.client
        if method == "tools/call":
            arguments = params.get("arguments")
            return await client.call_tool(params["name"], arguments, progress_callback=on_progress, meta=meta)
        if method == "resources/read":
            return await client.read_resource(params["uri"], meta=meta)
        if method == "prompts/get":
            return await client.get_prompt(params["name"], params.get("arguments"), meta=meta)
        return await client.session.send_request(Request[dict, str](method=method, params=params), Result)

    async def request(self, method, params, follow=False, stop=False, answers=None):
        """With `follow` its progress is asked for, with `stop` it is given up at the first of it."""
        self.answers, self.asked, progress = answers or {}, [], []
        outcome = {"error": {"code": None, "message": "given up", "data": None}}
        with anyio.CancelScope() as giving_up:

            async def on_progress(done, total, _message):
                progress.append({"progress": whole(done), "total": whole(total)})
                if stop:
                    giving_up.cancel()

            try:
                outcome = {"result": plain(await self.send(method, params, on_progress if follow else None))}
            except MCPError as error:
                outcome = {"error": {"code": error.code, "message": error.message, "data": error.data}}
        asked, self.asked = self.asked, []
        return {**outcome, "progress": progress, "asked": asked}

    async def until(self, method, count):
        """The notifications of this method, once there are so many."""
        found = []
        with anyio.move_on_after(LIMIT_S):
            while len(found) < count:
                news = self.news
                found = [notice for notice in self.heard if notice["method"] == method]
                if len(found) < count:
                    await news.wait()
        if len(found) < count:
            raise TimeoutError(f"heard {len(found)} of {count} {method} within {LIMIT_S} s")
        self.heard = [notice for notice in self.heard if notice["method"] != method]
        return {"notices": [notice["params"] for notice in found]}

    async def rest(self):
        """What nobody has looked at."""
        told = {"heard": self.heard, "asked": self.asked}
        self.heard, self.asked = [], []
        return told

    async def list(self, kind):
        """All items of a list."""
        return {"items": plain(await getattr(self.client, f"list_{kind}")())[kind]}

    async def follow(self, uris):
        """Subscribes, or listens to these resources; to the lists if there are none."""
        if self.mode == "legacy":
            for uri in uris:
                await self.client.subscribe_resource(uri)
            return {"honoured": None}
        changes = {f"{kind}_list_changed": not uris for kind in ["tools", "prompts", "resources"]}
        acknowledged = anyio.Event()
        self.listening = anyio.CancelScope()
        self.tasks.start_soon(self.listen, {**changes, "resource_subscriptions": uris}, acknowledged)
        with anyio.fail_after(LIMIT_S):
            await acknowledged.wait()
        return {"honoured": self.honoured}

    async def listen(self, changes, acknowledged):
        """Hears all of one stream, until it is left."""
        with self.listening:
            try:
                async with self.client.listen(**changes) as stream:
                    self.honoured = {key: value for key, value in plain(stream.honored).items() if value}
                    acknowledged.set()
                    async for event in stream:
                        is_update = isinstance(event, ResourceUpdated)
                        method = "notifications/resources/updated" if is_update else LISTS[type(event)]
                        self.hear(method, {"uri": event.uri} if is_update else {})
            except MCPError as error:
                self.honoured = f"refused: {error.code} {error.message}"
                acknowledged.set()

    async def unfollow(self, uris):
        """Ends what `follow` began."""
        if self.mode == "legacy":
            for uri in uris:
                await self.client.unsubscribe_resource(uri)
        else:
            self.listening.cancel()
        return {"ended": True}

    async def want(self, level):
        """The level of the session, or of each request from now on."""
        if self.mode == "legacy":
            await self.client.set_logging_level(level)
        else:
            self.level = level
        return {"result": None}

    async def obey(self, line):
        """One command; what came of it is one line on stdout."""
        command = json.loads(line)
        number, name = command.pop("id"), command.pop("do")
        does = {
            "request": self.request,
            "heard": self.until,
            "rest": self.rest,
            "list": self.list,
            "follow": self.follow,
            "unfollow": self.unfollow,
            "level": self.want,
        }
        try:
            told = await does[name](**command)
        except Exception as error:  # noqa: BLE001 -- whatever went wrong is told to the test
            told = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps({"id": number, **told}), flush=True)

    async def serve(self, server):
        """Obeys until stdin ends."""
        callbacks = {
            "elicitation_callback": self.elicit,
            "list_roots_callback": self.roots,
            "logging_callback": self.log,
            "message_handler": self.notice,
            "sampling_callback": self.sample,
        }
        info = Implementation(name=f"matrix-{self.mode}", version=version("mcp"))
        mode = "legacy" if self.mode == "legacy" else MODERN
        options = {"mode": mode, "client_info": info, "read_timeout_seconds": LIMIT_S, **callbacks}
        async with Client(server, **options) as self.client, anyio.create_task_group() as self.tasks:
            if self.mode == "modern":
                # A pinned client asks nothing and invents the server's half: ask for the real one.
                raw = await self.client.session.send_discover(MODERN)
                self.client.session.adopt(DiscoverResult.model_validate(raw))
            hello = {"era": self.mode, "server": plain(self.client.server_info), "capabilities": CAPABILITIES}
            print(json.dumps(hello), flush=True)
            async for line in anyio.wrap_file(sys.stdin):
                self.tasks.start_soon(self.obey, line)
            self.tasks.cancel_scope.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["legacy", "modern"])
    parser.add_argument("--url")
    parser.add_argument("--stdio", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    if chosen.url:
        where = chosen.url
    else:
        program, *rest = chosen.stdio
        where = StdioServerParameters(command=program, args=rest, env=dict(os.environ))
    anyio.run(Driver(chosen.mode).serve, where)
