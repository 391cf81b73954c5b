"""Erasing captures: here and in the diff service, whatever happens in between.

What is stored here goes first, with a note that the diff service still has to erase its part: what
events and their log entries say of the screen. A call is acknowledged when both are done. Where the
diff service does not answer, the note stays, and the rest is done in the background, by whichever
process comes to it; doing it twice changes nothing. The note has a MAC (see `notes`): what others
wrote into the database erases nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import grpc
from structlog.typing import FilteringBoundLogger

from systemzero.diff.v1 import drift_service_pb2, drift_service_pb2_grpc
from systemzero_base.internal.identity import IdentitySigner, Principal
from systemzero_base.telemetry.observed import ClientSpan
from systemzero_base.work.background import Loops
from systemzero_capture.model import ErasureNote, StoredCapture
from systemzero_capture.peers.diff_client import AUDIENCE
from systemzero_capture.peers.notes import NoteMacs
from systemzero_capture.store import CaptureStore
from systemzero_core.errors import Unavailable
from systemzero_runtime.calls.asking import AWAY, ask
from systemzero_runtime.calls.reaching import ReachableChannel
from systemzero_wire.verdicts import without_texts

_ERASE: Final = "/systemzero.diff.v1.DriftService/EraseCapture"
_TIMEOUT: Final = 10.0
_INTERVAL: Final = 5.0
"""Seconds between two looks for erasures that were not finished."""
_MOST_TOLD: Final = 1_000
"""Notes by others that are remembered as told of."""


class Eraser:
    """Erases captures of all tenants."""

    def __init__(
        self,
        store: CaptureStore,
        diff: ReachableChannel,
        signer: IdentitySigner,
        macs: NoteMacs,
        clock: Callable[[], int],
        logger: FilteringBoundLogger,
        loops: Loops,
    ) -> None:
        """`diff` is a channel to the diff service; `macs` show which notes are this service's."""
        self._store = store
        self._macs = macs
        self._foreign: set[tuple[str, str]] = set()
        self._channel = diff
        self._drift = drift_service_pb2_grpc.DriftServiceStub(diff)
        self._signer = signer
        self._clock = clock
        self._logger = logger
        self._background = loops.new("erasures", self._round, pause=_INTERVAL, vital=False)

    def start(self) -> None:
        """Begin to finish what was left unfinished."""
        self._background.start()

    async def stop(self) -> None:
        """End; what is unfinished is finished after the next start."""
        await self._background.stop()

    async def erase(self, principal: Principal, capture_id: str) -> StoredCapture:
        """Erase a capture everywhere; what is left of it.

        Raises:
            NotFound: the principal's tenant has no such capture.
            Unavailable: the diff service does not answer. It will be asked again.
        """
        time = self._clock()
        asked = self._macs.asked(principal, capture_id, time)
        capture = await self._store.erase(principal.tenant, capture_id, time, without_texts, asked)
        await self._finish(principal, capture_id)
        return capture

    async def finish_all(self) -> int:
        """Finish the oldest that are unfinished, of all tenants; how many.

        One that fails in another way than by silence is logged, and stands in no other's way. Each
        is tried once: a note that stays although it was finished would hold the round for good.
        One that this service did not write is not acted on.

        Raises:
            Unavailable: the diff service does not answer.
        """
        tried: set[tuple[str, str]] = set()
        count = skipped = 0
        while page := await self._store.unfinished_erasures(skipped):
            new = [note for note in page if (note.tenant, note.capture_id) not in tried]
            tried.update((note.tenant, note.capture_id) for note in new)
            finished = sum([await self._finished(note) for note in new])
            count, skipped = count + finished, skipped + len(page) - finished
        return count

    async def _finished(self, note: ErasureNote) -> bool:
        if not self._macs.holds(note):
            self._tell(note)
            return False
        try:
            principal = Principal(note.tenant, note.asked.principal_id)
            await self._finish(principal, note.capture_id)
        except Unavailable:
            raise
        except Exception:
            self._logger.exception("an erasure could not be finished", capture_id=note.capture_id)
            return False
        return True

    def _tell(self, note: ErasureNote) -> None:
        """Log a note that others wrote, once; of very many, the first alone."""
        place = (note.tenant, note.capture_id)
        if place not in self._foreign and len(self._foreign) < _MOST_TOLD:
            self._foreign.add(place)
            self._logger.error(
                "an erasure was noted that nobody asked this service for; it is not done",
                tenant=note.tenant,
                capture_id=note.capture_id,
            )

    async def _finish(self, principal: Principal, capture_id: str) -> None:
        token, client_span = self._signer.token(principal, AUDIENCE), ClientSpan(_ERASE, AUDIENCE)
        request = drift_service_pb2.EraseCaptureRequest(capture_id=capture_id)
        try:
            await ask(
                self._channel, self._drift.EraseCapture, request, client_span, token, _TIMEOUT
            )
        except grpc.aio.AioRpcError as error:
            if error.code() not in AWAY:
                raise
            raise Unavailable(
                "the capture is erased, but the diff service does not answer: what its events say "
                "will be erased when it does; try again to be sure"
            ) from None
        await self._store.finish_erasure(principal.tenant, capture_id)

    async def _round(self) -> None:
        # else: asked again; the breaker, the logs and health of others say so already
        with suppress(Unavailable):
            if count := await self.finish_all():
                self._logger.info("erasures.finished", count=count)
