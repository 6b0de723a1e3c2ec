"""What the rules refuse: each case breaks one of them, and the first breaks none."""

import unittest
from typing import Any

from rig.rules import complaints


def tool(name: str = "a_b-1", **schema: Any) -> dict[str, Any]:
    """A tool with this name and schema."""
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}} | schema}}


class Rules(unittest.TestCase):
    """One line per case."""

    def refused(self, fault: str, *tools: dict[str, Any], messages: list[dict[str, Any]] | None = None) -> None:
        """Exactly one complaint, and it says `fault`."""
        found = complaints({"tools": list(tools), "messages": messages or []})
        self.assertEqual(len(found), 1, found)
        self.assertIn(fault, found[0])

    def test_a_request_that_keeps_the_rules_passes(self) -> None:
        free = tool("free", properties={"any": {"type": "object"}})
        data = tool(
            properties={"items": {"type": "string"}, "list": {"type": "array", "items": {}}}, default={"type": "array"}
        )
        asked = {"role": "assistant", "tool_calls": [{"id": "1"}]}
        answered = {"role": "tool", "tool_call_id": "1"}
        request = {"tools": [data, free, tool("x" * 64)], "messages": [asked, answered, {"role": "user"}]}
        self.assertEqual(complaints(request), [])
        self.assertEqual(complaints({"tools": [tool(f"t{at}") for at in range(128)]}), [])

    def test_what_breaks_a_rule_is_refused(self) -> None:
        self.refused("129 instead of 128", *[tool(f"t{at}") for at in range(129)])
        self.refused("there twice", tool(), tool())
        self.refused("does not match", tool("a.b"))
        self.refused("does not match", tool("a b"))
        self.refused("does not match", tool("x" * 65))
        self.refused("missing properties", tool(properties=None))
        self.refused("missing items", tool(properties={"a": {"type": ["array", "null"]}}))
        self.refused("properties/a/anyOf/0: array schema", tool(properties={"a": {"anyOf": [{"type": "array"}]}}))
        self.refused("not a schema of type", {"type": "function", "function": {"name": "a"}})
        self.refused("not of type `function`", tool() | {"type": "custom"})
        self.refused("has no answer", messages=[{"role": "assistant", "tool_calls": [{"id": "1"}]}, {"role": "user"}])
        self.refused("nothing has called", messages=[{"role": "tool", "tool_call_id": "2"}])


if __name__ == "__main__":
    unittest.main()
