"""One attack as a process of its own, so that its work is not the quiet tenant's.

`attacker.py NAME TARGET SECONDS` with the key in its first line of standard input: it says `ready`
when everything that it sends is built, starts at the next line, and ends with a JSON object.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from benchmarks.neighbours.attacks import ATTACKS
from benchmarks.neighbours.caller import Caller
from benchmarks.neighbours.machines import yield_to_others


class Attacker:
    """A running attack."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def attack(self) -> None:
        """Begin."""
        self._say("go")

    def told(self) -> dict[str, Any]:
        """What came of it; waits for its end."""
        return cast("dict[str, Any]", json.loads(self._answers.readline() or "{}"))

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    @property
    def _answers(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def begin(self, key: str) -> None:
        """Give it its key, and wait until it is ready."""
        self._say(key)
        assert self._answers.readline().strip() == "ready"


@contextmanager
def attacker(name: str, target: str, key: str, seconds: float) -> Iterator[Attacker]:
    """The attack `name`, ready to begin; it is killed where it has not ended by itself."""
    command = [sys.executable, "-m", "benchmarks.neighbours.attacker", name, target, str(seconds)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            running = Attacker(process)
            running.begin(key)
            yield running
        finally:
            process.send_signal(signal.SIGKILL)


def main(name: str, target: str, seconds: float) -> None:
    """Attack, and tell of it."""
    yield_to_others()
    key = sys.stdin.readline().strip()
    run = ATTACKS[name].of()
    print("ready", flush=True)
    sys.stdin.readline()
    caller = asyncio.run(_attacked(run, target, key, seconds))
    told = {"outcomes": caller.outcomes, "sent": caller.sent, "largest": caller.largest}
    print(json.dumps(told), flush=True)


async def _attacked(run: Any, target: str, key: str, seconds: float) -> Caller:
    caller = Caller(target, key, seconds)
    await run(caller)
    return caller


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
