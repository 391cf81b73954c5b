"""gRPC reflection for everybody, within bounds.

An answer is many times as large as its question, and needs no credential. All streams therefore
share one rate of answers, given in the order of the questions. A stream has a maximum number of
answers and a maximum duration. A client that asks for everything stays far below both.

Invariants:
1. At most `AT_ONCE` answers are given at once over all streams, and then one every `SECONDS`.
2. After `stop` there are no streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, Final

from grpc_reflection.v1alpha import reflection

from systemzero_core.errors import RateLimited
from systemzero_runtime.serving.anonymous import RETRY_SECONDS, AnonymousStreams
from systemzero_runtime.serving.ending import Endable
from systemzero_runtime.serving.symbols import SymbolPool

STREAMS: Final = 100
OF_NETWORK: Final = 10
QUESTIONS: Final = 1_000
LIFETIME: Final = 60.0
AT_ONCE: Final = 200
SECONDS: Final = 0.005


class Reflection(reflection.aio.ReflectionServicer):  # type: ignore[misc,name-defined] # no types
    """The servicer."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names, pool=SymbolPool())
        self.streams = AnonymousStreams("reflection", STREAMS, OF_NETWORK)
        self._waiting = Endable()
        self._free = 0.0

    async def ServerReflectionInfo(  # noqa: N802 - named by the protocol
        self, request_iterator: AsyncIterable[Any], context: Any
    ) -> AsyncIterator[Any]:
        """Answer the questions of one stream."""
        with self.streams.open(context), self._waiting.waiting():
            answers = super().ServerReflectionInfo(self._at_pace(request_iterator), context)
            async with asyncio.timeout(LIFETIME), aclosing(answers):
                async for answer in answers:
                    yield answer

    def stop(self) -> None:
        """End all streams."""
        self._waiting.stop()

    async def _at_pace(self, requests: AsyncIterable[Any]) -> AsyncIterator[Any]:
        count = 0
        async for request in requests:
            count += 1
            if count > QUESTIONS:
                raise RateLimited(
                    f"a stream of reflection answers {QUESTIONS:,} questions; open another one",
                    retry_after=RETRY_SECONDS,
                    metadata={"subject": "address", "limit": str(QUESTIONS)},
                )
            await asyncio.sleep(self._wait())
            yield request

    def _wait(self) -> float:
        """Seconds until it is the turn of the question that comes now."""
        now = asyncio.get_running_loop().time()
        turn = max(self._free, now)
        self._free = turn + SECONDS
        return max(0.0, turn - now - AT_ONCE * SECONDS)
