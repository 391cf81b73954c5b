"""Streams end with the credential that opened them: revoked, expired, of a suspended tenant.

A call with one response is over soon; a stream may go on for an hour, and whoever opened it with a
stolen key would go on listening after the key is revoked.

Invariants:
1. A stream whose credential does not work any more is ended within `SECONDS` of what any new call
   with it would be refused for, on every replica.
2. A store that does not answer ends no stream: nothing is known, and new calls are refused anyhow.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Final, NamedTuple

from systemzero_base.work.background import Loops
from systemzero_base.work.rounds import raise_all
from systemzero_core.errors import Unauthenticated, Unavailable
from systemzero_gateway.credentials.authenticate import REVALIDATE, Authenticator
from systemzero_gateway.credentials.certificates import certificate_of
from systemzero_runtime.interceptors.chain import Call

SECONDS: Final = REVALIDATE
"""Between two looks at the credentials of open streams."""


class _Credentials(NamedTuple):
    header: str
    certificate: bytes


class OpenStreams:
    """The streams that are on, by an interceptor around every one of them."""

    def __init__(self, authenticator: Authenticator, loops: Loops) -> None:
        self._authenticator = authenticator
        self._open: dict[asyncio.Task[Any], _Credentials] = {}
        self._ended: set[asyncio.Task[Any]] = set()
        self._looking = loops.new("streams", self.check, pause=SECONDS)

    def start(self) -> None:
        """Begin to look after them."""
        self._looking.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._looking.stop()

    def interceptor(self, call: Call) -> AbstractAsyncContextManager[None]:
        """Stands around a stream, inside of what turns errors into statuses."""
        asks = self._authenticator.asks_for_certificates
        certificate = certificate_of(call.context) if asks else b""
        return _Open(self, _Credentials(call.text("authorization") or "", certificate))

    async def check(self) -> None:
        """End those whose credentials do not work any more.

        Raises:
            ExceptionGroup: of some it can't be told, for another reason than that the store is
                away; all others were looked at.
        """
        errors: list[Exception] = []
        with suppress(Unavailable):
            for credentials in set(self._open.values()):
                await self._check(credentials, errors)
        raise_all(errors)

    async def _check(self, credentials: _Credentials, errors: list[Exception]) -> None:
        try:
            if await self._authenticator.known(*credentials) is None:
                await self._authenticator.authenticate(*credentials)
        except Unauthenticated:
            self._end(credentials)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - raised when the others were looked at
            errors.append(error)

    def opened(self, task: asyncio.Task[Any], credentials: _Credentials) -> None:
        """A stream of `task` was asked for with `credentials`."""
        self._open[task] = credentials

    def closed(self, task: asyncio.Task[Any]) -> bool:
        """The stream of `task` is over; whether it was ended here."""
        self._open.pop(task, None)
        ended = task in self._ended
        self._ended.discard(task)
        return ended

    def _end(self, credentials: _Credentials) -> None:
        for task, own in self._open.items():
            if own == credentials:
                self._ended.add(task)
                task.cancel()


class _Open(AbstractAsyncContextManager[None]):
    __slots__ = ("_credentials", "_streams", "_task")

    def __init__(self, streams: OpenStreams, credentials: _Credentials) -> None:
        self._streams = streams
        self._credentials = credentials
        self._task = asyncio.current_task()

    async def __aenter__(self) -> None:
        if self._task is not None:
            self._streams.opened(self._task, self._credentials)

    async def __aexit__(self, _kind: Any, error: BaseException | None, _traceback: Any) -> None:
        if self._task is None or not self._streams.closed(self._task):
            return
        if isinstance(error, asyncio.CancelledError):
            self._task.uncancel()
            raise Unauthenticated("the credential is missing or not accepted") from None
