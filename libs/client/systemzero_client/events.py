"""Drift events: read, watch, decide about."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import NamedTuple

from systemzero.diff.v1 import drift_service_pb2 as pb
from systemzero.diff.v1 import drift_service_pb2_grpc, verdict_pb2
from systemzero_client.channel import Transport
from systemzero_client.messages import timestamp
from systemzero_client.streams import Backoff, OnRetry, resumed


class WatchedEvent(NamedTuple):
    """An event that happened.

    Attributes:
        event: the event.
        cursor: hand it to `watch` to go on after this event, in another process, too.
    """

    event: pb.DriftEvent
    cursor: str


class Events:
    """DriftService."""

    def __init__(self, transport: Transport, backoff: Backoff) -> None:
        self._transport = transport
        self._backoff = backoff
        self._stub = drift_service_pb2_grpc.DriftServiceStub(transport.channel)

    async def list(
        self,
        *,
        state: pb.EventState.ValueType = pb.EVENT_STATE_UNSPECIFIED,
        screen_id: str = "",
        min_severity: verdict_pb2.Severity.ValueType = verdict_pb2.SEVERITY_UNSPECIFIED,
        fingerprint: str = "",
        page_size: int = 200,
    ) -> AsyncGenerator[pb.DriftEvent]:
        """Every event that fits, newest first; pages are fetched as they are needed."""
        request = pb.ListEventsRequest(
            state=state,
            screen_id=screen_id,
            min_severity=min_severity,
            fingerprint=fingerprint,
            page_size=page_size,
        )
        async for event in self._transport.pages(self._stub.ListEvents, request, "events"):
            yield event

    async def get(self, event_id: str) -> pb.DriftEvent:
        """One event whole."""
        request = pb.GetEventRequest(event_id=event_id)
        response: pb.GetEventResponse = await self._transport.unary(self._stub.GetEvent, request)
        return response.event

    async def watch(
        self, cursor: str = "", *, from_start: bool = False, on_retry: OnRetry | None = None
    ) -> AsyncGenerator[WatchedEvent]:
        """Events as they happen, each once, across reconnects.

        Args:
            cursor: that of the last event seen; empty starts with what happens from now on.
            from_start: without a cursor, start with the first event ever.
            on_retry: told of each break and the seconds until the next attempt.

        Raises:
            SystemZeroError: the first attempt failed, or a later one in a way no retry mends.
        """

        def open_at(at: str) -> AsyncGenerator[pb.WatchEventsResponse]:
            request = pb.WatchEventsRequest(cursor=at, from_start=from_start)
            return self._transport.stream(self._stub.WatchEvents, request)

        async for response in resumed(
            open_at, lambda r: r.cursor, cursor, backoff=self._backoff, on_retry=on_retry
        ):
            if response.HasField("event"):
                yield WatchedEvent(response.event, response.cursor)

    async def approve(
        self,
        event_id: str,
        reason: str,
        *,
        scope: pb.DecisionScope.ValueType = pb.DECISION_SCOPE_UNSPECIFIED,
        until: datetime | None = None,
        request_id: str = "",
    ) -> pb.ApproveEventResponse:
        """Approve an event's change, for good or `until` a time (with a time zone).

        Exactly the values that the event shows are approved; see `approve_pattern`.
        """
        request = pb.ApproveEventRequest(
            request_id=request_id or uuid.uuid4().hex,
            event_id=event_id,
            scope=scope,
            reason=reason,
            expire_time=timestamp(until) if until else None,
        )
        response: pb.ApproveEventResponse = await self._transport.unary(
            self._stub.ApproveEvent, request
        )
        return response

    async def approve_pattern(
        self, event_id: str, reason: str, *, request_id: str = ""
    ) -> pb.ApprovePatternResponse:
        """Approve an event's change for good, and any value of the same type in its places."""
        request = pb.ApprovePatternRequest(
            request_id=request_id or uuid.uuid4().hex, event_id=event_id, reason=reason
        )
        response: pb.ApprovePatternResponse = await self._transport.unary(
            self._stub.ApprovePattern, request
        )
        return response

    async def reject(
        self,
        event_id: str,
        reason: str,
        *,
        scope: pb.DecisionScope.ValueType = pb.DECISION_SCOPE_UNSPECIFIED,
        request_id: str = "",
    ) -> pb.DriftEvent:
        """Reject an event's change: it is more severe when it comes back."""
        request = pb.RejectEventRequest(
            request_id=request_id or uuid.uuid4().hex,
            event_id=event_id,
            scope=scope,
            reason=reason,
        )
        response: pb.RejectEventResponse = await self._transport.unary(
            self._stub.RejectEvent, request
        )
        return response.event

    async def snooze(
        self,
        event_id: str,
        reason: str,
        until: datetime,
        *,
        scope: pb.DecisionScope.ValueType = pb.DECISION_SCOPE_UNSPECIFIED,
        request_id: str = "",
    ) -> pb.DriftEvent:
        """Keep an event quiet `until` a time (with a time zone, in the future)."""
        request = pb.SnoozeEventRequest(
            request_id=request_id or uuid.uuid4().hex,
            event_id=event_id,
            scope=scope,
            reason=reason,
            expire_time=timestamp(until),
        )
        response: pb.SnoozeEventResponse = await self._transport.unary(
            self._stub.SnoozeEvent, request
        )
        return response.event

    async def summary(
        self, *, start: datetime | None = None, end: datetime | None = None
    ) -> pb.GetSummaryResponse:
        """Compliance, counts and trend; 30 days to now if nothing else is said."""
        request = pb.GetSummaryRequest(
            start_time=timestamp(start) if start else None,
            end_time=timestamp(end) if end else None,
        )
        response: pb.GetSummaryResponse = await self._transport.unary(
            self._stub.GetSummary, request
        )
        return response
