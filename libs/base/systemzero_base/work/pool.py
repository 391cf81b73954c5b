"""Thread pools for blocking work, with the length of their queue."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Pool(ThreadPoolExecutor):
    """A thread pool that counts what it was given and has not finished.

    Attributes:
        name: what it is for.
        threads: how many there may be.
        tasks: how many tasks run or wait.
    """

    def __init__(self, name: str, threads: int) -> None:
        super().__init__(threads, thread_name_prefix=name)
        self.name = name
        self.threads = threads
        self.tasks = 0
        self._lock = threading.Lock()  # tasks end in several threads

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See `ThreadPoolExecutor.submit`."""
        future = super().submit(fn, *args, **kwargs)
        with self._lock:
            self.tasks += 1
        future.add_done_callback(self._done)
        return future

    def _done(self, _future: Future[Any]) -> None:
        with self._lock:
            self.tasks -= 1
