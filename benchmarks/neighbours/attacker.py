"""One attack as a process of its own, so that its work is not the quiet tenant's.

`attacker.py NAME TARGET SECONDS YIELDS` with the key in its first line of standard input: it says
`ready` when everything that it sends is built, starts at the next line, and ends with a JSON
object. With YIELDS of 1 it takes no turn from anybody. Where the platform goes before it anyway,
that would only have others who use the machine keep it from attacking.
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
def attacker(
    name: str, target: str, key: str, seconds: float, *, yields: bool
) -> Iterator[Attacker]:
    """The attack `name`, ready to begin; it is killed where it has not ended by itself."""
    module = "benchmarks.neighbours.attacker"
    command = [sys.executable, "-m", module, name, target, str(seconds), str(int(yields))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            running = Attacker(process)
            running.begin(key)
            yield running
        finally:
            process.send_signal(signal.SIGKILL)


def main(name: str, target: str, seconds: float, *, yields: bool) -> None:
    """Attack, and tell of it."""
    if yields:
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
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), yields=sys.argv[4] == "1")
