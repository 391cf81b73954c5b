"""Makes the calls that Locust's users ask for: `python -m benchmarks.load.caller PLAN`.

A process of its own, since gRPC for gevent, which Locust needs, adds tens of ms to a call. Each
line that comes in asks for the next call of the mix, and is the call's number; each line that goes
out tells of one that has its answer, as JSON: number, kind, method, bytes of the answer, and what
went wrong, empty for nothing. Of every call the gRPC status counts; every `CHECKED`th answer is
read, and its verdict held against what it must be.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from pathlib import Path

import grpc

from benchmarks.load.mix import Prepared, calls, load
from benchmarks.load.plan import Plan
from benchmarks.load.world import OWN_CONNECTION
from systemzero.capture.v1 import capture_service_pb2
from systemzero_base.work.loop import run

CHECKED = 10
CHANNELS = 32
TIMEOUT = 30.0


class Caller:
    """Calls one platform, over several connections."""

    def __init__(self, plan: Plan) -> None:
        channels = [
            grpc.aio.insecure_channel(
                plan.target, [OWN_CONNECTION, ("grpc.max_receive_message_length", -1)]
            )
            for _ in range(CHANNELS)
        ]
        self._channels = itertools.cycle(channels)
        self._stream = calls(load(Path(plan.prepared)), plan.shares, plan.seed)
        self._metadata = (("authorization", f"Bearer {plan.key}"),)
        self._under_way: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Until nobody asks any more."""
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
        )
        while line := await lines.readline():
            task = asyncio.create_task(self._answer(int(line)))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _answer(self, number: int) -> None:
        chosen = next(self._stream)
        size, failure = await self._call(chosen, number)
        told = json.dumps([number, chosen.kind, chosen.method, size, failure])
        sys.stdout.write(f"{told}\n")
        sys.stdout.flush()

    async def _call(self, chosen: Prepared, number: int) -> tuple[int, str]:
        method = next(self._channels).unary_unary(chosen.method, None, None)
        body = chosen.filled(number)
        try:
            answer: bytes = await method(body, metadata=self._metadata, timeout=TIMEOUT)
        except grpc.aio.AioRpcError as error:
            return 0, f"{error.code().name}: {error.details()}"
        checked = chosen.verdict and number % CHECKED == 0
        return len(answer), _wrong(answer, chosen.verdict) if checked else ""


def _wrong(answer: bytes, verdict: int) -> str:
    found = capture_service_pb2.IngestResponse.FromString(answer).verdict
    if found.kind == verdict:
        return ""
    return f"wrong verdict {found.kind}, not {verdict}: {found.explanation}"


async def main(plan: Plan) -> None:
    """Make the calls of a plan until nobody asks any more."""
    await Caller(plan).serve()  # here, since channels belong to the running loop


if __name__ == "__main__":
    run(main(Plan.read(Path(sys.argv[1]))))
