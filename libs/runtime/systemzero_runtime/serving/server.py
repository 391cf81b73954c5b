"""The server that services take calls with: `AcceptingServer`, or else `PublicServer`.

`AcceptingServer` uses parts of grpc.aio that are not public. A trial with real calls runs before
the first server of a process starts. If the installed grpcio fails the trial, the process serves by
`PublicServer` and says so in its log and in a metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import grpc
from prometheus_client import Gauge

from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.streak import Streak
from systemzero_runtime.serving.public import Handlers, PublicServer
from systemzero_runtime.serving.trial import trial

if TYPE_CHECKING:
    from systemzero_runtime.serving.accepting import AcceptingServer

PUBLIC: Final = Gauge(
    "systemzero_server_public",
    "1 where calls are taken by grpc.aio's own server, since ours does not work with this grpcio.",
    multiprocess_mode="max",
)


class Server:
    """A gRPC server, made when it starts."""

    def __init__(self, options: Sequence[tuple[str, Any]], streak: Streak) -> None:
        """`streak` is what the loops that take calls keep together of how they fare."""
        self._options = list(options)
        self._streak = streak
        self._handlers: list[Handlers] = []
        self._serving: AcceptingServer | PublicServer | None = None

    def add(self, handlers: Handlers) -> None:
        """Serve what `handlers` has, and what it says to methods that it has not."""
        self._handlers.append(handlers)

    async def start(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """Listen on `address`, in the clear without `credentials`; the port that it is.

        Raises:
            RuntimeError: the address can't be bound.
        """
        serving = await self._made()
        for each in self._handlers:
            serving.add(each)
        self._serving = serving
        return await serving.listen(address, credentials)

    async def stop(self, grace: float | None) -> None:
        """Take no more calls, and give those under way `grace` seconds."""
        if self._serving is not None:
            await self._serving.stop(grace)

    async def _made(self) -> AcceptingServer | PublicServer:
        if await _ours_works():
            # here: with another grpcio the import itself may fail
            from systemzero_runtime.serving.accepting import AcceptingServer

            return AcceptingServer(self._options, self._streak)
        return PublicServer(self._options, self._streak)


class _Tried:
    """What the trial of this process said; None before."""

    works: bool | None = None


async def _ours_works() -> bool:
    if _Tried.works is None:
        reason = await trial()
        _Tried.works = not reason
        PUBLIC.set(bool(reason))
        if reason:
            get_logger("server").warning(
                "server.public",
                grpcio=grpc.__version__,
                reason=reason,
                advice="use the grpcio that this release was tested with: see dependencies.md",
            )
    return _Tried.works
