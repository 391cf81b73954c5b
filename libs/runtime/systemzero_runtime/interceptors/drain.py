"""Ends streams at shutdown. Streams do not end by themselves, and would use up the whole grace.

A watch ends at once; its client resumes elsewhere from its cursor. A bidirectional stream is read
no further, and ends when everything that was read is answered. Both end with UNAVAILABLE, on which
clients call again. Other calls get the grace to finish. New calls are refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from prometheus_client import Gauge

from systemzero_core.errors import Unavailable
from systemzero_runtime.interceptors.chain import Call

T = TypeVar("T")

END_SECONDS = 1.0
DRAINING = Gauge(
    "rpc_server_draining", "Whether the process is being stopped.", multiprocess_mode="livesum"
)


class Drain:
    """The streams that are on, by an interceptor around every call."""

    def __init__(self) -> None:
        self._watches: set[asyncio.Task[Any]] = set()
        self._readers: set[asyncio.Task[Any]] = set()
        self.draining = False

    async def end(self) -> None:
        """Tell all streams to go, and refuse each call that comes after.

        Returns when the watches' statuses are sent: a server that stops before would send its own.
        A peer that takes no more bytes is waited for `END_SECONDS` at most; a watch that is just
        sending ends as cancelled, without the reason.
        """
        self.draining = True
        DRAINING.set(1)
        watches = set(self._watches)
        for task in watches | self._readers:
            task.cancel()
        if watches:
            await asyncio.wait(watches, timeout=END_SECONDS)

    def interceptor(self, call: Call) -> AbstractAsyncContextManager[None]:
        """Stands around a call, inside of what turns errors into statuses.

        Raises:
            Unavailable: the service is stopping.
        """
        if self.draining:
            raise stopping()
        return _Watched(self, self._watches) if _is_watch(call.method) else _UNWATCHED

    async def until_end(self, requests: AsyncIterator[T]) -> AsyncIterator[T]:
        """`requests`, up to the moment at which streams are told to go."""
        while not self.draining:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - coroutines run in tasks
            self._readers.add(task)
            try:
                request = await anext(requests)
            except StopAsyncIteration:
                return
            except asyncio.CancelledError:
                if not self.draining:
                    raise
                task.uncancel()
                return
            finally:
                self._readers.discard(task)
            yield request
            del request  # the next one may be long in coming


class _Unwatched(AbstractAsyncContextManager[None]):
    async def __aexit__(self, *_error: object) -> None:
        return None


_UNWATCHED = _Unwatched()


class _Watched(AbstractAsyncContextManager[None]):
    def __init__(self, drain: Drain, watches: set[asyncio.Task[Any]]) -> None:
        self._drain = drain
        self._watches = watches
        self._task = asyncio.current_task()

    async def __aenter__(self) -> None:
        if self._task is not None:
            self._watches.add(self._task)

    async def __aexit__(self, _kind: Any, error: BaseException | None, _traceback: Any) -> None:
        if self._task is None:
            return
        self._watches.discard(self._task)
        if isinstance(error, asyncio.CancelledError) and self._drain.draining:
            self._task.uncancel()
            raise stopping() from None


def _is_watch(method: str) -> bool:
    """By the contract's own naming: a watch is a `Watch…` method."""
    return method.rpartition("/")[2].startswith("Watch")


def stopping() -> Unavailable:
    """What a stream is told to go with."""
    return Unavailable("the service is stopping; go on from where you were, by a new call")
