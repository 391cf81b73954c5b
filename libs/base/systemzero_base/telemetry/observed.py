"""The call that is being served, as logs and traces name it.

Invariants:
1. What is handed on to another service is the call's request id and its place in the trace, and
   nothing else of what its caller sent.
2. A request id is made where the caller sent none, or one that is not `[A-Za-z0-9._:/@=+-]`, 1 to
   128 of them: it stands in logs, trailers and metadata as it is.
3. A call that the sampler left out is recorded all the same, with what it did, where it failed by a
   fault of a server, or took `slow` seconds. Each service decides so for itself: a failure is seen
   by every service on its way up.
"""

from __future__ import annotations

import re
import time
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

from prometheus_client import Histogram

from systemzero_base.telemetry.tracing import (
    TRACEPARENT,
    TRACESTATE,
    Attributes,
    Kind,
    Span,
    SpanContext,
    Tracing,
    new_id,
    read_span_context,
)

CLIENT_DURATION: Final = Histogram(
    "rpc_client_call_duration_seconds",
    "Duration of calls to another service, each attempt by itself, by method, service and status.",
    ["rpc_method", "server_address", "rpc_response_status_code"],
)
REQUEST_ID: Final = "x-request-id"
MAX_HELD_SPANS: Final = 200
"""Of one call that is not sampled, in case that it is recorded after all."""

SERVER_FAULTS: Final = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)
"""Statuses for which a call is recorded in any case. UNIMPLEMENTED is a server's fault, too, by the
conventions, but anybody can call methods that there are not."""
_SERVER_ERRORS: Final = SERVER_FAULTS | {"UNIMPLEMENTED"}

Metadata = tuple[tuple[str, str | bytes], ...]

_REQUEST_ID = re.compile(r"(?!.*s0_)[A-Za-z0-9._:/@=+-]{1,128}")  # and no API key of ours


class CurrentCall:
    """A call from its start to its end.

    `tenant`, `principal`, `verdict` and `reason` are filled in as they become known; `span_context`
    is where the call stands in its trace, None where nobody traces it.
    """

    __slots__ = (
        "_held",
        "_started",
        "_tracing",
        "has_one_response",
        "metadata",
        "method",
        "name",
        "parent",
        "principal",
        "reason",
        "request_id",
        "seconds",
        "span_context",
        "start",
        "tenant",
        "verdict",
    )

    def __init__(
        self,
        method: str,
        metadata: Metadata,
        tracing: Tracing | None,
        *,
        has_one_response: bool = True,
    ) -> None:
        """`metadata` are the caller's."""
        self.method = method
        self.name = method.removeprefix("/")
        self.has_one_response = has_one_response
        self.metadata = metadata
        self.tenant = self.principal = self.verdict = self.reason = ""
        said = dict(reversed(metadata))  # of a repeated key the first value
        self.parent = read_span_context(said.get(TRACEPARENT), said.get(TRACESTATE))
        self._tracing = tracing
        self.span_context = (
            self.parent if tracing is None else tracing.begin(self.parent, self.name)
        )
        begins_here = self.span_context if self.parent is None else None
        self.request_id = _request_id(said.get(REQUEST_ID), begins_here)
        self._held: list[Span] | None = None
        self.seconds = 0.0
        self.start = time.time_ns()
        self._started = time.perf_counter()

    @property
    def is_traced(self) -> bool:
        """Whether spans below this call are of use."""
        return self._tracing is not None

    @property
    def is_sampled(self) -> bool:
        """Whether the sampler chose this call's trace, and it is exported."""
        return (
            self._tracing is not None
            and self.span_context is not None
            and self.span_context.sampled
        )

    @property
    def trace_id(self) -> str:
        """The trace's id, 32 hexadecimal digits; empty where there is no trace."""
        return self.span_context.trace_name if self.span_context else ""

    def add(self, span: Span) -> None:
        """Take a span below this call's. From any thread."""
        if self._tracing is None:
            return
        if span.span_context.sampled:
            self._tracing.record(span)
        elif self._held is None:
            self._held = [span]
        elif len(self._held) < MAX_HELD_SPANS:
            self._held.append(span)

    def end(self, status: str) -> bool:
        """The call is over with `status`; whether it is recorded."""
        self.seconds = time.perf_counter() - self._started
        if self._tracing is None or self.span_context is None:
            return False
        is_slow = self.has_one_response and self.seconds >= self._tracing.slow
        if not (self.span_context.sampled or is_slow or status in SERVER_FAULTS):
            return False
        self._tracing.record(self._span(self.span_context, status))
        for span in self._held or ():
            self._tracing.record(span)
        return True

    def _span(self, span_context: SpanContext, status: str) -> Span:
        attributes = rpc_attributes(self.name, status)
        for name in ("tenant", "principal", "verdict", "reason", "request_id"):
            if value := getattr(self, name):
                attributes[f"systemzero.{name}"] = value
        error = status if status in _SERVER_ERRORS else ""
        end = self.start + int(self.seconds * 1e9)
        return Span(
            span_context, self.parent, self.name, "SERVER", self.start, end, attributes, error
        )


class ChildSpan:
    """Something that is done for the current call, as a span below the call's own."""

    __slots__ = ("_call", "_kind", "_name", "_start", "_started", "span_context")

    def __init__(self, name: str, kind: Kind) -> None:
        call = current_call()
        self._call = call
        self._name = name
        self._kind: Kind = kind
        self.span_context: SpanContext | None = None
        if call is not None and call.span_context is not None:
            self.span_context = call.span_context.below() if call.is_traced else call.span_context
        self._start = time.time_ns()
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long it has been since the start."""
        return time.perf_counter() - self._started

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """By which another service goes on with the call."""
        if self._call is None:
            return ()
        request_id = (REQUEST_ID, self._call.request_id)
        if self.span_context is None:
            return (request_id,)
        parent = (TRACEPARENT, self.span_context.traceparent)
        if not self.span_context.state:
            return (request_id, parent)
        return (request_id, parent, (TRACESTATE, self.span_context.state))

    def end(self, attributes: Attributes, error: str = "") -> None:
        """It is done; `error` names what went wrong."""
        call = self._call
        if call is None or self.span_context is None or not call.is_traced:
            return
        end = self._start + int(self.seconds * 1e9)
        call.add(
            Span(
                self.span_context,
                call.span_context,
                self._name,
                self._kind,
                self._start,
                end,
                attributes,
                error,
            )
        )


class ClientSpan(ChildSpan):
    """A call to another service: `server` is its name."""

    __slots__ = ("_method", "_server")

    def __init__(self, method: str, server: str) -> None:
        self._method = method
        self._server = server
        super().__init__(method.removeprefix("/"), "CLIENT")

    def over(self, status: str) -> None:
        """It ended with `status`, the name of gRPC's code."""
        _duration(self._method, self._server, status).observe(self.seconds)
        if self._call is not None and self._call.is_traced:
            attributes = rpc_attributes(self._name, status)
            attributes["server.address"] = self._server
            self.end(attributes, "" if status == "OK" else status)


@cache
def _duration(path: str, server: str, status: str) -> Histogram:
    return CLIENT_DURATION.labels(path.removeprefix("/"), server, status)


_current: ContextVar[CurrentCall | None] = ContextVar("systemzero_call", default=None)


def current_call() -> CurrentCall | None:
    """The call that is being served in this task; None in work of the service's own."""
    return _current.get()


def set_current_call(call: CurrentCall | None) -> None:
    """Make `call` the current one for the rest of this task, or in this thread."""
    _current.set(call)


def note_verdict(kind: str) -> None:
    """The current call led to a verdict of `kind`, by the contract's name; of a stream, to many."""
    call = _current.get()
    if call is not None and call.has_one_response:
        call.verdict = kind.removeprefix("VERDICT_KIND_")


def recorded_trace_id() -> str:
    """The id of the current call's trace if that is sampled and exported, else empty."""
    call = _current.get()
    return call.trace_id if call is not None and call.is_sampled else ""


def rpc_attributes(name: str, status: str) -> dict[str, Any]:
    """What a span says of a call of the method `name`, by the semantic conventions for gRPC."""
    return {
        "rpc.system.name": "grpc",
        "rpc.method": name,
        "rpc.response.status_code": status,
    }


def _request_id(given: str | bytes | None, root: SpanContext | None) -> str:
    """The one `given`, or a new one: that of the trace that begins with the call, if one does."""
    if isinstance(given, str) and _REQUEST_ID.fullmatch(given):
        return given
    return root.trace_name if root else f"{new_id(128):032x}"
