"""The command: both versions, one after the other, then the table. Exit code 0 good, 1 a finding, 2 not run."""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import platform
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import web

from rig import lab, refusals, scenes, wire
from rig.findings import Findings
from rig.model import StandIn
from rig.process import Failure, adopt_orphans, leftovers
from rig.tap import Tap, settled
from rig.webui import OpenWebUi, composed


def arguments() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(prog="rig", description=__doc__)
    parser.add_argument("versions", nargs="+", help="the Open WebUIs to drive, as install.sh installed them")
    parser.add_argument("--gateway", type=Path, required=True, help="the program; its shards lie beside it")
    parser.add_argument("--peers", type=Path, required=True, help="the folder of the test peers and of Open WebUI")
    parser.add_argument("--out", type=Path, required=True, help="where the logs and the tapes go")
    return parser.parse_args()


@contextlib.asynccontextmanager
async def serving(routes: list[web.RouteDef]) -> AsyncIterator[str]:
    """Serves them at a free port of loopback; the address."""
    app = web.Application(client_max_size=64 << 20)
    app.add_routes(routes)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def hello(_: web.Request) -> web.Response:
    """The page that a shard fetches and a route leads to."""
    return web.Response(text=lab.PAGE + "\n")


async def drive(version: str, given: argparse.Namespace, findings: Findings) -> None:
    """One Open WebUI with a gateway of its own, from an empty folder to the last process."""
    out = given.out / version
    out.mkdir(parents=True, exist_ok=True)
    model = StandIn()
    with tempfile.TemporaryDirectory(prefix="open-webui-") as folder:
        work = Path(folder)
        behind = await lab.start(work / "lab", out, given.gateway, given.peers)
        tap = Tap(behind.url)
        try:
            async with serving([*model.routes(), web.get("/", hello)]) as services, serving(tap.routes()) as address:
                await tap.connect()
                venv = given.peers / "open-webui" / version
                connected = [composed(address + "/mcp")]
                webui = await OpenWebUi.start(venv, work / "webui", out / "open-webui.log", services + "/v1", connected)
                try:
                    stage = scenes.Stage(version, webui, model, behind, address, services + "/", findings)
                    await scenes.play(stage)
                    await settled(tap)
                finally:
                    await webui.stop()
                    await tap.close()
                    save(tap, out / "wire.jsonl")
            judge(version, tap, findings)
            findings.note(version, "refused requests", *await refusals.check(behind.url + "/mcp"))
        finally:
            took = await behind.stop()
    left = leftovers()
    findings.note(version, "processes left", left, f"{len(left)}, gateway gone in {took:.1f} s")


def judge(version: str, tap: Tap, findings: Findings) -> None:
    """Which rules hold depends on the era that this version speaks."""
    tape = [one for one in tap.exchanges if one.path.split("?")[0] in ("/mcp", "/mcp/time")]
    if any(one.rpc == "server/discover" for one in tape):
        findings.note(version, "era on the wire", *wire.modern(tape))
        findings.note(version, "probes answered", *wire.probes(tape))
    else:
        findings.note(version, "era on the wire", *wire.legacy(tape))
    findings.note(version, "sessions", *wire.sessions(tape))


def save(tap: Tap, file: Path) -> None:
    """Writes the tape, one exchange a line."""
    file.write_text("".join(json.dumps(dataclasses.asdict(one)) + "\n" for one in tap.exchanges))


def title(version: str, peers: Path) -> str:
    """The version with that of its MCP SDK."""
    found = next((peers / "open-webui" / version).glob("lib/python*/site-packages/mcp-*.dist-info"))
    return f"Open WebUI {version}, mcp {found.name.removeprefix('mcp-').removesuffix('.dist-info')}"


async def run(given: argparse.Namespace) -> int:
    """Everything, and the exit code."""
    task = asyncio.current_task()
    assert task, "a coroutine runs in a task"
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    findings = Findings()
    titles = {version: title(version, given.peers) for version in given.versions}
    try:
        for version in given.versions:
            print(f"{titles[version]}, Python {platform.python_version()}", flush=True)
            await drive(version, given, findings)
    except (Failure, aiohttp.ClientError, TimeoutError) as failure:
        print(f"error: {failure!s} ({type(failure).__name__})", file=sys.stderr)
        return 2
    finally:
        for left in leftovers():
            print(f"killed: {left}", file=sys.stderr)
    print(f"\n{findings.table(titles)}")
    print(f"{len(findings.all) - len(findings.bad)} passed, {len(findings.bad)} failed")
    return 1 if findings.bad else 0


if __name__ == "__main__":
    adopt_orphans()
    try:
        sys.exit(asyncio.run(run(arguments())))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("stopped before the end")
