"""Makes calls all at once: `burst.py TARGET METHOD CALLS`; prints how many ended with which status.

A process of its own, so that it does not make its calls in turn with a server that takes them.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from typing import Any

import grpc


async def main(target: str, path: str, calls: int) -> None:
    async with grpc.aio.insecure_channel(target) as channel:
        await channel.channel_ready()
        method: Any = channel.unary_unary(path, None, None)
        answers = [method(b"") for _ in range(calls)]
        print(dict(Counter([(await answer.code()).name for answer in answers])))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
