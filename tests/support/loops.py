"""Background loops in tests: some of a test's own, and a way to have one fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.background import Background, Loops
from tests.support.patience import PATIENCE


def some_loops() -> Loops:
    """Where a test's parts make their loops."""
    return Loops("test", get_logger("test"), jitter=lambda: 0.0)


def loop_named(name: str, loops: Iterable[Background]) -> Background:
    """The one of this name."""
    (found,) = [loop for loop in loops if loop.name == name]
    return found


async def kill(loop: Background, error: BaseException) -> None:
    """Have `error` raised in the midst of what `loop` does: where it waits for something."""
    task = next(task for task in asyncio.all_tasks() if task.get_name() == loop.name)
    failures = loop.streak.failures

    def is_killed() -> bool:
        if loop.streak.failures != failures:
            return True
        waits_for: Any = getattr(task, "_fut_waiter", None)
        if type(waits_for).__name__ == "Future" and not waits_for.done():
            waits_for.set_exception(error)
        return False

    await until(is_killed)


async def until(good: Callable[[], bool]) -> None:
    """Let loops go on until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not good():  # noqa: ASYNC110 - whatever it is, not all of it has an event
            await asyncio.sleep(0)
