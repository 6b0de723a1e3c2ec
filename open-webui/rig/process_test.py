"""What is left of a child is found and ended, wherever it has gone."""

import asyncio
import tempfile
import unittest
from pathlib import Path

from rig.process import Child, Failure, adopt_orphans, leftovers


class Process(unittest.IsolatedAsyncioTestCase):
    """Real processes."""

    async def start(self, script: str) -> Child:
        """Runs a shell script, with a log of its own."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return await Child.start("sh", ["sh", "-c", script], {"PATH": "/usr/bin:/bin"}, Path(folder.name) / "log")

    async def test_a_grandchild_that_left_the_group_is_found_and_killed_once(self) -> None:
        adopt_orphans()
        child = await self.start("setsid sleep 4711 & echo started; wait")

        async def started() -> bool | None:
            return "started" in child.log.read_text() or None

        await child.until("started", 10, started)
        await child.stop()
        self.assertIn("sleep 4711", "".join(leftovers()))
        async with asyncio.timeout(10):
            while leftovers():
                await asyncio.sleep(0.05)

    async def test_a_child_that_ends_too_early_is_told_with_its_last_lines(self) -> None:
        child = await self.start("echo out of paper; exit 3")

        async def never() -> None:
            return None

        with self.assertRaisesRegex(Failure, r"ended with 3 before it printed(.|\n)*out of paper"):
            await child.until("printed", 10, never)


if __name__ == "__main__":
    unittest.main()
