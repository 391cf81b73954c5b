"""A coroutine from synchronous code, whether or not an event loop runs in this thread already."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, run in an event loop of its own, in a thread of its own. Blocks."""
    with ThreadPoolExecutor(1, thread_name_prefix="database-open") as executor:
        return executor.submit(asyncio.run, work).result()
