"""What the tape's judges find: a tape that keeps the rules passes, and each broken rule is named."""

import json
import unittest
from collections.abc import Callable
from typing import Any

from rig import wire
from rig.tap import Exchange


def sent(method: str, status: int = 200, took: float = 1, opened: str | None = None, **headers: str) -> Exchange:
    """A JSON-RPC request; headers are written with `_`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answered = {"mcp-session-id": opened} if opened else {}
    return Exchange("POST", "/mcp", named, {"method": method}, status, answered, "{}", took)


def of_session(method: str, session: str, status: int = 200) -> Exchange:
    """A GET or DELETE of a session."""
    return Exchange(method, "/mcp", {"mcp-session-id": session}, None, status)


def modern(method: str, **more: Any) -> Exchange:
    """A request of the modern era."""
    return sent(method, mcp_protocol_version=wire.MODERN, **more)


def initialize(revision: str = wire.LEGACY, session: str = "s") -> Exchange:
    """A handshake that was answered with this revision, as JSON."""
    exchange = sent("initialize", opened=session)
    exchange.answer = json.dumps({"result": {"protocolVersion": revision}})
    return exchange


class Wire(unittest.TestCase):
    """One line per case."""

    def check(self, judge: Callable[[list[Exchange]], wire.Verdict], fault: str | None, *tape: Exchange) -> None:
        """The judge finds exactly this fault, or none."""
        faults, _ = judge(list(tape))
        if fault is None:
            self.assertEqual(faults, [])
        else:
            self.assertTrue(any(fault in found for found in faults), faults)

    def test_modern_era(self) -> None:
        pair = [modern("server/discover"), modern("tools/list")]
        self.check(wire.modern, None, *pair, modern("tools/call"))
        self.check(wire.modern, "`initialize` was sent", *pair, modern("initialize"))
        self.check(wire.modern, "of revision None", *pair, sent("tools/call"))
        self.check(wire.modern, "a session", *pair, modern("tools/call", opened="s"))
        self.check(wire.modern, "GET /mcp", *pair, of_session("GET", "s"))
        self.check(wire.modern, "2 discover for 1", *pair, modern("server/discover"))
        self.check(wire.modern, "0 discover for 0")
        self.check(wire.modern, "answered 0", *pair, modern("tools/call", status=0))

    def test_legacy_era(self) -> None:
        self.check(wire.legacy, None, initialize(), sent("tools/list"))
        self.check(wire.legacy, "no initialize", sent("tools/list"))
        self.check(wire.legacy, "was sent", initialize(), sent("server/discover"))
        self.check(wire.legacy, "was answered", initialize("2024-11-05"))
        self.check(wire.legacy, "answered 404", initialize(), sent("tools/call", status=404))

    def test_sessions(self) -> None:
        self.check(wire.sessions, None, initialize(), of_session("GET", "s"), of_session("DELETE", "s"))
        self.check(wire.sessions, "not deleted", initialize())
        self.check(wire.sessions, "more than once", initialize(), of_session("DELETE", "s"), of_session("DELETE", "s"))
        self.check(wire.sessions, "was no session", of_session("DELETE", "s"))
        self.check(wire.sessions, "answered 404", initialize(), of_session("DELETE", "s", 404))
        self.check(wire.sessions, "twice", initialize(), initialize(), of_session("DELETE", "s"))
        self.check(wire.sessions, "2 times", initialize(), *[of_session("GET", "s")] * 2, of_session("DELETE", "s"))

    def test_probes(self) -> None:
        self.check(
            wire.probes,
            None,
            modern("server/discover", took=19),
            modern("server/discover", took=500),
            modern("server/discover"),
        )
        self.check(wire.probes, "took 20.0 ms", modern("server/discover", took=20))
        self.check(wire.probes, "no probe")


if __name__ == "__main__":
    unittest.main()
