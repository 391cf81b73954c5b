"""DriftService: lists, watches and summarises events, and takes decisions about them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import date, timedelta
from typing import Any

from systemzero.diff.v1 import drift_service_pb2 as pb
from systemzero.diff.v1 import drift_service_pb2_grpc
from systemzero_base.ids import PageTokens
from systemzero_base.internal.identity import current_principal
from systemzero_base.pages import page_of
from systemzero_core.drift import DecisionKind, DecisionScope
from systemzero_core.errors import InvalidInput
from systemzero_diff.codec import events as codec
from systemzero_diff.codec.summary import encode_summary
from systemzero_diff.codec.templates import encode_template
from systemzero_diff.decisions.decide import Decided, Decider, DecisionRequest
from systemzero_diff.handlers.common import answered
from systemzero_diff.model import EventFilter, StoredEvent
from systemzero_diff.store import DiffStore
from systemzero_diff.store.events import day_of
from systemzero_diff.verdicts.counts import VerdictCounts
from systemzero_storage.following import Followers
from systemzero_wire import fields
from systemzero_wire.verdicts import without_texts

_SUMMARY_DAYS = 30
_DAY = 86_400_000_000
_MAX_DAYS = 3_660
_FIRST_DAY = -62_135_596_800_000_000  # of the year 1: no earlier one has a name


class DriftServicer(drift_service_pb2_grpc.DriftServiceServicer):
    """See the contract for what each method does."""

    def __init__(
        self,
        decider: Decider,
        store: DiffStore,
        counts: VerdictCounts,
        tokens: PageTokens,
        followers: Followers[StoredEvent],
        clock: Callable[[], int],
    ) -> None:
        self._decider = decider
        self._store = store
        self._counts = counts
        self._tokens = tokens
        self._followers = followers
        self._clock = clock

    async def ListEvents(
        self, request: pb.ListEventsRequest, context: Any
    ) -> pb.ListEventsResponse:
        tenant, now = current_principal().tenant, self._clock()
        size = fields.page_size(request.page_size)
        chosen = _filter(request, now)
        scope = f"events\n{tenant}\n{_scope(chosen)}"
        position = self._tokens.open(scope, request.page_token)
        start = int(position[0]) if position else None

        # what is filtered may be looked for among all there are
        find = self._store.look_up if chosen == EventFilter(now=now) else self._store.read

        async def older(last: StoredEvent | None, count: int) -> Sequence[StoredEvent]:
            before = last.position if last else start
            return await find(tenant, lambda t: t.events(before, count, chosen))

        page, more = await page_of(older, size, lambda event: len(event.event.verdict))
        return pb.ListEventsResponse(
            events=[codec.encode_event(event, now) for event in page],
            next_page_token=self._tokens.seal(scope, page[-1].position) if more else "",
        )

    async def GetEvent(self, request: pb.GetEventRequest, context: Any) -> pb.GetEventResponse:
        tenant = current_principal().tenant
        event_id = fields.text(request.event_id, "event_id", least=1)
        event = await self._store.look_up(tenant, lambda t: t.event(event_id))
        return pb.GetEventResponse(event=codec.encode_event(event, self._clock()))

    async def WatchEvents(
        self, request: pb.WatchEventsRequest, context: Any
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        tenant = current_principal().tenant
        scope = f"watch events\n{tenant}"
        cursor = self._tokens.open(scope, request.cursor, "cursor")
        with self._followers.of(tenant) as follower:
            position = int(cursor[0]) if cursor else 0
            if not cursor and not request.from_start:
                position = await follower.last()
            yield pb.WatchEventsResponse(cursor=self._tokens.seal(scope, position))
            async with aclosing(follower.rows(position)) as events:
                async for event in events:
                    yield pb.WatchEventsResponse(
                        event=codec.encode_event(event, self._clock()),
                        cursor=self._tokens.seal(scope, event.position),
                    )

    async def ApproveEvent(
        self, request: pb.ApproveEventRequest, context: Any
    ) -> pb.ApproveEventResponse:
        answer = await self._decide(request, DecisionKind.APPROVE, self._approved)
        return pb.ApproveEventResponse.FromString(answer)

    async def ApprovePattern(
        self, request: pb.ApprovePatternRequest, context: Any
    ) -> pb.ApprovePatternResponse:
        wish = DecisionRequest(
            event_id=fields.text(request.event_id, "event_id", least=1),
            kind=DecisionKind.APPROVE,
            scope=DecisionScope.SCREEN,
            reason=request.reason,
            pattern=True,
        )
        # The answers to both approvals have the same two fields.
        answer = await self._decider.decide(
            current_principal(), wish, answered(request), self._approved
        )
        return pb.ApprovePatternResponse.FromString(answer)

    async def RejectEvent(
        self, request: pb.RejectEventRequest, context: Any
    ) -> pb.RejectEventResponse:
        answer = await self._decide(request, DecisionKind.REJECT, self._rejected)
        return pb.RejectEventResponse.FromString(answer)

    async def SnoozeEvent(
        self, request: pb.SnoozeEventRequest, context: Any
    ) -> pb.SnoozeEventResponse:
        answer = await self._decide(request, DecisionKind.SNOOZE, self._rejected)
        return pb.SnoozeEventResponse.FromString(answer)

    async def EraseCapture(
        self, request: pb.EraseCaptureRequest, context: Any
    ) -> pb.EraseCaptureResponse:
        capture_id = fields.text(request.capture_id, "capture_id", least=1)
        time = self._clock()
        count = await self._store.write_anyhow(
            current_principal().tenant,
            lambda t: t.erase_capture(capture_id, time, without_texts),
        )
        return pb.EraseCaptureResponse(events=count)

    async def GetSummary(
        self, request: pb.GetSummaryRequest, context: Any
    ) -> pb.GetSummaryResponse:
        tenant, now = current_principal().tenant, self._clock()
        start, end = _span(request, now)
        await self._counts.flush()
        first, last = day_of(start), day_of(end)
        counts = await self._store.read(tenant, lambda t: t.summary(first, last, now))
        return encode_summary(counts, _days(first, last))

    async def _decide(
        self, request: Any, kind: DecisionKind, encode: Callable[[Decided], bytes]
    ) -> bytes:
        expire_time = None
        if kind is not DecisionKind.REJECT and request.HasField("expire_time"):
            expire_time = fields.micros(request.expire_time, "expire_time")
        wish = DecisionRequest(
            event_id=fields.text(request.event_id, "event_id", least=1),
            kind=kind,
            scope=codec.decode_scope(request.scope),
            reason=request.reason,
            expire_time=expire_time,
        )
        return await self._decider.decide(current_principal(), wish, answered(request), encode)

    def _approved(self, decided: Decided) -> bytes:
        message = pb.ApproveEventResponse(event=codec.encode_event(decided.event, self._clock()))
        if decided.template is not None:
            message.template.CopyFrom(encode_template(decided.template, with_tree=False))
        return message.SerializeToString()

    def _rejected(self, decided: Decided) -> bytes:
        # The answers to a rejection and a snooze have the same one field.
        event = codec.encode_event(decided.event, self._clock())
        return pb.RejectEventResponse(event=event).SerializeToString()


def _filter(request: pb.ListEventsRequest, now: int) -> EventFilter:
    if request.state not in codec.STATE_WORDS:
        raise InvalidInput.at("state", f"{request.state} is no state")
    if request.min_severity not in codec.SEVERITY_RANKS:
        raise InvalidInput.at("min_severity", f"{request.min_severity} is no severity")
    return EventFilter(
        state=codec.STATE_WORDS[request.state],
        screen_id=fields.text(request.screen_id, "screen_id"),
        min_severity=codec.SEVERITY_RANKS[request.min_severity],
        fingerprint=fields.text(request.fingerprint, "fingerprint"),
        now=now,
    )


def _span(request: pb.GetSummaryRequest, now: int) -> tuple[int, int]:
    """The span to sum up; the last 30 days of it where it has no start."""
    end = fields.micros(request.end_time, "end_time") if request.HasField("end_time") else now
    start = max(end - _SUMMARY_DAYS * _DAY, _FIRST_DAY)
    if request.HasField("start_time"):
        start = fields.micros(request.start_time, "start_time")
    if not 0 <= end - start <= _MAX_DAYS * _DAY:
        raise InvalidInput.at("start_time", f"before end_time, by at most {_MAX_DAYS} days")
    return start, end


def _scope(chosen: EventFilter) -> str:
    return f"{chosen.state}\n{chosen.min_severity}\n{chosen.fingerprint}\n{chosen.screen_id}"


def _days(first: str, last: str) -> list[str]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=n)).isoformat() for n in range((end - start).days + 1)]
