"""What rounds of background loops are written with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def is_asked_for(error: BaseException) -> bool:
    """Whether the current task was cancelled: `CancelledError` comes of other things, too."""
    task = asyncio.current_task()
    is_cancelled = isinstance(error, asyncio.CancelledError)
    return is_cancelled and task is not None and task.cancelling() > 0


@contextmanager
def apart(errors: list[Exception]) -> Iterator[None]:
    """Put what is raised inside into `errors`, so that what comes after is done all the same."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - for `raise_all`
        errors.append(error)


def raise_all(errors: list[Exception]) -> None:
    """End a round whose parts were done `apart`.

    Raises:
        ExceptionGroup: some of them failed.
    """
    if errors:
        raise ExceptionGroup("parts of a round failed", errors)


async def heard(event: asyncio.Event, seconds: float) -> bool:
    """Wait for `event`, `seconds` at most; whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False
