"""What stands behind the gateway: ten shards with the folder that they work in, a page to fetch, and a Traefik.

Invariant: all of it lies in one temporary folder and listens on loopback only.
"""

import os
import re
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from rig.process import Child, Failure

REPOSITORY = Path(__file__).parents[2]
SHARDS = ["everything", "fetch", "filesystem", "git", "memory", "template", "thinking", "time", "tokyo", "traefik"]
PAGE = "The loopback says hello."
READY = 120.0
_SOURCES = ["gateway/tests/peers/shards", "shards.d", "open-webui/shards"]


@dataclass
class Lab:
    """The gateway and Traefik, running."""

    shards: Path
    scratch: Path
    gateway: Child
    url: str
    traefik: Child
    entry: str

    async def stop(self) -> float:
        """Ends both; the seconds that the gateway took."""
        try:
            return await self.gateway.stop()
        finally:
            await self.traefik.stop()

    async def drop_in(self, name: str, file: str, state: str) -> None:
        """Writes a shard file into the folder and waits until the gateway says that the shard is in this state."""
        (self.shards / f"{name}.yaml").write_text(file)

        async def seen() -> bool | None:
            shards = (await self.health())["shards"]
            return any((shard["name"], shard["state"]) == (name, state) for shard in shards) or None

        await self.gateway.until(f"made `{name}` {state}", READY, seen)

    async def health(self) -> dict[str, Any]:
        """The gateway's registry."""
        async with aiohttp.ClientSession() as http, http.get(self.url + "/health") as answer:
            return await answer.json()


async def start(work: Path, out: Path, program: Path, peers: Path) -> Lab:
    """Lays the folders out and starts Traefik and the gateway; returns when every shard is ready."""
    _lay_out(work)
    traefik, api, entry = await _start_traefik(work, out, peers)
    try:
        gateway, url = await _start_gateway(work, out, program, peers, api)
    except BaseException:
        await traefik.stop()
        raise
    lab = Lab(work / "shards.d", work / "scratch", gateway, url, traefik, entry)
    try:
        await gateway.until("made every shard ready", READY, lambda: _all_ready(lab))
    except BaseException:
        await lab.stop()
        raise
    return lab


def _lay_out(work: Path) -> None:
    for folder in ("shards.d", "dynamic", "home", "scratch"):
        (work / folder).mkdir(parents=True)
    for source in _SOURCES:
        for file in (REPOSITORY / source).glob("*.yaml"):
            if file.stem in SHARDS:
                shutil.copy(file, work / "shards.d" / file.name)
    found = sorted(file.stem for file in (work / "shards.d").iterdir())
    if found != SHARDS:
        raise Failure(f"the rig knows the shards {SHARDS}, and the folders hold {found}")


async def _start_gateway(work: Path, out: Path, program: Path, peers: Path, api: str) -> tuple[Child, str]:
    layout = REPOSITORY / "gateway/tests/peers/scratch.sh"
    scratch = await Child.start(
        "scratch.sh", ["sh", str(layout), str(work / "scratch")], _environment(work), out / "scratch.log"
    )
    await scratch.until("laid out the scratch folder", 30, lambda: _exists(work / "scratch/repo/.git/refs/heads/main"))
    await scratch.stop()
    env = _environment(work) | {
        "PEERS": str(peers),
        "SCRATCH": str(work / "scratch"),
        "TRAEFIK_API_URL": api,
        "TRAEFIK_DYNAMIC_DIR": str(work / "dynamic"),
    }
    folders = ["--shards", str(work / "shards.d"), "--state-dir", str(work / "state")]
    command = [str(program), "serve", "--listen", "127.0.0.1:0", *folders]
    gateway = await Child.start("the gateway", command, env, out / "gateway.log")

    async def address() -> str | None:
        told = re.search(r"^ +MCP +(http://\S+)/mcp$", gateway.log.read_text(), re.MULTILINE)
        return told and told.group(1)

    return gateway, await gateway.until("told its address", 20, address)


async def _start_traefik(work: Path, out: Path, peers: Path) -> tuple[Child, str, str]:
    entry, api = _free_ports(2)
    command = [
        str(peers / "bin/traefik"),
        f"--entrypoints.web.address=127.0.0.1:{entry}",
        f"--entrypoints.traefik.address=127.0.0.1:{api}",
        "--api.insecure=true",
        f"--providers.file.directory={work / 'dynamic'}",
        "--providers.file.watch=true",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]
    traefik = await Child.start("Traefik", command, _environment(work), out / "traefik.log")
    url = f"http://127.0.0.1:{api}/api"
    try:
        await traefik.until("answered its API", 30, lambda: _answers(url + "/rawdata"))
    except BaseException:
        await traefik.stop()
        raise
    return traefik, url, f"http://127.0.0.1:{entry}"


def _environment(work: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(work / "home"), "LANG": "C.UTF-8", "NO_PROXY": "127.0.0.1"}


async def _all_ready(lab: Lab) -> bool | None:
    shards = (await lab.health())["shards"]
    return all(shard["state"] == "ready" for shard in shards) or None


async def _exists(path: Path) -> bool | None:
    return path.exists() or None


async def _answers(url: str) -> bool | None:
    try:
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            return answer.ok or None
    except aiohttp.ClientError:
        return None


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
