"""Whether the capture service's database is the one that events were made with.

Templates and events name captures. A capture database that was put back to an earlier state lacks
some of them, and nothing in it says so. So both databases get the same random mark again and
again, in the capture service's first: one that lacks the mark is older than this one, or another's.

Invariants:
1. What was found stays found until the capture service's database has the mark: no restart, of
   either, makes it good.
2. Meanwhile no capture is judged: what would be recorded could name a capture of another history.
3. A capture service that does not answer, or is of an earlier release, decides nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final, Protocol

import grpc
from structlog.typing import FilteringBoundLogger

from systemzero.capture.v1 import pairing_service_pb2 as pb
from systemzero.capture.v1 import pairing_service_pb2_grpc
from systemzero_base.internal.identity import IdentitySigner, Principal
from systemzero_base.telemetry.observed import ClientSpan
from systemzero_base.work.background import Loops
from systemzero_core.errors import DataCorrupted, Unavailable
from systemzero_diff.intake.sources import AUDIENCE
from systemzero_diff.model import Mark
from systemzero_runtime.calls.asking import ask
from systemzero_runtime.calls.reaching import ReachableChannel

APART: Final = (
    "the database of captures is older than the one of events, or another's: captures that events "
    "and templates name are not in it. Stop the services, and restore the capture service's "
    "database (capture.db) from a backup that is no older than the diff service's (diff.db); "
    "without one, sz-admin accept-captures goes on with what is there"
)
_PAIR: Final = "/systemzero.capture.v1.PairingService/Pair"
_ITSELF: Final = Principal("platform", "diff")
_TRY_SECONDS: Final = 5.0
_MARK_SECONDS: Final = 60.0
"""How old a mark gets: what is put back to a state from before that is found."""
_TIMEOUT: Final = 10.0


class Marks(Protocol):
    """Keeps the newest mark; see `PairingStore`."""

    async def mark(self) -> Mark:
        """The newest mark."""
        ...

    async def keep(self, mark: Mark) -> None:
        """Have `mark` from now on."""
        ...


class Pairing:
    """Compares the databases, from `start` to `stop`."""

    def __init__(
        self,
        store: Marks,
        captures: ReachableChannel,
        signer: IdentitySigner,
        logger: FilteringBoundLogger,
        loops: Loops,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """`captures` is a channel to the capture service; `ticks` gives seconds."""
        self._store = store
        self._channel = captures
        self._stub = pairing_service_pb2_grpc.PairingServiceStub(captures)
        self._signer = signer
        self._logger = logger
        self._ticks = ticks
        self._due = 0.0
        self._apart = ""
        self._background = loops.new("pairing", self._round, pause=_TRY_SECONDS, vital=False)

    def start(self) -> None:
        """Begin."""
        self._background.start()

    async def stop(self) -> None:
        """End."""
        await self._background.stop()

    def apart(self) -> str:
        """A condition of readiness: the capture service's database is the one."""
        return self._apart

    def require(self) -> None:
        """Refuse to make anything of captures of another history.

        Raises:
            DataCorrupted: the databases do not belong together; says which file to restore.
        """
        if self._apart:
            raise DataCorrupted(self._apart)

    async def compare(self) -> None:
        """Compare now, and leave the next mark where they belong together."""
        try:
            found, following = await self._store.mark(), os.urandom(16)
            request = pb.PairRequest(number=found.number, mark=found.mark, next=following)
            answer: pb.PairResponse = await self._ask(request)
            if answer.known:
                await self._store.keep(Mark(answer.number, following))
        except (grpc.aio.AioRpcError, Unavailable):
            return  # others say who is away
        self._conclude("" if answer.known else APART)
        self._due = self._ticks() + _MARK_SECONDS

    async def _ask(self, request: pb.PairRequest) -> pb.PairResponse:
        token, client_span = self._signer.token(_ITSELF, AUDIENCE), ClientSpan(_PAIR, AUDIENCE)
        answer: pb.PairResponse = await ask(
            self._channel, self._stub.Pair, request, client_span, token, _TIMEOUT
        )
        return answer

    def _conclude(self, why: str) -> None:
        if why and not self._apart:
            self._logger.error("captures.apart", error=why)
        elif self._apart and not why:
            self._logger.info("captures.together")
        self._apart = why

    async def _round(self) -> None:
        if self._apart or self._ticks() >= self._due:
            await self.compare()
