"""A write job that waits, with others, for the commit that has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from sqlalchemy import Connection

from systemzero_chassis.observed import current_call

T = TypeVar("T")


class Job(Generic[T]):
    """What is to be done in a transaction, the call that it is for, and how it ended."""

    __slots__ = ("call", "error", "function", "future", "value")

    def __init__(self, function: Callable[[Connection], T]) -> None:
        """Its future belongs to the running event loop."""
        self.function = function
        self.future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.call = current_call()
        self.value: T | None = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Resolve the future, in its own event loop, unless its caller went away."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(cast("T", self.value))
        else:
            self.future.set_exception(self.error)
