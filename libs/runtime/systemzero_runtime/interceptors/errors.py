"""The interceptor that ends calls which raised: with a rich status, and nothing that leaks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from traceback import clear_frames
from typing import Any

import grpc

from systemzero_base.telemetry.observed import current_call
from systemzero_base.work.descriptors import NONE_LEFT, used_up
from systemzero_core.errors import DeadlineExceeded, DomainError, Unavailable
from systemzero_runtime.interceptors.chain import Call, Interceptor
from systemzero_wire.errors import abort


def errors_interceptor(report: Callable[[Call, BaseException], None]) -> Interceptor:
    """Ends a call that raised with the rich status of its error; tells `report` of unknown ones."""
    return partial(_Errors, report)


class _Errors(AbstractAsyncContextManager[None]):
    __slots__ = ("_call", "_report")

    def __init__(self, report: Callable[[Call, BaseException], None], call: Call) -> None:
        self._report = report
        self._call = call

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, _kind: Any, error: BaseException | None, _traceback: Any) -> None:
        if error is None or not isinstance(error, Exception):
            return
        if isinstance(error, grpc.aio.AbortError):
            _empty(error)
            return
        if isinstance(error, TimeoutError):
            error = DeadlineExceeded("the deadline passed")
        elif used_up(error):
            error = Unavailable(NONE_LEFT)
        elif not isinstance(error, DomainError):  # the last line before the wire: nothing leaks
            self._report(self._call, error)
        seen = current_call()
        if seen is not None and isinstance(error, DomainError):
            seen.reason = error.reason
        _empty(error)
        await abort(self._call.context, error)


def _empty(error: BaseException) -> None:
    """Have the frames that `error` came through let go of what they hold, such as the request.

    The errors of a call that failed are garbage in cycles, gRPC's own among them, which is found
    late: what a flood of refused calls sent would be in memory until then.
    """
    seen: set[int] = set()
    passed: BaseException | None = error
    while passed is not None and id(passed) not in seen:
        seen.add(id(passed))
        clear_frames(passed.__traceback__)
        passed = passed.__cause__ or passed.__context__
