"""What a person does in Open WebUI, and what must come of it.

Invariant: a scene judges by what the model was sent and by what the chat holds, never by what was asked for.
"""

import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from rig.findings import Findings
from rig.lab import PAGE, REPOSITORY, SHARDS, Lab
from rig.model import StandIn, text_of
from rig.webui import OpenWebUi, Reply, connection

ALL = "gw"
BUILT_IN = 28
HOST = "hello.localhost"


@dataclass
class Stage:
    """Everything that a scene plays with."""

    version: str
    web: OpenWebUi
    model: StandIn
    lab: Lab
    address: str
    page: str
    findings: Findings

    def note(self, check: str, faults: list[str], shown: str) -> None:
        """Writes a finding of this version down."""
        self.findings.note(self.version, check, faults, shown)


@dataclass
class Step:
    """One call, and a part of the text that the model must be given for it."""

    tool: str
    arguments: dict[str, Any]
    expect: str


async def play(stage: Stage) -> None:
    """All scenes, one after the other."""
    await seeded(stage)
    await verify(stage)
    await three_shards(stage)
    await ten_shards(stage)
    await image(stage)
    await error(stage)
    await elicitation(stage)
    await route(stage)
    await views(stage)
    await dropped_in(stage)
    await mistakes(stage)
    refused = stage.model.refused
    stage.note("the model's provider refused", refused, f"{len(refused)} of {len(stage.model.requests)} requests")


async def seeded(stage: Stage) -> None:
    """At its first start Open WebUI takes the connection of compose.yaml, for every user."""
    urls = [one["url"] for one in await stage.web.connections()]
    faults = [] if urls == [stage.address + "/mcp"] else [f"it is connected to {urls}"]
    stage.note("started on an empty folder, connected", faults, f"{stage.web.started:.0f} s")
    offered = await stage.web.offered()
    faults = [] if f"server:mcp:{ALL}" in offered else [f"a user who is no admin is offered {offered}"]
    stage.note("a user who is no admin sees it", faults, "offered")


async def verify(stage: Stage) -> None:
    """The button of the dialog: every tool of every shard is there."""
    status, body = await stage.web.verify(connection(ALL, stage.address + "/mcp"))
    if status != 200:
        return stage.note("verify /mcp", [f"{status}: {body}"], "refused")
    health = await stage.lab.health()
    wanted = sum(shard["tools"] for shard in health["shards"])
    names = [spec["name"] for spec in body["specs"]]
    faults = [] if len(names) == wanted else [f"{wanted} tools are exposed, {len(names)} came"]
    faults += [f"no tool of `{shard}`" for shard in SHARDS if not any(name.startswith(f"{shard}__") for name in names)]
    return stage.note("verify /mcp", faults, f"{len(names)} tools of {len(health['shards'])} shards")


async def three_shards(stage: Stage) -> None:
    """One message, three turns, three shards."""
    file = str(stage.lab.scratch / "files/hello.txt")
    clock = {"source_timezone": "UTC", "time": "12:30", "target_timezone": "Asia/Kathmandu"}
    turns = [
        [Step("time__convert_time", clock, "T18:15:00+05:45")],
        [Step("filesystem__read_text_file", {"path": file}, "The file says hello.")],
        [Step("git__git_log", {"repo_path": str(stage.lab.scratch / "repo")}, "The first commit")],
    ]
    faults, reply = await chat(stage, [ALL], turns)
    stage.note("a chat with tools of three shards", faults, f"{reply.seconds:.1f} s")
    offered = len(stage.model.tools())
    own = sum(1 for name in stage.model.tools() if name.startswith(f"{ALL}_"))
    faults = (
        []
        if offered - own == BUILT_IN
        else [f"{offered - own} tools are built in, not {BUILT_IN}: the limits in the documentation move"]
    )
    stage.note("tools in a chat, of 128", faults, f"{own} + {offered - own} built in")


async def ten_shards(stage: Stage) -> None:
    """One turn that calls a tool of each shard, in both eras behind the gateway."""
    scratch = stage.lab.scratch
    observation = {"entityName": "gateway", "contents": ["is small"]}
    thought = {"thought": "One is enough.", "thoughtNumber": 1, "totalThoughts": 1, "nextThoughtNeeded": False}
    noon = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
    steps = [
        Step("everything__get-structured-content", {"location": "Chicago"}, '"temperature": 36'),
        Step("fetch__fetch", {"url": stage.page, "raw": True}, PAGE),
        Step("filesystem__list_allowed_directories", {}, str(scratch / "files")),
        Step("git__git_status", {"repo_path": str(scratch / "repo")}, "nothing to commit"),
        Step("memory__add_observations", {"observations": [observation]}, "is small"),
        Step("template__subnet_info", {"cidr": "192.168.1.0/24"}, "192.168.1.255"),
        Step("thinking__sequentialthinking", thought, '"thoughtNumber": 1'),
        Step("time__convert_time", noon, "T21:00:00+09:00"),
        Step("tokyo__get_current_time", {"timezone": "Asia/Tokyo"}, "+09:00"),
        Step("traefik__list_routes", {}, "routes"),
    ]
    assert [step.tool.split("__")[0] for step in steps] == SHARDS
    faults, reply = await chat(stage, [ALL], [steps])
    stage.note("a turn with a tool of each of ten", faults, f"{reply.seconds:.1f} s")


async def image(stage: Stage) -> None:
    """The model gets the picture, and the chat shows it."""
    faults, reply = await chat(stage, [ALL], [[Step("everything__get-tiny-image", {}, "MCP logo")]])
    sent = [
        part
        for message in stage.model.requests[-1]["messages"]
        for part in _parts(message)
        if part.get("type") == "image_url"
    ]
    if not any(part["image_url"]["url"].startswith("data:image/png;base64,iVBOR") for part in sent):
        faults.append("the model was sent no PNG")
    if "/api/v1/files/" not in json.dumps(reply.message.get("output")) + json.dumps(reply.message.get("files")):
        faults.append("the chat holds no file for the picture")
    stage.note("an image", faults, "the model and the chat have it")


async def error(stage: Stage) -> None:
    """A call that fails is told to the model as an error, and the chat goes on."""
    path = str(stage.lab.scratch / "files/missing.txt")
    faults, _ = await chat(stage, [ALL], [[Step("filesystem__read_text_file", {"path": path}, '"error"')]])
    results = _results(stage.model)
    told = json.loads(results[-1]).get("error", "") if results else "nothing"
    if "ENOENT" not in told or "missing.txt" not in told:
        faults.append(f"the model was told `{told}`")
    stage.note("an error", faults, "the model is told, and goes on")


async def elicitation(stage: Stage) -> None:
    """A tool that asks the person: a dialog opens, and what is typed reaches the shard.

    0.12.4 speaks the stateless revision, the shard does not: the gateway asks by the answer to the call.
    """
    typed = {"name": "Ada Lovelace", "check": True, "integer": 7}
    stage.web.dialogs.clear()
    stage.web.typed = {"action": "accept", "content": typed}
    faults, _ = await chat(stage, [ALL], [[Step("everything__trigger-elicitation-request", {}, "Name: Ada Lovelace")]])
    shown = [dialog["requestedSchema"] for dialog in stage.web.dialogs]
    if len(shown) != 1:
        faults.append(f"{len(shown)} dialogs were shown")
    if shown and shown[0]["properties"]["legacyTitledEnum"].get("enumNames", [])[:1] != ["Cats"]:
        faults.append("the schema of the dialog is not the shard's")
    stage.note("an elicitation", faults, "the dialog is answered")


async def route(stage: Stage) -> None:
    """A chat that makes a route in a real Traefik: the route answers when the chat has ended."""
    wanted = {"name": "hello", "host": HOST, "backend_url": stage.page.rstrip("/"), "entry_points": ["web"]}
    faults, reply = await chat(stage, [ALL], [[Step("traefik__create_route", wanted, "mcp-hello@file")]])
    async with aiohttp.ClientSession() as http, http.get(stage.lab.entry, headers={"Host": HOST}) as answer:
        text = await answer.text()
        if answer.status != 200 or PAGE not in text:
            faults.append(f"Traefik answers {answer.status} `{text[:80]}`")
    stage.note("a chat makes a route in Traefik", faults, f"it answers, {reply.seconds:.1f} s")


async def views(stage: Stage) -> None:
    """One shard alone under its own names, and some of the shards."""
    alone = connection("clock", stage.address + "/mcp/time")
    pair = connection("pair", stage.address + "/mcp?shards=memory,template")
    faults = []
    shown = []
    for made, prefixes in ((alone, {"convert_time", "get_current_time"}), (pair, {"memory", "template"})):
        status, body = await stage.web.verify(made)
        names = [spec["name"] for spec in body["specs"]] if status == 200 else []
        if {name.split("__")[0] for name in names} != prefixes:
            faults.append(f"{made['url']}: {status}, it shows {names or body}")
        shown.append(f"{made['url'].removeprefix(stage.address)} {len(names)}")
    stage.note("verify views, tools", faults, ", ".join(shown))
    await stage.web.connect(connection(ALL, stage.address + "/mcp"), alone, pair)
    midnight = {"source_timezone": "UTC", "time": "00:00", "target_timezone": "Asia/Tokyo"}
    turn = [
        Step("clock_convert_time", midnight, "T09:00:00+09:00"),
        Step("pair_memory__read_graph", {}, "joins many servers"),
    ]
    faults, _ = await chat(stage, ["clock", "pair"], [turn])
    own = sum(1 for name in stage.model.tools() if name.startswith(("clock_", "pair_")))
    stage.note("a chat with both views", faults, f"{own} + {len(stage.model.tools()) - own} built in")


async def dropped_in(stage: Stage) -> None:
    """The next message has the tools of a file that was dropped in, beside one whose server never answers."""
    await stage.lab.drop_in("kyoto", (REPOSITORY / "open-webui/shards/tokyo.yaml").read_text(), "ready")
    await stage.lab.drop_in("stuck", "command: sleep\nargs: [1d]\n", "starting")
    now = Step("kyoto__get_current_time", {"timezone": "Asia/Tokyo"}, "+09:00")
    faults, reply = await chat(stage, [ALL], [[now]])
    stage.note("files dropped in: a good, a stuck one", faults, f"the next chat has it, {reply.seconds:.1f} s")


async def mistakes(stage: Stage) -> None:
    """What the documentation calls traps: each must be refused at once, and not hang."""
    shown = []
    faults = []
    wrong = {
        "/": connection("root", stage.address),
        "OpenAPI": connection("openapi", stage.address + "/mcp", "openapi"),
        "no such shard": connection("none", stage.address + "/mcp/tiem"),
    }
    for name, made in wrong.items():
        status, body = await stage.web.verify(made)
        if status == 200 and (body or {}).get("specs"):
            faults.append(f"{name} was taken: {str(body)[:200]}")
        shown.append(f"{name} {status}")
    stage.note("mistakes that verify refuses", faults, ", ".join(shown))


async def chat(stage: Stage, servers: list[str], turns: list[list[Step]]) -> tuple[list[str], Reply]:
    """Plays the turns in one message; the faults are what the model was not given."""
    prefix = "" if len(servers) > 1 else f"{servers[0]}_"
    script = [[{"tool": prefix + step.tool, "arguments": step.arguments} for step in turn] for turn in turns]
    before, missing = len(stage.model.requests), len(stage.model.not_offered)
    reply = await stage.web.chat(servers, script)
    faults = [f"status: {status}" for status in reply.statuses if "Failed" in status]
    faults += [f"the model was not offered `{tool}`" for tool in stage.model.not_offered[missing:]]
    asked = len(stage.model.requests) - before
    if asked != len(turns) + 1:
        faults.append(f"the model was asked {asked} times for {len(turns)} turns")
    results = _results(stage.model) if asked else []
    steps = [step for turn in turns for step in turn]
    if len(results) != len(steps):
        return [*faults, f"{len(steps)} calls had {len(results)} results"], reply
    for step, result in zip(steps, results, strict=True):
        if step.expect not in result:
            faults.append(f"`{step.tool}` gave `{result[:200]}`, without `{step.expect}`")
    if f"Played {len(turns)} turns." not in json.dumps(reply.message):
        faults.append(
            f"the chat ends with `{reply.message.get('content', '')[-200:]}` {reply.message.get('error') or ''}"
        )
    return faults, reply


def _results(model: StandIn) -> list[str]:
    return [text_of(message) for message in model.requests[-1]["messages"] if message["role"] == "tool"]


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else []
