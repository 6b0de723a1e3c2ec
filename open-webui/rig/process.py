"""Child processes of the rig.

Invariant: whatever was started here, or by what was started here, is gone after `leftovers`, and is told by it.
"""

import asyncio
import ctypes
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
T = TypeVar("T")
_LIBC = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """What keeps the rig from being run at all; a finding is no failure."""


def adopt_orphans() -> None:
    """Makes this process the parent of every descendant whose own parent ends."""
    _LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)


class Child:
    """One process in a group of its own, with its output in a file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @classmethod
    async def start(cls, name: str, command: list[str], env: dict[str, str], log: Path) -> "Child":
        """Starts it. It is told to end when the rig is killed."""
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=lambda: _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM),
            )
        return cls(name, process, log)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def until(self, what: str, limit: float, probe: Callable[[], Awaitable[T | None]]) -> T:
        """Asks `probe` until it answers; raises when the process ends or the limit, in seconds, has passed."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if (found := await probe()) is not None:
                return found
            if self._process.returncode is not None:
                raise Failure(f"{self.name} ended with {self._process.returncode} before it {what}\n{self.tail()}")
            await asyncio.sleep(0.1)
        raise Failure(f"{self.name} has not {what} within {limit:.0f} s\n{self.tail()}")

    def tail(self) -> str:
        """The last lines that it wrote, with the file's name."""
        lines = self.log.read_text(errors="replace").splitlines()[-15:]
        return "\n".join([f"--- {self.log}", *lines])

    async def stop(self, grace: float = 15) -> float:
        """Ends it: SIGTERM, then SIGKILL to the group after `grace`. Returns the seconds that it took."""
        begun = time.monotonic()
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), grace)
            except TimeoutError:
                os.killpg(self._process.pid, signal.SIGKILL)
                await self._process.wait()
        return time.monotonic() - begun


def leftovers() -> list[str]:
    """The descendants that are still there, each with its command; they are killed on the way."""
    found = []
    for pid in _descendants(os.getpid()):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if command:  # A zombie has none: it has ended, and init or we shall reap it.
                found.append(f"{pid} {command}")
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    return found


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [*children, *(deeper for child in children for deeper in _descendants(child))]
