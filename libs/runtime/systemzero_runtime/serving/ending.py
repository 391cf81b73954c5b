"""Ends, at a stop, the calls that wait for their caller. They would use up the whole grace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from systemzero_runtime.interceptors.drain import stopping


class Endable:
    """The tasks of such calls, while they wait.

    Attributes:
        stopped: whether `stop` was called.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self.stopped = False

    def stop(self) -> None:
        """End those that wait."""
        self.stopped = True
        for task in self._tasks:
            task.cancel()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The task of the caller is one of them meanwhile.

        Raises:
            Unavailable: it was ended.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._tasks.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not self.stopped:
                raise
            task.uncancel()
            raise stopping() from None
        finally:
            self._tasks.discard(task)
