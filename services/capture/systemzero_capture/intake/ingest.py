"""Taking a capture in: known or decoded, stored, judged.

    bytes seen before -> known by their digest, nothing is parsed
    other bytes       -> decoded, gated, normalised, signed (pipeline.py)
    digest alone      -> known, or the body is asked for

Order of effects, so that a crash at any point loses nothing acknowledged and leaves no event whose
capture is missing:
1. A verdict that the signatures decide leaves no event; the capture and it are one commit.
2. Otherwise the capture is committed first, then judged, then the verdict is kept with it. A retry
   with the same request id goes on where the first try ended. So it does where the tenant has no
   room for the event: the call fails, never with a verdict, and the capture is kept.
3. Whether a request id was there before is for `store.add` to say, in its transaction; it is asked
   for beforehand only where that is too late (`_look_before`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from systemzero.tree.v1 import tree_pb2
from systemzero_base.internal.identity import Principal
from systemzero_base.lanes.dispatch import MEMORY_FACTOR, Lanes
from systemzero_base.lanes.worker import Function
from systemzero_base.lru import Lru
from systemzero_base.settings.redacting import RulesByTenant
from systemzero_base.telemetry.stages import SMALL_BYTES
from systemzero_capture import metrics
from systemzero_capture.intake import pipeline, work
from systemzero_capture.intake.known import tree_digest
from systemzero_capture.model import NO_EVENT, Decoded, Event, Known, Sighting, StoredCapture
from systemzero_capture.peers.checker import Checker
from systemzero_capture.store import CaptureStore
from systemzero_core.errors import QuotaExceeded, Unavailable
from systemzero_core.formats import Formats, own
from systemzero_wire.trees import decode_tree


class Ingestor:
    """Takes captures in for all tenants."""

    def __init__(
        self,
        store: CaptureStore,
        checker: Checker,
        known: Lru[bytes, Known],
        lanes: Lanes,
        formats: Formats,
        rules: RulesByTenant,
        new_id: Callable[[str], str],
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._checker = checker
        self._known = known
        self._lanes = lanes
        self._formats = formats
        self._rules = rules
        self._new_id = new_id
        self._clock = clock

    async def native(
        self,
        principal: Principal,
        key: bytes,
        native: pipeline.Native,
        sighting: Sighting,
        *,
        check: bool,
    ) -> StoredCapture:
        """Take in a document in its platform's format, whose bytes have the digest `key`.

        Raises:
            InvalidInput, TooLarge: the document can't be read.
            Conflict: the request id belongs to another request.
        """
        tenant, size = principal.tenant, native.size

        async def decode() -> _Read:
            if size < SMALL_BYTES:
                rules = self._rules.of(tenant)
                return _read(pipeline.decode_native(native, self._formats, rules))
            return await self._in_lane(tenant, size, work.decode_native, native)

        return await self._take(principal, key, decode, sighting, check)

    async def tree(
        self,
        principal: Principal,
        key: bytes,
        tree: tree_pb2.Tree,
        sighting: Sighting,
        *,
        check: bool,
    ) -> StoredCapture:
        """Take in a tree message, whose serialised bytes have the digest `key`."""
        tenant, size = principal.tenant, own.TERSEST * tree.ByteSize()

        async def decode() -> _Read:
            if size < SMALL_BYTES:
                rules = self._rules.of(tenant)
                return _read(pipeline.decode_tree(decode_tree(tree, "tree"), rules))
            serialised = tree.SerializeToString()
            return await self._in_lane(tenant, size, work.decode_message, serialised)

        return await self._take(principal, key, decode, sighting, check)

    async def digest(
        self, principal: Principal, full_digest: bytes, sighting: Sighting, *, check: bool
    ) -> StoredCapture | None:
        """Take in a sighting by its full digest alone; None if the body is needed."""
        key = tree_digest(principal.tenant, full_digest)
        known = self._known.get(key) or await self._store.known(principal.tenant, full_digest)
        if first := await self._look_before(principal, known, sighting, check):
            return first
        if known is not None:
            if done := await self._settle(principal, known, None, sighting, check, "digest"):
                self._known.put(key, known)
                return done
            self._known.forget(key)
        metrics.TAKEN.labels("not").inc()
        return None

    async def _take(
        self,
        principal: Principal,
        key: bytes,
        decode: Callable[[], Awaitable[_Read]],
        sighting: Sighting,
        check: bool,
    ) -> StoredCapture:
        known = self._known.get(key)
        if first := await self._look_before(principal, known, sighting, check):
            return first
        if known is not None and (
            done := await self._settle(principal, known, None, sighting, check, "bytes")
        ):
            return done
        with metrics.DECODE.time():
            decoded = await decode()
        known, held = decoded
        done = await self._settle(principal, known, held, sighting, check, "decoded")
        if done is None:
            raise Unavailable("the capture was not stored; try again")
        self._remember(principal, key, known)
        if reasons := known.incompleteness:
            metrics.INCOMPLETE.labels(reasons[0].reason).inc()
        return done

    def _remember(self, principal: Principal, key: bytes, known: Known) -> None:
        self._known.put(key, known)
        if not known.incompleteness:
            plain = Known(known.signatures, known.node_count, None)
            self._known.put(tree_digest(principal.tenant, known.signatures.full), plain)

    async def _look_before(
        self, principal: Principal, known: Known | None, sighting: Sighting, check: bool
    ) -> StoredCapture | None:
        """What the request id made before, where `store.add` would tell too late.

        Nothing is decoded in vain, nor asked for because it was forgotten since; and a repeat is no
        step of its session.
        """
        if known is None or (check and sighting.session_id):
            return await self._find_first(principal, sighting, check)
        return None

    async def _find_first(
        self, principal: Principal, sighting: Sighting, check: bool
    ) -> StoredCapture | None:
        """What the request id made before, or None."""
        if not sighting.request_id:
            return None
        first = await self._store.find_request(principal.tenant, sighting)
        return None if first is None else await self._answer_again(principal, first, check)

    async def _answer_again(
        self, principal: Principal, first: StoredCapture, check: bool
    ) -> StoredCapture:
        """The answer to a repeat of the request that made `first`: judged now if it was not yet."""
        metrics.TAKEN.labels("request").inc()
        if not check or first.verdict:
            return first
        # as the first try had them: the diff service knows a repeat by the whole request
        originals = await self._store.originals(principal.tenant, first.capture_id)
        sighting = msgspec.structs.replace(first.sighting, originals=originals)
        again = msgspec.structs.replace(first, sighting=sighting)
        return await self._judge_stored(principal, again, None)

    async def _settle(
        self,
        principal: Principal,
        known: Known,
        held: pipeline.Held | None,
        sighting: Sighting,
        check: bool,
        taken: str,
    ) -> StoredCapture | None:
        """Store and, if asked, judge; None if the body is not stored and no tree is `held`."""
        verdict = None
        if check:
            try:
                verdict = await self._checker.by_signatures(principal, known, sighting)
            except Exception:
                # a repeat has its verdict: it does without the diff service
                if first := await self._find_first(principal, sighting, check):
                    return first
                raise
        capture_id = self._new_id("cap")
        serialised = verdict.SerializeToString() if verdict else b""
        capture = await self._add(principal.tenant, capture_id, known, held, sighting, serialised)
        if capture is None:
            return None
        if capture.capture_id != capture_id:
            return await self._answer_again(principal, capture, check)
        metrics.TAKEN.labels(taken).inc()
        if not check or capture.verdict:
            return capture
        return await self._judge_stored(principal, capture, held)

    async def _add(
        self,
        tenant: str,
        capture_id: str,
        known: Known,
        held: pipeline.Held | None,
        sighting: Sighting,
        verdict: bytes,
    ) -> StoredCapture | None:
        now = self._clock()
        add = partial(self._store.add, tenant, capture_id, now, known, sighting, verdict=verdict)
        with metrics.STORE.time():
            capture = None
            # Of a form that was seen before the body is stored already, in all likelihood: one is
            # made only where it turns out to be missing.
            if held is None or self._known.get(tree_digest(tenant, known.signatures.full)):
                capture = await add(body=None)
            if capture is None and held is not None:
                capture = await add(body=held.body())
        return capture

    async def _judge_stored(
        self, principal: Principal, capture: StoredCapture, held: pipeline.Held | None
    ) -> StoredCapture:
        async def as_document() -> bytes:
            if held is not None:
                return held.encode()
            body = await self._store.body(principal.tenant, capture.capture_id)
            size = pipeline.NODE_BYTES * capture.known.node_count
            return await self._lanes.do(principal.tenant, size, work.unpack, body)

        # A document that was made by now is of a form that was new: it has hardly been judged.
        at_once = held.document if held is not None else b""
        try:
            verdict = await self._checker.of_stored(
                principal, capture.capture_id, capture.known, capture.sighting, at_once, as_document
            )
        except QuotaExceeded as error:
            # what could not be recorded of it is not lost: it stays until there is room, or it is
            # deleted
            await self._store.hold(principal.tenant, capture.capture_id)
            raise _not_judged(error, capture.capture_id) from None
        event = None
        if verdict.event_id:  # which is the capture's own: what others have in common goes without
            event = Event(verdict.event_id, verdict.log_index)
            verdict.event_id, verdict.log_index = "", NO_EVENT
        return await self._store.set_verdict(
            principal.tenant, capture, verdict.SerializeToString(), event
        )

    async def _in_lane(
        self, tenant: str, size: int, function: Function, content: pipeline.Native | bytes
    ) -> _Read:
        memory = MEMORY_FACTOR * size
        told = self._rules.told(tenant)
        done = await self._lanes.run(tenant, function, content, told, memory=memory)
        taken = work.taken(done.result)
        return taken.known, pipeline.Held(None, taken.document, taken.body)


_Read = tuple[Known, pipeline.Held]


def _read(decoded: Decoded) -> _Read:
    return decoded.known, pipeline.Held(decoded.tree)


def _not_judged(error: QuotaExceeded, capture_id: str) -> QuotaExceeded:
    return QuotaExceeded(
        f"capture {capture_id} is kept, and not judged: {error.message}",
        metadata={**error.metadata, "capture_id": capture_id},
    )
