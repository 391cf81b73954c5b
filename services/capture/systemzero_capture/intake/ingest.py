"""The way of a capture: known, or decoded -> judged -> taken in -> answered, each once.

Order of effects, so that a crash at any point loses nothing acknowledged and leaves no event whose
capture is missing:
1. A verdict that the signatures decide leaves no event; the capture and it are one commit.
2. Otherwise the capture is committed first, then judged. A verdict that leaves an event is the diff
   service's to keep: nothing more is committed here. One that leaves none is kept with the capture.
   A retry with the same request id goes on where the first try ended. So it does where the tenant
   has no room for the event: the call fails, never with a verdict, and the capture is kept.
3. Whether a request id was there before is for `store.add` to say, in its transaction; it is asked
   for beforehand only where that is too late (`_made_before`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from systemzero_base.internal.identity import Principal
from systemzero_capture import metrics
from systemzero_capture.intake.decoding import DecodedCapture, Decoder
from systemzero_capture.intake.known import KnownContents
from systemzero_capture.model import (
    Arrival,
    ContentFacts,
    Judgement,
    NotYet,
    StoredCapture,
)
from systemzero_capture.peers.diff_client import DiffClient
from systemzero_capture.store import CaptureStore
from systemzero_core.errors import QuotaExceeded, Unavailable

_NOT_ASKED = Judgement(b"")


class Ingestor:
    """Takes captures in for all tenants."""

    def __init__(
        self,
        store: CaptureStore,
        diff: DiffClient,
        known: KnownContents,
        decoder: Decoder,
        new_id: Callable[[str], str],
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._diff = diff
        self._known = known
        self._decoder = decoder
        self._new_id = new_id
        self._clock = clock

    async def take_in(self, principal: Principal, arrival: Arrival) -> StoredCapture | None:
        """The capture, stored and, if asked, judged; None if the digest alone says too little.

        Raises:
            InvalidInput, TooLarge: the content can't be read.
            Conflict: the request id belongs to another request.
            Unavailable, QuotaExceeded: see `DiffClient.judge_stored`.
        """
        known, held = await self._known.find(principal.tenant, arrival), None
        if first := await self._made_before(principal, known, arrival):
            return first
        if known is None and arrival.content is not None:
            known, held = await self._decoder.decode(principal.tenant, arrival.content)
        done = None
        if known is not None:
            done = await self._settle(principal, known, held, arrival)
        if done is None and held is None and arrival.content is not None:
            # it is known, and its body is not stored any more
            known, held = await self._decoder.decode(principal.tenant, arrival.content)
            done = await self._settle(principal, known, held, arrival)
        if known is None or done is None:
            self._not_taken(principal.tenant, arrival)
            return None
        self._known.remember(principal.tenant, arrival, known, was_decoded=held is not None)
        return done

    async def _settle(
        self,
        principal: Principal,
        known: ContentFacts,
        held: DecodedCapture | None,
        arrival: Arrival,
    ) -> StoredCapture | None:
        """Judge and store; None if the body is not stored and no tree is `held`."""
        capture_id = self._new_id("cap")
        judged = await self._by_signatures(principal, capture_id, known, arrival)
        if isinstance(judged, StoredCapture):
            return judged
        capture = await self._stored(principal.tenant, capture_id, known, held, arrival, judged)
        if capture is None:
            return None
        if capture.capture_id != capture_id:
            return await self._answer_again(principal, capture, arrival)
        metrics.TAKEN.labels(_taken(arrival, held)).inc()
        if not isinstance(judged, NotYet):
            return capture
        document = held.encode() if held is not None and judged.tree_needed else b""
        return await self._judge_stored(principal, capture, document)

    async def _made_before(
        self, principal: Principal, known: ContentFacts | None, arrival: Arrival
    ) -> StoredCapture | None:
        """What the request id made before, where `store.add` would tell too late.

        Nothing is decoded in vain, nor asked for because it was forgotten since; and a repeat is no
        step of its session.
        """
        if known is None or (arrival.check and arrival.sighting.session_id):
            return await self._find_first(principal, arrival)
        return None

    async def _find_first(self, principal: Principal, arrival: Arrival) -> StoredCapture | None:
        """What the request id made before, or None."""
        if not arrival.sighting.request_id:
            return None
        first = await self._store.find_request(principal.tenant, arrival.sighting)
        return None if first is None else await self._answer_again(principal, first, arrival)

    async def _answer_again(
        self, principal: Principal, first: StoredCapture, arrival: Arrival
    ) -> StoredCapture:
        """The answer to a repeat of the request that made `first`: judged now if it was not yet."""
        metrics.TAKEN.labels("request").inc()
        (told,) = await self._diff.told(principal, [first]) if arrival.check else [first]
        if not arrival.check or told.verdict:
            return told
        # as the first try had them: the log records them
        originals = await self._store.originals(principal.tenant, first.capture_id)
        sighting = msgspec.structs.replace(first.sighting, originals=originals)
        again = msgspec.structs.replace(first, sighting=sighting)
        return await self._judge_stored(principal, again)

    async def _by_signatures(
        self, principal: Principal, capture_id: str, known: ContentFacts, arrival: Arrival
    ) -> Judgement | NotYet | StoredCapture:
        """The verdict, if one is asked for and the signatures decide it; or the first answer."""
        if not arrival.check:
            return _NOT_ASKED
        try:
            return await self._diff.judge(principal, capture_id, known, arrival.sighting)
        except Exception:
            # a repeat that has its verdict does without the diff service
            if first := await self._find_first(principal, arrival):
                return first
            raise

    async def _stored(
        self,
        tenant: str,
        capture_id: str,
        known: ContentFacts,
        held: DecodedCapture | None,
        arrival: Arrival,
        judged: Judgement | NotYet,
    ) -> StoredCapture | None:
        of_diff = isinstance(judged, NotYet)
        verdict = b"" if isinstance(judged, NotYet) else judged.verdict
        what = (tenant, capture_id, self._clock(), known, arrival.sighting)
        add = partial(self._store.add, verdict=verdict, of_diff=of_diff)
        with metrics.STORE.time():
            capture = None
            # Of a form that was seen before the body is stored already, in all likelihood: one is
            # made only where it turns out to be missing.
            if held is None or self._known.has_form(tenant, known):
                capture = await add(*what, body=None)
            if capture is None and held is not None:
                capture = await add(*what, body=held.body())
        return capture

    async def _judge_stored(
        self, principal: Principal, capture: StoredCapture, document: bytes = b""
    ) -> StoredCapture:
        about = (principal, capture.capture_id, capture.known, capture.sighting)
        try:
            judged = await self._diff.judge_stored(*about, document)
        except QuotaExceeded as error:
            # what could not be recorded of it is not lost: it stays until there is room, or it is
            # deleted
            await self._store.hold(principal.tenant, [capture.capture_id])
            raise _not_judged(error, capture.capture_id) from None
        if judged.event is None:
            return await self._store.set_verdict(principal.tenant, capture, judged.verdict)
        self._store.judged_elsewhere(principal.tenant)
        return msgspec.structs.replace(capture, verdict=judged.verdict, event=judged.event)

    def _not_taken(self, tenant: str, arrival: Arrival) -> None:
        """Nothing was stored: the body is needed, unless it is here.

        Raises:
            Unavailable: it is here.
        """
        if arrival.content is not None:
            raise Unavailable("the capture was not stored; try again")
        self._known.forget(tenant, arrival)
        metrics.TAKEN.labels("not").inc()


def _taken(arrival: Arrival, held: DecodedCapture | None) -> str:
    if held is not None:
        return "decoded"
    return "digest" if arrival.content is None else "bytes"


def _not_judged(error: QuotaExceeded, capture_id: str) -> QuotaExceeded:
    return QuotaExceeded(
        f"capture {capture_id} is kept, and not judged: {error.message}",
        metadata={**error.metadata, "capture_id": capture_id},
    )
