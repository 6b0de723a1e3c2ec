"""What the tape must show, for each era.

Pure: exchanges in, faults and a short text out.
"""

import json
import statistics
from collections import Counter

from rig.tap import Exchange

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
PROBE_LIMIT = 20.0

Verdict = tuple[list[str], str]


def modern(tape: list[Exchange]) -> Verdict:
    """Every request stands for itself: no handshake, no session, no stream, and the revision on each."""
    posts = [one for one in tape if one.method == "POST"]
    faults = [f"{one.method} {one.path}" for one in tape if one.method != "POST"]
    faults += [f"`{one.rpc}` was sent" for one in posts if one.rpc in ("initialize", "notifications/initialized")]
    faults += [
        f"`{one.rpc}` of revision {one.headers.get('mcp-protocol-version')}"
        for one in posts
        if _revision(one) != MODERN
    ]
    faults += [f"`{one.rpc}` got or named a session" for one in tape if one.session or one.opened]
    count = Counter(one.rpc for one in posts)
    if count["server/discover"] == 0 or count["server/discover"] != count["tools/list"]:
        faults.append(f"{count['server/discover']} discover for {count['tools/list']} lists")
    return faults + _unanswered(tape), f"{MODERN}: {count['server/discover']} discover, no initialize"


def legacy(tape: list[Exchange]) -> Verdict:
    """A handshake for each session, the revision agreed on, and no probe."""
    opened = [one for one in tape if one.rpc == "initialize"]
    faults = [f"`{one.rpc}` was sent" for one in tape if one.rpc == "server/discover"]
    faults += [f"initialize was answered `{one.answer[:200]}`" for one in opened if _agreed(one) != LEGACY]
    if not opened:
        faults.append("no initialize was seen")
    return faults + _unanswered(tape), f"{LEGACY}: {len(opened)} initialize"


def probes(tape: list[Exchange]) -> Verdict:
    """Discover must be answered at once, because it comes before every message."""
    took = [one.milliseconds for one in tape if one.rpc == "server/discover"]
    if not took:
        return ["no probe was seen"], "none"
    median = statistics.median(took)
    faults = [f"half of the probes took {median:.1f} ms or longer"] if median >= PROBE_LIMIT else []
    return faults, f"median {median:.1f} ms, longest {max(took):.1f} ms"


def sessions(tape: list[Exchange]) -> Verdict:
    """Each session that was handed out is deleted once, and its GET stream is opened once.

    A client that finds its stream ended opens it again each second, for as long as the session lives.
    """
    opened = [one.opened for one in tape if one.opened]
    deletes = [one for one in tape if one.method == "DELETE"]
    ended = Counter(one.session for one in deletes)
    faults = [f"DELETE was answered {one.status}" for one in deletes if one.status not in (200, 204)]
    faults += ["a session was handed out twice"] * (len(opened) - len(set(opened)))
    faults += ["a session was not deleted, or more than once"] * sum(1 for session in opened if ended[session] != 1)
    faults += ["what was deleted was no session"] * len(set(ended) - set(opened))
    gets = Counter(one.session for one in tape if one.method == "GET")
    faults += [f"a GET stream was opened {count} times in one session" for count in gets.values() if count != 1]
    faults += [f"GET was answered {one.status}" for one in tape if one.method == "GET" and one.status != 200]
    return faults, f"{len(opened)} sessions = {len(deletes)} deletes, {len(gets)} streams"


def _agreed(exchange: Exchange) -> str | None:
    """The revision of an answer to initialize, which comes as JSON or as one event of a stream."""
    text = exchange.answer.partition("data: ")[2] if exchange.answer.startswith("event:") else exchange.answer
    try:
        return json.loads(text).get("result", {}).get("protocolVersion")
    except ValueError:
        return None


def _revision(exchange: Exchange) -> str | None:
    return exchange.headers.get("mcp-protocol-version")


def _unanswered(tape: list[Exchange]) -> list[str]:
    return [
        f"`{one.rpc}` was answered {one.status}"
        for one in tape
        if one.method == "POST" and one.status not in (200, 202)
    ]
