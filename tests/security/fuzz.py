"""Fuzz a running gateway: `python -m tests.security.fuzz --inputs 1000000`.

Malformed inputs go over raw connections while a good caller calls. Wanted: no crash, no answer that
tells of the inside, no growth of memory, no good call lost. The seed is printed: the same one sends
the same inputs.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest

from systemzero.gateway.v1 import status_service_pb2
from systemzero.gateway.v1.status_service_pb2_grpc import StatusServiceStub
from systemzero_wire import contract
from tests.security.inputs import Input, Maker
from tests.support.http2 import Answer, Connection
from tests.support.patience import PATIENCE
from tests.support.platform import GENEROUS, Platform, running

"""Seconds in which whatever is to be answered is; only a hang takes so long."""
TOGETHER = 48
"""Connections at a time."""
IDLE = 50
"""Connections that say half a hello and nothing more, all the while."""
PER_CONNECTION = 200
INSIDE = ("Traceback", 'File "', "site-packages", ".py", "Error(", "sqlite", "sqlalchemy",
          "systemzero_", "127.0.0.1", "object at 0x")  # fmt: skip
"""What no answer may hold."""


class Outcome(msgspec.Struct):
    """What a campaign saw."""

    seed: int
    sent: Counter[str]
    statuses: Counter[str]
    failures: list[str]
    good_calls: int = 0
    resident: tuple[int, int] = (0, 0)
    """Bytes after the first fifth of the inputs, and at the end."""


class Campaign:
    """One run against `platform`, which is to be for this alone."""

    def __init__(self, platform: Platform, seed: int) -> None:
        self._platform = platform
        self._chance = random.Random(seed)  # noqa: S311 - to be repeatable
        methods = [*sorted(contract.methods()), "/systemzero.none.v1.None/None", "/", "x", ""]
        self._maker = Maker(self._chance, methods, platform.admin_key)
        self.outcome = Outcome(seed, Counter(), Counter(), [])

    async def run(self, inputs: int) -> Outcome:
        """Send so many inputs."""
        idle = [await self._connect(b"PRI * HT") for _ in range(IDLE)]
        good = asyncio.create_task(self._good_caller())
        await self._send_all(inputs // 5)
        first = self._resident()
        await self._send_all(inputs - inputs // 5)
        self.outcome.resident = (first, self._resident())
        good.cancel()
        with suppress(asyncio.CancelledError):
            await good
        for connection in idle:
            connection.abandon()
        self._look_at_the_platform()
        return self.outcome

    async def _send_all(self, inputs: int) -> None:
        numbers = iter(range(inputs))
        with suppress(ConnectionRefusedError):  # it is gone, which is told of at the end
            await asyncio.gather(*(self._send_some(numbers) for _ in range(TOGETHER)))

    async def _send_some(self, numbers: Iterator[int]) -> None:
        connection, sent = await self._connect(), 0
        for _ in numbers:
            stream = connection.new_stream()
            wanted = self._maker.make(stream)
            self.outcome.sent[wanted.kind] += 1
            if wanted.kind == "greeting":
                connection.abandon()
                connection = await self._connect(b"")
            await self._send_one(connection, stream, wanted)
            sent += 1
            if wanted.breaks and (not wanted.answered or connection.closed.is_set()):
                sent = PER_CONNECTION
            if sent >= PER_CONNECTION:
                connection.abandon()
                connection, sent = await self._connect(), 0
        connection.abandon()

    async def _send_one(self, connection: Connection, stream: int, wanted: Input) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                for part in wanted.parts:
                    await connection.send(part)
                if wanted.answered:
                    self._judge(wanted, await connection.answer(stream))
        except TimeoutError:
            self._fail(f"{wanted.kind}: no answer to {b''.join(wanted.parts)[:300]!r}")

    def _judge(self, wanted: Input, answer: Answer) -> None:
        text = " ".join(answer.headers.values())
        self.outcome.statuses[f"{wanted.kind}: {answer.status}"] += 1
        if answer.status == grpc.StatusCode.UNKNOWN.value[0] or any(
            inside in text for inside in INSIDE
        ):
            self._fail(f"{wanted.kind}: {answer.headers}")

    async def _good_caller(self) -> None:
        async with grpc.aio.insecure_channel(self._platform.target) as channel:
            stub: Any = StatusServiceStub(channel)
            bearer = (("authorization", f"Bearer {self._platform.admin_key}"),)
            while True:
                request = status_service_pb2.GetStatusRequest()
                try:
                    await stub.GetStatus(request, metadata=bearer, timeout=PATIENCE)
                except grpc.aio.AioRpcError as error:
                    self._fail(f"a good call: {error.code()}: {error.details()}")
                self.outcome.good_calls += 1
                await asyncio.sleep(0.01)

    async def _connect(self, greeting: bytes | None = None) -> Connection:
        return await Connection.open(self._platform.target, greeting)

    def _look_at_the_platform(self) -> None:
        if self._platform.process.poll() is not None:
            self._fail(f"the process ended with {self._platform.process.returncode}")
        log = self._platform.log.read_text(errors="replace")
        for mark in ("Traceback", "internal error"):
            at = log.find(mark)
            if at >= 0:
                self._fail(f"log: {log[max(0, at - 500) : at + 4_000]}")

    def _fail(self, what: str) -> None:
        if len(self.outcome.failures) < 20:
            self.outcome.failures.append(what)

    def _resident(self) -> int:
        statm = Path(f"/proc/{self._platform.process.pid}/statm").read_text().split()
        return int(statm[1]) * 4_096 if len(statm) > 1 else 0


def fuzz(inputs: int, seed: int, data: Path) -> Outcome:
    """Start a platform over `data` and send it so many inputs."""
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("SZ_STANDALONE_LOG__LEVEL", "warning")
        with running("standalone", data, {"LIMITS__FAILURES": GENEROUS}) as platform:
            return asyncio.run(Campaign(platform, seed).run(inputs))


def main() -> int:
    """Fuzz; the exit status is 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory() as data:
        outcome = fuzz(arguments.inputs, arguments.seed, Path(data))
    print(msgspec.json.format(msgspec.json.encode(outcome)).decode())  # noqa: T201
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
